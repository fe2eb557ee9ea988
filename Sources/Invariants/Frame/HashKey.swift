/// A hash of 64 lower-case hex digits as 32 bytes: tables of hashes hold these, not texts.
struct HashKey: Hashable, Comparable, Sendable {
  private let words: (UInt64, UInt64, UInt64, UInt64)

  /// Nil for anything but 64 lower-case hex digits.
  init?(_ text: String) {
    guard text.utf8.count == 64 else { return nil }
    let fast = unsafe text.utf8.withContiguousStorageIfAvailable { unsafe Self.words($0) }
    guard let words = unsafe fast ?? Array(text.utf8).withUnsafeBufferPointer({ unsafe Self.words($0) }) else {
      return nil
    }
    self.words = words
  }

  /// The first eight digits, for messages.
  var head: String {
    let digits = String(words.0 >> 32, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  private static func words(_ digits: UnsafeBufferPointer<UInt8>) -> (UInt64, UInt64, UInt64, UInt64)? {
    guard let one = unsafe word(digits, 0), let two = unsafe word(digits, 16), let three = unsafe word(digits, 32),
      let four = unsafe word(digits, 48)
    else { return nil }
    return (one, two, three, four)
  }

  private static func word(_ digits: UnsafeBufferPointer<UInt8>, _ start: Int) -> UInt64? {
    var word: UInt64 = 0
    for position in start..<(start + 16) {
      let byte = unsafe digits[position]
      if byte &- 0x30 < 10 {
        word = word << 4 | UInt64(byte &- 0x30)
      } else if byte &- 0x61 < 6 {
        word = word << 4 | UInt64(byte &- 0x57)
      } else {
        return nil
      }
    }
    return word
  }

  static func == (one: HashKey, other: HashKey) -> Bool { one.words == other.words }

  static func < (one: HashKey, other: HashKey) -> Bool { one.words < other.words }

  func hash(into hasher: inout Hasher) {
    // All of it: the hashes of a hostile file may agree in any part.
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}

func isHash(_ text: String) -> Bool { HashKey(text) != nil }
