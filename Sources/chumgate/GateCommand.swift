import ArgumentParser
import CommServer
import Conformance
import Foundation
import Report
import Results
import Scenario
import Wire

struct GateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate",
    abstract:
      "Run everything that a CI wants to know: recordings, and every conformance case against the embedded stack.",
    discussion: """
      Replays each recording of the fixtures and compares the findings with NAME.expected.json beside it: one finding
      too many or too few fails the gate. Then runs all cases against the embedded server (both profiles, in process and
      over loopback), listener, requester and instance, and plays random worlds (chumgate simulate).

        chumgate gate --junit gate.xml --html gate.html
        chumgate gate --only recordings

      Exit codes: 0 pass, 1 failures, 2 unreadable file, 4 nothing ran, 5 a stale expectation, 7 flaky only.
      """)

  enum Part: String, CaseIterable, ExpressibleByArgument {
    case recordings, server, loopback, clients, instance, worlds
  }

  @Option(help: "Run this part only; may be repeated.")
  var only: [Part] = []

  @Option(help: ArgumentHelp("The fixtures; by default ./Fixtures, else those of the source tree.", valueName: "dir"))
  var fixtures: String?

  @Flag(help: "Write the expectation files of recordings anew, keeping the reasons of findings that stay.")
  var update = false

  @Option(help: ArgumentHelp("Random worlds of the simulation.", valueName: "n"))
  var worlds = 200
  @Option(help: ArgumentHelp("Random worlds of complete instances that synchronise.", valueName: "n"))
  var syncWorlds = 20

  @Option(
    help: "Makes keys, nonces and the order of everything, and is the first world. If absent: random, and world 1.")
  var seed: UInt64?

  @OptionGroup var reports: ReportOptions

  func validate() throws {
    guard (1...1_000_000).contains(worlds) else { throw ValidationError("--worlds is 1 to 1,000,000") }
    guard (1...1_000_000).contains(syncWorlds) else { throw ValidationError("--sync-worlds is 1 to 1,000,000") }
  }

  func run() throws {
    let root = try Self.fixtures(fixtures)
    let recordings = RecordingGate(root: root)
    if update { return try recordings.update() }
    let parts = only.isEmpty ? Part.allCases : only
    let catalogue = try Specification.catalogue(root)
    let suite = try Specification.suite([root.appendingPathComponent("Scenarios").path], catalogue, root: root)
    let firstWorld = seed ?? 1
    let seed = seed ?? UInt64.random(in: 1...999_999)
    var outputs = try Outputs(reports)
    var merger = RunMerger()
    func take(_ event: RunEvent, _ label: String) {
      if let event = merger.take(event, label: label) { outputs.take(event) }
    }
    outputs.take(
      merger.begin(
        subject: "gate", target: parts.map(\.rawValue).joined(separator: ", "),
        transport: Self.transports(parts), profile: "deployed and strict", seed: seed,
        caseCount: try Self.count(parts, suite, recordings), startedAt: Date().timeIntervalSince1970))
    if parts.contains(.recordings) { for event in try recordings.events() { take(event, "replay") } }
    for profile in Profile.allCases {
      func run(_ target: inout some CaseTarget, _ label: String) {
        let command =
          (["chumgate test \(target.role.rawValue)"] + target.arguments + [
            "--profile \(profile.rawValue) --seed \(seed)"
          ])
          .joined(separator: " ")
        var options = RunOptions()
        options.seed = seed
        options.patience = target.patience
        var runner = Runner(
          suite.of(target.role), judge: Judge(profile: profile, catalogue: catalogue, command: command),
          options: options)
        _ = runner.run(on: &target) { take($0, label) }
      }
      let settings = CommServerSettings(profile: profile)
      if parts.contains(.server) {
        var target = EmbeddedServer(settings: settings)
        run(&target, "server \(profile.rawValue)")
      }
      if parts.contains(.loopback) {
        var target = try LoopbackServer(settings: LoopbackServer.hurried(settings))
        defer { target.shutdown() }
        run(&target, "loopback \(profile.rawValue)")
      }
      if parts.contains(.instance) {
        GateInstance.cases(profile, seed: seed, catalogue) { take($0, "instance \(profile.rawValue)") }
      }
      guard parts.contains(.clients) else { continue }
      for role in [TargetRole.listener, .requester] {
        var target = EmbeddedClient(role: role, profile: profile)
        run(&target, "\(role.rawValue) \(profile.rawValue)")
      }
    }
    if parts.contains(.worlds) {
      GateInstance.worlds(worlds, from: firstWorld) { take($0, "simulation") }
      GateInstance.worlds(syncWorlds, from: firstWorld, sync: true) { take($0, "simulation") }
    }
    let summary = merger.end()
    outputs.take(.ended(summary))
    try outputs.end()
    if summary.exitCode != 0 { throw ExitCode(summary.exitCode) }
  }

  /// How many results the parts give: each case in each way and profile.
  private static func count(_ parts: [Part], _ suite: Suite, _ recordings: RecordingGate) throws -> Int {
    let profiles = Profile.allCases.count
    var count = 0
    for part in Set(parts) {
      switch part {
      case .recordings: count += try recordings.count()
      case .server, .loopback: count += suite.of(.server).cases.count * profiles
      case .clients: count += (suite.of(.listener).cases.count + suite.of(.requester).cases.count) * profiles
      case .instance: count += GateInstance.caseCount * profiles
      case .worlds: count += 2
      }
    }
    return count
  }

  private static func transports(_ parts: [Part]) -> String {
    let ways = Part.allCases.filter(parts.contains).map { part in
      switch part {
      case .recordings: "replay"
      case .loopback: "loopback"
      case .server, .clients, .instance, .worlds: "in process"
      }
    }
    return ["replay", "in process", "loopback"].filter(ways.contains).joined(separator: ", ")
  }

  /// The fixtures directory: the option, the working directory's, or that of the source tree this was built from.
  static func fixtures(_ option: String?) throws -> URL {
    var candidates = [URL(fileURLWithPath: "Fixtures")]
    let source = URL(fileURLWithPath: #filePath)
    candidates.append(
      source.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures"))
    if let option { candidates = [URL(fileURLWithPath: option)] }
    guard let found = candidates.first(where: { FileManager.default.fileExists(atPath: $0.path) }) else {
      throw Exit.nothingRan("no fixtures at \(candidates.map(\.path).joined(separator: " or "))")
    }
    return found
  }
}
