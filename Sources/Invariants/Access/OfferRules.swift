import Trace
import Wire

/// ACC-015: what is granted to a group is announced to its members.
struct GroupGrantsAreHonoured: Rule {
  static let info = RuleInfo(
    id: "ACC-015", alsoDecides: ["CF-035"],
    statement: "What the latest grant gives to a group is announced to the group's members.",
    severity: .critical, binding: .strict, reference: "chum.md 5.6", knownDeviation: "F1", sight: .decrypted,
    needsLog: true)
  static let interests: EventSet = .rootsListed
  private static let capacity = 1_000
  private var reported: Set<HashKey> = []
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let importer = 1 - event.side
    guard let (peer, person) = report.log.exporter(of: event, report.leg), let offer = report.leg.offer else { return }
    for group in (peer.grants.groupsOf[person] ?? []).sorted() {
      let missing = (peer.grants.subjectsOf[group] ?? []).subtracting(offer.subjects[importer])
      for subject in missing.sorted() {
        guard case .byGroup = peer.grants.standing(person, subject, asOf: offer.asked[importer]),
          let state = peer.grants[subject], !reported.contains(subject),
          reported.count < Self.capacity
        else { continue }
        reported.insert(subject)
        report.violation(
          at: event, by: event.sender,
          "\(peer.name) does not announce \(subject.head)…, granted to group \(group.head)…, to its member \(person.head)…",
          because: [state.witness], deviation: "F1")
      }
    }
  }
}

/// ACC-016: the log says what became of groups.
struct GroupPolicyIsLogged: Rule {
  static let info = RuleInfo(
    id: "ACC-016", statement: "The session's log states the group policy: evaluated, ignored or filter.",
    severity: .info, binding: .strict, reference: "chum.md 5.6", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private static let policies: Set<String> = ["evaluated", "ignored", "filter"]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .chumStarted(let start) = log.fact,
      !Self.policies.contains(start.groupPolicy ?? "")
    else { return }
    report.violation(at: event, by: .instance, "\(log.peer): the group policy is \(named(start.groupPolicy))")
  }
}

/// ACC-019: who has no grant gets nothing.
struct NoGrantNoData: Rule {
  static let info = RuleInfo(
    id: "ACC-019", statement: "A person without any grant gets an empty list of roots, and no object.",
    severity: .critical, reference: "chum.md 5.6", sight: .decrypted, needsLog: true)
  static let interests: EventSet = [.rootsListed, .objectSent]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let (peer, person) = report.log.exporter(of: event, report.leg), peer.areGrantsWhole,
      !peer.grants.everNamed.contains(person)
    else { return }
    switch event.kind {
    case .rootsListed(_, let count) where count > 0:
      report.violation(
        at: event, by: event.sender, "\(peer.name) offers \(count) roots to \(person.head)…, who has no grant at all")
    case .objectSent(let object):
      report.violation(
        at: event, by: event.sender,
        "\(peer.name) sends \(object.hash.prefix(8))… to \(person.head)…, who has no grant at all")
    default: break
    }
  }
}

/// ACC-020: the owner's other instances are no exception.
struct OwnPersonIsNotSpecial: Rule {
  static let info = RuleInfo(
    id: "ACC-020", statement: "Another instance of the owner's own person gets only what is granted.", severity: .major,
    reference: "chum.md 5.6", sight: .decrypted, needsLog: true)
  static let interests: EventSet = [.objectSent, .announced]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let importer = 1 - event.side
    guard let (peer, person) = report.log.exporter(of: event, report.leg), peer.areGrantsWhole, peer.person == person,
      let offer = report.leg.offer, let key = report.leg.key, let route = offer.route(key, importer: importer),
      !route.isCrowded, !route.subjects.isEmpty
    else { return }
    let isGranted = route.subjects.contains { subject in
      guard let state = peer.grants[subject] else { return false }
      if case .none = peer.grants.standing(person, subject) { return wasGranted(person, state) }
      return true
    }
    if isGranted { return }
    report.violation(
      at: event, by: event.sender,
      "\(peer.name) gives \(key.head)… to an instance of its own person, to whom it is not granted")
  }

  /// What was revoked is for other rules.
  private func wasGranted(_ person: HashKey, _ state: GrantState) -> Bool {
    state.formerPersons[person] != nil || !state.formerGroups.isEmpty
  }
}

/// ACC-022: a grant on an ID covers the whole history.
struct IdAccessCoversVersions: Rule {
  static let info = RuleInfo(
    id: "ACC-022", statement: "With an IdAccess grant every version node of the history is offered.", severity: .major,
    reference: "chum.md 5.6", knownDeviation: "F2", sight: .decrypted, needsLog: true)
  static let interests: EventSet = .rootsListed
  private static let capacity = 1_000
  private var reported: Set<HashKey> = []
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let importer = 1 - event.side
    guard let (peer, person) = report.log.exporter(of: event, report.leg), let offer = report.leg.offer else { return }
    let asked = offer.asked[importer]
    let histories = (peer.grants.subjectsOf[person] ?? []).filter { peer.nodes[$0] != nil }
    for subject in histories.sorted() {
      guard let state = peer.grants[subject], state.kind == .id, state.changed < asked,
        let nodes = peer.nodes[subject]
      else { continue }
      for node in nodes where node.seq < asked && !offer.nodes[importer].contains(node.key) {
        guard !reported.contains(node.key), reported.count < Self.capacity else { continue }
        reported.insert(node.key)
        report.violation(
          at: event, by: event.sender,
          "\(peer.name) does not announce node \(node.key.head)… of \(subject.head)…, which is granted by its ID",
          because: [node.witness], weight: node.isMerge ? .remark : .proven, deviation: node.isMerge ? "F2" : nil)
      }
    }
  }
}

/// ACC-023: a grant on a version covers that version.
struct AccessCoversOneVersion: Rule {
  static let info = RuleInfo(
    id: "ACC-023", statement: "An Access grant on one version announces no other version.", severity: .critical,
    reference: "chum.md 5.6", sight: .decrypted, needsLog: true)
  static let interests: EventSet = .announced
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .announced(let entry, _) = event.kind, let idKey = report.leg.idKey, let key = report.leg.key,
      let (peer, person) = report.log.exporter(of: event, report.leg), peer.areGrantsWhole
    else { return }
    var subjects = [idKey]
    if case .versioned = entry { subjects.append(key) }
    let isJustified = subjects.contains { subject in
      if peer.grants[subject] == nil { return false }
      if case .none = peer.grants.standing(person, subject) { return false }
      return true
    }
    guard !isJustified else { return }
    let held = peer.grants.subjectsOf[person] ?? []
    guard let other = held.first(where: { $0 != key && peer.idOf[$0] == idKey }), let state = peer.grants[other] else {
      return
    }
    report.violation(
      at: event, by: event.sender,
      "\(peer.name) announces \(key.head)… of \(idKey.head)…; granted is only the version \(other.head)…",
      because: [state.witness])
  }
}
