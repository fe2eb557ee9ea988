import Trace
import Wire
import WireBytes

/// CHUM-020: nobody guesses hashes.
struct OnlyAnnouncedIsRequested: Rule {
  static let info = RuleInfo(
    id: "CHUM-020", alsoDecides: ["CF-071"],
    statement: "An importer requests only hashes that were announced to it as root or child.", severity: .critical,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = .requested
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .requested(let id, let service, let args) = event.kind, (4...8).contains(service),
      report.leg.key != nil, report.leg.kind == nil, !report.leg.hashesOverflowed[event.side]
    else { return }
    let hash = args?.first?.string ?? ""
    report.violation(
      at: event, by: event.sender,
      "request \(id) of service \(service) for \(hash.prefix(8))…, which was not announced")
  }
}

/// CHUM-028: each kind has its service.
struct RightServiceForTheKind: Rule {
  static let info = RuleInfo(
    id: "CHUM-028", alsoDecides: ["CF-055"],
    statement: "Blobs and clobs are requested with service 8, ids with 5 and 7, objects with 4 and 6.",
    severity: .major, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = .requested
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .requested(let id, let service, let args) = event.kind, (4...8).contains(service),
      let kind = report.leg.kind
    else { return }
    let encoding = (args?.count ?? 0) > 1 ? args?[1].string : nil
    let fits: Bool =
      switch kind {
      case .object: service == 4 || service == 6
      case .id: service == 5 || service == 7
      case .blob: service == 8 && (encoding == nil || encoding == ChumMessage.undefined)
      case .clob: service == 8 && encoding == "utf8"
      }
    if !fits {
      let hash = args?.first?.string ?? ""
      report.violation(
        at: event, by: event.sender, "request \(id): service \(service) for the \(kind.rawValue) \(hash.prefix(8))…")
    }
  }
}

/// Arguments as chapter 2.2 lists them.
struct ArgumentsAreHashes: Rule {
  static let info = RuleInfo(
    id: "ARGS-001",
    statement: "The services 4 to 8 get a hash of 64 lower-case digits; service 8 also the encoding utf8 or none.",
    severity: .minor, reference: "chum.md 2.2", sight: .decrypted)
  static let interests: EventSet = .requested
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .requested(let id, let service, let args) = event.kind, (4...8).contains(service) else { return }
    guard report.leg.key != nil else {
      let sent = args?.first?.compact ?? "nothing"
      return report.violation(
        at: event, by: event.sender, "request \(id) of service \(service) for \(excerpt(sent, 70)), no hash")
    }
    if service == 8, let args, args.count > 1, args[1] != .string("utf8"), args[1] != .string(ChumMessage.undefined) {
      report.violation(at: event, by: event.sender, "request \(id) wants encoding \(excerpt(args[1].compact, 30))")
    }
  }
}

/// CHUM-074: no storm. Each mention in a list of this round justifies one request.
struct OneAttemptARound: Rule {
  static let info = RuleInfo(
    id: "CHUM-074", alsoDecides: ["CF-064"],
    statement: "Within a round nothing is requested more often than the round's lists name it.", severity: .minor,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.announced, .childListed, .requested, .roundStarted]
  private static let capacity = 200_000
  private struct Count: Sendable {
    var named: UInt32 = 0
    /// Requests by service, from 4 to 8.
    var asked: (UInt32, UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0, 0)
    var first: Place?

    mutating func ask(_ service: Int) -> UInt32 {
      switch service {
      case 4:
        asked.0 &+= 1
        return asked.0
      case 5:
        asked.1 &+= 1
        return asked.1
      case 6:
        asked.2 &+= 1
        return asked.2
      case 7:
        asked.3 &+= 1
        return asked.3
      default:
        asked.4 &+= 1
        return asked.4
      }
    }
  }
  private var counts: [[HashKey: Count]] = [[:], [:]]
  private var overflowed = [false, false]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .roundStarted:
      if !counts[side].isEmpty { counts[side].removeAll(keepingCapacity: counts[side].count < 4_096) }
      overflowed[side] = false
    case .announced:
      named(report.leg.key, importer: 1 - side)
      named(report.leg.idKey, importer: 1 - side)
    case .childListed: named(report.leg.key, importer: 1 - side)
    case .requested(let id, let service, _):
      guard (4...8).contains(service), let key = report.leg.key, var count = counts[side][key] else { return }
      let times = count.ask(service)
      if times > count.named, !overflowed[side] {
        report.violation(
          at: event, by: event.sender, "request \(id) is the \(times). for the same in this round",
          because: count.first.map { [Witness($0, "the first request")] } ?? [])
      }
      count.first = count.first ?? Place(event)
      counts[side][key] = count
    default: break
    }
  }

  private mutating func named(_ key: HashKey?, importer: Int) {
    guard let key else { return }
    if counts[importer].count < Self.capacity {
      counts[importer][key, default: Count()].named &+= 1
    } else {
      overflowed[importer] = true
    }
  }
}

/// CHUM-073: a root that was refused is tried again.
struct FailedRootsAreRetried: Rule {
  static let info = RuleInfo(
    id: "CHUM-073", statement: "A root that was refused and is announced again is asked for again in that round.",
    severity: .minor, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.roundStarted, .announced, .requested, .refused]
  private static let capacity = 10_000
  private struct Importer: Sendable {
    /// Refused in this round.
    var refused: [HashKey: Place] = [:]
    /// Refused in the round before, and not asked for since.
    var due: [HashKey: Place] = [:]
    var announced: Set<HashKey> = []
  }
  private var importers = [Importer(), Importer()]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .roundStarted:
      let importer = importers[side]
      for (key, place) in importer.due.sorted(by: { $0.value.line < $1.value.line })
      where importer.announced.contains(key) {
        report.violation(
          at: event, by: event.sender, "the round before did not ask again for a root that had been refused",
          because: [Witness(place, "the refusal")])
      }
      importers[side] = Importer(due: importer.refused)
    case .announced:
      guard !importers[1 - side].due.isEmpty, let key = report.leg.key else { return }
      if importers[1 - side].announced.count < Self.capacity { importers[1 - side].announced.insert(key) }
    case .requested:
      if let key = report.leg.key, !importers[side].due.isEmpty { importers[side].due[key] = nil }
    case .refused(_, _, let code):
      guard code != "UNKNOWN-SERVICE", let key = report.leg.key,
        importers[1 - side].refused.count < Self.capacity
      else { return }
      importers[1 - side].refused[key] = Place(event)
    default: break
    }
  }
}

/// CHUM-023: dependencies first.
struct ChildrenBeforeParent: Rule {
  static let info = RuleInfo(
    id: "CHUM-023", alsoDecides: ["CF-054"],
    statement: "When an object is requested, its listed children are known or were requested before.",
    severity: .major, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.childListed, .objectRequested]
  private static let capacity = 50_000
  private var children: [[HashKey: [HashKey]]] = [[:], [:]]
  private var count = [0, 0]
  private var requested: [Set<HashKey>] = [[], []]
  /// Children that count as known because their parent was requested without them.
  private var assumed: [[HashKey: Place]] = [[:], [:]]
  /// A table is full: from here on absence proves nothing.
  private var gaveUp = [false, false]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .childListed(let parent, _, _):
      let importer = 1 - side
      guard !gaveUp[importer], let parent = HashKey(parent), let child = report.leg.key else { return }
      count[importer] += 1
      children[importer][parent, default: []].append(child)
      checkBounds(importer)
    case .objectRequested(let kind, let hash, _):
      guard !gaveUp[side], let key = report.leg.key else { return }
      if let place = assumed[side].removeValue(forKey: key) {
        report.violation(
          at: event, by: event.sender, "child \(hash.prefix(8))… requested after its parent",
          because: [Witness(place, "the request of the parent")])
      }
      requested[side].insert(key)
      if kind == .object || kind == .id, let list = children[side].removeValue(forKey: key) {
        count[side] -= list.count
        for child in list where !requested[side].contains(child) { assumed[side][child] = Place(event) }
      }
      checkBounds(side)
    default: break
    }
  }

  private mutating func checkBounds(_ side: Int) {
    guard count[side] > Self.capacity || requested[side].count > Self.capacity || assumed[side].count > Self.capacity
    else { return }
    gaveUp[side] = true
    children[side] = [:]
    requested[side] = []
    assumed[side] = [:]
  }
}

/// CHUM-084: not with oneself.
struct NotWithOneself: Rule {
  static let info = RuleInfo(
    id: "CHUM-084", alsoDecides: ["PA-020"], statement: "The two ends of a connection are different instances.",
    severity: .minor, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = .peer
  private var instance: [(id: String, place: Witness)?] = [nil, nil]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .peer(.instanceIdObject(let name, let owner)) = event.kind else { return }
    let side = event.side
    let id = name + "\n" + owner
    if let other = instance[1 - side], other.id == id {
      report.violation(
        at: event, by: event.sender, "both ends are instance \(excerpt(name, 40))", because: [other.place])
    }
    instance[side] = (id, Witness(event, "the other instance"))
  }
}
