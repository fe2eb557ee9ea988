import Testing

@testable import Microdata

@Suite("microdata.md 6: regular expressions")
struct RegexpTests {
  private static func test(_ pattern: String, _ flags: String, _ text: OneText, steps: Int = 100_000) throws -> Bool {
    let regexp = try Regexp(RegexpSource(OneText(pattern), flags: flags))
    return try text.bytes.withView { (view) throws(MicrodataError) in try regexp.matches(view, steps: steps) }
  }

  /// Answers of ECMAScript, by its specification.
  static let cases: [(String, String, String, Bool)] = [
    ("^[0-9a-f]{8}$", "", "0123abcd", true), ("^[0-9a-f]{8}$", "", "0123abcd\n", false),
    ("^[0-9a-f]{8}$", "", "0123abc", false),
    ("^abc$", "i", "ABC", true), ("^abc$", "", "ABC", false), ("^.{0,4}$", "", "&amp;", false),
    ("^.{0,4}$", "", "abcd", true),
    ("^b$", "m", "a\nb\nc", true), ("^b$", "", "a\nb", false), ("draft|active", "", "xactivex", true),
    ("", "", "", true),
    ("^(undefined|[0-9a-f]{64})$", "", "undefined", true), ("exists|=|!=|>|<", "", "a<b", true),
    ("a{2,3}", "", "xaay", true),
    ("^a{2,3}$", "", "aaaa", false), ("^(?:a|b)+$", "", "abab", true), ("\\bfoo\\b", "", "a foo b", true),
    ("\\Boo", "", "foo", true),
    ("^\\s*(\\S|\\s)*", "", "anything", true), ("^one.leute$", "", "oneXleute", true),
    ("^one.leute$", "", "one\nleute", false),
    ("^one.leute$", "s", "one\nleute", true), ("(a)\\1", "", "aa", true), ("^(a)\\1$", "", "ab", false),
    ("^(?=a)a$", "", "a", true),
    ("^(?!a)", "", "a", false), ("(?<=a)b", "", "ab", true), ("(?<!a)b", "", "ab", false),
    ("(?<x>a)\\k<x>", "", "aa", true),
    ("\\u0041", "", "A", true), ("\\x41", "", "A", true), ("\\cJ", "", "\n", true), ("[\\b]", "", "\u{8}", true),
    ("[^a]", "", "a", false),
    ("[a-]", "", "-", true), ("[]", "", "a", false), ("[^]", "", "a", true), ("a{", "", "a{", true),
    ("a{1", "", "a{1", true),
    ("]", "", "]", true), ("\\8", "", "8", true), ("\\101", "", "A", true), ("^\u{1F600}$", "", "\u{1F600}", true),
    ("^.$", "", "\u{1F600}", false), ("^.$", "u", "\u{1F600}", true), ("^\\u{1F600}$", "u", "\u{1F600}", true),
    ("^[é]$", "", "é", true),
    ("(?:)", "", "x", true), ("a*?b", "", "aab", true), ("^a??$", "", "a", true), ("x*", "", "", true),
    ("(z)((a+)?(b+)?(c))*", "", "zaacbbbcac", true),
    ("^(?:(a)|b)*\\1$", "", "ab", true), ("http:\\/\\/hl7", "", "http://hl7", true), ("^\\w+$", "", "a_1", true),
    ("^\\D$", "", "x", true),
    ("É", "i", "é", true), ("^[^\\d]+$", "", "abc", true), ("\\0", "", "\u{0}", true), ("(?=(a))\\1", "", "ba", true),
  ]

  @Test("answers as ECMAScript", arguments: cases)
  func answers(_ pattern: String, _ flags: String, _ text: String, _ wanted: Bool) throws {
    #expect(try Self.test(pattern, flags, OneText(text)) == wanted)
  }

  @Test(
    "text that is no pattern is a syntax error",
    arguments: [
      "(", ")", "[", "a**", "*", "a{2,1}", "[b-a]", "\\", "(?<a", "(?a)", "+",
    ])
  func refuses(_ pattern: String) {
    do {
      _ = try Regexp(RegexpSource(OneText(pattern)))
      Issue.record("taken: \(pattern)")
    } catch { #expect(error.code == .syntaxError) }
  }

  @Test("unknown and doubled flags are a syntax error", arguments: ["x", "ii"])
  func refusesFlags(_ flags: String) {
    #expect(throws: MicrodataError.self) { try Regexp(RegexpSource("a", flags: flags)) }
  }

  @Test("patterns that explode elsewhere end: linear, or with a coded error (MD-070)")
  func isBounded() throws {
    let evil = OneText(String(repeating: "a", count: 5_000) + "!")
    #expect(try Self.test("^(a+)+$", "", evil) == false)
    #expect(try Self.test("^(a|aa)+$", "", evil) == false)
    #expect(try Self.test("\\s*(\\S|\\s)*", "", evil) == true)
    do {
      _ = try Self.test("^(a+)+\\1$", "", OneText(String(repeating: "a", count: 60) + "!"))
      Issue.record("no bound was hit")
    } catch let error as MicrodataError { #expect(error.code == .regexpSteps) }
    #expect(throws: MicrodataError.self) { try Regexp(RegexpSource("(((a{1000}){1000}){1000}){1000}")) }
    #expect(throws: MicrodataError.self) { try Regexp(RegexpSource(OneText(String(repeating: "(", count: 5000)))) }
  }

  @Test("both machines answer alike where either may run")
  func machinesAgree() throws {
    var random = SplitMix64(seed: 10)
    let atoms = ["a", "b", "[ab]", ".", "(a|b)", "(?:ab)", "\\w", "^", "$", "\\b", "[^a]", "(b)"]
    let quantifiers = ["", "", "*", "+", "?", "{2}", "{1,2}", "*?"]
    for _ in 0..<6_000 {
      let pattern = (0..<Int.random(in: 1...4, using: &random)).map { _ in
        let atom = atoms.randomElement(using: &random) ?? "a"
        return ["^", "$", "\\b"].contains(atom) ? atom : atom + (quantifiers.randomElement(using: &random) ?? "")
      }.joined()
      let text = OneText(
        (0..<Int.random(in: 0...6, using: &random)).map { _ in
          ["a", "b", "c", "\n"].randomElement(using: &random) ?? ""
        }.joined())
      var parser = RegexpParser(OneText(pattern), isUnicode: false)
      let node = try parser.parse()
      let program = try RegexpProgram(node, flags: RegexpFlags(), captures: parser.captureCount)
      let (a, b, c) = text.bytes.withView { view in
        (
          RegexpStates(program).search(RegexpInput(view, isUnicode: false), budget: 100_000),
          RegexpBacktracker(program, RegexpInput.units(view, isUnicode: false), budget: 1_000_000).search(),
          RegexpSequence(node, flags: RegexpFlags())?.matches(view)
        )
      }
      if a != b {
        Issue.record("/\(pattern)/ on \(text): states \(String(describing: a)), backtracking \(String(describing: b))")
      }
      if let c, c != a { Issue.record("/\(pattern)/ on \(text): sequence \(String(describing: c))") }
    }
  }

  @Test("the reader tests the escaped text with the unescaped pattern, the writer the raw text (MD-010, MD-069)")
  func bothReadings() throws {
    let codec = try Fixture.codec.get()
    let object: OneValue = ["$type$": "Lab$Regexp", "hex": "01234567", "amp": "a&b"]
    let bytes = try codec.serialise(object)
    #expect(String(decoding: bytes, as: UTF8.self).contains("a&amp;b"))
    do {
      _ = try codec.parse(bytes)
      Issue.record("deployed reads it")
    } catch { #expect(error.code == "M2O-PV3") }
    #expect(try codec.parse(bytes, profile: .strict).value == object)
  }
}
