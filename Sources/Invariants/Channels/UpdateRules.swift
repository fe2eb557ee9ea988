import Trace
import Wire

/// A channel of one instance, as a key of tables.
struct ChannelKey: Hashable, Sendable {
  let peer: String
  let channel: HashKey

  init?(_ peer: String, _ channel: String) {
    guard let key = HashKey(channel) else { return nil }
    self.peer = peer
    self.channel = key
  }
}

/// CHN-001: an update is about entries.
struct UpdatesHaveEntries: Rule {
  static let info = RuleInfo(
    id: "CHN-001", statement: "The event channel updated never has an empty list of entries.", severity: .major,
    reference: "chum.md 5.7", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .channelUpdated(let update) = log.fact, update.count < 1 else {
      return
    }
    report.violation(at: event, by: .instance, "\(log.peer): channel \(short(update.channel)) is updated by no entry")
  }
}

/// CHN-002: a channel that nobody wrote to has no updates.
struct NoUpdateAtCreation: Rule {
  static let info = RuleInfo(
    id: "CHN-002", statement: "Between a channel's creation and its first entry there is no updated event.",
    severity: .major, reference: "chum.md 5.7", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .channelUpdated(let update) = log.fact,
      let key = HashKey(update.channel), let state = report.log.peer?.channels[key], let created = state.created,
      state.appends == 0, !state.isImported
    else { return }
    report.violation(
      at: event, by: .instance, "\(log.peer): channel \(short(update.channel)) is updated, and has had no entry yet",
      because: [created])
  }
}

/// CHN-003: what is appended is told.
struct AppendsRaiseUpdates: Rule {
  static let info = RuleInfo(
    id: "CHN-003", statement: "Each append raises one updated event at the same instance that contains the new entry.",
    severity: .major, reference: "chum.md 5.7", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private struct Key: Hashable, Sendable {
    let channel: ChannelKey
    let number: Int
  }
  private struct Name: Hashable, Sendable {
    let channel: ChannelKey
    let hash: HashKey
  }
  private static let capacity = 20_000
  private var owed = Awaited<Key>()
  /// The appends that still wait, by each hash that tells of them.
  private var names: [Name: Key] = [:]
  /// The newest append of a channel, and the hashes that it has.
  private var last: [ChannelKey: (key: Key, entry: LogEntry)] = [:]
  private var count = 0
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    for wait in owed.overdue(at: event.time) { report.violation(at: wait.since, by: .instance, wait.text) }
    guard case .logged(let log) = event.kind else { return }
    switch log.fact {
    case .messageAppended(let message):
      guard let channel = ChannelKey(log.peer, message.channel), last.count < Self.capacity else { return }
      count += 1
      let key = Key(channel: channel, number: count)
      let name = message.entry.data ?? message.entry.creationTime ?? message.entry.entry
      owed.expect(
        key, Witness(event, "appended"),
        "\(log.peer): no updated event of channel \(short(message.channel)) tells of the entry \(name.map(short) ?? "")"
      )
      last[channel] = (key, message.entry)
      if names.count >= Self.capacity { names.removeAll(keepingCapacity: true) }
      for hash in hashes(message.entry) { names[Name(channel: channel, hash: hash)] = key }
    case .channelUpdated(let update):
      guard let channel = ChannelKey(log.peer, update.channel), update.count > 0 else { return }
      for entry in update.entries.prefix(10_000) {
        for hash in hashes(entry) {
          if let key = names.removeValue(forKey: Name(channel: channel, hash: hash)) { owed.fulfil(key) }
        }
      }
      // When the two name their entries by different hashes, or only count them, the newest is the one that is told.
      if let last = last[channel], !update.entries.contains(where: { isComparable($0, last.entry) }) {
        owed.fulfil(last.key)
      }
    default: break
    }
  }

  private func hashes(_ entry: LogEntry) -> [HashKey] {
    [entry.data, entry.creationTime, entry.entry].compactMap { $0.flatMap { HashKey($0) } }
  }

  private func isComparable(_ one: LogEntry, _ other: LogEntry) -> Bool {
    (one.data != nil && other.data != nil) || (one.creationTime != nil && other.creationTime != nil)
      || (one.entry != nil && other.entry != nil)
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    for wait in owed.overdue(at: end.time) { report.violation(at: wait.since, by: .instance, wait.text) }
  }
}

/// CHN-004: what is imported is told.
struct ImportsRaiseUpdates: Rule {
  static let info = RuleInfo(
    id: "CHN-004", statement: "When an import brings new entries, an updated event is raised at the receiver.",
    severity: .major, reference: "chum.md 5.7", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private static let capacity = 20_000
  private var owed = Awaited<ChannelKey>()
  /// The newest creation times of each channel, as far as a bounded comparison needs them.
  private var seen: [ChannelKey: Set<HashKey>] = [:]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    for wait in owed.overdue(at: event.time) { report.violation(at: wait.since, by: .instance, wait.text) }
    guard case .logged(let log) = event.kind else { return }
    switch log.fact {
    case .headSet(let head):
      guard let entries = head.entries, let key = ChannelKey(log.peer, head.idHash), entries.count <= 10_000,
        seen[key] != nil || seen.count < Self.capacity
      else { return }
      let times = Set(entries.compactMap { $0.creationTime.flatMap { HashKey($0) } })
      let isNew = !times.subtracting(seen[key] ?? []).isEmpty
      seen[key] = times
      guard head.viaChum == true, isNew else { return }
      owed.expect(
        key, Witness(event, "imported"),
        "\(log.peer): entries of channel \(short(head.idHash)) came by CHUM, and no updated event tells of them")
    case .channelUpdated(let update):
      guard update.isImport != false, update.count > 0, let key = ChannelKey(log.peer, update.channel) else { return }
      owed.fulfil(key)
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    for wait in owed.overdue(at: end.time) { report.violation(at: wait.since, by: .instance, wait.text) }
  }
}

/// CHN-005: the group of one's own devices gets each channel that is used.
struct GroupGrantAtFirstUpdate: Rule {
  static let info = RuleInfo(
    id: "CHN-005",
    statement: "After the first updated event of a channel the configured iom group is granted access to it.",
    severity: .major, binding: .deployment, reference: "chum.md 5.7", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private var owed = Awaited<ChannelKey>()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    for wait in owed.overdue(at: event.time) { report.violation(at: wait.since, by: .instance, wait.text) }
    guard case .logged(let log) = event.kind, let peer = report.log.peer, let iom = peer.group("iom") else { return }
    switch log.fact {
    case .channelUpdated(let update):
      guard let key = ChannelKey(log.peer, update.channel), peer.channels[key.channel]?.updates == 1,
        peer.grants[key.channel]?.groups.contains(iom) != true
      else { return }
      owed.expect(
        key, Witness(event, "the first update"),
        "\(log.peer): channel \(short(update.channel)) is in use, and is not granted to the group iom")
    case .grantCreated(let grant):
      guard let key = ChannelKey(log.peer, grant.subject), peer.grants[key.channel]?.groups.contains(iom) == true else {
        return
      }
      owed.fulfil(key)
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    for wait in owed.overdue(at: end.time) { report.violation(at: wait.since, by: .instance, wait.text) }
  }
}
