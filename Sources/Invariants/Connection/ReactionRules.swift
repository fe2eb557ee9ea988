import Trace
import Wire

/// What a side sent wrong in P1–P9, and who owes a reaction.
struct EstablishmentFault: Sendable {
  let place: Witness
  let direction: Direction
  let ids: [String]
  /// True for the faults on which the deployed code closes (connection.md 4.3).
  let isClosedByAll: Bool
}

/// Finds the first fault of P1–P9 on a connection.
struct EstablishmentFaults: Sendable {
  static let interests: EventSet = [.peer, .peerFault, .personProof]
  private var person: [String?] = [nil, nil]
  private var hasSpoken = [false, false]
  private var instances = [false, false]

  mutating func fault(in event: Event, _ leg: LegFacts) -> EstablishmentFault? {
    let side = event.side
    let isFirst = !hasSpoken[side]
    hasSpoken[side] = true
    guard !instances[side] else { return nil }
    func fault(_ text: String, _ ids: [String], closedByAll: Bool = false) -> EstablishmentFault {
      EstablishmentFault(
        place: Witness(event, text), direction: event.direction, ids: ids, isClosedByAll: closedByAll)
    }
    switch event.kind {
    case .peerFault(let failure):
      if isFirst, leg.isInitiator(event) { return fault("the first message", ["PR-036"], closedByAll: true) }
      return fault("the broken message", failure.code == "peer.wrong-object-type" ? ["PR-020"] : ["PR-019"])
    case .peer(.connectionGroup): return nil
    case .peer where isFirst && leg.isInitiator(event):
      return fault("the first message", ["PR-036"], closedByAll: true)
    case .peer(.personIdObject(let email)): person[side] = IdHash.person(email: email)
    case .peer(.keysObject(let owner, _, _)):
      if let known = person[side], known != owner { return fault("keys of another owner", ["PR-006"]) }
    case .peer(.instanceIdObject(_, let owner)):
      instances[side] = true
      if let known = person[side], known != owner { return fault("an instance of another owner", ["PR-017"]) }
    case .personProof(let proof):
      switch (proof.step, proof.outcome) {
      case (.response, .wrong): return fault("the wrong response", ["PR-009"], closedByAll: true)
      case (.response, .notOpened): return fault("the response that does not open", ["PR-037"])
      case (.challenge, .notOpened): return fault("the challenge that does not open", ["PR-010"])
      case (.challenge, .wrong): return fault("the challenge of other than 64 bytes", ["PR-011"])
      default: return nil
      }
    default: break
    }
    return nil
  }
}

/// PR-036 and PR-009: faults on which everybody closes.
struct FaultIsClosed: Rule {
  static let info = RuleInfo(
    id: "PR-036",
    statement:
      "After a first message other than connection_group, or a wrong response, the receiver closes within 2 s.",
    severity: .major, reference: "connection.md 4.3", sight: .decrypted)
  static let interests: EventSet = EstablishmentFaults.interests.union(.closed)
  private var faults = EstablishmentFaults()
  private var fault: EstablishmentFault?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    if case .closed = event.kind {
      judge(event.time, &report)
    } else if let found = faults.fault(in: event, report.leg), fault == nil, found.isClosedByAll {
      fault = found
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    if let fault, now - fault.place.time > 2_200 {
      report.violation(
        at: fault.place, by: fault.direction.opposite.speaker,
        "not closed for \(Int(now - fault.place.time)) ms after this", also: fault.ids.filter { $0 != Self.info.id })
    }
    fault = nil
  }
}

/// PR-019 and its like: faults on which only a safe implementation closes.
struct EveryFaultIsClosed: Rule {
  static let info = RuleInfo(
    id: "PR-019", statement: "After any fault in P3–P9 the receiver closes within 2 s.", severity: .major,
    binding: .strict, reference: "connection.md 4.3", knownDeviation: "connection.md 4.3", sight: .decrypted)
  static let interests: EventSet = EstablishmentFaults.interests.union(.closed)
  private var faults = EstablishmentFaults()
  private var fault: EstablishmentFault?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    if case .closed = event.kind {
      judge(event.time, &report)
    } else if let found = faults.fault(in: event, report.leg), fault == nil, !found.isClosedByAll {
      fault = found
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    if let fault, now - fault.place.time > 2_200 {
      report.violation(
        at: fault.place, by: fault.direction.opposite.speaker,
        "not closed for \(Int(now - fault.place.time)) ms after this", deviation: Self.info.knownDeviation,
        also: fault.ids.filter { $0 != Self.info.id })
    }
    fault = nil
  }
}

/// PR-035: whoever met a fault goes no further.
struct FaultEndsEstablishment: Rule {
  static let info = RuleInfo(
    id: "PR-035",
    statement: "After a fault in P3–P9 the receiver sends nothing more of P3–P9 or behind it.", severity: .critical,
    reference: "connection.md 4.3", sight: .decrypted)
  static let interests: EventSet = EstablishmentFaults.interests.union([.controlText, .requested])
  private var faults = EstablishmentFaults()
  private var fault: EstablishmentFault?
  private var isJudged = false
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard !isJudged else { return }
    if let fault {
      // What was on its way already is no answer.
      guard event.direction != fault.direction, event.time - fault.place.time > 200 else { return }
      isJudged = true
      // Another owner of the instance is not compared by the deployed code (connection.md 4.3, check 5).
      report.violation(
        at: event, by: event.sender, "goes on after the peer's fault", because: [fault.place],
        weight: fault.ids == ["PR-017"] ? .possible : .proven)
    } else {
      fault = faults.fault(in: event, report.leg)
    }
  }
}

/// PR-026: one connection of two keys and a group.
struct OneConnectionIsActive: Rule {
  static let info = RuleInfo(
    id: "PR-026", alsoDecides: ["PR-025"],
    statement: "Of two connections with the same two keys and group chum one is closed within 2 s.", severity: .major,
    reference: "connection.md 4.5", sight: .decrypted, isSessionWide: true)
  static let interests: EventSet = [.encrypted, .peer, .closed, .ended]
  private static let capacity = 50_000
  private struct Leg: Sendable {
    let pair: String
    var isChum = false
    var established: Place?
    var instances = [false, false]
  }
  private var legs: [Int: Leg] = [:]
  /// The youngest established connection of a pair of keys, and since when there are two.
  private var active: [String: Int] = [:]
  private var doubled: [String: (newer: Place, older: Place, olderLeg: Int, newerLeg: Int)] = [:]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .encrypted(let channel):
      // The requester's own connection stands for the relay.
      guard report.role == .requester, let source = channel.source, let target = channel.target,
        legs.count < Self.capacity
      else { return }
      legs[event.leg] = Leg(pair: source < target ? source + target : target + source)
    case .peer(.connectionGroup(let name)): legs[event.leg]?.isChum = name == "chum"
    case .peer(.instanceIdObject): instance(event)
    case .closed, .ended: close(event.leg, event.time, &report)
    default: break
    }
  }

  private mutating func instance(_ event: Event) {
    guard var leg = legs[event.leg], leg.isChum, leg.established == nil else { return }
    leg.instances[event.side] = true
    if leg.instances[0], leg.instances[1] {
      leg.established = Place(event)
      if let other = active[leg.pair], let older = legs[other]?.established, doubled[leg.pair] == nil {
        doubled[leg.pair] = (Place(event), older, other, event.leg)
      }
      active[leg.pair] = event.leg
    }
    legs[event.leg] = leg
  }

  private mutating func close(_ number: Int, _ now: Double, _ report: inout Reporter) {
    guard let leg = legs.removeValue(forKey: number) else { return }
    if let both = doubled[leg.pair], both.olderLeg == number || both.newerLeg == number {
      judge(both.newer, both.older, now, &report)
      doubled[leg.pair] = nil
    }
    if active[leg.pair] == number { active[leg.pair] = nil }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    for (_, both) in doubled.sorted(by: { $0.value.newer.line < $1.value.newer.line }) {
      judge(both.newer, both.older, end.time, &report)
    }
  }

  private func judge(_ newer: Place, _ older: Place, _ now: Double, _ report: inout Reporter) {
    guard now - newer.time > 3_000 else { return }
    report.violation(
      at: newer, by: .remote, "a second connection of the same keys stands for \(Int(now - newer.time)) ms beside it",
      because: [Witness(older, "the first one, \(older.conn)")])
  }
}
