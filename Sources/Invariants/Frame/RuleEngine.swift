public import Trace
import Wire

/// Runs a set of rules over an event stream; memory follows the number of open connections, not the stream's length.
public struct RuleEngine {
  /// Findings beyond this many are only counted.
  public static let keptFindings = 10_000

  /// What is watched of one connection; a class, so that monitors change in place.
  private final class Leg {
    let facts = LegFacts()
    /// Where a rule's monitor stands in `monitors`; −1 while the rule slept. Idle connections cost little this way.
    var slots: [Int16]
    var monitors: [any Rule] = []

    init(ruleCount: Int) { slots = [Int16](repeating: -1, count: ruleCount) }
  }

  private let rules: [any Rule.Type]
  private let infos: [RuleInfo]
  private let facts: SessionFacts
  /// For each kind of event, the positions of the rules of scope leg that look at it.
  private let legInterests: [[Int]]
  private let sessionInterests: [[Int]]
  /// The same without the rules that need a log, for as long as there is none.
  private let wireLegInterests: [[Int]]
  private let wireSessionInterests: [[Int]]
  private let log = LogFacts()
  private var legs: [Int: Leg] = [:]
  /// The connection of the last event: most events come in runs.
  private var recent: (number: Int, leg: Leg)?
  private var sessionMonitors: [(any Rule)?]
  private var lastTime = 0.0

  public private(set) var findings: [Finding] = []
  public private(set) var droppedFindings = 0
  public private(set) var eventCount = 0
  /// How often each kind of event came; what a rule looks at follows from it.
  private var kindCounts = [Int](repeating: 0, count: EventSet.count)
  public var ruleInfos: [RuleInfo] { infos }
  /// Connections under watch.
  public var openLegs: Int { legs.count }

  /// How often each rule was woken, by position in `ruleInfos`: zero means that the session gave it nothing to see.
  public var wakeCounts: [Int] {
    rules.map { rule in
      if rule.info.needsLog, !log.isActive { return 0 }
      return (0..<EventSet.count).reduce(0) {
        $0 + (rule.interests.rawValue >> UInt64($1) & 1 == 1 ? kindCounts[$1] : 0)
      }
    }
  }

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
    wireLegInterests = legInterests.map { $0.filter { !rules[$0].info.needsLog } }
    wireSessionInterests = sessionInterests.map { $0.filter { !rules[$0].info.needsLog } }
    sessionMonitors = [(any Rule)?](repeating: nil, count: rules.count)
  }

  public mutating func observe(_ event: Event) {
    eventCount += 1
    if event.time > lastTime { lastTime = event.time }
    let ordinal = event.kind.ordinal
    kindCounts[ordinal] += 1
    if case .ended = event.kind { return retire(event.leg) }
    let leg = leg(event.leg)
    leg.facts.note(event)
    if case .spliced(let requester, _) = event.kind {
      leg.facts.remoteIsRecorded = true
      // A requester that is gone already needs no mark, and must not come back as an empty watch.
      legs[requester]?.facts.remoteIsRecorded = true
    }
    if case .logged(let logged) = event.kind { log.note(logged, event, leg.facts) }
    if log.isActive {
      if leg.facts.offer == nil { leg.facts.offer = OfferFacts() }
      leg.facts.offer?.note(event, leg.facts)
    }
    guard !infos.isEmpty else { return }
    var reporter = Reporter(leg: leg.facts, log: log, rules: infos, position: 0)
    for position in log.isActive ? sessionInterests[ordinal] : wireSessionInterests[ordinal] {
      reporter.position = position
      if sessionMonitors[position] == nil { sessionMonitors[position] = rules[position].init(facts) }
      sessionMonitors[position]?.observe(event, &reporter)
    }
    for position in log.isActive ? legInterests[ordinal] : wireLegInterests[ordinal] {
      reporter.position = position
      if leg.slots[position] < 0 {
        leg.slots[position] = Int16(leg.monitors.count)
        leg.monitors.append(rules[position].init(facts))
      }
      leg.monitors[Int(leg.slots[position])].observe(event, &reporter)
    }
    if !reporter.findings.isEmpty { keep(reporter.findings) }
    if leg.facts.isOver { retire(event.leg) }
  }

  /// Ends the watch over everything still open.
  public mutating func finish() {
    for number in legs.keys.sorted() { retire(number) }
    let nowhere = LegFacts()
    for position in rules.indices {
      guard var monitor = sessionMonitors[position] else { continue }
      var reporter = Reporter(leg: nowhere, log: log, rules: infos, position: position)
      monitor.finish(EndOfWatch(time: lastTime, closed: false), &reporter)
      sessionMonitors[position] = nil
      keep(reporter.findings)
    }
    findings.sort { ($0.line, $0.rule.id) < ($1.line, $1.rule.id) }
  }

  private mutating func leg(_ number: Int) -> Leg {
    if let recent, recent.number == number { return recent.leg }
    let leg = legs[number] ?? Leg(ruleCount: rules.count)
    legs[number] = leg
    recent = (number, leg)
    return leg
  }

  /// A connection is over when both sides have said so, or when its reader gives it up.
  private mutating func retire(_ number: Int) {
    if recent?.number == number { recent = nil }
    guard let leg = legs.removeValue(forKey: number) else { return }
    let end = EndOfWatch(time: lastTime, closed: leg.facts.hasClosed)
    for position in rules.indices where leg.slots[position] >= 0 {
      var reporter = Reporter(leg: leg.facts, log: log, rules: infos, position: position)
      leg.monitors[Int(leg.slots[position])].finish(end, &reporter)
      if !reporter.findings.isEmpty { keep(reporter.findings) }
    }
  }

  private mutating func keep(_ new: [Finding]) {
    for finding in new {
      if findings.count < Self.keptFindings { findings.append(finding) } else { droppedFindings += 1 }
    }
  }
}
