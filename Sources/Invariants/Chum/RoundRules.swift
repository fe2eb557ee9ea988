import Trace
import Wire

/// CHUM-011: first the list, then its contents.
struct RootsFirst: Rule {
  static let info = RuleInfo(
    id: "CHUM-011", statement: "Requests of the services 4 to 8 come after an answered request of the roots.",
    severity: .major, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.requested, .rootsListed]
  private var listed = [false, false]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .rootsListed: listed[1 - side] = true
    case .requested(let id, let service, _) where (4...8).contains(service) && !listed[side]:
      report.violation(at: event, by: event.sender, "request \(id) of service \(service) before any list of roots")
    default: break
    }
  }
}

/// CHUM-014: entries of the list are well-formed.
struct RootEntriesAreWellFormed: Rule {
  static let info = RuleInfo(
    id: "CHUM-014",
    statement: "Root entries have one of four types with their fields, hashes of 64 lower-case digits and a type name.",
    severity: .critical, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.announced, .rootsFault]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .rootsFault(let failure): report.violation(at: event, by: event.sender, failure.detail)
    case .announced(let entry, _):
      if report.leg.key == nil { report.violation(at: event, by: event.sender, "\(excerpt(entry.key, 70)) is no hash") }
      switch entry {
      case .versioned(_, let idHash, _), .versionNode(_, let idHash, _):
        if report.leg.idKey == nil {
          report.violation(at: event, by: event.sender, "\(excerpt(idHash, 70)) is no hash")
        }
      default: break
      }
      if entry.type.isEmpty { report.violation(at: event, by: event.sender, "an entry without a type name") }
    default: break
    }
  }
}

/// CHUM-015: one list at a time.
struct NoRepeatedRoots: Rule {
  static let info = RuleInfo(
    id: "CHUM-015", statement: "Within one list each entry occurs once.", severity: .minor, reference: "chum.md 5.5",
    sight: .decrypted)
  static let interests: EventSet = [.announced, .rootsListed]
  /// A list of more entries than this is judged up to here.
  private static let capacity = 500_000
  private struct Entry: Hashable, Sendable {
    let kind: UInt8
    let key: HashKey
  }
  private var seen: [Set<Entry>] = [[], []]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .rootsListed: if !seen[side].isEmpty { seen[side].removeAll(keepingCapacity: seen[side].count < 4_096) }
    case .announced(let entry, _):
      guard let key = report.leg.key, seen[side].count < Self.capacity else { return }
      let kind: UInt8 =
        switch entry {
        case .unversioned: 0
        case .versioned: 1
        case .id: 2
        case .versionNode: 3
        }
      if !seen[side].insert(Entry(kind: kind, key: key)).inserted {
        report.violation(at: event, by: event.sender, "\(entry.kindName) \(entry.key.prefix(8))… stands twice")
      }
    default: break
    }
  }
}

/// CHUM-016: ids before nodes, older nodes before newer ones.
struct IdBeforeItsNodes: Rule {
  static let info = RuleInfo(
    id: "CHUM-016", alsoDecides: ["CF-033"],
    statement: "A version node comes after the id entry of its data, and after its predecessors, in the same list.",
    severity: .minor, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.announced, .rootsListed, .objectSent]
  private static let capacity = 500_000
  private var ids: [Set<HashKey>] = [[], []]
  /// Where each node of the last list stands, to compare with what its text says of its predecessors.
  private var nodes: [[HashKey: Int]] = [[:], [:]]
  private var isNewList = [true, true]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .rootsListed:
      if !ids[side].isEmpty { ids[side].removeAll(keepingCapacity: ids[side].count < 4_096) }
      isNewList[side] = true
    case .announced(let entry, _):
      if isNewList[side] {
        isNewList[side] = false
        if !nodes[side].isEmpty { nodes[side].removeAll(keepingCapacity: nodes[side].count < 4_096) }
      }
      guard let key = report.leg.key, ids[side].count < Self.capacity, nodes[side].count < Self.capacity else { return }
      switch entry {
      case .id: ids[side].insert(key)
      case .versionNode(let node, let idHash, _):
        nodes[side][key] = nodes[side][key] ?? nodes[side].count
        if let idKey = report.leg.idKey, !ids[side].contains(idKey) {
          report.violation(at: event, by: event.sender, "node \(node.prefix(8))… before the id \(idHash.prefix(8))…")
        }
      default: break
      }
    case .objectSent(let object):
      guard let key = report.leg.key, let own = nodes[side][key], let text = object.text,
        object.sha256 == object.hash
      else { return }
      for reference in MicrodataGlance.references(in: text) where reference.kind == .object {
        guard let other = HashKey(reference.hash), let place = nodes[side][other], place > own else { continue }
        report.violation(
          at: event, by: event.sender,
          "node \(object.hash.prefix(8))… stands before its predecessor \(reference.hash.prefix(8))…")
      }
    default: break
    }
  }
}

/// CHUM-080: the session's own log stays at home.
struct ChumObjectsAreNotOffered: Rule {
  static let info = RuleInfo(
    id: "CHUM-080", statement: "Chum objects are announced only where a grant names them.", severity: .major,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = .announced
  private var judged = false
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .announced(let entry, _) = event.kind, !judged, entry.type == "Chum" else { return }
    judged = true
    // Grants are not on the wire, so this is worth a look and no more.
    report.violation(
      at: event, by: event.sender, "a Chum object is announced: \(entry.key.prefix(8))…; is it granted on purpose?",
      weight: .remark)
  }
}

/// CHUM-058: the pause between rounds.
struct RoundsPause: Rule {
  static let info = RuleInfo(
    id: "CHUM-058", statement: "Between the end of a round and the next roots request lies the poll interval.",
    severity: .minor, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.roundStarted, .responded, .streamEnded]
  private let interval: Double
  private var lastAnswer: (Place?, Place?) = (nil, nil)
  init(_ facts: SessionFacts) { interval = facts.pollInterval }

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .responded, .streamEnded:
      // An answer nobody waits for ends no round.
      guard report.leg.request != nil else { return }
      if event.direction == .fromServer { lastAnswer.0 = Place(event) } else { lastAnswer.1 = Place(event) }
    case .roundStarted(let number):
      guard number > 1, let place = event.direction == .fromClient ? lastAnswer.0 : lastAnswer.1 else { return }
      let gap = event.time - place.time
      if gap < interval - SessionFacts.tolerance(interval) {
        report.violation(
          at: event, by: event.sender, "round \(number) starts \(Int(gap)) ms after the last answer",
          because: [Witness(place, "the last answer of the round before")])
      }
    default: break
    }
  }
}

/// CHUM-057: polling goes on.
struct PollingGoesOn: Rule {
  static let info = RuleInfo(
    id: "CHUM-057", alsoDecides: ["CF-068"],
    statement: "A new round starts at most one second after the poll interval.", severity: .major,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.roundStarted, .requested, .responded, .streamEnded, .chunk, .closed]
  private let interval: Double
  private var last: (Place?, Place?) = (nil, nil)
  private var running = [false, false]
  private var finished = [false, false]
  init(_ facts: SessionFacts) { interval = facts.pollInterval }

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .roundStarted: running[side] = true
    case .requested(_, let service, _):
      judge(side, openBefore: report.leg.openCount(askedBy: side) - 1, event.time, &report)
      if service == 10 { finished[side] = true }
      mark(side, event)
    case .responded, .streamEnded, .chunk: if report.leg.request != nil { mark(1 - side, event) }
    case .closed:
      judgeBoth(event.time, &report)
      running = [false, false]
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judgeBoth(end.time, &report) }

  private mutating func mark(_ side: Int, _ event: Event) {
    if side == 0 { last.0 = Place(event) } else { last.1 = Place(event) }
  }

  private func judgeBoth(_ now: Double, _ report: inout Reporter) {
    for side in 0...1 { judge(side, openBefore: report.leg.openCount(askedBy: side), now, &report) }
  }

  private func judge(_ side: Int, openBefore: Int, _ now: Double, _ report: inout Reporter) {
    // With an unanswered request the importer waits by right; FRM-001 tells of that.
    guard running[side], openBefore <= 0, !finished[side], let place = side == 0 ? last.0 : last.1 else { return }
    let gap = now - place.time
    if gap > interval + 1_000 + SessionFacts.tolerance(interval) {
      report.violation(at: place, by: speaker(side), "no round for \(Int(gap)) ms behind this")
    }
  }
}

/// CHUM-070: one thing after the other.
struct RequestsAreSequential: Rule {
  static let info = RuleInfo(
    id: "CHUM-070", statement: "An importer has at most one open request per group of version nodes, plus one.",
    severity: .info, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.requested, .announced, .rootsListed]
  private static let capacity = 100_000
  private var groups: [Set<HashKey>] = [[], []]
  private var isNewList = [true, true]
  private var judged = [false, false]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .rootsListed: isNewList[1 - side] = true
    case .announced(let entry, _):
      if isNewList[1 - side] {
        isNewList[1 - side] = false
        if !groups[1 - side].isEmpty { groups[1 - side].removeAll() }
      }
      if case .versionNode = entry, let key = report.leg.idKey, groups[1 - side].count < Self.capacity {
        groups[1 - side].insert(key)
      }
    case .requested(let id, let service, _):
      let limit = 1 + groups[side].count
      guard !judged[side], (4...8).contains(service), report.leg.openCount(askedBy: side) > limit else { return }
      judged[side] = true
      report.violation(
        at: event, by: event.sender,
        "request \(id) is the \(report.leg.openCount(askedBy: side)). open one, with \(groups[side].count) groups")
    default: break
    }
  }
}

/// CHUM-067: after FIN there is silence.
struct FinIsLast: Rule {
  static let info = RuleInfo(
    id: "CHUM-067", alsoDecides: ["CF-069"], statement: "After FIN an importer sends no request.", severity: .minor,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = .requested
  private var fin: [Witness?] = [nil, nil]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .requested(let id, let service, _) = event.kind else { return }
    let side = event.side
    if let place = fin[side] {
      report.violation(at: event, by: event.sender, "request \(id) after FIN", because: [place])
    }
    if service == 10, fin[side] == nil { fin[side] = Witness(event, "FIN") }
  }
}

/// CHUM-068: after FIN nothing is served.
struct NoServiceAfterFin: Rule {
  static let info = RuleInfo(
    id: "CHUM-068", alsoDecides: ["CF-050"],
    statement: "After FIN the exporter answers that importer with UNKNOWN-SERVICE.", severity: .minor,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.responded, .streamEnded]
  private var fin: [Place?] = [nil, nil]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let importer = 1 - event.side
    guard let request = report.leg.request else { return }
    if let done = fin[importer], request.place.line > done.line, request.service != 3 {
      if case .responded(_, .error(_, _, "UNKNOWN-SERVICE")) = event.kind { return }
      report.violation(
        at: event, by: event.sender, "request \(request.id) is served after FIN",
        because: [Witness(done, "the answer to FIN"), request.witness])
    }
    if request.service == 10, case .responded(_, .data) = event.kind { fin[importer] = fin[importer] ?? Place(event) }
  }
}
