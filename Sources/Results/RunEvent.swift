/// What a run tells, in order; every report is a consumer of these and of nothing else.
public enum RunEvent: Sendable, Equatable {
  case started(RunInfo)
  case groupStarted(GroupInfo)
  case result(CaseResult)
  case groupEnded(GroupSummary)
  case ended(RunSummary)
}

public struct RunInfo: Sendable, Equatable {
  /// What runs: `server`, `listener`, `replay` …
  public var subject: String
  /// What is under test, as a person calls it.
  public var target: String
  public var transport: String
  public var profile: String
  public var seed: UInt64
  public var caseCount: Int
  /// Seconds since 1970.
  public var startedAt: Double

  public init(
    subject: String, target: String, transport: String, profile: String, seed: UInt64, caseCount: Int, startedAt: Double
  ) {
    self.subject = subject
    self.target = target
    self.transport = transport
    self.profile = profile
    self.seed = seed
    self.caseCount = caseCount
    self.startedAt = startedAt
  }
}

public struct GroupInfo: Sendable, Equatable {
  public var name: String
  public var title: String
  public var caseCount: Int
  /// Lines that stand above the results, such as the diagnosis of a session.
  public var notes: [String]

  public init(name: String, title: String, caseCount: Int, notes: [String] = []) {
    self.name = name
    self.title = title
    self.caseCount = caseCount
    self.notes = notes
  }
}

public struct GroupSummary: Sendable, Equatable {
  public var name: String
  public var counts: [Verdict: Int]
  /// The target failed the sanity exchange before or after the group.
  public var error: String?
  /// ms of real time.
  public var time: Double

  public init(name: String, counts: [Verdict: Int], error: String?, time: Double) {
    self.name = name
    self.counts = counts
    self.error = error
    self.time = time
  }
}

/// An entry of the expectations file that is no longer right.
public struct StaleExpectation: Sendable, Equatable {
  public enum Reason: String, Sendable {
    case noLongerFails = "no longer fails"
    case expired
    case unknownCase = "there is no such case"
  }
  public var id: String
  public var reason: Reason
  public var place: String

  public init(id: String, reason: Reason, place: String) {
    self.id = id
    self.reason = reason
    self.place = place
  }
}

public struct RunSummary: Sendable, Equatable {
  public var counts: [Verdict: Int] = [:]
  /// Failures that the expectations file explains.
  public var expectedFailures = 0
  public var unexpectedFailures = 0
  public var groupErrors = 0
  public var groups = 0
  public var stale: [StaleExpectation] = []
  /// Why nothing could be run at all.
  public var unreachable: String?
  /// ms of real time.
  public var time = 0.0
  public var wasCutShort = false

  public init() {}

  public func count(_ verdict: Verdict) -> Int { counts[verdict] ?? 0 }
  public var ran: Int { counts.reduce(0) { $0 + ($1.key.hasRun ? $1.value : 0) } }

  /// The exit code of the house (design.md).
  public var exitCode: Int32 {
    if unreachable != nil { return 3 }
    if ran == 0 { return groupErrors > 0 ? 3 : 4 }
    if unexpectedFailures > 0 || groupErrors > 0 { return 1 }
    if !stale.isEmpty { return 5 }
    if count(.flaky) > 0 { return 7 }
    return 0
  }
}
