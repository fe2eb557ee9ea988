import Trace
import Wire
import WireBytes

/// CHUM-010: the session is with the person who proved itself.
struct RemotePersonIsVerified: Rule {
  static let info = RuleInfo(
    id: "CHUM-010", statement: "The person whose grants a session uses is the one proved on the connection.",
    severity: .critical, reference: "chum.md 5.5", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  /// Persons proved, by instance and connection.
  private var verified = RecentTable<(persons: Set<String>, witness: Witness)>(capacity: 1_000)
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind else { return }
    let place = "\(log.peer)\n\(log.conn ?? "")"
    switch log.fact {
    case .personVerified(let person, _, true):
      var persons = verified[place]?.persons ?? []
      if persons.count < 1_000 { persons.insert(person) }
      verified[place] = (persons, Witness(event, "the proof of \(short(person))"))
    case .chumStarted(let start):
      guard let person = start.remotePerson else { return }
      if let known = verified[place], !known.persons.contains(person) {
        report.violation(
          at: event, by: .instance, "\(log.peer) starts CHUM for \(short(person)), who has not proved itself here",
          because: [known.witness])
      } else if verified[place] == nil, event.leg > 0, let wire = report.leg.persons[1], HashKey(person) != wire {
        report.violation(
          at: event, by: .instance, "\(log.peer) starts CHUM for \(short(person)); on the connection is \(wire.head)…")
      }
    default: break
    }
  }
}

/// CHUM-066: a session that does not stay says goodbye.
struct CompletionIsAcknowledged: Rule {
  static let info = RuleInfo(
    id: "CHUM-066", statement: "Without keepRunning the importer sends FIN after its round.", severity: .minor,
    reference: "chum.md 5.5", sight: .decrypted, needsLog: true)
  static let interests: EventSet = [.logged, .requested, .rootsListed, .closed]
  private var leaves: Witness?
  private var hasList = false
  private var fin = false
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .logged(let log):
      if event.leg > 0, case .chumStarted(let start) = log.fact, start.keepRunning == false, start.importer != false {
        leaves = Witness(event, "\(log.peer) starts CHUM without keepRunning")
      }
    case .rootsListed: if event.direction == .fromServer { hasList = true }
    case .requested(_, 10, _): if event.direction == .fromClient { fin = true }
    case .closed(_, _, let echo):
      guard let leaves, hasList, !fin, !echo, event.direction == .fromClient else { return }
      self.leaves = nil
      report.violation(at: event, by: .client, "the importer closes after its round without FIN", because: [leaves])
    default: break
    }
  }
}

/// CHUM-069: the first full sync comes once, and after it.
struct FirstFullSyncOnce: Rule {
  static let info = RuleInfo(
    id: "CHUM-069", statement: "The event of the first full sync is raised once a session, after its first round.",
    severity: .minor, reference: "chum.md 5.5", needsLog: true)
  static let interests: EventSet = [.logged, .rootsListed]
  private var raised: [String: Witness] = [:]
  /// Whether a list of roots came to each side of the connection.
  private var hasList = [false, false]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    if case .rootsListed = event.kind { hasList[1 - event.side] = true }
    guard case .logged(let log) = event.kind else { return }
    switch log.fact {
    case .chumStarted: raised[log.peer] = nil
    case .firstFullSync:
      if let first = raised[log.peer] {
        report.violation(
          at: event, by: .instance, "\(log.peer) raises the first full sync a second time", because: [first])
      } else if event.leg > 0, let side = report.log.side(of: log.peer, report.leg),
        !hasList[side] || report.leg.openRequests(askedBy: side).contains(where: { $0.service > 1 })
      {
        report.violation(
          at: event, by: .instance, "\(log.peer) raises the first full sync before its first round is over")
      }
      if raised.count < 1_000 { raised[log.peer] = Witness(event, "the first time") }
    default: break
    }
  }
}

/// What one instance's session met, until its end.
private struct Trials: Sendable {
  var codes: [(code: String, witness: Witness)] = []
  var transfers = 0
}

/// CHUM-071: one bad root spoils nothing.
struct BadRootsDoNotStop: Rule {
  static let info = RuleInfo(
    id: "CHUM-071", alsoDecides: ["CF-062"], statement: "A rejected or refused root does not end the session.",
    severity: .major, binding: .strict, reference: "chum.md 5.5", knownDeviation: "F10", isSessionWide: true,
    needsLog: true)
  static let interests: EventSet = .logged
  private var rejected: [String: (code: String, witness: Witness)] = [:]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind else { return }
    switch log.fact {
    case .chumStarted: rejected[log.peer] = nil
    case .objectRejected(let hash, let code):
      guard let code, !code.isEmpty, rejected.count < LogFacts.peerCapacity else { return }
      rejected[log.peer] = (code, Witness(event, "\(short(hash)) is rejected with \(excerpt(code, 30))"))
    case .chumEnded(_, let error):
      guard let error, let last = rejected.removeValue(forKey: log.peer), contains(error, last.code) else { return }
      report.violation(
        at: event, by: .instance, "\(log.peer) ends its session for a bad root: \(excerpt(error, 80))",
        because: [last.witness], deviation: "F10")
    default: break
    }
  }
}

/// CHUM-072: what failed is written down.
struct FailuresAreRecorded: Rule {
  static let info = RuleInfo(
    id: "CHUM-072", alsoDecides: ["CF-063"],
    statement: "The stored errors of a session hold the code of each rejection.", severity: .minor,
    reference: "chum.md 5.5", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private var trials: [String: Trials] = [:]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, trials.count < LogFacts.peerCapacity else { return }
    switch log.fact {
    case .chumStarted: trials[log.peer] = Trials()
    case .objectRejected(let hash, let code):
      guard let code, !code.isEmpty, trials[log.peer]?.codes.count ?? 0 < 1_000 else { return }
      trials[log.peer, default: Trials()].codes.append((code, Witness(event, "the rejection of \(short(hash))")))
    case .chumStored(let chum):
      let text = JSONValue.array(chum.errors).compact
      for (code, witness) in trials.removeValue(forKey: log.peer)?.codes ?? [] where !contains(text, code) {
        report.violation(
          at: event, by: .instance, "\(log.peer) stores no error \(excerpt(code, 40))", because: [witness])
        return
      }
    default: break
    }
  }
}

/// CHUM-076: a session leaves its record.
struct ChumObjectIsWritten: Rule {
  static let info = RuleInfo(
    id: "CHUM-076", alsoDecides: ["CF-075"],
    statement: "After a session that transferred something, or did not fail, a Chum object is stored.",
    severity: .minor,
    reference: "chum.md 5.5", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private var transfers: [String: Int] = [:]
  private var awaited = Awaited<String>()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind else { return }
    judge(event.time, &report)
    switch log.fact {
    case .chumStarted: transfers[log.peer] = 0
    case .objectStored(let object): if object.viaChum == true { transfers[log.peer, default: 0] += 1 }
    case .chumEnded(_, let error):
      guard error == nil || transfers[log.peer] ?? 0 > 0 else { return }
      awaited.expect(
        log.peer, Witness(event, "the session ends"), "\(log.peer) stores no Chum object after this session")
    case .chumStored: awaited.fulfil(log.peer)
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    for wait in awaited.overdue(at: now) { report.violation(at: wait.since, by: .instance, wait.text) }
  }
}

/// CHUM-083: a lost connection is no error of the sync.
struct ClosingIsNoSyncError: Rule {
  static let info = RuleInfo(
    id: "CHUM-083", statement: "Errors that closing caused inside services are not stored as errors of the sync.",
    severity: .info, reference: "chum.md 5.5", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .chumStored(let chum) = log.fact else { return }
    let found = chum.errors.count { $0["code"]?.string?.hasPrefix("WSP-ONCL") == true }
    if found > 0 {
      report.violation(at: event, by: .instance, "\(log.peer) stores \(found) errors WSP-ONCL… of a closed connection")
    }
  }
}
