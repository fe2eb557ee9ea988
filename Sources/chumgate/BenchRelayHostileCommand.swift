import ArgumentParser
import Foundation
import Network
import Synchronization
import WireBytes

struct BenchRelayHostileCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "relay-hostile",
    abstract: "Hostile load against a CommServer on this machine, with honest clients beside it; prints JSON.",
    discussion: """
      Half-open sockets, upgrade requests a byte at a time, messages of 100 MiB, a million pings and random bytes, all at
      once, for a bounded time and to loopback addresses only. Meanwhile four honest relays do round trips and an honest
      listener registers again and again. Exit 0 when the server lived, stayed below --memory and served them, else 1.

        chumgate bench relay-hostile
        chumgate bench relay-hostile --profile strict --seconds 60
      """)

  @Option(help: "Profile of the server that it starts: deployed or strict (whose rate limits are then off).")
  var profile = "deployed"
  @Option(help: "A running server on loopback instead.")
  var url: String?
  @Option(help: "Process of --url, for its memory.")
  var pid: Int32?
  @Option(help: "Seconds of load.")
  var seconds = 20.0
  @Option(help: "Half-open sockets.")
  var halfOpen = 5_000
  @Option(help: "Messages of 100 MiB.")
  var longMessages = 20
  @Option(help: "WebSocket pings.")
  var pings = 1_000_000
  @Option(help: "MiB of resident memory that the server may take at most.")
  var memory = 1_024.0

  func validate() throws {
    guard ["deployed", "strict"].contains(profile) else { throw ValidationError("--profile is deployed or strict") }
    guard seconds >= 1, seconds <= 600 else { throw ValidationError("--seconds is 1 to 600") }
    guard (0...100_000).contains(halfOpen), (0...1_000).contains(longMessages), (0...100_000_000).contains(pings) else {
      throw ValidationError("--half-open is at most 100000, --long-messages 1000, --pings 100000000")
    }
  }

  func run() async throws {
    FileLimit.raise()
    var child: ChildServer?
    if url == nil {
      let limits = ["--sockets-per-second", "none", "--requests-per-minute", "none", "--spares-per-key", "none"]
      let arguments = ["serve", "--port", "0", "--profile", profile] + (profile == "strict" ? limits : [])
      do { child = try ChildServer(arguments) } catch { throw Exit.usage("cannot start the server: \(error)") }
    }
    defer { child?.stop() }
    guard let text = url ?? child?.url, let target = WebSocketURL(text) else { throw Exit.usage("no ws:// URL") }
    let process = pid ?? child?.pid
    var plan = HostileLoad.Plan()
    plan.seconds = seconds
    plan.halfOpen = halfOpen
    plan.longMessages = longMessages
    plan.pings = pings
    let hostile: HostileLoad
    do { hostile = try HostileLoad(target, plan: plan) } catch { throw Exit.usage("\(error)") }
    let generator = LoadGenerator(target)
    let registrar = LoadGenerator(target)
    let watched = Atomic(0)
    let watch = Alarm.every(0.1) {
      if let process, let now = ProcessMemory.residentBytes(of: process) { watched.max(now, ordering: .relaxed) }
    }
    async let report = hostile.run()
    async let trips = generator.roundTrips(pairs: 4, inFlight: 1, size: 32, seconds: seconds)
    async let registrations = registrar.registrations(parallel: 1, seconds: seconds)
    let (done, honest, registered) = try await (report, trips, registrations)
    watch.cancel()
    let peak = (Double(watched.load(ordering: .relaxed)) / 1_048_576 * 10).rounded() / 10
    await generator.shutdown()
    await registrar.shutdown()
    let isAlive = process.map { kill($0, 0) == 0 } ?? true
    let isServed = honest.seconds >= seconds * 0.9 && honest.count > 0 && registered.count > 0
    let isBounded = process == nil || peak <= memory
    Self.printResult(done, honest, registered.count, peak, isAlive && isServed && isBounded)
    guard isAlive, isServed, isBounded else { throw ExitCode(1) }
  }

  private static func printResult(
    _ report: HostileLoad.Report, _ honest: LoadGenerator.RoundTrips, _ registrations: Int, _ peak: Double,
    _ isGood: Bool
  ) {
    func number(_ value: Int) -> JSONValue { .number(Double(value)) }
    print(
      JSONValue.object(
        JSONObject([
          "pass": .bool(isGood), "serverPeakMiB": .number(peak),
          "honest": .object(
            JSONObject([
              "roundTrips": number(honest.count), "seconds": .number(honest.seconds.rounded()),
              "p50Microseconds": .number(honest.percentile(0.5).rounded()),
              "p99Microseconds": .number(honest.percentile(0.99).rounded()),
              "maxMicroseconds": .number((honest.latencies.last ?? 0).rounded()),
              "registrations": number(registrations),
            ])),
          "halfOpen": number(report.halfOpen), "halfOpenClosed": number(report.halfOpenClosed),
          "slowLorisBytes": number(report.slowLorisBytes), "slowLorisClosed": number(report.slowLorisClosed),
          "longMessages": number(report.longMessages), "longMessagesRefused": number(report.longMessagesRefused),
          "pings": number(report.pings), "pongs": number(report.pongs), "randomBytes": number(report.randomBytes),
          "randomClosed": number(report.randomClosed), "notConnected": number(report.notConnected),
        ])
      ).compact)
  }
}
