/// A hash of 64 lower-case hex digits as 32 bytes: tables of hashes hold these, not texts.
struct HashKey: Hashable, Sendable {
  private let words: (UInt64, UInt64, UInt64, UInt64)

  /// Nil for anything but 64 lower-case hex digits.
  init?(_ text: String) {
    guard text.utf8.count == 64 else { return nil }
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    var position = 0
    for byte in text.utf8 {
      let digit: UInt64
      switch byte {
      case 0x30...0x39: digit = UInt64(byte &- 0x30)
      case 0x61...0x66: digit = UInt64(byte &- 0x57)
      default: return nil
      }
      switch position >> 4 {
      case 0: words.0 = words.0 << 4 | digit
      case 1: words.1 = words.1 << 4 | digit
      case 2: words.2 = words.2 << 4 | digit
      default: words.3 = words.3 << 4 | digit
      }
      position += 1
    }
    self.words = words
  }

  static func == (one: HashKey, other: HashKey) -> Bool { one.words == other.words }

  func hash(into hasher: inout Hasher) {
    // All of it: the hashes of a hostile file may agree in any part.
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}

func isHash(_ text: String) -> Bool { HashKey(text) != nil }
