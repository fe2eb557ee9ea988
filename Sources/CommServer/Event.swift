/// Names one socket for as long as it lives; the driver chooses the numbers and never uses one twice.
public struct ConnectionID: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let rawValue: UInt64
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }
  public var description: String { "#\(rawValue)" }
  public static func < (one: ConnectionID, other: ConnectionID) -> Bool { one.rawValue < other.rawValue }
}

/// What happens to the server. Whole WebSocket messages only: frames, masks and pings are the driver's.
public enum ServerEvent: Sendable, Equatable {
  /// The WebSocket handshake is done. The address is for rate limits; sockets without one are not limited.
  case opened(ConnectionID, address: String?)
  case text(ConnectionID, String)
  case binary(ConnectionID, [UInt8])
  /// A message before the relay state was longer than ``CommServerSettings/clearMessageLimit``, and the driver threw it
  /// away unread. Only drivers that want to save the memory need this; the machine checks lengths itself too.
  case oversized(ConnectionID)
  /// The socket is gone: `code` is that of the peer's close frame, nil for a frame without one or for a lost socket.
  /// Not to be reported after the machine's own ``ServerAction/close(_:code:reason:)``, though it does no harm.
  case closed(ConnectionID, code: UInt16?, reason: String)
  /// Data went through a relay that the driver forwards by itself; once a second is enough.
  case activity(ConnectionID)
  /// The time has come that ``CommServer/nextDeadline`` named (or any other time).
  case timer
  /// Close everything; sockets that open later are refused.
  case stop
}

/// What the driver has to do, in this order.
public enum ServerAction: Sendable, Equatable {
  case text(ConnectionID, String)
  case binary(ConnectionID, [UInt8])
  /// Start a close handshake after everything that was sent before; nil means a close frame without code. The machine
  /// has forgotten the connection: what still comes from it is to be dropped.
  case close(ConnectionID, code: UInt16?, reason: String)
  /// Both sockets are one relay now. A driver may forward data messages between them by itself from here on (same type,
  /// bytes and order) and then reports only `closed` and `activity`; one that goes on handing them in is served as well.
  case splice(ConnectionID, ConnectionID)
}
