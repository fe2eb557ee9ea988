public import Trace

/// Runs a set of rules over an event stream; memory follows the number of open connections, not the stream's length.
public struct RuleEngine: Sendable {
  /// Findings beyond this many are only counted.
  public static let keptFindings = 10_000

  private struct Leg: Sendable {
    var monitors: [(any Rule)?]
    var remoteIsRecorded = false
    var role = LegRole.undecided
    var clientClosed = false
    var serverClosed = false
  }

  private let rules: [any Rule.Type]
  private let facts: SessionFacts
  /// For each kind of event, the positions of the rules of scope leg that look at it.
  private let legInterests: [[Int]]
  private let sessionInterests: [[Int]]
  private var legs: [Int: Leg] = [:]
  private var sessionMonitors: [(any Rule)?]
  private var lastTime = 0.0

  public private(set) var findings: [Finding] = []
  public private(set) var droppedFindings = 0
  public private(set) var eventCount = 0
  /// How often each rule was woken, by position in `ruleInfos`: zero means that the session gave it nothing to see.
  public private(set) var wakeCounts: [Int]
  public var ruleInfos: [RuleInfo] { rules.map { $0.info } }

  public init(rules: [any Rule.Type] = RuleBook.all, facts: SessionFacts) {
    self.rules = rules
    self.facts = facts
    var legInterests = [[Int]](repeating: [], count: EventSet.count)
    var sessionInterests = legInterests
    for (position, rule) in rules.enumerated() {
      for ordinal in 0..<EventSet.count where rule.interests.rawValue >> UInt64(ordinal) & 1 == 1 {
        if rule.scope == .leg {
          legInterests[ordinal].append(position)
        } else {
          sessionInterests[ordinal].append(position)
        }
      }
    }
    self.legInterests = legInterests
    self.sessionInterests = sessionInterests
    sessionMonitors = [(any Rule)?](repeating: nil, count: rules.count)
    wakeCounts = [Int](repeating: 0, count: rules.count)
  }

  public mutating func observe(_ event: Event) {
    eventCount += 1
    lastTime = event.time
    let ordinal = event.kind.ordinal
    for position in sessionInterests[ordinal] {
      wakeCounts[position] += 1
      var reporter = Reporter(rule: rules[position].info, remoteIsRecorded: false, role: .undecided)
      if sessionMonitors[position] == nil { sessionMonitors[position] = rules[position].init(facts) }
      sessionMonitors[position]?.observe(event, &reporter)
      keep(reporter.findings)
    }
    noteRole(event)
    let interested = legInterests[ordinal]
    if !interested.isEmpty { wake(interested, event) }
    if case .closed = event.kind { noteClose(event) }
  }

  /// Ends the watch over everything still open.
  public mutating func finish() {
    for number in legs.keys.sorted() { retire(number, closed: false) }
    for position in rules.indices {
      guard var monitor = sessionMonitors[position] else { continue }
      var reporter = Reporter(rule: rules[position].info, remoteIsRecorded: false, role: .undecided)
      monitor.finish(EndOfWatch(time: lastTime, closed: false), &reporter)
      sessionMonitors[position] = nil
      keep(reporter.findings)
    }
    findings.sort { ($0.line, $0.rule.id) < ($1.line, $1.rule.id) }
  }

  private mutating func wake(_ positions: [Int], _ event: Event) {
    let number = event.leg
    for position in positions {
      wakeCounts[position] += 1
      let leg = legs[number]
      var reporter = Reporter(
        rule: rules[position].info, remoteIsRecorded: leg?.remoteIsRecorded ?? false, role: leg?.role ?? .undecided)
      if legs[number]?.monitors[position] == nil {
        legs[number, default: emptyLeg()].monitors[position] = rules[position].init(facts)
      }
      legs[number]?.monitors[position]?.observe(event, &reporter)
      if !reporter.findings.isEmpty { keep(reporter.findings) }
    }
  }

  private func emptyLeg() -> Leg { Leg(monitors: [(any Rule)?](repeating: nil, count: rules.count)) }

  private mutating func noteRole(_ event: Event) {
    switch event.kind {
    case .opened where event.direction == .fromClient: legs[event.leg, default: emptyLeg()].role = .undecided
    case .server(.register) where event.direction == .fromClient:
      if legs[event.leg]?.role ?? .undecided == .undecided { legs[event.leg, default: emptyLeg()].role = .listener }
    case .server(.communicationRequest) where event.direction == .fromClient:
      if legs[event.leg]?.role ?? .undecided == .undecided { legs[event.leg, default: emptyLeg()].role = .requester }
    case .spliced(let requester):
      legs[event.leg, default: emptyLeg()].remoteIsRecorded = true
      legs[requester, default: emptyLeg()].remoteIsRecorded = true
    default: break
    }
  }

  /// A connection is over when both sides have said so, or when the socket is gone.
  private mutating func noteClose(_ event: Event) {
    guard case .closed(let code, _, _) = event.kind, legs[event.leg] != nil else { return }
    if event.direction == .fromClient {
      legs[event.leg]?.clientClosed = true
    } else {
      legs[event.leg]?.serverClosed = true
    }
    guard let leg = legs[event.leg] else { return }
    if leg.clientClosed && leg.serverClosed || code == 1006 { retire(event.leg, closed: true) }
  }

  private mutating func retire(_ number: Int, closed: Bool) {
    guard let leg = legs.removeValue(forKey: number) else { return }
    for position in rules.indices {
      guard var monitor = leg.monitors[position] else { continue }
      var reporter = Reporter(
        rule: rules[position].info, remoteIsRecorded: leg.remoteIsRecorded, role: leg.role)
      monitor.finish(EndOfWatch(time: lastTime, closed: closed), &reporter)
      keep(reporter.findings)
    }
  }

  private mutating func keep(_ new: [Finding]) {
    for finding in new {
      if findings.count < Self.keptFindings { findings.append(finding) } else { droppedFindings += 1 }
    }
  }
}
