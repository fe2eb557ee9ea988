public import ArgumentParser
import Foundation
import Invariants
import Recording
public import Replay
import Report
import WireBytes

extension JudgingProfile: ExpressibleByArgument {}

struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Judge recorded sessions: what went wrong, at which message, which rule says so.",
    discussion: """
      Reads one-ws-recording/1 (*.ndjson). With keys in the header, or a key log, the encrypted part is judged too;
      without, the verdict says what it could not see. A directory means every *.har and *.ndjson in it but *.plain.ndjson.

      Behind the findings stands a diagnosis: what each side offered, asked, sent and refused, what is missing where and
      why, and an answer for each trouble of the troubleshooting list. It is shown for a single file, and for failing
      sessions of several; --diagnose shows it always.

      Logs that instances write (Fixtures/Recordings/LOG.md) show what the wire cannot: grants, groups, channels, plugins.
      They stand among the frames, or in files of their own, merged by time with --log. A log alone is judged too.

        chumgate replay session.ndjson
        chumgate replay --rule FRM-001 --json out.json captures/
        chumgate replay session.ndjson --log alice.log.ndjson --log bob.log.ndjson
        chumgate replay app.log.ndjson

      Exit codes: 0 all pass, 1 a session fails, 2 a file cannot be read, 4 nothing was judged.
      """)

  @Argument(help: ArgumentHelp("Session files or directories; - for standard input.", valueName: "file"))
  var files: [String]

  @Option(help: "deployed: what the real implementation keeps must be kept. strict: hardening too.")
  var profile = JudgingProfile.deployed

  @Option(help: ArgumentHelp("Judge by this rule only; may be repeated.", valueName: "id"))
  var rule: [String] = []

  @Option(help: ArgumentHelp("Session keys: lines of ephemeral public key and shared key in hex.", valueName: "file"))
  var keyLog: [String] = []

  @Option(
    help: ArgumentHelp(
      "An instance's log, merged with the one session by time; may be repeated.", valueName: "file"))
  var log: [String] = []

  @Flag(help: "Use no key of the recordings' headers.")
  var ignoreKeys = false

  @Option(help: ArgumentHelp("Write the verdicts as JSON; - for standard output.", valueName: "file"))
  var json: String?

  @Option(help: ArgumentHelp("Write the verdicts as JUnit XML; - for standard output.", valueName: "file"))
  var junit: String?

  @Option(help: ArgumentHelp("Write the verdicts as TAP 14; - for standard output.", valueName: "file"))
  var tap: String?

  @Option(help: ArgumentHelp("Write the verdicts as one HTML page; - for standard output.", valueName: "file"))
  var html: String?

  @Option(help: "Findings written in full for each session.")
  var limit = 50

  @Flag(name: .shortAndLong, help: "Write failures only.")
  var quiet = false

  @Flag(help: "Show the diagnosis of every session, not only of failing ones.")
  var diagnose = false

  func run() throws {
    let rules = try ruleTypes()
    let paths = try Inputs.recordings(files)
    guard !paths.isEmpty else { throw Exit.nothingRan("no recording in \(files.joined(separator: ", "))") }
    guard log.isEmpty || paths.count == 1 else {
      throw ValidationError("--log belongs to one session; \(paths.count) were given")
    }
    let keyLogs = try keyLog.map { (name: $0, bytes: try Inputs.bytes($0)) }
    var verdicts: [SessionVerdict] = []
    var errors: [(file: String, error: String)] = []
    let writesToOutput = [json, junit, tap, html].contains("-")
    for path in paths {
      do {
        let verdict = try judge(path, rules, keyLogs)
        verdicts.append(verdict)
        if !writesToOutput {
          print(ConsoleReport.text(verdict, palette: Terminal.palette, limit: limit, quiet: quiet))
          if shows(verdict, of: paths.count) {
            print(DiagnosisReport.text(verdict.diagnosis, palette: Terminal.palette))
          }
        }
      } catch let failure as RecordingFailure {
        errors.append((path, "\(failure)"))
        Terminal.error("\(path): \(failure)")
      }
    }
    try Inputs.write(JSONReport.document(verdicts, errors: errors).compact + "\n", to: json)
    try Inputs.write(JUnitReport.document(verdicts, errors: errors), to: junit)
    if tap != nil || html != nil {
      let events = ReplayEvents.events(verdicts, errors: errors, startedAt: Date().timeIntervalSince1970)
      var lines = RunTAP()
      if tap != nil { try Inputs.write(lines.whole(events), to: tap) }
      var page = RunHTML(last: try html.flatMap { try LastRun.readIfThere($0) })
      if html != nil { try Inputs.write(page.whole(events), to: html) }
    }
    if !writesToOutput, paths.count > 1 { print(summary(verdicts, errors.count)) }
    if !errors.isEmpty { throw ExitCode(2) }
    if verdicts.contains(where: { $0.status == .fail }) { throw ExitCode(1) }
    if verdicts.allSatisfy({ $0.status == .empty }) { throw Exit.nothingRan("no frame in any session") }
  }

  /// Who asks for one rule, or for failures only, asks for no diagnosis.
  private func shows(_ verdict: SessionVerdict, of count: Int) -> Bool {
    if diagnose { return true }
    guard rule.isEmpty, !quiet, verdict.status != .empty else { return false }
    return count == 1 || verdict.status == .fail
  }

  private func ruleTypes() throws -> [any Rule.Type] {
    guard !rule.isEmpty else { return RuleBook.all }
    return try rule.map { id in
      guard let type = RuleBook.rule(id.uppercased()) else {
        throw Exit.nothingRan("no rule \(id); chumgate explain lists them")
      }
      return type
    }
  }

  private func judge(
    _ path: String, _ rules: [any Rule.Type], _ keyLogs: [(name: String, bytes: [UInt8])]
  ) throws -> SessionVerdict {
    var options = SessionReader<FileSource>.Options()
    options.keyLogs = keyLogs
    options.ignoresHeaderKeys = ignoreKeys
    let logs = try Inputs.logs(log)
    let source = try FileSource(path: path)
    var judge = try SessionJudge(
      file: path, source: source, options: options, logs: logs, profile: profile, rules: rules)
    let progress = Terminal.Progress(label: path, total: source.size)
    while try judge.step() { progress.update(source.position) }
    progress.end()
    return judge.finish()
  }

  private func summary(_ verdicts: [SessionVerdict], _ errors: Int) -> String {
    let passed = verdicts.count { $0.status == .pass }
    let failed = verdicts.count { $0.status == .fail }
    return "\(verdicts.count + errors) sessions: \(passed) pass, \(failed) fail, \(errors) unreadable"
  }
}
