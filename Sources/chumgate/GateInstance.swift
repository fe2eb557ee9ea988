import Dispatch
import InstanceTrial
import Results
import Simulation
import Wire

/// The gate's share of instances: every case against the embedded one, and random worlds of many.
enum GateInstance {
  private static func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e6 }

  /// All cases in process.
  static func cases(_ profile: Profile, seed: UInt64, _ tell: (RunEvent) -> Void) {
    var options = InstanceRun.Options()
    options.profile = profile
    options.seed = seed
    options.clock = { now() }
    options.command = "chumgate test instance --profile \(profile.rawValue) --seed \(seed)"
    var run = InstanceRun(options)
    _ = run.embedded(tell)
  }

  /// Worlds with the seeds 1 to `count`; the first that breaks a rule is shrunk, told and ends the run.
  static func worlds(_ count: Int, sync: Bool = false, _ tell: (RunEvent) -> Void) {
    let began = now()
    let name = sync ? "sync-worlds" : "worlds"
    let title =
      sync ? "random worlds of complete instances that synchronise" : "random worlds of instances and a server"
    tell(.groupStarted(GroupInfo(name: name, title: title, caseCount: 1)))
    var simulator = Simulator(sync: sync)
    let option = sync ? "--sync " : ""
    var result = CaseResult(
      id: "random-\(name)", title: "no rule is broken in \(count) random worlds", group: name, verdict: .pass,
      behaviour: .pass, close: .pass, binds: "base", place: "seeds 1 to \(count)",
      repeatCommand: "chumgate simulate \(option)--worlds \(count)")
    for seed in 1...UInt64(max(count, 1)) {
      guard let failure = simulator.play(seed: seed) else { continue }
      (result.verdict, result.behaviour) = (.fail, .fail)
      result.faults = ["seed \(seed): \(failure.violation)", failure.shrunk.text]
      result.repeatCommand = "chumgate simulate \(option)--seed \(seed) --worlds 1"
      break
    }
    let tally = simulator.tally
    result.note =
      sync
      ? "\(tally.events) events, \(tally.objects) objects came" : "\(tally.events) events, \(tally.pairings) pairings"
    tell(.result(result))
    let elapsed = now() - began
    tell(.groupEnded(GroupSummary(name: name, counts: [result.verdict: 1], error: nil, time: elapsed)))
    var summary = RunSummary()
    summary.counts = [result.verdict: 1]
    summary.unexpectedFailures = result.verdict == .fail ? 1 : 0
    summary.groups = 1
    summary.time = elapsed
    tell(.ended(summary))
  }
}
