/// The histories below some nodes of one ID hash, read once, each node once (CF-047: never exponential).
public struct VersionTree: Sendable {
  /// Nodes a walk may meet; a longer history is refused instead of filling the memory.
  public static let limit = 1_000_000

  public private(set) var nodes: [ObjectHash: VersionNode] = [:]

  /// Reads everything that the given nodes follow; throws on a node that is not stored.
  public init<Store: EntryStore>(
    of leaves: [ObjectHash], in repository: borrowing Repository<Store>
  ) throws(RepositoryFailure) {
    var open = leaves
    while let hash = open.popLast() {
      if nodes[hash] != nil { continue }
      guard nodes.count < Self.limit else { throw .unsuitable("a history of more than \(Self.limit) nodes") }
      let node = try repository.versionNode(hash)
      nodes[hash] = node
      open.append(contentsOf: node.predecessors)
    }
  }

  /// The node and everything it follows.
  public func ancestors(of leaf: ObjectHash) -> Set<ObjectHash> {
    var seen: Set<ObjectHash> = []
    var open = [leaf]
    while let hash = open.popLast() {
      guard seen.insert(hash).inserted else { continue }
      open.append(contentsOf: nodes[hash]?.predecessors ?? [])
    }
    return seen
  }

  /// The nodes below a leaf, those that follow nothing first; among equals the earlier one first.
  public func history(of leaf: ObjectHash) -> [(hash: ObjectHash, node: VersionNode)] {
    ancestors(of: leaf).compactMap { hash in nodes[hash].map { (hash, $0) } }.sorted { one, other in
      (one.1.depth, one.1.creationTime, one.0) < (other.1.depth, other.1.creationTime, other.0)
    }
  }
}

extension Repository {
  /// What is announced of a history (chum.md 2.8.2): from the head backwards, reversed.
  ///
  /// A change yields itself and what it follows; a merge yields only what its nodes yield (F2), and with
  /// `includingMerges` itself too (CF-046). A node stands where it was met first, and is walked once.
  public func announcedNodes(
    of head: ObjectHash, includingMerges: Bool
  ) throws(RepositoryFailure) -> [ObjectHash] {
    var collected: [ObjectHash] = []
    var seen: Set<ObjectHash> = []
    var open = [head]
    while let hash = open.popLast() {
      guard seen.insert(hash).inserted else { continue }
      guard seen.count <= VersionTree.limit else {
        throw .unsuitable("a history of more than \(VersionTree.limit) nodes")
      }
      let node = try versionNode(hash)
      if case .merge = node.shape {
        if includingMerges { collected.append(hash) }
      } else {
        collected.append(hash)
      }
      open.append(contentsOf: node.predecessors.reversed())
    }
    if includingMerges { return topological(collected) }
    return collected.reversed()
  }

  /// Older nodes before newer ones (CF-033) also when branches that share history are walked once.
  private func topological(_ collected: [ObjectHash]) -> [ObjectHash] {
    var placed: Set<ObjectHash> = []
    var out: [ObjectHash] = []
    let wanted = Set(collected)
    for start in collected.reversed() {
      var open: [(ObjectHash, isReady: Bool)] = [(start, false)]
      while let (hash, isReady) = open.popLast() {
        if isReady {
          if placed.insert(hash).inserted, wanted.contains(hash) { out.append(hash) }
          continue
        }
        if placed.contains(hash) { continue }
        open.append((hash, true))
        for earlier in (try? versionNode(hash))?.predecessors ?? [] where !placed.contains(earlier) {
          open.append((earlier, false))
        }
      }
    }
    return out
  }
}
