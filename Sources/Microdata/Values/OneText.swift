/// A JavaScript string: a sequence of UTF-16 code units, kept as generalised UTF-8 (WTF-8).
///
/// Well-formed text is plain UTF-8. A lone surrogate, which memory can hold and bytes on the wire cannot, stands as the
/// three bytes that UTF-8 would give its code point (ED A0 80 … ED BF BF). Equality is by code unit: no normalisation
/// (microdata.md 1, 6).
public struct OneText: Hashable, Sendable {
  /// The WTF-8 bytes. A high surrogate followed by a low one is always the four bytes of their scalar.
  public let bytes: [UInt8]

  /// The bytes must be UTF-8 or WTF-8; they are not looked at.
  public init(wtf8 bytes: [UInt8]) { self.bytes = bytes }
  public init(_ string: String) { bytes = Array(string.utf8) }
  init(_ view: ByteView) { bytes = view.array }

  /// Any sequence of code units; pairs become scalars, the rest lone surrogates.
  public init(utf16 units: some Sequence<UInt16>) {
    var out: [UInt8] = []
    out.reserveCapacity(units.underestimatedCount)
    var high: UInt16?
    for unit in units {
      if let pending = high {
        high = nil
        if unit & 0xFC00 == 0xDC00 {
          WTF8.append(0x10000 + (UInt32(pending & 0x3FF) << 10 | UInt32(unit & 0x3FF)), to: &out)
          continue
        }
        WTF8.append(UInt32(pending), to: &out)
      }
      if unit & 0xFC00 == 0xD800 { high = unit } else { WTF8.append(UInt32(unit), to: &out) }
    }
    if let high { WTF8.append(UInt32(high), to: &out) }
    bytes = out
  }

  /// The text for people: lone surrogates become U+FFFD.
  public var string: String { String(decoding: WTF8.utf8(bytes), as: UTF8.self) }

  /// The code units in order.
  public var utf16: [UInt16] { WTF8.units(bytes) }

  public var isEmpty: Bool { bytes.isEmpty }

  /// True when some code unit is a surrogate without its partner.
  public var hasLoneSurrogate: Bool { WTF8.hasLoneSurrogate(bytes) }
}

extension OneText: ExpressibleByStringLiteral, CustomStringConvertible, Comparable {
  public init(stringLiteral value: String) { self.init(value) }
  public var description: String { string }

  /// Ascending by UTF-16 code unit, the order of every sorting of the format (microdata.md 3.3).
  public static func < (left: OneText, right: OneText) -> Bool { WTF8.compare(left.bytes, right.bytes) < 0 }
}
