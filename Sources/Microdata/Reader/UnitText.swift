/// A text as the reference sees it, a row of UTF-16 code units, walked over its WTF-8 bytes: nothing is copied.
struct UnitText {
  /// A place between two code units: twice the byte offset, and one more between the two surrogates of the scalar that
  /// begins there. Behind the end every unit counts as a byte.
  struct Place: Comparable {
    private let raw: Int

    @inline(__always)
    init(byte: Int) { raw = byte &* 2 }
    @inline(__always)
    fileprivate init(insideScalarAt byte: Int) { raw = byte &* 2 &+ 1 }

    var byte: Int { raw >> 1 }
    /// Only the low surrogate of the scalar stands behind the place.
    var isInsideScalar: Bool { raw & 1 == 1 }

    @inline(__always)
    static func < (left: Place, right: Place) -> Bool { left.raw < right.raw }
  }

  let view: ByteView
  private let isASCII: Bool

  init(_ view: ByteView, isASCII: Bool) {
    self.view = view
    self.isASCII = isASCII
  }

  static let start = Place(byte: 0)
  var end: Place { Place(byte: view.count) }

  /// The byte of the unit at the place when it is ASCII; anything from 80 on otherwise, 0 behind the end.
  @inline(__always)
  subscript(place: Place) -> UInt8 { place.isInsideScalar ? 0xFF : view[place.byte] }

  /// The place so many code units further on.
  @inline(__always)
  func advance(_ place: Place, _ units: Int) -> Place {
    isASCII ? Place(byte: place.byte &+ units) : walk(place, units)
  }

  private func walk(_ place: Place, _ units: Int) -> Place {
    var byte = place.byte
    var left = units
    if place.isInsideScalar, left > 0 {
      byte += 4
      left -= 1
    }
    while left > 0, byte < view.count {
      let (scalar, length) = WTF8.decode(view, byte)
      if scalar >= 0x10000 {
        if left == 1 { return Place(insideScalarAt: byte) }
        left -= 1
      }
      byte += length
      left -= 1
    }
    return Place(byte: byte + left)
  }

  /// How many code units stand between a place and the end.
  func unitsBehind(_ place: Place) -> Int {
    let from = place.isInsideScalar ? place.byte + 4 : place.byte
    return WTF8.unitCount(view.slice(from, view.count)) + (place.isInsideScalar ? 1 : 0)
  }

  /// Whether a text stands at the place and ends by `high`. Texts of the program begin and end with whole scalars.
  @inline(__always)
  func has(_ text: ByteView, _ place: Place, _ high: Place) -> Bool {
    !place.isInsideScalar && place.byte &+ text.count <= high.byte && view.has(text, at: place.byte)
  }

  /// The first place of an ASCII byte in `start..<end`; nil when there is none.
  @inline(__always)
  func find(_ byte: UInt8, _ start: Place, _ end: Place) -> Place? {
    let from = start.isInsideScalar ? start.byte &+ 4 : start.byte
    return view.slice(0, end.byte).find(byte, from: from).map { Place(byte: $0) }
  }

  /// The units `start..<end` as WTF-8; a place inside of a scalar leaves a lone surrogate.
  func append(_ start: Place, _ end: Place, to out: inout [UInt8]) {
    guard start < end else { return }
    var from = start.byte
    if start.isInsideScalar {
      WTF8.append(0xDC00 | WTF8.decode(view, from).scalar & 0x3FF, to: &out)
      from += 4
    }
    view.slice(from, end.byte).append(to: &out)
    if end.isInsideScalar {
      WTF8.append(0xD7C0 &+ WTF8.decode(view, end.byte).scalar >> 10, to: &out)
    }
  }
}
