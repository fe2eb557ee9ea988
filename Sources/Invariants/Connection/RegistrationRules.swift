import Cryptobox
import Trace
import Wire
import WireBytes

/// LS-001 and HS-001: the first message is one of the two that the server knows, with keys in it.
struct FirstMessageIsKnown: Rule {
  static let info = RuleInfo(
    id: "LS-001", alsoDecides: ["HS-001"],
    statement: "The first message of a client is a well-formed register or communication_request.", severity: .major,
    reference: "connection.md 2.4")
  static let interests: EventSet = [.clearFault, .server]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard event.direction == .fromClient else { return }
    switch event.kind {
    case .clearFault(.firstMessage, let failure):
      report.violation(at: event, by: .client, "first message: \(failure.detail)")
    case .server(.register(let key)) where key.utf8.count != 64 || !Hex.isHex(key):
      report.violation(
        at: event, by: .client, "publicKey \(JSONText.quoted(excerpt(key, 70))) is not 64 hex digits", also: [])
    default: break
    }
  }
}

/// CS-014 and CS-015: what is no key gets no challenge.
struct NoChallengeForABadKey: Rule {
  static let info = RuleInfo(
    id: "CS-014", statement: "A register whose key has other than 32 bytes gets no challenge.", severity: .major,
    reference: "connection.md 8.2")
  static let interests: EventSet = .server
  private var bad: Witness?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch (event.kind, event.direction) {
    case (.server(.register(let key)), .fromClient) where key.utf8.count != 64:
      bad = Witness(event, "the key of \(key.utf8.count) characters")
    case (.server(.authenticationRequest), .fromServer):
      guard let bad else { return }
      report.violation(at: event, by: .commServer, "a challenge for a key that is none", because: [bad])
    default: break
    }
  }
}

struct NoChallengeForANonHexKey: Rule {
  static let info = RuleInfo(
    id: "CS-015", statement: "A register whose key is not hex gets no challenge.", severity: .major, binding: .strict,
    reference: "connection.md 8.2", knownDeviation: "connection.md 2.9")
  static let interests: EventSet = .server
  private var bad: Witness?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch (event.kind, event.direction) {
    case (.server(.register(let key)), .fromClient) where key.utf8.count == 64 && !Hex.isHex(key):
      bad = Witness(event, "the key that is not hex")
    case (.server(.authenticationRequest), .fromServer):
      guard let bad else { return }
      report.violation(
        at: event, by: .commServer, "a challenge for a key that is not hex", because: [bad],
        deviation: Self.info.knownDeviation)
    default: break
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

/// LS-003: who cannot open the challenge does not answer it.
struct NoResponseToABadChallenge: Rule {
  static let info = RuleInfo(
    id: "LS-003", statement: "A challenge that does not open gets no response; the listener closes.", severity: .major,
    reference: "connection.md 8.3")
  static let interests: EventSet = [.registrationProof, .server]
  private var bad: (place: Witness, isShort: Bool)?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .registrationProof(let proof) where proof.step == .challenge:
      if proof.outcome == .notOpened { bad = (Witness(event, "the challenge that does not open"), false) }
      if proof.outcome == .wrong { bad = (Witness(event, "the challenge of other than 64 bytes"), true) }
    case .server(.authenticationResponse):
      guard let bad else { return }
      // LS-004, the case of a wrong length, is hardening: it only warns.
      report.violation(
        at: event, by: .client, "a response to a challenge that is none", because: [bad.place],
        weight: bad.isShort ? .possible : .proven, also: bad.isShort ? ["LS-004"] : [])
    default: break
    }
  }
}

/// CS-003: no challenge twice.
struct ChallengesDiffer: Rule {
  static let info = RuleInfo(
    id: "CS-003", statement: "Two registrations get different challenges and nonces.", severity: .critical,
    reference: "connection.md 2.3", isSessionWide: true)
  static let interests: EventSet = .server
  /// Challenges remembered; in longer sessions the oldest are forgotten.
  private var seen = RecentTable<Place>(capacity: 4_096)
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .server(.authenticationRequest(_, let challenge)) = event.kind else { return }
    let nonce = String(challenge.prefix(48))
    if let earlier = seen[nonce] {
      report.violation(
        at: event, by: .commServer, "the challenge's nonce was used before",
        because: [Witness(earlier, "first use of nonce \(nonce.prefix(8))…")])
    }
    seen[nonce] = Place(event)
  }
}

/// LS-002: the response proves the key.
struct ResponseIsTheComplement: Rule {
  static let info = RuleInfo(
    id: "LS-002", statement: "authentication_response is 208 hex digits that open to the complement of the challenge.",
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
    id: "CS-005", alsoDecides: ["CS-007"],
    statement: "authentication_success follows only a response that proves the key.", severity: .critical,
    reference: "connection.md 2.3")
  static let interests: EventSet = [.server, .registrationProof]
  private var wrong: (place: Witness, opened: Bool)?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.authenticationResponse(let response)) where response.utf8.count != 208 || !Hex.isHex(response):
      wrong = (Witness(event, "the response that is none"), false)
    case .registrationProof(let proof)
    where proof.step == .response && (proof.outcome == .wrong || proof.outcome == .notOpened):
      wrong = (Witness(event, "the wrong response"), proof.outcome == .wrong)
    case .server(.authenticationSuccess):
      guard let wrong else { return }
      report.violation(
        at: event, by: .commServer, "success after a response that proves nothing", because: [wrong.place],
        also: wrong.opened ? ["CS-006", "CS-008"] : ["CS-007", "CS-009"])
    default: break
    }
  }
}

/// CS-004: success states a usable ping interval.
struct SuccessStatesInterval: Rule {
  static let info = RuleInfo(
    id: "CS-004",
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

/// The order of a registration, on both sides.
struct RegistrationInOrder: Rule {
  static let info = RuleInfo(
    id: "CS-031",
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
        at: event, by: event.clearSender, "\(phase.rawValue) was due: \(failure.detail)",
        because: [last].compactMap { $0 }, also: event.direction == .fromClient ? ["LS-002"] : [])
    default: break
    }
  }
}

/// CS-025: a spare connection is silent but for pongs.
struct SpareIsSilent: Rule {
  static let info = RuleInfo(
    id: "CS-025", statement: "On a spare connection only ping, pong and connection_handover are sent.",
    severity: .major, reference: "connection.md 2.4")
  static let interests: EventSet = .clearFault
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .clearFault(.spare, let failure) = event.kind, failure.code != "commserver.invitation-message" else {
      return
    }
    report.violation(
      at: event, by: event.clearSender, "stray message \(failure.detail)",
      also: event.direction == .fromServer && failure.detail.contains("comm_ping") ? ["KA-006"] : [])
  }
}
