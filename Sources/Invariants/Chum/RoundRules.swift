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
    let side = Int(event.direction.rawValue)
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
      let hashes: [String] =
        switch entry {
        case .unversioned(let hash, _): [hash]
        case .versioned(let hash, let idHash, _): [hash, idHash]
        case .id(let idHash, _): [idHash]
        case .versionNode(let node, let dataIdHash, _): [node, dataIdHash]
        }
      for hash in hashes where !isHash(hash) {
        report.violation(at: event, by: event.sender, "\(excerpt(hash, 70)) is no hash")
      }
      if entry.type.isEmpty { report.violation(at: event, by: event.sender, "an entry without a type name") }
    default: break
    }
  }
}

/// CHUM-015 and CHUM-016 look at one list at a time.
struct NoRepeatedRoots: Rule {
  static let info = RuleInfo(
    id: "CHUM-015", statement: "Within one list each entry occurs once.", severity: .minor, reference: "chum.md 5.5",
    sight: .decrypted)
  static let interests: EventSet = [.announced, .rootsListed]
  /// A list of more entries than this is judged up to here.
  private static let capacity = 1_000_000
  private var seen: [Set<String>] = [[], []]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .rootsListed: seen[side].removeAll()
    case .announced(let entry, _):
      guard seen[side].count < Self.capacity else { return }
      if !seen[side].insert(entry.kindName + entry.key).inserted {
        report.violation(at: event, by: event.sender, "\(entry.kindName) \(entry.key.prefix(8))… stands twice")
      }
    default: break
    }
  }
}

struct IdBeforeItsNodes: Rule {
  static let info = RuleInfo(
    id: "CHUM-016", statement: "A version node comes after the id entry of its data in the same list.",
    severity: .minor, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.announced, .rootsListed]
  private static let capacity = 1_000_000
  private var ids: [Set<String>] = [[], []]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .rootsListed: ids[side].removeAll()
    case .announced(.id(let idHash, _), _): if ids[side].count < Self.capacity { ids[side].insert(idHash) }
    case .announced(.versionNode(let node, let idHash, _), _):
      if !ids[side].contains(idHash), ids[side].count < Self.capacity {
        report.violation(at: event, by: event.sender, "node \(node.prefix(8))… before the id \(idHash.prefix(8))…")
      }
    default: break
    }
  }
}

/// CHUM-080: the session's own log stays at home.
struct ChumObjectsAreNotOffered: Rule {
  static let info = RuleInfo(
    id: "CHUM-080", statement: "Chum objects are announced only where a grant names them.", severity: .major,
    binding: .deployment, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = .announced
  private var judged = false
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .announced(let entry, _) = event.kind, !judged, entry.type == "Chum" else { return }
    judged = true
    report.violation(
      at: event, by: event.sender, "a Chum object is announced: \(entry.key.prefix(8))…; is it granted on purpose?")
  }
}

/// CHUM-058 and CHUM-057: the pause between rounds.
struct RoundsPause: Rule {
  static let info = RuleInfo(
    id: "CHUM-058", statement: "Between the end of a round and the next roots request lies the poll interval.",
    severity: .minor, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.roundStarted, .rootsListed, .responded, .streamEnded]
  private let interval: Double
  private var lastAnswer: [Witness?] = [nil, nil]
  init(_ facts: SessionFacts) { interval = facts.pollInterval }

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .responded, .streamEnded: lastAnswer[1 - side] = Witness(event, "the last answer of the round before")
    case .roundStarted(let number):
      guard number > 1, let place = lastAnswer[side] else { return }
      let gap = event.time - place.time
      if gap < interval - SessionFacts.tolerance(interval) {
        report.violation(
          at: event, by: event.sender, "round \(number) starts \(Int(gap)) ms after the last answer", because: [place])
      }
    default: break
    }
  }
}

struct PollingGoesOn: Rule {
  static let info = RuleInfo(
    id: "CHUM-057", alsoDecides: ["CHUM-056"],
    statement: "A new round starts at most one second after the poll interval.", severity: .major,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.roundStarted, .rootsListed, .requested, .responded, .streamEnded, .closed, .chunk]
  private let interval: Double
  private var last: [Witness?] = [nil, nil]
  private var open = [0, 0]
  private var running = [false, false]
  private var finished = [false, false]
  init(_ facts: SessionFacts) { interval = facts.pollInterval }

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .roundStarted: running[side] = true
    case .requested(_, let service, _):
      judge(side, event.time, &report)
      open[side] += 1
      if service == 10 { finished[side] = true }
      last[side] = Witness(event, "the last sign of this importer")
    case .responded, .streamEnded:
      open[1 - side] = max(open[1 - side] - 1, 0)
      last[1 - side] = Witness(event, "the last answer to this importer")
    case .closed:
      judge(0, event.time, &report)
      judge(1, event.time, &report)
      running = [false, false]
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    judge(0, end.time, &report)
    judge(1, end.time, &report)
  }

  private mutating func judge(_ side: Int, _ now: Double, _ report: inout Reporter) {
    // With an unanswered request the importer waits by right; FRM-001 tells of that.
    guard running[side], open[side] == 0, !finished[side], let place = last[side] else { return }
    let gap = now - place.time
    if gap > interval + 1_000 + SessionFacts.tolerance(interval) {
      report.violation(at: place, by: side == 0 ? .client : .remote, "no round for \(Int(gap)) ms behind this")
    }
  }
}

/// CHUM-067: after FIN there is silence.
struct FinIsLast: Rule {
  static let info = RuleInfo(
    id: "CHUM-067", alsoDecides: ["CHUM-068"], statement: "After FIN an importer sends no request.", severity: .minor,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = .requested
  private var fin: [Witness?] = [nil, nil]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .requested(let id, let service, _) = event.kind else { return }
    let side = Int(event.direction.rawValue)
    if let place = fin[side] {
      report.violation(at: event, by: event.sender, "request \(id) after FIN", because: [place])
    }
    if service == 10, fin[side] == nil { fin[side] = Witness(event, "FIN") }
  }
}

func isHash(_ text: String) -> Bool {
  text.utf8.count == 64 && text.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
}
