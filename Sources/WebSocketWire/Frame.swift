/// One WebSocket frame as it stands on the wire (RFC 6455, section 5.2). Nothing is checked here.
public struct Frame: Sendable, Equatable {
  public var fin: Bool
  /// The three reserved bits, RSV1 as the highest: 0…7.
  public var reserved: UInt8
  public var opcode: Opcode
  /// The masking key, or nil for an unmasked frame.
  public var mask: [UInt8]?
  public var payload: [UInt8]

  public init(
    fin: Bool = true, reserved: UInt8 = 0, opcode: Opcode, mask: [UInt8]? = nil, payload: [UInt8] = []
  ) {
    self.fin = fin
    self.reserved = reserved
    self.opcode = opcode
    self.mask = mask
    self.payload = payload
  }

  /// The frame's bytes. `lengthBytes` forces 2 or 8 length bytes, for frames that are not in the shortest form.
  public func encoded(lengthBytes: Int? = nil) -> [UInt8] { encoded(lengthBytes: lengthBytes, length: payload.count) }

  /// The frame with a header that claims another length than the payload has.
  public func encoded(claiming length: Int) -> [UInt8] { encoded(lengthBytes: nil, length: length) }

  private func encoded(lengthBytes: Int?, length: Int) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(payload.count + 14)
    out.append((fin ? 0x80 : 0) | (reserved & 7) << 4 | opcode.rawValue & 15)
    let masked: UInt8 = mask == nil ? 0 : 0x80
    let size = lengthBytes ?? (length < 126 ? 0 : length < 65_536 ? 2 : 8)
    switch size {
    case 2: out.append(masked | 126)
    case 8: out.append(masked | 127)
    default: out.append(masked | UInt8(length & 127))
    }
    if size > 0 {
      for position in (0..<size).reversed() { out.append(UInt8(truncatingIfNeeded: length >> (8 * position))) }
    }
    guard let mask, mask.count == 4 else { return out + payload }
    out += mask
    let start = out.count
    out += payload
    Frame.apply(mask: mask, to: &out, from: start)
    return out
  }

  /// XORs everything from `start` on with the four bytes of the masking key.
  static func apply(mask: [UInt8], to bytes: inout [UInt8], from start: Int) {
    let key = (mask[0], mask[1], mask[2], mask[3])
    var index = start
    while index + 3 < bytes.count {
      bytes[index] ^= key.0
      bytes[index + 1] ^= key.1
      bytes[index + 2] ^= key.2
      bytes[index + 3] ^= key.3
      index += 4
    }
    while index < bytes.count {
      bytes[index] ^= mask[(index - start) & 3]
      index += 1
    }
  }
}

/// The four bits that say what a frame is; an open set, since peers may send reserved ones.
public struct Opcode: Sendable, Hashable, CustomStringConvertible {
  public let rawValue: UInt8
  public init(_ rawValue: UInt8) { self.rawValue = rawValue & 15 }

  public static let continuation = Opcode(0)
  public static let text = Opcode(1)
  public static let binary = Opcode(2)
  public static let close = Opcode(8)
  public static let ping = Opcode(9)
  public static let pong = Opcode(10)

  public var isControl: Bool { rawValue & 8 != 0 }
  public var isReserved: Bool { !(0...2).contains(rawValue) && !(8...10).contains(rawValue) }

  public var description: String {
    switch self {
    case .continuation: "continuation"
    case .text: "text"
    case .binary: "binary"
    case .close: "close"
    case .ping: "ping"
    case .pong: "pong"
    default: "reserved opcode \(rawValue)"
    }
  }
}

/// What breaks RFC 6455 in a stream of frames, with the close code that the sender is owed.
public enum FrameFault: Error, Sendable, Equatable, CustomStringConvertible {
  case reservedBits(UInt8)
  case reservedOpcode(UInt8)
  case unmasked
  case masked
  case longControl(Int)
  case fragmentedControl
  case unexpectedContinuation
  case messageInsideMessage
  case lengthNotMinimal
  case lengthOutOfRange
  case messageTooLong(limit: Int)
  case invalidUTF8
  case closePayloadOfOneByte
  case closeCode(UInt16)

  /// RFC 6455, section 7.4.1.
  public var closeCode: UInt16 {
    switch self {
    case .messageTooLong: 1009
    case .invalidUTF8: 1007
    default: 1002
    }
  }

  public var description: String {
    switch self {
    case .reservedBits(let bits): "reserved bits set (\(bits))"
    case .reservedOpcode(let code): "reserved opcode \(code)"
    case .unmasked: "a client's frame without mask"
    case .masked: "a server's frame with a mask"
    case .longControl(let length): "a control frame with \(length) bytes of payload"
    case .fragmentedControl: "a fragmented control frame"
    case .unexpectedContinuation: "a continuation without a message to continue"
    case .messageInsideMessage: "a new message before the last one ended"
    case .lengthNotMinimal: "a length that is not in the shortest form"
    case .lengthOutOfRange: "a length of 2^63 or more"
    case .messageTooLong(let limit): "a message of more than \(limit) bytes"
    case .invalidUTF8: "text that is not UTF-8"
    case .closePayloadOfOneByte: "a close frame with a payload of one byte"
    case .closeCode(let code): "close code \(code), which must not stand on the wire"
    }
  }
}
