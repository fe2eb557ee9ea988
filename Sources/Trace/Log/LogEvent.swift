/// One event that an instance wrote down itself (source L of chum.md 5.1). A class, so that an event in flight costs a
/// pointer, whatever it holds.
public final class LogEvent: Sendable {
  /// The instance that wrote it, by a name of its own choosing.
  public let peer: String
  /// The recorded connection that it speaks of, on which the instance is the client; nil when the instance cannot tell.
  public let conn: String?
  public let fact: LogFact

  public init(peer: String, conn: String? = nil, _ fact: LogFact) {
    self.peer = peer
    self.conn = conn
    self.fact = fact
  }
}

/// What an instance may write down: the events of chum.md 5.1 marked L, by the same names, and `identityReady` (ACC-029).
/// Hashes are texts as the instance wrote them: whether they are hashes is for the rules to say.
public indirect enum LogFact: Sendable, Equatable {
  case identityReady(LogIdentity)
  case encrypted(role: String?)
  case personVerified(person: String, key: String?, ok: Bool)
  case invitationCreated(token: String, expiresAt: Double?)
  case invitationEnded(token: String, why: String)
  case pairingAccepted(token: String?)
  case pairingRefused(token: String?, reason: String?)
  case pluginAttached(plugin: String, index: Int)
  case pluginPassed(LogPluginPass)
  case handlerGotText(String)
  case chumStarted(LogChumStart)
  case objectReceived(kind: ObjectKind, requestedHash: String, actualHash: String)
  case objectStored(LogStoredObject)
  case objectRejected(hash: String, code: String?)
  case headSet(LogHead)
  case firstFullSync
  case chumEnded(outcome: String, error: String?)
  case chumStored(LogChumObject)
  case grantCreated(LogGrant)
  case groupChanged(group: String, persons: [String], cause: String?)
  case channelCreated(LogChannel)
  case topicCreated(LogTopic)
  case messageAppended(LogMessage)
  case channelUpdated(LogUpdate)
  case channelVisible(channel: String)
  case storeSnapshot(LogSnapshot)

  /// The value of `log` in the file.
  public var name: String {
    switch self {
    case .identityReady: "identityReady"
    case .encrypted: "encrypted"
    case .personVerified: "personVerified"
    case .invitationCreated: "invitationCreated"
    case .invitationEnded: "invitationEnded"
    case .pairingAccepted: "pairingAccepted"
    case .pairingRefused: "pairingRefused"
    case .pluginAttached: "pluginAttached"
    case .pluginPassed: "pluginPassed"
    case .handlerGotText: "handlerGotText"
    case .chumStarted: "chumStarted"
    case .objectReceived: "objectReceived"
    case .objectStored: "objectStored"
    case .objectRejected: "objectRejected"
    case .headSet: "headSet"
    case .firstFullSync: "firstFullSync"
    case .chumEnded: "chumEnded"
    case .chumStored: "chumStored"
    case .grantCreated: "grantCreated"
    case .groupChanged: "groupChanged"
    case .channelCreated: "channelCreated"
    case .topicCreated: "topicCreated"
    case .messageAppended: "messageAppended"
    case .channelUpdated: "channelUpdated"
    case .channelVisible: "channelVisible"
    case .storeSnapshot: "storeSnapshot"
    }
  }
}
