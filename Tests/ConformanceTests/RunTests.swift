import CommServer
import Conformance
import Report
import Requirements
import Results
import Scenario
import Testing
import Wire
import WireBytes

@Suite("Whole runs against the embedded targets")
struct RunTests {
  @Test(arguments: Profile.allCases)
  func `the embedded server passes every case that binds it`(_ profile: Profile) throws {
    let suite = try ConformanceFixtures.suite().of(.server)
    #expect(suite.cases.count >= 160)
    var target = EmbeddedServer(settings: CommServerSettings(profile: profile))
    let (events, summary) = try run(suite, profile, &target)
    let bad = events.compactMap { if case .result(let result) = $0, result.verdict.isBad { result.id } else { nil } }
    #expect(bad == [])
    #expect(summary.exitCode == 0)
    if profile == .strict { #expect(summary.count(.nonStrict) == 0) }
  }

  @Test(arguments: Profile.allCases, [TargetRole.listener, .requester])
  func `the embedded clients pass every case that binds them`(_ profile: Profile, _ role: TargetRole) throws {
    let suite = try ConformanceFixtures.suite().of(role)
    var target = EmbeddedClient(role: role, profile: profile)
    let (events, summary) = try run(suite, profile, &target)
    let bad = events.compactMap { if case .result(let result) = $0, result.verdict.isBad { result.id } else { nil } }
    #expect(bad == [])
    #expect(summary.exitCode == 0)
  }

  private func run(
    _ suite: Suite, _ profile: Profile, _ target: inout some CaseTarget, _ options: RunOptions = RunOptions()
  ) throws -> ([RunEvent], RunSummary) {
    var events: [RunEvent] = []
    var options = options
    options.knownIDs = suite.cases.map(\.id)
    var runner = Runner(
      suite, judge: Judge(profile: profile, catalogue: suite.catalogue, command: "chumgate test"), options: options)
    let summary = runner.run(on: &target) { events.append($0) }
    return (events, summary)
  }

  private func broken(_ name: String) throws -> EmbeddedServer {
    var target = EmbeddedServer(settings: .deployed)
    target.variant = try #require(Variant(name: name))
    return target
  }

  @Test
  func `a broken server fails with exit code 1, and an expectation turns that into 0`() throws {
    let suite = try ConformanceFixtures.suite().of(.server).selecting(["CS-005"])
    var target = try broken("acceptsUnnegatedResponse")
    let (_, summary) = try run(suite, .deployed, &target)
    #expect(summary.exitCode == 1 && summary.unexpectedFailures == 1)
    var options = RunOptions()
    options.today = "2026-01-01"
    options.expectations = try Expectations(
      yaml:
        "format: chumgate-expectations/1\nexpect:\n  - {id: response-not-negated/*, reason: known, expires: 2026-06-01}\n",
      file: "e")
    let (events, second) = try run(suite, .deployed, &target, options)
    #expect(second.exitCode == 0 && second.expectedFailures == 1)
    #expect(events.contains { if case .result(let result) = $0 { result.expected == "known" } else { false } })
    // The same entry is stale against a server that is in order, and once it has expired.
    var good = EmbeddedServer(settings: .deployed)
    #expect(try run(suite, .deployed, &good, options).1.exitCode == 5)
    options.today = "2026-06-01"
    let expired = try run(suite, .deployed, &target, options).1
    #expect(expired.exitCode == 5 && expired.stale.map(\.reason) == [.expired] && expired.unexpectedFailures == 0)
    // A failure that nothing explains goes before an expired entry.
    let more = try ConformanceFixtures.suite().of(.server).selecting(["CS-005", "CS-004"])
    options.expectations?.entries[0].id = "no-such-case"
    #expect(try run(more, .deployed, &target, options).1.exitCode == 1)
  }

  @Test(arguments: [
    ("2027-02-28", true), ("2028-02-29", true), ("2000-02-29", true), ("2027-02-29", false), ("2100-02-29", false),
    ("2026-02-30", false), ("2026-04-31", false), ("2027-+1-+1", false), ("+202-01-01", false), ("2027-1-01", false),
    ("2027-00-01", false), ("2027-01-00", false), ("2027-13-01", false), ("2027-01-01-", false), ("", false),
  ])
  func `a date of expiry is a real day or it is refused`(_ date: String, _ isReal: Bool) {
    let yaml = "format: chumgate-expectations/1\nexpect:\n  - {id: a, reason: r, expires: \"\(date)\"}\n"
    #expect(((try? Expectations(yaml: yaml, file: "e")) != nil) == isReal)
  }

  @Test
  func `a listed failure that turns out flaky is not mended`() {
    var flaky = CaseResult(
      id: "a", title: "", group: "", verdict: .flaky, behaviour: .fail, close: .pass, binds: "", place: "",
      repeatCommand: "")
    let old = Expectations(entries: [.init(id: "a", reason: "r", link: nil, expires: nil, place: "")])
    #expect(old.stale([flaky], known: ["a"], today: "2026-01-01") == [])
    #expect(old.updated([flaky], today: "2026-01-01") == old)
    flaky.verdict = .pass
    #expect(old.stale([flaky], known: ["a"], today: "2026-01-01").map(\.reason) == [.noLongerFails])
  }

  @Test
  func `expectations for no case are stale, and update keeps words and drops what passes`() throws {
    let suite = try ConformanceFixtures.suite().of(.server).selecting(["first-binary*"])
    var options = RunOptions()
    let entry = Expectations.Entry(id: "no-such-case", reason: "r", link: nil, expires: nil, place: "e:1:1")
    options.expectations = Expectations(entries: [entry])
    var target = EmbeddedServer(settings: .deployed)
    let (_, summary) = try run(suite, .deployed, &target, options)
    #expect(summary.stale.map(\.reason) == [.unknownCase] && summary.exitCode == 5)
    var failed = CaseResult(
      id: "a", title: "", group: "", verdict: .fail, behaviour: .fail, close: .pass, binds: "", place: "",
      repeatCommand: "")
    failed.faults = ["boom"]
    var passed = failed
    (passed.id, passed.verdict) = ("b", .pass)
    let old = Expectations(entries: [
      .init(id: "a", reason: "old words", link: "https://example.org/1", expires: nil, place: ""),
      .init(id: "b", reason: "gone", link: nil, expires: nil, place: ""),
    ])
    var other = failed
    other.id = "c"
    let new = old.updated([failed, passed, other], today: "2026-01-01")
    #expect(new.entries.map(\.id) == ["a", "c"])
    #expect(new.entries.map(\.reason) == ["old words", "found 2026-01-01: boom"])
    let again = try Expectations(yaml: new.yaml, file: "again")
    #expect(again.entries.map(\.id) == ["a", "c"] && again.entries[0].link == "https://example.org/1")
  }

  @Test
  func `a hardening case that fails is non-strict in profile deployed and a failure in strict`() throws {
    let suite = try ConformanceFixtures.suite().of(.server).selecting(["register-low-order/zero"])
    var target = EmbeddedServer(settings: .deployed)
    #expect(try run(suite, .deployed, &target).1.count(.nonStrict) == 1)
    #expect(try run(suite, .strict, &target).1.count(.fail) == 1)
  }

  @Test
  func `a dead target is one error a group and not one a case`() throws {
    let suite = try ConformanceFixtures.suite().of(.server)
    var target = try broken("noRequestToListener")
    let (events, summary) = try run(suite, .deployed, &target)
    #expect(summary.groupErrors == suite.groups.count && summary.ran == 0 && summary.exitCode == 3)
    let errors = events.count { if case .groupEnded(let group) = $0 { group.error != nil } else { false } }
    #expect(errors == suite.groups.count)
  }

  @Test
  func `fail-fast stops, and selection goes by id, glob, tag and requirement`() throws {
    let suite = try ConformanceFixtures.suite().of(.server)
    var options = RunOptions()
    options.failsFast = true
    var target = try broken("ignoresNonJSON")
    let (_, summary) = try run(suite, .deployed, &target, options)
    #expect(summary.wasCutShort && summary.count(.fail) == 1)
    #expect(suite.selecting(["tag:ping"]).groups.map(\.name).contains("ping"))
    #expect(suite.selecting(["CS-00?"]).cases.allSatisfy { $0.requires.contains { $0.text.hasPrefix("CS-00") } })
    #expect(suite.selecting(["register-low-order"]).cases.count == 7)
    #expect(suite.selecting(["nothing*"]).cases.isEmpty)
    #expect(Glob.matches("a*b?d", "axxbcd") && !Glob.matches("a*b?d", "axxbd") && Glob.matches("*", ""))
  }

  @Test
  func `every format tells the same run`() throws {
    let suite = try ConformanceFixtures.suite().of(.server).selecting(["closing"])
    var target = try broken("dropsReason")
    let (events, summary) = try run(suite, .deployed, &target)
    let failures = summary.count(.fail)
    #expect(failures > 0)
    var json = RunJSON()
    let text = json.whole(events)
    let results = try #require(RunJSON.results(text))
    #expect(results.count { $0.verdict == .fail } == failures)
    var page = RunHTML(last: ["close-of-requester/1000": "pass"])
    let html = page.whole(events)
    #expect(RunHTML.results(html)?.count == results.count)
    #expect(!html.contains("http://") && !html.contains("https://"))
    var tap = RunTAP()
    let lines = tap.whole(events).split(separator: "\n")
    #expect(lines.first == "TAP version 14" && lines.count { $0.hasPrefix("    not ok ") } == failures)
    var junit = RunJUnit()
    let xml = junit.whole(events)
    #expect(xml.components(of: "<failure ") == failures)
    var console = RunConsole(.init(palette: Palette(enabled: false)))
    let words = console.whole(events)
    #expect(words.contains("FAIL") && words.contains("again: chumgate test --filter"))
    #expect(!words.contains("\u{1B}"))
  }

  @Test
  func `what a peer sends cannot break out of the page, the XML or the terminal`() throws {
    let nasty = "</script><script>alert(1)</script>\u{1B}[2J\u{0}&\"<x>#\n"
    var result = CaseResult(
      id: "a", title: nasty, group: "g", verdict: .fail, behaviour: .fail, close: .pass, binds: "base", place: "p",
      repeatCommand: nasty)
    result.faults = [nasty]
    result.log = [.init(time: 0, actor: "l", direction: "<", text: nasty)]
    var summary = RunSummary()
    summary.counts = [.fail: 1]
    summary.unexpectedFailures = 1
    let info = RunInfo(subject: "s", target: nasty, transport: "t", profile: "p", seed: 1, caseCount: 1, startedAt: 0)
    let events: [RunEvent] = [
      .started(info), .groupStarted(.init(name: "g", title: "t", caseCount: 1)), .result(result),
      .groupEnded(.init(name: "g", counts: [.fail: 1], error: nil, time: 0)), .ended(summary),
    ]
    var page = RunHTML(last: nil)
    #expect(page.whole(events).components(of: "<script") == 3)
    var junit = RunJUnit()
    let xml = junit.whole(events)
    #expect(!xml.contains("<script") && !xml.contains("\u{1B}") && !xml.contains("\u{0}"))
    var console = RunConsole(.init(palette: Palette(enabled: false)))
    #expect(!console.whole(events).contains("\u{1B}"))
    var tap = RunTAP()
    #expect(!tap.whole(events).contains("\u{1B}"))
  }
}

extension String {
  /// How often a text stands in it.
  fileprivate func components(of part: String) -> Int {
    var count = 0
    var index = startIndex
    while let range = self[index...].firstRange(of: part) {
      count += 1
      index = range.upperBound
    }
    return count
  }
}
