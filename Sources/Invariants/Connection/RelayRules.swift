import Trace
import Wire
import WireBytes

/// RL-001: what a listener gets, in which order.
struct HandoverThenRequest: Rule {
  static let info = RuleInfo(
    id: "RL-001", statement: "connection_handover is followed by communication_request, then by relayed data.",
    severity: .critical, reference: "connection.md 2.5")
  static let interests: EventSet = [.clearFault, .server]
  private var handover: Witness?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.connectionHandover): handover = Witness(event, "the handover")
    case .clearFault(.communicationRequest, let failure):
      report.violation(
        at: event, by: event.clearSender, "communication_request was due: \(failure.detail)",
        because: [handover].compactMap { $0 },
        also: event.direction == .fromClient ? ["CS-025"] : failure.detail == "ping" ? ["RL-016"] : [])
    default: break
    }
  }
}

/// RL-002: the server writes the request anew.
struct ForwardedRequestIsCanonical: Rule {
  static let info = RuleInfo(
    id: "RL-002",
    statement: "The forwarded communication_request has exactly its three members, both keys in lower-case hex.",
    severity: .major, reference: "connection.md 2.2 M8")
  static let interests: EventSet = .notCanonical
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .notCanonical(let what) = event.kind else { return }
    report.violation(at: event, by: .commServer, what)
  }
}

/// A request names two keys.
struct RequestNamesKeys: Rule {
  static let info = RuleInfo(
    id: "RL-011", statement: "Both keys of communication_request are 32 bytes of hex; the server forwards no others.",
    severity: .major, reference: "connection.md 2.2 M8")
  static let interests: EventSet = .server
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .server(.communicationRequest(let source, let target)) = event.kind else { return }
    for (name, key) in [("sourcePublicKey", source), ("targetPublicKey", target)] where key.utf8.count != 64 {
      report.violation(
        at: event, by: event.clearSender, "\(name) has \(key.utf8.count / 2) bytes",
        also: event.direction == .fromClient ? ["HS-001"] : [])
    }
  }
}

/// RL-020: nobody calls himself.
struct RequestIsNotForOneself: Rule {
  static let info = RuleInfo(
    id: "RL-020", alsoDecides: ["HS-018"], statement: "Source and target of communication_request are different keys.",
    severity: .minor, binding: .strict, reference: "connection.md 8.4")
  static let interests: EventSet = .server
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .server(.communicationRequest(let source, let target)) = event.kind, event.direction == .fromClient,
      source.utf8.count == 64, source.lowercased() == target.lowercased()
    else { return }
    report.violation(at: event, by: .client, "source and target are both \(source.prefix(8))…")
  }
}

/// A spare that was handed over without a request: the deployed server's defect R3.
struct HandoverIsNeverOrphaned: Rule {
  static let info = RuleInfo(
    id: "RL-013", statement: "The request follows connection_handover at once (500 ms); else the spare is lost.",
    severity: .major, binding: .strict, reference: "connection.md 2.5 R3", knownDeviation: "R3")
  static let interests: EventSet = [.server, .clearFault, .closed]
  private var handover: Place?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.connectionHandover): handover = Place(event)
    case .server(.communicationRequest), .clearFault: handover = nil
    case .closed(_, _, let echo): if !echo { judge(event.time, &report) }
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    if let handover, now - handover.time > 500 {
      report.violation(
        at: handover, by: .commServer, "handed over, and no request in \(Int(now - handover.time)) ms",
        deviation: "R3", also: ["RL-011"])
    }
    handover = nil
  }
}

/// LS-013: a listener does not wait for ever either.
struct ListenerLeavesAnOrphan: Rule {
  static let info = RuleInfo(
    id: "LS-013", statement: "A listener closes when no communication_request follows the handover within 10 s.",
    severity: .major, binding: .strict, reference: "connection.md 8.3", knownDeviation: "R3")
  static let interests: EventSet = [.server, .clearFault, .closed]
  private var handover: Place?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.connectionHandover): handover = Place(event)
    case .server(.communicationRequest), .clearFault: handover = nil
    case .closed(_, _, let echo): if !echo { judge(event.time, &report) }
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    if let handover, now - handover.time > 11_000 {
      report.violation(
        at: handover, by: .client, "still open \(Int(now - handover.time)) ms after this", deviation: "R3")
    }
    handover = nil
  }
}

/// SEC-008: the listener gets requests for its own key only.
struct HandoverToTheRightListener: Rule {
  static let info = RuleInfo(
    id: "SEC-008", statement: "A listener is handed requests only for the key that it registered and proved.",
    severity: .critical, reference: "chum.md 5.9")
  static let interests: EventSet = .server
  private var registered: (key: String, place: Witness)?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch (event.kind, event.direction) {
    case (.server(.register(let key)), .fromClient): registered = (key.lowercased(), Witness(event, "the registration"))
    case (.server(.communicationRequest(_, let target)), .fromServer):
      guard let registered, target.lowercased() != registered.key else { return }
      report.violation(
        at: event, by: .commServer,
        "target key \(target.prefix(8))… is not the registered \(registered.key.prefix(8))…",
        because: [registered.place])
    default: break
    }
  }
}

/// SEC-007: nor before it has proved it.
struct HandoverToAProvenListener: Rule {
  static let info = RuleInfo(
    id: "SEC-007", statement: "A connection is handed over only to a listener that answered the challenge.",
    severity: .critical, reference: "chum.md 5.9")
  static let interests: EventSet = [.registrationProof, .server]
  private var failed: Witness?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .registrationProof(let proof)
    where proof.step == .response && (proof.outcome == .wrong || proof.outcome == .notOpened):
      failed = Witness(event, "the response that proves nothing")
    case .server(.connectionHandover):
      guard let failed else { return }
      report.violation(at: event, by: .commServer, "handover to a listener without proof", because: [failed])
    default: break
    }
  }
}

/// RL-006: the newest spare goes first.
struct NewestSpareFirst: Rule {
  static let info = RuleInfo(
    id: "RL-006", statement: "Of several spare connections of a key the one registered last is handed over.",
    severity: .minor, binding: .deployment, reference: "connection.md 2.1", isSessionWide: true)
  static let interests: EventSet = [.server, .closed, .ended]
  /// Spares watched at once; beyond it new ones are not tracked, and their keys not judged.
  private static let capacity = 100_000
  private struct Spare: Sendable {
    let leg: Int
    let place: Witness
    /// A ping without its pong: the server may have taken this one already, and wait.
    var isPinged = false
  }
  private var keyOf: [Int: String] = [:]
  private var stacks: [String: [Spare]] = [:]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.register(let key)):
      if keyOf.count < Self.capacity { keyOf[event.leg] = key.lowercased() }
    case .server(.authenticationSuccess):
      guard let key = keyOf[event.leg] else { return }
      stacks[key, default: []].append(Spare(leg: event.leg, place: Witness(event, "the newer spare, \(event.conn)")))
    case .server(.ping): mark(event.leg, true)
    case .server(.pong): mark(event.leg, false)
    case .server(.connectionHandover):
      if let key = keyOf[event.leg],
        let newest = stacks[key]?.last(where: { $0.leg == event.leg || !$0.isPinged }), newest.leg != event.leg,
        // Two events within a few ms may be recorded in either order.
        event.time - newest.place.time > 50
      {
        report.violation(at: event, by: .commServer, "an older spare was taken", because: [newest.place])
      }
      forget(event.leg)
    case .closed, .ended: forget(event.leg)
    default: break
    }
  }

  private mutating func mark(_ leg: Int, _ isPinged: Bool) {
    guard let key = keyOf[leg], let index = stacks[key]?.firstIndex(where: { $0.leg == leg }) else { return }
    stacks[key]?[index].isPinged = isPinged
  }

  private mutating func forget(_ leg: Int) {
    guard let key = keyOf.removeValue(forKey: leg) else { return }
    stacks[key]?.removeAll { $0.leg == leg }
    if stacks[key]?.isEmpty == true { stacks[key] = nil }
  }
}
