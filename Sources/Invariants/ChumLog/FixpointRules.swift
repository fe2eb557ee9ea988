import Trace
import Wire

/// Rounds of one connection since the last thing that an instance changed by itself, when both ends write logs.
///
/// Bounded: 1,000 connections.
private struct QuietRounds: Sendable {
  private struct Leg: Sendable {
    var rounds = [0, 0]
    /// Rounds that are counted for nothing: something was refused in them.
    var isDisturbed = false
    /// Which change they are counted from.
    var change = 0
  }
  private var legs: [Int: Leg] = [:]
  /// Connections that were judged: one transfer too late is followed by others.
  private var judged: Set<Int> = []
  private(set) var lastChange: Witness?
  private var changes = 0

  mutating func note(_ event: Event, _ report: Reporter) {
    switch event.kind {
    case .logged(let log): if Self.isChange(log.fact) { change(Witness(event, "the last change")) }
    case .roundStarted:
      guard legs[event.leg] != nil || legs.count < 1_000 else { return }
      if legs[event.leg]?.change != changes { legs[event.leg] = Leg(change: changes) }
      legs[event.leg]?.rounds[event.side] += 1
    case .refused, .answerFault, .childrenFault, .invalidChunk: legs[event.leg]?.isDisturbed = true
    case .closed: legs[event.leg] = nil
    default: break
    }
  }

  private mutating func change(_ witness: Witness) {
    lastChange = witness
    changes += 1
  }

  private static func isChange(_ fact: LogFact) -> Bool {
    switch fact {
    case .objectStored(let object): object.viaChum != true && object.status != "exists"
    case .grantCreated(let grant): grant.status != "exists" && grant.status != "refused"
    case .groupChanged, .channelCreated, .topicCreated, .messageAppended, .objectRejected: true
    case .headSet(let head): head.viaChum != true
    default: false
    }
  }

  /// What is transferred whole in a round behind `quiet`, the first on its connection, and the number of the round.
  mutating func transfer(_ event: Event, behind quiet: Int, _ report: Reporter) -> (object: SentObject, round: Int)? {
    guard case .objectSent(let object) = event.kind, !judged.contains(event.leg), object.sha256 == object.hash,
      let round = round(event, importer: 1 - event.side, report), round > quiet
    else { return nil }
    if judged.count < 1_000 { judged.insert(event.leg) }
    return (object, round)
  }

  /// The number of the importer's round since the change; nil when it cannot be told.
  func round(_ event: Event, importer: Int, _ report: Reporter) -> Int? {
    guard let leg = legs[event.leg], leg.change == changes, !leg.isDisturbed,
      !report.leg.remoteIsRecorded || event.side == 0,
      let one = report.leg.persons[0], let other = report.leg.persons[1], report.log.only(one) != nil,
      report.log.only(other) != nil
    else { return nil }
    return leg.rounds[importer]
  }
}

private let roundEvents: EventSet = [
  .logged, .roundStarted, .objectSent, .refused, .answerFault, .childrenFault, .invalidChunk, .closed,
]

/// CHUM-060: after three rounds there is peace.
struct FixpointWithinThreeRounds: Rule {
  static let info = RuleInfo(
    id: "CHUM-060", alsoDecides: ["CF-078"],
    statement: "When nobody changes anything, the third round after the last change transfers nothing.",
    severity: .major, reference: "chum.md 5.5", sight: .decrypted, isSessionWide: true, needsLog: true)
  static let interests: EventSet = roundEvents
  private var rounds = QuietRounds()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    rounds.note(event, report)
    guard let (object, round) = rounds.transfer(event, behind: 3, report) else { return }
    report.violation(
      at: event, by: event.receiver, "\(object.hash.prefix(8))… is transferred in round \(round) after the last change",
      because: rounds.lastChange.map { [$0] } ?? [])
  }
}

/// CHUM-061: after one round there is peace.
struct ImportOffersNothingNew: Rule {
  static let info = RuleInfo(
    id: "CHUM-061", alsoDecides: ["CF-066"],
    statement: "When nobody changes anything, the second round after the last change transfers nothing.",
    severity: .minor, binding: .strict, reference: "chum.md 5.5", knownDeviation: "F3", sight: .decrypted,
    isSessionWide: true, needsLog: true)
  static let interests: EventSet = roundEvents
  private var rounds = QuietRounds()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    rounds.note(event, report)
    guard let (object, round) = rounds.transfer(event, behind: 1, report) else { return }
    let type = object.text.flatMap { MicrodataGlance.type(of: $0) } ?? ""
    report.violation(
      at: event, by: event.sender,
      "\(object.hash.prefix(8))… is offered and transferred in round \(round) after the last change",
      because: rounds.lastChange.map { [$0] } ?? [], deviation: type.hasPrefix("VersionNode") ? "F3" : nil)
  }
}

/// CHUM-062: at rest each has all that the other offers.
struct SetsConverge: Rule {
  static let info = RuleInfo(
    id: "CHUM-062", statement: "When a round has transferred nothing, the importer holds all that was announced.",
    severity: .major, reference: "chum.md 5.5", knownDeviation: "F47", sight: .decrypted, needsLog: true)
  static let interests: EventSet = [.roundStarted, .announced, .objectRequested, .rootsListed, .closed]
  private static let capacity = 50_000
  private struct Importer {
    var list: [HashKey: Place] = [:]
    var isNewList = true
    var asked = 0
    var listedAt = Double.infinity
    var reported = false
  }
  private var importers = [Importer(), Importer()]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .announced:
      if importers[1 - side].isNewList {
        importers[1 - side].isNewList = false
        importers[1 - side].list.removeAll()
      }
      guard let key = report.leg.key, importers[1 - side].list.count < Self.capacity else { return }
      importers[1 - side].list[key] = Place(event)
    case .rootsListed(_, let count):
      if count == 0 { importers[1 - side].list.removeAll() }
      importers[1 - side].isNewList = true
      importers[1 - side].listedAt = event.time
    case .objectRequested: importers[side].asked += 1
    case .roundStarted:
      judge(side, event, &report)
      importers[side].asked = 0
      importers[side].listedAt = .infinity
    case .closed:
      // An importer that has asked for nothing for so long is done with its list.
      for side in 0...1 where event.time - importers[side].listedAt > 250 { judge(side, event, &report) }
    default: break
    }
  }

  private mutating func judge(_ side: Int, _ event: Event, _ report: inout Reporter) {
    guard importers[side].asked == 0, !importers[side].reported,
      let (peer, _) = report.log.parties(side, report.leg), peer.isKnownWhole
    else { return }
    let missing = importers[side].list.filter { peer.known[$0.key] == nil }
    guard let first = missing.min(by: { ($0.value.line, $0.key) < ($1.value.line, $1.key) }) else { return }
    importers[side].reported = true
    report.violation(
      at: event, by: speaker(side),
      "\(peer.name) is at rest without \(missing.count) of \(importers[side].list.count) announced roots, first "
        + "\(first.key.head)…", because: [Witness(first.value, "its announcement")])
  }
}

/// Heads at both ends and what each offers, to compare them when both are at rest.
private struct HeadWatch: Sendable {
  private static let capacity = 20_000
  private struct Leg: Sendable {
    /// By importer: ids of the list at hand, and whether something was asked for in this round.
    var ids: [Set<HashKey>] = [[], []]
    var isNewList = [true, true]
    var asked = [0, 0]
    var rounds = [0, 0]
    /// When the last round began.
    var started = [0.0, 0.0]
    /// Seq of the round that followed a quiet one; 0 when the last one was not quiet.
    var quiet = [0, 0]
    var reported: Set<HashKey> = []
  }
  struct Pair {
    let id: HashKey
    let one: String
    let other: String
    /// The heads are set; where.
    let witness: Witness
    let isBothWays: Bool
    /// The importer, when only the other offers.
    let importer: String
    let importerWroteItself: Bool
  }
  private struct Head: Sendable {
    let data: HashKey
    let witness: Witness
    var isLocal: Bool
  }
  private var legs: [Int: Leg] = [:]
  private var heads: [AtPeer: Head] = [:]
  /// Seq of the last head that was set: rest begins after it.
  private var lastHead = 0

  static let interests: EventSet = [
    .logged, .announced, .rootsListed, .objectRequested, .roundStarted, .closed,
  ]

  /// The ids whose data differ at rest; asked at each start of a round.
  mutating func note(_ event: Event, _ report: Reporter) -> [Pair] {
    let side = event.side
    switch event.kind {
    case .logged(let log):
      guard case .headSet(let head) = log.fact, let id = HashKey(head.idHash),
        let data = head.data.flatMap({ HashKey($0) })
      else { return [] }
      let place = AtPeer(peer: log.peer, key: id)
      guard heads[place] != nil || heads.count < Self.capacity else { return [] }
      let wasLocal = heads[place]?.isLocal == true
      heads[place] = Head(
        data: data, witness: Witness(event, "the head at \(log.peer)"), isLocal: wasLocal || head.viaChum != true)
      lastHead = event.seq
    case .announced(let entry, _):
      guard legs[event.leg] != nil || legs.count < 1_000 else { return [] }
      if legs[event.leg, default: Leg()].isNewList[1 - side] {
        legs[event.leg]?.isNewList[1 - side] = false
        legs[event.leg]?.ids[1 - side] = []
      }
      if case .id = entry, let key = report.leg.key { legs[event.leg]?.ids[1 - side].insert(key) }
    case .rootsListed: legs[event.leg]?.isNewList[1 - side] = true
    case .objectRequested:
      legs[event.leg]?.asked[side] += 1
      legs[event.leg]?.quiet = [0, 0]
    case .roundStarted:
      guard legs[event.leg] != nil || legs.count < 1_000 else { return [] }
      var leg = legs[event.leg] ?? Leg()
      leg.quiet[side] = leg.rounds[side] > 0 && leg.asked[side] == 0 ? event.seq : 0
      leg.asked[side] = 0
      leg.rounds[side] += 1
      leg.started[side] = event.time
      legs[event.leg] = leg
      return leg.quiet.allSatisfy { $0 > lastHead } ? differing(event.leg, report) : []
    case .closed:
      guard let leg = legs[event.leg] else { return [] }
      let isQuiet = (0...1).allSatisfy {
        leg.rounds[$0] > 0 && leg.asked[$0] == 0 && event.time - leg.started[$0] > 250
      }
      let found = isQuiet ? differing(event.leg, report) : []
      legs[event.leg] = nil
      return found
    default: break
    }
    return []
  }

  private mutating func differing(_ number: Int, _ report: Reporter) -> [Pair] {
    // Of a relay that was recorded at both ends, one end speaks.
    guard report.role != .listener || !report.leg.remoteIsRecorded, let leg = legs[number],
      let first = report.leg.persons[0], let second = report.leg.persons[1],
      let one = report.log.only(first), let other = report.log.only(second)
    else { return [] }
    var found: [Pair] = []
    for id in leg.ids[0].union(leg.ids[1]).sorted() where !leg.reported.contains(id) {
      guard let mine = heads[AtPeer(peer: one.name, key: id)], let theirs = heads[AtPeer(peer: other.name, key: id)],
        mine.data != theirs.data
      else { continue }
      legs[number]?.reported.insert(id)
      let importsFirst = leg.ids[0].contains(id)
      found.append(
        Pair(
          id: id, one: one.name, other: other.name, witness: mine.witness,
          isBothWays: leg.ids[0].contains(id) && leg.ids[1].contains(id),
          importer: importsFirst ? one.name : other.name,
          importerWroteItself: importsFirst ? mine.isLocal : theirs.isLocal))
    }
    return found
  }
}

/// CHUM-063: what both offer has one value.
struct ValuesConverge: Rule {
  static let info = RuleInfo(
    id: "CHUM-063", statement: "At rest, the heads of what both sides offer each other have equal data.",
    severity: .critical, reference: "chum.md 5.5", sight: .decrypted, isSessionWide: true, needsLog: true)
  static let interests: EventSet = HeadWatch.interests
  private var watch = HeadWatch()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    for pair in watch.note(event, report) where pair.isBothWays {
      report.violation(
        at: event, by: event.sender,
        "\(pair.one) and \(pair.other) are at rest with different data under the head of \(pair.id.head)…",
        because: [pair.witness])
    }
  }
}

/// CHUM-064: who only receives has the sender's value.
struct OneWayValuesConverge: Rule {
  static let info = RuleInfo(
    id: "CHUM-064", statement: "At rest, what one side only receives has the data of the sender's head.",
    severity: .major, binding: .strict, reference: "chum.md 5.5", knownDeviation: "F2", sight: .decrypted,
    isSessionWide: true, needsLog: true)
  static let interests: EventSet = HeadWatch.interests
  private var watch = HeadWatch()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    for pair in watch.note(event, report) where !pair.isBothWays && !pair.importerWroteItself {
      report.violation(
        at: event, by: event.sender,
        "\(pair.importer) is at rest with other data under the head of \(pair.id.head)… than the sender",
        because: [pair.witness], deviation: "F2")
    }
  }
}
