public import Chum
public import Instance
public import Store

/// What the user or the application wants of a complete instance.
public enum SyncCommand: Sendable {
  case instance(InstanceCommand)
  /// Asks the one component that grants (chum.md 4.7); `by` names who asks, and strict refuses everybody else.
  case grant(GrantRequest, by: String)
  /// Grants something to every contact there is and to every one that comes.
  case offer(Subject)
  /// Makes the one-to-one topic with a person, granted to both before any message.
  case openTopic(with: ObjectHash)
  /// Says something in the one-to-one topic with a person; the topic is made when it is not there.
  case say(String, to: ObjectHash, attachments: [ObjectHash])
  /// Proposes that the own and the other person are one human (observed.md 8).
  case proposeIoM(with: ObjectHash, mode: IoMRequest.Mode)
  /// Affirms a request that came from the other side.
  case affirmIoM(request: ObjectHash)
}

/// What the driver has to do, in this order.
public enum SyncAction: Sendable, Equatable {
  case instance(InstanceAction)
  /// For the user and the application.
  case report(SyncReport)
  /// For the instance log: the events of chum.md 5.1 that only an instance can tell.
  case log(InstanceLogEvent)
}

/// What a complete instance tells beside the reports of its connections.
public enum SyncReport: Sendable, Equatable {
  /// CHUM begins with a person.
  case started(SocketID, person: ObjectHash)
  case roundEnded(SocketID, person: ObjectHash, round: Int, fetched: Int)
  /// An object, ID object, BLOB or CLOB came and is stored.
  case received(SocketID, Reference, StoreStatus)
  case rejected(SocketID, hash: String, SyncError)
  case ended(SocketID, person: ObjectHash, errors: Int, SyncError?)
  /// A person became a contact: its profile, keys and endpoint are stored and certified.
  case contact(person: ObjectHash, email: String)
  case granted(GrantRecord)
  case channelUpdated(ChannelUpdate)
  /// A message of a one-to-one topic, own ones included.
  case message(ChatLine)
  /// Somebody's file, described and complete.
  case file(FileLine)
  case iomRequested(request: ObjectHash, IoMRequest)
  /// Both identities affirmed the request.
  case iomComplete(request: ObjectHash, IoMRequest)
  /// A command or a reaction could not be carried out.
  case trouble(String)
}

/// One chat message.
public struct ChatLine: Sendable, Equatable {
  public let channel: ObjectHash
  public let message: ObjectHash
  public let sender: ObjectHash
  /// Milliseconds since 1970.
  public let timestamp: Double
  public let text: String
  public let attachments: [ObjectHash]
  public let isOwn: Bool
}

/// A BlobDescriptor that came.
public struct FileLine: Sendable, Equatable {
  public let descriptor: ObjectHash
  public let blob: ObjectHash
  public let name: String
  public let size: Double
}

/// The events of chum.md 5.1 with source L, with its fields; the peer is the instance that logs.
public enum InstanceLogEvent: Sendable, Equatable {
  case personVerified(SocketID, person: String, key: String)
  case invitationCreated(token: String, expiresAt: Double)
  case invitationEnded(token: String, why: String)
  case pairingAccepted(SocketID, token: String)
  case pluginAttached(SocketID, plugin: String, index: Int)
  case pluginPassed(SocketID, plugin: String, isIncoming: Bool, before: String, after: String?)
  case handlerGotText(SocketID, String)
  case chumStarted(SocketID, ChumConfiguration)
  case chumEnded(SocketID, SyncError?)
  case chumStored(SocketID, idHash: ObjectHash, hash: ObjectHash)
  case firstFullSync(SocketID)
  case roundEnded(SocketID, Int, fetched: Int)
  case objectStored(SocketID?, Reference, StoreStatus)
  case objectRejected(SocketID, hash: String, code: String)
  case headSet(idHash: ObjectHash, node: ObjectHash, VersionNode)
  case grantCreated(GrantRecord)
  case groupChanged(group: ObjectHash, persons: [ObjectHash])
  case channelCreated(by: String, channel: ObjectHash, ChannelKey)
  case channelVisible(ObjectHash)
  case topicCreated(topic: ObjectHash, id: String, channel: ObjectHash)
  case messageAppended(channel: ObjectHash, ListEntry)
  case channelUpdated(ChannelUpdate)
}

extension InstanceLogEvent {
  public static func == (one: InstanceLogEvent, other: InstanceLogEvent) -> Bool { "\(one)" == "\(other)" }
}
