import Cryptobox
import Instance
import Wire
import WireBytes

/// A world's traffic in the form of a recording (`one-ws-recording/1`), for the rules of `chumgate replay`.
public struct SessionLog: Sendable {
  private var lines: [String] = []
  private var keys: [(ephemeral: String, key: String)] = []
  /// A log of endless worlds would only fill memory.
  static let limit = 200_000

  public init() {}

  private mutating func add(_ object: JSONValue) { if lines.count < Self.limit { lines.append(object.compact) } }

  mutating func add(_ handshake: EstablishedHandshake) {
    keys.append((handshake.ownEphemeral.hex, Hex.encode(handshake.sessionKey.exposedBytes)))
  }

  mutating func open(_ cable: Int, at time: Double) {
    for direction in ["c2s", "s2c"] {
      add([
        "t": .number(time), "conn": .string("c\(cable + 1)"), "dir": .string(direction), "kind": "open", "data": "{}",
      ])
    }
  }

  mutating func frame(_ cable: Int, fromClient: Bool, _ message: WireMessage, at time: Double) {
    let kind: String
    let data: String
    switch message {
    case .text(let text): (kind, data) = ("text", text)
    case .binary(let bytes): (kind, data) = ("binary", Base64.encode(bytes))
    }
    add([
      "t": .number(time), "conn": .string("c\(cable + 1)"), "dir": .string(fromClient ? "c2s" : "s2c"),
      "kind": .string(kind), "data": .string(data),
    ])
  }

  mutating func close(_ cable: Int, fromClient: Bool, code: UInt16?, _ reason: String, at time: Double) {
    add([
      "t": .number(time), "conn": .string("c\(cable + 1)"), "dir": .string(fromClient ? "c2s" : "s2c"),
      "kind": "close", "code": .number(Double(code ?? 1_006)), "reason": .string(reason),
    ])
  }

  /// The recording's bytes.
  public var recording: [UInt8] {
    let head: JSONValue = ["type": "header", "format": "one-ws-recording/1", "name": "simulation"]
    return Array(([head.compact] + lines).joined(separator: "\n").utf8) + [0x0A]
  }

  /// The key log that opens it.
  public var keyLog: [UInt8] { Array(keys.map { "\($0.ephemeral) \($0.key)\n" }.joined().utf8) }
}
