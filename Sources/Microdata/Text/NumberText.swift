/// ECMAScript's number text, both ways (microdata.md 4).
enum NumberText {
  /// Appends the text to a buffer.
  static func append(_ value: Double, to out: inout Buffer<UInt8>) {
    out.append(writing: { append(value, to: &$0) })
  }

  /// Appends Number-to-String of a finite value; -0 is `0`.
  static func append(_ value: Double, to out: inout [UInt8]) {
    if value.magnitude < 9_007_199_254_740_992, value == value.rounded(.towardZero) {
      appendInteger(Int64(value), to: &out)
      return
    }
    // The standard library gives the shortest digits that read back as the value, as ECMAScript asks; only the layout
    // differs.
    var digits: [17 of UInt8] = .init(repeating: 0)
    var count = 0
    var pointAt = 0
    var exponent = 0
    var seenPoint = false
    var text = value.magnitude.description
    text.withUTF8 { utf8 in
      var index = 0
      while index < utf8.count {
        let byte = unsafe utf8[index]
        index += 1
        switch byte {
        case 0x30...0x39:
          if !seenPoint { pointAt += 1 }
          // Leading zeros are no digits of the value, but move its point.
          if count == 0, byte == 0x30 {
            pointAt -= 1
            continue
          }
          if count < 17 { digits[count] = byte }
          count += 1
        case 0x2E: seenPoint = true
        case 0x65:
          let isNegative = unsafe index < utf8.count && utf8[index] == 0x2D
          if unsafe index < utf8.count && (utf8[index] == 0x2D || utf8[index] == 0x2B) { index += 1 }
          while index < utf8.count {
            exponent = unsafe exponent * 10 + Int(utf8[index] & 15)
            index += 1
          }
          if isNegative { exponent = -exponent }
        default: break
        }
      }
      if !seenPoint, count == 0 { pointAt = 0 }
      // Zeros right behind the point of 0.00012 belong to the exponent.
      if pointAt == 0, seenPoint {
        var zeros = 0
        var position = 0
        while position < utf8.count, unsafe utf8[position] != 0x2E { position += 1 }
        position += 1
        while position < utf8.count, unsafe utf8[position] == 0x30 {
          zeros += 1
          position += 1
        }
        pointAt = -zeros
      }
    }
    count = min(count, 17)
    while count > 1, digits[count - 1] == 0x30 { count -= 1 }
    if value < 0 { out.append(0x2D) }
    layOut(digits, count, point: pointAt + exponent, to: &out)
  }

  /// `point` is the p of 0.d × 10^p.
  private static func layOut(_ digits: [17 of UInt8], _ count: Int, point: Int, to out: inout [UInt8]) {
    switch point {
    case count...21 where count <= 21:
      for index in 0..<count { out.append(digits[index]) }
      for _ in count..<point { out.append(0x30) }
    case 1...21:
      for index in 0..<count {
        if index == point { out.append(0x2E) }
        out.append(digits[index])
      }
    case -5...0:
      out.append(0x30)
      out.append(0x2E)
      for _ in 0..<(-point) { out.append(0x30) }
      for index in 0..<count { out.append(digits[index]) }
    default:
      out.append(digits[0])
      if count > 1 { out.append(0x2E) }
      for index in 1..<max(count, 1) { out.append(digits[index]) }
      out.append(0x65)
      out.append(point > 0 ? 0x2B : 0x2D)
      appendInteger(Int64((point - 1).magnitude), to: &out)
    }
  }

  private static func appendInteger(_ value: Int64, to out: inout [UInt8]) {
    var rest = value.magnitude
    if value < 0 { out.append(0x2D) }
    if rest < 10 {
      out.append(0x30 | UInt8(truncatingIfNeeded: rest))
      return
    }
    let start = out.count
    while rest > 0 {
      out.append(0x30 | UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    }
    var low = start
    var high = out.count - 1
    while low < high {
      out.swapAt(low, high)
      low += 1
      high -= 1
    }
  }

  /// The text of a value as `String(value)` gives it in JavaScript, but `-0` for minus zero (microdata.md 15).
  static func vectorText(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    if value == 0, value.sign == .minus { return "-0" }
    return text(value)
  }

  static func text(_ value: Double) -> String {
    var out: [UInt8] = []
    append(value, to: &out)
    return String(decoding: out, as: UTF8.self)
  }

  static func parseVector(_ text: String) -> Double? {
    if text == "NaN" { return .nan }
    let value = Array(text.utf8).withView { parse($0) }
    return value.isNaN ? nil : value
  }
}
