public import Trace
import Wire

/// Runs a set of rules over an event stream; memory follows the number of open connections, not the stream's length.
public struct RuleEngine {
  /// Findings beyond this many are only counted.
  public static let keptFindings = 10_000

  /// What is watched of one connection; a class, so that monitors change in place.
  private final class Leg {
    var monitors: [(any Rule)?]
    var remoteIsRecorded = false
    var role = LegRole.undecided
    var clientClosed = false
    var serverClosed = false

    init(ruleCount: Int) { monitors = [(any Rule)?](repeating: nil, count: ruleCount) }
  }

  private let rules: [any Rule.Type]
  private let infos: [RuleInfo]
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
  public var ruleInfos: [RuleInfo] { infos }

  public init(rules: [any Rule.Type] = RuleBook.all, facts: SessionFacts) {
    self.rules = rules
    infos = rules.map { $0.info }
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
      var reporter = Reporter(rule: infos[position], remoteIsRecorded: false, role: .undecided)
      if sessionMonitors[position] == nil { sessionMonitors[position] = rules[position].init(facts) }
      sessionMonitors[position]?.observe(event, &reporter)
      keep(reporter.findings)
    }
    noteRole(event)
    let interested = legInterests[ordinal]
    if !interested.isEmpty { wake(interested, leg(event.leg), event) }
    if case .closed = event.kind { noteClose(event) }
  }

  /// Ends the watch over everything still open.
  public mutating func finish() {
    for number in legs.keys.sorted() { retire(number, closed: false) }
    for position in rules.indices {
      guard var monitor = sessionMonitors[position] else { continue }
      var reporter = Reporter(rule: infos[position], remoteIsRecorded: false, role: .undecided)
      monitor.finish(EndOfWatch(time: lastTime, closed: false), &reporter)
      sessionMonitors[position] = nil
      keep(reporter.findings)
    }
    findings.sort { ($0.line, $0.rule.id) < ($1.line, $1.rule.id) }
  }

  private mutating func leg(_ number: Int) -> Leg {
    if let leg = legs[number] { return leg }
    let leg = Leg(ruleCount: rules.count)
    legs[number] = leg
    return leg
  }

  private mutating func wake(_ positions: [Int], _ leg: Leg, _ event: Event) {
    for position in positions {
      wakeCounts[position] += 1
      var reporter = Reporter(rule: infos[position], remoteIsRecorded: leg.remoteIsRecorded, role: leg.role)
      if leg.monitors[position] == nil { leg.monitors[position] = rules[position].init(facts) }
      leg.monitors[position]?.observe(event, &reporter)
      if !reporter.findings.isEmpty { keep(reporter.findings) }
    }
  }

  private mutating func noteRole(_ event: Event) {
    switch event.kind {
    case .server(.register) where event.direction == .fromClient: decide(event.leg, .listener)
    case .server(.communicationRequest) where event.direction == .fromClient: decide(event.leg, .requester)
    case .spliced(let requester):
      leg(event.leg).remoteIsRecorded = true
      leg(requester).remoteIsRecorded = true
    default: break
    }
  }

  private mutating func decide(_ number: Int, _ role: LegRole) {
    let leg = leg(number)
    if leg.role == .undecided { leg.role = role }
  }

  /// A connection is over when both sides have said so, or when the socket is gone.
  private mutating func noteClose(_ event: Event) {
    guard case .closed(let code, _, _) = event.kind, let leg = legs[event.leg] else { return }
    if event.direction == .fromClient { leg.clientClosed = true } else { leg.serverClosed = true }
    if leg.clientClosed && leg.serverClosed || code == 1006 { retire(event.leg, closed: true) }
  }

  private mutating func retire(_ number: Int, closed: Bool) {
    guard let leg = legs.removeValue(forKey: number) else { return }
    for position in rules.indices {
      guard var monitor = leg.monitors[position] else { continue }
      var reporter = Reporter(
        rule: infos[position], remoteIsRecorded: leg.remoteIsRecorded, role: leg.role)
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
