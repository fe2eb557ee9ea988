import Microdata
public import Store

/// Why a person gets an entry, or why not: the question that users ask first.
public struct AccessExplanation: Sendable {
  /// One way on which the entry is reached.
  public struct Way: Sendable {
    public let grant: EffectiveGrant
    /// The component that wrote the grant first; nil when that was not kept.
    public let component: String?
    /// From the root to the entry, both included.
    public let path: [ObjectHash]
  }

  public enum Obstacle: Sendable, Equatable {
    /// The entry is not stored here, so nobody gets it from here.
    case notStored
    /// No latest grant names the person or one of its groups.
    case noGrants
    /// The person has grants, and none of them reaches the entry.
    case notReached(roots: Int)
    /// A group would reach it, and the policy that ran leaves groups out (F1).
    case onlyByIgnoredGroup(group: ObjectHash)
    /// A former version of a grant named the person; the latest does not (F44).
    case revoked(Subject)
    /// The grant's subject cannot be read: in profile deployed that stops every root (F40).
    case unreadable(Subject, String)
    /// The type never travels: importers refuse it (F37).
    case refusedType(String)
  }

  public private(set) var ways: [Way] = []
  public private(set) var obstacles: [Obstacle] = []
  /// The entry as it is stored; nil when it is not.
  public let entry: StoredEntry?

  /// Ways that are looked for at most; the first is what counts.
  private static let wayLimit = 16

  public init<S: EntryStore>(
    of hash: ObjectHash, for person: ObjectHash, in repository: Repository<S>, policy: GroupPolicy
  ) {
    entry = repository.store.entry(hash)
    guard let entry else {
      obstacles.append(.notStored)
      return
    }
    if ["Access", "IdAccess", "Group"].contains(entry.type) { obstacles.append(.refusedType(entry.type)) }
    let grants = repository.grants(for: person, policy: policy)
    ways = Self.ways(to: hash, through: grants, repository, &obstacles)
    guard ways.isEmpty else { return }
    if case .ignored = policy {
      var ignored: [Obstacle] = []
      let all = repository.grants(for: person, policy: .evaluated)
      if let way = Self.ways(to: hash, through: all, repository, &ignored).first, let group = way.grant.group {
        obstacles.append(.onlyByIgnoredGroup(group: group))
      }
    }
    for subject in Self.formerSubjects(of: person, repository) where Self.path(subject, hash, repository) != nil {
      obstacles.append(.revoked(subject))
    }
    if obstacles.isEmpty { obstacles.append(grants.isEmpty ? .noGrants : .notReached(roots: grants.count)) }
  }

  private static func ways<S: EntryStore>(
    to hash: ObjectHash, through grants: [EffectiveGrant], _ repository: Repository<S>, _ obstacles: inout [Obstacle]
  ) -> [Way] {
    var ways: [Way] = []
    for grant in grants where ways.count < wayLimit {
      let subject = grant.grant.subject
      let wanted: ObjectForm = if case .object = subject { .object } else { .idObject }
      let content = try? repository.store.content(subject.hash)
      guard let content, ObjectHead.form(content) == wanted else {
        obstacles.append(.unreadable(subject, content == nil ? "not stored" : "the other kind of object"))
        continue
      }
      guard let path = path(subject, hash, repository) else { continue }
      let note = repository.store.note("grant/\(grant.idHash)").map { String(decoding: $0, as: UTF8.self) }
      ways.append(Way(grant: grant, component: note, path: path))
    }
    return ways
  }

  /// The shortest path from what a subject opens to the entry.
  private static func path<S: EntryStore>(
    _ subject: Subject, _ hash: ObjectHash, _ repository: Repository<S>
  ) -> [ObjectHash]? {
    var parents: [ObjectHash: ObjectHash] = [:]
    var starts = [subject.hash]
    switch subject {
    case .object(let object):
      if let content = try? repository.store.content(object), let idHash = try? repository.idHash(of: content) {
        starts.append(idHash)
      }
    case .id(let idHash):
      if let head = repository.store.head(idHash) {
        starts += (try? repository.announcedNodes(of: head, includingMerges: true)) ?? []
      }
    }
    var seen = Set(starts)
    var open = starts[...]
    while let next = open.popFirst() {
      if next == hash {
        var path = [next]
        while let parent = parents[path[0]] { path.insert(parent, at: 0) }
        return path[0] == subject.hash ? path : [subject.hash] + path
      }
      guard let kind = repository.store.entry(next)?.kind, kind == .object || kind == .idObject,
        let content = try? repository.store.content(next)
      else { continue }
      for reference in References.scan(content) where seen.insert(reference.hash).inserted {
        parents[reference.hash] = next
        open.append(reference.hash)
      }
    }
    return nil
  }

  /// Subjects of grants whose former versions named the person.
  private static func formerSubjects<S: EntryStore>(of person: ObjectHash, _ repository: Repository<S>) -> [Subject] {
    var subjects: [Subject] = []
    for type in ["Access", "IdAccess"] {
      for line in repository.store.referrers(ReverseKey(target: person, type: type)) {
        guard let object = try? repository.object(line), let grant = Grant(object), grant.persons.contains(person),
          repository.currentGrant(grant.subject)?.persons.contains(person) != true,
          !subjects.contains(grant.subject)
        else { continue }
        subjects.append(grant.subject)
      }
    }
    return subjects
  }
}

extension AccessExplanation.Obstacle: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notStored: "it is not stored here"
    case .noGrants: "no grant names this person or one of its groups"
    case .notReached(let roots): "none of the person's \(roots) grants reaches it"
    case .onlyByIgnoredGroup(let group):
      "only the group \(group.short) gives access, and the published packages leave groups out (F1)"
    case .revoked(let subject): "a grant on \(subject) named the person once and does not any more (F44)"
    case .unreadable(let subject, let why):
      "the grant on \(subject) cannot be used: \(why); deployed exporters then send nothing at all (F40)"
    case .refusedType(let type): "importers refuse objects of type \(type) (F37)"
    }
  }
}
