import Trace
import Wire

/// CHN-015: who gets the channel gets its topic.
struct TopicAccompaniesChannel: Rule {
  static let info = RuleInfo(
    id: "CHN-015", statement: "Who is granted the channel of a topic is granted the Topic object too.",
    severity: .minor, binding: .deployment, reference: "chum.md 5.7", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private struct Key: Hashable, Sendable {
    let peer: String
    let channel: HashKey
    let principal: HashKey
  }
  private var owed = Awaited<Key>()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    for wait in owed.overdue(at: event.time) { report.violation(at: wait.since, by: .instance, wait.text) }
    guard case .logged(let log) = event.kind, case .grantCreated(let grant) = log.fact, let peer = report.log.peer,
      let subject = HashKey(grant.subject)
    else { return }
    if let topic = peer.channels.topics[subject] {
      guard let channel = HashKey(topic.channel), let state = peer.grants[subject] else { return }
      for principal in state.persons.union(state.groups) {
        owed.fulfil(Key(peer: log.peer, channel: channel, principal: principal))
      }
      return
    }
    guard let topics = peer.channels.topicsOf[subject] else { return }
    for principal in (grant.persons + grant.groups).compactMap({ HashKey($0) }) {
      let hasTopic = topics.prefix(100).contains { topic in
        guard let state = peer.grants[topic] else { return false }
        return state.persons.contains(principal) || state.groups.contains(principal)
      }
      if hasTopic || principal == peer.person { continue }
      owed.expect(
        Key(peer: log.peer, channel: subject, principal: principal), Witness(event, "the channel is granted"),
        "\(log.peer): \(principal.head)… gets channel \(short(grant.subject)) without its Topic object")
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    for wait in owed.overdue(at: end.time) { report.violation(at: wait.since, by: .instance, wait.text) }
  }
}

/// CHN-016: one writes to channels that there are.
struct AppendsNeedAChannel: Rule {
  static let info = RuleInfo(
    id: "CHN-016", statement: "Nothing is appended to a channel that is not in the registry.", severity: .minor,
    reference: "chum.md 5.7", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private var unseen = RecentTable<Witness>(capacity: 10_000)
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, let peer = report.log.peer else { return }
    switch log.fact {
    case .messageAppended(let message):
      guard let key = HashKey(message.channel), let channel = peer.channels[key], !channel.isVisible,
        channel.created == nil, peer.known[key] == nil
      else { return }
      if peer.isKnownWhole {
        report.violation(
          at: event, by: .instance, "\(log.peer) appends to channel \(key.head)…, which is not in its registry")
      } else {
        // The channel may be older than the log; only its creation afterwards proves that it was not there.
        unseen["\(log.peer) \(message.channel)"] = Witness(event, "appended")
      }
    case .channelCreated(let channel):
      guard let append = unseen["\(log.peer) \(channel.channel)"] else { return }
      unseen["\(log.peer) \(channel.channel)"] = nil
      report.violation(
        at: append, by: .instance, "\(log.peer) appends to channel \(short(channel.channel)) before it creates it",
        because: [Witness(event, "created only here")])
    default: break
    }
  }
}

/// CHN-017: a Topic grants nothing but its own channel.
struct TopicAndChannelAgree: Rule {
  static let info = RuleInfo(
    id: "CHN-017",
    statement:
      "A grant made because of a Topic is on the channel computed from its id, and only for Topics made here or "
      + "sent by a person of the id.",
    severity: .critical, binding: .strict, reference: "chum.md 5.7", knownDeviation: "F45", isSessionWide: true,
    needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .grantCreated(let grant) = log.fact, grant.status != "refused",
      grant.subjectKind == .id, let peer = report.log.peer, let subject = HashKey(grant.subject)
    else { return }
    if let because = grant.because {
      guard let topic = HashKey(because).flatMap({ peer.channels.topics[$0] }),
        let fault = fault(topic, grant.subject, peer)
      else { return }
      report.violation(at: event, by: .instance, "\(log.peer): \(fault)", deviation: "F45")
      return
    }
    // No cause is written down: a received Topic that names this channel wrongly, and just these persons, is one.
    for key in (peer.channels.topicsOf[subject] ?? []).prefix(100) {
      guard let topic = peer.channels.topics[key], topic.isImported == true, let parts = OneToOne(topic.id),
        !grant.persons.isEmpty, grant.persons.allSatisfy(parts.contains), let fault = fault(topic, grant.subject, peer)
      else { continue }
      report.violation(at: event, by: .instance, "\(log.peer): \(fault)", weight: .possible, deviation: "F45")
      return
    }
  }

  private func fault(_ topic: LogTopic, _ subject: String, _ peer: PeerLog) -> String? {
    // Of other ids the owner, and so the channel, is whatever the caller chose (chum.md 4.5).
    let parts = OneToOne(topic.id)
    guard parts != nil || topic.id == "EveryoneTopic" || topic.id == "GlueOneTopic" else { return nil }
    var owners: [String?] = [nil, peer.identity?.person]
    if let parts { owners += [parts.first, parts.second] }
    if !owners.contains(where: { ChannelBook.idHash(topic.id, owner: $0) == subject }) {
      return "topic \(short(topic.topic)) makes it grant channel \(short(subject)), which is not the channel of its id"
    }
    guard topic.isImported == true, let parts, let sender = topic.sender, !parts.contains(sender) else { return nil }
    return "topic \(short(topic.topic)) came from \(short(sender)), who is none of its two persons"
  }
}
