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
    let policy = peer.groupPolicy(towards: person)
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
          because: [state.witness], weight: policy == "filter" ? .possible : .proven,
          deviation: policy == "evaluated" ? nil : "F1")
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
  private var held = Held()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    held.release(at: event.time, &report)
    guard let (peer, person) = report.log.exporter(of: event, report.leg), peer.areGrantsWhole,
      !peer.grants.everNamed.contains(person)
    else { return }
    let what: String
    switch event.kind {
    case .rootsListed(_, let count) where count > 0: what = "offers \(count) roots"
    case .objectSent(let object): what = "sends \(object.hash.prefix(8))…"
    default: return
    }
    let name = peer.name
    held.hold(event, about: person, "\(name) \(what) to \(person.head)…, who has no grant at all") { log in
      log.peers[name]?.grants.everNamed.contains(person) == false
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { held.releaseAll(&report) }
}

/// ACC-020: the owner's other instances are no exception.
struct OwnPersonIsNotSpecial: Rule {
  static let info = RuleInfo(
    id: "ACC-020", statement: "Another instance of the owner's own person gets only what is granted.", severity: .major,
    reference: "chum.md 5.6", sight: .decrypted, needsLog: true)
  static let interests: EventSet = [.objectSent, .announced]
  private var held = Held()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    held.release(at: event.time, &report)
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
    let (name, subjects) = (peer.name, route.subjects)
    held.hold(
      event, about: key, "\(name) gives \(key.head)… to an instance of its own person, to whom it is not granted"
    ) { log in
      !log.isGranted(subjects, to: person, by: name)
    }
  }

  /// What was revoked is for other rules.
  private func wasGranted(_ person: HashKey, _ state: GrantState) -> Bool {
    state.formerPersons.contains(person) || !state.formerGroups.isEmpty
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { held.releaseAll(&report) }
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
    let asked = offer.asked[importer] - GrantBook.slack
    let histories = (peer.grants.subjectsOf[person] ?? []).filter { peer.nodes[$0] != nil }
    for subject in histories.sorted() {
      guard let state = peer.grants[subject], state.kind == .id, state.changed < asked,
        let nodes = peer.nodes[subject]
      else { continue }
      for node in nodes where node.witness.time < asked && !offer.nodes[importer].contains(node.key) {
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
  private var held = Held()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    held.release(at: event.time, &report)
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
    let granted = peer.grants.subjectsOf[person] ?? []
    guard let other = granted.first(where: { $0 != key && peer.idOf[$0] == idKey }), let state = peer.grants[other]
    else { return }
    let (name, all) = (peer.name, Set(subjects))
    held.hold(
      event, about: idKey,
      "\(name) announces \(key.head)… of \(idKey.head)…; granted is only the version \(other.head)…",
      because: [state.witness]
    ) { log in !log.isGranted(all, to: person, by: name) }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { held.releaseAll(&report) }
}
