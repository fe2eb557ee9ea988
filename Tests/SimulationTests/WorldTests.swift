import Cryptobox
import Instance
import Testing
import Wire

@testable import Simulation

@Suite struct WorldTests {
  @Test func `sixty random strict worlds break no rule`() {
    var simulator = Simulator()
    for seed in 1...60 as ClosedRange<UInt64> {
      if let failure = simulator.play(seed: seed) {
        Issue.record("seed \(seed): \(failure.violation)\n\(failure.shrunk.text)")
        break
      }
    }
    #expect(simulator.tally.pairings > 20)
  }
}
