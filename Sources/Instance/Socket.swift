public import Wire

/// Names one socket for as long as it lives.
public enum SocketID: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Opened by ``InstanceAction/open(_:url:)``; the machine numbers these.
  case dialled(UInt64)
  /// Came in on a direct listener; the driver numbers these.
  case accepted(UInt64)

  public var description: String {
    switch self {
    case .dialled(let number): "d\(number)"
    case .accepted(let number): "a\(number)"
    }
  }
}

/// Gives out the numbers of dialled sockets, each once.
struct SocketNumbers: Sendable {
  private var next: UInt64 = 0

  mutating func fresh() -> SocketID {
    next += 1
    return .dialled(next)
  }
}

/// What happens to an instance. Whole WebSocket messages only; frames, masks and pings are the driver's.
public enum InstanceEvent: Sendable {
  /// Listeners and routes begin.
  case start
  /// A socket that was asked for is open.
  case opened(SocketID)
  /// Somebody opened a socket to a direct listener of this instance.
  case accepted(SocketID)
  case message(SocketID, WireMessage)
  /// The socket is gone, also after the machine's own close; `code` is nil for a loss without a close frame.
  case closed(SocketID, code: UInt16?, reason: String)
  /// The time has come that ``Instance/nextDeadline`` named (or any other time).
  case timer
  case command(InstanceCommand)
}

/// What the user or the application wants.
public enum InstanceCommand: Sendable {
  case invite(InvitationRequest)
  /// Ends an invitation before its time.
  case revoke(token: String)
  case join(Invitation, JoinOptions)
  /// Stores a peer whose identity file came by another way, and dials it (connection.md 6.3).
  case addPeer(IdentityFile)
  /// An application message on a connection that was reported as ready.
  case send(SocketID, WireMessage)
  /// Ends one connection; the text becomes the reason in profile deployed.
  case disconnect(SocketID, String)
  /// Spares and delayed attempts end, relayed connections stay (LS-012).
  case stopListening
  /// Everything ends.
  case stop
}

/// An invitation to be made.
public struct InvitationRequest: Sendable {
  /// The local person; nil for the first of the keychain.
  public var person: String?
  /// Milliseconds; nil for the configured lifetime.
  public var lifetime: Double?
  /// A token of the caller's own (INV-018).
  public var token: String?
  /// What the link says; the protocol is the same.
  public var mode: Invitation.Mode

  public init(person: String? = nil, lifetime: Double? = nil, token: String? = nil, mode: Invitation.Mode = .iop) {
    self.person = person
    self.lifetime = lifetime
    self.token = token
    self.mode = mode
  }
}

public struct JoinOptions: Sendable {
  public var person: String?
  public var mode: Invitation.Mode?
  /// The handshake's source key: the real implementation uses the person key, its fork the instance key (3.1).
  public var usesInstanceKey: Bool

  public init(person: String? = nil, mode: Invitation.Mode? = nil, usesInstanceKey: Bool = false) {
    self.person = person
    self.mode = mode
    self.usesInstanceKey = usesInstanceKey
  }
}

/// What the driver has to do, in this order.
public enum InstanceAction: Sendable, Equatable {
  case open(SocketID, url: String)
  case send(SocketID, WireMessage)
  /// A close frame with code 1000, behind everything that was sent before.
  case close(SocketID, reason: String)
  case report(InstanceReport)
}
