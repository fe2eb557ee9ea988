import ArgumentParser
import Foundation
import Network
import WireBytes

struct BenchRelayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "relay",
    abstract: "Round trips, throughput, registrations and memory of a CommServer; prints JSON.",
    discussion: """
      Without --url it starts `chumgate serve` in a process of its own, so that the figures per CPU second are the
      server's alone. A round trip goes dialer, server, listener, server, dialer: two relayed messages.

        chumgate bench relay
        chumgate bench relay --url ws://127.0.0.1:8000 --pid 4711     another server, CPU time by its process
      """)

  @Option(help: "A running CommServer. It must let one address open many sockets (profile deployed).")
  var url: String?
  @Option(help: "Process of --url, for CPU time and memory.")
  var pid: Int32?
  @Option(help: "Seconds of each measurement.")
  var seconds = 3.0
  @Option(help: "Idle listeners for the memory measurement; 0 leaves it out.")
  var listeners = 10_000
  @Flag(inversion: .prefixedNo, help: "Measure through `chumgate record` as well.")
  var proxy = true

  func validate() throws {
    guard seconds > 0, seconds <= 3_600 else { throw ValidationError("--seconds is above 0 and at most 3600") }
    guard (0...1_000_000).contains(listeners) else { throw ValidationError("--listeners is 0 to 1000000") }
    if let url, WebSocketURL(url) == nil { throw ValidationError("--url is no ws:// or wss:// URL") }
  }

  /// What is measured, and the process whose CPU time counts.
  private struct Target {
    let url: WebSocketURL
    let pid: Int32?
    var cpu: Double { pid.flatMap { ProcessMemory.cpuSeconds(of: $0) } ?? 0 }
    var memory: Int { pid.flatMap { ProcessMemory.residentBytes(of: $0) } ?? 0 }
  }

  func run() async throws {
    FileLimit.raise()
    var child: ChildServer?
    if url == nil {
      do { child = try ChildServer(["serve", "--port", "0", "--max-connections", "1000000"]) } catch {
        throw Exit.usage("cannot start the server: \(error)")
      }
    }
    defer { child?.stop() }
    guard let text = url ?? child?.url, let target = WebSocketURL(text) else { throw Exit.usage("no URL") }
    let server = Target(url: target, pid: pid ?? child?.pid)
    var result = JSONObject()
    do {
      if listeners > 0 { result.append("idleListeners", try await idle(server)) }
      result.append("roundTrips1", try await roundTrips(server, pairs: 1, inFlight: 1))
      result.append("roundTrips16x16", try await roundTrips(server, pairs: 16, inFlight: 16))
      result.append("stream64KiB", try await stream(server))
      result.append("registrations", try await registrations(server))
      if proxy { result.append("throughRecordingProxy", try await recorded(server)) }
    } catch let failure as LoadGenerator.Failure {
      Terminal.error("\(failure) (\(text))")
      throw ExitCode(3)
    }
    print(JSONValue.object(result).compact)
  }

  private func measured<Result: Sendable>(
    _ target: Target, _ label: String, _ body: (LoadGenerator) async throws -> Result
  ) async throws -> (Result, cpu: Double) {
    if isatty(STDERR_FILENO) == 1 { Output.note("\(label) …\n") }
    let generator = LoadGenerator(target.url)
    let before = target.cpu
    do {
      let result = try await body(generator)
      let cpu = target.cpu - before
      await generator.shutdown()
      return (result, cpu)
    } catch {
      await generator.shutdown()
      throw error
    }
  }

  private func roundTrips(_ target: Target, pairs: Int, inFlight: Int) async throws -> JSONValue {
    let (trips, cpu) = try await measured(target, "round trips, \(pairs) pairs, \(inFlight) in flight") {
      try await $0.roundTrips(pairs: pairs, inFlight: inFlight, size: 32, seconds: seconds)
    }
    var object = JSONObject([
      "pairs": .number(Double(pairs)), "inFlight": .number(Double(inFlight)), "bytes": 32,
      "roundTripsPerSecond": .number((Double(trips.count) / trips.seconds).rounded()),
      "messagesPerSecond": .number((Double(trips.count) * 2 / trips.seconds).rounded()),
      "p50Microseconds": .number(trips.percentile(0.5).rounded()),
      "p99Microseconds": .number(trips.percentile(0.99).rounded()),
    ])
    Self.perCPU(&object, "messagesPerCPUSecond", Double(trips.count) * 2, cpu)
    return .object(object)
  }

  private func stream(_ target: Target) async throws -> JSONValue {
    let (flow, cpu) = try await measured(target, "stream of 64 KiB messages") {
      try await $0.stream(pairs: 4, size: 65_536, seconds: seconds)
    }
    let megabytes = Double(flow.bytes) / 1e6
    var object = JSONObject([
      "pairs": 4, "bytes": 65_536, "megabytesPerSecond": .number((megabytes / flow.seconds).rounded()),
    ])
    Self.perCPU(&object, "megabytesPerCPUSecond", megabytes, cpu)
    return .object(object)
  }

  private func registrations(_ target: Target) async throws -> JSONValue {
    let (done, cpu) = try await measured(target, "registrations") {
      try await $0.registrations(parallel: 64, seconds: seconds)
    }
    var object = JSONObject([
      "parallel": 64, "registrationsPerSecond": .number((Double(done.count) / done.seconds).rounded()),
    ])
    Self.perCPU(&object, "registrationsPerCPUSecond", Double(done.count), cpu)
    return .object(object)
  }

  /// The same through `chumgate record`, whose CPU time counts here; the file goes to the system's bin.
  private func recorded(_ target: Target) async throws -> JSONValue {
    let child: ChildServer
    do { child = try ChildServer(["record", target.url.description, "--output", "/dev/null"]) } catch {
      throw Exit.usage("cannot start the proxy: \(error)")
    }
    defer { child.stop() }
    guard let url = WebSocketURL(child.url) else { throw Exit.usage("no URL of the proxy") }
    let proxy = Target(url: url, pid: child.pid)
    return .object(
      JSONObject([
        "roundTrips1": try await roundTrips(proxy, pairs: 1, inFlight: 1),
        "roundTrips16x16": try await roundTrips(proxy, pairs: 16, inFlight: 16),
      ]))
  }

  private func idle(_ target: Target) async throws -> JSONValue {
    let before = target.memory
    var after = 0
    let (held, _) = try await measured(target, "\(listeners) idle listeners") {
      let held = try await $0.holdListeners(listeners)
      after = target.memory
      return held
    }
    let ready = max(1, held.ready)
    return .object(
      JSONObject([
        "listeners": .number(Double(held.ready)), "failed": .number(Double(held.failed)),
        "residentMiBBefore": .number((Double(before) / 1_048_576 * 10).rounded() / 10),
        "residentMiB": .number((Double(after) / 1_048_576 * 10).rounded() / 10),
        "bytesPerListener": .number(Double((after - before) / ready)),
      ]))
  }

  private static func perCPU(_ object: inout JSONObject, _ name: String, _ amount: Double, _ cpu: Double) {
    object.append("serverCPUSeconds", .number((cpu * 100).rounded() / 100))
    object.append(name, cpu > 0 ? .number((amount / cpu).rounded()) : .null)
  }
}

/// Sockets are files: a load of thousands needs more of them than most shells allow at first.
enum FileLimit {
  static func raise() {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
