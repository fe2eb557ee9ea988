import Testing
import Wire

@testable import Simulation

@Suite struct ScratchWorldTests {
  @Test func `scratch sync worlds`() {
    var rules: [String: Int] = [:]
    let clock = ContinuousClock.now
    var tally = Simulator.Tally()
    for seed in 1...60 as ClosedRange<UInt64> {
      var simulator = Simulator(profile: .strict, steps: 20, sync: true)
      if let failure = simulator.play(seed: seed, shrinks: false) {
        rules[failure.violation.rule, default: 0] += 1
        print("WORLD \(seed) \(failure.violation)")
      }
      tally.add(simulator.tally)
    }
    print("WORLD RULES \(rules) \(tally) \(ContinuousClock.now - clock)")
  }
}
