import Cryptobox
import Trace
import Wire

/// HS-002: the requester waits.
struct RequesterWaitsForReady: Rule {
  static let info = RuleInfo(
    id: "HS-002", statement: "Between communication_request and communication_ready the requester sends nothing.",
    severity: .critical, reference: "connection.md 2.8")
  static let interests: EventSet = [.relayed, .server]
  private var early: Place?
  private var isReady = false
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .relayed where !isReady && early == nil:
      // The requester's own frames; on the listener's connection they come from the server.
      if report.role == .requester, event.direction == .fromClient { early = Place(event) }
      if report.role == .listener, event.direction == .fromServer { early = Place(event) }
    case .server(.communicationReady):
      isReady = true
      // Only now is it certain that these two speak the ONE handshake.
      if let early {
        report.violation(
          at: early, by: early.direction.speaker, "sent before communication_ready",
          because: [Witness(event, "communication_ready")])
      }
      early = nil
    default: break
    }
  }
}

/// HS-003: the acceptor's first word.
struct AcceptorSaysReady: Rule {
  static let info = RuleInfo(
    id: "HS-003", statement: "The acceptor answers communication_request with communication_ready and nothing else.",
    severity: .critical, reference: "connection.md 3.2 H2")
  static let interests: EventSet = .clearFault
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .clearFault(.communicationReady, let failure) = event.kind else { return }
    report.violation(at: event, by: event.sender, "communication_ready was due: \(failure.detail)")
  }
}

/// Who is to blame for what arrives broken: the path, when the sender's own connection shows that it went out well.
func blame(_ event: Event, _ report: Reporter) -> Culprit {
  event.direction == .fromServer && report.remoteIsRecorded ? .path : event.sender
}

/// HS-007 and HS-008 share their look.
private func judgeKey(_ event: Event, _ key: KeyMessage, _ report: inout Reporter) {
  if key.length != 72 {
    report.violation(at: event, by: blame(event, report), "\(key.length) bytes, a key message has 72")
  } else if key.failedToOpen {
    report.violation(at: event, by: blame(event, report), "the box does not open with the static keys of the request")
  }
}

struct InitiatorKeyIsGood: Rule {
  static let info = RuleInfo(
    id: "HS-007",
    statement: "The initiator's key message is BINARY, 72 bytes, and opens with the static keys.", severity: .critical,
    reference: "connection.md 3.2 H3")
  static let interests: EventSet = [.keySent, .clearFault]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .keySent(let key) where key.isInitiator: judgeKey(event, key, &report)
    case .clearFault(.initiatorKey, let failure):
      report.violation(at: event, by: blame(event, report), "the initiator's key was due: \(failure.detail)")
    default: break
    }
  }
}

struct AcceptorKeyIsGood: Rule {
  static let info = RuleInfo(
    id: "HS-008",
    statement: "The acceptor's key message is BINARY, 72 bytes, and opens with the static keys.", severity: .critical,
    reference: "connection.md 3.2 H4")
  static let interests: EventSet = [.keySent, .clearFault]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .keySent(let key) where !key.isInitiator: judgeKey(event, key, &report)
    case .clearFault(.acceptorKey, let failure):
      report.violation(at: event, by: blame(event, report), "the acceptor's key was due: \(failure.detail)")
    default: break
    }
  }
}

/// HS-011: a bad key gets no answer.
struct NoKeyForABadKey: Rule {
  static let info = RuleInfo(
    id: "HS-011", statement: "An initiator's key message that does not open gets no key message back.",
    severity: .critical, reference: "connection.md 3.2")
  static let interests: EventSet = .keySent
  private var bad: (place: Witness, opened: Bool)?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .keySent(let key) = event.kind else { return }
    if key.isInitiator {
      if key.failedToOpen {
        bad = (Witness(event, "the key message that does not open"), false)
      } else if key.length != 72 {
        bad = (Witness(event, "the key message of \(key.length) bytes"), true)
      }
    } else if let bad {
      // HS-013, a wrong length that opens, is hardening: the deployed code answers it before it looks.
      report.violation(
        at: event, by: event.sender, "answered a key message that is none", because: [bad.place],
        weight: bad.opened ? .possible : .proven, also: ["HS-013"])
    }
  }
}

/// HS-012, HS-014, HS-021, HS-028: a broken handshake is closed.
struct BrokenHandshakeIsClosed: Rule {
  static let info = RuleInfo(
    id: "HS-012", statement: "After a handshake message that does not fit the receiver closes within 2 s.",
    severity: .critical, reference: "connection.md 3.2")
  static let interests: EventSet = [.clearFault, .keySent, .closed]
  private var fault: (place: Witness, debtor: Culprit, ids: [String])?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .clearFault(.communicationReady, _): note(event, ["HS-028"])
    case .clearFault(.initiatorKey, _): note(event, ["HS-014"])
    case .clearFault(.acceptorKey, _): note(event, ["HS-021"])
    case .keySent(let key) where key.failedToOpen: note(event, key.isInitiator ? ["HS-011"] : [])
    case .closed: judge(event.time, &report)
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func note(_ event: Event, _ ids: [String]) {
    if fault == nil { fault = (Witness(event, "the message that does not fit"), event.receiver, ids) }
  }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    if let fault, now - fault.place.time > 2_200 {
      report.violation(
        at: fault.place, by: fault.debtor, "not closed for \(Int(now - fault.place.time)) ms after this",
        also: fault.ids)
    }
    fault = nil
  }
}

/// KA-108: an acceptor does not wait for a key for ever.
struct MissingKeyIsClosed: Rule {
  static let info = RuleInfo(
    id: "KA-108", statement: "An acceptor closes when no key message follows communication_ready within 15 s.",
    severity: .major, binding: .strict, reference: "connection.md 8.5", knownDeviation: "connection.md 3.2")
  static let interests: EventSet = [.server, .keySent, .clearFault, .closed]
  private var ready: (place: Place, acceptor: Culprit)?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.communicationReady): ready = (Place(event), event.sender)
    case .keySent, .clearFault, .closed: judge(event.time, &report)
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    if let ready, now - ready.place.time > 16_500 {
      report.violation(
        at: ready.place, by: ready.acceptor, "no key message for \(Int(now - ready.place.time)) ms, and not closed",
        deviation: Self.info.knownDeviation)
    }
    ready = nil
  }
}
