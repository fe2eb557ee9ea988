public import Results
import WireBytes

/// A run as NDJSON, one event a line: what other programs read, and what `expectations update` and `--last` read back.
public struct RunJSON: RunReport {
  public static let format = "chumgate-run/1"

  public init() {}

  public mutating func take(_ event: RunEvent) -> String { Self.value(event).compact + "\n" }

  static func value(_ event: RunEvent) -> JSONValue {
    switch event {
    case .started(let info):
      [
        "event": "started", "format": .string(format), "subject": .string(info.subject), "target": .string(info.target),
        "transport": .string(info.transport), "profile": .string(info.profile), "seed": .string(String(info.seed)),
        "cases": number(info.caseCount), "startedAt": .number(info.startedAt),
      ]
    case .groupStarted(let info):
      [
        "event": "group", "name": .string(info.name), "title": .string(info.title), "cases": number(info.caseCount),
        "notes": .array(info.notes.map { .string($0) }),
      ]
    case .result(let result): self.result(result)
    case .groupEnded(let summary):
      [
        "event": "groupEnded", "name": .string(summary.name), "counts": counts(summary.counts),
        "error": summary.error.map { .string($0) } ?? .null, "timeMs": .number(rounded(summary.time)),
      ]
    case .ended(let summary):
      [
        "event": "ended", "counts": counts(summary.counts), "ran": number(summary.ran),
        "expectedFailures": number(summary.expectedFailures), "unexpectedFailures": number(summary.unexpectedFailures),
        "groupErrors": number(summary.groupErrors),
        "stale": .array(
          summary.stale.map {
            ["id": .string($0.id), "reason": .string($0.reason.rawValue), "place": .string($0.place)]
          }),
        "unreachable": summary.unreachable.map { .string($0) } ?? .null, "timeMs": .number(rounded(summary.time)),
        "exitCode": number(Int(summary.exitCode)),
      ]
    }
  }

  static func number(_ value: Int) -> JSONValue { .number(Double(value)) }
  static func rounded(_ value: Double) -> Double { (value * 1_000).rounded() / 1_000 }

  private static func counts(_ counts: [Verdict: Int]) -> JSONValue {
    var object = JSONObject()
    for verdict in Verdict.allCases {
      if let count = counts[verdict] { object.append(verdict.rawValue, number(count)) }
    }
    return .object(object)
  }

  static func result(_ result: CaseResult) -> JSONValue {
    [
      "event": "result", "id": .string(result.id), "title": .string(result.title), "group": .string(result.group),
      "verdict": .string(result.verdict.rawValue), "behaviour": .string(result.behaviour.rawValue),
      "close": .string(result.close.rawValue), "faults": .array(result.faults.map { .string($0) }),
      "note": result.note.map { .string($0) } ?? .null, "binds": .string(result.binds),
      "tags": .array(result.tags.map { .string($0) }),
      "requirements": .array(
        result.requirements.map {
          [
            "id": .string($0.id), "level": .string($0.level), "kind": .string($0.kind),
            "severity": .string($0.severity),
            "source": .string($0.source), "text": .string($0.text),
          ]
        }), "place": .string(result.place), "repeat": .string(result.repeatCommand),
      "protocolTimeMs": .number(rounded(result.protocolTime)), "timeMs": .number(rounded(result.time)),
      "attempts": number(result.attempts), "expected": result.expected.map { .string($0) } ?? .null,
      "log": .array(
        result.log.map { [.number(rounded($0.time)), .string($0.actor), .string($0.direction), .string($0.text)] }),
    ]
  }

  /// Reads the results of an earlier run; nil when the text is none.
  public static func results(_ text: String) -> [(id: String, verdict: Verdict, fault: String?)]? {
    var found: [(id: String, verdict: Verdict, fault: String?)] = []
    var isRun = false
    for line in text.split(separator: "\n") {
      guard let value = try? JSONValue.parse(String(line)) else { return nil }
      if value["event"] == "started", value["format"]?.string == format { isRun = true }
      guard value["event"] == "result", let id = value["id"]?.string,
        let verdict = value["verdict"]?.string.flatMap({ Verdict(rawValue: $0) })
      else { continue }
      found.append((id, verdict, value["faults"]?.array?.first?.string))
    }
    return isRun ? found : nil
  }
}
