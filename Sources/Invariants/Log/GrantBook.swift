import Trace

/// The latest version of one grant object, as an instance's log tells it.
struct GrantState: Sendable {
  var kind: ObjectKind
  var persons: Set<HashKey> = []
  var groups: Set<HashKey> = []
  /// Principals of older versions that the latest one does not name, with the seq of the event that removed them.
  var formerPersons: [HashKey: Int] = [:]
  var formerGroups: [HashKey: Int] = [:]
  var versions: Int?
  /// Seq of the last event that changed the principals.
  var changed: Int
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
  /// Members of older versions, with the seq of the event that removed them.
  var former: [HashKey: Int] = [:]
  var changed: Int
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
    let witness = Witness(event, "\(grant.mode ?? "a grant") on \(grant.subject.prefix(8))…")
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
      groups[group] ?? GroupState(members: [], changed: event.seq, witness: Witness(event, "the group's members"))
    let lost = state.members.subtracting(members)
    for person in lost {
      state.former[person] = event.seq
      groupsOf[person]?.remove(group)
    }
    if members != state.members { state.changed = event.seq }
    for person in members {
      state.former[person] = nil
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
    var state = subjects[subject] ?? GrantState(kind: kind, changed: event.seq, witness: witness, ended: event.time)
    for person in state.persons.subtracting(persons) {
      state.formerPersons[person] = event.seq
      subjectsOf[person]?.remove(subject)
    }
    for group in state.groups.subtracting(newGroups) {
      state.formerGroups[group] = event.seq
      subjectsOf[group]?.remove(subject)
    }
    for one in persons.union(newGroups) {
      state.formerPersons[one] = nil
      state.formerGroups[one] = nil
      subjectsOf[one, default: []].insert(subject)
      everNamed.insert(one)
    }
    for group in newGroups { everNamed.formUnion(groups[group]?.members ?? []) }
    if persons != state.persons || newGroups != state.groups { state.changed = event.seq }
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

  /// What a person has of a subject, as of an earlier seq.
  func standing(_ person: HashKey, _ subject: HashKey, asOf seq: Int = .max) -> Standing {
    guard let state = subjects[subject], state.changed <= seq else { return .unknown }
    if state.persons.contains(person) { return .granted }
    var perhaps = false
    for group in state.groups {
      guard let members = groups[group], members.changed <= seq else {
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
