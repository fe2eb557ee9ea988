import Cryptobox
import Trace
import Wire

/// HS-002: the requester waits.
struct RequesterWaitsForReady: Rule {
  static let info = RuleInfo(
    id: "HS-002", alsoDecides: ["RL-012"],
    statement: "Between communication_request and communication_ready the requester sends nothing.",
    severity: .critical, reference: "connection.md 2.8")
  static let interests: EventSet = [.relayed, .server]
  private var early: Witness?
  private var isReady = false
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .relayed where !isReady && early == nil && event.direction == .fromClient && report.role == .requester:
      early = Witness(event, "sent before communication_ready")
    case .server(.communicationReady):
      isReady = true
      // Only now is it certain that these two speak the ONE handshake.
      if let early {
        report.violation(
          at: early, by: .client, "sent before communication_ready", because: [Witness(event, "communication_ready")])
      }
      early = nil
    default: break
    }
  }
}

/// HS-003: the acceptor's first word.
struct AcceptorSaysReady: Rule {
  static let info = RuleInfo(
    id: "HS-003", alsoDecides: ["HS-028"],
    statement: "The acceptor answers communication_request with communication_ready and nothing else.",
    severity: .critical, reference: "connection.md 3.2 H2")
  static let interests: EventSet = .clearFault
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .clearFault(.communicationReady, let failure) = event.kind else { return }
    report.violation(at: event, by: event.sender, "communication_ready was due: \(failure.detail)")
  }
}

/// HS-007 and HS-008 share their look.
private func judgeKey(_ event: Event, _ key: KeyMessage, _ report: inout Reporter) {
  if key.length != 72 {
    report.violation(at: event, by: event.sender, "\(key.length) bytes, a key message has 72")
  } else if key.failedToOpen {
    // What the peer's own leg sent well may have been changed on its way here.
    let culprit: Culprit = event.direction == .fromServer && report.remoteIsRecorded ? .path : event.sender
    report.violation(at: event, by: culprit, "the box does not open with the static keys of the request")
  }
}

struct InitiatorKeyIsGood: Rule {
  static let info = RuleInfo(
    id: "HS-007", alsoDecides: ["HS-013", "HS-014"],
    statement: "The initiator's key message is BINARY, 72 bytes, and opens with the static keys.", severity: .critical,
    reference: "connection.md 3.2 H3")
  static let interests: EventSet = [.keySent, .clearFault]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .keySent(let key) where key.isInitiator: judgeKey(event, key, &report)
    case .clearFault(.initiatorKey, let failure):
      let culprit: Culprit = event.direction == .fromServer && report.remoteIsRecorded ? .path : event.sender
      report.violation(at: event, by: culprit, "the initiator's key was due: \(failure.detail)")
    default: break
    }
  }
}

struct AcceptorKeyIsGood: Rule {
  static let info = RuleInfo(
    id: "HS-008", alsoDecides: ["HS-021"],
    statement: "The acceptor's key message is BINARY, 72 bytes, and opens with the static keys.", severity: .critical,
    reference: "connection.md 3.2 H4")
  static let interests: EventSet = [.keySent, .clearFault]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .keySent(let key) where !key.isInitiator: judgeKey(event, key, &report)
    case .clearFault(.acceptorKey, let failure):
      let culprit: Culprit = event.direction == .fromServer && report.remoteIsRecorded ? .path : event.sender
      report.violation(at: event, by: culprit, "the acceptor's key was due: \(failure.detail)")
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
  private var bad: Witness?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .keySent(let key) = event.kind else { return }
    if key.isInitiator {
      if key.failedToOpen { bad = Witness(event, "the key message that does not open") }
    } else if let bad {
      report.violation(at: event, by: event.sender, "answered a key message that does not open", because: [bad])
    }
  }
}

/// HS-009: nothing of a handshake comes twice.
struct EphemeralKeysAreFresh: Rule {
  static let info = RuleInfo(
    id: "HS-009", statement: "Every handshake has ephemeral keys of its own.", severity: .critical,
    reference: "connection.md 3.2")
  static let scope = RuleScope.session
  static let interests: EventSet = [.keySent, .spliced]
  private var seen = RecentTable<(leg: Int, place: Witness)>(capacity: 16_384)
  private var partner = RecentTable<Int>(capacity: 16_384)
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .spliced(let requester):
      partner["\(event.leg)"] = requester
      partner["\(requester)"] = event.leg
    case .keySent(let key):
      guard let ephemeral = key.ephemeral?.hex else { return }
      guard let earlier = seen[ephemeral] else {
        seen[ephemeral] = (event.leg, Witness(event, "first use of \(ephemeral.prefix(8))… on \(event.conn)"))
        return
      }
      if earlier.leg != event.leg, partner["\(event.leg)"] != earlier.leg {
        report.violation(
          at: event, by: event.sender, "ephemeral key \(ephemeral.prefix(8))… was used before", because: [earlier.place]
        )
      }
    default: break
    }
  }
}

/// SEC-006: a session key belongs to one connection.
struct SessionKeysAreFresh: Rule {
  static let info = RuleInfo(
    id: "SEC-006", alsoDecides: ["ENC-022"], statement: "Two connections never use the same session key.",
    severity: .critical, reference: "chum.md 5.9", sight: .decrypted)
  static let scope = RuleScope.session
  static let interests: EventSet = [.encrypted, .spliced]
  private var seen = RecentTable<(leg: Int, place: Witness)>(capacity: 16_384)
  private var partner = RecentTable<Int>(capacity: 16_384)
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .spliced(let requester):
      partner["\(event.leg)"] = requester
      partner["\(requester)"] = event.leg
    case .encrypted(let channel):
      guard let fingerprint = channel.fingerprint else { return }
      guard let earlier = seen[fingerprint] else {
        seen[fingerprint] = (event.leg, Witness(event, "first use of the key, on \(event.conn)"))
        return
      }
      if partner["\(event.leg)"] != earlier.leg {
        report.violation(at: event, by: event.sender, "a session key used before", because: [earlier.place])
      }
    default: break
    }
  }
}

/// HS-016: keys that agree with everybody.
struct StaticKeysAreNotLowOrder: Rule {
  static let info = RuleInfo(
    id: "HS-016", alsoDecides: ["CS-016", "RL-024"],
    statement: "No key of register or communication_request is a point of low order.", severity: .critical,
    binding: .strict, reference: "connection.md 2.3")
  static let interests: EventSet = .server
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let keys: [String] =
      switch event.kind {
      case .server(.register(let key)): [key]
      case .server(.communicationRequest(let source, let target)): [source, target]
      default: []
      }
    for key in keys where PublicKey(hex: key)?.isLowOrder == true {
      report.violation(
        at: event, by: event.direction == .fromClient ? .client : .commServer, "\(key.prefix(8))… is of low order")
    }
  }
}
