public import CommServer
public import Scenario
import Wire

/// The embedded CommServer without sockets: each case has a server, a network and a clock of its own.
public struct EmbeddedServer: CaseTarget {
  public var settings: CommServerSettings
  /// The planted fault of the self-test.
  public var variant = Variant.none

  public init(settings: CommServerSettings) { self.settings = settings }

  public var name: String { "embedded CommServer, profile \(settings.profile.rawValue)" }
  public var transport: String { "in process" }
  public var role: TargetRole { .server }
  public var hasVirtualClock: Bool { true }
  public var takesCommands: Bool { true }
  public var facts: [String: Value] { ServerSettings.facts(settings) }
  public var arguments: [String] { [] }

  public mutating func run(_ jobs: [CaseJob], done: (Int, CaseOutcome) -> Void) {
    for (index, job) in jobs.enumerated() { done(index, run(job)) }
  }

  /// One case in a world of its own.
  public func run(_ job: CaseJob) -> CaseOutcome {
    var settings = settings
    for setting in job.definition.settings {
      do throws(ServerSettings.Failure) {
        try ServerSettings.set(setting.name, setting.value, in: &settings)
      } catch {
        var outcome = CaseOutcome()
        outcome.error = .init(
          place: "\(job.definition.place)", actor: nil, expected: "settings of the server", found: error.description)
        return outcome
      }
    }
    var machine = CaseMachine(
      job.definition, facts: ServerSettings.facts(settings), budget: job.budget, seed: job.seed)
    var world = ServerWorld(settings: settings, variant: variant, seed: job.seed)
    world.run(&machine)
    return machine.outcome
  }
}
