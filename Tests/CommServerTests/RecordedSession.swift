import Cryptobox
import Foundation
import Trace
import Wire
import WireBytes

@testable import Recording

/// A recording as the server saw it: what came in, when, and what it sent on each connection.
struct RecordedSession {
  enum Input {
    case open
    case message(RecordedLine.Payload)
    case close(code: UInt16?, reason: String)
    case stop
  }

  enum Output: Equatable, CustomStringConvertible {
    case text(String)
    case binary([UInt8])
    case close(code: Int, reason: String)

    var description: String {
      switch self {
      case .text(let text): "text \(text.prefix(160))"
      case .binary(let bytes): "binary of \(bytes.count) bytes"
      case .close(let code, let reason): "close \(code) \(reason)"
      }
    }

    /// Up to where the text is the server's own; what follows is the JavaScript engine's.
    static let enginePrefix = "Close called: Received message that does not conform to JSON: SyntaxError: "

    var hasEngineText: Bool {
      if case .close(_, let reason) = self { reason.hasPrefix(Self.enginePrefix) } else { false }
    }
  }

  let header: RecordingHeader
  var inputs: [(time: Double, conn: String, input: Input)] = []
  var outputs: [String: [Output]] = [:]
  var end = 0.0

  static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures/Recordings")

  /// All recordings but the decrypted twins.
  static let names: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    return names.filter { $0.hasSuffix(".ndjson") && !$0.hasSuffix(".plain.ndjson") }.sorted()
  }()

  init(_ name: String) throws {
    let bytes = [UInt8](try Data(contentsOf: Self.directory.appendingPathComponent(name)))
    let lines = bytes.split(separator: 0x0A)
    header = try RecordingHeader(try JSONValue.parse(Array(lines.first ?? [])))
    var opened: Set<String> = []
    var held: [String: [Input]] = [:]
    for (index, line) in lines.dropFirst().enumerated() {
      let line = try RecordedLine(Array(line), number: index + 2)
      end = max(end, line.time)
      switch (line.direction, line.content) {
      case (.fromClient, .open): inputs.append((line.time, line.conn, .open))
      case (.fromServer, .open):
        opened.insert(line.conn)
        // What the client sent before the proxy had its own connection went on at this moment.
        for input in held.removeValue(forKey: line.conn) ?? [] { inputs.append((line.time, line.conn, input)) }
      case (.fromClient, .message(let payload, let proxy, let forwarded)):
        guard let arrived = proxy == nil ? payload : forwarded else { continue }
        var count = 1
        if case .repeated(let times)? = proxy { count = times }
        for _ in 0..<count {
          if opened.contains(line.conn) {
            inputs.append((line.time, line.conn, .message(arrived)))
          } else {
            held[line.conn, default: []].append(.message(arrived))
          }
        }
      case (.fromServer, .message(let payload, _, _)):
        switch payload {
        case .text(let text): outputs[line.conn, default: []].append(.text(text))
        case .binary(let bytes): outputs[line.conn, default: []].append(.binary(bytes))
        }
      case (.fromClient, .close(let code, let reason, let echo)) where !echo:
        let sent = [1_005, 1_006].contains(code) ? nil : UInt16(exactly: code)
        inputs.append((line.time, line.conn, .close(code: sent, reason: reason)))
      case (.fromServer, .close(1_006, _, false)):
        // The proxy cut the connection: the server sees a loss.
        if opened.contains(line.conn) { inputs.append((line.time, line.conn, .close(code: nil, reason: ""))) }
      case (.fromServer, .close(let code, let reason, let echo)) where !echo:
        outputs[line.conn, default: []].append(.close(code: code, reason: reason))
      default: break
      }
    }
  }
}

/// Gives out the recorded challenge of a connection, so that the machine draws the very bytes of the real server.
enum RecordedRandom: RandomSource {
  case scripted(ScriptedRandom)
  case seeded(SeededRandom)

  mutating func bytes(_ count: Int) -> [UInt8] {
    switch self {
    case .scripted(var script):
      let bytes = script.bytes(count)
      self = .scripted(script)
      return bytes
    case .seeded(var seeded):
      let bytes = seeded.bytes(count)
      self = .seeded(seeded)
      return bytes
    }
  }

  /// Opens the recorded challenge with the server's recorded secret.
  init(session: RecordedSession, conn: String, registration: String, secret: SecretKey) {
    self = .seeded(SeededRandom(seed: 1))
    guard let register = try? JSONValue.parse(registration)["publicKey"]?.string,
      let client = Hex.decodeLeniently(register).flatMap({ PublicKey(bytes: $0) })
    else { return }
    for output in session.outputs[conn] ?? [] {
      guard case .text(let text) = output,
        case .authenticationRequest(_, let hex)? = try? CommServerMessage.decode(text),
        let challenge = Hex.decode(hex)
      else { continue }
      let key = SodiumBox().agree(theirs: client, mine: secret)
      guard let plain = try? ComplementProof.open(challenge, key: key, section: "", box: SodiumBox()) else { continue }
      self = .scripted(ScriptedRandom([plain, Array(challenge.prefix(24))]))
    }
  }
}
