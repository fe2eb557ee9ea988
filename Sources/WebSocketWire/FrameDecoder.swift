/// Cuts a byte stream into frames (RFC 6455, section 5.2). Bounded: a frame longer than the limit is never collected.
public struct FrameDecoder: Sendable {
  private var buffer: [UInt8] = []
  private var start = 0
  public let limit: Int
  private let allowsLongControl: Bool
  private let allowsLongForms: Bool

  /// `limit` bounds the payload of one frame, in bytes. The other two are planted faults.
  public init(limit: Int, allowsLongControl: Bool = false, allowsLongForms: Bool = false) {
    self.limit = limit
    self.allowsLongControl = allowsLongControl
    self.allowsLongForms = allowsLongForms
  }

  public mutating func append(_ bytes: [UInt8]) {
    if start > 0, start >= buffer.count {
      buffer.removeAll(keepingCapacity: true)
      start = 0
    } else if start > 1 << 16 {
      buffer.removeFirst(start)
      start = 0
    }
    buffer += bytes
  }

  /// Bytes that wait for the rest of their frame.
  public var pendingBytes: Int { buffer.count - start }

  /// The next whole frame with its payload unmasked, nil when more bytes are needed.
  public mutating func next() throws(FrameFault) -> Frame? {
    let available = buffer.count - start
    guard available >= 2 else { return nil }
    let first = buffer[start]
    let second = buffer[start + 1]
    var length = Int(second & 127)
    var header = 2
    if length == 126 {
      guard available >= 4 else { return nil }
      length = Int(buffer[start + 2]) << 8 | Int(buffer[start + 3])
      header = 4
      guard length >= 126 || allowsLongForms else { throw .lengthNotMinimal }
    } else if length == 127 {
      guard available >= 10 else { return nil }
      var wide: UInt64 = 0
      for position in 2..<10 { wide = wide << 8 | UInt64(buffer[start + position]) }
      guard wide < 1 << 63 else { throw .lengthOutOfRange }
      guard wide >= 65_536 || allowsLongForms else { throw .lengthNotMinimal }
      length = Int(wide)
      header = 10
    }
    let opcode = Opcode(first)
    if opcode.isControl, length > 125, !allowsLongControl { throw .longControl(length) }
    guard length <= limit else { throw .messageTooLong(limit: limit) }
    let isMasked = second & 0x80 != 0
    if isMasked { header += 4 }
    guard available >= header + length else { return nil }
    var frame = Frame(fin: first & 0x80 != 0, reserved: first >> 4 & 7, opcode: opcode)
    let payload = start + header
    frame.payload = Array(buffer[payload..<payload + length])
    if isMasked {
      let mask = Array(buffer[payload - 4..<payload])
      frame.mask = mask
      Frame.apply(mask: mask, to: &frame.payload, from: 0)
    }
    start = payload + length
    return frame
  }
}
