import Trace
import Wire

/// ACC-025: a channel's grant is enough for its parts.
struct NoGrantsOnParts: Rule {
  static let info = RuleInfo(
    id: "ACC-025",
    statement: "Entries, creation times and data of a granted channel are not granted to the same principals.",
    severity: .minor, binding: .deployment, reference: "chum.md 5.6", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .grantCreated(let grant) = log.fact,
      !grant.persons.isEmpty || !grant.groups.isEmpty, let peer = report.log.peer, let key = HashKey(grant.subject),
      let channel = peer.channels.channelOf[key], let state = peer.grants[channel],
      peer.grants.covers(state, grant.persons, grant.groups)
    else { return }
    report.violation(
      at: event, by: .instance,
      "\(log.peer): \(named(grant.by)) grants \(short(grant.subject)), a part of channel \(channel.head)…, granted already",
      because: [state.witness])
  }
}

/// ACC-026: a one-to-one channel is granted before it is used.
struct GrantBeforeFirstUse: Rule {
  static let info = RuleInfo(
    id: "ACC-026", statement: "A one-to-one channel is granted before its first message, not at a later update.",
    severity: .major, binding: .deployment, reference: "chum.md 5.6", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .messageAppended(let message) = log.fact,
      let peer = report.log.peer, let key = HashKey(message.channel), let channel = peer.channels[key],
      channel.appends == 1, !channel.isImported, let created = channel.created, channel.parts != nil,
      peer.grants[key] == nil
    else { return }
    report.violation(
      at: event, by: .instance, "\(log.peer): the first message of channel \(key.head)…, which nobody was granted yet",
      because: [created])
  }
}

/// ACC-029: everyone may have the main profile.
struct ProfileIsForEveryone: Rule {
  static let info = RuleInfo(
    id: "ACC-029", statement: "The main profile is granted to group everyone at start and at each change of identity.",
    severity: .minor, binding: .deployment, reference: "chum.md 5.6", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private struct Owed: Hashable, Sendable {
    let peer: String
    let profile: HashKey
    let everyone: HashKey
  }
  private var owed = Awaited<Owed>()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    for wait in owed.overdue(at: event.time) { violate(wait, &report) }
    guard case .logged(let log) = event.kind, let peer = report.log.peer else { return }
    switch log.fact {
    case .identityReady(let identity):
      guard let profile = identity.profile.flatMap({ HashKey($0) }),
        let everyone = identity.groups["everyone"].flatMap({ HashKey($0) }),
        peer.grants[profile]?.groups.contains(everyone) != true
      else { return }
      owed.expect(
        Owed(peer: log.peer, profile: profile, everyone: everyone), Witness(event, "the identity is ready"),
        "\(log.peer): the main profile \(profile.head)… is not granted to group everyone")
    case .grantCreated(let grant):
      guard let subject = HashKey(grant.subject), let state = peer.grants[subject] else { return }
      for group in state.groups { owed.fulfil(Owed(peer: log.peer, profile: subject, everyone: group)) }
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    for wait in owed.overdue(at: end.time) { violate(wait, &report) }
  }

  private func violate(_ wait: Awaited<Owed>.Wait, _ report: inout Reporter) {
    report.violation(at: wait.since, by: .instance, wait.text)
  }
}
