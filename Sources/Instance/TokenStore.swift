public import Wire

/// The inviter's tokens: made, presented, reserved, used once, expired, revoked (connection.md 5.3; decisions.md 5).
///
/// In memory only: a restart ends them all (INV-015). Time is an argument and monotonic.
public struct TokenStore: Sendable {
  public struct Entry: Sendable {
    public let person: String
    public let mode: Invitation.Mode
    public let expiresAt: Double
    /// The connection that presented it; strict lets no second one in meanwhile.
    var reservedBy: SocketID?
  }

  /// Why a token does not open the door. To the joiner both look alike.
  enum Refusal: Error, Sendable, Equatable {
    case unknown
    case otherPerson
  }

  private let profile: Profile
  private let defects: Set<Defect>
  private var entries: [String: Entry] = [:]
  /// Ends of invitations nobody was told of yet.
  private(set) var ended: [(token: String, end: InvitationEnd)] = []

  init(profile: Profile, defects: Set<Defect>) {
    self.profile = profile
    self.defects = defects
  }

  public var count: Int { entries.count }
  public func entry(_ token: String) -> Entry? { entries[token] }

  /// The live tokens whose X-INV/1 id is this one; there is at most one.
  func token(invitationId: String, at now: Double) -> String? {
    entries.first { !isExpired($0.value, now) && XInvitation.invitationId(token: $0.key) == invitationId }?.key
  }

  var tokens: [String] { entries.keys.sorted() }

  mutating func create(_ token: String, person: String, mode: Invitation.Mode, expiresAt: Double) {
    entries[token] = Entry(person: person, mode: mode, expiresAt: expiresAt)
  }

  /// The joiner on `socket` shows a token. At or after its expiry it is unknown (INV-009, INV-011).
  mutating func present(
    _ token: String, for person: String, by socket: SocketID, at now: Double
  ) -> Result<Entry, Refusal> {
    expire(at: now)
    guard let entry = entries[token] else { return .failure(.unknown) }
    guard entry.person == person || defects.contains(.tokenForAnyPerson) else { return .failure(.otherPerson) }
    if profile == .strict, !defects.contains(.tokenRace) {
      // Unknown to everybody else while the first joiner is at it.
      if let holder = entry.reservedBy, holder != socket { return .failure(.unknown) }
      entries[token]?.reservedBy = socket
    }
    return .success(entry)
  }

  /// The first joiner failed: the token is usable again until its expiry.
  mutating func release(by socket: SocketID) {
    guard !defects.contains(.tokenBurntByFailure) else {
      entries = entries.filter { $0.value.reservedBy != socket }
      return
    }
    for (token, entry) in entries where entry.reservedBy == socket { entries[token]?.reservedBy = nil }
  }

  mutating func consume(_ token: String) {
    guard !defects.contains(.tokenReusable) else { return release(token) }
    if entries.removeValue(forKey: token) != nil { ended.append((token, .used)) }
  }

  private mutating func release(_ token: String) { entries[token]?.reservedBy = nil }

  /// True when there was such a token.
  mutating func revoke(_ token: String) -> Bool {
    guard !defects.contains(.revokeDoesNothing) else {
      if entries[token] != nil { ended.append((token, .revoked)) }
      return entries[token] != nil
    }
    guard entries.removeValue(forKey: token) != nil else { return false }
    ended.append((token, .revoked))
    return true
  }

  mutating func endAll() {
    for token in tokens { ended.append((token, .shutdown)) }
    entries = [:]
  }

  private func isExpired(_ entry: Entry, _ now: Double) -> Bool {
    if defects.contains(.neverExpires) { return false }
    if defects.contains(.expiresLate) { return now > entry.expiresAt + 1 }
    if defects.contains(.expiresEarly) { return now >= entry.expiresAt - 1_000 }
    return now >= entry.expiresAt
  }

  mutating func expire(at now: Double) {
    for (token, entry) in entries where isExpired(entry, now) {
      // A pairing that is past the check completes (connection.md 5.3).
      entries[token] = nil
      ended.append((token, .expired))
    }
  }

  /// When the next token expires.
  var nextDeadline: Double? {
    guard !defects.contains(.neverExpires), let first = entries.values.map(\.expiresAt).min() else { return nil }
    // One that expires late would otherwise name a time that has passed without anything to do.
    return defects.contains(.expiresLate) ? first + 2 : first
  }

  mutating func takeEnded() -> [(token: String, end: InvitationEnd)] {
    defer { ended = [] }
    return ended.sorted { $0.token < $1.token }
  }
}
