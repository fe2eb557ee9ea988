import Microdata

/// What the import of a version did to the head.
public enum MergeOutcome: Sendable, Equatable {
  /// The head says all of it already.
  case unchanged
  /// There was no head, or the head precedes the new node.
  case adopted(ObjectHash)
  case merged(ObjectHash)
}

extension Repository {
  /// Takes a fetched node into the local history (chum.md 2.9).
  ///
  /// With `adoptsRemoteNode` (profile strict) the node itself is what is merged, so that both peers share it (CF-066);
  /// otherwise an edge of its own stands for it, as the deployed implementation writes it (F3).
  public mutating func mergeVersion(
    _ hash: ObjectHash, idHash: ObjectHash, adoptsRemoteNode: Bool
  ) throws(RepositoryFailure) -> MergeOutcome {
    let remote = try versionNode(hash)
    let node =
      adoptsRemoteNode ? remote : VersionNode(.edge, data: remote.data, depth: 0, creationTime: remote.creationTime)
    let incoming = adoptsRemoteNode ? hash : try storeNode(node)
    guard let head = store.head(idHash) else {
      try adopt(incoming, node, of: idHash, origin: .chum)
      return .adopted(incoming)
    }
    if head == incoming { return .unchanged }
    let tree = try VersionTree(of: [head, incoming], in: self)
    if tree.ancestors(of: head).contains(incoming) { return .unchanged }
    if tree.ancestors(of: incoming).contains(head) {
      try adopt(incoming, node, of: idHash, origin: .chum)
      return .adopted(incoming)
    }
    guard let current = tree.nodes[head] else { throw .unsuitable("\(head) has no node") }
    let merged = try mergedData(tree, head, incoming)
    let merge = VersionNode(
      .merge(nodes: [head, incoming].sorted()), data: merged, depth: max(current.depth, node.depth) + 1,
      creationTime: max(current.creationTime, node.creationTime))
    let mergeHash = try storeNode(merge)
    try adopt(mergeHash, merge, of: idHash, origin: .chum)
    return .merged(mergeHash)
  }

  /// Merges the data of two leaves property by property and stores the result.
  private mutating func mergedData(
    _ tree: VersionTree, _ one: ObjectHash, _ other: ObjectHash
  ) throws(RepositoryFailure) -> ObjectHash {
    // Both peers must reach the same data whichever of the leaves is their head, so the leaves are ordered by themselves.
    let leaves = [one, other].sorted { left, right in
      guard let a = tree.nodes[left], let b = tree.nodes[right] else { return left < right }
      return (a.creationTime, a.data) < (b.creationTime, b.data)
    }
    guard let older = tree.nodes[leaves[0]], let newer = tree.nodes[leaves[1]] else {
      throw .unsuitable("a leaf without its node")
    }
    if older.data == newer.data { return older.data }
    var merger = PropertyMerge(
      older: try Branch(leaves[0], tree, self), newer: try Branch(leaves[1], tree, self), repository: self)
    let result = try merger.run()
    self = merger.repository
    return try storeObject(result, origin: .chum)
  }
}

/// One side of a merge: the versions from the first to the leaf's own.
struct Branch {
  struct Version {
    let object: OneObject
    let time: Double
    let isLeaf: Bool
    /// Positions of the versions that it follows.
    let previous: [Int]
  }
  /// Versions that can be read, predecessors first; the leaf's is last.
  let versions: [Version]
  let data: ObjectHash

  init<Store: EntryStore>(
    _ leaf: ObjectHash, _ tree: VersionTree, _ repository: borrowing Repository<Store>
  ) throws(RepositoryFailure) {
    guard let node = tree.nodes[leaf] else { throw .unsuitable("\(leaf) has no node") }
    data = node.data
    var versions: [Version] = []
    var positions: [ObjectHash: Int] = [:]
    // The depth of a hostile node may lie; the leaf is last because everything else was put before it.
    for (hash, node) in tree.history(of: leaf) where hash != leaf {
      guard let object = try? repository.object(node.data) else { continue }
      positions[hash] = versions.count
      versions.append(
        Version(
          object: object, time: node.creationTime, isLeaf: false,
          previous: node.predecessors.compactMap { positions[$0] }))
    }
    versions.append(
      Version(
        object: try repository.object(node.data), time: node.creationTime, isLeaf: true,
        previous: node.predecessors.compactMap { positions[$0] }))
    self.versions = versions
  }

  var leaf: OneObject { versions[versions.count - 1].object }

  /// When the property got its present value: the creation time of the last version that changed it.
  func lastChange(_ name: OneText) -> Double {
    let present = leaf[name]
    var time = versions[versions.count - 1].time
    for version in versions.reversed() {
      guard version.object[name] == present else { break }
      time = version.time
    }
    return time
  }

  /// True when some version dropped the element and none took it back.
  func removed(_ element: OneValue, from name: OneText) -> Bool {
    guard !Self.elements(leaf[name]).contains(element) else { return false }
    return versions.contains { Self.elements($0.object[name]).contains(element) }
  }

  /// The time of the last version that has the element.
  func lastPresence(_ element: OneValue, in name: OneText) -> Double? {
    versions.last { Self.elements($0.object[name]).contains(element) }?.time
  }

  static func elements(_ value: OneValue?) -> [OneValue] { value?.elements ?? [] }
}
