import Trace
import Wire

/// What was offered on one connection, by importer, with the subjects of the grants that it came from. Kept only when the
/// session has a log. Bounded: 100,000 hashes, four subjects a hash.
final class OfferFacts {
  static let capacity = 100_000

  struct Route: Sendable {
    var subjects: Set<HashKey> = []
    /// Came by more ways than are kept.
    var isCrowded = false
  }

  /// Time of the roots request of the current round; infinitely early before the first.
  private(set) var asked = [-Double.infinity, -Double.infinity]
  /// Subjects and version nodes of the current round's list.
  private(set) var subjects: [Set<HashKey>] = [[], []]
  private(set) var nodes: [Set<HashKey>] = [[], []]
  private var routes: [[HashKey: Route]] = [[:], [:]]
  /// Time of the requests of objects, by hash.
  private(set) var requested: [[HashKey: Double]] = [[:], [:]]

  func route(_ hash: HashKey, importer: Int) -> Route? { routes[importer][hash] }

  func note(_ event: Event, _ leg: LegFacts) {
    switch event.kind {
    case .roundStarted:
      asked[event.side] = event.time
      subjects[event.side] = []
      nodes[event.side] = []
    case .announced(let entry, _):
      guard let key = leg.key, let subject = entry.subject.flatMap({ HashKey($0.hash) }) else { return }
      let importer = 1 - event.side
      if subjects[importer].count < Self.capacity { subjects[importer].insert(subject) }
      if case .versionNode = entry, nodes[importer].count < Self.capacity { nodes[importer].insert(key) }
      add(key, [subject], importer)
      if let idKey = leg.idKey, case .versioned = entry { add(idKey, [subject], importer) }
    case .childListed(let parent, _, _):
      let importer = 1 - event.side
      guard let key = leg.key, let parent = HashKey(parent) else { return }
      if let route = routes[importer][parent] { add(key, route.subjects, importer, crowded: route.isCrowded) }
    case .objectRequested:
      guard let key = leg.key, requested[event.side].count < Self.capacity else { return }
      requested[event.side][key] = event.time
    default: break
    }
  }

  private func add(_ key: HashKey, _ subjects: Set<HashKey>, _ importer: Int, crowded: Bool = false) {
    guard routes[importer][key] != nil || routes[importer].count < Self.capacity else { return }
    var route = routes[importer][key] ?? Route()
    route.subjects.formUnion(subjects)
    if crowded || route.subjects.count > 4 { route.isCrowded = true }
    routes[importer][key] = route
  }
}

extension RootEntry {
  /// The subject of the grant that this root comes from: Access on an object, or IdAccess on an ID object.
  var subject: (kind: ObjectKind, hash: String)? {
    switch self {
    case .unversioned(let hash, _), .versioned(let hash, _, _): (.object, hash)
    case .id(let idHash, _): (.id, idHash)
    case .versionNode(_, let idHash, _): (.id, idHash)
    }
  }
}
