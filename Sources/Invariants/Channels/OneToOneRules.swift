import Trace
import Wire

/// The first message of a one-to-one channel that was created in the log.
private func firstMessage(
  _ event: Event, _ report: Reporter
) -> (log: LogEvent, peer: PeerLog, key: HashKey, channel: ChannelState, parts: OneToOne)? {
  guard case .logged(let log) = event.kind, case .messageAppended(let message) = log.fact, let peer = report.log.peer,
    let key = HashKey(message.channel), let channel = peer.channels[key], channel.appends == 1, !channel.isImported,
    channel.created != nil, let parts = channel.parts
  else { return nil }
  return (log, peer, key, channel, parts)
}

/// CHN-006: the other one may read before there is something to read.
struct OneToOneIsGrantedFirst: Rule {
  static let info = RuleInfo(
    id: "CHN-006", statement: "Both participants of a one-to-one channel have access before its first message.",
    severity: .major, binding: .deployment, reference: "chum.md 5.7", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let (log, peer, key, channel, parts) = firstMessage(event, report) else { return }
    let others = peer.identity.flatMap { parts.other($0.person) }.map { [$0] } ?? [parts.first, parts.second]
    let isGranted = others.compactMap { HashKey($0) }.contains { person in
      switch peer.grants.standing(person, key) {
      case .granted, .byGroup, .perhaps: true
      case .unknown, .none: false
      }
    }
    if isGranted { return }
    report.violation(
      at: event, by: .instance,
      "\(log.peer): the first message of channel \(key.head)…, to which \(short(others[0])) has no access yet",
      because: channel.created.map { [$0] } ?? [])
  }
}

/// CHN-007: the other one sees the channel before there is something in it.
struct OneToOneIsVisibleFirst: Rule {
  static let info = RuleInfo(
    id: "CHN-007",
    statement:
      "Before the first message of a one-to-one channel both connected participants have it in their registry.",
    severity: .major, binding: .deployment, reference: "chum.md 5.7", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private let pause: Double
  private struct Key: Hashable, Sendable {
    let channel: HashKey
    let other: HashKey
  }
  private var owed = Awaited<Key>()
  init(_ facts: SessionFacts) { pause = facts.pollInterval }

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    expire(event.time, &report)
    guard case .logged(let log) = event.kind, let peer = report.log.peer else { return }
    switch log.fact {
    case .channelCreated(let channel):
      guard let key = HashKey(channel.channel), let other = other(OneToOne(channel.id), peer),
        peer.isConnected(to: other),
        let theirs = report.log.only(other), theirs.channels[key]?.isVisible != true
      else { return }
      owed.expect(
        Key(channel: key, other: other), Witness(event, "created"),
        "\(theirs.name) does not see the one-to-one channel \(key.head)… that \(log.peer) created")
    case .channelVisible(let channel):
      guard let key = HashKey(channel), let person = peer.person else { return }
      owed.fulfil(Key(channel: key, other: person))
    case .chumEnded:
      // Who is not connected need not see it.
      for key in owed.keys where peer.person == key.other || !peer.isConnected(to: key.other) { owed.fulfil(key) }
    case .messageAppended:
      guard let (_, _, key, channel, parts) = firstMessage(event, report), let other = other(parts, peer),
        owed.fulfil(Key(channel: key, other: other))
      else { return }
      report.violation(
        at: event, by: .instance,
        "\(log.peer): the first message of channel \(key.head)…, which \(other.head)… does not see yet",
        because: channel.created.map { [$0] } ?? [])
    default: break
    }
  }

  private func other(_ parts: OneToOne?, _ peer: PeerLog) -> HashKey? {
    peer.identity.flatMap { parts?.other($0.person) }.flatMap { HashKey($0) }
  }

  private mutating func expire(_ time: Double, _ report: inout Reporter) {
    for wait in owed.overdue(at: time, patience: pause + Awaited<Key>.patience) {
      report.violation(at: wait.since, by: .instance, wait.text)
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { expire(end.time, &report) }
}

/// CHN-008: one id for one pair.
struct OneToOneIdsAreCanonical: Rule {
  static let info = RuleInfo(
    id: "CHN-008", statement: "A one-to-one topic id consists of the two person ID hashes in ascending order.",
    severity: .major, reference: "chum.md 5.7", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .topicCreated(let topic) = log.fact, contains(topic.id, "<->"),
      OneToOne(topic.id) == nil
    else { return }
    report.violation(
      at: event, by: .instance, "\(log.peer): \(excerpt(topic.id, 140)) is not hash<->hash in ascending order")
  }
}

/// CHN-009: a private chat is for two.
struct OneToOneIsForTwo: Rule {
  static let info = RuleInfo(
    id: "CHN-009", statement: "A one-to-one channel is granted to its participants and the group iom only.",
    severity: .critical, binding: .deployment, reference: "chum.md 5.7", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .grantCreated(let grant) = log.fact, grant.status != "refused",
      let peer = report.log.peer, let key = HashKey(grant.subject), let parts = peer.channels[key]?.parts
    else { return }
    let iom = peer.identity?.groups["iom"]
    let persons = grant.persons.filter { !parts.contains($0) }
    // Without its configuration nobody knows which group holds the own devices.
    let groups = peer.identity == nil ? [] : grant.groups.filter { $0 != iom }
    guard let stranger = persons.first ?? groups.first else { return }
    report.violation(
      at: event, by: .instance,
      "\(log.peer): \(named(grant.by)) grants the one-to-one channel \(key.head)… to "
        + (persons.isEmpty ? "group \(short(stranger))" : short(stranger)))
  }
}

/// CHN-010: one id, one channel.
struct OneToOneIsOneChannel: Rule {
  static let info = RuleInfo(
    id: "CHN-010", statement: "Both participants' channels of a one-to-one topic without owner have the same ID hash.",
    severity: .major, reference: "chum.md 5.7", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private struct Made: Sendable {
    let peer: String
    let channel: String
    let owner: String?
    let witness: Witness
  }
  private var made = RecentTable<Made>(capacity: 10_000)
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .channelCreated(let channel) = log.fact, OneToOne(channel.id) != nil
    else { return }
    let mine = Made(
      peer: log.peer, channel: channel.channel, owner: channel.owner, witness: Witness(event, "created by \(log.peer)"))
    guard let other = made[channel.id] else {
      made[channel.id] = mine
      return
    }
    // With an owner at either side each keeps a channel of its own, as agreed.
    guard other.peer != log.peer, other.channel != channel.channel, other.owner == nil || channel.owner == nil else {
      return
    }
    let why = other.owner == nil && channel.owner == nil ? "" : ": one of them set an owner"
    report.violation(
      at: event, by: .instance,
      "\(log.peer) has \(short(channel.channel)) for a one-to-one topic, \(other.peer) has \(short(other.channel))\(why)",
      because: [other.witness])
  }
}
