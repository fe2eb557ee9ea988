import Trace
import Wire
import WireBytes

/// What one importer has got on a connection, by round. Bounded: 100,000 hashes.
struct ArrivalTable {
  private static let capacity = 100_000
  private struct Arrival {
    let round: Int
    let place: Place
  }
  private var arrivals: [HashKey: Arrival] = [:]
  private(set) var round = 0
  /// Groups of version nodes in the list at hand: they are worked at side by side, so that a child may be fetched twice.
  private var groups: Set<HashKey> = []
  private var isNewList = true

  mutating func startRound() {
    round += 1
    isNewList = true
  }

  mutating func announce(_ entry: RootEntry, _ idKey: HashKey?) {
    if isNewList {
      isNewList = false
      groups.removeAll()
    }
    if case .versionNode = entry, let idKey, groups.count < 1_000 { groups.insert(idKey) }
  }

  mutating func arrive(_ object: SentObject, _ key: HashKey, _ event: Event) {
    guard object.sha256 == object.hash, arrivals.count < Self.capacity else { return }
    // What no importer keeps is fetched in every round (decisions.md 14).
    if let text = object.text {
      guard let type = MicrodataGlance.type(of: text), !["Access", "IdAccess", "Group"].contains(type) else { return }
    }
    arrivals[key] = Arrival(round: round, place: Place(event))
  }

  /// Where it came before, when asking again is a repetition.
  func earlier(_ key: HashKey) -> Place? {
    guard let arrival = arrivals[key], arrival.round < round || groups.count < 2 else { return nil }
    return arrival.place
  }
}

/// How much a repetition proves: without the importer's log it may have refused what it got.
private func weight(_ key: HashKey, importer side: Int, _ report: Reporter) -> Weight? {
  guard let (peer, _) = report.log.parties(side, report.leg) else { return .possible }
  return peer.known[key]?.isImported == true ? .proven : nil
}

/// CHUM-021: what is there is not asked for.
struct KnownIsNotRequested: Rule {
  static let info = RuleInfo(
    id: "CHUM-021", statement: "An importer does not request what it already has.", severity: .minor,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.roundStarted, .announced, .objectRequested, .objectSent]
  private var tables = [ArrivalTable(), ArrivalTable()]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .roundStarted: tables[side].startRound()
    case .announced(let entry, _): tables[1 - side].announce(entry, report.leg.idKey)
    case .objectSent(let object):
      if let key = report.leg.key { tables[1 - side].arrive(object, key, event) }
    case .objectRequested(let kind, let hash, _):
      guard let key = report.leg.key, let place = tables[side].earlier(key),
        let weight = weight(key, importer: side, report)
      else { return }
      report.violation(
        at: event, by: event.sender, "\(kind.rawValue) \(hash.prefix(8))… is asked for again, though it came before",
        because: [Witness(place, "its first arrival")], weight: weight)
    default: break
    }
  }
}

/// CHUM-022: nothing travels twice.
struct NothingIsSentTwice: Rule {
  static let info = RuleInfo(
    id: "CHUM-022",
    statement: "No hash is sent twice to the same peer in one session, unless the first attempt failed.",
    severity: .minor, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.roundStarted, .announced, .objectSent]
  private var tables = [ArrivalTable(), ArrivalTable()]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .roundStarted: tables[side].startRound()
    case .announced(let entry, _): tables[1 - side].announce(entry, report.leg.idKey)
    case .objectSent(let object):
      guard let key = report.leg.key else { return }
      if object.sha256 == object.hash, let place = tables[1 - side].earlier(key),
        let weight = weight(key, importer: 1 - side, report)
      {
        report.violation(
          at: event, by: event.receiver,
          "\(object.kind.rawValue) \(object.hash.prefix(8))… is sent a second time, because it was asked for again",
          because: [Witness(place, "the first time")], weight: weight)
      }
      tables[1 - side].arrive(object, key, event)
    default: break
    }
  }
}

/// CHUM-019: each root is fetched, or was there.
struct RootsAreRequestedOrKnown: Rule {
  static let info = RuleInfo(
    id: "CHUM-019", statement: "Each announced root is known to the importer or asked for in the same round.",
    severity: .major, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [
    .roundStarted, .announced, .rootsListed, .requested, .refused, .answerFault, .childrenFault,
  ]
  private static let capacity = 50_000
  private struct Importer {
    var round = 0
    var isNewList = true
    var listed: [HashKey: Place] = [:]
    var asked: Set<HashKey> = []
    /// Passed over in a round that ended well, so it was there.
    var passedOver: [HashKey: Place] = [:]
    var hasFailed = false
    var gaveUp = false
  }
  private var importers = [Importer(), Importer()]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .roundStarted: endRound(side, event, &report)
    case .announced:
      guard !importers[1 - side].gaveUp, let key = report.leg.key else { return }
      if importers[1 - side].listed.count >= Self.capacity { return giveUp(1 - side) }
      importers[1 - side].listed[key] = Place(event)
    case .requested(_, let service, let args):
      guard (4...7).contains(service), let key = report.leg.key, !importers[side].gaveUp else { return }
      if let place = importers[side].passedOver.removeValue(forKey: key) {
        report.violation(
          at: event, by: event.sender,
          "\((args?.first?.string ?? "").prefix(8))… was passed over as known in an earlier round, and is asked for now",
          because: [Witness(place, "its announcement then")])
      }
      if importers[side].asked.count >= Self.capacity { return giveUp(side) }
      importers[side].asked.insert(key)
    case .refused, .answerFault, .childrenFault: importers[1 - side].hasFailed = true
    default: break
    }
  }

  private mutating func endRound(_ side: Int, _ event: Event, _ report: inout Reporter) {
    defer {
      importers[side].listed.removeAll()
      importers[side].hasFailed = false
      importers[side].round += 1
    }
    guard !importers[side].gaveUp, importers[side].round > 0, !importers[side].hasFailed,
      report.leg.openCount(askedBy: side) <= 1
    else { return }
    let whole = report.log.parties(side, report.leg).flatMap { $0.peer.isKnownWhole ? $0.peer : nil }
    let unasked = importers[side].listed.filter { !importers[side].asked.contains($0.key) }
    for (key, place) in unasked.sorted(by: { $0.value.line < $1.value.line }) {
      if let whole, whole.known[key] == nil {
        report.violation(
          at: event, by: event.sender, "\(whole.name) has no \(key.head)…, and the round ended without asking for it",
          because: [Witness(place, "its announcement")])
      } else if importers[side].passedOver.count < Self.capacity {
        importers[side].passedOver[key] = importers[side].passedOver[key] ?? place
      }
    }
  }

  private mutating func giveUp(_ side: Int) {
    importers[side] = Importer()
    importers[side].gaveUp = true
  }
}

/// CHUM-056: a round comes to an end.
struct RoundsEnd: Rule {
  static let info = RuleInfo(
    id: "CHUM-056", statement: "A round ends within ten minutes, or the connection closes.", severity: .major,
    binding: .deployment, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.roundStarted, .responded, .streamEnded, .chunk, .closed]
  private static let limit = 600_000.0
  private var start: [Place?] = [nil, nil]
  private var last = [0.0, 0.0]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .roundStarted:
      judge(side, last[side], &report)
      start[side] = Place(event)
      last[side] = event.time
    case .responded, .streamEnded, .chunk: if report.leg.request != nil { last[1 - side] = event.time }
    case .closed: judgeBoth(event.time, &report)
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judgeBoth(end.time, &report) }

  private mutating func judgeBoth(_ now: Double, _ report: inout Reporter) {
    for side in 0...1 { judge(side, report.leg.openCount(askedBy: side) > 0 ? now : last[side], &report) }
  }

  private mutating func judge(_ side: Int, _ end: Double, _ report: inout Reporter) {
    guard let place = start[side] else { return }
    start[side] = nil
    if end - place.time > Self.limit {
      report.violation(at: place, by: speaker(side), "the round takes \(Int((end - place.time) / 1_000)) s")
    }
  }
}

/// CHUM-059: nothing new, nothing sent.
struct SecondSyncIsEmpty: Rule {
  static let info = RuleInfo(
    id: "CHUM-059", alsoDecides: ["CF-077"],
    statement: "Where only one side offers, a round with the list of the round before transfers nothing.",
    severity: .major, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [
    .roundStarted, .announced, .rootsListed, .objectSent, .refused, .answerFault, .childrenFault, .invalidChunk,
  ]
  private struct Importer {
    /// An order-free digest of the list at hand and of the one before.
    var digest = 0
    var before: Int?
    var list: Witness?
    var hasFailed = false
    var wasGood = false
    var offersNothing = true
    var judged = false
    var isSame: Bool { before == digest && wasGood }
  }
  private var importers = [Importer(), Importer()]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .roundStarted:
      importers[side].wasGood = importers[side].list != nil && !importers[side].hasFailed
      importers[side].before = importers[side].list == nil ? nil : importers[side].digest
      importers[side].digest = 0
      importers[side].hasFailed = false
    case .announced:
      if let key = report.leg.key { importers[1 - side].digest &+= key.hashValue }
      importers[1 - side].offersNothing = false
    case .rootsListed: importers[1 - side].list = Witness(event, "the same list as before")
    case .refused, .answerFault, .childrenFault, .invalidChunk: importers[1 - side].hasFailed = true
    case .objectSent(let object):
      let importer = importers[1 - side]
      if object.sha256 != object.hash { importers[1 - side].hasFailed = true }
      // The other list is what this importer offers itself.
      guard importer.isSame, importers[side].offersNothing, !importer.judged, let key = report.leg.key,
        let weight = weight(key, importer: 1 - side, report)
      else { return }
      importers[1 - side].judged = true
      report.violation(
        at: event, by: event.receiver,
        "\(object.hash.prefix(8))… is transferred in a round whose list is that of the round before",
        because: importer.list.map { [$0] } ?? [], weight: weight)
    default: break
    }
  }
}
