import Trace
import Wire

/// ACC-001: a grant names one subject of the right kind, and persons and groups.
struct GrantsAreWellFormed: Rule {
  static let info = RuleInfo(
    id: "ACC-001",
    statement:
      "A grant names one subject of the right kind: Access an object, IdAccess an ID object; and persons, groups.",
    severity: .critical, binding: .strict, reference: "chum.md 5.6", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .grantCreated(let grant) = log.fact, grant.status != "refused",
      let fault = fault(grant, report.log.peer)
    else { return }
    report.violation(at: event, by: .instance, "\(log.peer): \(fault)")
  }

  private func fault(_ grant: LogGrant, _ peer: PeerLog?) -> String? {
    guard let key = HashKey(grant.subject) else { return "the subject is no hash: \(excerpt(grant.subject, 40))" }
    guard let kind = grant.subjectKind else { return "the grant says of its subject neither object nor id, or both" }
    if let known = peer?.known[key], known.kind != kind {
      let type = kind == .id ? "IdAccess" : "Access"
      return "\(type) on \(short(grant.subject)), which is stored as \(known.kind.rawValue)"
    }
    for (list, type) in [(grant.persons, "Person"), (grant.groups, "Group")] {
      for principal in list {
        guard let key = HashKey(principal) else { return "a \(type) is no hash: \(excerpt(principal, 40))" }
        guard let known = peer?.known[key] else { continue }
        if known.kind != .id || known.type.map({ $0 != type }) == true {
          return "\(short(principal)) is granted to as a \(type), but is stored as \(known.type ?? known.kind.rawValue)"
        }
      }
    }
    return nil
  }
}

/// ACC-002: what is granted is there.
struct GrantSubjectsExist: Rule {
  static let info = RuleInfo(
    id: "ACC-002", statement: "The subject of a grant is stored when the grant is created.", severity: .major,
    binding: .strict, reference: "chum.md 5.6", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private var unseen = RecentTable<Witness>(capacity: 10_000)
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind else { return }
    switch log.fact {
    case .grantCreated(let grant):
      guard grant.status != "refused", let key = HashKey(grant.subject), let peer = report.log.peer,
        peer.known[key] == nil
      else { return }
      if peer.isKnownWhole {
        report.violation(at: event, by: .instance, "\(log.peer) has no \(short(grant.subject)) in its store")
      } else {
        // The log began later than the store; only what comes afterwards as new proves that it was not there.
        unseen["\(log.peer) \(grant.subject)"] = Witness(event, "granted")
      }
    case .channelCreated(let channel): created(channel.channel, event, log, &report)
    case .topicCreated(let topic): created(topic.topic, event, log, &report)
    case .objectStored(let object) where object.status == "new": created(object.hash, event, log, &report)
    default: break
    }
  }

  private mutating func created(_ hash: String, _ event: Event, _ log: LogEvent, _ report: inout Reporter) {
    let key = "\(log.peer) \(hash)"
    guard let grant = unseen[key] else { return }
    unseen[key] = nil
    report.violation(
      at: grant, by: .instance, "\(log.peer) grants \(short(hash)) before it is stored",
      because: [Witness(event, "stored only here")])
  }
}

/// ACC-003: one component of an instance grants.
struct OneComponentGrants: Rule {
  static let info = RuleInfo(
    id: "ACC-003", statement: "All grants of an instance are created by its grant authority, LeuteAccessRightsManager.",
    severity: .major, binding: .deployment, reference: "chum.md 5.6", knownDeviation: "F32", isSessionWide: true,
    needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .grantCreated(let grant) = log.fact, let by = grant.by,
      let authority = report.log.peer?.authority, by != authority
    else { return }
    report.violation(
      at: event, by: .instance,
      "\(log.peer): \(named(by)) grants \(short(grant.subject)); only \(named(authority)) may")
  }
}

/// ACC-009: the mode is said.
struct GrantModeIsExplicit: Rule {
  static let info = RuleInfo(
    id: "ACC-009", statement: "Every grant request has mode add or replace.", severity: .minor,
    reference: "chum.md 5.6", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .grantCreated(let grant) = log.fact, grant.mode != "add",
      grant.mode != "replace", grant.status != "refused"
    else { return }
    report.violation(at: event, by: .instance, "\(log.peer): the mode is \(named(grant.mode))")
  }
}

/// ACC-027: an add of nobody is not written.
struct NoEmptyGrants: Rule {
  static let info = RuleInfo(
    id: "ACC-027", statement: "No add with both lists empty is written.", severity: .minor, binding: .deployment,
    reference: "chum.md 5.6", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .grantCreated(let grant) = log.fact, grant.mode == "add",
      grant.persons.isEmpty, grant.groups.isEmpty
    else { return }
    report.violation(
      at: event, by: .instance,
      "\(log.peer): an add on \(short(grant.subject)) for nobody; is the group of the access manager configured?")
  }
}

/// ACC-028: principals are known.
struct GrantsNameKnownPrincipals: Rule {
  static let info = RuleInfo(
    id: "ACC-028", statement: "Every person and group of a grant is stored at the granting instance.", severity: .minor,
    binding: .deployment, reference: "chum.md 5.6", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .grantCreated(let grant) = log.fact, grant.status != "refused",
      let peer = report.log.peer
    else { return }
    let strangers = (grant.persons + grant.groups).filter { principal in
      guard let key = HashKey(principal) else { return true }
      return peer.isKnownWhole && peer.known[key] == nil
    }
    guard let first = strangers.first else { return }
    let more = strangers.count > 1 ? " and \(strangers.count - 1) more" : ""
    report.violation(
      at: event, by: .instance,
      "\(log.peer): the grant on \(short(grant.subject)) names \(short(first))\(more), unknown to the instance")
  }
}
