import Cryptobox
import WireBytes

/// SHA-256 over the invitation's token, as connection.md 7.2 defines it; all that the server ever sees of a token.
struct InvitationID: Hashable, Sendable {
  let bytes: [UInt8]

  init?(hex: String) {
    guard hex.utf8.count == 64, let bytes = Hex.decode(hex) else { return nil }
    self.bytes = bytes
  }

  var hex: String { Hex.encode(bytes) }
}

/// The invitations that a server keeps, and the states they go through (connection.md 7.2).
///
/// Ids are compared by hash map over their 256 bits. Memory is bounded by the limits; what has ended is forgotten after
/// its afterlife.
struct InvitationBook: Sendable {
  enum State: Sendable, Equatable {
    case stored
    case pending
    case consumed
    case expired
    case revoked
  }

  struct Invitation: Sendable {
    let owner: PublicKey
    var expiresAt: Double
    var state = State.stored
    var rejects = 0
    /// When it was used, expired or revoked.
    var endedAt: Double?
  }

  let limits: InvitationLimits
  let faults: Set<Fault>
  private var invitations: [InvitationID: Invitation] = [:]
  private var live: [PublicKey: Int] = [:]

  init(limits: InvitationLimits, faults: Set<Fault>) {
    self.limits = limits
    self.faults = faults
  }

  var count: Int { invitations.count }
  private func has(_ fault: Fault) -> Bool { faults.contains(fault) }

  /// Stores an id; gives the remaining lifetime.
  mutating func create(
    _ id: InvitationID, owner: PublicKey, lifetime: Double, at now: Double
  ) throws(InvitationError) -> Double {
    expire(id, now)
    if let known = invitations[id] {
      guard known.owner == owner || has(.noConflict) else { throw .conflict }
      if has(.repeatExtends) { invitations[id]?.expiresAt = now + lifetime }
      switch known.state {
      case .stored, .pending: return max(0, (invitations[id]?.expiresAt ?? now) - now)
      case .consumed: throw .used
      case .expired: throw .expired
      case .revoked: throw .revoked
      }
    }
    guard live[owner, default: 0] < limits.perKey || has(.unlimitedInvitations) else { throw .tooMany }
    guard invitations.count < limits.perServer else { throw .tooMany }
    let early = has(.expiresEarly) ? 5_000.0 : 0
    invitations[id] = Invitation(owner: owner, expiresAt: now + lifetime - early)
    live[owner, default: 0] += 1
    return has(.storesTooLong) ? lifetime * 2 : lifetime
  }

  /// The state that decides about a connect; nil for an unknown id.
  mutating func look(_ id: InvitationID, at now: Double) -> Invitation? {
    expire(id, now)
    return invitations[id]
  }

  mutating func setPending(_ id: InvitationID) { invitations[id]?.state = .pending }

  /// A pending invitation may be used again: nobody answered, or one side went.
  mutating func release(_ id: InvitationID, at now: Double) {
    guard invitations[id]?.state == .pending else { return }
    invitations[id]?.state = .stored
    expire(id, now)
  }

  mutating func consume(_ id: InvitationID, at now: Double) { end(id, .consumed, at: now) }

  /// Counts a reject; true when it was the last one allowed.
  mutating func reject(_ id: InvitationID, at now: Double) {
    guard let invitation = invitations[id], invitation.state == .pending else { return }
    invitations[id]?.rejects += 1
    let isLast = invitation.rejects + 1 >= limits.rejects && !has(.neverRevokes)
    if isLast || has(.rejectUsesUp) { end(id, .revoked, at: now) } else { release(id, at: now) }
  }

  /// Revokes; an unknown id is fine.
  mutating func revoke(_ id: InvitationID, owner: PublicKey, at now: Double) throws(InvitationError) {
    expire(id, now)
    guard let invitation = invitations[id] else { return }
    guard invitation.owner == owner || has(.anybodyRevokes) else { throw .notOwner }
    if invitation.state == .stored || invitation.state == .pending { end(id, .revoked, at: now) }
  }

  /// For a planted fault only.
  mutating func forgetAll(of owner: PublicKey) {
    invitations = invitations.filter { $0.value.owner != owner }
    live[owner] = nil
  }

  /// Ends what is too old and forgets what ended long ago; the time of the next change, nil when nothing is kept.
  mutating func sweep(at now: Double) -> Double? {
    for id in invitations.keys { expire(id, now) }
    guard !has(.neverForgets) else { return nil }
    invitations = invitations.filter { now < ($0.value.endedAt ?? now) + limits.afterlife }
    return invitations.values.map { ($0.endedAt.map { $0 + limits.afterlife }) ?? max($0.expiresAt, now + 1) }.min()
  }

  private mutating func expire(_ id: InvitationID, _ now: Double) {
    guard let invitation = invitations[id], invitation.state == .stored, now >= invitation.expiresAt,
      !has(.neverExpires)
    else { return }
    end(id, .expired, at: invitation.expiresAt)
  }

  private mutating func end(_ id: InvitationID, _ state: State, at time: Double) {
    guard let invitation = invitations[id], invitation.endedAt == nil else { return }
    invitations[id]?.state = state
    invitations[id]?.endedAt = time
    if let count = live[invitation.owner] { live[invitation.owner] = count > 1 ? count - 1 : nil }
  }
}
