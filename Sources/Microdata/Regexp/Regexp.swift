/// A compiled ECMAScript pattern that answers one question: does it match somewhere in the text?
///
/// Patterns without references and lookaround run as a set of states in time linear in the text; the others backtrack
/// under a bound of steps (MD-070). Without flag u the units are UTF-16 code units.
final class Regexp: Sendable {
  let source: RegexpSource
  private let program: RegexpProgram
  private let sequence: RegexpSequence?
  private let isUnicode: Bool

  /// Throws `js:SyntaxError` for text that is no pattern.
  init(_ source: RegexpSource) throws(MicrodataError) {
    var seen: Set<Character> = []
    for flag in source.flags {
      guard "dgimsuy".contains(flag), seen.insert(flag).inserted else {
        throw MicrodataError(.syntaxError, "bad regular expression flags \(Extract.of(source.flags))")
      }
    }
    self.source = source
    isUnicode = seen.contains("u")
    var parser = RegexpParser(source.source, isUnicode: isUnicode)
    let node = try parser.parse()
    let flags = RegexpFlags(
      ignoresCase: seen.contains("i"), isMultiline: seen.contains("m"), matchesNewlines: seen.contains("s"),
      isSticky: seen.contains("y"))
    program = try RegexpProgram(node, flags: flags, captures: parser.captureCount)
    sequence = RegexpSequence(node, flags: flags)
  }

  /// The pattern that the deployed reader uses: literal text, unescaped, recompiled (microdata.md 6).
  static func unescaped(_ source: RegexpSource) throws(MicrodataError) -> Regexp {
    let text = source.source.bytes.withView { Escaping.unescaped($0) }
    return try Regexp(RegexpSource(OneText(wtf8: text), flags: source.flags))
  }

  /// Searches WTF-8 text. `steps` bounds the work beyond 64 steps a code unit.
  func matches(_ view: ByteView, steps: Int) throws(MicrodataError) -> Bool {
    if let sequence, let answer = sequence.matches(view) { return answer }
    let budget = view.count > (Int.max - steps) / 64 ? Int.max : steps + view.count * 64
    let answer =
      program.needsBacktracking
      ? RegexpBacktracker(program, RegexpInput.units(view, isUnicode: isUnicode), budget: budget).search()
      : RegexpStates(program).search(RegexpInput(view, isUnicode: isUnicode), budget: budget)
    guard let answer else {
      throw MicrodataError(
        .regexpSteps, "the regexp /\(Extract.of(source.source.string))/ took more than \(budget) steps")
    }
    return answer
  }
}

struct RegexpFlags: Sendable {
  var ignoresCase = false
  var isMultiline = false
  var matchesNewlines = false
  var isSticky = false
}

/// Reads WTF-8 as the characters of a pattern: code units, or code points with flag u.
struct RegexpInput {
  let view: ByteView
  let isUnicode: Bool
  private var index = 0
  private var low: UInt32?

  init(_ view: ByteView, isUnicode: Bool) {
    self.view = view
    self.isUnicode = isUnicode
  }

  mutating func next() -> UInt32? {
    if let unit = low {
      low = nil
      return unit
    }
    guard index < view.count else { return nil }
    let (scalar, length) = WTF8.decode(view, index)
    index += length
    guard scalar >= 0x10000, !isUnicode else { return scalar }
    low = 0xDC00 | scalar & 0x3FF
    return 0xD7C0 + scalar >> 10
  }

  static func units(_ view: ByteView, isUnicode: Bool) -> [UInt32] {
    var input = RegexpInput(view, isUnicode: isUnicode)
    var out: [UInt32] = []
    out.reserveCapacity(view.count)
    while let unit = input.next() { out.append(unit) }
    return out
  }
}
