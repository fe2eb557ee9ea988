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
          profile: judge.profile.rawValue, seed: options.seed, caseCount: suite.cases.count, startedAt: options.startedAt)))
    for group in suite.groups {
      if summary.wasCutShort || summary.unreachable != nil { break }
      summary.groups += 1
      run(group, on: &target, emit)
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

  private mutating func run(_ group: CaseGroup, on target: inout some CaseTarget, _ emit: (RunEvent) -> Void) {
    let start = clock.now
    emit(.groupStarted(GroupInfo(name: group.name, title: group.title, caseCount: group.cases.count)))
    var counts: [Verdict: Int] = [:]
    func end(_ error: String?, _ runner: inout Runner) {
      if error != nil { runner.summary.groupErrors += 1 }
      emit(
        .groupEnded(
          GroupSummary(name: group.name, counts: counts, error: error, time: runner.milliseconds(since: start))))
    }
    if let failure = checkSanity(&target) {
      for definition in group.cases {
        let result = judge.skipped(definition, .skipped, "the target failed the sanity exchange before the group")
        record(result, &counts, emit)
      }
      if failure.isUnreachable, results.allSatisfy({ !$0.verdict.hasRun }) { summary.unreachable = failure.text }
      return end("before the group: \(failure.text)", &self)
    }
    var jobs: [CaseJob] = []
    var alone: [CaseJob] = []
    for definition in group.cases {
      if let result = skip(definition, target) {
        record(result, &counts, emit)
      } else if definition.isAlone {
        alone.append(job(definition))
      } else {
        jobs.append(job(definition))
      }
    }
    let batches = (options.failsFast ? jobs.map { [$0] } : [jobs]) + alone.map { [$0] }
    for batch in batches where !batch.isEmpty && !summary.wasCutShort { run(batch, on: &target, &counts, emit) }
    let failure = checkSanity(&target)
    end(failure.map { "after the group: \($0.text)" }, &self)
  }

  private func job(_ definition: Case) -> CaseJob { CaseJob(definition, budget: budget, seed: options.seed) }

  private mutating func run(
    _ jobs: [CaseJob], on target: inout some CaseTarget, _ counts: inout [Verdict: Int], _ emit: (RunEvent) -> Void
  ) {
    var found: [CaseResult?] = jobs.map { _ in nil }
    let start = clock.now
    var last = start
    target.run(jobs) { index, outcome in
      var result = judge.result(jobs[index].definition, outcome)
      result.time = max(0, milliseconds(since: last))
      last = clock.now
      found[index] = result
    }
    var again: [Int] = []
    if options.repeatsFailures, !target.hasVirtualClock {
      again = found.indices.filter { found[$0]?.verdict == .fail || found[$0]?.verdict == .error }
    }
    for index in again {
      target.run([jobs[index]]) { _, outcome in
        let second = judge.result(jobs[index].definition, outcome)
        found[index]?.attempts = 2
        guard let first = found[index], second.verdict != first.verdict else { return }
        found[index]?.verdict = .flaky
        found[index]?.note = "\(first.verdict.rawValue) first, \(second.verdict.rawValue) when repeated"
      }
    }
    for case let result? in found {
      record(result, &counts, emit)
      if options.failsFast, result.isUnexpected { summary.wasCutShort = true }
    }
  }


  private mutating func record(_ result: CaseResult, _ counts: inout [Verdict: Int], _ emit: (RunEvent) -> Void) {
    var result = result
    if result.verdict == .fail || result.verdict == .error,
      let entry = options.expectations?.entry(for: result.id, today: options.today)
    {
      result.expected = entry.reason + (entry.link.map { " (\($0))" } ?? "")
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
      let isUnreachable = outcome.log.contains { $0.text.hasPrefix("cannot connect") } && !outcome.log.contains { $0.text == "connected" }
      return SanityFailure(text: "the target does not answer: expected \(fault.expected), found \(fault.found)", isUnreachable: isUnreachable)
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
    guard case .record(let listener)? = outcome.variables["l"], case .json(let success)? = listener["success"] else { return }
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
