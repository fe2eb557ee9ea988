/// Counters and gauges of a server; a driver may print them (`chumgate serve --stats`).
public struct ServerStatistics: Sendable, Equatable {
  /// Sockets open now.
  public var connections = 0
  /// Registered idle sockets now.
  public var spares = 0
  /// Keys in the table now, remembered ones without a spare included.
  public var keys = 0
  /// Relays now.
  public var relays = 0
  /// Invitations kept now, used and expired ones included.
  public var invitations = 0
  public var opened = 0
  public var registrations = 0
  public var handovers = 0
  /// Requests that found nobody.
  public var refusals = 0
  /// Sockets that the server closed because of what they did or did not do.
  public var faults = 0
  public var pings = 0

  public init() {}
}
