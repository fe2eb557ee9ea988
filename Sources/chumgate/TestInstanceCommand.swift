import ArgumentParser
import Foundation
import Instance
import InstanceCases
import InstanceTrial
import Network
import Report
import Results
import Wire

struct TestInstanceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "instance",
    abstract: "Be the other side, with named misbehaviours: handshake, identity, pairing, invitations, listener, CHUM.",
    discussion: """
      Without a target the embedded instance is tried in process. An app of yours is tried in either role:

        chumgate test instance --profile strict
        chumgate test instance --invitation link.txt      the app invited us; one invitation a line
        chumgate test instance --invitation link.txt --direct
        chumgate test instance --invite --server ws://localhost:8000
        chumgate test instance --invite --server ws://localhost:8000 --join-command './app join {}'
        chumgate test instance --filter exporter          CHUM: we ask; --filter importer: we offer
        chumgate test instance --self-check               is every planted fault noticed?

      A live target proves first that it lives, by a good handshake that uses up no invitation, and again behind cases
      that only saw a close; one that does not is unreachable, and nothing of it counts.

      Cases that use up an invitation are skipped when there is none left. A deployed target's missing hardening is a
      warning; with --profile strict it fails.

      Exit codes: 0 pass, 1 failures, 2 usage, 3 target unreachable, 4 nothing ran, 6 the self-check failed.
      """)

  @Option(help: "File with invitations of the target (links, JSON), one a line; - for standard input.")
  var invitation: String?
  @Flag(help: "We invite; the target joins.")
  var invite = false
  @Option(help: "URL of the CommServer for --invite.")
  var server: String?
  @Flag(help: "The URL of the invitation is the target itself, without a CommServer.")
  var direct = false
  @Option(
    help: "Shell command that makes the target join; {} stands for the link. (Default: you are told what to click.)")
  var joinCommand: String?
  @Option(help: "Seconds that the target may take to join; 120 if absent.")
  var joinTimeout: Double?
  @Option(help: "Seconds without a close that count as staying open; 3 if absent.")
  var silence: Double?
  @Option(help: "Trust this certificate (PEM) of a wss server.")
  var trust: String?
  @Option(help: "Run this only: an id, role or requirement with * and ?; may be repeated.")
  var filter: [String] = []
  @Option(help: "deployed: hardening is a warning. strict: hardening must be kept too.")
  var profile = Profile.deployed
  @Option(help: "Seed of the embedded target and of its keys; 1 if absent.")
  var seed: UInt64?
  @Option(help: "Skip cases that take longer, in seconds; 10 if absent.")
  var patience: Double?
  @Flag(help: "Stop at the first failure.")
  var failFast = false
  @Flag(help: "List the cases and run none.")
  var list = false
  @Flag(help: "Run every case against the variants of the embedded instance that it must notice.")
  var selfCheck = false
  @Option(
    help: ArgumentHelp(
      "With --self-check: write the table of faults as Markdown; - for standard output.", valueName: "file"))
  var table: String?
  @OptionGroup var reports: ReportOptions

  func validate() throws {
    guard !(invite && invitation != nil) else {
      throw ValidationError("--invite and --invitation are two roles; choose one")
    }
    guard !invite || server.flatMap({ WebSocketURL($0) }) != nil else {
      throw ValidationError("--invite needs --server with a ws:// or wss:// URL")
    }
    guard table == nil || selfCheck else { throw ValidationError("--table belongs to --self-check") }
    for time in [silence, joinTimeout] {
      guard time.map({ $0 > 0 && $0 <= 1e6 }) ?? true else { throw ValidationError("times are positive numbers") }
    }
    guard patience.map({ $0 >= 0 && $0 <= 1e6 }) ?? true else { throw ValidationError("times are positive numbers") }
    try refuse([("--direct", direct)], unless: invitation != nil, "--invitation")
    try refuse(
      [("--server", server != nil), ("--join-command", joinCommand != nil), ("--join-timeout", joinTimeout != nil)],
      unless: invite, "--invite")
    try refuse(
      [("--trust", trust != nil), ("--silence", silence != nil), ("--patience", patience != nil)],
      unless: invite || invitation != nil, "--invitation or --invite")
    try refuse(
      [("--seed", seed != nil), ("--self-check", selfCheck)], unless: !invite && invitation == nil,
      "the embedded instance")
    for (option, isOn) in [("--self-check", selfCheck), ("--list", list)] where isOn {
      guard !reports.isAny, !reports.verbose, !failFast else {
        throw ValidationError("\(option) runs no cases, so it goes with no report, --verbose or --fail-fast")
      }
    }
    if selfCheck {
      guard filter.isEmpty, !list else { throw ValidationError("--self-check takes all cases: no --filter or --list") }
    }
  }

  private func refuse(_ options: [(name: String, isThere: Bool)], unless condition: Bool, _ needed: String) throws {
    guard !condition, let option = options.first(where: \.isThere) else { return }
    throw ValidationError("\(option.name) belongs to \(needed)")
  }

  private var runOptions: InstanceRun.Options {
    var options = InstanceRun.Options()
    options.profile = profile
    options.seed = seed ?? 1
    options.filter = filter
    options.failsFast = failFast
    options.startedAt = Date().timeIntervalSince1970
    options.clock = { Double(DispatchTime.now().uptimeNanoseconds) / 1e6 }
    var words = ["chumgate test instance"]
    if let invitation { words.append("--invitation \(invitation)") }
    if invite { words.append("--invite --server \(server ?? "")") }
    if direct { words.append("--direct") }
    words.append("--profile \(profile.rawValue)")
    // Keys of a live run are drawn anew each time.
    if invitation == nil, !invite { words.append("--seed \(options.seed)") }
    options.command = words.joined(separator: " ")
    return options
  }

  func run() async throws {
    if list { return try listCases() }
    if selfCheck { return try checkItself() }
    var outputs = try Outputs(reports)
    let summary: RunSummary
    if let invitation {
      let invitations = try read(invitation)
      var trial = LiveTrial(try liveOptions())
      summary = await trial.inviter(invitations) { outputs.take($0) }
    } else if invite, let url = server.flatMap({ WebSocketURL($0) }) {
      var trial = LiveTrial(try liveOptions())
      let joiner = Joiner(command: joinCommand)
      summary = await trial.invitee(
        server: url, join: { joiner.join($0, $1) }, done: { joiner.end() }, { outputs.take($0) })
    } else {
      var run = InstanceRun(try options())
      summary = run.embedded { outputs.take($0) }
    }
    try outputs.end()
    if summary.ran == 0, summary.unreachable == nil {
      Terminal.error("nothing ran: no case matches, or all were skipped")
    }
    if let unreachable = summary.unreachable { Terminal.error("target unreachable: \(unreachable)") }
    if summary.exitCode != 0 { throw ExitCode(summary.exitCode) }
  }

  /// With the words of the catalogue.
  private func options() throws -> InstanceRun.Options {
    var options = runOptions
    let catalogue = try Specification.catalogue(try GateCommand.fixtures(nil))
    options.requirement = { catalogue.words($0) }
    return options
  }

  private func liveOptions() throws -> LiveTrial.Options {
    var options = LiveTrial.Options()
    options.run = try self.options()
    options.isDirect = direct
    if let patience { options.patience = patience * 1_000 }
    if let silence { options.silence = silence * 1_000 }
    if let joinTimeout { options.joinTimeout = joinTimeout }
    if let trust { options.trust = .pinned(try Inputs.bytes(trust)) }
    return options
  }

  private func read(_ path: String) throws -> [Invitation] {
    let text = String(decoding: try Inputs.bytes(path), as: UTF8.self)
    var out: [Invitation] = []
    for (index, line) in text.split(whereSeparator: \.isNewline).enumerated() {
      do throws(WireFailure) { out.append(try Invitation.parse(String(line))) } catch {
        throw Exit.usage("\(path), line \(index + 1): \(error)")
      }
    }
    guard !out.isEmpty else { throw Exit.nothingRan("\(path) holds no invitation") }
    return out
  }

  private func listCases() throws {
    let selected = InstanceCatalogue.cases.filter { runOptions.selects($0.id, $0.requires, $0.target) }
    guard !selected.isEmpty else { throw Exit.nothingRan("no case matches \(filter.joined(separator: ", "))") }
    for one in selected {
      print("\(one.id)\t\(one.binding.rawValue)\t\(one.requires.joined(separator: ","))\t\(one.title)")
    }
  }

  private func checkItself() throws {
    let kills = InstanceCatalogue.kills(seed: seed ?? 1)
    let missed = kills.filter { !$0.isNoticed }
    for kill in missed { print("\(kill.caseID) does not notice \(kill.variant)") }
    let cases = Set(kills.map(\.caseID)).count
    print(
      "\(kills.count - missed.count) of \(kills.count) planted faults were noticed, by \(cases) of "
        + "\(InstanceCatalogue.cases.count) cases")
    let gaps = InstanceFaultTable.gaps
    for id in gaps { print("\(id) names no broken variant") }
    if let table { try Inputs.write(InstanceFaultTable.markdown(kills), to: table) }
    if !missed.isEmpty || !gaps.isEmpty { throw ExitCode(6) }
  }
}

/// Makes the target join, by a command or by a person.
final class Joiner {
  private let command: String?
  private var process: Process?

  init(command: String?) { self.command = command }

  func join(_ invitation: Invitation, _ one: LiveCase) {
    let link = invitation.link(base: "https://app.example.org", mode: .iop)
    guard let command else {
      let text = "\n\(one.id): \(one.title)\nopen this link in the app, or hand it its text:\n\(link)\n"
      return Output.note(text)
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    // The link goes in as an argument, so that the shell reads nothing in it.
    process.arguments = ["-c", command.replacingOccurrences(of: "{}", with: "\"$1\""), "join", link]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    do {
      try process.run()
      self.process = process
    } catch { Terminal.error("cannot run the join command: \(error.localizedDescription)") }
  }

  func end() {
    guard let process, process.isRunning else { return }
    process.terminate()
    self.process = nil
  }
}
