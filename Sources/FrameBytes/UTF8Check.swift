/// Checks UTF-8 that comes in pieces; a text message must be valid as a whole (RFC 6455, 8.1).
public struct UTF8Check: Sendable {
  /// Continuation bytes still to come, and the bounds of the next one.
  private var missing = 0
  private var low: UInt8 = 0x80
  private var high: UInt8 = 0xBF

  public init() {}

  /// True when the text may end here.
  public var isComplete: Bool { missing == 0 }

  /// False as soon as a byte cannot stand where it stands.
  public mutating func feed(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    let count = bytes.count
    while index < count {
      if missing == 0 {
        // Eight ASCII bytes at a time.
        while index + 8 <= count,
          unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
        {
          index += 8
        }
        guard index < count else { break }
        let byte = unsafe bytes[index]
        index += 1
        switch byte {
        case 0...0x7F: continue
        case 0xC2...0xDF: expect(1)
        case 0xE0: expect(2, low: 0xA0)
        case 0xED: expect(2, high: 0x9F)
        case 0xE1...0xEF: expect(2)
        case 0xF0: expect(3, low: 0x90)
        case 0xF1...0xF3: expect(3)
        case 0xF4: expect(3, high: 0x8F)
        default: return false
        }
      } else {
        let byte = unsafe bytes[index]
        index += 1
        guard byte >= low, byte <= high else { return false }
        missing -= 1
        low = 0x80
        high = 0xBF
      }
    }
    return true
  }

  private mutating func expect(_ count: Int, low: UInt8 = 0x80, high: UInt8 = 0xBF) {
    missing = count
    self.low = low
    self.high = high
  }

  /// Checks a whole text at once.
  public static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var check = UTF8Check()
    return unsafe check.feed(bytes) && check.isComplete
  }

  public static func isValid(_ bytes: [UInt8]) -> Bool {
    unsafe bytes.withUnsafeBytes { unsafe isValid($0) }
  }
}
