import Trace

/// The latest version of one grant object, as an instance's log tells it.
struct GrantState: Sendable {
  var kind: ObjectKind
  var persons: Set<HashKey> = []
  var groups: Set<HashKey> = []
  /// Principals of older versions that the latest one does not name.
  var formerPersons: Set<HashKey> = []
  var formerGroups: Set<HashKey> = []
  var versions: Int?
  /// Time of the last event that changed the principals.
  var changed: Double
  /// The last event that wrote it.
  var witness: Witness
  /// When the last write ended, and whether it was a replace.
  var ended: Double
  var isReplaced = false

  var isEmpty: Bool { persons.isEmpty && groups.isEmpty }
}

/// The latest version of one group.
struct GroupState: Sendable {
  var members: Set<HashKey>
  /// Members of older versions.
  var former: Set<HashKey> = []
  var changed: Double
  var witness: Witness
}

/// What a person may have of a subject.
enum Standing {
  /// No grant on the subject is in the log, or it changed after the moment in question.
  case unknown
  case granted
  case byGroup(HashKey)
  /// A group is named whose members the log does not tell.
  case perhaps
  case none(GrantState)
}

/// Grants and groups of one instance, with the indices that rules need. Bounded: 100,000 subjects and groups, 1,000,000
/// principals; `overflowed` says that absence proves nothing any more.
struct GrantBook {
  static let subjectCapacity = 100_000
  static let principalCapacity = 1_000_000

  private(set) var subjects: [HashKey: GrantState] = [:]
  private(set) var groups: [HashKey: GroupState] = [:]
  private(set) var overflowed = false
  /// The latest grants that name a person or a group.
  private(set) var subjectsOf: [HashKey: Set<HashKey>] = [:]
  private(set) var groupsOf: [HashKey: Set<HashKey>] = [:]
  /// Persons and groups that some version of some grant named, and persons that were in such a group.
  private(set) var everNamed: Set<HashKey> = []
  private var principals = 0

  /// The state of the subject before the grant at hand; nil when the log had none.
  private(set) var before: GrantState?

  subscript(subject: HashKey) -> GrantState? { subjects[subject] }

  mutating func note(_ grant: LogGrant, _ event: Event) {
    before = nil
    guard let subject = HashKey(grant.subject) else { return }
    before = subjects[subject]
    guard grant.status != "refused" else { return }
    var persons = keys(grant.resultPersons ?? grant.persons)
    var groups = keys(grant.resultGroups ?? grant.groups)
    if grant.mode != "replace" {
      if grant.resultPersons == nil { persons.formUnion(before?.persons ?? []) }
      if grant.resultGroups == nil { groups.formUnion(before?.groups ?? []) }
    }
    let witness = Witness(event, "\(named(grant.mode)) by \(named(grant.by)) on \(short(grant.subject))")
    write(subject, grant.subjectKind ?? before?.kind ?? .object, persons, groups, event, witness)
    if let versions = grant.versions { subjects[subject]?.versions = versions }
    subjects[subject]?.isReplaced = grant.mode == "replace"
  }

  mutating func note(_ snapshot: LogSnapshot, _ event: Event) {
    let witness = Witness(event, "the store's snapshot")
    for grant in snapshot.grants {
      guard let subject = HashKey(grant.subject) else { continue }
      write(subject, grant.subjectKind, keys(grant.persons), keys(grant.groups), event, witness)
    }
    for (group, persons) in snapshot.groups { note(group: group, persons, event) }
  }

  mutating func note(group: String, _ persons: [String], _ event: Event) {
    guard let group = HashKey(group), admits(groups[group] == nil ? groups.count : 0) else { return }
    let members = keys(persons)
    var state =
      groups[group] ?? GroupState(members: [], changed: event.time, witness: Witness(event, "the group's members"))
    let lost = state.members.subtracting(members)
    for person in lost {
      state.former.insert(person)
      groupsOf[person]?.remove(group)
    }
    if members != state.members { state.changed = event.time }
    for person in members {
      state.former.remove(person)
      groupsOf[person, default: []].insert(group)
      if everNamed.contains(group) { everNamed.insert(person) }
    }
    state.members = members
    state.witness = Witness(event, "the group's members")
    groups[group] = state
  }

  private mutating func write(
    _ subject: HashKey, _ kind: ObjectKind, _ persons: Set<HashKey>, _ newGroups: Set<HashKey>, _ event: Event,
    _ witness: Witness
  ) {
    guard admits(subjects[subject] == nil ? subjects.count : 0) else { return }
    var state = subjects[subject] ?? GrantState(kind: kind, changed: event.time, witness: witness, ended: event.time)
    for person in state.persons.subtracting(persons) {
      state.formerPersons.insert(person)
      subjectsOf[person]?.remove(subject)
    }
    for group in state.groups.subtracting(newGroups) {
      state.formerGroups.insert(group)
      subjectsOf[group]?.remove(subject)
    }
    for one in persons.union(newGroups) {
      state.formerPersons.remove(one)
      state.formerGroups.remove(one)
      subjectsOf[one, default: []].insert(subject)
      everNamed.insert(one)
    }
    for group in newGroups { everNamed.formUnion(groups[group]?.members ?? []) }
    if persons != state.persons || newGroups != state.groups { state.changed = event.time }
    state.kind = kind
    state.persons = persons
    state.groups = newGroups
    state.witness = witness
    state.ended = max(state.ended, event.time)
    subjects[subject] = state
  }

  private mutating func admits(_ count: Int) -> Bool {
    if count < Self.subjectCapacity, principals < Self.principalCapacity { return true }
    overflowed = true
    return false
  }

  private mutating func keys(_ texts: [String]) -> Set<HashKey> {
    principals += texts.count
    return Set(texts.compactMap { HashKey($0) })
  }

  /// Clocks of logs tick in milliseconds, and the recorder stands some way off: what happens within this many ms of a
  /// message proves nothing about it.
  static let slack = 2.0

  /// What a person has of a subject, when that has not changed since shortly before a time of the recording.
  func standing(_ person: HashKey, _ subject: HashKey, asOf time: Double = .infinity) -> Standing {
    guard let state = subjects[subject], state.changed <= time - Self.slack else { return .unknown }
    if state.persons.contains(person) { return .granted }
    var perhaps = false
    for group in state.groups {
      guard let members = groups[group], members.changed <= time - Self.slack else {
        perhaps = true
        continue
      }
      if members.members.contains(person) { return .byGroup(group) }
    }
    return perhaps ? .perhaps : .none(state)
  }

  /// True when each principal has access through the latest version already.
  func covers(_ state: GrantState?, _ persons: [String], _ groups: [String]) -> Bool {
    guard let state else { return false }
    return persons.allSatisfy { HashKey($0).map(state.persons.contains) ?? false }
      && groups.allSatisfy { HashKey($0).map(state.groups.contains) ?? false }
  }
}
