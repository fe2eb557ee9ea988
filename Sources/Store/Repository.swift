public import Microdata

/// What changed in a repository; applications and logs read it.
public enum StoreEvent: Sendable, Equatable {
  public enum Origin: String, Sendable { case local, chum }
  case unversionedStored(ObjectHash, type: String, origin: Origin)
  case idObjectStored(ObjectHash, type: String, status: StoreStatus, origin: Origin)
  /// The one event "new version" of chum.md 2.9: a head was set.
  case versionStored(idHash: ObjectHash, type: String, data: ObjectHash, node: ObjectHash, origin: Origin)
}

/// Why an object was not taken in, or an operation on the graph failed.
public enum RepositoryFailure: Error, Sendable, CustomStringConvertible {
  case store(StoreFailure)
  case microdata(MicrodataError)
  /// The object is of another type or shape than the operation needs.
  case unsuitable(String)

  public var description: String {
    switch self {
    case .store(let failure): failure.description
    case .microdata(let error): error.description
    case .unsuitable(let text): text
    }
  }
}

/// A store with the meaning of its content: ID objects beside versions, reverse maps, version histories, events.
public struct Repository<Store: EntryStore> {
  public var store: Store
  public let codec: any ObjectCodec
  private var pending: [StoreEvent] = []

  public init(store: Store, codec: any ObjectCodec) {
    self.store = store
    self.codec = codec
  }

  /// The events since the last call.
  public mutating func takeEvents() -> [StoreEvent] {
    defer { pending = [] }
    return pending
  }

  mutating func raise(_ event: StoreEvent) { pending.append(event) }

  // MARK: Reading

  public func object(_ hash: ObjectHash) throws(RepositoryFailure) -> OneObject { try read(hash, as: .object) }
  public func idObject(_ idHash: ObjectHash) throws(RepositoryFailure) -> OneObject { try read(idHash, as: .idObject) }

  private func read(_ hash: ObjectHash, as form: ObjectForm) throws(RepositoryFailure) -> OneObject {
    let content: [UInt8]
    do throws(StoreFailure) { content = try store.content(hash) } catch { throw .store(error) }
    do throws(MicrodataError) { return try codec.read(content, as: form) } catch { throw .microdata(error) }
  }

  public func versionNode(_ hash: ObjectHash) throws(RepositoryFailure) -> VersionNode {
    let content: [UInt8]
    do throws(StoreFailure) { content = try store.content(hash) } catch { throw .store(error) }
    if let node = VersionNode(canonical: content) { return node }
    guard let node = VersionNode(try object(hash)) else { throw .unsuitable("\(hash) is no version node") }
    return node
  }

  /// The hash of the current version; nil without a head.
  public func currentVersion(_ idHash: ObjectHash) -> ObjectHash? {
    guard let head = store.head(idHash) else { return nil }
    return (try? versionNode(head))?.data
  }

  /// The ID hash of content; nil for unversioned types.
  public func idHash(of content: [UInt8]) throws(RepositoryFailure) -> ObjectHash? {
    do throws(MicrodataError) { return try codec.idHash(of: content) } catch {
      throw .microdata(error)
    }
  }

  // MARK: Writing

  /// Writes an unversioned object, or the bytes of a version without touching any head.
  @discardableResult
  public mutating func storeObject(
    _ object: OneObject, origin: StoreEvent.Origin = .local
  ) throws(RepositoryFailure) -> ObjectHash {
    let content: [UInt8]
    do throws(MicrodataError) { content = try codec.write(object, as: .object) } catch { throw .microdata(error) }
    return try storeContent(content, origin: origin).hash
  }

  /// Takes in the checked content of an object: with its ID object when it is versioned, and with its reverse maps.
  @discardableResult
  public mutating func storeContent(
    _ content: [UInt8], origin: StoreEvent.Origin
  ) throws(RepositoryFailure) -> (hash: ObjectHash, status: StoreStatus) {
    let type = ObjectHead.type(content) ?? ""
    let idContent: [UInt8]?
    do throws(MicrodataError) { idContent = try codec.idContent(of: content) } catch { throw .microdata(error) }
    if let idContent { try storeIdContent(idContent, origin: origin, raises: false) }
    do throws(StoreFailure) {
      let (hash, status) = try store.put(content, kind: .object, type: type)
      if status == .new, ReverseMaps.byObject.contains(type) { try mapReferences(of: content, hash, type) }
      if idContent == nil { raise(.unversionedStored(hash, type: type, origin: origin)) }
      return (hash, status)
    } catch { throw .store(error) }
  }

  /// Takes in the checked content of an ID object.
  @discardableResult
  public mutating func storeIdContent(
    _ content: [UInt8], origin: StoreEvent.Origin, raises: Bool = true
  ) throws(RepositoryFailure) -> (hash: ObjectHash, status: StoreStatus) {
    let type = ObjectHead.type(content) ?? ""
    do throws(StoreFailure) {
      let (hash, status) = try store.put(content, kind: .idObject, type: type)
      if status == .new, ReverseMaps.byIdObject.contains(type) { try mapReferences(of: content, hash, type + "/id") }
      if raises { raise(.idObjectStored(hash, type: type, status: status, origin: origin)) }
      return (hash, status)
    } catch { throw .store(error) }
  }

  private mutating func mapReferences(
    of content: [UInt8], _ hash: ObjectHash, _ type: String
  ) throws(StoreFailure) {
    for reference in References.scan(content) {
      try store.addReferrer(hash, to: ReverseKey(target: reference.hash, type: type))
    }
  }

  /// Makes an object the new version of its ID hash: an edge without a head, else a change of the head.
  ///
  /// The same data as the head's changes nothing (chum.md 3.2). `now` is in ms since 1970.
  @discardableResult
  public mutating func storeVersion(
    _ object: OneObject, now: Double
  ) throws(RepositoryFailure) -> (idHash: ObjectHash, data: ObjectHash, status: StoreStatus) {
    let content: [UInt8]
    do throws(MicrodataError) { content = try codec.write(object, as: .object) } catch { throw .microdata(error) }
    guard let idHash = try idHash(of: content) else {
      throw .unsuitable("\(object.type?.string ?? "?") is not versioned")
    }
    let data = try storeContent(content, origin: .local).hash
    let node: VersionNode
    if let head = store.head(idHash) {
      let current = try versionNode(head)
      if current.data == data { return (idHash, data, .exists) }
      node = VersionNode(
        .change(previous: head), data: data, depth: current.depth + 1, creationTime: now)
    } else {
      node = VersionNode(.edge, data: data, depth: 0, creationTime: now)
    }
    try adopt(try storeNode(node), node, of: idHash, origin: .local)
    return (idHash, data, .new)
  }

  public mutating func storeNode(_ node: VersionNode) throws(RepositoryFailure) -> ObjectHash {
    try storeObject(node.object)
  }

  /// Sets a head and raises the one event of it.
  public mutating func adopt(
    _ hash: ObjectHash, _ node: VersionNode, of idHash: ObjectHash, origin: StoreEvent.Origin
  ) throws(RepositoryFailure) {
    do throws(StoreFailure) { try store.setHead(hash, of: idHash) } catch { throw .store(error) }
    raise(
      .versionStored(
        idHash: idHash, type: store.entry(node.data)?.type ?? "", data: node.data, node: hash, origin: origin))
  }
}

extension Repository: Sendable where Store: Sendable {}

/// Which reverse maps are always kept (chum.md 3.3).
public enum ReverseMaps {
  public static let byObject: Set<String> = ["Access", "IdAccess", "Group", "Keys", "Topic"]
  public static let byIdObject: Set<String> = ["Access", "IdAccess", "Instance"]
}
