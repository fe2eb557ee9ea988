/// A borrowed stretch of bytes with the few reads that the codec's loops need.
///
/// Every read checks its index: outside of the stretch a byte reads as 0 and a template never matches, so that hostile
/// input can neither trap nor read beyond the buffer. The view must not outlive the closure that hands it out.
@safe struct ByteView {
  private let base: UnsafePointer<UInt8>
  let count: Int

  /// What stands for the address of an empty array, which has none; it is never read, since the count is 0.
  nonisolated(unsafe) private static let nowhere = unsafe UnsafePointer(
    UnsafeMutablePointer<UInt8>.allocate(capacity: 1))

  @inline(__always)
  init(_ buffer: UnsafeBufferPointer<UInt8>) {
    unsafe base = buffer.baseAddress ?? Self.nowhere
    count = buffer.count
  }

  @inline(__always)
  private init(base: UnsafePointer<UInt8>, count: Int) {
    unsafe self.base = base
    self.count = count
  }

  /// The byte, or 0 outside.
  @inline(__always)
  subscript(index: Int) -> UInt8 {
    guard UInt(bitPattern: index) < UInt(bitPattern: count) else { return 0 }
    return unsafe base[index]
  }

  /// Eight bytes in memory order (first byte lowest), or 0 when they do not all exist.
  @inline(__always)
  func word(_ index: Int) -> UInt64 {
    guard index >= 0, index &+ 8 <= count else { return 0 }
    return unsafe UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self).littleEndian
  }

  /// Eight bytes that the caller knows to exist.
  @inline(__always)
  func fullWord(_ index: Int) -> UInt64 {
    unsafe UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self).littleEndian
  }

  /// Sixteen bytes of a text behind whose end sixteen more may be read.
  @inline(__always)
  func paddedPair(_ index: Int) -> (UInt64, UInt64) {
    let first = unsafe UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self)
    return (first, unsafe UnsafeRawPointer(base + index + 8).loadUnaligned(as: UInt64.self))
  }

  /// Copies all bytes to memory that has room for them.
  @inline(__always)
  func copy(to target: UnsafeMutablePointer<UInt8>) { unsafe target.update(from: base, count: count) }

  /// The high bit of every byte that is `<`, `>` or `&`; the lowest is exact.
  @inline(__always)
  static func markup(_ bytes: UInt64) -> UInt64 {
    // '<' is 3C and '>' is 3E: with bit 1 set they are one pattern.
    zeroBytes((bytes | 0x0202_0202_0202_0202) ^ 0x3E3E_3E3E_3E3E_3E3E) | zeroBytes(bytes ^ 0x2626_2626_2626_2626)
  }

  /// The part from `start` to before `end`, cut to what exists.
  @inline(__always)
  func slice(_ start: Int, _ end: Int) -> ByteView {
    let from = min(max(start, 0), count)
    let to = min(max(end, from), count)
    return unsafe ByteView(base: base + from, count: to - from)
  }

  /// True when `other` stands at `index`.
  @inline(__always)
  func has(_ other: ByteView, at index: Int) -> Bool {
    let length = other.count
    guard index >= 0, index &+ length <= count else { return false }
    var done = 0
    while done &+ 8 <= length {
      let left = unsafe UnsafeRawPointer(base + index + done).loadUnaligned(as: UInt64.self)
      let right = unsafe UnsafeRawPointer(other.base + done).loadUnaligned(as: UInt64.self)
      if left != right { return false }
      done &+= 8
    }
    while done < length {
      if unsafe base[index &+ done] != other.base[done] { return false }
      done &+= 1
    }
    return true
  }

  func equals(_ other: ByteView) -> Bool { count == other.count && has(other, at: 0) }

  /// The first index at or behind `start` where `byte` stands; nil when there is none.
  func find(_ byte: UInt8, from start: Int) -> Int? {
    var index = max(start, 0)
    let pattern = UInt64(byte) &* ByteView.ones
    while index &+ 8 <= count {
      let hits = ByteView.zeroBytes(word(index) ^ pattern)
      if hits != 0 { return index &+ hits.trailingZeroBitCount >> 3 }
      index &+= 8
    }
    while index < count {
      if unsafe base[index] == byte { return index }
      index &+= 1
    }
    return nil
  }

  /// The first index at or behind `start` of a byte that ends or bends text: `<`, `>`, `&`; `count` when none.
  @inline(__always)
  func findMarkup(from start: Int) -> Int {
    var index = start
    while index &+ 8 <= count {
      let hits = ByteView.markup(fullWord(index))
      if hits != 0 { return index &+ hits.trailingZeroBitCount >> 3 }
      index &+= 8
    }
    while index < count {
      let byte = unsafe base[index]
      if byte | 2 == 0x3E || byte == 0x26 { return index }
      index &+= 1
    }
    return count
  }

  /// The first index at or behind `start` of a quote, a backslash or a control character; `count` when there is none.
  @inline(__always)
  func findInJSONString(from start: Int) -> Int {
    var index = start
    while index &+ 8 <= count {
      let bytes = fullWord(index)
      let hits =
        ByteView.zeroBytes(bytes ^ 0x2222_2222_2222_2222) | ByteView.zeroBytes(bytes ^ 0x5C5C_5C5C_5C5C_5C5C)
        | ((bytes &- 0x2020_2020_2020_2020) & ~bytes & 0x8080_8080_8080_8080)
      if hits != 0 { return index &+ hits.trailingZeroBitCount >> 3 }
      index &+= 8
    }
    while index < count {
      let byte = self[index]
      if byte == 0x22 || byte == 0x5C || byte < 0x20 { return index }
      index &+= 1
    }
    return count
  }

  /// 64 digits `0`…`9`, `a`…`f`, eight at a time.
  @inline(__always)
  func isHash(at start: Int) -> Bool {
    guard start >= 0, start &+ 64 <= count else { return false }
    var bad: UInt64 = 0
    var index = start
    while index < start &+ 64 {
      let bytes = fullWord(index)
      let low = bytes & 0x7F7F_7F7F_7F7F_7F7F
      // Sums of seven bits: the high bit tells whether a byte is above the limit.
      let notDigit = (low ^ 0x3030_3030_3030_3030) &+ 0x7676_7676_7676_7676
      let letter = low ^ 0x6060_6060_6060_6060
      let notLetter = (letter &+ 0x7979_7979_7979_7979) | ~(letter &+ 0x7F7F_7F7F_7F7F_7F7F)
      bad |= notDigit & notLetter | bytes
      index &+= 8
    }
    return bad & 0x8080_8080_8080_8080 == 0
  }

  /// The length of the common beginning of two stretches.
  func commonPrefix(_ other: ByteView) -> Int {
    let limit = min(count, other.count)
    var index = 0
    while index &+ 8 <= limit {
      let difference = word(index) ^ other.word(index)
      if difference != 0 { return index &+ difference.trailingZeroBitCount >> 3 }
      index &+= 8
    }
    while index < limit, unsafe base[index] == other.base[index] { index &+= 1 }
    return index
  }

  /// The bytes as an array.
  var array: [UInt8] { unsafe [UInt8](UnsafeBufferPointer(start: base, count: count)) }

  /// Appends the bytes.
  @inline(__always)
  func append(to out: inout [UInt8]) { unsafe out.append(contentsOf: UnsafeBufferPointer(start: base, count: count)) }

  static let ones: UInt64 = 0x0101_0101_0101_0101

  /// The high bit of every byte that is zero; bits above the lowest such byte may be wrong, the lowest is exact.
  @inline(__always)
  static func zeroBytes(_ word: UInt64) -> UInt64 { (word &- ones) & ~word & 0x8080_8080_8080_8080 }
}

extension [UInt8] {
  /// Lends the bytes as a view.
  @inline(__always)
  func withView<Result, Failure: Error>(
    _ body: (ByteView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe withUnsafeBufferPointer { (buffer) throws(Failure) -> Result in
      try body(unsafe ByteView(buffer))
    }
  }
}
