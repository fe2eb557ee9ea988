import Trace
import Wire

/// The grant at hand with what the log had of its subject before.
private func grant(_ event: Event, _ report: Reporter) -> (log: LogEvent, grant: LogGrant, before: GrantState?)? {
  guard case .logged(let log) = event.kind, case .grantCreated(let grant) = log.fact, grant.status != "refused" else {
    return nil
  }
  return (log, grant, report.log.peer?.grants.before)
}

private func keys(_ texts: [String]) -> Set<HashKey> { Set(texts.compactMap { HashKey($0) }) }

/// ACC-004: what everybody has already is not granted again.
struct NoDuplicateGrants: Rule {
  static let info = RuleInfo(
    id: "ACC-004", statement: "No grant is created whose principals all have the subject already.", severity: .minor,
    binding: .deployment, reference: "chum.md 5.6", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  /// What has been reported: a component that grants at each message says nothing new with the next one.
  private var reported = RecentTable<Bool>(capacity: 10_000)
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let (log, grant, before) = grant(event, report), let before, grant.mode == "add",
      !grant.persons.isEmpty || !grant.groups.isEmpty,
      report.log.peer?.grants.covers(before, grant.persons, grant.groups) == true
    else { return }
    let key = "\(log.peer) \(named(grant.by)) \(grant.subject)"
    guard reported[key] == nil else { return }
    reported[key] = true
    report.violation(
      at: event, by: .instance,
      "\(log.peer): \(named(grant.by)) grants \(short(grant.subject)) to whom it is granted already",
      because: [before.witness])
  }
}

/// ACC-005: grants on one subject are written one after the other.
struct GrantWritesDoNotOverlap: Rule {
  static let info = RuleInfo(
    id: "ACC-005", statement: "Two grant writes for one subject never overlap in time.", severity: .critical,
    binding: .deployment, reference: "chum.md 5.6", knownDeviation: "F20", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let (log, grant, before) = grant(event, report), let before, let started = grant.started,
      started < before.ended
    else { return }
    report.violation(
      at: event, by: .instance,
      "\(log.peer): \(named(grant.by)) began this write of \(short(grant.subject)) before the last one had ended",
      because: [before.witness], deviation: "F20")
  }
}

/// ACC-006: an add takes nothing away.
struct AddNeverRemoves: Rule {
  static let info = RuleInfo(
    id: "ACC-006", statement: "After add, the latest grant contains all former and all given principals.",
    severity: .critical, reference: "chum.md 5.6", knownDeviation: "F20", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let (log, grant, before) = grant(event, report), grant.mode == "add" else { return }
    var missing: Set<HashKey> = []
    if let result = grant.resultPersons {
      missing = keys(grant.persons).union(before?.persons ?? []).subtracting(keys(result))
    }
    if let result = grant.resultGroups {
      missing.formUnion(keys(grant.groups).union(before?.groups ?? []).subtracting(keys(result)))
    }
    guard let one = missing.min() else { return }
    let isRace = grant.started.map { $0 < before?.ended ?? -.infinity } ?? false
    report.violation(
      at: event, by: .instance,
      "\(log.peer): after this add on \(short(grant.subject)) \(one.head)… is not in the grant",
      because: before.map { [$0.witness] } ?? [], deviation: isRace ? "F20" : nil)
  }
}

/// ACC-007: a replace leaves nobody else.
struct ReplaceIsExact: Rule {
  static let info = RuleInfo(
    id: "ACC-007", statement: "After replace, the latest grant contains exactly the given principals.",
    severity: .critical, reference: "chum.md 5.6", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let (log, grant, before) = grant(event, report), grant.mode == "replace" else { return }
    var wrong: Set<HashKey> = []
    if let result = grant.resultPersons { wrong = keys(result).symmetricDifference(keys(grant.persons)) }
    if let result = grant.resultGroups { wrong.formUnion(keys(result).symmetricDifference(keys(grant.groups))) }
    guard let one = wrong.min() else { return }
    let isLeft = keys((grant.resultPersons ?? []) + (grant.resultGroups ?? [])).contains(one)
    report.violation(
      at: event, by: .instance,
      "\(log.peer): after this replace on \(short(grant.subject)) \(one.head)… is \(isLeft ? "still" : "not") in the grant",
      because: before.map { [$0.witness] } ?? [])
  }
}

/// ACC-008: an add that says nothing new writes nothing.
struct AddIsIdempotent: Rule {
  static let info = RuleInfo(
    id: "ACC-008", statement: "Repeating an add leaves the grant's versions unchanged, with status exists.",
    severity: .minor, reference: "chum.md 5.6", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let (log, grant, before) = grant(event, report), let before, grant.mode == "add",
      report.log.peer?.grants.covers(before, grant.persons, grant.groups) == true
    else { return }
    var fault: String?
    if let status = grant.status, status != "exists" { fault = "its status is \(excerpt(status, 20))" }
    if let now = grant.versions, let then = before.versions, now != then { fault = "\(then) versions became \(now)" }
    guard let fault else { return }
    report.violation(
      at: event, by: .instance,
      "\(log.peer): an add on \(short(grant.subject)) that adds nobody wrote a version: \(fault)",
      because: [before.witness])
  }
}

/// ACC-017: groups are a local matter.
struct MembershipIsLocal: Rule {
  static let info = RuleInfo(
    id: "ACC-017", statement: "Groups never change because of CHUM.", severity: .critical, reference: "chum.md 5.6",
    isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind else { return }
    switch log.fact {
    case .groupChanged(let group, _, "chum"):
      report.violation(at: event, by: .instance, "\(log.peer): an import changes the group \(short(group))")
    case .objectStored(let object) where object.viaChum == true && object.kind == .object && object.type == "Group":
      report.violation(at: event, by: .instance, "\(log.peer): an import stores the Group \(short(object.hash))")
    default: break
    }
  }
}

/// ACC-018: grants are a local matter.
struct GrantsAreLocal: Rule {
  static let info = RuleInfo(
    id: "ACC-018", statement: "Grants never change because of CHUM.", severity: .critical, reference: "chum.md 5.6",
    isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind else { return }
    switch log.fact {
    case .grantCreated(let grant) where grant.isByChum == true:
      report.violation(at: event, by: .instance, "\(log.peer): an import grants \(short(grant.subject))")
    case .objectStored(let object) where object.viaChum == true && object.kind == .object:
      guard let type = object.type, type == "Access" || type == "IdAccess" else { return }
      report.violation(at: event, by: .instance, "\(log.peer): an import stores the \(type) \(short(object.hash))")
    default: break
    }
  }
}
