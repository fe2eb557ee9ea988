import Cryptobox
import Foundation
import Recording
import Trace
import Wire
import WireBytes

/// Where the fixtures lie, seen from this file.
enum Fixtures {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")

  /// Every recording, without the decrypted twins.
  static let names: [String] = {
    let directory = root.appendingPathComponent("Recordings")
    let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    return files.filter { $0.hasSuffix(".ndjson") && !$0.hasSuffix(".plain.ndjson") }
      .map { String($0.dropLast(".ndjson".count)) }.sorted()
  }()

  static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: root.appendingPathComponent(path)))
  }
}

/// One relayed connection of a recording, seen from its dialer: what either end sent, what the other one got, the keys.
struct RecordedConnection {
  enum Side: CaseIterable { case initiator, acceptor }

  enum Step {
    /// `from` sent this; nil when it went no further; several times when the proxy repeated it.
    case message(from: Side, sent: WireMessage, arrived: [WireMessage], time: Double)
    case close(from: Side?, reason: String)
  }

  let recording: String
  let conn: String
  let request: (source: PublicKey, target: PublicKey)
  var steps: [Step] = []
  var keys: [PublicKey: SecretKey] = [:]
  var signKeys: [String: String] = [:]
  /// Ephemeral public keys, when the key messages open.
  var ephemeral: [Side: PublicKey] = [:]
  var sessionKey: SharedKey?
  let box = SodiumBox()

  /// All connections of a recording that begin with a communication_request and were relayed.
  static func all(_ recording: String) throws -> [RecordedConnection] {
    let lines = try Fixtures.bytes("Recordings/\(recording).ndjson").split(separator: 0x0A)
    let head = try JSONValue.parse(Array(lines.first ?? []))
    let header = try RecordingHeader(head)
    var out: [String: RecordedConnection] = [:]
    var order: [String] = []
    for (index, bytes) in lines.dropFirst().enumerated() {
      let line = try RecordedLine(Array(bytes), number: index + 2)
      let side: Side = line.direction == .fromClient ? .initiator : .acceptor
      switch line.content {
      case .message(let payload, let proxy, let forwarded):
        let sent = wire(payload)
        if out[line.conn] == nil {
          guard side == .initiator, case .text(let text) = sent,
            case .communicationRequest(let source, let target)? = try? CommServerMessage.decode(text),
            let source = PublicKey(hex: source), let target = PublicKey(hex: target)
          else { continue }
          out[line.conn] = RecordedConnection(recording: recording, conn: line.conn, request: (source, target))
          order.append(line.conn)
        }
        var arrived = [sent]
        if let proxy {
          switch proxy {
          case .dropped: arrived = []
          case .repeated(let times): arrived = Array(repeating: sent, count: times)
          default: arrived = forwarded.map { [wire($0)] } ?? []
          }
        }
        out[line.conn]?.steps.append(.message(from: side, sent: sent, arrived: arrived, time: line.time))
      case .close(_, let reason, let echo) where !echo:
        out[line.conn]?.steps.append(.close(from: side, reason: reason))
      default: break
      }
    }
    let signKeys = (head["keys"]?["ed25519"]?.array ?? []).compactMap { entry -> (String, String)? in
      guard let publicKey = entry["pub"]?.string, let secret = entry["sec"]?.string else { return nil }
      return (publicKey, secret)
    }
    return order.compactMap { name in
      guard var connection = out[name] else { return nil }
      for key in header.staticKeys { connection.keys[key.publicKey] = key.secretKey }
      connection.signKeys = Dictionary(signKeys, uniquingKeysWith: { $1 })
      connection.openKeyMessages()
      return connection
    }
  }

  init(recording: String, conn: String, request: (PublicKey, PublicKey)) {
    self.recording = recording
    self.conn = conn
    self.request = request
  }

  private static func wire(_ payload: RecordedLine.Payload) -> WireMessage {
    switch payload {
    case .text(let text): .text(text)
    case .binary(let bytes): .binary(bytes)
    }
  }

  /// What a side sent, in order.
  func sent(_ side: Side) -> [WireMessage] {
    steps.compactMap { step in
      if case .message(side, let sent, _, _) = step { sent } else { nil }
    }
  }

  var staticKey: SharedKey? {
    if let secret = keys[request.target] { return box.agree(theirs: request.source, mine: secret) }
    return keys[request.source].map { box.agree(theirs: request.target, mine: $0) }
  }

  /// The first binary message of each side.
  func keyMessage(_ side: Side) -> [UInt8]? {
    for case .binary(let bytes) in sent(side) { return bytes }
    return nil
  }

  mutating func openKeyMessages() {
    guard let staticKey else { return }
    for side in [Side.initiator, .acceptor] {
      guard let bytes = keyMessage(side), bytes.count == 72, let nonce = Nonce(bytes: bytes.prefix(24)),
        let plain = box.open(Array(bytes.dropFirst(24)), nonce: nonce, key: staticKey)
      else { continue }
      ephemeral[side] = PublicKey(bytes: plain)
    }
    guard let one = ephemeral[.initiator], let two = ephemeral[.acceptor] else { return }
    if let secret = keys[one] { sessionKey = box.agree(theirs: two, mine: secret) }
    if let secret = keys[two] { sessionKey = box.agree(theirs: one, mine: secret) }
  }

  /// The encrypted frames of a side with their padded plaintexts.
  func frames(_ side: Side) -> [(frame: [UInt8], padded: [UInt8])] {
    guard let sessionKey else { return [] }
    var counter: UInt64 = side == .initiator ? 1 : 0
    var out: [(frame: [UInt8], padded: [UInt8])] = []
    for case .binary(let frame) in sent(side).filter({ if case .binary = $0 { true } else { false } }).dropFirst() {
      guard let plain = box.open(frame, nonce: Nonce(counter: counter), key: sessionKey) else { break }
      out.append((frame, plain))
      counter += 2
    }
    return out
  }

  /// The random bytes that a padded plaintext took: r, then the padding.
  static func draws(_ padded: [UInt8]) -> [UInt8] {
    guard let first = padded.first, first & 15 == 1, padded.count > 1 else { return [0] }
    let count = Int(padded[1])
    return [UInt8(truncatingIfNeeded: count + 1)] + padded[2..<min(padded.count, 2 + count)]
  }

  /// The body of a padded plaintext.
  static func body(_ padded: [UInt8]) throws -> WireMessage {
    let padded = try PaddedMessage.decode(padded)
    return padded.isText ? .text(String(decoding: padded.body, as: UTF8.self)) : .binary(padded.body)
  }

  /// The draws of a side's handshake: ephemeral secret, nonce.
  func handshakeDraws(_ side: Side) -> [UInt8]? {
    guard let key = ephemeral[side], let secret = keys[key], let message = keyMessage(side) else { return nil }
    return secret.exposedBytes + message.prefix(24)
  }
}
