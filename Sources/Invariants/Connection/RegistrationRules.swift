import Trace
import Wire
import WireBytes

/// CS-019: the first message is one of the two that the server knows.
struct FirstMessageIsKnown: Rule {
  static let info = RuleInfo(
    id: "CS-019", alsoDecides: ["CS-020", "CS-021", "CS-022", "LS-001", "HS-001"],
    statement: "The first message of a client is a well-formed register or communication_request.", severity: .major,
    reference: "connection.md 2.4")
  static let interests: EventSet = .clearFault
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .clearFault(.firstMessage, let failure) = event.kind, event.direction == .fromClient else { return }
    report.violation(at: event, by: .client, "first message: \(failure.detail)")
  }
}

/// CS-014: a registered key is a key.
struct RegisteredKeyIsAKey: Rule {
  static let info = RuleInfo(
    id: "CS-014", alsoDecides: ["CS-015"],
    statement: "The publicKey of register is 64 hex digits.", severity: .major, reference: "connection.md 2.2 M1")
  static let interests: EventSet = .server
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .server(.register(let key)) = event.kind, event.direction == .fromClient else { return }
    if key.utf8.count != 64 || !Hex.isHex(key) {
      report.violation(at: event, by: .client, "publicKey \(JSONText.quoted(excerpt(key, 70))) is not 64 hex digits")
    }
  }
}

/// CS-001: the shape of the server's challenge.
struct ChallengeHasItsShape: Rule {
  static let info = RuleInfo(
    id: "CS-001", statement: "authentication_request carries a key of 64 and a challenge of 208 hex digits.",
    severity: .critical, reference: "connection.md 2.2 M2")
  static let interests: EventSet = .server
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .server(.authenticationRequest(let key, let challenge)) = event.kind else { return }
    if key.utf8.count != 64 || !Hex.isHex(key) {
      report.violation(at: event, by: .commServer, "publicKey is not 64 hex digits")
    }
    if challenge.utf8.count != 208 || !Hex.isHex(challenge) {
      report.violation(
        at: event, by: .commServer, "challenge is not 208 hex digits (\(challenge.utf8.count) characters)")
    }
  }
}

/// CS-002: the challenge is made for the listener's key.
struct ChallengeOpens: Rule {
  static let info = RuleInfo(
    id: "CS-002", statement: "The challenge opens with the listener's key and holds exactly 64 bytes.",
    severity: .critical, reference: "connection.md 2.3")
  static let interests: EventSet = .registrationProof
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .registrationProof(let proof) = event.kind, proof.step == .challenge else { return }
    switch proof.outcome {
    case .notOpened: report.violation(at: event, by: .commServer, "the challenge does not open with the registered key")
    case .wrong: report.violation(at: event, by: .commServer, "the challenge does not hold 64 bytes")
    case .good, .unknown: break
    }
  }
}

/// CS-003: no challenge twice.
struct ChallengesDiffer: Rule {
  static let info = RuleInfo(
    id: "CS-003", statement: "Two registrations get different challenges and nonces.", severity: .critical,
    reference: "connection.md 2.3")
  static let scope = RuleScope.session
  static let interests: EventSet = .server
  /// Challenges remembered; in longer sessions the oldest are forgotten.
  private var seen: RecentTable<Witness>
  init(_ facts: SessionFacts) { seen = RecentTable(capacity: 4_096) }

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .server(.authenticationRequest(_, let challenge)) = event.kind else { return }
    let nonce = String(challenge.prefix(48))
    if let earlier = seen[nonce] {
      report.violation(at: event, by: .commServer, "the challenge's nonce was used before", because: [earlier])
    }
    seen[nonce] = Witness(event, "first use of nonce \(nonce.prefix(8))…")
  }
}

/// LS-002: the response proves the key.
struct ResponseIsTheComplement: Rule {
  static let info = RuleInfo(
    id: "LS-002", alsoDecides: ["CS-006", "CS-007", "CS-008", "CS-009", "CS-011"],
    statement: "authentication_response is 208 hex digits that open to the complement of the challenge.",
    severity: .critical, reference: "connection.md 2.3")
  static let interests: EventSet = [.server, .registrationProof]
  private var challenge: Witness?
  private var isShort = false
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.authenticationRequest): challenge = Witness(event, "the challenge")
    case .server(.authenticationResponse(let response)):
      guard response.utf8.count != 208 || !Hex.isHex(response) else { return }
      isShort = true
      report.violation(
        at: event, by: .client, "response is not 208 hex digits (\(response.utf8.count) characters)",
        because: [challenge].compactMap { $0 })
    case .registrationProof(let proof) where proof.step == .response && !isShort:
      let why: String
      switch proof.outcome {
      case .wrong: why = "the response opens, but is not the complement of the challenge"
      case .notOpened: why = "the response does not open with the registered key"
      case .good, .unknown: return
      }
      report.violation(at: event, by: .client, why, because: [challenge].compactMap { $0 })
    default: break
    }
  }
}

/// CS-005: a wrong response never succeeds.
struct WrongResponseIsRefused: Rule {
  static let info = RuleInfo(
    id: "CS-005", statement: "authentication_success follows only a response that proves the key.",
    severity: .critical, reference: "connection.md 2.3")
  static let interests: EventSet = [.server, .registrationProof]
  private var wrong: Witness?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .registrationProof(let proof)
    where proof.step == .response && (proof.outcome == .wrong || proof.outcome == .notOpened):
      wrong = Witness(event, "the wrong response")
    case .server(.authenticationSuccess):
      guard let wrong else { return }
      report.violation(at: event, by: .commServer, "success after a response that proves nothing", because: [wrong])
    default: break
    }
  }
}

/// CS-004: success states a usable ping interval.
struct SuccessStatesInterval: Rule {
  static let info = RuleInfo(
    id: "CS-004", alsoDecides: ["LS-014"],
    statement: "authentication_success carries a pingInterval that is a positive integer of ms, at most 600,000.",
    severity: .critical, reference: "connection.md 2.2 M4")
  static let interests: EventSet = .server
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .server(.authenticationSuccess(let interval)) = event.kind else { return }
    if interval <= 0 || interval > 600_000 || interval != interval.rounded() {
      report.violation(at: event, by: .commServer, "pingInterval is \(JSONText.number(interval))")
    }
  }
}

/// LS-011: registration goes step by step.
struct RegistrationInOrder: Rule {
  static let info = RuleInfo(
    id: "LS-011", alsoDecides: ["CS-018", "CS-031"],
    statement:
      "register, authentication_request, authentication_response and authentication_success follow each other.",
    severity: .major, reference: "connection.md 2.4")
  static let interests: EventSet = [.clearFault, .server]
  private var last: Witness?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(let message): last = Witness(event, message.command)
    case .clearFault(let phase, let failure):
      switch phase {
      case .authenticationRequest, .authenticationResponse, .authenticationSuccess: break
      default: return
      }
      report.violation(
        at: event, by: event.direction == .fromClient ? .client : .commServer,
        "\(phase.rawValue) was due: \(failure.detail)", because: [last].compactMap { $0 })
    default: break
    }
  }
}

/// CS-025: a spare connection is silent but for pongs.
struct SpareIsSilent: Rule {
  static let info = RuleInfo(
    id: "CS-025", alsoDecides: ["LS-010", "RL-022", "KA-006"],
    statement: "On a spare connection only ping, pong and connection_handover are sent.", severity: .major,
    reference: "connection.md 2.4")
  static let interests: EventSet = .clearFault
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .clearFault(.spare, let failure) = event.kind else { return }
    report.violation(
      at: event, by: event.direction == .fromClient ? .client : .commServer, "stray message \(failure.detail)")
  }
}
