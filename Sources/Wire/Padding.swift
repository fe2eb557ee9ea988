/// What the box of an encrypted frame holds: padding in front, the body at the end (connection.md 3.3).
public struct PaddedMessage: Sendable, Equatable {
  /// High nibble of the first byte: bit 0 says text, the others have no meaning.
  public var flags: UInt8
  /// L, the number of length bytes (low nibble of the first byte).
  public var lengthBytes: Int
  /// q, the number of padding bytes behind the length bytes.
  public var paddingCount: Int
  public var body: [UInt8]

  public var isText: Bool { flags & 1 == 1 }
  /// r: bytes that the padding added behind the first byte.
  public var r: Int { lengthBytes + paddingCount }

  /// Takes the padding off. Deployed evaluates the first eight of up to fifteen length bytes; strict refuses more than
  /// eight, and reserved flag bits (ENC-017, ENC-018).
  public static func decode(_ plain: [UInt8], profile: Profile = .deployed) throws(WireFailure) -> PaddedMessage {
    let section = "connection.md 3.3"
    guard let first = plain.first else { throw WireFailure("padding.empty", section, "no first byte") }
    let flags = first >> 4
    let lengthBytes = Int(first & 15)
    if profile == .strict, lengthBytes > 8 {
      throw WireFailure("padding.long-length", section, "\(lengthBytes) length bytes, at most 8 are allowed")
    }
    if profile == .strict, flags > 1 { throw WireFailure("padding.reserved-flags", section, "flags \(flags)") }
    guard plain.count > lengthBytes else {
      throw WireFailure(
        "padding.short-length", section, "\(lengthBytes) length bytes announced, \(plain.count - 1) there")
    }
    var count: UInt64 = 0
    for byte in plain[1..<(1 + min(lengthBytes, 8))] { count = count << 8 | UInt64(byte) }
    let start = 1 + lengthBytes
    guard count <= UInt64(plain.count - start) else {
      throw WireFailure("padding.beyond-end", section, "\(count) padding bytes announced, \(plain.count - start) there")
    }
    return PaddedMessage(
      flags: flags, lengthBytes: lengthBytes, paddingCount: Int(count), body: Array(plain[(start + Int(count))...]))
  }

  /// Puts the padding on as the reference does: `r` bytes behind the first one, the last r − 1 of them random.
  ///
  /// `randomPadding` must hold at least r − 1 bytes; missing ones count as zero.
  public static func encode(body: [UInt8], isText: Bool, r: UInt8, randomPadding: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(body.count + 1 + Int(r))
    let flags: UInt8 = isText ? 0x10 : 0x00
    if r == 0 {
      out.append(flags)
    } else {
      out.append(flags | 1)
      out.append(r - 1)
      for position in 0..<Int(r - 1) { out.append(position < randomPadding.count ? randomPadding[position] : 0) }
    }
    return out + body
  }
}

/// UTF-8 as the reference reads it: invalid bytes become U+FFFD, a byte order mark in front is dropped.
public func lenientText(_ bytes: some Collection<UInt8>) -> String {
  let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
  let body = bytes.starts(with: mark) ? bytes.dropFirst(3) : bytes[...]
  return String(decoding: body, as: UTF8.self)
}
