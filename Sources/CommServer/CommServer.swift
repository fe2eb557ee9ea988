public import Cryptobox
public import Wire

/// The relay as a value: events in, actions out (connection.md 2; with ``CommServerSettings/invitations`` also 7.2).
///
/// It knows no socket, clock or generator: `now` is any monotonic time in ms, and keys, nonces and challenges come from
/// the random source of the call. A driver calls ``handle(_:at:random:into:)`` for everything that happens, and with
/// ``ServerEvent/timer`` when ``nextDeadline`` has come. Nothing that a peer sends makes it trap, and everything that it
/// keeps for a peer has a bound in the settings.
public struct CommServer: Sendable {
  public let settings: CommServerSettings
  /// The key that listeners see in the challenge.
  public let publicKey: PublicKey
  public private(set) var isStopped = false

  /// Draws the server's key (32 bytes) from `random` unless the settings have one.
  public init(
    settings: CommServerSettings = .deployed, box: any BoxProvider = SodiumBox(),
    random: inout some RandomSource
  ) {
    self.settings = settings
    let secret = settings.secretKey ?? random.secretKey()
    publicKey = box.publicKey(of: secret)
  }

  /// When ``ServerEvent/timer`` is due; nil when nothing waits.
  public var nextDeadline: Double? { nil }

  public var statistics: ServerStatistics { ServerStatistics() }

  /// Takes one event and appends what has to be done for it, in order.
  ///
  /// Random bytes are drawn only for a challenge (64 of content, then 24 of nonce) and for a requestId (16).
  public mutating func handle(
    _ event: ServerEvent, at now: Double, random: inout some RandomSource, into actions: inout [ServerAction]
  ) {
  }

  /// The same, with the actions as result.
  public mutating func handle(
    _ event: ServerEvent, at now: Double, random: inout some RandomSource
  ) -> [ServerAction] {
    var actions: [ServerAction] = []
    handle(event, at: now, random: &random, into: &actions)
    return actions
  }
}
