import Microdata
public import Store
public import Wire

/// The answer to GET_ACCESSIBLE_ROOTS, with the grant subject that each root comes from.
public struct RootList: Sendable {
  public struct Root: Sendable {
    public let entry: RootEntry
    public let hash: ObjectHash
    public let subject: Subject
  }
  public private(set) var roots: [Root] = []
  /// Grants left out because their subject cannot be read (profile strict, CF-048).
  public private(set) var unreadable: [(subject: Subject, error: ServiceError)] = []
  private var seen: Set<ObjectHash> = []

  /// Computes what a person may get at this moment (chum.md 3.3, 2.4): always the complete list.
  ///
  /// In profile `deployed` one unreadable subject fails the whole list (F40) and a merge head is not announced (F2).
  public init<S: EntryStore>(
    for person: ObjectHash, in repository: Repository<S>, policy: GroupPolicy, profile: Profile
  ) throws(ServiceError) {
    for effective in repository.grants(for: person, policy: policy) {
      do throws(ServiceError) {
        try add(effective.grant.subject, repository, profile)
      } catch {
        guard profile == .strict else { throw error }
        unreadable.append((effective.grant.subject, error))
      }
    }
  }

  private mutating func add<S: EntryStore>(
    _ subject: Subject, _ repository: Repository<S>, _ profile: Profile
  ) throws(ServiceError) {
    let content: [UInt8]
    do throws(StoreFailure) { content = try repository.store.content(subject.hash) } catch { throw ServiceError(error) }
    let form = ObjectHead.form(content)
    switch subject {
    case .object(let hash):
      guard form == .object else { throw .notMicrodata(content, isId: false, profile: profile) }
      let type = ObjectHead.type(content) ?? ""
      do throws(RepositoryFailure) {
        if let idHash = try repository.idHash(of: content) {
          append(.versioned(hash: hash.hex, idHash: idHash.hex, type: type), hash, subject)
          // Naming the version opens its ID object too (chum.md 2.6).
          seen.insert(idHash)
          opened.append((idHash, subject))
        } else {
          append(.unversioned(hash: hash.hex, type: type), hash, subject)
        }
      } catch { throw ServiceError(error, profile: profile) }
    case .id(let idHash):
      guard form == .idObject else { throw .notMicrodata(content, isId: true, profile: profile) }
      let type = ObjectHead.type(content) ?? ""
      append(.id(idHash: idHash.hex, type: type), idHash, subject)
      guard let head = repository.store.head(idHash) else { return }
      let nodes: [ObjectHash]
      do throws(RepositoryFailure) {
        nodes = try repository.announcedNodes(of: head, includingMerges: profile == .strict)
      } catch { throw ServiceError(error, profile: profile) }
      for node in nodes {
        append(.versionNode(node: node.hex, dataIdHash: idHash.hex, dataType: type), node, subject)
      }
    }
  }

  /// Hashes that the list opens beside the roots' own.
  public private(set) var opened: [(hash: ObjectHash, subject: Subject)] = []

  private mutating func append(_ entry: RootEntry, _ hash: ObjectHash, _ subject: Subject) {
    guard seen.insert(hash).inserted else { return }
    roots.append(Root(entry: entry, hash: hash, subject: subject))
  }

  public var text: String { RootEntry.encodeList(roots.map(\.entry)) }
}
