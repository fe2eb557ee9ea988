public import Chum
public import Instance
public import Store
public import Trace

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
  /// For the instance log (`Fixtures/Recordings/LOG.md`); the connection, when the event is of one.
  case log(SocketID?, LogFact)
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
