public import Wire

/// How an instance behaves. Times in ms, nil means without limit.
///
/// ``deployed`` is what the real implementation does; ``strict`` has all the hardening of connection.md 8 and 9. Every
/// value can be changed by itself.
public struct InstanceSettings: Sendable {
  public var profile: Profile

  // MARK: Listener (connection.md 2.7)
  public var sparesPerKey = 2
  public var reconnectDelay = 10_000.0
  /// The longest delay that repeated failures lead to; nil always waits the same time (LS-016).
  public var longestReconnectDelay: Double?
  /// Answered pings prove life for pingInterval and this.
  public var pingGrace = 4_000.0
  /// Bounds of a believable pingInterval, strict only (LS-014, decisions.md 3).
  public var shortestPingInterval = 100.0
  public var longestPingInterval = 600_000.0
  /// From the handover to its communication_request (LS-013), and from a direct socket's opening to it.
  public var requestTimeout: Double?
  /// Refuse to register where the CommServer shows another key than before (LS-015).
  public var refusesChangedServerKey = false

  // MARK: Handshake (connection.md 3)
  public var openTimeout = 5_000.0
  /// From H2 to H3, and from H1 to H4 (KA-108).
  public var keyTimeout: Double?
  /// Handshakes that have not brought a channel yet, per own key and in all (HS-023).
  public var halfOpenPerKey: Int?
  public var halfOpen: Int?
  /// How long an initiator's ephemeral key is remembered (HS-020).
  public var replayMemory: Double?

  // MARK: Establishment (connection.md 4)
  /// For each step of P1–P9 and Q1–Q3 (KA-109).
  public var stepTimeout: Double?
  public var duplicateWindow = 2_000.0
  public var redialDelay = 5_000.0
  /// Delays between dials that failed before the channel stood, in order; the last one repeats.
  public var retryTable = [5_000.0, 10_000, 20_000, 30_000, 60_000, 120_000]
  /// Unread messages on a connection that nobody reads any more (connection.md 3.6).
  public var unreadMessages = 10
  /// Bytes of a reassembled message (FR-010).
  public var longestMessage = 64 << 20
  /// Strangers may get as far as P9 (the catch-all rule); without it only known peers get a `sync`.
  public var servesStrangers = true
  public var servesDebug = false

  // MARK: Pairing (connection.md 5)
  public var pairing = true
  public var invitationLifetime = 900_000.0
  /// Time from a peer's identity to the end of its storing: the real one needs some 100 ms, and until then refuses the
  /// new peer's chum and accepts the token again (connection.md 5.3, 5.5).
  public var storeDelay = 0.0
  /// How long an inviter waits for the invitee's close after Q3 before it closes itself (PA-014).
  public var pairingLinger = 5_000.0
  /// Wrong tokens in one minute before pairing pauses, and for how long (INV-017).
  public var wrongTokens: Int?
  public var pairingPause = 60_000.0
  /// The shortest token that a caller may supply, in letters of six bits (INV-018).
  public var shortestToken = 0
  public var liveInvitations = 1_000
  public var broker = BrokerPolicy.off
  /// Dial `chum` as soon as a peer is stored.
  public var dialsPeers = true

  /// Planted faults, so that every case can be shown to fire. Empty in all real use.
  public var defects: Set<Defect> = []

  /// Whether invitations are kept at the CommServer (X-INV/1, connection.md 7.2).
  public enum BrokerPolicy: String, Sendable, CaseIterable {
    case off
    /// Where the server offers it; the base dialect otherwise.
    case automatic
    /// Never falls back (`requireBroker`).
    case required
  }

  public init(profile: Profile) {
    self.profile = profile
    switch profile {
    case .deployed: storeDelay = 100
    case .strict:
      longestReconnectDelay = 60_000
      requestTimeout = 10_000
      keyTimeout = 15_000
      halfOpenPerKey = 64
      halfOpen = 256
      replayMemory = 600_000
      stepTimeout = 30_000
      wrongTokens = 5
      shortestToken = 22
      broker = .automatic
    }
  }

  public static let deployed = InstanceSettings(profile: .deployed)
  public static let strict = InstanceSettings(profile: .strict)
}
