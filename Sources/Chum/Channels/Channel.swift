public import Microdata
public import Store

/// The identity of a channel (chum.md 4.1): without an owner it is shared by all who know the id.
public struct ChannelKey: Sendable, Hashable {
  public let id: String
  public let owner: ObjectHash?

  public init(id: String, owner: ObjectHash? = nil) {
    self.id = id
    self.owner = owner
  }

  init?(_ object: OneObject) {
    guard object.type == "ChannelInfo", let id = object.text("id") else { return nil }
    self.init(id: id, owner: object.hash("owner"))
  }

  /// The ChannelInfo with a head, or as it is at creation.
  func object(head: ObjectHash?) -> OneObject {
    var object = OneObject(["$type$": "ChannelInfo", "id": .text(id)])
    if let owner { object.set("owner", .reference(owner)) }
    if let head { object.set("head", .reference(head)) }
    return object
  }

  public func idHash(_ codec: any ObjectCodec) throws(RepositoryFailure) -> ObjectHash {
    do throws(MicrodataError) { return ObjectHash.of(try codec.write(object(head: nil), as: .idObject)) } catch {
      throw .microdata(error)
    }
  }
}

/// The parameters of the event "updated" (chum.md 4.4).
public struct ChannelUpdate: Sendable, Equatable {
  public struct Entry: Sendable, Equatable {
    public let entry: ListEntry
    /// False for an entry that was there and got a new place in the list by a merge.
    public let isNew: Bool
  }
  public let channel: ObjectHash
  public let key: ChannelKey
  /// Milliseconds since 1970: the earliest entry that changed.
  public let earliestChange: Double
  /// Never empty (CHN-001); newest first.
  public let entries: [Entry]
  public let origin: StoreEvent.Origin
}

public enum ChannelEvent: Sendable, Equatable {
  /// Entered into the registry: also a channel without entries (chum.md 4.4).
  case visible(ObjectHash, ChannelKey)
  case updated(ChannelUpdate)
}

/// The channels of one instance: creation, appending, and the events of the store turned into channel events.
///
/// "updated" fires for messages, not for creation: the first version of a channel has no entries, and an update
/// without entries does not exist.
public struct Channels: Sendable {
  /// The list that was told about last, by channel; the registry is the set of its keys.
  private var told: [ObjectHash: ObjectHash?] = [:]

  public init() {}

  public var registry: Set<ObjectHash> { Set(told.keys) }

  /// Creates a channel; nothing is written when a current version exists. Times in ms since 1970.
  public mutating func create<S: EntryStore>(
    _ key: ChannelKey, in repository: inout Repository<S>, now: Double
  ) throws(RepositoryFailure) -> (channel: ObjectHash, isNew: Bool) {
    let channel = try key.idHash(repository.codec)
    if repository.store.head(channel) != nil { return (channel, false) }
    try repository.storeVersion(key.object(head: nil), now: now)
    return (channel, true)
  }

  /// Appends a message at its time, or `now`; the channel must be in the registry (CHN-016).
  @discardableResult
  public mutating func append<S: EntryStore>(
    _ data: OneObject, to channel: ObjectHash, timestamp: Double? = nil, author: Author? = nil,
    in repository: inout Repository<S>, now: Double
  ) throws(RepositoryFailure) -> (data: ObjectHash, creation: ObjectHash) {
    guard told[channel] != nil else { throw .unsuitable("the channel \(channel) is not in the registry") }
    guard let version = repository.currentVersion(channel) else { throw .unsuitable("\(channel) has no version") }
    let info = try repository.object(version)
    guard let key = ChannelKey(info) else { throw .unsuitable("\(channel) is no channel") }
    let dataHash = try repository.storeObject(data)
    let time = timestamp ?? now
    let creation = try repository.storeObject(
      OneObject(["$type$": "CreationTime", "timestamp": .number(time), "data": .reference(dataHash)]))
    let metadata = try author.map { (author) throws(RepositoryFailure) in
      [try repository.affirm(creation, by: author)]
    }
    let head = try repository.insert(
      creation: creation, timestamp: time, metadata: metadata ?? [], into: info.hash("head"))
    try repository.storeVersion(key.object(head: head), now: now)
    return (dataHash, creation)
  }

  /// Turns what happened in the repository into channel events, in order.
  public mutating func observe<S: EntryStore>(
    _ events: [StoreEvent], in repository: Repository<S>
  ) throws(RepositoryFailure) -> [ChannelEvent] {
    var out: [ChannelEvent] = []
    for case .versionStored(let idHash, "ChannelInfo", let data, _, let origin) in events {
      let info = try repository.object(data)
      guard let key = ChannelKey(info) else { continue }
      let head = info.hash("head")
      let before = told[idHash]
      told[idHash] = .some(head)
      if before == nil { out.append(.visible(idHash, key)) }
      let update = try update(idHash, key, from: before ?? nil, to: head, origin, repository)
      if let update { out.append(.updated(update)) }
    }
    return out
  }

  /// What changed between two lists; nil when no entry did.
  private func update<S: EntryStore>(
    _ channel: ObjectHash, _ key: ChannelKey, from old: ObjectHash?, to new: ObjectHash?, _ origin: StoreEvent.Origin,
    _ repository: Repository<S>
  ) throws(RepositoryFailure) -> ChannelUpdate? {
    guard let new, new != old else { return nil }
    var known: Set<ObjectHash> = []
    var oldEntries: Set<ObjectHash> = []
    for entry in try repository.list(old) {
      known.insert(entry.creation)
      oldEntries.insert(entry.hash)
    }
    var entries: [ChannelUpdate.Entry] = []
    for entry in try repository.list(new) {
      // From the first entry that both lists share, everything below is the same.
      if oldEntries.contains(entry.hash) { break }
      entries.append(.init(entry: entry, isNew: !known.contains(entry.creation)))
    }
    guard let earliest = entries.map(\.entry.timestamp).min() else { return nil }
    return ChannelUpdate(channel: channel, key: key, earliestChange: earliest, entries: entries, origin: origin)
  }

  /// All entries of a channel, newest first.
  public func entries<S: EntryStore>(
    of channel: ObjectHash, in repository: Repository<S>
  ) throws(RepositoryFailure) -> [ListEntry] {
    guard let version = repository.currentVersion(channel) else { return [] }
    return try repository.list(try repository.object(version).hash("head"))
  }
}
