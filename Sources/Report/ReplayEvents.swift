import Invariants
public import Replay
public import Results
import WireBytes

/// Verdicts over recordings as the events of a run, so that they go through the same reports: a session is a group, a
/// rule that had something to look at is a case.
public enum ReplayEvents {
  /// `command` is what judges one file again; `startedAt` in seconds since 1970.
  public static func events(
    _ verdicts: [SessionVerdict], errors: [(file: String, error: String)], command: String = "chumgate replay",
    startedAt: Double = 0
  ) -> [RunEvent] {
    var summary = RunSummary()
    var groups: [RunEvent] = []
    for verdict in verdicts { groups += session(verdict, command, &summary) }
    for error in errors {
      groups.append(.groupStarted(GroupInfo(name: error.file, title: "not readable", caseCount: 0)))
      groups.append(.groupEnded(GroupSummary(name: error.file, counts: [:], error: error.error, time: 0)))
      summary.groupErrors += 1
      summary.groups += 1
    }
    let info = RunInfo(
      subject: "replay", target: "\(verdicts.count + errors.count) sessions", transport: "recordings",
      profile: verdicts.first?.profile.rawValue ?? "deployed", seed: 0, caseCount: summary.ran, startedAt: startedAt)
    return [.started(info)] + groups + [.ended(summary)]
  }

  private static func session(_ verdict: SessionVerdict, _ command: String, _ summary: inout RunSummary) -> [RunEvent] {
    let name = verdict.name ?? verdict.file
    let byRule = Dictionary(grouping: verdict.findings) { $0.rule.id }
    var rules = verdict.rulesWoken
    for finding in verdict.findings where !rules.contains(where: { $0.id == finding.rule.id }) {
      rules.append(finding.rule)
    }
    let diagnosis = DiagnosisReport.text(verdict.diagnosis, palette: Palette(enabled: false))
    let notes = diagnosis.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var events: [RunEvent] = [
      .groupStarted(
        GroupInfo(name: name, title: verdict.description ?? verdict.file, caseCount: rules.count, notes: notes))
    ]
    var counts: [Verdict: Int] = [:]
    for rule in rules.sorted(by: { $0.id < $1.id }) {
      let result = self.result(rule, byRule[rule.id] ?? [], verdict, name, command)
      counts[result.verdict, default: 0] += 1
      summary.counts[result.verdict, default: 0] += 1
      if result.verdict == .fail { summary.unexpectedFailures += 1 }
      events.append(.result(result))
    }
    summary.groups += 1
    summary.time += verdict.duration
    events.append(.groupEnded(GroupSummary(name: name, counts: counts, error: nil, time: verdict.duration)))
    return events
  }

  private static func result(
    _ rule: RuleInfo, _ findings: [Finding], _ session: SessionVerdict, _ name: String, _ command: String
  ) -> CaseResult {
    let levels = Set(findings.map { $0.level(session.profile) })
    let verdict: Verdict =
      levels.contains(.failure)
      ? .fail : levels.contains(.warning) ? .nonStrict : levels.isEmpty ? .pass : .informational
    var result = CaseResult(
      id: "\(name)/\(rule.id)", title: rule.statement, group: name, verdict: verdict, behaviour: verdict, close: .pass,
      binds: rule.binding.rawValue, place: session.file,
      repeatCommand: "\(command) --rule \(rule.id) '\(session.file)'")
    result.faults = findings.map {
      "\(ConsoleReport.place($0.conn, $0.line, $0.time)): by \($0.culprit.rawValue): \($0.message)"
    }
    result.requirements = ([rule.id] + rule.alsoDecides).map {
      .init(
        id: $0, level: "rule", kind: rule.binding.rawValue, severity: rule.severity.rawValue, source: rule.reference,
        text: rule.statement)
    }
    for finding in findings {
      result.log += finding.witnesses.map {
        .init(time: $0.time, actor: $0.conn, direction: "·", text: "line \($0.line): \($0.text)")
      }
    }
    return result
  }
}
