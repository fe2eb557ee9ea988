import Dispatch
import InstanceCases
import InstanceTrial
import Requirements
import Results
import Simulation
import Wire

/// The gate's share of instances: every case against the embedded one, and random worlds of many.
enum GateInstance {
  private static func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e6 }

  static var caseCount: Int { InstanceCatalogue.cases.count }

  /// All cases in process.
  static func cases(_ profile: Profile, seed: UInt64, _ catalogue: Catalogue, _ tell: (RunEvent) -> Void) {
    var options = InstanceRun.Options()
    options.profile = profile
    options.seed = seed
    options.clock = { now() }
    options.requirement = { catalogue.words($0) }
    options.command = "chumgate test instance --profile \(profile.rawValue) --seed \(seed)"
    var run = InstanceRun(options)
    _ = run.embedded(tell)
  }

  /// Worlds with `count` seeds from `first` on; the first that breaks a rule is shrunk, told and ends the run.
  static func worlds(_ count: Int, from first: UInt64, sync: Bool = false, _ tell: (RunEvent) -> Void) {
    let began = now()
    let name = sync ? "sync-worlds" : "worlds"
    let title =
      sync ? "random worlds of complete instances that synchronise" : "random worlds of instances and a server"
    tell(.groupStarted(GroupInfo(name: name, title: title, caseCount: 1)))
    var simulator = Simulator(sync: sync)
    let option = sync ? "--sync " : ""
    var result = CaseResult(
      id: "random-\(name)", title: "no rule is broken in \(count) random worlds", group: name, verdict: .pass,
      behaviour: .pass, close: .pass, binds: "base", place: "",
      repeatCommand: "chumgate simulate \(option)--seed \(first) --worlds \(count)")
    for offset in 0..<UInt64(max(count, 1)) {
      let seed = first &+ offset
      guard let failure = simulator.play(seed: seed) else { continue }
      (result.verdict, result.behaviour) = (.fail, .fail)
      result.faults = ["seed \(seed): \(failure.violation)", failure.shrunk.text]
      result.repeatCommand = "chumgate simulate \(option)--seed \(seed) --worlds 1"
      break
    }
    let tally = simulator.tally
    result.note =
      "from seed \(first) on; "
      + (sync
        ? "\(tally.events) events, \(tally.objects) objects came"
        : "\(tally.events) events, \(tally.pairings) pairings")
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

extension Catalogue {
  /// A requirement as a result names it; nil for an id that is not in the catalogue.
  func words(_ id: String) -> CaseResult.Requirement? {
    guard let row = RequirementID(id).flatMap({ self[$0] }) else { return nil }
    return CaseResult.Requirement(
      id: id, level: row.level.rawValue, kind: row.kind.name, severity: row.severity?.name ?? "",
      source: "\(row.document) \(row.section)", text: row.text)
  }
}
