extension NumberText {
  /// ECMAScript `Number(text)` of unescaped text; NaN where it is no number.
  static func parse(_ view: ByteView) -> Double {
    if let value = plainInteger(view) { return value }
    let text = trimmed(view)
    if text.count == 0 { return 0 }
    if text[0] == 0x30, text.count > 2 {
      switch text[1] | 0x20 {
      case 0x78: return radix(text, 4)
      case 0x6F: return radix(text, 3)
      case 0x62: return radix(text, 1)
      default: break
      }
    }
    return decimal(text)
  }

  /// Up to 15 digits with an optional minus and no leading zero, the form of most numbers.
  @inline(__always)
  private static func plainInteger(_ view: ByteView) -> Double? {
    let isNegative = view[0] == 0x2D
    let start = isNegative ? 1 : 0
    let digits = view.count - start
    guard digits > 0, digits <= 15 else { return nil }
    var value = 0
    for index in start..<view.count {
      let digit = view[index] &- 0x30
      if digit > 9 { return nil }
      value = value &* 10 &+ Int(digit)
    }
    return isNegative ? -Double(value) : Double(value)
  }

  /// White space and line terminators of ECMAScript off both ends.
  private static func trimmed(_ view: ByteView) -> ByteView {
    var start = 0
    var end = view.count
    while start < end {
      let (scalar, length) = WTF8.decode(view, start)
      guard isSpace(scalar) else { break }
      start += length
    }
    while end > start {
      var from = end - 1
      while from > start, view[from] & 0xC0 == 0x80 { from -= 1 }
      guard isSpace(WTF8.decode(view, from).scalar) else { break }
      end = from
    }
    return view.slice(start, end)
  }

  /// White space or line terminator of ECMAScript.
  static func isSpace(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x09...0x0D, 0x20, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF: true
    default: false
    }
  }

  private static func radix(_ text: ByteView, _ bitsPerDigit: Int) -> Double {
    // Hexadecimal text of any length reads with one correct rounding; the other bases become it digit by digit.
    var bits: [UInt8] = []
    for index in 2..<text.count {
      let byte = text[index]
      let digit: UInt8
      switch byte {
      case 0x30...0x39: digit = byte - 0x30
      case 0x41...0x46: digit = byte - 0x37
      case 0x61...0x66: digit = byte - 0x57
      default: return .nan
      }
      if digit >> bitsPerDigit != 0 { return .nan }
      if bitsPerDigit == 4 {
        bits.append(byte)
      } else {
        for shift in (0..<bitsPerDigit).reversed() { bits.append(digit >> shift & 1) }
      }
    }
    if bitsPerDigit != 4 {
      while bits.count % 4 != 0 { bits.insert(0, at: 0) }
      bits = stride(from: 0, to: bits.count, by: 4).map { index in
        let digit = bits[index] << 3 | bits[index + 1] << 2 | bits[index + 2] << 1 | bits[index + 3]
        return digit < 10 ? 0x30 + digit : 0x57 + digit
      }
    }
    return Double("0x" + String(decoding: bits, as: UTF8.self)) ?? .nan
  }

  /// A decimal literal: sign, digits, point, digits, exponent; or `Infinity` with a sign.
  static func decimal(_ text: ByteView) -> Double {
    var index = 0
    let isNegative = text[0] == 0x2D
    if isNegative || text[0] == 0x2B { index = 1 }
    if text[index] == 0x49 {
      return infinity.withView { text.has($0, at: index) && text.count == index + $0.count }
        ? (isNegative ? -.infinity : .infinity) : .nan
    }
    var mantissa: UInt64 = 0
    var kept = 0
    var exponent = 0
    var digits = 0
    var exact = true
    while text[index] &- 0x30 <= 9 {
      (mantissa, kept, exact) = push(text[index], mantissa, kept, exact)
      if kept == 20 { exponent += 1 }
      digits += 1
      index += 1
    }
    if text[index] == 0x2E {
      index += 1
      while text[index] &- 0x30 <= 9 {
        (mantissa, kept, exact) = push(text[index], mantissa, kept, exact)
        if kept != 20 { exponent -= 1 }
        digits += 1
        index += 1
      }
    }
    guard digits > 0 else { return .nan }
    if text[index] | 0x20 == 0x65 {
      index += 1
      let sign = text[index]
      if sign == 0x2B || sign == 0x2D { index += 1 }
      let first = index
      var written = 0
      while text[index] &- 0x30 <= 9 {
        written = min(written * 10 + Int(text[index] & 15), 1_000_000)
        index += 1
      }
      guard index > first else { return .nan }
      exponent += sign == 0x2D ? -written : written
    }
    guard index == text.count else { return .nan }
    if exact, mantissa < 1 << 53, exponent.magnitude <= 22 {
      // Both are exact doubles, so one operation rounds correctly (Clinger).
      let value = Double(mantissa)
      let scaled = exponent < 0 ? value / powers[-exponent] : value * powers[exponent]
      return isNegative ? -scaled : scaled
    }
    if exact, let fraction = DecimalFraction(mantissa, places: -exponent) {
      return isNegative ? -fraction.value : fraction.value
    }
    return Double(String(decoding: text.array, as: UTF8.self)) ?? .nan
  }

  /// One more digit; 20 marks that the mantissa is full and the digit was dropped.
  @inline(__always)
  private static func push(_ byte: UInt8, _ mantissa: UInt64, _ kept: Int, _ exact: Bool) -> (UInt64, Int, Bool) {
    if kept >= 19 { return (mantissa, 20, false) }
    let next = mantissa &* 10 &+ UInt64(byte & 15)
    return (next, next == 0 ? 0 : kept + 1, exact)
  }

  private static let infinity = Array("Infinity".utf8)
  private static let powers: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
  ]

  /// The answer for digits, a point and digits; nil for another form or where it takes more to know.
  @inline(__always)
  private static func isCanonicalFraction(_ view: ByteView, _ start: Int) -> Bool? {
    var digits: UInt64 = 0
    var index = start
    var point = -1
    while index < view.count {
      let digit = view[index] &- 0x30
      if digit <= 9 {
        digits = digits &* 10 &+ UInt64(digit)
      } else {
        guard point < 0, view[index] == 0x2E, index > start else { return nil }
        point = index
      }
      index &+= 1
    }
    // A leading zero stands alone, the last digit is none, and below 10^-6 the text has an exponent.
    guard point > 0, index &- start <= 18, point < view.count &- 1, view[view.count &- 1] != 0x30 else { return nil }
    if view[start] == 0x30, point != start &+ 1 || digits == 0 { return nil }
    let places = view.count &- 1 &- point
    if view[start] == 0x30, places > 6 { return nil }
    if digits < 1_000_000_000_000_000 { return true }
    return DecimalFraction(digits, places: places)?.isShortest
  }

  /// True when the writer writes exactly this text for the number that it says; `null` is not among them.
  static func isCanonical(_ view: ByteView) -> Bool {
    let start = view[0] == 0x2D ? 1 : 0
    let digits = view.count - start
    guard digits > 0, digits <= 25 else { return false }
    // Plain integers below 10^15: no leading zero, no -0.
    if digits <= 15 {
      var index = start
      while index < view.count, view[index] &- 0x30 <= 9 { index += 1 }
      if index == view.count { return view[start] != 0x30 || view.count == 1 }
    }
    guard view[start] &- 0x30 <= 9 else { return false }
    if let isWritten = isCanonicalFraction(view, start) { return isWritten }
    let value = decimal(view)
    guard value.isFinite else { return false }
    var text: [UInt8] = []
    text.reserveCapacity(32)
    append(value, to: &text)
    return text.withView { $0.equals(view) }
  }
}
