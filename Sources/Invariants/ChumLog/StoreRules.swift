import Trace
import Wire

/// A hash at an instance.
struct AtPeer: Hashable, Sendable {
  let peer: String
  let key: HashKey
}

/// CHUM-024: what is stored stands on what is stored.
struct NoDanglingReferences: Rule {
  static let info = RuleInfo(
    id: "CHUM-024", alsoDecides: ["CF-060"],
    statement: "When an import stores an object, everything that it refers to is stored already.", severity: .critical,
    binding: .strict, reference: "chum.md 5.5", knownDeviation: "F6", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .objectStored(let object) = log.fact, object.viaChum == true,
      let peer = report.log.peer, peer.isKnownWhole
    else { return }
    for reference in object.references {
      guard let key = HashKey(reference), peer.known[key] == nil else { continue }
      report.violation(
        at: event, by: .instance,
        "\(log.peer) stores \(short(object.hash)), which refers to \(short(reference)), and that is not there",
        deviation: "F6")
      return
    }
  }
}

/// CHUM-038: rights come from nobody else.
struct NoAccessObjectsAreImported: Rule {
  static let info = RuleInfo(
    id: "CHUM-038", alsoDecides: ["CF-058"], statement: "No Access, IdAccess or Group object is stored by an import.",
    severity: .critical, reference: "chum.md 5.5", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .objectStored(let object) = log.fact, object.viaChum == true,
      let type = object.type, ["Access", "IdAccess", "Group"].contains(type)
    else { return }
    report.violation(at: event, by: .instance, "\(log.peer) stores \(type) \(short(object.hash)) of a peer")
  }
}

/// CHUM-047: what is stored is what was asked for.
struct StoredMeansVerified: Rule {
  static let info = RuleInfo(
    id: "CHUM-047", alsoDecides: ["CF-056"],
    statement: "What an import stores was asked for under its own hash.", severity: .critical, binding: .strict,
    reference: "chum.md 5.5", knownDeviation: "F8", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private static let capacity = 50_000
  private struct Received: Sendable {
    let requested: HashKey
    let actual: HashKey
    let witness: Witness
  }
  /// What was received under another hash than its own, by both.
  private var wrong: [AtPeer: Received] = [:]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind else { return }
    switch log.fact {
    case .objectReceived(_, let requested, let actual):
      guard let one = HashKey(requested), let other = HashKey(actual), one != other, wrong.count < Self.capacity else {
        return
      }
      let received = Received(
        requested: one, actual: other, witness: Witness(event, "\(short(actual)) came for \(short(requested))"))
      wrong[AtPeer(peer: log.peer, key: one)] = received
      wrong[AtPeer(peer: log.peer, key: other)] = received
    case .objectStored(let object):
      guard object.viaChum == true, let key = HashKey(object.hash),
        let received = wrong.removeValue(forKey: AtPeer(peer: log.peer, key: key))
      else { return }
      let what = key == received.requested ? "under the hash that was asked for" : "under its own hash"
      report.violation(
        at: event, by: .instance, "\(log.peer) stores \(what) what has another hash than was asked for: \(key.head)…",
        because: [received.witness], deviation: object.kind == .blob || object.kind == .clob ? "F8" : nil)
    default: break
    }
  }
}

/// CHUM-048: nothing that came is forgotten.
struct ReceivedIsStoredOrRejected: Rule {
  static let info = RuleInfo(
    id: "CHUM-048", statement: "What an importer receives is stored, or rejected with a reason.", severity: .major,
    reference: "chum.md 5.5", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private var awaited = Awaited<AtPeer>()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind else { return }
    judge(event.time, &report)
    switch log.fact {
    case .objectReceived(_, let requested, let actual):
      guard let key = HashKey(requested) else { return }
      awaited.expect(
        AtPeer(peer: log.peer, key: key), Witness(event, "it was received"),
        "\(log.peer) neither stores nor rejects \(short(requested))"
          + (requested == actual ? "" : ", for which \(short(actual)) came"))
    case .objectStored(let object):
      if let key = HashKey(object.hash) { awaited.fulfil(AtPeer(peer: log.peer, key: key)) }
    case .objectRejected(let hash, _):
      if let key = HashKey(hash) { awaited.fulfil(AtPeer(peer: log.peer, key: key)) }
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    for wait in awaited.overdue(at: now) { report.violation(at: wait.since, by: .instance, wait.text) }
  }
}

/// CHUM-049: a store forgets nothing.
struct StoredObjectsStay: Rule {
  static let info = RuleInfo(
    id: "CHUM-049", statement: "What was stored stands in every later snapshot.", severity: .major,
    reference: "chum.md 5.5", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private static let capacity = 200_000
  private var stored: [String: [HashKey: Witness]] = [:]
  private var count = 0
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind else { return }
    switch log.fact {
    case .objectStored(let object): keep(object.hash, log.peer, Witness(event, "it was stored"))
    case .storeSnapshot(let snapshot):
      guard !snapshot.inventory.isEmpty else { return }
      let there = Set(snapshot.inventory.compactMap { HashKey($0.hash) })
      let gone = (stored[log.peer] ?? [:]).filter { !there.contains($0.key) }
      if let first = gone.min(by: { ($0.value.line, $0.key) < ($1.value.line, $1.key) }) {
        let more = gone.count > 1 ? ", and \(gone.count - 1) more" : ""
        report.violation(
          at: event, by: .instance, "\(log.peer) has lost \(first.key.head)…\(more)", because: [first.value])
      }
      for item in snapshot.inventory { keep(item.hash, log.peer, Witness(event, "it was in this snapshot")) }
    default: break
    }
  }

  private mutating func keep(_ hash: String, _ peer: String, _ witness: Witness) {
    guard count < Self.capacity, let key = HashKey(hash), stored[peer]?[key] == nil else { return }
    count += 1
    stored[peer, default: [:]][key] = witness
  }
}

/// CHUM-050: an import adds what came, and nothing else.
struct ImportChangesNothingElse: Rule {
  static let info = RuleInfo(
    id: "CHUM-050", statement: "An import adds what was received and what follows from it, and nothing else.",
    severity: .major, binding: .strict, reference: "chum.md 5.5", knownDeviation: "F8", isSessionWide: true,
    needsLog: true)
  static let interests: EventSet = .logged
  private static let capacity = 200_000
  private struct Store: Sendable {
    var explained: Set<HashKey> = []
    var rejected: [HashKey: Witness] = [:]
    var hasSnapshot = false
    /// Something local happened that may leave objects which the log does not name.
    var isBusy = false
  }
  private var stores: [String: Store] = [:]
  private var count = 0
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, stores.count < LogFacts.peerCapacity else { return }
    // Taken out, so that it changes in place.
    var store = stores.removeValue(forKey: log.peer) ?? Store()
    switch log.fact {
    case .objectStored(let object):
      explain(object.hash, &store)
      explain(object.idHash, &store)
      if object.viaChum != true { store.isBusy = true }
      if let key = HashKey(object.hash) { store.rejected[key] = nil }
    case .objectReceived(_, let requested, let actual):
      guard requested != actual, let key = HashKey(actual), store.rejected.count < 10_000 else { break }
      store.rejected[key] = Witness(event, "it came where \(short(requested)) was asked for")
    case .headSet(let head):
      explain(head.node, &store)
      explain(head.data, &store)
      explain(head.idHash, &store)
      for entry in head.entries ?? [] {
        for hash in [entry.entry, entry.creationTime, entry.data] { explain(hash, &store) }
      }
    case .chumStored(let chum):
      explain(chum.hash, &store)
      explain(chum.idHash, &store)
    case .storeSnapshot(let snapshot): judge(snapshot, event, log.peer, &store, &report)
    case .grantCreated, .groupChanged, .channelCreated, .topicCreated, .messageAppended, .identityReady,
      .invitationCreated, .pairingAccepted, .personVerified:
      store.isBusy = true
    default: break
    }
    stores[log.peer] = store
  }

  private mutating func judge(
    _ snapshot: LogSnapshot, _ event: Event, _ peer: String, _ store: inout Store, _ report: inout Reporter
  ) {
    guard !snapshot.inventory.isEmpty else { return }
    if store.hasSnapshot {
      for item in snapshot.inventory {
        guard let key = HashKey(item.hash), !store.explained.contains(key) else { continue }
        let isFile = item.kind == .blob || item.kind == .clob
        let rejected = store.rejected[key]
        // Local writes leave objects that a log need not name; files come from nowhere else.
        guard rejected != nil || isFile || !store.isBusy, count < Self.capacity else { continue }
        report.violation(
          at: event, by: .instance,
          "\(peer) holds \(item.kind.rawValue) \(key.head)…, which it has neither received well nor made",
          because: rejected.map { [$0] } ?? [], deviation: isFile || rejected != nil ? "F8" : nil)
        break
      }
    }
    for item in snapshot.inventory { explain(item.hash, &store) }
    store.hasSnapshot = true
    store.isBusy = false
  }

  private mutating func explain(_ hash: String?, _ store: inout Store) {
    guard count < Self.capacity, let key = hash.flatMap({ HashKey($0) }) else { return }
    if store.explained.insert(key).inserted { count += 1 }
  }
}
