import Trace
import Wire
import WireBytes

/// CS-019 to CS-022: the server closes on what it does not know.
struct ServerClosesOnAFault: Rule {
  static let info = RuleInfo(
    id: "CS-019",
    statement: "On a message that does not fit, before a registration or a relay stands, the server closes within 2 s.",
    severity: .major, reference: "connection.md 2.4")
  static let interests: EventSet = [.clearFault, .registrationProof, .server, .closed]
  private var fault: (place: Witness, ids: [String])?
  private var key = ""
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .closed: judge(event.time, &report)
    case .clearFault(.firstMessage, let failure) where event.direction == .fromClient:
      note(event, Self.firstMessage(failure))
    case .clearFault(.authenticationResponse, let failure) where event.direction == .fromClient:
      note(event, failure.detail == "register" ? ["CS-018"] : ["CS-011"])
    case .registrationProof(let proof)
    where proof.step == .response && (proof.outcome == .wrong || proof.outcome == .notOpened):
      note(event, proof.outcome == .wrong ? ["CS-005", "CS-006", "CS-008"] : ["CS-007", "CS-009"])
    case .server(.register(let key)) where key.utf8.count != 64: note(event, ["CS-014"])
    case .server(.communicationRequest(_, let target))
    where event.direction == .fromClient && target.utf8.count != 64: note(event, ["RL-004"])
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func note(_ event: Event, _ ids: [String]) {
    if fault == nil { fault = (Witness(event, "the message that does not fit"), ids) }
  }

  private static func firstMessage(_ failure: WireFailure) -> [String] {
    if failure.code.hasSuffix(".binary") { return ["CS-020"] }
    if failure.code.hasSuffix(".not-json") { return ["CS-022"] }
    if failure.code.hasSuffix(".not-an-object") { return ["CS-021"] }
    return []
  }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    if let fault, now - fault.place.time > 2_200 {
      report.violation(
        at: fault.place, by: .commServer, "not closed for \(Int(now - fault.place.time)) ms after this",
        also: fault.ids)
    }
    fault = nil
  }
}

/// CS-023 and CS-024: who says nothing is not waited for.
struct SilentClientIsClosed: Rule {
  static let info = RuleInfo(
    id: "CS-023", statement: "A client that sends no first message within 10 s is closed.",
    severity: .major, binding: .strict, reference: "connection.md 8.2", knownDeviation: "connection.md 2.4")
  static let interests: EventSet = [.opened, .wireFrame, .closed]
  private var opened: Place?
  private var spent = false
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    if case .opened = event.kind {
      if opened == nil, !spent { opened = Place(event) }
    } else {
      judge(event.time, &report)
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    guard !spent else { return }
    // The first frame ends the watch; nothing later on a connection can be its first message.
    spent = true
    if let opened, now - opened.time > 11_000 {
      report.violation(
        at: opened, by: .commServer, "nothing said for \(Int(now - opened.time)) ms, and not closed",
        deviation: Self.info.knownDeviation)
    }
  }
}

struct UnansweredChallengeIsClosed: Rule {
  static let info = RuleInfo(
    id: "CS-024", statement: "A client that does not answer the challenge within 10 s is closed.",
    severity: .major, binding: .strict, reference: "connection.md 8.2", knownDeviation: "connection.md 2.4")
  static let interests: EventSet = [.server, .clearFault, .closed]
  private var challenge: Place?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.authenticationRequest): challenge = Place(event)
    case .server, .clearFault, .closed: judge(event.time, &report)
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    if let challenge, now - challenge.time > 11_000 {
      report.violation(
        at: challenge, by: .commServer, "unanswered for \(Int(now - challenge.time)) ms, and not closed",
        deviation: Self.info.knownDeviation)
    }
    challenge = nil
  }
}

/// RL-004: a request that cannot be served is refused.
struct RequestIsServedOrRefused: Rule {
  static let info = RuleInfo(
    id: "RL-004", statement: "A communication_request is handed to a listener, or closed within 5 s.", severity: .major,
    binding: .deployment, reference: "connection.md 2.4")
  static let interests: EventSet = [.server, .wireFrame, .spliced, .closed]
  private var request: Place?
  /// The server may wait for a listener's pong before it hands over or refuses.
  private let patience: Double
  init(_ facts: SessionFacts) { patience = 6_000 + facts.pongTimeout }

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.communicationRequest) where event.direction == .fromClient: request = Place(event)
    case .wireFrame where event.direction == .fromServer: request = nil
    case .closed: judge(event.time, &report)
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    // With the listener's own connection in the recording the request did arrive: it is the listener that waits.
    if let request, !report.remoteIsRecorded, now - request.time > patience {
      report.violation(
        at: request, by: .commServer, "neither an answer nor a close in \(Int(now - request.time)) ms",
        weight: .possible)
    }
    request = nil
  }
}
