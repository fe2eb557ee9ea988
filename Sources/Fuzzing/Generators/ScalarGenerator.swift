/// Scalars as fuzzing wants them: the plain ones often, the ones on an edge of the specification more often.
enum ScalarGenerator {
  static let strings: [String] = [
    "", "a", "b", "ab", "a!", "a=", "a b", " ", "1", "10", "9", "01", "true", "false", "null", "NaN", "-0", "0x1",
    "1e21",
    "&", "<", ">", "\"", "'", "&amp;", "&lt;", "&gt;", "&amp;lt;", "&quot;", "&#60;", "&LT;", "&lt", "a&b", "</span>",
    "<div>", "<!--", "]]>", "itemprop=\"a\"", "\r", "\r\n", "\n", "\t", "\u{0}", "\u{1}", "\u{1F}", "\u{7F}", "\u{85}",
    "\u{FEFF}", "\u{FFFD}", "\u{FFFE}", "\u{FFFF}", "\u{E000}", "\u{10000}", "\u{10FFFF}", "😀", "é", "e\u{301}", "Å",
    "\u{212B}",
    "\u{2028}", "\u{202E}", "日本語", "\\", "{\"a\":1}", "[]", "__proto__", "$x", "one.leute",
    "0000000000000000000000000000000000000000000000000000000000000000",
  ]

  static func string(_ choices: inout Choices, depth: Int = 0) -> [UInt16] {
    switch choices.below(8) {
    case 0...3: return Array(choices.pick(strings).utf16)
    case 4, 5:
      var out: [UInt16] = []
      for _ in 0..<choices.below(12) { out.append(UInt16(0x61 + choices.below(26))) }
      return out
    case 6 where depth < 3: return string(&choices, depth: depth + 1) + string(&choices, depth: depth + 1)
    default:
      var out: [UInt16] = []
      for _ in 0..<choices.below(5) {
        let raw = UInt32(choices.below(65536)) << UInt32(choices.below(5))
        if let scalar = Unicode.Scalar(raw) { out += Array(String(Character(scalar)).utf16) }
      }
      return out
    }
  }

  static let numbers: [Double] = [
    0, 1, -1, 2, 10, 9, 0.1, 0.5, 1.5, -1.5, 1e21, 1e20, 123_456_789_012_345_683_968, 1e-6, 1e-7, 1.5e-7,
    .leastNonzeroMagnitude, 2.2250738585072014e-308,
    1.7976931348623157e308, 9_007_199_254_740_992, 9_007_199_254_740_994, -9_007_199_254_740_991, 4_294_967_296, -0.0,
    0.3, 100, 1e100, -1e21, 1_700_000_000_000, 123.456, 4.35, 0.000001, 1 / 3.0,
  ]

  static func number(_ choices: inout Choices) -> Double {
    switch choices.below(6) {
    case 0...2: return choices.pick(numbers)
    case 3: return Double(choices.below(1000))
    case 4: return Double(Int64(truncatingIfNeeded: choices.word()) >> Int64(choices.below(40)))
    default:
      let value = Double(bitPattern: choices.word())
      return value.isFinite ? value : 0
    }
  }

  static func integer(_ choices: inout Choices) -> Double {
    let value = number(&choices)
    return value.rounded(.towardZero)
  }

  /// A hash, from one choice: many equal ones, as real data has.
  static func hash(_ choices: inout Choices) -> [UInt16] {
    var generator = SplitMix64(seed: UInt64(choices.byte()))
    var digits: [UInt16] = []
    for _ in 0..<4 {
      let word = generator.next()
      for shift in stride(from: 0, to: 64, by: 4) {
        digits.append(Array("0123456789abcdef".utf16)[Int(word >> UInt64(shift) & 15)])
      }
    }
    return digits
  }

  /// A JSON value without what JSON cannot carry.
  static func json(_ choices: inout Choices, depth: Int = 0) -> ModelValue {
    switch choices.below(depth < 3 ? 8 : 5) {
    case 0: return .null
    case 1: return .bool(choices.oneIn(2))
    case 2: return .number(number(&choices))
    case 3, 4: return .string(string(&choices))
    case 5, 6:
      var items: [ModelValue] = []
      for _ in 0..<choices.below(4) { items.append(json(&choices, depth: depth + 1)) }
      return .array(items)
    default:
      var members: [ModelValue.Member] = []
      for _ in 0..<choices.below(4) {
        let name = string(&choices)
        // Keys are written raw (C1), so those that need escaping do not come back.
        guard ModelJSON.text(.string(name)).count == name.count + 2, !members.contains(where: { $0.name == name })
        else {
          continue
        }
        members.append(ModelValue.Member(name, json(&choices, depth: depth + 1)))
      }
      return .object(members)
    }
  }
}
