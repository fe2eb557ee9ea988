import Trace
import Wire
import WireBytes

/// WIRE-001: nothing is passed over in silence.
struct EveryFrameIsDescribed: Rule {
  static let info = RuleInfo(
    id: "WIRE-001", statement: "Every frame is described by a table of the specification at its place.",
    severity: .major, reference: "connection.md 2.4")
  static let interests: EventSet = .unclassified
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .unclassified(let what) = event.kind else { return }
    report.violation(at: event, by: event.direction == .fromClient ? .client : .commServer, what)
  }
}

/// PATH-001: the way between the ends changes nothing.
struct PathChangesNothing: Rule {
  static let info = RuleInfo(
    id: "PATH-001", statement: "Every frame arrives once and as it was sent.", severity: .critical,
    reference: "connection.md 3.3")
  static let interests: EventSet = .wireFrame
  private var lost: [(place: Place, length: Int)?] = [nil, nil]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .wireFrame(_, let length, let mark) = event.kind else { return }
    let side = event.side
    switch mark {
    case nil:
      // A gap: what comes behind shows that only this frame was taken out.
      guard let lost = lost[side] else { return }
      self.lost[side] = nil
      report.violation(
        at: lost.place, by: .path, "this frame of \(lost.length) bytes is lost, and a later one arrives",
        because: [Witness(event, "the next frame that arrives")])
    case .dropped: if lost[side] == nil { lost[side] = (Place(event), length) }
    case let mark?:
      report.violation(at: event, by: .path, "the recorder marks this frame of \(length) bytes as \(mark.name)")
    }
  }
}

/// PATH-002: frames that never arrive, as when the way is cut. How the ends bear it is judged where it shows.
struct PathLosesNothing: Rule {
  static let info = RuleInfo(
    id: "PATH-002", statement: "No frame is lost between the ends.", severity: .info, binding: .deployment,
    reference: "connection.md 3.3")
  static let interests: EventSet = .wireFrame
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .wireFrame(_, let length, .dropped?) = event.kind else { return }
    report.violation(at: event, by: .path, "the recorder marks this frame of \(length) bytes as dropped")
  }
}

/// TR-006: reasons fit into a close frame.
struct CloseReasonFits: Rule {
  static let info = RuleInfo(
    id: "TR-006", statement: "A close reason has at most 123 bytes of UTF-8.", severity: .minor,
    reference: "connection.md 1.3")
  static let interests: EventSet = .closed
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .closed(_, let reason, _) = event.kind, reason.utf8.count > 123 else { return }
    report.violation(
      at: event, by: event.direction == .fromClient ? .client : .commServer, "a reason of \(reason.utf8.count) bytes")
  }
}

/// TR-006 again: which code a protocol end has. Apps and proxies close with others, so it only warns.
struct ProtocolClosesWith1000: Rule {
  static let info = RuleInfo(
    id: "CLOSE-001", statement: "A close by the protocol has code 1000.", severity: .info, binding: .deployment,
    reference: "connection.md 1.3")
  static let interests: EventSet = .closed
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .closed(let code, _, let echo) = event.kind, !echo, code != 1000, code != 1005, code != 1006 else {
      return
    }
    report.violation(at: event, by: event.direction == .fromClient ? .client : .commServer, "close code \(code)")
  }
}

/// TR-015: reasons do not tell what happened inside.
struct ReasonsKeepSecrets: Rule {
  static let info = RuleInfo(
    id: "TR-015", statement: "A client's close reason carries no text of an internal exception.", severity: .minor,
    binding: .strict, reference: "connection.md 1.3", knownDeviation: "R9")
  static let interests: EventSet = .closed
  private static let marks = ["Error:", "CYENC-", "CS-MISMATCH", "DAH-PAO", "Cannot read properties"]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard event.direction == .fromClient, case .closed(_, let reason, false) = event.kind,
      Self.marks.contains(where: { contains(reason, $0) })
    else { return }
    report.violation(
      at: event, by: .client, "reason \(JSONText.quoted(excerpt(reason, 100)))", deviation: Self.info.knownDeviation)
  }
}

/// TR-001: the upgrade succeeds.
struct UpgradeSucceeds: Rule {
  static let info = RuleInfo(
    id: "TR-001", statement: "A WebSocket upgrade on any path succeeds.", severity: .major, binding: .deployment,
    reference: "connection.md 1.1")
  static let interests: EventSet = .socketError
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .socketError(let text) = event.kind else { return }
    // 426 is how a server that is being stopped refuses (connection.md 1.1).
    report.violation(
      at: event, by: .commServer, "the connection failed: \(excerpt(text))",
      weight: contains(text, "426") ? .remark : .possible)
  }
}
