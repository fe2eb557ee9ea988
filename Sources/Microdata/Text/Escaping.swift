/// The three entities of the format (microdata.md 6).
enum Escaping {
  /// Appends text with `&`, `<` and `>` escaped, and nothing else.
  static func append(_ view: ByteView, to out: inout [UInt8]) {
    var start = 0
    while true {
      let index = view.findMarkup(from: start)
      view.slice(start, index).append(to: &out)
      guard index < view.count else { return }
      switch view[index] {
      case 0x26: out += [0x26, 0x61, 0x6D, 0x70, 0x3B]
      case 0x3C: out += [0x26, 0x6C, 0x74, 0x3B]
      default: out += [0x26, 0x67, 0x74, 0x3B]
      }
      start = index + 1
    }
  }

  /// The character of the entity whose `&` stands at `index` and its length; nil for any other use of `&`.
  @inline(__always)
  static func entity(_ view: ByteView, _ index: Int) -> (byte: UInt8, length: Int)? {
    let next = view[index &+ 1]
    if next == 0x61 {
      // amp;
      return view[index &+ 2] == 0x6D && view[index &+ 3] == 0x70 && view[index &+ 4] == 0x3B ? (0x26, 5) : nil
    }
    guard view[index &+ 2] == 0x74, view[index &+ 3] == 0x3B else { return nil }
    return next == 0x6C ? (0x3C, 4) : next == 0x67 ? (0x3E, 4) : nil
  }

  /// Replaces the three entities, one level; any other `&` stays. One pass gives what the reference's three give,
  /// since no replacement can make a new entity for a later one but `&amp;`, which comes last.
  static func unescaped(_ view: ByteView) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(view.count)
    var start = 0
    while let index = view.find(0x26, from: start) {
      view.slice(start, index).append(to: &out)
      if let (byte, length) = entity(view, index) {
        out.append(byte)
        start = index + length
      } else {
        out.append(0x26)
        start = index + 1
      }
    }
    view.slice(start, view.count).append(to: &out)
    return out
  }
}

extension OneText {
  /// The text as it stands between tags (microdata.md 6).
  public var escaped: OneText {
    var out: [UInt8] = []
    bytes.withView { Escaping.append($0, to: &out) }
    return OneText(wtf8: out)
  }

  /// The text with the three entities replaced, one level.
  public var unescaped: OneText { OneText(wtf8: bytes.withView { Escaping.unescaped($0) }) }
}
