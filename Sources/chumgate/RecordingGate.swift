import Foundation
import Invariants
import Recording
import Replay
import Report
import Results
import WireBytes

/// The recordings of the fixtures: each must be judged exactly as its expectation says.
struct RecordingGate {
  let root: URL

  private var directory: URL { root.appendingPathComponent("Recordings") }

  /// How many recordings there are.
  func count() throws -> Int { try paths().count }

  private func paths() throws -> [String] {
    let paths = try Inputs.recordings([directory.path])
    guard !paths.isEmpty else { throw Exit.nothingRan("no recording in \(directory.path)") }
    return paths
  }

  /// One case a recording; an expectation without its recording is stale.
  func events() throws -> [RunEvent] {
    let paths = try paths()
    var summary = RunSummary()
    summary.groups = 1
    var results: [RunEvent] = []
    let clock = ContinuousClock()
    let start = clock.now
    for path in paths {
      let result = try self.result(path)
      summary.counts[result.verdict, default: 0] += 1
      if result.verdict == .fail { summary.unexpectedFailures += 1 }
      results.append(.result(result))
    }
    for name in try staleExpectations(paths) {
      summary.stale.append(StaleExpectation(id: name, reason: .unknownCase, place: "Recordings/\(name)"))
    }
    let time = start.duration(to: clock.now)
    summary.time = Double(time.components.seconds) * 1_000 + Double(time.components.attoseconds) / 1e15
    let info = GroupInfo(name: "recordings", title: "Sessions of the real implementation", caseCount: paths.count)
    let group = GroupSummary(name: "recordings", counts: summary.counts, error: nil, time: summary.time)
    return [.groupStarted(info)] + results + [.groupEnded(group), .ended(summary)]
  }

  private func result(_ path: String) throws -> CaseResult {
    let verdict = try judge(path)
    let difference = try expectation(expectationURL(path)).compare(verdict)
    let isGood = difference.unexpected.isEmpty && difference.missing.isEmpty
    let name = verdict.name ?? URL(fileURLWithPath: path).lastPathComponent
    var result = CaseResult(
      id: name, title: "\(verdict.openedFrames) frames decrypted, \(verdict.findings.count) findings",
      group: "recordings",
      verdict: isGood ? .pass : .fail, behaviour: isGood ? .pass : .fail, close: .pass, binds: "base",
      place: "Recordings/\(URL(fileURLWithPath: path).lastPathComponent)", repeatCommand: "chumgate replay '\(path)'")
    result.faults = difference.unexpected.map {
      "not expected: \($0.rule.id) \($0.conn) line \($0.line): \($0.message)"
    }
    result.faults += difference.missing.map { "not found: \($0.rule) \($0.conn) line \($0.line)" }
    return result
  }

  /// Writes the expectation files anew from what is found.
  func update() throws {
    for path in try paths() {
      let url = expectationURL(path)
      try write(try judge(path), over: try expectation(url), to: url)
      print("written: \(url.lastPathComponent)")
    }
  }

  private func expectationURL(_ path: String) -> URL {
    URL(fileURLWithPath: String(path.dropLast(".ndjson".count)) + ".expected.json")
  }

  private func judge(_ path: String) throws -> SessionVerdict {
    do throws(RecordingFailure) {
      var judge = try SessionJudge(file: path, source: try FileSource(path: path))
      return try judge.run()
    } catch {
      throw Exit.usage("\(path): \(error)")
    }
  }

  private func expectation(_ url: URL) throws -> RecordingExpectation {
    guard FileManager.default.fileExists(atPath: url.path) else { return RecordingExpectation(findings: []) }
    do { return try RecordingExpectation(json: try Inputs.bytes(url.path)) } catch let failure as RecordingFailure {
      throw Exit.usage("\(url.path): \(failure)")
    }
  }

  private func write(_ verdict: SessionVerdict, over old: RecordingExpectation, to url: URL) throws {
    var reasons: [RecordingExpectation.Expected: String] = [:]
    for entry in old.findings { reasons[entry.expected] = entry.reason }
    let findings = verdict.findings.map { finding in
      let key = RecordingExpectation.Expected(rule: finding.rule.id, conn: finding.conn, line: finding.line)
      let label = finding.deviation.map { "known deviation \($0): " } ?? ""
      return (expected: key, reason: reasons[key] ?? "\(label)\(finding.message)")
    }
    let document = RecordingExpectation(findings: findings)
    let lines = (document.json["findings"]?.array ?? []).map { "  " + $0.compact }
    try Inputs.write("{\"findings\":[\n" + lines.joined(separator: ",\n") + "\n]}\n", to: url.path)
  }

  private func staleExpectations(_ paths: [String]) throws -> [String] {
    let known = Set(
      paths.map { URL(fileURLWithPath: $0).lastPathComponent.replacingOccurrences(of: ".ndjson", with: "") })
    return try FileManager.default.contentsOfDirectory(atPath: directory.path)
      .filter {
        $0.hasSuffix(".expected.json") && !known.contains($0.replacingOccurrences(of: ".expected.json", with: ""))
      }
  }
}
