public import CommServer
import Logging
import Network
public import Scenario
import Wire
import WireBytes

/// The embedded CommServer behind real sockets on loopback, with shorter times so that cases about time are quick.
///
/// Cases that want settings of their own, or that stop the server, get a server of their own.
public struct LoopbackServer: CaseTarget {
  public let settings: CommServerSettings
  private let server: RelayServer
  private var shared: SocketTarget

  /// The times that cases know by name, in ms.
  public static func hurried(_ settings: CommServerSettings) -> CommServerSettings {
    var settings = settings
    settings.pingInterval = 400
    settings.pongTimeout = 150
    if settings.firstMessageTimeout != nil { settings.firstMessageTimeout = 500 }
    if settings.responseTimeout != nil { settings.responseTimeout = 500 }
    if settings.relayIdleTimeout != nil { settings.relayIdleTimeout = 1_300 }
    settings.invitationLimits.answerTimeout = 500
    // All cases come from one address and many at once.
    settings.socketsPerSecond = nil
    return settings
  }

  public init(settings: CommServerSettings) throws {
    self.settings = settings
    let made = try Blocking.wait { try await Self.start(settings) }
    server = made
    shared = try Self.target(made.url, settings)
  }

  private static func start(_ settings: CommServerSettings) async throws -> RelayServer {
    var options = ServerOptions(settings: settings)
    options.handshakeTimeout = settings.firstMessageTimeout
    options.closeTimeout = 1_000
    return try await RelayServer(options, log: Logger(label: "chumgate.test") { _ in SwiftLogNoOpLogHandler() })
  }

  private static func target(_ url: String, _ settings: CommServerSettings) throws -> SocketTarget {
    guard let url = WebSocketURL(url) else { throw ServerSettings.Failure(description: "no URL: \(url)") }
    var facts = ServerSettings.facts(settings)
    let assumed = ServerSettings.facts(hurried(CommServerSettings(profile: .strict)))
    for name in ["firstMessageTimeout", "responseTimeout", "relayIdleTimeout"] { facts[name] = assumed[name] }
    if settings.firstMessageTimeout != nil { facts.merge(ServerSettings.facts(settings)) { $1 } }
    return try SocketTarget(url, facts: facts, transport: "loopback")
  }

  public var name: String { "embedded CommServer, profile \(settings.profile.rawValue)" }
  public var transport: String { "loopback" }
  public var role: TargetRole { .server }
  public var hasVirtualClock: Bool { false }
  public var takesCommands: Bool { true }
  public var facts: [String: Value] { shared.facts }
  public var arguments: [String] { ["--loopback"] }

  public var patience: Double { 5_000 }
  public var fixedBudget: Budget? {
    var budget = Budget()
    (budget.answer, budget.close, budget.settle) = (6_000, 5_000, 10)
    (budget.toleranceShare, budget.toleranceLeast) = (0.1, 100)
    return budget
  }

  public var hastyBudget: Budget? {
    // Its speed is known, so that waiting for what it is known not to do need not take long.
    guard var budget = fixedBudget else { return nil }
    (budget.answer, budget.close) = (1_000, 400)
    return budget
  }

  /// Stops the server and all sockets.
  public func shutdown() {
    shared.shutdown()
    let server = server
    _ = try? Blocking.wait { await server.stop(grace: 200) }
  }

  public mutating func learn(_ found: [String: Value]) { shared.learn(found) }

  public mutating func run(_ jobs: [CaseJob], done: (Int, CaseOutcome) -> Void) {
    let common = jobs.indices.filter { !wantsOwnServer(jobs[$0]) }
    shared.run(common.map { jobs[$0] }) { done(common[$0], $1) }
    for index in jobs.indices where wantsOwnServer(jobs[index]) { done(index, runAlone(jobs[index])) }
  }

  private func wantsOwnServer(_ job: CaseJob) -> Bool { job.definition.usesTarget || !job.definition.settings.isEmpty }

  private func runAlone(_ job: CaseJob) -> CaseOutcome {
    var outcome = CaseOutcome()
    do {
      var own = settings
      for setting in job.definition.settings { try ServerSettings.set(setting.name, setting.value, in: &own) }
      let settings = own
      let server = try Blocking.wait { try await Self.start(settings) }
      let target = try Self.target(server.url, settings)
      var stopping: Task<Void, Never>?
      var driver = SocketDriver(pool: target.pool, options: .init(), facts: target.facts) { text in
        guard (try? JSONValue.parse(text))?["command"] == "stop", stopping == nil else { return }
        stopping = Task { await server.stop(grace: 500) }
      }
      driver.run([job]) { outcome = $1 }
      target.shutdown()
      let ending = stopping ?? Task { await server.stop(grace: 200) }
      try Blocking.wait { await ending.value }
    } catch {
      outcome.error = .init(
        place: "\(job.definition.place)", actor: nil, expected: "a server of the case's own", found: "\(error)")
    }
    return outcome
  }
}
