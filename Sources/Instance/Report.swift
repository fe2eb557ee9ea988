public import Cryptobox
public import Wire

/// What an instance tells its user, its application and its log. Reports change nothing on the wire.
public enum InstanceReport: Sendable, Equatable {
  case listener(key: PublicKey, ListenerState)
  /// A registration failed or a spare was lost; the next attempt is so many ms away.
  case listenerWaits(key: PublicKey, retryIn: Double)
  /// The CommServer's key is another one than last time (LS-015).
  case serverKeyChanged(url: String, old: PublicKey, new: PublicKey)
  case invitationCreated(Invitation, mode: Invitation.Mode, expiresAt: Double)
  case invitationRefused(code: String)
  case invitationEnded(token: String, InvitationEnd)
  /// The CommServer keeps the invitation, for so many ms (X-INV/1).
  case invitationStored(id: String, expiresIn: Double)
  case joining(SocketID, Invitation)
  /// Somebody sent a token; `accepted` says whether the identity went out for it. The token itself is not told.
  case tokenPresented(SocketID, accepted: Bool)
  case pairingSucceeded(PairingSuccess)
  case pairingFailed(PairingFailure)
  case peerStored(PeerRecord)
  /// H1–H4 are through. Holds the session key, for key logs only.
  case secured(SocketID, EstablishedHandshake)
  /// P1–P9 are through.
  case identified(SocketID, group: String, ProvenPeer)
  /// Both sides said `synchronisation`; from here on the messages are the application's.
  case ready(SocketID, PeerRecord)
  case application(SocketID, WireMessage)
  case ended(SocketID, group: String?, code: String)
  /// A dial came to nothing before its channel stood; the next attempt is so many ms away (HS-026, HS-027).
  case unreachable(peer: PublicKey, url: String, code: String, retryIn: Double?)
  case redialIn(peer: PublicKey, Double)
  /// The peer did something wrong; `isOpen` says that the connection stays open and silent (4.3, deployed).
  case fault(SocketID, WireFailure, isOpen: Bool)
}

public enum ListenerState: String, Sendable, Equatable {
  /// At least one spare is registered.
  case listening
  case connecting
  case notListening
}

public enum InvitationEnd: String, Sendable, Equatable {
  case used, expired, revoked, shutdown
}

/// The reference's `onPairingSuccess` (connection.md 5.5).
public struct PairingSuccess: Sendable, Equatable {
  /// True at the invitee.
  public let initiatedLocally: Bool
  public let localPerson: String
  public let localInstance: String
  public let remotePerson: String
  public let remoteInstance: String
  public let token: String
  public let mode: Invitation.Mode?
  public let socket: SocketID
}

/// `onPairingFailed(stage, code)`: our extension (connection.md 7.2, callbacks). Never holds the token.
public struct PairingFailure: Sendable, Equatable {
  public enum Stage: String, Sendable, Equatable, CaseIterable {
    case broker, handshake, group, person, instance, token, identity
  }
  public let initiatedLocally: Bool
  public let stage: Stage
  public let code: String
  public let socket: SocketID?
}

/// Who stands at the other end after P1–P9, and what of it is proven (connection.md 4.3).
public struct ProvenPeer: Sendable, Equatable {
  public let person: String
  public let personEmail: String
  /// Proven by the challenge.
  public let personKey: PublicKey
  /// Claimed only.
  public let personSignKey: String
  /// Claimed only.
  public let instance: String
  public let instanceName: String
  /// The static key of the handshake, proven by it.
  public let handshakeKey: PublicKey
}
