public import CommServer

/// Where a server listens, and the bounds that are the network's and not the protocol's. Times in ms.
public struct ServerOptions: Sendable {
  public var settings: CommServerSettings
  /// Addresses to bind; IPv6 as `::1`. With port 0 the system picks one, the same for all.
  public var hosts = ["127.0.0.1"]
  public var port = 0
  public var tls: TLSMaterial?
  /// Bytes of one WebSocket message (connection.md 1.1).
  public var messageLimit = 104_857_600
  /// From the TCP connection to a complete upgrade request; nil for ever.
  public var handshakeTimeout: Double? = 10_000
  /// From our close frame to the peer's, then the socket is cut.
  public var closeTimeout = 10_000.0
  /// TCP connections in all; one more gets HTTP 503.
  public var maximumConnections = 100_000
  /// Bytes of incomplete messages of all connections together; whoever goes beyond is closed with 1009.
  public var assemblyBudget = 512 << 20
  /// Bytes that may wait for a slow reader until its partner is not read from any more.
  public var highWaterMark = 512 << 10
  public var lowWaterMark = 128 << 10
  /// A relayed message longer than this goes on in WebSocket fragments while it still comes in.
  public var partThreshold = 16 << 20

  public init(settings: CommServerSettings) { self.settings = settings }
}

/// Counters of the network layer, beside those of the machine.
public struct NetworkStatistics: Sendable, Equatable {
  /// TCP connections now, those without a finished upgrade included.
  public var sockets = 0
  public var accepted = 0
  public var refusedUpgrades = 0
  public var relayedMessages = 0
  public var relayedBytes = 0
  /// Closes for breaking RFC 6455.
  public var frameFailures = 0
  /// Bytes of incomplete messages held now.
  public var assemblyBytes = 0
  /// Times that a socket was not read from because its partner is slow.
  public var pauses = 0

  public init() {}
}
