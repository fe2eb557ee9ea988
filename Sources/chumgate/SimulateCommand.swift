import ArgumentParser
import Cryptobox
import Foundation
import Instance
import Simulation
import Wire
import WireBytes

struct SimulateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Play random worlds of instances and a CommServer in process, and look at every rule after every step.",
    discussion: """
      Time is virtual: a quarter of an hour passes in a millisecond. One seed is one world, the same every time. A world
      that breaks a rule is made smaller and printed as a script, which --script repeats.

        chumgate simulate --worlds 1000                 seeds 1 to 1000
        chumgate simulate --seed 77 --worlds 1 --steps 40
        chumgate simulate --sync --worlds 1000          complete instances that share, grant, revoke, chat and crash
        chumgate simulate --script failing.world        one world from a file
        chumgate simulate --planted                     does it find what is planted? (exit code 6 if not)

      Exit codes: 0 no rule was broken, 1 a world broke one, 2 usage, 4 no world was played, 6 a planted fault was missed.
      """)

  @Option(help: "The first seed.")
  var seed: UInt64 = 1
  @Option(help: "How many worlds, one seed each.")
  var worlds = 1_000
  @Option(help: "Acts in each world.")
  var steps = 20
  @Option(help: "deployed or strict: which instances and server.")
  var profile: ServerSettingsOptions.ProfileArgument = .strict
  @Option(help: "Stop after so many seconds, whatever was asked for.")
  var seconds: Double?
  @Option(help: "Threads.")
  var jobs = 2
  @Option(help: "Play the one world of this file.")
  var script: String?
  @Flag(
    help:
      "Worlds of complete instances: stores, grants, groups, topics, merges, crashes; with --planted their faults only."
  )
  var sync = false
  @Flag(help: "Play worlds with planted faults until each is found, and shrink them.")
  var planted = false
  @Flag(help: "Real NaCl boxes instead of the fast fake ones.")
  var nacl = false
  @Flag(help: "The outcome as JSON.")
  var json = false

  func validate() throws {
    guard worlds >= 0, worlds <= 100_000_000 else { throw ValidationError("--worlds is 0 to 100,000,000") }
    guard (0...10_000).contains(steps) else { throw ValidationError("--steps is 0 to 10,000") }
    guard (1...64).contains(jobs) else { throw ValidationError("--jobs is 1 to 64") }
    guard seconds ?? 1 > 0 else { throw ValidationError("--seconds is a positive number") }
  }

  private var wireProfile: Profile { profile == .strict ? .strict : .deployed }
  private var box: any BoxProvider { nacl ? SodiumBox() : FakeBox() }

  func run() async throws {
    if let script { return try playScript(script) }
    if planted { return try playPlanted() }
    guard worlds > 0 else { throw Exit.nothingRan("--worlds is 0") }
    let began = Date()
    let result = await play(until: seconds.map { began.addingTimeInterval($0) })
    guard result.tally.worlds > 0 else { throw Exit.nothingRan("the time was over before the first world") }
    tell(result, seconds: Date().timeIntervalSince(began))
    if result.failure != nil { throw ExitCode(1) }
  }

  // MARK: Random worlds

  struct Result: Sendable {
    var tally = Simulator.Tally()
    var failure: Simulator.Failure?
    var seed: UInt64 = 0
  }

  /// Each thread takes every jobs-th seed; the failure with the smallest seed is told.
  private func play(until end: Date?) async -> Result {
    let command = self
    return await withTaskGroup(of: Result.self) { group in
      for job in 0..<jobs {
        group.addTask {
          var simulator = Simulator(
            profile: command.wireProfile, steps: command.steps, sync: command.sync, box: command.box)
          var result = Result()
          var index = job
          let progress = Terminal.Progress(label: "worlds", total: command.worlds)
          while index < command.worlds, end.map({ Date() < $0 }) ?? true, !Task.isCancelled {
            let seed = command.seed &+ UInt64(index)
            if let failure = simulator.play(seed: seed) {
              result.failure = failure
              result.seed = seed
              break
            }
            if job == 0 { progress.update(index) }
            index += command.jobs
          }
          if job == 0 { progress.end() }
          result.tally = simulator.tally
          return result
        }
      }
      var all = Result()
      for await result in group {
        all.tally.add(result.tally)
        if let failure = result.failure, all.failure == nil || result.seed < all.seed {
          all.failure = failure
          all.seed = result.seed
        }
      }
      return all
    }
  }

  private func tell(_ result: Result, seconds: Double) {
    let tally = result.tally
    if json {
      var object = JSONObject([
        "worlds": .number(Double(tally.worlds)), "events": .number(Double(tally.events)),
        "pairings": .number(Double(tally.pairings)), "handshakes": .number(Double(tally.handshakes)),
        "attacks": .number(Double(tally.attacks)), "messages": .number(Double(tally.messages)),
        "seconds": .number((seconds * 1_000).rounded() / 1_000),
      ])
      if let failure = result.failure {
        object.append(
          "violation",
          [
            "seed": .number(Double(result.seed)), "rule": .string(failure.violation.rule),
            "detail": .string(failure.violation.detail), "script": .string(failure.shrunk.text),
          ])
      }
      return print(JSONValue.object(object).compact)
    }
    let rate = Int(Double(tally.worlds) / max(seconds, 0.001))
    print(
      "\(tally.worlds) worlds in \(String(format: "%.1f", seconds)) s (\(rate)/s): \(tally.events) events, "
        + "\(tally.handshakes) channels, \(tally.pairings) pairings, \(tally.attacks) attacks, "
        + "\(tally.messages) messages" + (sync ? ", \(tally.objects) objects came" : ""))
    guard let failure = result.failure else { return print("no rule was broken") }
    print("\nseed \(result.seed) breaks a rule: \(failure.violation)")
    print(
      "\(failure.scenario.steps.count) steps, \(failure.shrunk.steps.count) after "
        + "\(failure.shrinkAttempts) attempts to make it smaller:\n")
    print(failure.shrunk.text)
  }

  // MARK: One world

  private func playScript(_ path: String) throws {
    let scenario: WorldScenario
    do {
      scenario = try WorldScenario(text: String(decoding: try Inputs.bytes(path), as: UTF8.self))
    } catch let failure as WorldScenario.Failure {
      throw Exit.usage("\(path), \(failure)")
    }
    var world = World(scenario, box: box)
    guard let violation = world.play() else {
      print("\(scenario.steps.count) steps, \(world.events) events: no rule was broken")
      return
    }
    print("\(violation)")
    throw ExitCode(1)
  }

  // MARK: Planted faults

  private func playPlanted() throws {
    var missed = 0
    if !json { print("planted fault".padded(62) + "rule".padded(16) + "worlds".padded(8) + "s".padded(7) + "steps") }
    for fault in PlantedFault.all where !sync || fault.isSync {
      let began = Date()
      let limit = began.addingTimeInterval(seconds ?? 60)
      var simulator = Simulator(profile: .strict, steps: steps, sync: fault.isSync, box: box) { fault.plant(in: &$0) }
      var found: Simulator.Failure?
      var next = seed
      while found == nil, Date() < limit {
        found = simulator.play(seed: next, shrinks: false)
        next &+= 1
      }
      let time = Date().timeIntervalSince(began)
      guard let found else {
        missed += 1
        tellPlanted(fault.name, "not found", simulator.tally.worlds, time, nil)
        continue
      }
      var shrinker = Shrinker(rule: found.violation.rule, box: box)
      let shrunk = shrinker.shrink(found.scenario)
      tellPlanted(fault.name, found.violation.rule, simulator.tally.worlds, time, shrunk)
    }
    if missed > 0 { throw ExitCode(6) }
  }

  private func tellPlanted(_ name: String, _ rule: String, _ worlds: Int, _ time: Double, _ shrunk: WorldScenario?) {
    if json {
      let object: JSONValue = [
        "fault": .string(name), "rule": .string(rule), "worlds": .number(Double(worlds)),
        "seconds": .number((time * 100).rounded() / 100),
        "steps": shrunk.map { .number(Double($0.steps.count)) } ?? .null,
        "script": shrunk.map { .string($0.text) } ?? .null,
      ]
      return print(object.compact)
    }
    let steps = shrunk.map { "\($0.steps.count)" } ?? "-"
    print(name.padded(62) + rule.padded(16) + "\(worlds)".padded(8) + String(format: "%.1f", time).padded(7) + steps)
  }
}

extension String {
  /// The text with blanks behind it up to a width.
  func padded(_ width: Int) -> String {
    count >= width ? self + " " : self + String(repeating: " ", count: width - count)
  }
}
