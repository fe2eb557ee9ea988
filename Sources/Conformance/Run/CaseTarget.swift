public import Scenario

/// A case that is to be run, with everything it needs to be run the same way again.
public struct CaseJob: Sendable {
  public let definition: Case
  public let budget: Budget
  public let seed: UInt64

  public init(_ definition: Case, budget: Budget, seed: UInt64) {
    self.definition = definition
    self.budget = budget
    self.seed = seed
  }
}

/// Something under test, reached somehow.
public protocol CaseTarget {
  /// As a person calls it.
  var name: String { get }
  /// `in process`, `loopback`, `network`.
  var transport: String { get }
  var role: TargetRole { get }
  /// True when time is simulated: waiting costs nothing, and the same seed gives the same bytes.
  var hasVirtualClock: Bool { get }
  /// True when the gate itself runs the target and can command it.
  var takesCommands: Bool { get }
  /// What is known of the target, as variables of the scenario language.
  var facts: [String: Value] { get }
  /// The arguments that name this target on the command line, for the command that repeats a case.
  var arguments: [String] { get }
  /// The budget of a target whose speed is known; nil to learn it.
  var fixedBudget: Budget? { get }
  /// The budget of cases that the target is expected not to pass; nil for the same as all others.
  var hastyBudget: Budget? { get }
  /// ms of protocol time that a case may take unless somebody says otherwise.
  var patience: Double { get }
  /// Facts that the sanity exchange showed.
  mutating func learn(_ found: [String: Value])
  /// Runs the jobs, several at once where that makes sense; `done` is told of each as it ends.
  mutating func run(_ jobs: [CaseJob], done: (Int, CaseOutcome) -> Void)
}

extension CaseTarget {
  public var fixedBudget: Budget? { nil }
  public var hastyBudget: Budget? { nil }
  public var patience: Double { 45_000 }
  public mutating func learn(_ found: [String: Value]) {}
}
