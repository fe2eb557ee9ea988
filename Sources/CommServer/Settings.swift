public import Cryptobox
public import Wire

/// How a server behaves. Times in ms, nil means without limit.
///
/// ``deployed`` is what the real implementation does, without any limit of its own; ``strict`` has all the hardening of
/// connection.md 8 and 9. Every value can be changed by itself.
public struct CommServerSettings: Sendable {
  public var profile: Profile
  /// Idle time of a registered socket until the next `ping` (connection.md 2.6).
  public var pingInterval = 25_000.0
  /// Time from a `ping` until its missing `pong` closes the socket.
  public var pongTimeout = 1_000.0
  /// The server's key; nil draws a fresh one at start, as the real implementation does (CS-032).
  public var secretKey: SecretKey?
  /// From the opening of a socket to its first message (CS-023).
  public var firstMessageTimeout: Double?
  /// From the challenge to its response (CS-024).
  public var responseTimeout: Double?
  /// Longest silence of a relay, both directions together (RL-018).
  public var relayIdleTimeout: Double?
  /// Bytes of a message before the relay state (TR-012).
  public var clearMessageLimit: Int?
  /// Registered idle sockets of one key (CS-026).
  public var sparesPerKey: Int?
  /// Sockets in all.
  public var connections: Int?
  /// New sockets of one address in one second (CS-028).
  public var socketsPerSecond: Int?
  /// Requests of one address for one key in one minute (RL-019).
  public var requestsPerMinute: Int?
  /// Pongs of one socket in one second (KA-010).
  public var pongsPerSecond: Int?
  /// Messages and bytes that a requester may send ahead of the splice before it is closed (RL-012, strict only).
  public var earlyMessages = 16
  public var earlyBytes = 256 << 10
  /// Messages that nobody reads before the socket is closed (connection.md 3.6, deployed only).
  public var unreadMessages = 10
  /// Deployed only: how long a requester's early messages vanish after the handover was sent (race R1). With zero they
  /// vanish until the driver's next timer event, which is what comes in the same read as the request.
  public var spliceDelay = 0.0
  /// Keys whose last spare left by itself and that the deployed server remembers for one more request (R8). The real one
  /// remembers them for ever, which would be a hole.
  public var rememberedKeys = 100_000
  /// The extension dialect X-INV/1 (connection.md 7.2).
  public var invitations = false
  public var invitationLimits = InvitationLimits()
  /// Planted faults, so that every case can be shown to fire. Empty in all real use.
  public var faults: Set<Fault> = []

  public init(profile: Profile) {
    self.profile = profile
    guard profile == .strict else { return }
    firstMessageTimeout = 10_000
    responseTimeout = 10_000
    relayIdleTimeout = 120_000
    clearMessageLimit = 4_096
    sparesPerKey = 16
    connections = 100_000
    socketsPerSecond = 20
    requestsPerMinute = 60
    pongsPerSecond = 10
    invitations = true
  }

  public static let deployed = CommServerSettings(profile: .deployed)
  public static let strict = CommServerSettings(profile: .strict)
}

/// The numbers of connection.md 7.2; times in ms.
public struct InvitationLimits: Sendable {
  public var shortestLifetime = 10_000.0
  public var longestLifetime = 900_000.0
  /// How long the inviter may take to accept or reject.
  public var answerTimeout = 10_000.0
  /// How long used, expired and revoked ids are remembered.
  public var afterlife = 900_000.0
  public var perKey = 100
  public var perServer = 100_000
  public var rejects = 3
  /// Failing `invitation_connect` of one address in one minute.
  public var failuresPerMinute = 10

  public init() {}
}
