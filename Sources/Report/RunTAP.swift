public import Results
import WireBytes

/// A run as TAP version 14: a subtest a group.
public struct RunTAP: RunReport {
  private var groupCount = 0
  private var caseCount = 0
  private var title = ""
  private var isBad = false
  private var wasCutShort = false

  public init() {}

  public mutating func take(_ event: RunEvent) -> String {
    switch event {
    case .started(let info):
      return "TAP version 14\n# \(escape("\(info.subject): \(info.target), profile \(info.profile)"))\n"
    case .groupStarted(let info):
      groupCount += 1
      (caseCount, title, isBad) = (0, info.name, false)
      return "# Subtest: \(escape(info.name))\n"
    case .result(let result):
      caseCount += 1
      if result.isUnexpected { isBad = true }
      return text(result)
    case .groupEnded(let summary):
      var text = "    1..\(caseCount)\n"
      if let error = summary.error { text += "    # error: \(escape(error))\n" }
      return text + "\(isBad || summary.error != nil ? "not ok" : "ok") \(groupCount) - \(escape(title))\n"
    case .ended(let summary):
      if let reason = summary.unreachable { return "Bail out! \(escape(reason))\n" }
      var text = "1..\(groupCount)\n"
      for entry in summary.stale { text += "# stale expectation \(escape(entry.id)): \(entry.reason.rawValue)\n" }
      return text
    }
  }

  private func text(_ result: CaseResult) -> String {
    let isOk = !(result.verdict == .fail || result.verdict == .error)
    var line = "    \(isOk ? "ok" : "not ok") \(caseCount) - \(escape(result.id)): \(escape(result.title))"
    switch result.verdict {
    case .skipped, .unsupported: line += " # SKIP \(escape(result.note ?? result.verdict.rawValue))"
    // TAP's own word for a failure that is expected: it does not fail the run.
    case _ where result.expected != nil: line += " # TODO \(escape(result.expected ?? ""))"
    default: break
    }
    guard result.verdict != .pass, result.verdict.hasRun else { return line + "\n" }
    line += "\n      ---\n      verdict: \(result.verdict.rawValue)\n"
    line += "      requirements: [\(result.requirements.map(\.id).joined(separator: ", "))]\n"
    if !result.faults.isEmpty {
      line += "      faults:\n" + result.faults.map { "        - \(JSONText.quoted($0))\n" }.joined()
    }
    return line + "      again: \(JSONText.quoted(result.repeatCommand))\n      ...\n"
  }

  /// `#` begins a directive and a backslash escapes; line breaks would end the line.
  private func escape(_ text: String) -> String {
    var out = ""
    for character in ConsoleReport.printable(text) {
      if character == "#" || character == "\\" { out.append("\\") }
      out.append(character)
    }
    return out
  }
}
