/// Starts the reader of units over bytes (ASCII, where bytes are units) or over UTF-16 units.
enum UnitInput {
  static func value(
    _ codec: MicrodataCodec, _ bytes: [UInt8], _ kind: WTF8.Kind, _ form: ObjectForm, _ expected: ExpectedType,
    _ limits: MicrodataLimits
  ) throws(MicrodataError) -> OneValue {
    try run(bytes, kind) { (source) throws(MicrodataError) -> OneValue in
      var reader = UnitReader(codec, source, limits)
      return try reader.object(form, expected)
    } units: { (source) throws(MicrodataError) -> OneValue in
      var reader = UnitReader(codec, source, limits)
      return try reader.object(form, expected)
    }
  }

  /// Gives the input in the narrower form that holds it; places in errors become byte offsets.
  static func run<Result>(
    _ bytes: [UInt8], _ kind: WTF8.Kind,
    _ ascii: (UnitText<UInt8>) throws(MicrodataError) -> Result,
    units wide: (UnitText<UInt16>) throws(MicrodataError) -> Result
  ) throws(MicrodataError) -> Result {
    if kind == .ascii {
      return try unsafe bytes.withUnsafeBufferPointer { (buffer) throws(MicrodataError) in
        try ascii(unsafe UnitText(buffer))
      }
    }
    let units = WTF8.units(bytes)
    do throws(MicrodataError) {
      return try unsafe units.withUnsafeBufferPointer { (buffer) throws(MicrodataError) in
        try wide(unsafe UnitText(buffer))
      }
    } catch {
      guard let offset = error.offset else { throw error }
      let before = OneText(utf16: units.prefix(offset))
      throw MicrodataError(error.code, error.text, offset: before.bytes.count, expected: error.expected)
    }
  }
}

/// Borrowed code units with checked reads.
@safe struct UnitText<Unit: FixedWidthInteger & UnsignedInteger> {
  private let base: UnsafeBufferPointer<Unit>
  let count: Int

  init(_ buffer: UnsafeBufferPointer<Unit>) {
    unsafe base = buffer
    count = buffer.count
  }

  /// The unit, or 0 outside.
  @inline(__always)
  subscript(index: Int) -> UInt16 {
    guard UInt(bitPattern: index) < UInt(bitPattern: count) else { return 0 }
    return unsafe UInt16(truncatingIfNeeded: base[index])
  }

  /// The first index of the unit in `start..<end`; nil when there is none.
  @inline(__always)
  func find(_ unit: UInt8, _ start: Int, _ end: Int) -> Int? {
    let wanted = Unit(truncatingIfNeeded: unit)
    var index = max(start, 0)
    let limit = min(end, count)
    // A word holds eight bytes or four units of sixteen bits.
    let perWord = 64 / Unit.bitWidth
    let ones: UInt64 = Unit.bitWidth == 8 ? 0x0101_0101_0101_0101 : 0x0001_0001_0001_0001
    while index &+ perWord <= limit, let address = unsafe base.baseAddress {
      let word = unsafe UnsafeRawPointer(address + index).loadUnaligned(as: UInt64.self).littleEndian
      let difference = word ^ UInt64(unit) &* ones
      let hits = (difference &- ones) & ~difference & ones << UInt64(Unit.bitWidth - 1)
      if hits != 0 { return index &+ hits.trailingZeroBitCount / Unit.bitWidth }
      index &+= perWord
    }
    while index < limit {
      if unsafe base[index] == wanted { return index }
      index &+= 1
    }
    return nil
  }

  /// The units `start..<end` as WTF-8.
  func wtf8(_ start: Int, _ end: Int) -> [UInt8] {
    let from = min(max(start, 0), count)
    let to = min(max(end, from), count)
    let part = unsafe base[from..<to]
    if Unit.bitWidth == 8 { return unsafe part.map { UInt8(truncatingIfNeeded: $0) } }
    return unsafe OneText(utf16: part.lazy.map { UInt16(truncatingIfNeeded: $0) }).bytes
  }
}
