import Invariants
public import Replay
import Trace
public import WireBytes

/// The verdicts as one JSON document.
public enum JSONReport {
  public static func document(_ verdicts: [SessionVerdict], errors: [(file: String, error: String)]) -> JSONValue {
    [
      "format": "chumgate-replay/1",
      "sessions": .array(verdicts.map(session)),
      "errors": .array(errors.map { ["file": .string($0.file), "error": .string($0.error)] }),
    ]
  }

  static func session(_ verdict: SessionVerdict) -> JSONValue {
    func number(_ value: Int) -> JSONValue { .number(Double(value)) }
    return [
      "file": .string(verdict.file),
      "name": verdict.name.map { .string($0) } ?? nil,
      "verdict": .string(verdict.status.rawValue),
      "profile": .string(verdict.profile.rawValue),
      "failures": number(verdict.count(.failure)),
      "warnings": number(verdict.count(.warning)),
      "notes": number(verdict.count(.note)),
      "lines": number(verdict.lines),
      "events": number(verdict.events),
      "connections": number(verdict.connections),
      "frames": number(verdict.frames),
      "encryptedFrames": number(verdict.encryptedFrames),
      "openedFrames": number(verdict.openedFrames),
      "unreadableFrames": number(verdict.unreadableFrames),
      "logEvents": number(verdict.logEvents),
      "durationMs": .number(verdict.duration),
      "notSeen": .array(verdict.blindSpots.map { .string($0) }),
      "findings": .array(verdict.findings.map { finding($0, verdict.profile) }),
      "diagnosis": DiagnosisReport.json(verdict.diagnosis),
    ]
  }

  static func finding(_ finding: Finding, _ profile: JudgingProfile) -> JSONValue {
    [
      "rule": .string(finding.rule.id),
      "alsoBreaks": .array(finding.alsoBreaks.map { .string($0) }),
      "level": .string(finding.level(profile).rawValue),
      "severity": .string(finding.rule.severity.rawValue),
      "statement": .string(finding.rule.statement),
      "reference": .string(finding.rule.reference),
      "knownDeviation": finding.deviation.map { .string($0) } ?? nil,
      "conn": .string(finding.conn),
      "line": .number(Double(finding.line)),
      "timeMs": .number(finding.time),
      "culprit": .string(finding.culprit.rawValue),
      "message": .string(finding.message),
      "witnesses": .array(
        finding.witnesses.map {
          [
            "conn": .string($0.conn), "line": .number(Double($0.line)), "timeMs": .number($0.time),
            "dir": .string($0.direction.name), "text": .string($0.text),
          ]
        }),
    ]
  }
}

/// JUnit XML of replay: one suite a session, one case a rule that had something to look at or found something.
public enum JUnitReport {
  public static func document(_ verdicts: [SessionVerdict], errors: [(file: String, error: String)]) -> String {
    var report = RunJUnit()
    return report.whole(ReplayEvents.events(verdicts, errors: errors))
  }

  /// XML 1.0 text: what XML cannot say at all becomes U+FFFD.
  static func escape(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "\n", "\t": out.unicodeScalars.append(scalar)
      default:
        let isAllowed = scalar.value >= 0x20 && scalar.value != 0xFFFE && scalar.value != 0xFFFF
        out.unicodeScalars.append(isAllowed ? scalar : "\u{FFFD}")
      }
    }
    return out
  }
}
