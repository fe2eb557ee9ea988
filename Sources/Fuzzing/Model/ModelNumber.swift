/// Number text both ways (microdata.md 4), written from the rules as they stand there.
enum ModelNumber {
  /// ECMAScript's Number-to-String.
  static func text(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    if value == 0 { return "0" }
    // Swift's description has the shortest round-trip digits; only their arrangement is ours.
    var digits = ""
    var point: Int?
    var exponent = 0
    let description = value.magnitude.description
    let mantissa = description.prefix { $0 != "e" }
    if mantissa.count < description.count { exponent = Int(description.dropFirst(mantissa.count + 1)) ?? 0 }
    for character in mantissa {
      if character == "." { point = digits.count } else { digits.append(character) }
    }
    var p = (point ?? digits.count) + exponent
    while digits.hasPrefix("0"), digits.count > 1 {
      digits.removeFirst()
      p -= 1
    }
    while digits.hasSuffix("0"), digits.count > 1 { digits.removeLast() }
    let k = digits.count
    let sign = value < 0 ? "-" : ""
    if k <= p, p <= 21 { return sign + digits + String(repeating: "0", count: p - k) }
    if 0 < p, p <= 21 { return sign + digits.prefix(p) + "." + digits.dropFirst(p) }
    if -6 < p, p <= 0 { return sign + "0." + String(repeating: "0", count: -p) + digits }
    let tail = k > 1 ? "." + digits.dropFirst() : ""
    return sign + digits.prefix(1) + tail + "e" + (p - 1 < 0 ? "-" : "+") + String(abs(p - 1))
  }

  /// ECMAScript's `Number(text)`.
  static func value(_ text: [UInt16]) -> Double {
    var units = text[...]
    while let first = units.first, isSpace(first) { units.removeFirst() }
    while let last = units.last, isSpace(last) { units.removeLast() }
    guard !units.isEmpty else { return 0 }
    guard units.allSatisfy({ $0 < 0x80 }) else { return .nan }
    let ascii = String(decoding: units, as: UTF16.self)
    if ascii.count > 2, ascii.hasPrefix("0"), let radix = radix(of: ascii.dropFirst().prefix(1)) {
      return integer(ascii.dropFirst(2), radix: radix)
    }
    return decimal(ascii)
  }

  private static func radix(of letter: Substring) -> Int? {
    switch letter.lowercased() {
    case "x": 16
    case "o": 8
    case "b": 2
    default: nil
    }
  }

  /// An integer of any length, rounded once to the nearest double, ties to even.
  private static func integer(_ digits: Substring, radix: Int) -> Double {
    let bitsPerDigit = radix == 16 ? 4 : radix == 8 ? 3 : 1
    var bits: [Bool] = []
    for character in digits {
      guard let digit = character.hexDigitValue, digit < radix else { return .nan }
      for shift in (0..<bitsPerDigit).reversed() { bits.append(digit >> shift & 1 == 1) }
    }
    guard let start = bits.firstIndex(of: true) else { return 0 }
    let significant = bits[start...]
    var mantissa: UInt64 = 0
    for bit in significant.prefix(53) { mantissa = mantissa << 1 | (bit ? 1 : 0) }
    guard significant.count > 53 else { return Double(mantissa) }
    let rest = significant.dropFirst(53)
    if rest.first == true, rest.dropFirst().contains(true) || mantissa & 1 == 1 { mantissa += 1 }
    return scale(Double(mantissa), by: rest.count)
  }

  private static func scale(_ value: Double, by power: Int) -> Double {
    power > 1100 ? .infinity : Double(sign: .plus, exponent: power, significand: value)
  }

  /// StrDecimalLiteral, else NaN.
  private static func decimal(_ text: String) -> Double {
    var rest = text[...]
    var negative = false
    if rest.hasPrefix("+") || rest.hasPrefix("-") { negative = rest.removeFirst() == "-" }
    if rest == "Infinity" { return negative ? -.infinity : .infinity }
    let whole = rest.prefix { $0.isASCII && $0.isNumber }
    rest = rest.dropFirst(whole.count)
    var fraction = Substring()
    if rest.hasPrefix(".") {
      rest.removeFirst()
      fraction = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest.dropFirst(fraction.count)
    }
    guard !(whole.isEmpty && fraction.isEmpty) else { return .nan }
    var exponent = ""
    if rest.hasPrefix("e") || rest.hasPrefix("E") {
      rest.removeFirst()
      if rest.hasPrefix("+") || rest.hasPrefix("-") { exponent.append(rest.removeFirst()) }
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      guard !digits.isEmpty else { return .nan }
      exponent += digits
      rest = rest.dropFirst(digits.count)
    }
    guard rest.isEmpty else { return .nan }
    // The grammar is settled; strtod rounds correctly, and overflows to infinity as JavaScript does.
    let literal = (whole.isEmpty ? "0" : String(whole)) + "." + (fraction.isEmpty ? "0" : String(fraction))
    let magnitude = Double(literal + (exponent.isEmpty ? "" : "e" + exponent)) ?? .nan
    return negative ? -magnitude : magnitude
  }

  private static func isSpace(_ unit: UInt16) -> Bool {
    switch unit {
    case 0x09...0x0D, 0x20, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF: true
    default: false
    }
  }
}
