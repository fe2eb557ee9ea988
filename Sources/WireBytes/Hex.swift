/// Base-16 text, two digits a byte (connection.md, terms).
public enum Hex {
  private static let digits: [UInt8] = Array("0123456789abcdef".utf8)

  /// The lower-case form that the reference writes.
  public static func encode(_ bytes: some Sequence<UInt8>) -> String {
    var out: [UInt8] = []
    out.reserveCapacity(bytes.underestimatedCount * 2)
    for byte in bytes {
      out.append(digits[Int(byte >> 4)])
      out.append(digits[Int(byte & 15)])
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// Exact reading: an even number of digits, either case, nothing else; nil otherwise (the strict profile, SEC-26).
  public static func decode(_ text: some StringProtocol) -> [UInt8]? {
    let utf8 = Array(text.utf8)
    guard utf8.count.isMultiple(of: 2) else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(utf8.count / 2)
    var index = 0
    while index < utf8.count {
      guard let high = value(utf8[index]), let low = value(utf8[index + 1]) else { return nil }
      out.append(high << 4 | low)
      index += 2
    }
    return out
  }

  /// The deployed server's reading: a pair with a digit that is not hex counts as zero; nil only for odd length.
  ///
  /// The length counts UTF-16 units, as the real implementation does (connection.md 2.2, M1; [rec: fail-first-message]).
  public static func decodeLeniently(_ text: String) -> [UInt8]? {
    let units = Array(text.utf16)
    guard units.count.isMultiple(of: 2) else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(units.count / 2)
    var index = 0
    while index < units.count {
      out.append(lenientPair(units[index], units[index + 1]))
      index += 2
    }
    return out
  }

  /// True when every character is a hex digit of either case and the count is even.
  public static func isHex(_ text: some StringProtocol) -> Bool {
    let utf8 = text.utf8
    return utf8.count.isMultiple(of: 2) && utf8.allSatisfy { value($0) != nil }
  }

  /// True for a hash: exactly 64 lower-case digits (chum.md 0.2).
  public static func isHash(_ text: some StringProtocol) -> Bool {
    let utf8 = text.utf8
    guard utf8.count == 64 else { return false }
    return utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
  }

  @inline(__always)
  static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x61...0x66: digit - 0x61 + 10
    case 0x41...0x46: digit - 0x41 + 10
    default: nil
    }
  }

  /// JavaScript's `parseInt(pair, 16)` stored into a byte: a leading digit counts alone, anything else is zero.
  private static func lenientPair(_ first: UInt16, _ second: UInt16) -> UInt8 {
    guard let high = UInt8(exactly: first).flatMap(value) else { return 0 }
    guard let low = UInt8(exactly: second).flatMap(value) else { return high }
    return high << 4 | low
  }
}
