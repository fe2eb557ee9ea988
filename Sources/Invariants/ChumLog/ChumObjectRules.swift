import Trace
import Wire
import WireBytes

/// What passed on a recorded connection, kept until the instance at its client end has stored its Chum object.
private struct WireSession: Sendable {
  static let capacity = 10_000
  var isWhole = true
  var sent: [String: Set<String>] = [:]
  private var count = 0
  /// Files whose stream did not end well.
  var failed: Set<String> = []
  var requestsSent = 0
  var requestsReceived = 0
  var overflowed = false
  /// The person at the client end.
  var person: HashKey?

  /// An application may count its connections by itself: a name that fits another person's connection is not this one.
  func isOf(_ peer: PeerLog?) -> Bool {
    guard let person, let own = peer?.person else { return false }
    return person == own
  }

  mutating func send(_ list: String, _ hash: String) {
    guard count < Self.capacity else {
      overflowed = true
      return
    }
    if sent[list, default: []].insert(hash).inserted { count += 1 }
  }

  static func list(_ kind: ObjectKind, _ direction: String) -> String {
    switch kind {
    case .object: direction + "Objects"
    case .id: direction + "IdObjects"
    case .blob: direction + "Blob"
    case .clob: direction + "Clob"
    }
  }
}

/// FRM-013: the stored statistics are those of the wire.
struct StatisticsAgree: Rule {
  static let info = RuleInfo(
    id: "FRM-013", statement: "The request counters of the Chum object are those of the wire.", severity: .minor,
    reference: "chum.md 5.4", isSessionWide: true, needsLog: true)
  static let interests: EventSet = [.requested, .requestedBadly, .streamStopped, .logged, .joinedMidway]
  private var sessions = RecentTable<WireSession>(capacity: 1_000)
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .requested, .requestedBadly:
      let person = report.leg.persons[0]
      change(event.conn) {
        $0.person = $0.person ?? person
        if event.direction == .fromClient { $0.requestsSent += 1 } else { $0.requestsReceived += 1 }
      }
    case .streamStopped: if event.direction == .fromServer { change(event.conn) { $0.requestsReceived += 1 } }
    case .joinedMidway: change(event.conn) { $0.isWhole = false }
    case .logged(let log):
      guard case .chumStored(let chum) = log.fact, let conn = log.conn, let session = sessions[conn], session.isWhole,
        session.isOf(report.log.peer), let statistics = chum.statistics
      else { return }
      for (name, wire) in [
        ("requestsSentTotal", session.requestsSent), ("requestsReceivedTotal", session.requestsReceived),
      ] {
        guard let stored = statistics[name]?.integer, stored != wire else { continue }
        report.violation(
          at: event, by: .instance, "\(log.peer) stores \(name) \(stored); the wire of \(conn) shows \(wire)")
      }
    default: break
    }
  }

  private mutating func change(_ conn: String, _ edit: (inout WireSession) -> Void) {
    var session = sessions[conn] ?? WireSession()
    // Taken out, so that it changes in place.
    sessions[conn] = nil
    edit(&session)
    sessions[conn] = session
  }
}

/// CHUM-078: the stored lists are those of the wire.
struct ListsAgree: Rule {
  static let info = RuleInfo(
    id: "CHUM-078", statement: "What a session adds to the AtoB lists is what it sent; to the BtoA lists, what came.",
    severity: .minor, binding: .strict, reference: "chum.md 5.5", knownDeviation: "F18", isSessionWide: true,
    needsLog: true)
  static let interests: EventSet = [.objectSent, .objectRequested, .logged, .joinedMidway]
  private var sessions = RecentTable<WireSession>(capacity: 200)
  private var before = RecentTable<[String: Set<String>]>(capacity: 200)
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .objectRequested(let kind, let hash, _):
      // A stream that was asked for and has not ended well.
      if event.direction == .fromServer, kind == .blob || kind == .clob {
        let person = report.leg.persons[0]
        change(event.conn) {
          $0.person = $0.person ?? person
          if $0.failed.count < WireSession.capacity { $0.failed.insert(hash) }
        }
      }
    case .objectSent(let object):
      let direction = event.direction == .fromClient ? "AtoB" : "BtoA"
      guard object.sha256 == object.hash else { return }
      let person = report.leg.persons[0]
      change(event.conn) {
        $0.person = $0.person ?? person
        $0.failed.remove(object.hash)
        $0.send(WireSession.list(object.kind, direction), object.hash)
      }
    case .joinedMidway: change(event.conn) { $0.isWhole = false }
    case .logged(let log): if case .chumStored(let chum) = log.fact { judge(chum, log, event, &report) }
    default: break
    }
  }

  private mutating func judge(_ chum: LogChumObject, _ log: LogEvent, _ event: Event, _ report: inout Reporter) {
    let key = "\(log.peer)\n\(chum.idHash)"
    let old = before[key] ?? [:]
    before[key] = chum.lists.mapValues { Set($0.prefix(WireSession.capacity)) }
    guard let conn = log.conn, let session = sessions[conn], session.isWhole, !session.overflowed,
      session.isOf(report.log.peer)
    else { return }
    for (name, hashes) in chum.lists.sorted(by: { $0.key < $1.key })
    where name.hasPrefix("AtoB") || name.hasPrefix("BtoA") {
      let new = Set(hashes).subtracting(old[name] ?? [])
      let wire = session.sent[name] ?? []
      if let extra = new.subtracting(wire).min() {
        return report.violation(
          at: event, by: .instance, "\(log.peer) lists \(short(extra)) in \(name); on \(conn) it did not pass whole",
          deviation: session.failed.contains(extra) ? "F18" : nil)
      }
      if name.hasPrefix("AtoB"), let lacking = wire.subtracting(hashes).min() {
        return report.violation(
          at: event, by: .instance, "\(log.peer) does not list \(short(lacking)) in \(name), which it sent on \(conn)")
      }
    }
  }

  private mutating func change(_ conn: String, _ edit: (inout WireSession) -> Void) {
    var session = sessions[conn] ?? WireSession()
    // Taken out, so that it changes in place.
    sessions[conn] = nil
    edit(&session)
    sessions[conn] = session
  }
}

/// Two Chum objects of the two ends of one session.
private struct ChumPairs: Sendable {
  struct End: Sendable {
    let peer: String
    let chum: LogChumObject
    let witness: Witness
    let start: LogChumStart
    let rejected: Set<String>
  }
  private var starts: [String: LogChumStart] = [:]
  private var rejected: [String: Set<String>] = [:]
  private var ends = RecentTable<End>(capacity: 100)

  /// The other end of the session whose Chum object is stored now, when it is stored too.
  mutating func note(_ log: LogEvent, _ event: Event) -> (one: End, other: End)? {
    guard starts.count < LogFacts.peerCapacity else { return nil }
    switch log.fact {
    case .chumStarted(let start):
      starts[log.peer] = start
      rejected[log.peer] = []
    case .objectRejected(let hash, _):
      if rejected[log.peer]?.count ?? 0 < 10_000 { rejected[log.peer, default: []].insert(hash) }
    case .chumStored(let chum):
      guard let start = starts.removeValue(forKey: log.peer), let mine = start.localPerson,
        let theirs = start.remotePerson
      else { return nil }
      let names = [start.localInstance ?? "", start.remoteInstance ?? ""]
      let end = End(
        peer: log.peer, chum: chum, witness: Witness(event, "the Chum object of \(log.peer)"), start: start,
        rejected: rejected[log.peer] ?? [])
      let mirrored = "\(theirs)\n\(mine)\n\(names[1])\n\(names[0])"
      if let other = ends[mirrored], other.peer != log.peer {
        ends[mirrored] = nil
        return (end, other)
      }
      ends["\(mine)\n\(theirs)\n\(names[0])\n\(names[1])"] = end
    default: break
    }
    return nil
  }
}

/// CHUM-077: one session, one identity.
struct ChumIdentityIsShared: Rule {
  static let info = RuleInfo(
    id: "CHUM-077", statement: "The Chum objects of both ends have one ID hash, when the instance names differ.",
    severity: .minor, reference: "chum.md 5.5", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private var pairs = ChumPairs()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, let (one, other) = pairs.note(log, event),
      one.start.localInstance != one.start.remoteInstance, one.chum.idHash != other.chum.idHash
    else { return }
    report.violation(
      at: event, by: .instance,
      "\(one.peer) stores \(short(one.chum.idHash)), \(other.peer) \(short(other.chum.idHash)) for the same session",
      because: [other.witness])
  }
}

/// CHUM-079: what one sent the other has.
struct SentAndReceivedMirror: Rule {
  static let info = RuleInfo(
    id: "CHUM-079", statement: "What one end lists as sent the other lists as received, or has rejected.",
    severity: .minor, reference: "chum.md 5.5", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private var pairs = ChumPairs()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, let (one, other) = pairs.note(log, event) else { return }
    for (from, to) in [(one, other), (other, one)] {
      for kind in ["Objects", "IdObjects"] {
        guard let sent = from.chum.lists["AtoB" + kind], let received = to.chum.lists["BtoA" + kind] else { continue }
        guard let lost = Set(sent).subtracting(received).subtracting(to.rejected).min() else { continue }
        return report.violation(
          at: event, by: .instance,
          "\(from.peer) lists \(short(lost)) as sent; \(to.peer) has neither received nor rejected it",
          because: [other.witness])
      }
    }
  }
}
