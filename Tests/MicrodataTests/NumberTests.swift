import Testing

@testable import Microdata

@Suite("microdata.md 4: numbers")
struct NumberTests {
  /// Doubles of every magnitude, and short decimals, whose neighbours are the hard cases.
  static func doubles(_ count: Int, seed: UInt64) -> [Double] {
    var random = SplitMix64(seed: seed)
    var out: [Double] = [
      0, 1, 0.1, 1e21, 1e-6, 1e-7, 5e-324, .greatestFiniteMagnitude, 9_007_199_254_740_993, 4.35, 123e-20,
    ]
    while out.count < count {
      let bits = Double(bitPattern: random.next())
      let short = Double(Int64.random(in: -99_999...99_999, using: &random)) / 1000
      let long = Double.random(in: -1e6...1e6, using: &random)
      let edge = Double(sign: .plus, exponent: Int.random(in: -30...30, using: &random), significand: 1)
      for value in [bits, short, long, short.nextUp, short.nextDown, edge, edge.nextUp, edge.nextDown]
      where value.isFinite {
        out.append(value)
      }
    }
    return out
  }

  @Test("the text of any double reads back as it, in both readings")
  func roundTrips() {
    for value in Self.doubles(16_000, seed: 1) {
      let text = NumberText.text(value)
      let read = Array(text.utf8).withView { NumberText.parse($0) }
      if read != value { Issue.record("\(value) is written \(text) and read \(read)") }
      if Double(text) != value { Issue.record("\(value) is written \(text)") }
    }
  }

  @Test("the text has the standard library's digits in ECMAScript's layout")
  func layout() {
    let known: [(Double, String)] = [
      (1e21, "1e+21"), (1e20, "100000000000000000000"), (123_456_789_012_345_680_000, "123456789012345680000"),
      (1e-6, "0.000001"),
      (1.5e-7, "1.5e-7"), (-0.0, "0"), (0.1, "0.1"), (100, "100"), (5e-324, "5e-324"), (-1.5, "-1.5"),
      (1.7976931348623157e308, "1.7976931348623157e+308"), (0.9999999999999999, "0.9999999999999999"),
      (2251799813685248.5, "2251799813685248.5"), (1e22, "1e+22"), (0.00001234, "0.00001234"),
    ]
    for (value, text) in known { #expect(NumberText.text(value) == text) }
  }

  @Test("a text is canonical exactly when it is the number's own text")
  func canonical() {
    var random = SplitMix64(seed: 3)
    for value in Self.doubles(16_000, seed: 2) {
      let text = NumberText.text(value)
      if !Array(text.utf8).withView({ NumberText.isCanonical($0) }) { Issue.record("\(text) is called not canonical") }
      // One more digit, one digit changed, one less: canonical only when it is again somebody's own text.
      var digits = Array(text.utf8)
      digits[Int.random(in: 0..<digits.count, using: &random)] = UInt8.random(in: 0x30...0x39, using: &random)
      for other in [
        digits, Array(text.utf8) + [0x30], Array(text.utf8.dropLast()), Array((text + "7").utf8),
        [0x30] + Array(text.utf8),
      ] {
        let string = String(decoding: other, as: UTF8.self)
        let isOwn = Double(string).map { $0.isFinite && NumberText.text($0) == string } ?? false
        if other.withView({ NumberText.isCanonical($0) }) != isOwn {
          Issue.record("\(string): canonical should be \(isOwn)")
        }
      }
    }
  }

  @Test("decimals read as the nearest double, whatever their length")
  func nearest() {
    var random = SplitMix64(seed: 4)
    for _ in 0..<20_000 {
      let digits = (0..<Int.random(in: 1...24, using: &random)).map { _ in String(Int.random(in: 0...9, using: &random))
      }
      var text = digits.joined()
      if Bool.random(using: &random) {
        text.insert(".", at: text.index(text.startIndex, offsetBy: Int.random(in: 0...text.count, using: &random)))
      }
      if Int.random(in: 0..<4, using: &random) == 0 { text += "e\(Int.random(in: -330...310, using: &random))" }
      let read = Array(text.utf8).withView { NumberText.parse($0) }
      let padded = text.hasPrefix(".") ? "0" + text : text.replacing(".e", with: ".0e")
      let wanted = Double(padded.hasSuffix(".") ? padded + "0" : padded)
      if read != wanted { Issue.record("\(text) reads \(read), expected \(String(describing: wanted))") }
    }
  }

  @Test(
    "what is no decimal reads as ECMAScript reads it",
    arguments: [
      ("", 0), ("  ", 0), ("\u{FEFF}1\u{2029}", 1), ("0x1F", 31), ("0XfF", 255), ("0b101", 5), ("0o17", 15), ("+5", 5),
      ("-.5", -0.5),
      ("5.", 5), ("Infinity", .infinity), ("-Infinity", -.infinity), ("1e400", .infinity), ("0x", .nan), ("-0x1", .nan),
      ("1_000", .nan), ("infinity", .nan), ("NaN", .nan), ("null", .nan), (".", .nan), ("1e", .nan), ("1 2", .nan),
      ("0b2", .nan), ("0o8", .nan), ("٣", .nan), ("0x20000000000001", 9_007_199_254_740_992),
      ("0x20000000000003", 9_007_199_254_740_996),
      ("0b", .nan), ("1\u{0000}", .nan), ("+", .nan), ("e5", .nan),
    ] as [(String, Double)])
  func reading(_ text: String, _ wanted: Double) {
    let read = Array(text.utf8).withView { NumberText.parse($0) }
    #expect(wanted.isNaN ? read.isNaN : read == wanted)
  }
}
