import Conformance
import Requirements
import Scenario
import Testing
import WireBytes

@Suite("Scenario files: what is wrong is told with its place")
struct LoaderTests {
  private func failure(_ yaml: String) throws -> String {
    let failure = try #require(throws: ScenarioFailure.self) {
      var reader = CaseReader()
      _ = try reader.read(yaml, file: "x.yaml")
    }
    return failure.description
  }

  private static let head = "group: g\ntitle: t\ncases:\n  - id: one\n    title: t\n    requires: []\n    steps:\n"

  @Test(arguments: [
    ("      - opne: l\n", "x.yaml:8:9: expected a verb: open"),
    ("      - send: {to: l, text: hi}\n", "x.yaml:8:16: expected an actor that an earlier step opens"),
    ("      - open: l\n      - send: {to: l, txt: hi}\n", "x.yaml:9:23: expected one of to, json"),
    (
      "      - open: l\n      - expect: {on: l, closed: maybe}\n", "x.yaml:9:33: expected true, any, none, a close code"
    ),
    ("      - open: l\n      - expect: {on: l, text: '${nope()}'}\n", "expected a function"),
    (
      "      - open: l\n      - expect: {on: l, text: a, within: 5 parsecs}\n",
      "expected a unit: ms, s or min, found \" parsecs\""
    ),
    ("      - open: l\n      - expect: {on: l}\n", "expected what to expect: json, text"),
    ("      - open: l\n      - expect: {on: l, json: {a: {$hexx: 3}}}\n", "expected a matcher: $any"),
    ("      - open: {as: l, status: 9000}\n", "x.yaml:8:31: expected a whole number from 100 to 599"),
    ("      - repeat: {times: 3}\n", "expected \"steps\" in repeat"),
    ("      - [open, l]\n", "x.yaml:8:9: expected a step: one verb and its mapping, found a list of 2"),
    ("      - let: {a: 'key('}\n", "expected \")\""),
    (
      "      - open: l\n      - expect: {on: l, anyOf: [{closed: true}, {open: true}]}\n",
      "expected open or nothing alone"
    ),
  ])
  func `a faulty step names file, line, column and what was expected`(_ steps: String, _ expected: String) throws {
    let text = try failure(Self.head + steps)
    #expect(text.contains(expected), "\(text)")
    #expect(text.hasPrefix("x.yaml:"))
  }

  @Test
  func `a faulty file is told as well`() throws {
    // libyaml sees the missing bracket where the text ends, at the start of the line behind.
    #expect(try failure("group: g\ntitle: [").hasPrefix("x.yaml:3:1: expected proper YAML"))
    #expect(try failure("group: g\ngroup: h\n").contains("expected each name once, found group twice"))
    #expect(try failure("group: g\ntitle: t\ncases: []\n").contains("expected at least one case"))
    #expect(
      try failure("group: g\ntitle: t\ntarget: moon\ncases: []\n").contains(
        "expected one of server, listener, requester"))
    #expect(try failure("").contains("expected a YAML document"))
    let twice = "  - id: one\n    title: t\n    requires: []\n    steps: [{open: l}]\n"
    #expect(
      try failure("group: g\ntitle: t\ncases:\n" + twice + twice).contains("expected an id of its own, found one"))
  }

  @Test
  func `unknown requirements are told with similar ones`() throws {
    let catalogue = try ConformanceFixtures.catalogue()
    let failure = try #require(throws: ScenarioFailure.self) {
      var reader = CaseReader(catalogue: catalogue)
      _ = try reader.read(
        "group: g\ntitle: t\ncases:\n  - id: one\n    title: t\n    requires: [CS-999]\n    steps: [{open: l}]\n",
        file: "x.yaml")
    }
    #expect(failure.expected.contains("CS-001"))
  }

  @Test
  func `aliases that blow up are refused`() throws {
    var yaml = "group: g\ntitle: t\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...8 {
      yaml += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n"
    }
    #expect(try failure(yaml).contains("at most"))
  }

  @Test
  func `mutations of the project's own files never trap`() throws {
    let text = Array(try ConformanceFixtures.text("Scenarios/server/05-authentication.yaml").utf8)
    var seed: UInt64 = 42
    func next(_ bound: Int) -> Int {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(seed >> 33) % bound
    }
    var refused = 0
    for _ in 0..<150 {
      var bytes = text
      for _ in 0...next(4) {
        switch next(3) {
        case 0: bytes[next(bytes.count)] = UInt8(truncatingIfNeeded: next(256))
        case 1: bytes.removeSubrange(next(bytes.count / 2)..<bytes.count / 2 + next(40))
        default:
          bytes.insert(contentsOf: Array("{[:]}${'\"\n  - ".utf8).shuffled().prefix(next(6)), at: next(bytes.count))
        }
      }
      var reader = CaseReader()
      do throws(ScenarioFailure) { _ = try reader.read(String(decoding: bytes, as: UTF8.self), file: "x") } catch {
        refused += 1
      }
    }
    #expect(refused > 50)
  }

  @Test
  func `the schema knows every verb and nothing else`() throws {
    let schema = ScenarioSchema.document
    let verbs = schema["$defs"]?["step"]?["properties"]?.object?.names ?? []
    #expect(verbs.contains("register") && verbs.contains("expect") && verbs.count == 21)
    let stored = try JSONValue.parse(try ConformanceFixtures.text("Scenarios/scenario.schema.json"))
    #expect(stored == schema, "run `chumgate scenario schema > Fixtures/Scenarios/scenario.schema.json`")
  }
}
