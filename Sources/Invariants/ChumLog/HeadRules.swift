import Trace
import Wire

/// CHUM-017: the current head is among the announced nodes.
struct CurrentHeadIsAnnounced: Rule {
  static let info = RuleInfo(
    id: "CHUM-017", alsoDecides: ["CF-046"], statement: "For each id root the exporter's head is announced.",
    severity: .major, binding: .strict, reference: "chum.md 5.5", knownDeviation: "F2", sight: .decrypted,
    needsLog: true)
  static let interests: EventSet = .rootsListed
  private var reported: Set<HashKey> = []
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let importer = 1 - event.side
    guard let (peer, _) = report.log.exporter(of: event, report.leg), let offer = report.leg.offer else { return }
    let histories = offer.subjects[importer].filter { peer.nodes[$0] != nil }
    for subject in histories.sorted() {
      guard let head = peer.nodes[subject]?.last, head.witness.time < offer.asked[importer] - GrantBook.slack,
        !offer.nodes[importer].contains(head.key), !reported.contains(head.key), reported.count < 1_000,
        peer.idOf[subject] == nil
      else { continue }
      reported.insert(head.key)
      report.violation(
        at: event, by: event.sender,
        "\(peer.name) announces \(subject.head)… without its head \(head.key.head)…", because: [head.witness],
        deviation: head.isMerge ? "F2" : nil)
    }
  }
}

/// CHUM-051: who has a version has a head.
struct ImportedVersionsHaveAHead: Rule {
  static let info = RuleInfo(
    id: "CHUM-051", alsoDecides: ["CF-067"],
    statement: "After an import of a version its ID hash has a head.", severity: .major,
    binding: .strict, reference: "chum.md 5.5", knownDeviation: "F4", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private var awaited = Awaited<AtPeer>()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, let peer = report.log.peer else { return }
    judge(event.time, &report)
    switch log.fact {
    case .objectStored(let object):
      guard object.viaChum == true, object.kind == .object, let key = object.idHash.flatMap({ HashKey($0) }),
        peer.nodes[key] == nil
      else { return }
      awaited.expect(
        AtPeer(peer: log.peer, key: key), Witness(event, "the version is stored"),
        "\(log.peer) stores a version of \(key.head)…, which has no head")
    case .headSet(let head):
      if let key = HashKey(head.idHash) { awaited.fulfil(AtPeer(peer: log.peer, key: key)) }
    case .storeSnapshot(let snapshot):
      for head in snapshot.heads {
        if let key = HashKey(head.idHash) { awaited.fulfil(AtPeer(peer: log.peer, key: key)) }
      }
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    for wait in awaited.overdue(at: now) { report.violation(at: wait.since, by: .instance, wait.text, deviation: "F4") }
  }
}

/// CHUM-052: the head holds all branches that came.
struct HeadHoldsImportedLeaves: Rule {
  static let info = RuleInfo(
    id: "CHUM-052", alsoDecides: ["CF-065"],
    statement: "After a round the head of an imported history includes every imported leaf.", severity: .major,
    binding: .strict, reference: "chum.md 5.5", knownDeviation: "F2", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private static let capacity = 20_000
  private struct Leaf: Sendable {
    let node: HashKey
    let data: HashKey
    let witness: Witness
  }
  /// What was imported of one history since the last import that a head followed.
  private struct Batch: Sendable {
    var leaves: [HashKey: Leaf] = [:]
    var head: LogHead?
  }
  private var batches: [AtPeer: Batch] = [:]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, let peer = report.log.peer else { return }
    switch log.fact {
    case .objectStored(let object): store(object, peer, event, &report)
    case .headSet(let head):
      guard let id = HashKey(head.idHash) else { return }
      let place = AtPeer(peer: log.peer, key: id)
      guard var batch = batches[place] else { return }
      batch.head = head
      // A head that holds all is what was due; what comes later is another matter.
      batches[place] = lacking(batch, peer).isEmpty ? nil : batch
    case .chumEnded: judgeAll(peer, event, &report)
    case .storeSnapshot(let snapshot): if snapshot.when == "end" { judgeAll(peer, event, &report) }
    default: break
    }
  }

  private mutating func store(
    _ object: LogStoredObject, _ peer: PeerLog, _ event: Event, _ report: inout Reporter
  ) {
    guard object.viaChum == true, object.type?.hasPrefix("VersionNode") == true, let node = HashKey(object.hash) else {
      return
    }
    let keys = object.references.compactMap { HashKey($0) }
    guard let data = keys.first(where: { peer.idOf[$0] != nil }), let id = peer.idOf[data] else { return }
    let place = AtPeer(peer: peer.name, key: id)
    if batches[place]?.head != nil { judge(place, peer, event, &report) }
    guard batches[place] != nil || batches.count < Self.capacity else { return }
    var batch = batches[place] ?? Batch()
    for key in keys { batch.leaves[key] = nil }
    if batch.leaves.count < 1_000 {
      batch.leaves[node] = Leaf(node: node, data: data, witness: Witness(event, "the leaf is imported"))
    }
    batches[place] = batch
  }

  private mutating func judgeAll(_ peer: PeerLog, _ event: Event, _ report: inout Reporter) {
    for place in batches.keys.filter({ $0.peer == peer.name }).sorted(by: { $0.key < $1.key }) {
      judge(place, peer, event, &report)
    }
  }

  private mutating func judge(_ place: AtPeer, _ peer: PeerLog, _ event: Event, _ report: inout Reporter) {
    guard let batch = batches.removeValue(forKey: place), let node = batch.head?.node,
      let leaf = lacking(batch, peer).first
    else { return }
    report.violation(
      at: event, by: .instance,
      "\(peer.name): the head \(short(node)) of \(place.key.head)… does not include the imported node \(leaf.node.head)…",
      because: [leaf.witness], deviation: "F2")
  }

  /// The leaves that the batch's head does not include; all of them before there is a head.
  private func lacking(_ batch: Batch, _ peer: PeerLog) -> [Leaf] {
    guard let node = batch.head?.node.flatMap({ HashKey($0) }), let data = batch.head?.data.flatMap({ HashKey($0) })
    else { return [] }
    return batch.leaves.values.sorted { $0.witness.line < $1.witness.line }.filter { leaf in
      node != leaf.node && data != leaf.data && !includes(data, leaf, peer)
        && !peer.reaches(leaf.node, from: [node]) && !peer.reaches(leaf.data, from: [node])
    }
  }

  /// True when all that the leaf's data refers to is reached from the head's data: a list that was merged, say.
  private func includes(_ data: HashKey, _ leaf: Leaf, _ peer: PeerLog) -> Bool {
    guard let parts = peer.references[leaf.data], !parts.isEmpty else { return false }
    return parts.allSatisfy { peer.reaches($0, from: [data]) }
  }
}

/// CHUM-053: heads do not go back.
struct HeadsMoveForward: Rule {
  static let info = RuleInfo(
    id: "CHUM-053", statement: "A new head is the old one, a successor of it, or a merge that contains it.",
    severity: .critical, reference: "chum.md 5.5", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private static let capacity = 100_000
  private var heads: [AtPeer: (node: HashKey, witness: Witness)] = [:]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .headSet(let head) = log.fact, let id = HashKey(head.idHash),
      let node = head.node.flatMap({ HashKey($0) }), let peer = report.log.peer
    else { return }
    let place = AtPeer(peer: log.peer, key: id)
    let old = heads[place]
    if old != nil || heads.count < Self.capacity { heads[place] = (node, Witness(event, "the head before")) }
    guard let old, old.node != node else { return }
    if peer.reaches(node, from: [old.node]) {
      return report.violation(
        at: event, by: .instance, "\(log.peer) sets the head of \(id.head)… back to \(node.head)…",
        because: [old.witness])
    }
    // What an import makes of two histories is decided by their data; a local write stands on the head.
    let isAlone = head.nodeType == "VersionNodeEdge" || peer.references[node] != nil
    if head.viaChum != true, isAlone, !peer.reaches(old.node, from: [node]) {
      report.violation(
        at: event, by: .instance,
        "\(log.peer) replaces the head \(old.node.head)… of \(id.head)… by \(node.head)…, which does not stand on it",
        because: [old.witness])
    }
  }
}

/// CHUM-054: the same merge everywhere.
struct MergesAreDeterministic: Rule {
  static let info = RuleInfo(
    id: "CHUM-054", statement: "Two instances that merge the same nodes make the same merge node.", severity: .major,
    reference: "chum.md 5.5", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private var merges = RecentTable<(node: HashKey, witness: Witness)>(capacity: 10_000)
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .headSet(let head) = log.fact,
      head.nodeType == "VersionNodeMerge", let node = head.node.flatMap({ HashKey($0) }),
      let references = report.log.peer?.references[node], !references.isEmpty
    else { return }
    let data = head.data.flatMap { HashKey($0) }
    let nodes = references.filter { $0 != data }.sorted()
    let key = head.idHash + nodes.map { "\($0.hashValue)" }.joined(separator: " ")
    guard let known = merges[key] else {
      merges[key] = (node, Witness(event, "the merge \(node.head)… by \(log.peer)"))
      return
    }
    if known.node != node {
      report.violation(
        at: event, by: .instance,
        "\(log.peer) merges the same \(nodes.count) nodes of \(short(head.idHash)) to \(node.head)…",
        because: [known.witness])
    }
  }
}

/// CHUM-055: no event without a change.
struct OneEventPerVersion: Rule {
  static let info = RuleInfo(
    id: "CHUM-055", statement: "Each head is set once, and none when nothing changed.", severity: .minor,
    reference: "chum.md 5.5", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private static let capacity = 100_000
  private var heads: [AtPeer: (node: String, witness: Witness)] = [:]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .headSet(let head) = log.fact, let id = HashKey(head.idHash),
      let node = head.node
    else { return }
    let place = AtPeer(peer: log.peer, key: id)
    if let old = heads[place], old.node == node {
      return report.violation(
        at: event, by: .instance, "\(log.peer) sets the head of \(id.head)… to what it was, \(short(node))",
        because: [old.witness])
    }
    if heads[place] != nil || heads.count < Self.capacity {
      heads[place] = (node, Witness(event, "the same head before"))
    }
  }
}
