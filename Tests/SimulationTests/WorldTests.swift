import Chum
import Cryptobox
import Instance
import Invariants
import Recording
import Replay
import SyncInstance
import Testing
import Wire

@testable import Simulation

@Suite struct WorldTests {
  @Test func `twenty-five random strict worlds break no rule`() {
    var simulator = Simulator()
    for seed in 1...25 as ClosedRange<UInt64> {
      if let failure = simulator.play(seed: seed) {
        Issue.record("seed \(seed): \(failure.violation)\n\(failure.shrunk.text)")
        break
      }
    }
    #expect(simulator.tally.worlds == 25)
    #expect(simulator.tally.pairings > 10)
    #expect(simulator.tally.messages > 5)
  }

  @Test func `ten random deployed worlds break none of the rules that bind deployed`() {
    var simulator = Simulator(profile: .deployed)
    for seed in 1...10 as ClosedRange<UInt64> {
      if let failure = simulator.play(seed: seed) {
        Issue.record("seed \(seed): \(failure.violation)\n\(failure.shrunk.text)")
        break
      }
    }
    #expect(simulator.tally.pairings > 3)
  }

  @Test func `eight random worlds of complete instances break no rule, and come to rest with the same data`() {
    var simulator = Simulator(steps: 12, sync: true)
    for seed in 1...8 as ClosedRange<UInt64> {
      if let failure = simulator.play(seed: seed, shrinks: false) {
        Issue.record("seed \(seed): \(failure.violation)\n\(failure.shrunk.text)")
        break
      }
    }
    #expect(simulator.tally.worlds == 8)
    #expect(simulator.tally.objects > 50)
  }

  @Test func `the same seed is the same world of complete instances`() {
    let scenario = WorldScenario.randomSync(seed: 3, steps: 8, profile: .strict)
    var first = World(scenario)
    var second = World(scenario)
    #expect(first.play() == second.play())
    #expect(first.events == second.events)
    #expect(first.sync?.received == second.sync?.received)
  }

  @Test func `the same seed is the same world, event for event`() {
    let scenario = WorldScenario.random(seed: 5, steps: 20, profile: .strict)
    var first = World(scenario, keepsLog: true)
    var second = World(scenario, keepsLog: true)
    #expect(first.play() == second.play())
    #expect(first.events == second.events)
    #expect(first.log?.recording == second.log?.recording)
    #expect(first.events > 100)
  }

  @Test func `every scenario reads back from its own text`() throws {
    for seed in 1...200 as ClosedRange<UInt64> {
      var scenario = WorldScenario.random(seed: seed, steps: 30, profile: seed % 2 == 0 ? .strict : .deployed)
      scenario.defects = [.tokenRace]
      scenario.faults = ["sharesSpare"]
      #expect(try WorldScenario(text: scenario.text) == scenario)
      var complete = WorldScenario.randomSync(seed: seed, steps: 30, profile: .strict)
      complete.chumFaults = [.hashNotChecked]
      complete.syncFaults = [.grantRace]
      #expect(try WorldScenario(text: complete.text) == complete)
    }
  }

  @Test(
    arguments: [
      "", "world seed x", "world seed 1 hosts 0", "world seed 1\njoin 1 +0", "world seed 1\nattack 1 nothing +0",
      "world seed 1 defect none", "join 0 0 +1", "world seed 1\nwait +-1", "world seed 1\ntamper 0 +0",
    ])
  func `a text that is no scenario is refused with its line`(text: String) {
    #expect(throws: WorldScenario.Failure.self) { try WorldScenario(text: text) }
  }

  @Test func `hostile numbers in a script are worlds, too`() throws {
    let most = Int.max
    let text = """
      world seed 18446744073709551615 hosts 2 profile strict
      invite \(most) 1 +0
      invite \(Int.min) \(most) +0
      join \(Int.min) \(most) +5
      join-both -1 -2 -3 +0
      join-at-expiry -7 \(most) \(most) +0
      cut \(most) +0
      half-open \(Int.min) +0
      crash \(most) \(most) +0
      suspend -1 -5 +0
      restart-server \(Int.min) +100
      replay -9 +0
      """
    var world = World(try WorldScenario(text: text))
    _ = world.play()
    #expect(world.events > 0)
  }

  @Test func `an honest world with real boxes is a session in which no rule of replay finds anything`() throws {
    let text = """
      world seed 3 hosts 3 profile deployed
      invite 0 900000 +500
      join 1 0 +12000
      invite 1 900000 +500
      join 2 1 +12000
      wait +30000
      """
    var world = World(try WorldScenario(text: text), box: SodiumBox(), keepsLog: true)
    #expect(world.playSteps() == nil)
    let log = try #require(world.log)
    var options = SessionReader<MemorySource>.Options()
    options.keyLogs = [(name: "keys", bytes: log.keyLog)]
    var judge = try SessionJudge(file: "world", source: MemorySource(log.recording), options: options)
    let verdict = try judge.run()
    // What is hardening only warns: the instances are deployed ones.
    let failures = verdict.findings.filter { $0.level(.deployed) == .failure }.map {
      "\($0.rule.id) \($0.conn) line \($0.line)"
    }
    #expect(failures == [])
    #expect(verdict.openedFrames > 100)
    #expect(verdict.openedFrames == verdict.encryptedFrames)
  }
}

@Suite struct PlantedFaultTests {
  // Worlds of complete instances are long in a debug build: their faults are played here with the scripts that the
  // shrinker made of them, and searched for by `chumgate simulate --sync --planted`.
  @Test(arguments: PlantedFault.all.filter { !$0.isSync })
  func `a planted fault is found and shrunk to twenty steps at most`(fault: PlantedFault) throws {
    var simulator = Simulator(sync: fault.isSync) { fault.plant(in: &$0) }
    var failure: Simulator.Failure?
    for seed in 1...400 as ClosedRange<UInt64> {
      failure = simulator.play(seed: seed)
      if failure != nil { break }
    }
    let found = try #require(failure, "\(fault.name) was not found in 400 worlds")
    #expect(found.shrunk.steps.count <= 20)
    // The script alone repeats it, and without the fault the same world is fine.
    var again = World(try WorldScenario(text: found.shrunk.text))
    #expect(again.play()?.rule == found.violation.rule)
    var healthy = found.shrunk
    healthy.defects = []
    healthy.faults = []
    healthy.chumFaults = []
    healthy.syncFaults = []
    var world = World(healthy)
    #expect(world.play() == nil)
  }

  @Test func `there are ten planted faults at least`() {
    #expect(PlantedFault.all.count >= 10)
    #expect(Set(PlantedFault.all.map(\.name)).count == PlantedFault.all.count)
  }
}
