public import Results

/// Several runs as one, so that a gate has one report: groups keep their order and are called `run: group`.
public struct RunMerger {
  private var label = ""
  private var command = ""
  private var summary = RunSummary()

  public init() {}

  /// What goes before all runs; `transport` names the ways of all of them.
  public func begin(
    subject: String, target: String, transport: String, profile: String, seed: UInt64, caseCount: Int,
    startedAt: Double
  ) -> RunEvent {
    .started(
      RunInfo(
        subject: subject, target: target, transport: transport, profile: profile, seed: seed, caseCount: caseCount,
        startedAt: startedAt))
  }

  /// The events of one run, without its beginning and end; nil for those.
  public mutating func take(_ event: RunEvent, label: String) -> RunEvent? {
    switch event {
    case .started: return nil
    case .groupStarted(var info):
      info.name = "\(label): \(info.name)"
      return .groupStarted(info)
    case .result(var result):
      result.group = "\(label): \(result.group)"
      // One case is run in several ways; in a report each needs a name of its own.
      result.id = "\(label): \(result.id)"
      return .result(result)
    case .groupEnded(var group):
      group.name = "\(label): \(group.name)"
      return .groupEnded(group)
    case .ended(let part):
      for (verdict, count) in part.counts { summary.counts[verdict, default: 0] += count }
      summary.expectedFailures += part.expectedFailures
      summary.unexpectedFailures += part.unexpectedFailures
      summary.groupErrors += part.groupErrors
      summary.groups += part.groups
      summary.stale += part.stale
      summary.time += part.time
      if summary.unreachable == nil { summary.unreachable = part.unreachable }
      return nil
    }
  }

  /// What goes behind all runs.
  public func end() -> RunSummary { summary }
}
