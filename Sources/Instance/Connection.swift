import Cryptobox
import Wire

/// One connection of an instance, from the asking for its socket to its end.
struct Connection: Sendable {
  enum Origin: Sendable {
    case route(RouteKey)
    case join(Join)
    /// Handed over by a listener; with a broker, the source key that it announced (XI-023).
    case listener(announced: String?)
    case direct
  }

  enum Stage: Sendable, Equatable {
    case opening
    /// Invitee: `invitation_connect` is out.
    case brokering
    case handshake
    case establishing
    case pairing
    /// Inviter: paired, the invitee is to close.
    case lingering
    /// `synchronisation` is out, the peer's is due.
    case starting
    case running
    case debug
    /// Fault of P3–P9 in profile deployed: open, silent, nobody reads (connection.md 4.3).
    case silent
    /// This side has closed; in profile deployed late frames are still read (ENC-023).
    case closing
  }

  let origin: Origin
  var link: SecureLink
  var stage: Stage
  /// When the present step must be over.
  var deadline: Double?
  var own: Identity?
  var handshake: EstablishedHandshake?
  var establishment: Establishment?
  var pairing: Pairing?
  var peer: ProvenPeer?
  var record: PeerRecord?
  /// Set from the assignment on; the duplicate rule counts by it.
  var assigned: ActiveKey?
  var unread = 0
  /// The success of this pairing was reported or is being stored.
  var isPaired = false
  /// The late messages of a closing connection go to the application.
  var wasRunning = false

  var group: String? { establishment?.group }
  var isDialled: Bool { link.role == .initiator }
  var isHalfOpen: Bool { stage == .handshake && !isDialled }

  /// The stage that a failing pairing reports.
  var pairingStage: PairingFailure.Stage {
    switch stage {
    case .opening, .handshake: .handshake
    case .brokering: .broker
    case .establishing, .silent: establishment?.step.stage ?? .group
    case .pairing, .lingering: pairing?.step == .identity && pairing?.role == .acceptor ? .identity : .token
    case .starting, .running, .debug, .closing: .identity
    }
  }
}

/// An invitation being used.
struct Join: Sendable {
  let invitation: Invitation
  let target: PublicKey
  let identity: Identity
  let options: JoinOptions
  /// The broker was tried and did not know it.
  var isFallback = false

  var source: KeyPair { options.usesInstanceKey ? identity.instanceKey : identity.personKey }
}

/// A pair of keys between which a permanent connection is wanted.
struct RouteKey: Hashable, Sendable, Comparable {
  let own: PublicKey
  let peer: PublicKey

  static func < (one: RouteKey, other: RouteKey) -> Bool {
    (one.own.bytes + one.peer.bytes).lexicographicallyPrecedes(other.own.bytes + other.peer.bytes)
  }
}

/// What may be connected once only (connection.md 4.5).
struct ActiveKey: Hashable, Sendable {
  let own: PublicKey
  let peer: PublicKey
  let group: String
}

/// The connection that counts for an ``ActiveKey``.
struct ActiveConnection: Sendable {
  let socket: SocketID
  let since: Double
  let isDialled: Bool
}

/// An outgoing route (connection.md 2.8, 4.5): dials until a connection stands, and again when it is lost.
struct Route: Sendable {
  enum State: Sendable, Equatable {
    case idle
    case dialling(SocketID)
    case waiting(until: Double)
  }

  let url: String
  var state = State.idle
  /// Attempts that failed one after another before their channel stood.
  var failures = 0
}

/// A peer's identity on its way into the store (connection.md 5.3, 5.5).
struct PendingStore: Sendable {
  let due: Double
  let record: PeerRecord?
  let success: PairingSuccess
}
