import Foundation
import InstanceTrial
import Report
import Results
import Simulation
import Wire

/// The gate's share of instances: every case against the embedded one in both profiles, and a few hundred random worlds.
enum GateInstance {
  /// Prints a line for each part; false when one failed.
  static func run(worlds: Int) -> Bool {
    var isFine = true
    for profile in Profile.allCases {
      var options = InstanceRun.Options()
      options.profile = profile
      options.command = "chumgate test instance --profile \(profile.rawValue)"
      var run = InstanceRun(options)
      var failures: [CaseResult] = []
      let summary = run.embedded { event in
        if case .result(let result) = event, result.verdict.isBad { failures.append(result) }
      }
      isFine = isFine && summary.exitCode == 0
      line(
        summary.exitCode == 0,
        "instance, \(profile.rawValue)  \(summary.ran) cases, \(summary.count(.fail)) failed, "
          + "\(summary.count(.nonStrict)) hardening warnings")
      for failure in failures { print("  \(failure.id): \(failure.faults.joined(separator: "; "))") }
    }
    guard worlds > 0 else { return isFine }
    var simulator = Simulator()
    for seed in 1...UInt64(worlds) {
      guard let failure = simulator.play(seed: seed) else { continue }
      line(false, "simulation  seed \(seed): \(failure.violation)")
      print(failure.shrunk.text)
      return false
    }
    line(
      true,
      "simulation  \(worlds) worlds, \(simulator.tally.events) events, \(simulator.tally.pairings) pairings: no rule broken"
    )
    return isFine
  }

  private static func line(_ isFine: Bool, _ text: String) {
    print("\(isFine ? Terminal.palette.green("ok  ") : Terminal.palette.red("FAIL"))  \(text)")
  }
}
