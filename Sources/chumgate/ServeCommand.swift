import ArgumentParser
import CommServer
import Cryptobox
import Foundation
import Logging
import Network
import Wire
import WireBytes

/// A bound: a number, or `none`.
struct Bound: ExpressibleByArgument, Sendable {
  let value: Double?

  init?(argument: String) {
    if argument == "none" {
      value = nil
      return
    }
    guard let number = Double(argument), number.isFinite, number > 0, number <= 1e12 else { return nil }
    value = number
  }

  var defaultValueDescription: String { value.map { "\(Int($0))" } ?? "none" }
}

/// The settings of a server, for every command that starts one.
struct ServerSettingsOptions: ParsableArguments {
  @Option(help: "deployed: what the real CommServer does, quirks included. strict: all hardening of connection.md.")
  var profile: ProfileArgument = .deployed

  @Option(help: "Idle ms until a ping.")
  var pingInterval: Double = 25_000
  @Option(help: "Ms until a missing pong closes.")
  var pongTimeout: Double = 1_000

  @Option(help: "Ms for the first message, or none. (strict: 10000)")
  var firstMessageTimeout: Bound?
  @Option(help: "Ms for the answer to the challenge, or none. (strict: 10000)")
  var responseTimeout: Bound?
  @Option(help: "Ms of silence that end a relay, or none. (strict: 120000)")
  var relayIdleTimeout: Bound?
  @Option(help: "Bytes of a message before the relay, or none. (strict: 4096)")
  var clearMessageLimit: Bound?
  @Option(help: "Registered idle sockets of one key, or none. (strict: 16)")
  var sparesPerKey: Bound?
  @Option(help: "New sockets of one address a second, or none. (strict: 20)")
  var socketsPerSecond: Bound?
  @Option(help: "Requests of one address for one key a minute, or none. (strict: 60)")
  var requestsPerMinute: Bound?
  @Option(help: "Pongs of one socket a second, or none. (strict: 10)")
  var pongsPerSecond: Bound?
  @Flag(inversion: .prefixedNo, help: "X-INV/1: the server keeps invitations. (strict: on)")
  var invitations: Bool?
  @Option(help: "Ms that an invitation lives at most.")
  var invitationLifetime: Double = 900_000
  @Option(help: "Ms for an inviter's answer.")
  var invitationAnswerTimeout: Double = 10_000
  @Option(
    name: .customLong("fault"), help: "Plant a fault (repeat for more); --list-faults names them. Self-test only.")
  var faults: [String] = []

  enum ProfileArgument: String, ExpressibleByArgument, CaseIterable, Sendable { case deployed, strict }

  func validate() throws {
    guard (1...86_400_000).contains(pingInterval), (1...86_400_000).contains(pongTimeout) else {
      throw ValidationError("--ping-interval and --pong-timeout are 1 ms to a day")
    }
    guard (1_000...900_000).contains(invitationLifetime), (10...900_000).contains(invitationAnswerTimeout) else {
      throw ValidationError("--invitation-lifetime is 1000 to 900000, --invitation-answer-timeout 10 to 900000")
    }
    for name in faults where Fault(rawValue: name) == nil {
      let near = Fault.allCases.map(\.rawValue).filter { $0.lowercased().contains(name.lowercased()) }
      throw ValidationError(
        "no fault is called \(name)" + (near.isEmpty ? "" : "; do you mean \(near.joined(separator: ", "))?"))
    }
  }

  func settings() -> CommServerSettings {
    var settings = CommServerSettings(profile: profile == .strict ? .strict : .deployed)
    settings.pingInterval = pingInterval
    settings.pongTimeout = pongTimeout
    if let firstMessageTimeout { settings.firstMessageTimeout = firstMessageTimeout.value }
    if let responseTimeout { settings.responseTimeout = responseTimeout.value }
    if let relayIdleTimeout { settings.relayIdleTimeout = relayIdleTimeout.value }
    if let clearMessageLimit { settings.clearMessageLimit = clearMessageLimit.value.map { Int($0) } }
    if let sparesPerKey { settings.sparesPerKey = sparesPerKey.value.map { Int($0) } }
    if let socketsPerSecond { settings.socketsPerSecond = socketsPerSecond.value.map { Int($0) } }
    if let requestsPerMinute { settings.requestsPerMinute = requestsPerMinute.value.map { Int($0) } }
    if let pongsPerSecond { settings.pongsPerSecond = pongsPerSecond.value.map { Int($0) } }
    if let invitations { settings.invitations = invitations }
    settings.invitationLimits.longestLifetime = invitationLifetime
    settings.invitationLimits.shortestLifetime = min(settings.invitationLimits.shortestLifetime, invitationLifetime)
    settings.invitationLimits.answerTimeout = invitationAnswerTimeout
    settings.faults = Set(faults.compactMap { Fault(rawValue: $0) })
    return settings
  }
}

struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Run the embedded CommServer on sockets.",
    discussion: """
      Prints one JSON line with the URL when it listens, and serves until SIGINT or SIGTERM, then closes every connection
      as the protocol says. Logs go to standard error.

        chumgate serve --port 8000                       like the real one
        chumgate serve --profile strict --port 8000      hardened, with limits
        chumgate serve --tls --write-cert cert.pem       wss with a throw-away certificate for loopback
        chumgate serve --cert chain.pem --key key.pem --host 0.0.0.0 --host :: --port 443
        kill -USR1 PID                                   one line of metrics on standard output
      """)

  @OptionGroup(title: "Protocol") var protocolOptions: ServerSettingsOptions

  @Option(help: "Address to bind; repeat for more. IPv6 without brackets.")
  var host: [String] = []
  @Option(help: "Port; 0 lets the system choose.")
  var port = 8_000
  @Flag(help: "wss with a throw-away certificate for localhost, made now.")
  var tls = false
  @Option(help: "wss with this certificate chain (PEM).")
  var cert: String?
  @Option(help: "Key of --cert (PEM).")
  var key: String?
  @Option(help: "Write the certificate in use to this file, so that clients can trust exactly it.")
  var writeCert: String?
  @Option(
    help:
      "File with the server's X25519 secret key, 64 hex digits; made when it is missing. (Default: a new key at every start.)"
  )
  var serverKey: String?
  @Option(help: "Connections in all; one more gets HTTP 503.")
  var maxConnections = 100_000
  @Option(help: "Bytes of one WebSocket message.")
  var messageLimit = 104_857_600
  @Option(help: "Bytes of incomplete messages of all connections together.")
  var assemblyBudget = 536_870_912
  @Option(help: "Ms from TCP to a complete upgrade request, or none.")
  var handshakeTimeout: Bound = Bound(argument: "10000")!
  @Option(help: "Ms that a peer has to answer a close frame.")
  var closeTimeout = 10_000.0
  @Option(help: "Ms to wait for the connections to end at the stop.")
  var grace = 3_000.0
  @Option(help: "Print a line of metrics every so many seconds.")
  var stats: Double?
  @Option(help: "trace, debug, info, notice, warning, error or critical.")
  var logLevel: String = "info"
  @Flag(help: "Print the faults that --fault knows, and stop.")
  var listFaults = false
  @Flag(help: .hidden)
  var untilInputEnds = false

  func validate() throws {
    guard (0...65_535).contains(port) else { throw ValidationError("--port is 0 to 65535") }
    guard (cert == nil) == (key == nil) else { throw ValidationError("--cert and --key belong together") }
    guard cert == nil || !tls else {
      throw ValidationError("--tls makes its own certificate; leave it out with --cert")
    }
    guard writeCert == nil || tls || cert != nil else { throw ValidationError("--write-cert needs --tls or --cert") }
    guard Logger.Level(rawValue: logLevel) != nil else { throw ValidationError("--log-level \(logLevel) is unknown") }
    guard (125...1 << 30).contains(messageLimit) else { throw ValidationError("--message-limit is 125 to 1073741824") }
    guard maxConnections > 0, assemblyBudget >= 1 << 20 else {
      throw ValidationError("--max-connections is at least 1, --assembly-budget at least 1048576")
    }
    guard closeTimeout > 0, grace >= 0, (0.01...1e6).contains(stats ?? 1) else {
      throw ValidationError("times are positive numbers; --stats is 0.01 to 1,000,000 s")
    }
  }

  func run() async throws {
    if listFaults { return printFaults() }
    signal(SIGPIPE, SIG_IGN)
    FileLimit.raise()
    let level = Logger.Level(rawValue: logLevel) ?? .info
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = level
      return handler
    }
    let options = try serverOptions()
    let server: RelayServer
    do { server = try await RelayServer(options) } catch { throw Exit.usage("\(error)") }
    // Before the ready line: whoever has read it may send a signal at once.
    let (signals, source) = AsyncStream.makeStream(of: Int32.self)
    let watchers = [SIGINT, SIGTERM, SIGUSR1].map { SignalWatch.start($0) { source.yield($0) } }
    defer { for watcher in watchers { watcher.cancel() } }
    if untilInputEnds { SignalWatch.inputEnd { source.yield(SIGTERM) } }
    ready(server, options)
    let clock = stats.map { Alarm.every($0) { source.yield(SIGUSR1) } }
    defer { clock?.cancel() }
    for await number in signals {
      if number == SIGUSR1 {
        await metrics(server)
        continue
      }
      break
    }
    await server.stop(grace: grace)
  }

  private func serverOptions() throws -> ServerOptions {
    var settings = protocolOptions.settings()
    settings.connections = nil
    if let serverKey { settings.secretKey = try Self.persistentKey(serverKey) }
    var options = ServerOptions(settings: settings)
    options.hosts = host.isEmpty ? ["127.0.0.1"] : host
    options.port = port
    options.maximumConnections = maxConnections
    options.messageLimit = messageLimit
    options.assemblyBudget = assemblyBudget
    options.handshakeTimeout = handshakeTimeout.value
    options.closeTimeout = closeTimeout
    do {
      if let cert, let key {
        options.tls = try TLSMaterial(certificatePEM: try Inputs.bytes(cert), keyPEM: try Inputs.bytes(key))
      } else if tls {
        options.tls = try TLSMaterial.throwAway()
      }
    } catch let failure as TLSMaterial.Failure {
      throw Exit.usage("\(failure)")
    }
    if let writeCert, let material = options.tls {
      try Inputs.write(String(decoding: material.certificatePEM, as: UTF8.self), to: writeCert)
    }
    return options
  }

  /// Reads the key, or makes one that only its owner may read (CS-032).
  private static func persistentKey(_ path: String) throws -> SecretKey {
    if FileManager.default.fileExists(atPath: path) {
      let text = String(decoding: try Inputs.bytes(path), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
      guard let key = SecretKey(hex: text) else { throw Exit.usage("\(path): not 64 hex digits") }
      return key
    }
    var random = SystemRandom()
    let key = random.secretKey()
    let data = Data((Hex.encode(key.exposedBytes) + "\n").utf8)
    let isMade = FileManager.default.createFile(atPath: path, contents: data, attributes: [.posixPermissions: 0o600])
    guard isMade else { throw Exit.usage("cannot write \(path)") }
    return key
  }

  private func ready(_ server: RelayServer, _ options: ServerOptions) {
    var line = JSONObject([
      "ready": true, "url": .string(server.url), "urls": .array(server.urls.map { .string($0) }),
      "profile": .string(options.settings.profile.rawValue), "publicKey": .string(server.publicKeyHex),
      "pingInterval": .number(options.settings.pingInterval), "pid": .number(Double(getpid())),
    ])
    if !options.settings.faults.isEmpty {
      line.append("faults", .array(options.settings.faults.map(\.rawValue).sorted().map { .string($0) }))
    }
    Self.printLine(.object(line))
  }

  private func metrics(_ server: RelayServer) async {
    guard let (machine, network) = await server.statistics() else { return }
    let rss = ProcessMemory.residentBytes
    Self.printLine(
      .object(
        JSONObject([
          "stats": .object(
            JSONObject([
              "sockets": .number(Double(network.sockets)), "connections": .number(Double(machine.connections)),
              "spares": .number(Double(machine.spares)), "keys": .number(Double(machine.keys)),
              "relays": .number(Double(machine.relays)), "invitations": .number(Double(machine.invitations)),
              "accepted": .number(Double(network.accepted)), "registrations": .number(Double(machine.registrations)),
              "handovers": .number(Double(machine.handovers)), "refusals": .number(Double(machine.refusals)),
              "faults": .number(Double(machine.faults)), "frameFailures": .number(Double(network.frameFailures)),
              "refusedUpgrades": .number(Double(network.refusedUpgrades)), "pings": .number(Double(machine.pings)),
              "relayedMessages": .number(Double(network.relayedMessages)),
              "relayedBytes": .number(Double(network.relayedBytes)), "pauses": .number(Double(network.pauses)),
              "assemblyBytes": .number(Double(network.assemblyBytes)), "residentBytes": .number(Double(rss)),
              "cpuSeconds": .number(ProcessMemory.cpuSeconds),
            ]))
        ])))
  }

  private func printFaults() {
    for fault in Fault.allCases {
      let name = fault.rawValue.padding(toLength: 30, withPad: " ", startingAt: 0)
      print("\(name) \(fault.requirements.joined(separator: ", ")): \(fault.summary)")
    }
  }

  private static func printLine(_ value: JSONValue) {
    // A script may read the ready line only.
    Output.write(value.compact + "\n", whenClosed: .goesOn)
  }
}

/// What the system counts for this process.
enum ProcessMemory {
  /// Resident memory in bytes; 0 where /proc is not there.
  static var residentBytes: Int { residentBytes(of: getpid()) ?? 0 }

  static func residentBytes(of process: Int32) -> Int? {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/statm", encoding: .utf8) else { return nil }
    let words = text.split(separator: " ")
    guard words.count > 1, let pages = Int(words[1]) else { return nil }
    return pages * Int(getpagesize())
  }

  static var cpuSeconds: Double { cpuSeconds(of: getpid()) ?? 0 }

  /// User and system time of a process in seconds.
  static func cpuSeconds(of process: Int32) -> Double? {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      let end = text.lastIndex(of: ")")
    else { return nil }
    let words = text[text.index(after: end)...].split(separator: " ")
    guard words.count > 12, let user = Double(words[11]), let system = Double(words[12]) else { return nil }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }
}
