import Trace
import Wire

/// Invitations as the logs tell of them, and the tokens that were presented on recorded connections.
///
/// Bounded: 10,000 invitations and presentations.
private struct TokenBook: Sendable {
  struct Invitation: Sendable {
    let peer: String
    let person: HashKey?
    let expiresAt: Double?
    let witness: Witness
    var revoked: (time: Double, witness: Witness)?
  }
  /// A pairing that was accepted: by the log, or by the identity that followed the token on the wire.
  struct Acceptance {
    let invitation: Invitation
    /// When the token was presented, which is when it must be valid.
    let time: Double
    let by: Culprit
    /// The person who accepted, as it said on the wire.
    let person: HashKey?
  }
  static let interests: EventSet = [.logged, .peer, .closed]
  private var invitations = RecentTable<Invitation>(capacity: 10_000)
  private var presented: [Int: (token: String, time: Double, side: Int)] = [:]

  mutating func note(_ event: Event, _ report: Reporter) -> Acceptance? {
    switch event.kind {
    case .logged(let log): return note(log, event, report)
    case .peer(.authenticationToken(let token)):
      if presented.count < 10_000 { presented[event.leg] = (token, event.time, event.side) }
    case .peer(.identity):
      guard let token = presented[event.leg], token.side != event.side else { return nil }
      presented[event.leg] = nil
      // The same message stands on the other end's connection too, and is judged there.
      if event.side == 1, report.leg.remoteIsRecorded { return nil }
      return invitations[token.token].map {
        Acceptance(invitation: $0, time: token.time, by: event.sender, person: report.leg.persons[event.side])
      }
    case .closed: presented[event.leg] = nil
    default: break
    }
    return nil
  }

  private mutating func note(_ log: LogEvent, _ event: Event, _ report: Reporter) -> Acceptance? {
    switch log.fact {
    case .invitationCreated(let token, let expiresAt):
      invitations[token] = Invitation(
        peer: log.peer, person: report.log.peer?.person, expiresAt: expiresAt,
        witness: Witness(event, "the invitation"))
    case .invitationEnded(let token, "revoked"):
      guard var invitation = invitations[token] else { return nil }
      invitation.revoked = (event.time, Witness(event, "its revocation"))
      invitations[token] = invitation
    case .pairingAccepted(let token):
      // The inviter's word; the joiner accepts whom it asked.
      guard let invitation = token.flatMap({ invitations[$0] }), invitation.peer == log.peer else { return nil }
      return Acceptance(invitation: invitation, time: event.time, by: .instance, person: nil)
    default: break
    }
    return nil
  }
}

/// SEC-010: what is over is over.
struct ExpiredTokensAreRefused: Rule {
  static let info = RuleInfo(
    id: "SEC-010", statement: "No pairing is accepted with a token at or after its expiry.", severity: .critical,
    reference: "chum.md 5.9", isSessionWide: true, needsLog: true)
  static let interests: EventSet = TokenBook.interests
  private var book = TokenBook()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let accepted = book.note(event, report), let expiresAt = accepted.invitation.expiresAt,
      accepted.time >= expiresAt
    else { return }
    report.violation(
      at: event, by: accepted.by,
      "the token of \(accepted.invitation.peer) is accepted \(Int(accepted.time - expiresAt)) ms after its expiry",
      because: [accepted.invitation.witness])
  }
}

/// SEC-011: nor what was taken back.
struct RevokedTokensAreRefused: Rule {
  static let info = RuleInfo(
    id: "SEC-011", statement: "No pairing is accepted with a revoked token.", severity: .critical,
    reference: "chum.md 5.9", isSessionWide: true, needsLog: true)
  static let interests: EventSet = TokenBook.interests
  private var book = TokenBook()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let accepted = book.note(event, report), let revoked = accepted.invitation.revoked,
      accepted.time >= revoked.time
    else { return }
    report.violation(
      at: event, by: accepted.by, "the token that \(accepted.invitation.peer) revoked is accepted",
      because: [revoked.witness])
  }
}

/// SEC-014: a token is for one person.
struct TokensAreBoundToThePerson: Rule {
  static let info = RuleInfo(
    id: "SEC-014", statement: "A token is accepted only for the local person that it was made for.", severity: .major,
    reference: "chum.md 5.9", sight: .decrypted, isSessionWide: true, needsLog: true)
  static let interests: EventSet = TokenBook.interests
  private var book = TokenBook()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let accepted = book.note(event, report), let person = accepted.person, let due = accepted.invitation.person,
      person != due
    else { return }
    report.violation(
      at: event, by: accepted.by, "a token made for \(due.head)… is accepted by \(person.head)…",
      because: [accepted.invitation.witness])
  }
}

/// SEC-016: an invitation lasts as long as promised.
struct InvitationLifetime: Rule {
  static let info = RuleInfo(
    id: "SEC-016", statement: "An invitation lasts one minute (the default) or fifteen (as users configure it).",
    severity: .minor, binding: .deployment, reference: "chum.md 5.9", knownDeviation: "F31", isSessionWide: true,
    needsLog: true)
  static let interests: EventSet = .logged
  private static let lifetimes = [60_000.0, 900_000.0]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .invitationCreated(_, let expiresAt?) = log.fact else { return }
    let lifetime = expiresAt - event.time
    if !Self.lifetimes.contains(where: { ($0 - lifetime).magnitude <= 1_000 }) {
      report.violation(
        at: event, by: .instance, "\(log.peer) makes an invitation for \(Int((lifetime / 1_000).rounded())) s")
    }
  }
}
