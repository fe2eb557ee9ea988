public import Chum
import Instance
public import Microdata
public import Store
import Wire

/// What an embedded target has in its store, and who may have it: the standard stock, and what a case adds.
public struct ChumStock {
  public var repository: Repository<MemoryStore>
  private let authority = GrantAuthority(rule: .anyone, checksSubjects: false)
  /// Ms since 1970.
  public private(set) var now = 1_000.0
  /// ID hashes of Person objects.
  public let target: ObjectHash
  public let probe: ObjectHash
  public let other: ObjectHash
  /// What could not be written; a case over a broken stock proves nothing.
  public private(set) var failures: [String] = []
  private var names: [String: ObjectHash] = [:]

  /// `profile` is the codec's: how strictly the target reads.
  init(_ context: CaseContext, _ profile: MicrodataProfile) {
    let codec: any ObjectCodec
    do throws(MicrodataError) { codec = try MicrodataObjectCodec.standard(profile) } catch {
      codec = NoCodec()
      failures.append("\(error)")
    }
    var repository = Repository(store: MemoryStore(), codec: codec)
    func person(_ identity: Identity) -> ObjectHash {
      let id = try? repository.storeVersion(
        OneObject(["$type$": "Person", "email": .text(identity.personEmail)]), now: 1_000)
      return id?.idHash ?? ObjectHash.of([])
    }
    target = person(context.targetIdentity)
    probe = person(context.probe)
    other = person(context.other)
    self.repository = repository
    fill()
  }

  /// The hash of something by its name in the stock; what is not there has the hash of nothing.
  public subscript(name: String) -> ObjectHash { names[name] ?? ObjectHash.of([]) }
  public func hex(_ name: String) -> String { self[name].hex }

  mutating func fail(_ why: String) { failures.append(why) }

  // MARK: Writing

  private mutating func attempt<T>(_ what: String, _ body: (inout ChumStock) throws -> T) -> T? {
    do { return try body(&self) } catch {
      failures.append("\(what): \(error)")
      return nil
    }
  }

  @discardableResult
  public mutating func object(_ name: String, _ object: OneObject) -> ObjectHash {
    let hash = attempt(name) { try $0.repository.storeObject(object) } ?? ObjectHash.of([])
    names[name] = hash
    return hash
  }

  /// A PersonName, the plainest object.
  @discardableResult
  public mutating func phrase(_ name: String) -> ObjectHash {
    object(name, OneObject(["$type$": "PersonName", "name": .text(name)]))
  }

  /// A new version; `name` is the ID hash, `name/data` the data, `name/node` the head.
  @discardableResult
  public mutating func version(_ name: String, _ object: OneObject) -> ObjectHash {
    now += 10
    let stored = attempt(name) { try $0.repository.storeVersion(object, now: $0.now) }
    names[name] = stored?.idHash
    names[name + "/data"] = stored?.data
    names[name + "/node"] = stored.flatMap { repository.store.head($0.idHash) }
    return self[name]
  }

  @discardableResult
  public mutating func friend(_ name: String, called: String) -> ObjectHash {
    version(name, OneObject(["$type$": "Person", "email": .text("\(name)@example.org"), "name": .text(called)]))
  }

  @discardableResult
  public mutating func file(_ name: String, _ bytes: [UInt8], _ kind: StoredKind = .blob) -> ObjectHash {
    let stored = attempt(name) { stock in
      let ticket = try stock.repository.store.beginFile()
      try stock.repository.store.append(bytes, to: ticket)
      return try stock.repository.store.finishFile(ticket, kind: kind, expected: nil).hash
    }
    names[name] = stored
    return self[name]
  }

  /// A BlobDescriptor over a BLOB of so many bytes: `name` and `name/blob`.
  public mutating func picture(_ name: String, size: Int) {
    let blob = file(name + "/blob", ProbeShelf.bytes(size))
    object(
      name,
      OneObject([
        "$type$": "BlobDescriptor", "data": .reference(blob), "lastModified": 1, "name": .text(name),
        "size": .number(Double(size)), "type": "image/png",
      ]))
  }

  /// A merge node over two branches of a history: `name` is the ID hash, `name/merge` the head.
  public mutating func merged(_ name: String, _ rounds: Int = 1) {
    friend(name, called: "base")
    for round in 0..<rounds {
      let idHash = self[name]
      _ = attempt(name) { stock in
        guard let head = stock.repository.store.head(idHash) else { throw RepositoryFailure.unsuitable("no head") }
        let depth = try stock.repository.versionNode(head).depth
        var nodes: [ObjectHash] = []
        var data = ObjectHash.of([])
        for side in ["left", "right"] {
          data = try stock.repository.storeObject(
            OneObject(["$type$": "Person", "email": .text("\(name)@example.org"), "name": .text("\(side) \(round)")]))
          nodes.append(
            try stock.repository.storeNode(
              VersionNode(.change(previous: head), data: data, depth: depth + 1, creationTime: stock.now)))
        }
        let merge = VersionNode(.merge(nodes: nodes.sorted()), data: data, depth: depth + 2, creationTime: stock.now)
        let hash = try stock.repository.storeNode(merge)
        try stock.repository.adopt(hash, merge, of: idHash, origin: .local)
        stock.names[name + "/merge"] = hash
      }
    }
  }

  // MARK: Granting

  public mutating func grant(_ subject: Subject, to persons: [ObjectHash], groups: [ObjectHash] = []) {
    write(GrantRequest(subject, persons: persons, groups: groups, mode: .add))
  }

  /// The grant names nobody any more.
  public mutating func revoke(_ subject: Subject) { write(GrantRequest(subject, mode: .replace)) }

  private mutating func write(_ request: GrantRequest) {
    now += 10
    _ = attempt("grant") { stock in
      try stock.authority.grant(request, by: "cases", in: &stock.repository, now: stock.now)
    }
  }

  public mutating func group(_ name: String, _ members: [ObjectHash]) {
    version(
      name, OneObject(["$type$": "Group", "name": .text(name), "person": .array(members.map(OneValue.reference))]))
  }

  // MARK: The standard stock

  private mutating func fill() {
    phrase("open")
    grant(.object(self["open"]), to: [probe])
    phrase("secret")
    friend("secretFriend", called: "Secret")
    friend("friend", called: "First")
    friend("friend", called: "Second")
    grant(.id(self["friend"]), to: [probe])
    friend("oneVersion", called: "One")
    grant(.object(self["oneVersion/data"]), to: [probe])
    picture("picture", size: 100)
    grant(.object(self["picture"]), to: [probe])
    picture("attachment", size: 30)
    object(
      "message",
      OneObject([
        "$type$": "ChatMessage", "text": "hello <you> & all", "attachments": .array([.reference(self["attachment"])]),
        "sender": .reference(target),
      ]))
    object("time", OneObject(["$type$": "CreationTime", "timestamp": 12, "data": .reference(self["message"])]))
    grant(.object(self["time"]), to: [probe])
  }
}

/// In the place of a codec that could not be made: everything fails.
private struct NoCodec: ObjectCodec {
  private var failure: MicrodataError { MicrodataError("OR-ET1", "no recipes") }
  func read(_ content: [UInt8], as form: ObjectForm) throws(MicrodataError) -> OneObject { throw failure }
  func write(_ object: OneObject, as form: ObjectForm) throws(MicrodataError) -> [UInt8] { throw failure }
  func idContent(of content: [UInt8]) throws(MicrodataError) -> [UInt8]? { throw failure }
  func recipe(_ type: String) -> Recipe? { nil }
}
