import Cryptobox
public import Instance
public import InstanceCases
public import Results
public import Wire

/// Turns cases against an instance into the events that every report reads.
public struct InstanceRun {
  public struct Options: Sendable {
    public var profile = Profile.deployed
    public var seed: UInt64 = 1
    /// Patterns with `*` and `?`; empty means all.
    public var filter: [String] = []
    public var failsFast = false
    /// Seconds since 1970.
    public var startedAt = 0.0
    /// ms of real time; asked before and after each case.
    public var clock: @Sendable () -> Double = { 0 }
    /// Planted faults of the embedded target.
    public var defects: Set<Defect> = []
    /// The command that repeats a case, without its filter.
    public var command = "chumgate test instance"
    /// A requirement in the words of the catalogue, by its id.
    public var requirement: @Sendable (String) -> CaseResult.Requirement? = { _ in nil }

    public init() {}

    /// True when a case is asked for by id, target or requirement.
    public func selects(_ id: String, _ requires: [String], _ target: InstanceCase.Target) -> Bool {
      filter.isEmpty
        || filter.contains { pattern in
          ([id, target.rawValue] + requires).contains { Self.matches(pattern[...], $0[...]) }
        }
    }

    private static func matches(_ pattern: Substring, _ text: Substring) -> Bool {
      guard let first = pattern.first else { return text.isEmpty }
      switch first {
      case "*":
        // A run of stars is one star; each position is tried once, so the work is bounded by the lengths' product.
        let rest = pattern.drop { $0 == "*" }
        if rest.isEmpty { return true }
        var tail = text
        while true {
          if matches(rest, tail) { return true }
          if tail.isEmpty { return false }
          tail = tail.dropFirst()
        }
      case "?": return !text.isEmpty && matches(pattern.dropFirst(), text.dropFirst())
      default: return text.first == first && matches(pattern.dropFirst(), text.dropFirst())
      }
    }
  }

  let options: Options
  private(set) var summary = RunSummary()
  private var counts: [Verdict: Int] = [:]

  public init(_ options: Options) { self.options = options }

  /// All cases against our own instance, in process and on a virtual clock.
  public mutating func embedded(_ tell: (RunEvent) -> Void) -> RunSummary {
    let cases = InstanceCatalogue.cases.filter { options.selects($0.id, $0.requires, $0.target) }
    begin("the embedded instance", "in process", cases.count, tell)
    let began = options.clock()
    for target in InstanceCase.Target.allCases {
      let group = cases.filter { $0.target == target }
      if group.isEmpty || summary.wasCutShort { continue }
      beginGroup(target.rawValue, group.count, tell)
      let groupBegan = options.clock()
      for one in group {
        let start = options.clock()
        let (verdict, detail) = embeddedVerdict(one)
        take(
          result(one.id, one.title, one.requires, target, one.binding, verdict, detail, options.clock() - start), tell)
        if options.failsFast, verdict == .fail {
          summary.wasCutShort = true
          break
        }
      }
      endGroup(target.rawValue, options.clock() - groupBegan, tell)
    }
    return end(options.clock() - began, tell)
  }

  /// Hardening is judged by strict in either profile: what a deployed target lacks is a warning.
  private func embeddedVerdict(_ one: InstanceCase) -> (Verdict, String?) {
    var settings = InstanceSettings(profile: options.profile)
    settings.defects = options.defects
    guard options.profile == .deployed, one.binding == .hardening else {
      return Self.verdict(one.outcome(settings: settings, seed: options.seed), one.binding, options.profile)
    }
    let hardened = one.outcome(settings: settings, expects: .strict, seed: options.seed)
    if hardened.isPass { return (.pass, nil) }
    let quirk = one.outcome(settings: settings, expects: .deployed, seed: options.seed)
    if case .failed(let detail) = quirk {
      return (.informational, "neither hardened nor like the deployed one: \(detail)")
    }
    return Self.verdict(hardened, .hardening, .deployed)
  }

  /// What an outcome means for a binding and profile.
  public static func verdict(
    _ outcome: CaseOutcome, _ binding: InstanceCase.Binding, _ profile: Profile
  ) -> (Verdict, String?) {
    guard case .failed(let detail) = outcome else { return (.pass, nil) }
    return (binding == .hardening && profile == .deployed ? .nonStrict : .fail, detail)
  }

  // MARK: Events

  mutating func begin(_ target: String, _ transport: String, _ count: Int, _ tell: (RunEvent) -> Void) {
    tell(
      .started(
        RunInfo(
          subject: "instance", target: target, transport: transport, profile: options.profile.rawValue,
          seed: options.seed, caseCount: count, startedAt: options.startedAt)))
  }

  mutating func beginGroup(_ name: String, _ count: Int, _ tell: (RunEvent) -> Void) {
    counts = [:]
    summary.groups += 1
    tell(.groupStarted(GroupInfo(name: name, title: "Instance as \(name)", caseCount: count)))
  }

  mutating func endGroup(_ name: String, _ time: Double, error: String? = nil, _ tell: (RunEvent) -> Void) {
    if error != nil { summary.groupErrors += 1 }
    tell(.groupEnded(GroupSummary(name: name, counts: counts, error: error, time: time)))
  }

  mutating func take(_ result: CaseResult, _ tell: (RunEvent) -> Void) {
    counts[result.verdict, default: 0] += 1
    summary.counts[result.verdict, default: 0] += 1
    if result.isUnexpected { summary.unexpectedFailures += 1 }
    tell(.result(result))
  }

  mutating func cutShort() { summary.wasCutShort = true }

  mutating func end(_ time: Double, unreachable: String? = nil, _ tell: (RunEvent) -> Void) -> RunSummary {
    summary.time = time
    summary.unreachable = unreachable
    tell(.ended(summary))
    return summary
  }

  func result(
    _ id: String, _ title: String, _ requires: [String], _ target: InstanceCase.Target, _ binding: InstanceCase.Binding,
    _ verdict: Verdict, _ detail: String?, _ time: Double
  ) -> CaseResult {
    var result = CaseResult(
      id: id, title: title, group: target.rawValue, verdict: verdict, behaviour: verdict, close: .pass,
      binds: binding.rawValue, place: "",
      repeatCommand: "\(options.command) --filter '\(id)'")
    result.requirements = requires.map {
      options.requirement($0)
        ?? CaseResult.Requirement(id: $0, level: "", kind: "", severity: "", source: "", text: "")
    }
    if verdict == .pass || verdict == .skipped { result.note = detail } else if let detail { result.faults = [detail] }
    result.time = time
    return result
  }
}
