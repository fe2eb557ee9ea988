import Invariants
public import Replay
import Trace
import WireBytes

/// Terminal colours, or none.
public struct Palette: Sendable {
  let enabled: Bool
  public init(enabled: Bool) { self.enabled = enabled }
  func paint(_ text: String, _ code: Int) -> String { enabled ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
  public func red(_ text: String) -> String { paint(text, 31) }
  public func green(_ text: String) -> String { paint(text, 32) }
  public func yellow(_ text: String) -> String { paint(text, 33) }
  public func dim(_ text: String) -> String { paint(text, 2) }
  public func bold(_ text: String) -> String { paint(text, 1) }
}

/// The verdict as people read it.
public enum ConsoleReport {
  /// One line for the session, then its findings with their witnesses.
  ///
  /// `limit` findings are written in full; `quiet` leaves out warnings and notes.
  public static func text(_ verdict: SessionVerdict, palette: Palette, limit: Int = 50, quiet: Bool = false) -> String {
    var lines: [String] = []
    let mark =
      switch verdict.status {
      case .pass: palette.green("PASS")
      case .fail: palette.red("FAIL")
      case .empty: palette.yellow("EMPTY")
      }
    let seconds = JSONText.number((verdict.duration / 100).rounded() / 10)
    lines.append(
      "\(mark)  \(palette.bold(printable(verdict.name ?? verdict.file)))  "
        + palette.dim(
          "\(verdict.connections) connections, \(verdict.frames) frames, \(verdict.openedFrames) of "
            + "\(verdict.encryptedFrames) encrypted ones opened, "
            + (verdict.logEvents > 0 ? "\(verdict.logEvents) log events, " : "")
            + "\(seconds) s, \(verdict.rulesWoken.count) of "
            + "\(verdict.rulesRun) rules had something to look at"))
    let shown = verdict.findings.filter { !quiet || $0.level(verdict.profile) == .failure }
    for finding in shown.prefix(limit) { lines += describe(finding, verdict.profile, palette) }
    if shown.count > limit { lines.append("      … and \(shown.count - limit) more findings (--limit)") }
    if quiet, shown.count < verdict.findings.count {
      lines.append(palette.dim("      \(verdict.findings.count - shown.count) warnings and notes not shown"))
    }
    for spot in verdict.blindSpots { lines.append("      \(palette.yellow("not seen:")) \(printable(spot))") }
    return lines.joined(separator: "\n")
  }

  static func describe(_ finding: Finding, _ profile: JudgingProfile, _ palette: Palette) -> [String] {
    let level =
      switch finding.level(profile) {
      case .failure: palette.red("failure")
      case .warning: palette.yellow("warning")
      case .note: palette.dim("note")
      }
    var head = "  \(level)  \(palette.bold(finding.rule.id))  \(place(finding.conn, finding.line, finding.time))  "
    head += "by \(finding.culprit.rawValue): \(printable(finding.message))"
    var lines = [head]
    var rule =
      "           rule: \(finding.rule.statement) (\(finding.rule.reference), \(finding.rule.severity.rawValue))"
    if let deviation = finding.deviation { rule += " — known deviation of the reference: \(deviation)" }
    lines.append(palette.dim(rule))
    for witness in finding.witnesses {
      lines.append(
        palette.dim("           before: \(place(witness.conn, witness.line, witness.time))  \(printable(witness.text))")
      )
    }
    return lines
  }

  static func place(_ conn: String, _ line: Int, _ time: Double) -> String {
    "\(printable(conn)) line \(line) at \(JSONText.number(time)) ms"
  }

  /// Text from a peer never reaches the terminal raw: control characters could rewrite what stands there.
  public static func printable(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var out = ""
    for scalar in text.unicodeScalars {
      if isControl(scalar) {
        out += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || (0x202A...0x202E).contains(scalar.value)
      || (0x2066...0x2069).contains(scalar.value)
  }
}
