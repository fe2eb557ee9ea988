import Cryptobox

/// A SHA-256 as the name of what it was made of: 32 bytes, without an allocation of its own.
public struct ObjectHash: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The bytes in big-endian groups, so that comparing words is comparing the hex texts.
  private let words: (UInt64, UInt64, UInt64, UInt64)

  /// Nil unless the text is exactly 64 lower-case hex digits.
  public init?(hex: some StringProtocol) {
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    var count = 0
    for digit in hex.utf8 {
      let value: UInt64
      switch digit {
      case 0x30...0x39: value = UInt64(digit - 0x30)
      case 0x61...0x66: value = UInt64(digit - 0x61 + 10)
      default: return nil
      }
      switch count >> 4 {
      case 0: words.0 = words.0 << 4 | value
      case 1: words.1 = words.1 << 4 | value
      case 2: words.2 = words.2 << 4 | value
      case 3: words.3 = words.3 << 4 | value
      default: return nil
      }
      count += 1
    }
    guard count == 64 else { return nil }
    self.words = words
  }

  /// Nil unless there are 32 bytes.
  public init?(bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    func word(_ start: Int) -> UInt64 { bytes[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) } }
    words = (word(0), word(8), word(16), word(24))
  }

  /// The name of content.
  public static func of(_ content: [UInt8]) -> ObjectHash {
    // A SHA-256 has 32 bytes, always.
    ObjectHash(bytes: SHA256.hash(content)) ?? zero
  }

  static let zero = ObjectHash(words: (0, 0, 0, 0))
  private init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

  /// Reads 64 digits that stand at a place in bytes; nil when they do not.
  public init?(hexAt start: Int, of bytes: [UInt8]) {
    guard start >= 0, start + 64 <= bytes.count else { return nil }
    func word(_ first: Int) -> UInt64? {
      var word: UInt64 = 0
      for index in first..<first + 16 {
        let digit = bytes[index]
        switch digit {
        case 0x30...0x39: word = word << 4 | UInt64(digit &- 0x30)
        case 0x61...0x66: word = word << 4 | UInt64(digit &- 0x57)
        default: return nil
        }
      }
      return word
    }
    guard let a = word(start), let b = word(start + 16), let c = word(start + 32), let d = word(start + 48) else {
      return nil
    }
    words = (a, b, c, d)
  }

  /// Appends the 64 digits.
  public func appendHex(to out: inout [UInt8]) {
    for word in [words.0, words.1, words.2, words.3] {
      for shift in stride(from: 60, through: 0, by: -4) {
        let digit = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15
        out.append(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
      }
    }
  }

  public var bytes: [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(32)
    for word in [words.0, words.1, words.2, words.3] {
      for shift in stride(from: 56, through: 0, by: -8) { out.append(UInt8(truncatingIfNeeded: word >> UInt64(shift))) }
    }
    return out
  }

  public var hex: String {
    var digits: [UInt8] = []
    digits.reserveCapacity(64)
    appendHex(to: &digits)
    return String(decoding: digits, as: UTF8.self)
  }
  public var description: String { hex }
  /// The first eight digits, for people.
  public var short: String { String(hex.prefix(8)) }

  public static func == (one: ObjectHash, other: ObjectHash) -> Bool { one.words == other.words }
  public static func < (one: ObjectHash, other: ObjectHash) -> Bool { one.words < other.words }
  public func hash(into hasher: inout Hasher) {
    // The content is a digest already, so one word spreads as well as four; but a peer chooses objects, not seeds.
    hasher.combine(words.0)
    hasher.combine(words.3)
  }
}
