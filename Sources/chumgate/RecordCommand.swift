import ArgumentParser
import Cryptobox
import Foundation
import Logging
import Network
import Recording
import Synchronization
import Wire
import WireBytes

struct RecordCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record",
    abstract: "A WebSocket proxy that writes a session file.",
    discussion: """
      Point the clients at the printed URL instead of at the server; SIGINT ends the recording. Messages, their order and
      close codes stay as they are. Keys, ids and tokens that stand in clear become pseudonyms, the same ones throughout
      the file, so that it can be given away and still replays; encrypted messages stay unreadable without a key log.

        chumgate record ws://localhost:8000 --port 8001 --output session.ndjson
        chumgate record ws://localhost:8000 -o full.ndjson --keep-secrets --key-log keys.txt
        chumgate replay session.ndjson
      """)

  @Argument(help: "URL of the server.")
  var upstream: String
  @Option(
    name: [.short, .long], help: "Session file, or - for standard output (the ready line then goes to standard error).")
  var output: String
  @Option(help: "Address to bind; repeat for more.")
  var host: [String] = []
  @Option(help: "Port; 0 lets the system choose.")
  var port = 0
  @Flag(help: "Keep keys, ids and tokens as they are.")
  var keepSecrets = false
  @Option(help: "Key log whose session keys go into the file's header at the end; needs --keep-secrets.")
  var keyLog: [String] = []
  @Option(help: "Name of the session. (Default: the file's.)")
  var name: String?
  @Flag(help: "wss towards the clients, with a throw-away certificate.")
  var tls = false
  @Option(help: "wss towards the clients, with this certificate chain (PEM).")
  var cert: String?
  @Option(help: "Key of --cert (PEM).")
  var key: String?
  @Option(help: "Trust this certificate (PEM) of a wss server.")
  var trust: String?
  @Option(help: "Ping interval of the server in ms, for the header.")
  var pingInterval: Double?
  @Option(help: "Pong timeout of the server in ms, for the header.")
  var pongTimeout: Double?
  @Flag(help: .hidden)
  var untilInputEnds = false

  func validate() throws {
    guard WebSocketURL(upstream) != nil else { throw ValidationError("\(upstream) is no ws:// or wss:// URL") }
    guard (0...65_535).contains(port) else { throw ValidationError("--port is 0 to 65535") }
    guard (cert == nil) == (key == nil) else { throw ValidationError("--cert and --key belong together") }
    guard cert == nil || !tls else {
      throw ValidationError("--tls makes its own certificate; leave it out with --cert")
    }
    guard keyLog.isEmpty || keepSecrets else {
      throw ValidationError("a key log opens every message, tokens included: --key-log needs --keep-secrets")
    }
    guard keyLog.isEmpty || output != "-" else { throw ValidationError("--key-log needs a file as --output") }
  }

  func run() async throws {
    signal(SIGPIPE, SIG_IGN)
    FileLimit.raise()
    LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
    guard let url = WebSocketURL(upstream) else { throw Exit.usage("\(upstream) is no URL") }
    var options = RecordingProxy.Options(upstream: url)
    options.hosts = host.isEmpty ? ["127.0.0.1"] : host
    options.port = port
    if let trust { options.trust = .pinned(try Inputs.bytes(trust)) }
    do {
      if let cert, let key {
        options.tls = try TLSMaterial(certificatePEM: try Inputs.bytes(cert), keyPEM: try Inputs.bytes(key))
      } else if tls {
        options.tls = try TLSMaterial.throwAway()
      }
    } catch let failure as TLSMaterial.Failure {
      throw Exit.usage("\(failure)")
    }
    var random = SystemRandom()
    if !keepSecrets { options.pseudonyms = Pseudonyms(salt: random.bytes(32)) }
    let file = try OutputFile(output)
    file.write(header(keys: nil))
    let proxy: RecordingProxy
    do { proxy = try await RecordingProxy(options, sink: { file.write($0) }) } catch { throw Exit.usage("\(error)") }
    let (signals, source) = AsyncStream.makeStream(of: Int32.self)
    let watchers = [SIGINT, SIGTERM].map { SignalWatch.start($0) { source.yield($0) } }
    defer { for watcher in watchers { watcher.cancel() } }
    if untilInputEnds { SignalWatch.inputEnd { source.yield(SIGTERM) } }
    let ready = JSONValue.object(
      JSONObject([
        "ready": true, "url": .string(proxy.url), "upstream": .string("\(url)"), "output": .string(output),
        "pid": .number(Double(getpid())),
      ]))
    if output == "-" {
      Output.note(ready.compact + "\n")
    } else {
      Output.write(ready.compact + "\n", whenClosed: .goesOn)
    }
    for await _ in signals { break }
    let statistics = await proxy.statistics()
    await proxy.stop()
    if let failure = file.failure { throw Exit.usage("\(output): \(failure)") }
    if !keyLog.isEmpty { try mergeKeyLogs() }
    let count = statistics.map { "\($0.connections) connections, \($0.messages) messages" } ?? ""
    Output.note("recorded \(count) to \(output)\n")
  }

  private func header(keys: JSONValue?) -> [UInt8] {
    var writer = SessionWriter(pseudonyms: keepSecrets ? nil : Pseudonyms(salt: []))
    var settings = JSONObject()
    if let pingInterval { settings.append("pingInterval", .number(pingInterval)) }
    if let pongTimeout { settings.append("pongTimeout", .number(pongTimeout)) }
    let file = URL(fileURLWithPath: output).deletingPathExtension().lastPathComponent
    writer.header(
      name: name ?? (output == "-" ? "session" : file), description: "Recorded by chumgate record.",
      started: Date().ISO8601Format(.init(includingFractionalSeconds: true)),
      settings: settings.members.isEmpty ? nil : settings, keys: keys)
    return writer.take()
  }

  /// Puts the session keys of the key logs into the header, behind which the lines stay as they are.
  private func mergeKeyLogs() throws {
    var keys: [JSONValue] = []
    for path in keyLog {
      for line in String(decoding: try Inputs.bytes(path), as: UTF8.self).split(separator: "\n") {
        let words = line.prefix { $0 != "#" }.split { !$0.isHexDigit }
        guard !words.isEmpty else { continue }
        guard words.count == 2, words.allSatisfy({ $0.utf8.count == 64 }) else {
          throw Exit.usage("\(path): a key log line is an ephemeral key and a session key, 64 hex digits each")
        }
        keys.append(.object(JSONObject(["key": .string(String(words[1]))])))
      }
    }
    let old = URL(fileURLWithPath: output)
    let merged = old.appendingPathExtension("merging")
    let target = try OutputFile(merged.path)
    target.write(header(keys: .object(JSONObject(["sharedKeys": .array(keys)]))))
    let source = try FileSource(path: output)
    var isHeader = true
    while case let piece = try source.next(), !piece.isEmpty {
      guard isHeader else {
        target.write(piece)
        continue
      }
      guard let end = piece.firstIndex(of: 0x0A) else { continue }
      isHeader = false
      target.write(Array(piece[(end + 1)...]))
    }
    target.close()
    if let failure = target.failure { throw Exit.usage("\(merged.path): \(failure)") }
    guard unsafe rename(merged.path, old.path) == 0 else {
      throw Exit.usage(
        "cannot put \(merged.path) in the place of \(output): \(unsafe String(cString: strerror(errno)))")
    }
  }
}

/// A file that is written in pieces, from one thread at a time; the first failure is kept and ends the writing.
final class OutputFile: Sendable {
  private let descriptor: Int32
  private let state = Mutex<String?>(nil)

  init(_ path: String) throws {
    descriptor = path == "-" ? STDOUT_FILENO : unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Exit.usage("cannot write \(path): \(unsafe String(cString: strerror(errno)))") }
  }

  var failure: String? { state.withLock { $0 } }

  func write(_ bytes: [UInt8]) {
    guard failure == nil, let number = Output.send(bytes, to: descriptor) else { return }
    let reason = unsafe String(cString: strerror(number))
    state.withLock { $0 = $0 ?? reason }
  }

  func close() { if descriptor != STDOUT_FILENO { Glibc.close(descriptor) } }
}

/// Signals as events, instead of the end of the process.
enum SignalWatch {
  /// Calls when standard input has ended, which it does with the process that holds its other end.
  static func inputEnd(_ body: @escaping @Sendable () -> Void) {
    FileHandle.standardInput.readabilityHandler = { handle in
      guard handle.availableData.isEmpty else { return }
      handle.readabilityHandler = nil
      body()
    }
  }

  static func start(_ number: Int32, _ body: @escaping @Sendable (Int32) -> Void) -> any DispatchSourceSignal {
    signal(number, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler { body(number) }
    source.resume()
    return source
  }
}
