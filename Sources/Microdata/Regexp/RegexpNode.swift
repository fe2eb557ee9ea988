/// A parsed ECMAScript pattern.
indirect enum RegexpNode: Sendable {
  case empty
  case character(UInt32)
  /// `.`: anything but a line terminator, or anything with flag s.
  case any
  case set(CharacterSet)
  case sequence([RegexpNode])
  case alternatives([RegexpNode])
  case group(RegexpNode, capture: Int)
  case backReference(Int)
  case lineStart
  case lineEnd
  case wordBoundary(isNegated: Bool)
  case look(RegexpNode, isBehind: Bool, isNegated: Bool)
  case repetition(RegexpNode, min: Int, max: Int?, isGreedy: Bool, captures: Range<Int>)
}

/// A set of code units (or code points with flag u) as ranges.
struct CharacterSet: Sendable {
  var ranges: [ClosedRange<UInt32>] = []
  var isNegated = false

  mutating func insert(_ character: UInt32) { ranges.append(character...character) }

  mutating func insert(_ other: CharacterSet) { ranges += other.isNegated ? other.complement : other.ranges }

  func contains(_ character: UInt32) -> Bool { ranges.contains { $0.contains(character) } != isNegated }

  /// The ranges of what the ranges leave out.
  private var complement: [ClosedRange<UInt32>] {
    var next: UInt32 = 0
    var out: [ClosedRange<UInt32>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if range.lowerBound > next { out.append(next...(range.lowerBound - 1)) }
      if range.upperBound >= next { next = range.upperBound + 1 }
    }
    if next <= 0x10FFFF { out.append(next...0x10FFFF) }
    return out
  }

  static let digits = CharacterSet(ranges: [0x30...0x39])
  static let word = CharacterSet(ranges: [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
  static let space = CharacterSet(ranges: [
    0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029, 0x202F...0x202F,
    0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
  ])

  func negated() -> CharacterSet { CharacterSet(ranges: ranges, isNegated: !isNegated) }
}

enum RegexpCharacters {
  static func isWord(_ character: UInt32?) -> Bool { character.map { CharacterSet.word.contains($0) } ?? false }

  static func isLineTerminator(_ character: UInt32) -> Bool {
    character == 0x0A || character == 0x0D || character == 0x2028 || character == 0x2029
  }

  /// ECMAScript's Canonicalize of flag i without flag u: the upper case when it is one unit and stays on its side of
  /// ASCII.
  static func folded(_ character: UInt32) -> UInt32 {
    if character < 0x80 { return character >= 0x61 && character <= 0x7A ? character - 0x20 : character }
    guard let scalar = Unicode.Scalar(character) else { return character }
    let upper = scalar.properties.uppercaseMapping.unicodeScalars
    guard upper.count == 1, let first = upper.first, first.value >= 0x80, first.value < 0x10000 || character >= 0x10000
    else { return character }
    return first.value
  }

  /// The lower case of one scalar when it is one scalar.
  static func lower(_ character: UInt32) -> UInt32 {
    guard let scalar = Unicode.Scalar(character) else { return character }
    let lower = scalar.properties.lowercaseMapping.unicodeScalars
    return lower.count == 1 ? lower.first?.value ?? character : character
  }
}
