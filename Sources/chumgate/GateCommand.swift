import ArgumentParser
import Foundation
import Invariants
import Recording
import Replay
import Report
import WireBytes

struct GateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate",
    abstract: "Run everything that a CI wants to know: today, that every recording is judged as expected.",
    discussion: """
      Replays each recording of the fixtures and compares the findings with NAME.expected.json beside it: one finding
      too many or too few fails the gate. A recording without an expectation must have no failure. Then the embedded
      instance is asked all its cases in both profiles, and random worlds are played (chumgate simulate).

      Exit codes: 0 pass, 1 failures, 2 unreadable file, 4 nothing ran, 5 an expectation without its recording.
      """)

  @Option(help: ArgumentHelp("The fixtures; by default ./Fixtures, else those of the source tree.", valueName: "dir"))
  var fixtures: String?

  @Flag(help: "Write the expectation files anew from what is found, keeping the reasons of findings that stay.")
  var update = false

  @Option(help: ArgumentHelp("Random worlds of the simulation, seeds 1 to N; 0 plays none.", valueName: "n"))
  var worlds = 200

  func validate() throws {
    guard (0...1_000_000).contains(worlds) else { throw ValidationError("--worlds is 0 to 1,000,000") }
  }

  func run() throws {
    let root = try Self.fixtures(fixtures)
    let directory = root.appendingPathComponent("Recordings")
    let paths = try Inputs.recordings([directory.path])
    guard !paths.isEmpty else { throw Exit.nothingRan("no recording in \(directory.path)") }
    var failed = 0
    var frames = 0
    for path in paths {
      let verdict = try judge(path)
      frames += verdict.openedFrames
      let expectationURL = URL(fileURLWithPath: String(path.dropLast(".ndjson".count)) + ".expected.json")
      let old = try expectation(expectationURL)
      if update {
        try write(verdict, over: old, to: expectationURL)
        continue
      }
      let difference = old.compare(verdict)
      if difference.unexpected.isEmpty && difference.missing.isEmpty {
        print(
          "\(Terminal.palette.green("ok"))    \(verdict.name ?? path)  \(verdict.findings.count) findings, all expected"
        )
        continue
      }
      failed += 1
      print("\(Terminal.palette.red("FAIL"))  \(verdict.name ?? path)")
      for finding in difference.unexpected {
        print(
          "  not expected: \(finding.rule.id) \(finding.conn) line \(finding.line): \(ConsoleReport.printable(finding.message))"
        )
      }
      for expected in difference.missing {
        print("  not found:    \(expected.rule) \(expected.conn) line \(expected.line)")
      }
    }
    let stale = try staleExpectations(directory, paths)
    for name in stale { Terminal.error("\(name) has no recording") }
    print("\(paths.count) recordings, \(frames) frames decrypted, \(paths.count - failed) as expected, \(failed) not")
    if !update, !GateInstance.run(worlds: worlds) { failed += 1 }
    if failed > 0 { throw ExitCode(1) }
    if !stale.isEmpty { throw ExitCode(5) }
  }

  /// The fixtures directory: the option, the working directory's, or that of the source tree this was built from.
  static func fixtures(_ option: String?) throws -> URL {
    var candidates = [URL(fileURLWithPath: "Fixtures")]
    let source = URL(fileURLWithPath: #filePath)
    candidates.append(
      source.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures"))
    if let option { candidates = [URL(fileURLWithPath: option)] }
    guard let found = candidates.first(where: { FileManager.default.fileExists(atPath: $0.path) }) else {
      throw Exit.nothingRan("no fixtures at \(candidates.map(\.path).joined(separator: " or "))")
    }
    return found
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

  private func staleExpectations(_ directory: URL, _ paths: [String]) throws -> [String] {
    let known = Set(
      paths.map { URL(fileURLWithPath: $0).lastPathComponent.replacingOccurrences(of: ".ndjson", with: "") })
    return try FileManager.default.contentsOfDirectory(atPath: directory.path)
      .filter {
        $0.hasSuffix(".expected.json") && !known.contains($0.replacingOccurrences(of: ".expected.json", with: ""))
      }
  }
}
