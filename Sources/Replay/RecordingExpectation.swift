public import Invariants
public import Recording
public import WireBytes

/// What a right judge reports of one recording (`NAME.expected.json` beside it).
public struct RecordingExpectation: Sendable {
  public struct Expected: Sendable, Hashable {
    public let rule: String
    public let conn: String
    public let line: Int

    public init(rule: String, conn: String, line: Int) {
      self.rule = rule
      self.conn = conn
      self.line = line
    }
  }
  /// Each finding that is due, with the reason why it is right.
  public var findings: [(expected: Expected, reason: String)]

  public init(findings: [(expected: Expected, reason: String)]) { self.findings = findings }

  /// Reads `{"findings":[{"rule","conn","line","reason"}]}`.
  public init(json bytes: [UInt8]) throws(RecordingFailure) {
    let value: JSONValue
    do throws(JSONFailure) { value = try JSONValue.parse(bytes) } catch {
      throw RecordingFailure(line: 0, "expectation is not JSON: \(error)")
    }
    guard let entries = value["findings"]?.array else {
      throw RecordingFailure(line: 0, "expectation has no array findings")
    }
    findings = []
    for (index, entry) in entries.enumerated() {
      guard let rule = entry["rule"]?.string, let conn = entry["conn"]?.string, let line = entry["line"]?.integer,
        let reason = entry["reason"]?.string, !reason.isEmpty
      else { throw RecordingFailure(line: 0, "findings[\(index)] needs rule, conn, line and reason") }
      findings.append((Expected(rule: rule, conn: conn, line: line), reason))
    }
  }

  public var json: JSONValue {
    [
      "findings": .array(
        findings.map {
          [
            "rule": .string($0.expected.rule), "conn": .string($0.expected.conn),
            "line": .number(Double($0.expected.line)), "reason": .string($0.reason),
          ]
        })
    ]
  }

  /// What was found and not expected, and what was expected and not found.
  public func compare(_ verdict: SessionVerdict) -> (unexpected: [Finding], missing: [Expected]) {
    var due: [Expected: Int] = [:]
    for entry in findings { due[entry.expected, default: 0] += 1 }
    var unexpected: [Finding] = []
    for finding in verdict.findings {
      let key = Expected(rule: finding.rule.id, conn: finding.conn, line: finding.line)
      if let count = due[key], count > 0 { due[key] = count - 1 } else { unexpected.append(finding) }
    }
    let missing = findings.map(\.expected).filter { key in
      guard let count = due[key], count > 0 else { return false }
      due[key] = count - 1
      return true
    }
    return (unexpected, missing)
  }
}
