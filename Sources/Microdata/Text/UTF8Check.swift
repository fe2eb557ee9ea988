extension WTF8 {
  /// Looks at every byte once. `allowingSurrogates` also takes the three bytes of a lone surrogate.
  static func kind(_ view: ByteView, allowingSurrogates: Bool = false) -> Kind {
    let start = asciiEnd(view, 0)
    if start == view.count { return .ascii }
    var index = start
    while index < view.count {
      let length = sequenceLength(view, index, allowingSurrogates)
      if length == 0 { return .invalid(at: index) }
      index &+= length
      if view[index] < 0x80 { index = asciiEnd(view, index) }
    }
    return .utf8
  }

  /// The first index at or behind `start` with a byte of 80 or more.
  private static func asciiEnd(_ view: ByteView, _ start: Int) -> Int {
    var index = start
    while index &+ 32 <= view.count {
      let all = view.word(index) | view.word(index &+ 8) | view.word(index &+ 16) | view.word(index &+ 24)
      if all & 0x8080_8080_8080_8080 != 0 { break }
      index &+= 32
    }
    while index &+ 8 <= view.count {
      let high = view.word(index) & 0x8080_8080_8080_8080
      if high != 0 { return index &+ high.trailingZeroBitCount >> 3 }
      index &+= 8
    }
    while index < view.count, view[index] < 0x80 { index &+= 1 }
    return index
  }

  /// The length of the well-formed sequence at `index`, 0 when there is none.
  @inline(__always)
  private static func sequenceLength(_ view: ByteView, _ index: Int, _ allowingSurrogates: Bool) -> Int {
    let first = view[index]
    let second = view[index &+ 1]
    if first < 0x80 { return 1 }
    if first < 0xE0 { return first >= 0xC2 && second & 0xC0 == 0x80 ? 2 : 0 }
    guard second & 0xC0 == 0x80, view[index &+ 2] & 0xC0 == 0x80 else { return 0 }
    if first < 0xF0 {
      if first == 0xE0 && second < 0xA0 { return 0 }
      if first == 0xED && second >= 0xA0 && !allowingSurrogates { return 0 }
      return 3
    }
    guard first < 0xF5, view[index &+ 3] & 0xC0 == 0x80 else { return 0 }
    if first == 0xF0 && second < 0x90 || first == 0xF4 && second >= 0x90 { return 0 }
    return 4
  }

  /// UTF-8 with every ill-formed part replaced by U+FFFD, as the platform's decoder does when bytes become a string.
  static func repaired(_ bytes: [UInt8]) -> [UInt8] { Array(String(decoding: bytes, as: UTF8.self).utf8) }
}
