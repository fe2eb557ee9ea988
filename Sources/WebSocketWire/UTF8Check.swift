/// UTF-8 validity of bytes that come in pieces: a fault shows at its first byte, not at the end of the message.
struct UTF8Check: Sendable {
  private var missing = 0
  /// The range that the next continuation byte must lie in; it excludes overlong forms, surrogates and U+110000.
  private var range: ClosedRange<UInt8> = 0x80...0xBF

  /// False when no continuation can make the bytes valid.
  mutating func take(_ bytes: [UInt8]) -> Bool {
    for byte in bytes {
      if missing > 0 {
        guard range.contains(byte) else { return false }
        missing -= 1
        range = 0x80...0xBF
        continue
      }
      if byte < 0x80 { continue }
      switch byte {
      case 0xC2...0xDF: missing = 1
      case 0xE0: (missing, range) = (2, 0xA0...0xBF)
      case 0xED: (missing, range) = (2, 0x80...0x9F)
      case 0xE1...0xEF: missing = 2
      case 0xF0: (missing, range) = (3, 0x90...0xBF)
      case 0xF1...0xF3: missing = 3
      case 0xF4: (missing, range) = (3, 0x80...0x8F)
      default: return false
      }
    }
    return true
  }

  /// True when no character is left half.
  var isComplete: Bool { missing == 0 }
}
