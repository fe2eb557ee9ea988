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
        at: event, by: event.direction == .fromClient ? .client : .commServer,
        "communication_request was due: \(failure.detail)", because: [handover].compactMap { $0 })
    default: break
    }
  }
}

/// RL-002: the server writes the request anew.
struct ForwardedRequestIsCanonical: Rule {
  static let info = RuleInfo(
    id: "RL-002", statement: "The forwarded communication_request carries both keys in lower-case hex.",
    severity: .major, reference: "connection.md 2.2 M8")
  static let interests: EventSet = .server
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .server(.communicationRequest(let source, let target)) = event.kind, event.direction == .fromServer
    else {
      return
    }
    for key in [source, target] where key != key.lowercased() {
      report.violation(at: event, by: .commServer, "key \(excerpt(key, 12)) is not in lower case")
    }
  }
}

/// RL-011: a request names two keys.
struct RequestNamesKeys: Rule {
  static let info = RuleInfo(
    id: "RL-011", alsoDecides: ["HS-005"],
    statement: "Both keys of communication_request are 32 bytes of hex.", severity: .major,
    reference: "connection.md 2.2 M8")
  static let interests: EventSet = .server
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .server(.communicationRequest(let source, let target)) = event.kind else { return }
    for (name, key) in [("sourcePublicKey", source), ("targetPublicKey", target)] where key.utf8.count != 64 {
      report.violation(
        at: event, by: event.direction == .fromClient ? .client : .commServer, "\(name) has \(key.utf8.count / 2) bytes"
      )
    }
  }
}

/// A spare that was handed over without a request: the deployed server's defect R3.
struct HandoverIsNeverOrphaned: Rule {
  static let info = RuleInfo(
    id: "LS-013", alsoDecides: ["RL-013"],
    statement: "connection_handover is followed by communication_request within 2 s; else the spare is lost.",
    severity: .major, binding: .strict, reference: "connection.md 2.5 R3", knownDeviation: "R3")
  static let interests: EventSet = [.server, .closed]
  private var handover: Witness?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.connectionHandover): handover = Witness(event, "the handover")
    case .server(.communicationRequest): handover = nil
    case .closed: judge(event.time, &report)
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    if let handover, now - handover.time > 500 {
      report.violation(at: handover, by: .commServer, "handed over, and no request in \(Int(now - handover.time)) ms")
    }
    handover = nil
  }
}

/// SEC-008: the listener gets requests for its own key only.
struct HandoverToTheRightListener: Rule {
  static let info = RuleInfo(
    id: "SEC-008", alsoDecides: ["SEC-007"],
    statement: "A listener is handed requests only for the key that it registered and proved.", severity: .critical,
    reference: "chum.md 5.9")
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

/// RL-006: the newest spare goes first.
struct NewestSpareFirst: Rule {
  static let info = RuleInfo(
    id: "RL-006", statement: "Of several spare connections of a key the one registered last is handed over.",
    severity: .minor, binding: .deployment, reference: "connection.md 2.1")
  static let scope = RuleScope.session
  static let interests: EventSet = [.server, .closed]
  /// Spares watched at once; beyond it new ones are not tracked, and their keys not judged.
  private static let capacity = 100_000
  private var keyOf: [Int: String] = [:]
  private var stacks: [String: [(leg: Int, place: Witness)]] = [:]
  private var count = 0
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.register(let key)):
      if keyOf.count < Self.capacity { keyOf[event.leg] = key.lowercased() }
    case .server(.authenticationSuccess):
      guard let key = keyOf[event.leg] else { return }
      stacks[key, default: []].append((event.leg, Witness(event, "the newer spare, \(event.conn)")))
    case .server(.connectionHandover):
      if let key = keyOf[event.leg], let newest = stacks[key]?.last, newest.leg != event.leg {
        // Two events within a few ms may be recorded in either order.
        if event.time - newest.place.time > 50 {
          report.violation(at: event, by: .commServer, "an older spare was taken", because: [newest.place])
        }
      }
      forget(event.leg)
    case .closed: forget(event.leg)
    default: break
    }
  }

  private mutating func forget(_ leg: Int) {
    guard let key = keyOf.removeValue(forKey: leg) else { return }
    stacks[key]?.removeAll { $0.leg == leg }
    if stacks[key]?.isEmpty == true { stacks[key] = nil }
  }
}

/// RL-008: the relay changes nothing.
struct RelayForwardsUnchanged: Rule {
  static let info = RuleInfo(
    id: "RL-008", alsoDecides: ["RL-003", "RL-015", "RL-023"],
    statement: "Every relayed message arrives at the other leg with the same type and length, in order.",
    severity: .critical, reference: "connection.md 2.4")
  static let scope = RuleScope.session
  static let interests: EventSet = [.wireFrame, .spliced, .closed, .server]
  /// Messages on their way in one direction of one relay; beyond it that direction is no longer judged.
  private static let capacity = 4_096

  private struct Frame: Sendable {
    let op: FrameKind
    let length: Int
    let optional: Bool
    let place: Witness
  }
  private struct Leg: Sendable {
    var partner: Int?
    var queue: [Frame] = []
    var head = 0
    var gaveUp = false
    /// Frames sent between the request and the splice: the deployed server may swallow them (R1).
    var early: [Frame] = []
    var requested = false
    var answered = false
  }
  private var legs: [Int: Leg] = [:]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.communicationRequest):
      if event.direction == .fromClient { legs[event.leg, default: Leg()].requested = true }
    case .spliced(let requester):
      legs[event.leg, default: Leg()].partner = requester
      legs[requester, default: Leg()].partner = event.leg
      let early = legs[requester]?.early ?? []
      legs[requester]?.queue = early
      legs[requester]?.early = []
    case .wireFrame(let op, let length, let mark): frame(event, op, length, mark, &report)
    case .closed: if legs[event.leg] != nil { close(event) }
    default: break
    }
  }

  private mutating func close(_ event: Event) {
    if let partner = legs[event.leg]?.partner { legs[partner]?.gaveUp = true }
    legs[event.leg]?.gaveUp = true
    if event.direction == .fromServer || legs[event.leg]?.partner == nil { legs[event.leg] = nil }
  }

  private mutating func frame(
    _ event: Event, _ op: FrameKind, _ length: Int, _ mark: ProxyMark?, _ report: inout Reporter
  ) {
    // The request is itself a frame; its own event comes behind this one, hence only later frames are looked at.
    guard let leg = legs[event.leg], leg.partner != nil || leg.requested else { return }
    if event.direction == .fromClient {
      let place = Witness(event, "sent: \(op.rawValue), \(length) bytes")
      let partnerAnswered = leg.partner.flatMap { legs[$0]?.answered } ?? false
      let entry = Frame(op: op, length: length, optional: leg.requested && !partnerAnswered, place: place)
      legs[event.leg]?.answered = true
      let copies: Int =
        switch mark {
        case nil: 1
        case .dropped: 0
        case .repeated(let times): min(times, 16)
        case .altered, .other: -1
        }
      if copies < 0 {
        legs[event.leg]?.gaveUp = true
        return
      }
      for _ in 0..<copies { queue(entry, event.leg) }
    } else if let partner = leg.partner {
      receive(event, op, length, from: partner, &report)
    }
  }

  private mutating func queue(_ frame: Frame, _ number: Int) {
    guard var leg = legs[number], !leg.gaveUp else { return }
    legs[number] = nil
    if leg.partner == nil {
      if leg.early.count < 64 { leg.early.append(frame) }
    } else if leg.queue.count - leg.head >= Self.capacity {
      leg.gaveUp = true
      leg.queue = []
      leg.head = 0
    } else {
      leg.queue.append(frame)
    }
    legs[number] = leg
  }

  private mutating func receive(
    _ event: Event, _ op: FrameKind, _ length: Int, from partner: Int, _ report: inout Reporter
  ) {
    guard var sender = legs[partner], !sender.gaveUp else { return }
    legs[partner] = nil
    defer { legs[partner] = sender }
    while sender.head < sender.queue.count {
      let next = sender.queue[sender.head]
      if next.op == op, next.length == length {
        sender.head += 1
        if sender.head > 256, sender.head * 2 > sender.queue.count {
          sender.queue.removeFirst(sender.head)
          sender.head = 0
        }
        return
      }
      guard next.optional else {
        sender.gaveUp = true
        return report.violation(
          at: event, by: .commServer, "got \(op.rawValue) of \(length) bytes, sent was something else",
          because: [next.place])
      }
      sender.head += 1
    }
    sender.gaveUp = true
    report.violation(at: event, by: .commServer, "\(op.rawValue) of \(length) bytes that the other end did not send")
  }
}

/// RL-009: one end closes, the other learns it.
struct CloseIsPassedOn: Rule {
  static let info = RuleInfo(
    id: "RL-009", alsoDecides: ["RL-010"],
    statement: "When one leg of a relay closes, the other is closed with code 1000 and the same reason.",
    severity: .major, reference: "connection.md 2.4")
  static let scope = RuleScope.session
  static let interests: EventSet = [.spliced, .closed]
  private struct Due: Sendable {
    let reason: String
    let place: Witness
  }
  private var partner: [Int: Int] = [:]
  private var due: [Int: Due] = [:]
  private var lastTime = 0.0
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    lastTime = event.time
    switch event.kind {
    case .spliced(let requester):
      partner[event.leg] = requester
      partner[requester] = event.leg
    case .closed(let code, let reason, let echo): closed(event, code, reason, echo, &report)
    default: break
    }
  }

  private mutating func closed(
    _ event: Event, _ code: Int, _ reason: String, _ echo: Bool, _ report: inout Reporter
  ) {
    if let due = due.removeValue(forKey: event.leg), event.direction == .fromServer {
      // 1005 is the server's own end, 1006 the recorder's word for a lost socket: both tell nothing of the relay.
      if !echo, code != 1005, code != 1006 {
        if code != 1000 { report.violation(at: event, by: .commServer, "close code \(code)", because: [due.place]) }
        if reason != due.reason {
          report.violation(
            at: event, by: .commServer,
            "reason \(JSONText.quoted(excerpt(reason))), expected \(JSONText.quoted(excerpt(due.reason)))",
            because: [due.place])
        }
      }
    }
    if event.direction == .fromClient, !echo, let other = partner[event.leg], partner[other] == event.leg {
      due[other] = Due(
        reason: code == 1006 ? "" : reason,
        place: Witness(event, "closed with \(code) \(JSONText.quoted(excerpt(reason)))"))
    }
    if let other = partner.removeValue(forKey: event.leg), due[other] == nil { partner[other] = nil }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    for (_, due) in due where end.time - due.place.time > 2_000 {
      report.violation(
        at: due.place, by: .commServer, "the other leg was not closed in \(Int(end.time - due.place.time)) ms")
    }
  }
}
