import Trace
import Wire

/// The list of a channel's head at hand; nil for more entries than a rule compares.
private func list(_ event: Event) -> (log: LogEvent, head: LogHead, entries: [LogEntry], key: ChannelKey)? {
  guard case .logged(let log) = event.kind, case .headSet(let head) = log.fact, let entries = head.entries,
    entries.count <= 10_000, let key = ChannelKey(log.peer, head.idHash)
  else { return nil }
  return (log, head, entries, key)
}

private func times(_ entries: [LogEntry]) -> Set<HashKey> {
  Set(entries.compactMap { $0.creationTime.flatMap { HashKey($0) } })
}

/// CHN-011: newest first.
struct EntriesAreOrdered: Rule {
  static let info = RuleInfo(
    id: "CHN-011",
    statement: "From the head on timestamps do not increase; equal ones have descending CreationTime hashes.",
    severity: .major, reference: "chum.md 5.7", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let (log, head, entries, _) = list(event) else { return }
    for (newer, older) in zip(entries, entries.dropFirst()) {
      guard let one = newer.timestamp, let other = older.timestamp else { continue }
      let tie = one == other && newer.creationTime ?? "" < older.creationTime ?? ""
      guard one < other || tie else { continue }
      return report.violation(
        at: event, by: .instance,
        "\(log.peer): channel \(short(head.idHash)) has entry \(named(newer.creationTime.map(short))) in front of a "
          + (tie ? "greater one of the same time" : "newer one"))
    }
  }
}

/// The entries of a channel's latest head.
private struct Last: Sendable {
  var times: Set<HashKey>
  var witness: Witness
}

/// CHN-012: what was written stays.
struct NoEntryIsLost: Rule {
  static let info = RuleInfo(
    id: "CHN-012", statement: "Every entry that an earlier head of a store reaches is reached by every later one.",
    severity: .critical, reference: "chum.md 5.7", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private static let capacity = 500_000
  private var last: [ChannelKey: Last] = [:]
  private var count = 0
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let (log, head, entries, key) = list(event) else { return }
    let now = times(entries)
    let before = last[key]
    guard count + now.count - (before?.times.count ?? 0) <= Self.capacity else { return }
    count += now.count - (before?.times.count ?? 0)
    last[key] = Last(times: now, witness: Witness(event, "the head before"))
    guard let before, let lost = before.times.subtracting(now).min() else { return }
    report.violation(
      at: event, by: .instance, "\(log.peer): channel \(short(head.idHash)) has lost the entry \(lost.head)…",
      because: [before.witness])
  }
}

/// CHN-014: an entry stands once.
struct EntriesAreDistinct: Rule {
  static let info = RuleInfo(
    id: "CHN-014", statement: "A CreationTime occurs once in a channel's list.", severity: .minor,
    reference: "chum.md 5.7", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let (log, head, entries, _) = list(event) else { return }
    var seen: Set<HashKey> = []
    for entry in entries {
      guard let key = entry.creationTime.flatMap({ HashKey($0) }), !seen.insert(key).inserted else { continue }
      return report.violation(
        at: event, by: .instance, "\(log.peer): channel \(short(head.idHash)) has the entry \(key.head)… twice")
    }
  }
}

/// CHN-013: in the end both have the same messages.
struct MessagesConverge: Rule {
  static let info = RuleInfo(
    id: "CHN-013", statement: "At a fixpoint both participants' channels contain the same entries.",
    severity: .critical, reference: "chum.md 5.7", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private static let capacity = 500_000
  private let pause: Double
  private var heads: [HashKey: [String: Last]] = [:]
  private var count = 0
  /// When something changed last that CHUM may have to carry on.
  private var changed: [String: Double] = [:]
  private var reported: Set<HashKey> = []
  init(_ facts: SessionFacts) { pause = facts.pollInterval }

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind else { return }
    switch log.fact {
    case .messageAppended, .grantCreated, .groupChanged, .chumStarted, .objectStored: touch(log.peer, event.time)
    case .headSet:
      touch(log.peer, event.time)
      guard let (_, head, entries, key) = list(event) else { return }
      let now = times(entries)
      let before = heads[key.channel]?[log.peer]?.times.count ?? 0
      guard count + now.count - before <= Self.capacity else { return }
      count += now.count - before
      heads[key.channel, default: [:]][log.peer] = Last(
        times: now, witness: Witness(event, "\(log.peer)'s head of \(short(head.idHash))"))
    case .storeSnapshot(let snapshot) where snapshot.when == "end": judge(event.time, [log.peer], &report)
    default: break
    }
  }

  private mutating func touch(_ peer: String, _ time: Double) {
    if changed[peer] != nil || changed.count < LogFacts.peerCapacity { changed[peer] = time }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    judge(end.time, changed.keys.sorted(), &report)
  }

  /// A moment is a fixpoint of two instances when both have been connected and quiet for two rounds: looked at when one
  /// writes its last snapshot, and at the end of the recording.
  private mutating func judge(_ time: Double, _ peers: [String], _ report: inout Reporter) {
    for (channel, lasts) in heads.sorted(by: { $0.key < $1.key }) where !reported.contains(channel) {
      for one in peers {
        for other in lasts.keys.sorted() where other != one {
          guard let mine = lasts[one], let theirs = lasts[other], mine.times != theirs.times,
            isFixpoint(one, other, channel, time, report), reported.insert(channel).inserted
          else { continue }
          let missing = mine.times.symmetricDifference(theirs.times).min().map { $0.head + "…" } ?? ""
          let (late, early) = mine.witness.time < theirs.witness.time ? (theirs, mine) : (mine, theirs)
          report.violation(
            at: late.witness, by: .instance,
            "channel \(channel.head)…: \(mine.times.subtracting(theirs.times).isEmpty ? one : other) lacks \(missing)",
            because: [early.witness])
        }
      }
    }
  }

  private func isFixpoint(
    _ one: String, _ other: String, _ channel: HashKey, _ end: Double, _ report: Reporter
  ) -> Bool {
    guard let a = report.log.peers[one], let b = report.log.peers[other], let first = a.person, let second = b.person,
      a.isConnected(to: second), b.isConnected(to: first), isOffered(channel, a, second), isOffered(channel, b, first)
    else { return false }
    let rounds = 2 * max(a.pause(pause), b.pause(pause)) + 2_000
    return end - max(changed[one] ?? 0, changed[other] ?? 0) >= rounds
  }

  private func isOffered(_ channel: HashKey, _ peer: PeerLog, _ person: HashKey) -> Bool {
    if case .granted = peer.grants.standing(person, channel) { return true }
    return false
  }
}
