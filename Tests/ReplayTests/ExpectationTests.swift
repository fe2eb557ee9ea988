import Foundation
import Invariants
import Recording
import Replay
import Report
import Synchronization
import Testing
import WireBytes

@Suite("Each recording gives exactly the findings of its expectation")
struct ExpectationTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures/Recordings")

  static let names: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
    return files.filter { $0.hasSuffix(".ndjson") && !$0.hasSuffix(".plain.ndjson") }
      .map { String($0.dropLast(".ndjson".count)) }.sorted()
  }()

  private static let verdicts = Mutex<[String: SessionVerdict]>([:])

  private func verdict(_ name: String) throws -> SessionVerdict {
    if let known = Self.verdicts.withLock({ $0[name] }) { return known }
    let bytes = [UInt8](try Data(contentsOf: Self.root.appendingPathComponent("\(name).ndjson")))
    var judge = try SessionJudge(file: name, source: MemorySource(bytes))
    let verdict = try judge.run()
    Self.verdicts.withLock { $0[name] = verdict }
    return verdict
  }

  @Test(arguments: names)
  func `findings are the expected ones, no more and no fewer`(_ name: String) throws {
    let json = [UInt8](try Data(contentsOf: Self.root.appendingPathComponent("\(name).expected.json")))
    let expectation = try RecordingExpectation(json: json)
    let difference = expectation.compare(try verdict(name))
    #expect(difference.unexpected.map { "\($0.rule.id) \($0.conn) \($0.line)" } == [])
    #expect(difference.missing.map { "\($0.rule) \($0.conn) \($0.line)" } == [])
  }

  @Test(arguments: names)
  func `good sessions pass and sessions with faults fail`(_ name: String) throws {
    let hasFaults =
      name.hasPrefix("fail-") || name.hasPrefix("chum-blob-1") || name.hasPrefix("chum-burst")
    #expect(try verdict(name).status == (hasFaults ? .fail : .pass))
  }

  @Test
  func `an expectation notices a finding too many and one too few`() throws {
    let verdict = try verdict("iop-pair-1")
    let first = try #require(verdict.findings.first)
    let key = RecordingExpectation.Expected(rule: first.rule.id, conn: first.conn, line: first.line)
    let other = RecordingExpectation.Expected(rule: "FRM-001", conn: "c1", line: 3)
    let right = RecordingExpectation(findings: [(key, "known")]).compare(verdict)
    #expect(right.unexpected.isEmpty && right.missing.isEmpty)
    #expect(RecordingExpectation(findings: []).compare(verdict).unexpected.count == 1)
    #expect(RecordingExpectation(findings: [(key, "known"), (other, "wrong")]).compare(verdict).missing == [other])
  }

  @Test
  func `reports are well-formed and tell the same verdict`() throws {
    let verdict = try verdict("fail-tamper-1")
    let document = JSONReport.document([verdict], errors: [("x<y>.ndjson", "line 3: \"bad\"")])
    let again = try JSONValue.parse(document.compact)
    #expect(again["sessions"]?.array?.first?["verdict"] == "fail")
    #expect(again["sessions"]?.array?.first?["findings"]?.array?.count == verdict.findings.count)
    let xml = JUnitReport.document([verdict], errors: [("x<y>.ndjson", "line 3: \"bad\" \u{1}")])
    let parser = XMLCheck()
    #expect(parser.isWellFormed(xml))
    #expect(!parser.isWellFormed(xml + "<"))
    let text = ConsoleReport.text(verdict, palette: Palette(enabled: false))
    #expect(text.hasPrefix("FAIL"))
    #expect(!text.contains("\u{1B}"))
    #expect(ConsoleReport.printable("a\u{1B}[2Jb") == "a\\u{1b}[2Jb")
  }
}

/// Well-formedness by tag balance: enough for what the report writes, without an XML library in the tests.
private struct XMLCheck {
  func isWellFormed(_ text: String) -> Bool {
    var stack: [String] = []
    var rest = Substring(text)
    while let open = rest.firstIndex(of: "<") {
      guard let close = rest[open...].firstIndex(of: ">") else { return false }
      let tag = rest[rest.index(after: open)..<close]
      rest = rest[rest.index(after: close)...]
      if tag.hasPrefix("?") || tag.hasSuffix("/") { continue }
      let name = String(tag.drop { $0 == "/" }.prefix { $0 != " " })
      if tag.hasPrefix("/") {
        guard stack.popLast() == name else { return false }
      } else {
        stack.append(name)
      }
    }
    return stack.isEmpty
  }
}
