/// Generalised UTF-8: what UTF-8 would be if surrogates were scalars, so that every JavaScript string has bytes.
enum WTF8 {
  /// What the bytes of a document are.
  enum Kind: Equatable {
    case ascii, utf8
    case invalid(at: Int)
  }

  static func append(_ scalar: UInt32, to out: inout [UInt8]) {
    switch scalar {
    case 0..<0x80: out.append(UInt8(truncatingIfNeeded: scalar))
    case 0x80..<0x800:
      out.append(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
      out.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
    case 0x800..<0x10000:
      out.append(UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12))
      out.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
      out.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
    default:
      out.append(UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18))
      out.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 12 & 0x3F))
      out.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
      out.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
    }
  }

  /// The scalar (or surrogate) whose bytes begin at `index` and its length; a stray byte counts as U+FFFD of length 1.
  @inline(__always)
  static func decode(_ view: ByteView, _ index: Int) -> (scalar: UInt32, length: Int) {
    let first = UInt32(view[index])
    switch first {
    case 0..<0x80: return (first, 1)
    case 0xC2..<0xE0: return ((first & 0x1F) << 6 | UInt32(view[index &+ 1] & 0x3F), 2)
    case 0xE0..<0xF0:
      return ((first & 0x0F) << 12 | UInt32(view[index &+ 1] & 0x3F) << 6 | UInt32(view[index &+ 2] & 0x3F), 3)
    case 0xF0..<0xF5:
      let high = (first & 0x07) << 18 | UInt32(view[index &+ 1] & 0x3F) << 12
      return (high | UInt32(view[index &+ 2] & 0x3F) << 6 | UInt32(view[index &+ 3] & 0x3F), 4)
    default: return (0xFFFD, 1)
    }
  }

  /// The UTF-16 code units of WTF-8 bytes.
  static func units(_ view: ByteView) -> [UInt16] {
    var out: [UInt16] = []
    out.reserveCapacity(view.count)
    var index = 0
    while index < view.count {
      let (scalar, length) = decode(view, index)
      if scalar < 0x10000 {
        out.append(UInt16(truncatingIfNeeded: scalar))
      } else {
        out.append(UInt16(truncatingIfNeeded: 0xD7C0 &+ scalar >> 10))
        out.append(UInt16(truncatingIfNeeded: 0xDC00 | scalar & 0x3FF))
      }
      index &+= length
    }
    return out
  }

  static func units(_ bytes: [UInt8]) -> [UInt16] { bytes.withView { units($0) } }

  /// How many UTF-16 code units the bytes have.
  static func unitCount(_ view: ByteView) -> Int {
    var total = 0
    for index in 0..<view.count {
      let byte = view[index]
      if byte & 0xC0 != 0x80 { total &+= byte >= 0xF0 ? 2 : 1 }
    }
    return total
  }

  /// The index of the first lone surrogate; nil in plain UTF-8.
  static func firstLoneSurrogate(_ view: ByteView) -> Int? {
    var from = 0
    while let index = view.find(0xED, from: from) {
      if view[index + 1] >= 0xA0 { return index }
      from = index + 1
    }
    return nil
  }

  static func hasLoneSurrogate(_ bytes: [UInt8]) -> Bool { bytes.withView { firstLoneSurrogate($0) != nil } }

  /// Plain UTF-8 of WTF-8: each lone surrogate becomes U+FFFD, which has as many bytes (microdata.md 6).
  static func utf8(_ bytes: [UInt8]) -> [UInt8] {
    var from = bytes.withView { firstLoneSurrogate($0) }
    guard from != nil else { return bytes }
    var out = bytes
    while let index = from {
      out[index] = 0xEF
      out[index + 1] = 0xBF
      out[index + 2] = 0xBD
      from = out.withView { view in firstLoneSurrogate(view.slice(index + 3, view.count)).map { $0 + index + 3 } }
    }
    return out
  }

  /// Order by UTF-16 code unit: negative, 0 or positive. Bytes order alike but for scalars above U+FFFF, whose
  /// surrogates sort before U+E000…U+FFFF.
  static func compare(_ left: ByteView, _ right: ByteView) -> Int {
    let common = left.commonPrefix(right)
    if common == left.count || common == right.count { return left.count - right.count }
    let a = left[common]
    let b = right[common]
    // Below ED on either side no surrogate takes part, and the order of bytes is that of the units.
    if a < 0xED && a & 0xC0 != 0x80 || b < 0xED && b & 0xC0 != 0x80 { return Int(a) - Int(b) }
    var start = common
    while start > 0, left[start] & 0xC0 == 0x80 { start -= 1 }
    if left[start] < 0xED { return Int(a) - Int(b) }
    return compareUnits(left, right, start)
  }

  static func compare(_ left: [UInt8], _ right: [UInt8]) -> Int {
    left.withView { left in right.withView { right in compare(left, right) } }
  }

  private static func compareUnits(_ left: ByteView, _ right: ByteView, _ start: Int) -> Int {
    var leftReader = UnitIterator(view: left, index: start)
    var rightReader = UnitIterator(view: right, index: start)
    while true {
      switch (leftReader.next(), rightReader.next()) {
      case (nil, nil): return 0
      case (nil, _): return -1
      case (_, nil): return 1
      case (let a?, let b?): if a != b { return Int(a) - Int(b) }
      }
    }
  }

  private struct UnitIterator {
    let view: ByteView
    var index: Int
    var low: UInt16?

    mutating func next() -> UInt16? {
      if let unit = low {
        low = nil
        return unit
      }
      guard index < view.count else { return nil }
      let (scalar, length) = decode(view, index)
      index += length
      guard scalar >= 0x10000 else { return UInt16(truncatingIfNeeded: scalar) }
      low = UInt16(truncatingIfNeeded: 0xDC00 | scalar & 0x3FF)
      return UInt16(truncatingIfNeeded: 0xD7C0 &+ scalar >> 10)
    }
  }
}
