/// The four bits that say what a frame is (RFC 6455, 5.2); open, since peers send whatever they like.
public struct Opcode: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue & 15 }

  public static let continuation = Opcode(rawValue: 0)
  public static let text = Opcode(rawValue: 1)
  public static let binary = Opcode(rawValue: 2)
  public static let close = Opcode(rawValue: 8)
  public static let ping = Opcode(rawValue: 9)
  public static let pong = Opcode(rawValue: 10)

  public var isControl: Bool { rawValue & 8 != 0 }
  public var isKnown: Bool { rawValue <= 2 || (8...10).contains(rawValue) }
}

/// Which end of a WebSocket this is: clients mask, servers do not (RFC 6455, 5.1).
public enum Endpoint: Sendable {
  case server
  case client
}

/// The head of one frame, 2 to 14 bytes.
public struct FrameHeader: Sendable, Equatable {
  public static let maximumSize = 14

  public var isFinal: Bool
  /// RSV1, RSV2, RSV3 as the bits 4, 2, 1.
  public var reservedBits: UInt8
  public var opcode: Opcode
  /// The masking key with its first byte lowest; nil for an unmasked frame.
  public var mask: UInt32?
  /// Bytes of payload as written; up to 2^64 - 1 from a hostile peer.
  public var length: UInt64
  /// False when the length was written longer than needed (RFC 6455, 5.2); ``write(to:)`` never does that.
  public var isShortest = true

  public init(
    isFinal: Bool = true, reservedBits: UInt8 = 0, opcode: Opcode, mask: UInt32? = nil, length: UInt64
  ) {
    self.isFinal = isFinal
    self.reservedBits = reservedBits
    self.opcode = opcode
    self.mask = mask
    self.length = length
  }

  /// Reads the head at the start of `bytes`; nil when it is not all there yet. Nothing is judged here.
  public static func parse(_ bytes: UnsafeRawBufferPointer) -> (header: FrameHeader, size: Int)? {
    guard bytes.count >= 2 else { return nil }
    let first = unsafe bytes[0]
    let second = unsafe bytes[1]
    var length = UInt64(second & 0x7F)
    var size = 2
    let extended = length == 126 ? 2 : length == 127 ? 8 : 0
    let isMasked = second & 0x80 != 0
    guard bytes.count >= size + extended + (isMasked ? 4 : 0) else { return nil }
    if extended > 0 {
      length = 0
      for offset in 0..<extended { unsafe length = length << 8 | UInt64(bytes[size + offset]) }
      size += extended
    }
    var mask: UInt32?
    if isMasked {
      mask = unsafe bytes.loadUnaligned(fromByteOffset: size, as: UInt32.self).littleEndian
      size += 4
    }
    var header = FrameHeader(
      isFinal: first & 0x80 != 0, reservedBits: first >> 4 & 7, opcode: Opcode(rawValue: first), mask: mask,
      length: length)
    header.isShortest = extended == 0 || extended == 2 && length > 125 || length > 0xFFFF
    return (header, size)
  }

  /// Bytes that ``write(to:)`` appends.
  public var size: Int { 2 + (length < 126 ? 0 : length <= 0xFFFF ? 2 : 8) + (mask == nil ? 0 : 4) }

  /// Writes the head in its shortest form; `bytes` has at least ``size`` bytes. Returns how many were written.
  @discardableResult
  public func write(to bytes: UnsafeMutableRawBufferPointer) -> Int {
    unsafe bytes[0] = (isFinal ? 0x80 : 0) | reservedBits << 4 | opcode.rawValue
    let maskBit: UInt8 = mask == nil ? 0 : 0x80
    var index = 2
    if length < 126 {
      unsafe bytes[1] = maskBit | UInt8(length)
    } else if length <= 0xFFFF {
      unsafe bytes[1] = maskBit | 126
      unsafe bytes[2] = UInt8(length >> 8)
      unsafe bytes[3] = UInt8(length & 0xFF)
      index = 4
    } else {
      unsafe bytes[1] = maskBit | 127
      for offset in 0..<8 {
        unsafe bytes[2 + offset] = UInt8(truncatingIfNeeded: length >> UInt64(56 - 8 * offset))
      }
      index = 10
    }
    if let mask {
      unsafe bytes.storeBytes(of: mask.littleEndian, toByteOffset: index, as: UInt32.self)
      index += 4
    }
    return index
  }

  /// The head as bytes.
  public var encoded: [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: Self.maximumSize) { buffer, count in
      count = unsafe write(to: UnsafeMutableRawBufferPointer(buffer))
    }
  }

  /// What RFC 6455 demands of any frame, whatever came before it.
  public func check(at endpoint: Endpoint) throws(FrameFailure) {
    guard reservedBits == 0 else { throw .reservedBits }
    guard opcode.isKnown else { throw .reservedOpcode }
    if opcode.isControl {
      guard isFinal else { throw .fragmentedControl }
      guard length <= 125 else { throw .longControl }
    }
    guard (mask != nil) == (endpoint == .server) else { throw endpoint == .server ? .unmasked : .masked }
  }
}

/// A frame or message that breaks RFC 6455.
public enum FrameFailure: Error, Sendable, Equatable, CaseIterable {
  case reservedBits, reservedOpcode, fragmentedControl, longControl, unmasked, masked
  case strayContinuation, interruptedMessage
  /// Only strict servers look for it.
  case longLength
  case shortCloseBody, badCloseCode
  case badUTF8
  case tooLong

  /// The close code that the peer is owed (RFC 6455, 7.4.1).
  public var closeCode: UInt16 {
    switch self {
    case .badUTF8: 1_007
    case .tooLong: 1_009
    default: 1_002
    }
  }
}
