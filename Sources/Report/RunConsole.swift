public import Results
import WireBytes

/// A run as people follow it: one line a group, failures with their wire log.
public struct RunConsole: RunReport {
  public struct Style: Sendable {
    public var palette: Palette
    /// Every case on a line of its own.
    public var isVerbose = false
    /// Lines of the wire log under a failure; the last ones count.
    public var logLines = 24
    public init(palette: Palette) { self.palette = palette }
  }

  private let style: Style
  private var group: GroupInfo?
  private var shown: [CaseResult] = []
  private var palette: Palette { style.palette }

  public init(_ style: Style) { self.style = style }

  public mutating func take(_ event: RunEvent) -> String {
    switch event {
    case .started(let info):
      return palette.bold(ConsoleReport.printable("\(info.subject): \(info.target)"))
        + palette.dim("  (\(info.transport), profile \(info.profile), \(info.caseCount) cases, seed \(info.seed))")
        + "\n"
    case .groupStarted(let info):
      group = info
      shown = []
      return ""
    case .result(let result):
      shown.append(result)
      return ""
    case .groupEnded(let summary): return text(summary)
    case .ended(let summary): return text(summary)
    }
  }

  private func text(_ summary: GroupSummary) -> String {
    let isBad = summary.error != nil || shown.contains { $0.isUnexpected }
    let mark = isBad ? palette.red("FAIL") : palette.green("ok  ")
    var parts = Verdict.allCases.compactMap { verdict in summary.counts[verdict].map { "\($0) \(verdict.rawValue)" } }
    if parts.isEmpty { parts = ["nothing run"] }
    var lines = [
      "\(mark)  \(summary.name.padded(to: 22))  \(parts.joined(separator: ", "))  \(palette.dim(Duration.text(summary.time)))"
    ]
    if let error = summary.error { lines.append("      \(palette.red("error"))  \(ConsoleReport.printable(error))") }
    for result in shown where style.isVerbose || result.verdict.isBad { lines += text(result) }
    return lines.joined(separator: "\n") + "\n"
  }

  private func text(_ result: CaseResult) -> [String] {
    let ids = result.requirements.map(\.id).joined(separator: " ")
    var lines = [
      "      \(result.verdict.label(palette))  \(palette.bold(result.id))  \(palette.dim(ids))  \(ConsoleReport.printable(result.title))"
    ]
    if let note = result.note { lines.append("          \(palette.dim(ConsoleReport.printable(note)))") }
    guard result.verdict != .pass, result.verdict.hasRun else { return lines }
    if let reason = result.expected {
      lines.append("          \(palette.yellow("expected:")) \(ConsoleReport.printable(reason))")
    }
    for fault in result.faults { lines.append("          \(ConsoleReport.printable(fault))") }
    guard result.verdict.isBad, result.expected == nil else { return lines }
    for requirement in result.requirements {
      lines.append(
        palette.dim("          \(requirement.id) (\(requirement.level), \(requirement.source)): \(requirement.text)"))
    }
    let log = result.log.suffix(style.logLines)
    if log.count < result.log.count {
      lines.append(palette.dim("            … \(result.log.count - log.count) lines before"))
    }
    for line in log {
      let time = JSONText.number((line.time * 10).rounded() / 10)
      lines.append(
        palette.dim(
          "            \(String(repeating: " ", count: max(0, 8 - time.count)))\(time) ms  \(line.actor.padded(to: 6)) \(line.direction) "
        )
          + ConsoleReport.printable(line.text))
    }
    lines.append(palette.dim("          again: \(ConsoleReport.printable(result.repeatCommand))"))
    return lines
  }

  private func text(_ summary: RunSummary) -> String {
    var lines: [String] = []
    if let reason = summary.unreachable {
      lines.append("\(palette.red("unreachable:")) \(ConsoleReport.printable(reason))")
    }
    for entry in summary.stale {
      lines.append("\(palette.red("stale expectation"))  \(entry.id) (\(entry.place)): \(entry.reason.rawValue)")
    }
    let parts = Verdict.allCases.compactMap { verdict in
      summary.count(verdict) > 0 ? "\(summary.count(verdict)) \(verdict.rawValue)" : nil
    }
    var last =
      "\(summary.ran) cases in \(Duration.text(summary.time)): \(parts.isEmpty ? "none" : parts.joined(separator: ", "))"
    if summary.expectedFailures > 0 { last += "; \(summary.expectedFailures) failures are expected" }
    if summary.groupErrors > 0 {
      last += "; \(summary.groupErrors) of \(summary.groups) groups could not be run properly"
    }
    if summary.wasCutShort { last += "; stopped at the first failure" }
    lines.append(summary.exitCode == 0 ? palette.green(last) : palette.red(last))
    return lines.joined(separator: "\n") + "\n"
  }
}
