import ArgumentParser
import CommServer
import Conformance
import Network
import Wire

struct TestServerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "server", abstract: "Try every requirement of a CommServer that a socket can observe.",
    discussion: """
      Without a URL: the embedded server, in process on a virtual clock.

        chumgate test server --profile strict
        chumgate test server ws://localhost:8000 --junit report.xml
        chumgate test server wss://host/ --profile strict --rate 10 --fact pongTimeout=2000
        chumgate test server --filter 'CS-0*' --html report.html

      Exit codes: 0 pass, 1 failures, 2 usage, 3 target unreachable, 4 nothing ran, 5 stale or expired expectation,
      6 self-check failed, 7 flaky only.
      """)

  @Argument(help: ArgumentHelp("ws:// or wss:// URL of a server; the embedded one without.", valueName: "url"))
  var url: String?

  @Flag(help: "The embedded server over WebSockets on loopback instead of in process.")
  var loopback = false

  @Option(help: "Sockets at once; 200 if absent.")
  var sockets: Int?

  @Option(help: ArgumentHelp("New sockets in a second, for servers that limit them.", valueName: "n"))
  var rate: Double?

  @Option(
    help: ArgumentHelp(
      "What is known of the server: NAME=VALUE, times in ms, such as pongTimeout=1000; may be repeated.",
      valueName: "fact"))
  var fact: [String] = []

  @Option(help: ArgumentHelp("Trust exactly this certificate (PEM) of a wss server.", valueName: "file"))
  var trust: String?

  @Flag(help: "Trust any certificate of a wss server.")
  var insecure = false

  @OptionGroup var arguments: RunArguments

  func validate() throws {
    guard sockets.map({ (4...10_000).contains($0) }) ?? true else { throw ValidationError("--sockets is 4 to 10000") }
    guard rate.map({ $0 > 0 && $0.isFinite }) ?? true else { throw ValidationError("--rate is a positive number") }
    guard url == nil || !loopback else { throw ValidationError("--loopback is for the embedded server, without a URL") }
    for fact in fact {
      guard let (name, value) = Self.parse(fact) else { throw ValidationError("--fact is NAME=NUMBER, not \(fact)") }
      guard ServerSettings.numbers.contains(name) else {
        throw ValidationError("no fact \(name); there are \(ServerSettings.numbers.joined(separator: ", "))")
      }
      guard value >= 0 else { throw ValidationError("--fact \(name) is not negative: times are ms, the rest counts") }
    }
    guard url == nil else {
      guard trust == nil || !insecure else { throw ValidationError("--trust and --insecure exclude each other") }
      return
    }
    let remote = [
      ("--trust", trust != nil), ("--insecure", insecure), ("--sockets", sockets != nil), ("--rate", rate != nil),
      ("--fact", !fact.isEmpty),
    ]
    for (option, isThere) in remote where isThere {
      throw ValidationError("\(option) is for a server that is given by its URL")
    }
  }

  private static func parse(_ fact: String) -> (name: String, value: Double)? {
    let parts = fact.split(separator: "=", maxSplits: 1)
    guard parts.count == 2, let value = Double(parts[1]), value.isFinite else { return nil }
    return (String(parts[0]), value)
  }

  func run() throws {
    let settings = CommServerSettings(profile: arguments.profile)
    if let url {
      try runRemote(url)
    } else if loopback {
      var target = try LoopbackServer(settings: LoopbackServer.hurried(settings))
      defer { target.shutdown() }
      try arguments.run(on: &target)
    } else {
      var target = EmbeddedServer(settings: settings)
      try arguments.run(on: &target)
    }
  }

  private func runRemote(_ text: String) throws {
    guard let url = WebSocketURL(text) else { throw Exit.usage("\(text) is no ws:// or wss:// URL") }
    var options = SocketTarget.Options()
    if let sockets { options.sockets = sockets }
    // A strict server takes twenty new sockets a second; nobody else is to be tested by being slowed down.
    options.socketsPerSecond = rate ?? (arguments.profile == .strict ? 15 : nil)
    if let trust { options.trust = .pinned(try Inputs.bytes(trust)) }
    if insecure { options.trust = .anything }
    var facts = ServerSettings.assumed(arguments.profile)
    facts["sharesAddress"] = .truth(true)
    for fact in fact { if let fact = Self.parse(fact) { facts[fact.name] = .number(fact.value) } }
    var target: SocketTarget
    do { target = try SocketTarget(url, facts: facts, options: options) } catch { throw Exit.usage("\(error)") }
    defer { target.shutdown() }
    try arguments.run(on: &target)
  }
}
