public import Results
import Scenario
import Wire
import WireBytes

public struct RunOptions: Sendable {
  public var seed: UInt64 = 1
  public var failsFast = false
  public var repeatsFailures = true
  /// Protocol time that one case may take on a real clock, in ms.
  public var patience = 45_000.0
  public var expectations: Expectations?
  /// `YYYY-MM-DD`, for expectations.
  public var today = "1970-01-01"
  /// Seconds since 1970, for reports.
  public var startedAt = 0.0
  /// The ids of all cases, selected or not, so that a mistyped expectation is told from one that is not selected.
  public var knownIDs: [String] = []
  public init() {}
}

/// Runs a suite against a target and tells everything as events.
public struct Runner {
  private let suite: Suite
  private let judge: Judge
  private let options: RunOptions
  private let clock = ContinuousClock()
  private static let waveWidth = 4
  private var summary = RunSummary()
  private var results: [CaseResult] = []
  private var budget = Budget.virtual
  /// ms that the sanity exchange may take; less once a target has been mute.
  private var sanityTime = 2_500.0
  private var learnt: [String: Value] = [:]

  public init(_ suite: Suite, judge: Judge, options: RunOptions) {
    self.suite = suite
    self.judge = judge
    self.options = options
  }

  public mutating func run(on target: inout some CaseTarget, emit: (RunEvent) -> Void) -> RunSummary {
    let start = clock.now
    emit(
      .started(
        RunInfo(
          subject: target.role.rawValue, target: target.name, transport: target.transport,
          profile: judge.profile.rawValue, seed: options.seed, caseCount: suite.cases.count,
          startedAt: options.startedAt)))
    let width = target.hasVirtualClock || options.failsFast ? 1 : Self.waveWidth
    var rest = suite.groups[...]
    while !rest.isEmpty, !summary.wasCutShort, summary.unreachable == nil {
      run(Array(rest.prefix(width)), on: &target, emit)
      rest = rest.dropFirst(width)
    }
    if let expectations = options.expectations, !summary.wasCutShort, summary.unreachable == nil {
      summary.stale = expectations.stale(results, known: options.knownIDs, today: options.today)
    }
    summary.time = milliseconds(since: start)
    emit(.ended(summary))
    return summary
  }

  private func milliseconds(since start: ContinuousClock.Instant) -> Double {
    let time = start.duration(to: clock.now)
    return Double(time.components.seconds) * 1_000 + Double(time.components.attoseconds) / 1e15
  }

  // MARK: Groups

  /// Groups that are run side by side: their cases wait together, which on a real clock is most of what they do.
  private struct Wave {
    var groups: [CaseGroup]
    var errors: [String?]
    var results: [[CaseResult?]]
    var jobs: [(group: Int, index: Int, job: CaseJob)] = []

    init(_ groups: [CaseGroup]) {
      self.groups = groups
      errors = groups.map { _ in nil }
      results = groups.map { $0.cases.map { _ in nil } }
    }
  }

  private mutating func run(_ groups: [CaseGroup], on target: inout some CaseTarget, _ emit: (RunEvent) -> Void) {
    let start = clock.now
    var wave = Wave(groups)
    for position in wave.groups.indices {
      if let failure = checkSanity(&target) {
        wave.errors[position] = "before the group: \(failure.text)"
        wave.results[position] = wave.groups[position].cases.map {
          judge.skipped($0, .skipped, "the target failed the sanity exchange before the group")
        }
        if failure.isUnreachable, summary.ran == 0 {
          summary.unreachable = failure.text
          break
        }
      } else {
        prepare(position, &wave, target)
      }
    }
    let crowd = wave.jobs.filter { !$0.job.definition.isAlone }
    let batches =
      (options.failsFast ? crowd.map { [$0] } : [crowd]) + wave.jobs.filter(\.job.definition.isAlone).map { [$0] }
    for batch in batches where !batch.isEmpty && !summary.wasCutShort { run(batch, &wave, on: &target) }
    let time = milliseconds(since: start)
    for position in wave.groups.indices where summary.unreachable == nil {
      if wave.errors[position] == nil, !summary.wasCutShort, let failure = checkSanity(&target) {
        wave.errors[position] = "after the group: \(failure.text)"
      }
      tell(wave, position, time, emit)
    }
  }

  private mutating func tell(_ wave: Wave, _ position: Int, _ time: Double, _ emit: (RunEvent) -> Void) {
    let group = wave.groups[position]
    summary.groups += 1
    emit(.groupStarted(GroupInfo(name: group.name, title: group.title, caseCount: group.cases.count)))
    var counts: [Verdict: Int] = [:]
    for case let result? in wave.results[position] { record(result, &counts, emit) }
    if wave.errors[position] != nil { summary.groupErrors += 1 }
    emit(.groupEnded(GroupSummary(name: group.name, counts: counts, error: wave.errors[position], time: time)))
  }

  private func prepare(_ position: Int, _ wave: inout Wave, _ target: some CaseTarget) {
    for (index, definition) in wave.groups[position].cases.enumerated() {
      if let result = skip(definition, target) {
        wave.results[position][index] = result
      } else {
        let isHopeless = definition.binds == .hardening && judge.profile == .deployed
        let budget = isHopeless ? target.hastyBudget ?? budget : budget
        wave.jobs.append((position, index, CaseJob(definition, budget: budget, seed: options.seed)))
      }
    }
  }

  private mutating func run(
    _ batch: [(group: Int, index: Int, job: CaseJob)], _ wave: inout Wave, on target: inout some CaseTarget
  ) {
    var found: [CaseResult?] = batch.map { _ in nil }
    var last = clock.now
    let isVirtual = target.hasVirtualClock
    target.run(batch.map(\.job)) { index, outcome in
      var result = judge.result(batch[index].job.definition, outcome)
      result.time = isVirtual ? max(0, milliseconds(since: last)) : outcome.duration
      last = clock.now
      found[index] = result
    }
    if options.repeatsFailures, !isVirtual { again(batch.map(\.job), &found, on: &target) }
    for (position, result) in found.enumerated() {
      wave.results[batch[position].group][batch[position].index] = result
      if options.failsFast, result?.isUnexpected == true { summary.wasCutShort = true }
    }
  }

  /// Does what failed once more; what then passes is flaky.
  private func again(_ jobs: [CaseJob], _ found: inout [CaseResult?], on target: inout some CaseTarget) {
    let failed = found.indices.filter { found[$0]?.verdict == .fail || found[$0]?.verdict == .error }
    // A target that fails most of its cases is broken and not flaky; nothing is learnt from doing them all again.
    guard !failed.isEmpty, failed.count * 2 <= jobs.count || jobs.count <= 4 else { return }
    var second: [CaseResult?] = failed.map { _ in nil }
    target.run(failed.map { jobs[$0] }) { second[$0] = judge.result(jobs[failed[$0]].definition, $1) }
    for (position, index) in failed.enumerated() {
      found[index]?.attempts = 2
      guard let first = found[index], let again = second[position], again.verdict != first.verdict else { continue }
      found[index]?.verdict = .flaky
      found[index]?.note = "\(first.verdict.rawValue) first, \(again.verdict.rawValue) when repeated"
    }
  }

  private mutating func record(_ result: CaseResult, _ counts: inout [Verdict: Int], _ emit: (RunEvent) -> Void) {
    var result = result
    if result.verdict == .fail || result.verdict == .error,
      let entry = options.expectations?.entry(for: result.id, today: options.today)
    {
      result.expected = entry.reason + (entry.link.map { " (\($0))" } ?? "")
      // An expired entry still says what this is; that it has expired is told on its own, with exit code 5.
      if let day = entry.expires, day <= options.today { result.expected? += ", expected until \(day)" }
      summary.expectedFailures += 1
    } else if result.isUnexpected {
      summary.unexpectedFailures += 1
    }
    counts[result.verdict, default: 0] += 1
    summary.counts[result.verdict, default: 0] += 1
    results.append(result)
    emit(.result(result))
  }

  // MARK: What is not run

  private func skip(_ definition: Case, _ target: some CaseTarget) -> CaseResult? {
    guard definition.profiles.contains(judge.profile.rawValue) else {
      return judge.skipped(definition, .skipped, "not judged in profile \(judge.profile.rawValue)")
    }
    if let needed = definition.needsExtension, !offers(needed, target) {
      return judge.skipped(definition, .unsupported, "the target does not offer \(needed)")
    }
    if definition.usesTarget, !target.takesCommands {
      return judge.skipped(definition, .unsupported, "needs a target that the gate itself runs")
    }
    guard !target.hasVirtualClock, let takes = definition.takes else { return nil }
    var evaluator = Evaluator(seed: 0, name: "")
    for (name, value) in target.facts { evaluator.set(name, value) }
    for variable in definition.variables { evaluator.define(variable.name, row: variable.value) }
    guard let time = try? evaluator.number(takes, "takes"), time > options.patience else { return nil }
    let seconds = JSONText.number((time / 100).rounded() / 10)
    return judge.skipped(definition, .skipped, "takes \(seconds) s of the target's time; --patience allows less")
  }

  private func offers(_ name: String, _ target: some CaseTarget) -> Bool {
    name == "invitation/1" && target.facts["invitations"] == .truth(true)
  }

  // MARK: Sanity

  private struct SanityFailure {
    let text: String
    let isUnreachable: Bool
  }

  private mutating func checkSanity(_ target: inout some CaseTarget) -> SanityFailure? {
    guard let exchange = try? Sanity.exchange(target.role) else {
      return SanityFailure(text: "no sanity exchange for a \(target.role.rawValue)", isUnreachable: false)
    }
    var allowed = Budget.virtual
    if !target.hasVirtualClock {
      (allowed.answer, allowed.close) = (sanityTime, sanityTime)
      (allowed.toleranceShare, allowed.toleranceLeast) = (0.1, 500)
    }
    var outcome = CaseOutcome()
    target.run([CaseJob(exchange, budget: allowed, seed: options.seed)]) { outcome = $1 }
    if let fault = outcome.error ?? outcome.behaviour ?? outcome.close {
      sanityTime = min(sanityTime, 1_000)
      let isUnreachable =
        outcome.log.contains { $0.text.hasPrefix("cannot connect") } && !outcome.log.contains { $0.text == "connected" }
      return SanityFailure(
        text: "the target does not answer: expected \(fault.expected), found \(fault.found)",
        isUnreachable: isUnreachable)
    }
    if !target.hasVirtualClock {
      learn(outcome.duration)
      if let fixed = target.fixedBudget { budget = fixed }
      learn(outcome, &target)
    }
    return nil
  }

  /// What the target said in the sanity exchange: its ping interval and its extensions.
  private func learn(_ outcome: CaseOutcome, _ target: inout some CaseTarget) {
    guard case .record(let listener)? = outcome.variables["l"], case .json(let success)? = listener["success"] else {
      return
    }
    var found: [String: Value] = [:]
    if let interval = success["pingInterval"]?.number { found["pingInterval"] = .number(interval) }
    found["invitations"] = .truth(success["extensions"]?.array?.contains("invitation/1") ?? false)
    target.learn(found)
  }

  /// The sanity exchange makes some ten round trips; its time tells how patient cases have to be.
  private mutating func learn(_ duration: Double) {
    let trip = max(0.2, duration / 10)
    var learnt = Budget()
    learnt.answer = min(5_000, max(1_000, 60 * trip))
    learnt.close = 2_000 + 4 * trip
    learnt.settle = min(500, max(15, 4 * trip))
    (learnt.toleranceShare, learnt.toleranceLeast) = (0.1, 500)
    budget = learnt
  }
}
