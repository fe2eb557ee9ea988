import Trace
import Wire

/// PA-001: the token opens the pairing.
struct TokenOpensPairing: Rule {
  static let info = RuleInfo(
    id: "PA-001", statement: "In group pairing the joiner's first message after its instance is authentication_token.",
    severity: .critical, reference: "connection.md 5.4 Q1", sight: .decrypted)
  static let interests: EventSet = [.peer, .peerFault]
  private var isPairing = false
  private var established: Witness?
  private var judged = false
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    if case .peer(.connectionGroup(let name)) = event.kind { isPairing = name == "pairing" }
    guard isPairing, !judged, report.leg.isInitiator(event) else { return }
    switch event.kind {
    case .peer(.instanceIdObject) where established == nil: established = Witness(event, "the joiner's instance")
    case .peer(.authenticationToken): judged = true
    case .peer(let message) where established != nil:
      judged = true
      report.violation(
        at: event, by: event.sender, "\(message.command) came, authentication_token was due",
        because: [established].compactMap { $0 })
    case .peerFault(let failure) where established != nil:
      judged = true
      report.violation(at: event, by: event.sender, "authentication_token was due: \(failure.detail)")
    default: break
    }
  }
}

/// PA-003: no identity without a token.
struct IdentityNeedsToken: Rule {
  static let info = RuleInfo(
    id: "PA-003", statement: "The inviter sends its identity only after a token was presented.", severity: .critical,
    reference: "connection.md 5.4 Q2", sight: .decrypted)
  static let interests: EventSet = .peer
  private var token = false
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .peer(.authenticationToken): token = true
    case .peer(.identity) where !report.leg.isInitiator(event) && !token:
      report.violation(at: event, by: event.sender, "identity before any authentication_token")
    default: break
    }
  }
}

/// SEC-012: a token that the inviter does not take.
struct TokenIsAccepted: Rule {
  static let info = RuleInfo(
    id: "SEC-012",
    statement: "A presented token is one that the inviter issued, unused and in time; it answers with its identity.",
    severity: .major, reference: "chum.md 5.9", sight: .decrypted)
  static let interests: EventSet = [.peer, .closed]
  private var token: Place?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .peer(.authenticationToken): token = token ?? Place(event)
    case .peer(.identity): token = nil
    case .closed(let code, let reason, let echo):
      // Only a close from the inviter's side, in words, is an answer; a lost socket or a joiner that leaves is none.
      if let token, !echo, code != 1006, code != 1005, event.direction != token.direction {
        report.violation(
          at: token, by: token.direction.speaker,
          "the inviter closed without its identity: \(excerpt(reason, 100))", because: [Witness(event, "the close")])
      }
      token = nil
    default: break
    }
  }
}

/// PA-004: a token gets an answer, or a close.
struct TokenIsAnswered: Rule {
  static let info = RuleInfo(
    id: "PA-004", alsoDecides: ["PA-002"],
    statement: "The inviter answers authentication_token with its identity, or closes, within 2 s.",
    severity: .critical,
    reference: "connection.md 5.4 Q2", sight: .decrypted)
  static let interests: EventSet = [.peer, .closed]
  private var token: Place?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .peer(.authenticationToken): token = token ?? Place(event)
    case .peer(.identity), .closed: judge(event.time, &report)
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    if let token, now - token.time > 2_200 {
      report.violation(
        at: token, by: token.direction.opposite.speaker, "neither answered nor closed for \(Int(now - token.time)) ms")
    }
    token = nil
  }
}

/// PA-019: one token a connection.
struct OneTokenAConnection: Rule {
  static let info = RuleInfo(
    id: "PA-019", statement: "authentication_token is sent once on a connection.", severity: .major,
    reference: "connection.md 5.4", sight: .decrypted)
  static let interests: EventSet = .peer
  private var token: Witness?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .peer(.authenticationToken) = event.kind else { return }
    if let token { report.violation(at: event, by: event.sender, "a second token", because: [token]) }
    token = token ?? Witness(event, "the first token")
  }
}

/// PA-005: the joiner leaves after its identity.
struct JoinerClosesAfterIdentity: Rule {
  static let info = RuleInfo(
    id: "PA-005", alsoDecides: ["SEC-017"],
    statement: "The joiner answers the inviter's identity with its own and closes within 2 s, or CHUM goes on here.",
    severity: .major, reference: "connection.md 5.4 Q3", sight: .decrypted)
  static let interests: EventSet = [.peer, .closed, .controlText]
  private var inviter: Witness?
  private var joiner: Witness?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .peer(.identity):
      if report.leg.isInitiator(event) {
        joiner = Witness(event, "the joiner's identity")
      } else {
        inviter = Witness(event, "the inviter's identity")
      }
    case .controlText:
      inviter = nil
      joiner = nil
    case .closed: judge(event.time, &report)
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    let culprit = (report.leg.initiator ?? .fromClient).speaker
    if let joiner, now - joiner.time > 2_200 {
      report.violation(at: joiner, by: culprit, "not closed for \(Int(now - joiner.time)) ms after this")
    } else if let inviter, joiner == nil, now - inviter.time > 2_200 {
      report.violation(at: inviter, by: culprit, "not answered with an identity for \(Int(now - inviter.time)) ms")
    }
    inviter = nil
    joiner = nil
  }
}

/// PA-007, PA-008 and PA-022: the identity is the one that was proved.
struct IdentityIsTheProvenOne: Rule {
  static let info = RuleInfo(
    id: "PA-007",
    statement: "The identity's person, keys and instance are those of the connection establishment and the handshake.",
    severity: .critical, reference: "connection.md 5.4", sight: .decrypted)
  static let interests: EventSet = [.peer, .encrypted]
  private struct Proven: Sendable {
    var person: String?
    var key: String?
    var signKey: String?
    var instance: String?
    var place: Witness?
  }
  private var proven = [Proven(), Proven()]
  private var source: String?
  private var target: String?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    if case .encrypted(let channel) = event.kind {
      source = channel.source
      target = channel.target
    }
    guard case .peer(let message) = event.kind else { return }
    switch message {
    case .personIdObject(let email): proven[side].person = IdHash.person(email: email)
    case .keysObject(_, let publicKey, let publicSignKey):
      proven[side].key = publicKey.lowercased()
      proven[side].signKey = publicSignKey.lowercased()
      proven[side].place = Witness(event, "keys_object")
    case .instanceIdObject(let name, let owner): proven[side].instance = IdHash.instance(name: name, owner: owner)
    case .identity(let file):
      let known = proven[side]
      let witnesses = [known.place].compactMap { $0 }
      let isInviter = !report.leg.isInitiator(event)
      // The inviter is dialled by its instance key; a joiner may dial with its person key (PA-018).
      let isDialledKey = isInviter || source != known.key
      let pairs: [(String, String, String?)] = [
        ("person id", file.personId, known.person), ("person key", file.personKeyPublic.lowercased(), known.key),
        ("person sign key", file.personSignKeyPublic.lowercased(), known.signKey),
        ("instance id", file.instanceId, known.instance),
        ("instance key", file.instanceKeyPublic.lowercased(), isDialledKey ? (isInviter ? target : source) : nil),
      ]
      for (name, sent, expected) in pairs {
        guard let expected, sent != expected else { continue }
        report.violation(
          at: event, by: event.sender, "\(name) \(sent.prefix(8))… is not the proven \(expected.prefix(8))…",
          because: witnesses, also: name == "person sign key" ? ["PA-022"] : isInviter ? ["PA-008"] : [])
      }
    default: break
    }
  }
}

/// PA-010: secrets stay at home.
struct NoSecretIdentity: Rule {
  static let info = RuleInfo(
    id: "PA-010", statement: "An identity message is well-formed and of kind public.", severity: .critical,
    reference: "connection.md 6.1", sight: .decrypted)
  static let interests: EventSet = .peerFault
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .peerFault(let failure) = event.kind else { return }
    if failure.code == "peer.secret-identity" || failure.code.hasPrefix("identity.")
      || failure.section == "connection.md 6.1"
    {
      report.violation(
        at: event, by: event.sender, failure.detail,
        also: failure.code == "peer.secret-identity" ? ["IOM-006"] : ["PA-009"])
    }
  }
}

/// What no other rule of pairing says: after the instances a message of another kind.
struct PairingMessagesOnly: Rule {
  static let info = RuleInfo(
    id: "PAIR-001", statement: "After authentication_token a pairing connection carries only identities.",
    severity: .major, reference: "connection.md 5.4", sight: .decrypted)
  static let interests: EventSet = [.peer, .peerFault]
  private var token: Witness?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .peer(.authenticationToken): token = token ?? Witness(event, "the token")
    case .peer(.identity): break
    case .peer(let message):
      guard let token else { return }
      report.violation(at: event, by: event.sender, "\(message.command) in a pairing", because: [token])
    case .peerFault(let failure):
      guard let token, failure.section != "connection.md 6.1", failure.code != "peer.secret-identity" else { return }
      report.violation(at: event, by: event.sender, failure.detail, because: [token])
    default: break
    }
  }
}
