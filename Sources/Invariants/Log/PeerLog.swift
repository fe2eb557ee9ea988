import Trace
import Wire

/// What one instance's log has told so far. Tables are bounded; `isKnownWhole` says when absence proves something.
final class PeerLog {
  static let knownCapacity = 300_000
  static let referenceCapacity = 500_000

  struct Known: Sendable {
    var kind: ObjectKind
    var type: String?
    /// Stored by an import.
    var isImported = false
  }

  let name: String
  private(set) var identity: LogIdentity?
  private(set) var person: HashKey?
  private(set) var known: [HashKey: Known] = [:]
  private(set) var grants = GrantBook()
  private(set) var channels = ChannelBook()
  /// True from a snapshot at the start on: what is not known then is not there.
  private var isWhole = false
  private var hasAllGrants = false
  private var overflowed = false
  /// References of stored objects, where the log tells them.
  private(set) var references: [HashKey: [HashKey]] = [:]
  private var referenceCount = 0
  /// ID hash of versions, and nodes of histories with the event that made them the head.
  private(set) var idOf: [HashKey: HashKey] = [:]
  private(set) var nodes: [HashKey: [Node]] = [:]
  private var knownNodes: Set<HashKey> = []
  /// The last session's persons and pause, and whether one is running.
  private(set) var sessions: [Session] = []

  struct Node: Sendable {
    let key: HashKey
    let isMerge: Bool
    let witness: Witness
  }

  struct Session: Sendable {
    let conn: String?
    let remote: HashKey?
    let pollMs: Double?
    let groupPolicy: String?
    var isRunning = true
  }

  init(name: String) { self.name = name }

  /// True when what the log does not tell is not in the store either.
  var isKnownWhole: Bool { isWhole && !overflowed }
  var areGrantsWhole: Bool { hasAllGrants && !grants.overflowed }
  /// The component that alone may grant.
  var authority: String { identity?.authority ?? "LeuteAccessRightsManager" }
  func group(_ name: String) -> HashKey? { identity?.groups[name].flatMap { HashKey($0) } }

  func isConnected(to person: HashKey) -> Bool { sessions.contains { $0.isRunning && $0.remote == person } }
  /// What the last session with a person says of groups.
  func groupPolicy(towards person: HashKey) -> String? { sessions.last { $0.remote == person }?.groupPolicy }
  /// The longest pause of its running sessions.
  func pause(_ standard: Double) -> Double { sessions.filter(\.isRunning).compactMap(\.pollMs).max() ?? standard }

  func note(_ log: LogEvent, _ event: Event) {
    switch log.fact {
    case .identityReady(let identity):
      self.identity = identity
      person = HashKey(identity.person)
      learn(identity.person, .id, "Person")
      if let profile = identity.profile { learn(profile, .id, "Profile") }
      for group in identity.groups.values { learn(group, .id, "Group") }
    case .chumStarted(let start):
      if person == nil { person = start.localPerson.flatMap { HashKey($0) } }
      learn(start.localPerson, .id, "Person")
      learn(start.remotePerson, .id, "Person")
      begin(start, log.conn)
    case .personVerified(let person, _, true): learn(person, .id, "Person")
    case .chumEnded: end(log.conn)
    case .objectStored(let object): store(object)
    case .headSet(let head):
      learn(head.idHash, .id, nil)
      note(head, event)
    case .grantCreated(let grant): grants.note(grant, event)
    case .groupChanged(let group, let persons, _):
      learn(group, .id, "Group")
      grants.note(group: group, persons, event)
    case .channelCreated(let channel): learn(channel.channel, .id, "ChannelInfo")
    case .topicCreated(let topic): learn(topic.topic, .object, "Topic")
    case .messageAppended(let message): learn(message.entry)
    case .storeSnapshot(let snapshot): note(snapshot, event)
    default: break
    }
    channels.note(log.fact, event)
  }

  private func begin(_ start: LogChumStart, _ conn: String?) {
    if sessions.count >= 100 { sessions.removeFirst() }
    sessions.append(
      Session(
        conn: conn, remote: start.remotePerson.flatMap { HashKey($0) }, pollMs: start.pollMs,
        groupPolicy: start.groupPolicy))
  }

  /// Ends the session of that connection; without a name the oldest that runs.
  private func end(_ conn: String?) {
    let found = sessions.firstIndex { $0.isRunning && (conn == nil || $0.conn == conn) }
    if let found { sessions[found].isRunning = false }
  }

  private func store(_ object: LogStoredObject) {
    learn(object.hash, object.kind, object.type, imported: object.viaChum == true)
    guard let key = HashKey(object.hash) else { return }
    if let idKey = object.idHash.flatMap({ HashKey($0) }), idOf.count < Self.knownCapacity {
      idOf[key] = idKey
      learn(object.idHash, .id, object.type)
    }
    let keys = object.references.prefix(10_000).compactMap { HashKey($0) }
    guard !keys.isEmpty, referenceCount + keys.count <= Self.referenceCapacity else { return }
    referenceCount += keys.count
    references[key] = keys
  }

  private func note(_ head: LogHead, _ event: Event) {
    learn(head.node, .object, head.nodeType)
    learn(head.data, .object, nil)
    head.entries?.prefix(10_000).forEach(learn)
    guard let idKey = HashKey(head.idHash), let node = head.node.flatMap({ HashKey($0) }), nodes.count < 100_000,
      nodes[idKey]?.count ?? 0 < 1_000, knownNodes.count < Self.knownCapacity, knownNodes.insert(node).inserted
    else { return }
    nodes[idKey, default: []].append(
      Node(
        key: node, isMerge: head.nodeType == "VersionNodeMerge", witness: Witness(event, "the head is set")))
  }

  private func note(_ snapshot: LogSnapshot, _ event: Event) {
    for item in snapshot.inventory { learn(item.hash, item.kind, nil) }
    for grant in snapshot.grants { for person in grant.persons { learn(person, .id, "Person") } }
    for (group, persons) in snapshot.groups {
      learn(group, .id, "Group")
      for person in persons { learn(person, .id, "Person") }
    }
    grants.note(snapshot, event)
    guard snapshot.when == "start" else { return }
    if snapshot.tellsInventory { isWhole = true }
    if snapshot.tellsGrants { hasAllGrants = true }
  }

  private func learn(_ entry: LogEntry) {
    learn(entry.entry, .object, "LinkedListEntry")
    learn(entry.creationTime, .object, "CreationTime")
    learn(entry.data, .object, nil)
  }

  private func learn(_ hash: String?, _ kind: ObjectKind, _ type: String?, imported: Bool = false) {
    guard let key = hash.flatMap({ HashKey($0) }) else { return }
    guard known[key] != nil || known.count < Self.knownCapacity else {
      overflowed = true
      return
    }
    var entry = known[key] ?? Known(kind: kind, type: nil)
    entry.type = entry.type ?? type.map { String($0.prefix(100)) }
    if imported { entry.isImported = true }
    known[key] = entry
  }

  /// True when a hash is reached from one of the roots by the references of the log; looks at 10,000 objects at most.
  func reaches(_ wanted: HashKey, from roots: Set<HashKey>) -> Bool {
    if roots.contains(wanted) { return true }
    return reach(of: roots, limit: 10_000).contains(wanted)
  }

  /// What the references and histories of the log reach, the roots included; at most about `limit` hashes.
  func reach(of roots: Set<HashKey>, limit: Int) -> Set<HashKey> {
    var seen = roots
    var open = Array(roots)
    while let next = open.popLast(), seen.count < limit {
      for key in references[next] ?? [] where seen.insert(key).inserted { open.append(key) }
      for node in nodes[next] ?? [] where seen.insert(node.key).inserted { open.append(node.key) }
    }
    return seen
  }
}
