public import Wire
import WireBytes

/// Why this side ends a connection: one name, and one total map to what the peer is told (design.md, law 5).
///
/// Profile deployed writes the recorded texts, since some clients look at them; strict writes the short code only
/// (TR-015, ATK-24; decisions.md 10). No text ever holds a token (INV-019).
public struct EndCause: Error, Sendable, Equatable {
  /// Short neutral code.
  public let code: String
  /// Behind `Close called: `; empty for the bare `Close called.`
  let detail: String
  /// A liveness close says `Terminate called`.
  let isTerminate: Bool

  init(_ code: String, _ detail: String = "", isTerminate: Bool = false) {
    self.code = code
    self.detail = detail
    self.isTerminate = isTerminate
  }

  /// The close frame's reason, at most 123 bytes of UTF-8, cut between characters.
  public func reason(_ profile: Profile) -> String {
    guard profile == .deployed else { return Self.cut(code) }
    let form = isTerminate ? "Terminate called" : "Close called"
    return Self.cut(detail.isEmpty ? form + "." : form + ": " + detail)
  }

  static func cut(_ text: String) -> String {
    guard text.utf8.count > 123 else { return text }
    var out = String.UnicodeScalarView()
    var length = 0
    for scalar in text.unicodeScalars {
      length += UTF8.width(scalar)
      guard length <= 123 else { break }
      out.append(scalar)
    }
    return String(out)
  }

  static let done = EndCause("done")
  static let stopped = EndCause("stopped")
  static let routeStopped = EndCause("stopped", "Corresponding route was stopped")
  static let noLifesign = EndCause("timeout", "Keepalive: No lifesign of the other side", isTerminate: true)
  static let noPing = EndCause("timeout", "Pong: Connection timed out", isTerminate: true)
  static let duplicate = EndCause("duplicate", "Duplicate connection - dropped new connection")
  static let replaced = EndCause("replaced", "New connection replaced old one")
  static let stranger = EndCause("unknown_peer", "Error: Unable to start chum because you are unknown")
  static let noCatchAll = EndCause("not_served", "I do not want to communicate with you. Go Away!")
  static let unknownToken = EndCause("refused", "Error: Authentication token is not existing.")
  static let tokenOfOther = EndCause(
    "refused", "Error: The authentication token was not generated for the requested person.")
  static let wrongProof = EndCause("not_proven")
  static let queueFull = EndCause("overrun", "Queue is full, it reached its maximum length of 10")
  static let timeout = EndCause("timeout", "Error: Timeout expired")
  static let tooMany = EndCause("busy")
  static let identityMismatch = EndCause("identity_mismatch")
  static let openTimeout = EndCause("timeout")
  static func unknownGroup(_ name: String) -> EndCause {
    EndCause("not_served", "Error: ConnectionRoutesGroupName \(excerpt(name, 60)) not supported")
  }

  /// A message that is not the one awaited, as the deployed step-wise code words it.
  init(_ message: WireMessage, expected: String, failure: WireFailure) {
    code = Self.neutral(failure)
    isTerminate = false
    guard case .text(let text) = message else {
      detail = "Error: Received message that is not a string message."
      return
    }
    guard let value = try? JSONValue.parse(text, limits: JSONLimits(depth: 32, values: 100_000)) else {
      detail = "Error: Received message that does not conform to JSON: SyntaxError: Unexpected token"
      return
    }
    guard let command = value["command"]?.string, command != expected else {
      detail = "Error: Received data does not match the data expected for command '\(expected)'"
      return
    }
    detail = "Error: Received unexpected type '\(excerpt(command, 40))'. Expected type '\(expected)'."
  }

  /// A fault of H1–H4; `message` is what was received.
  init(handshake failure: WireFailure, message: WireMessage, expected: String) {
    switch failure.code {
    case "box.not-opened":
      self.init(Self.neutral(failure), "Error: CYENC-SYMDEC: Decryption with symmetric key failed")
    case "box.short-nonce": self.init(Self.neutral(failure), "Error: bad nonce size")
    case "handshake.foreign-target":
      self.init(Self.neutral(failure), "We do not accept connections for this target public key")
    case "handshake.bad-ephemeral": self.init(Self.neutral(failure), "Error: CYENC-ENSPUB: Data is not a public key")
    case "handshake.unexpected-message":
      if expected.isEmpty {
        self.init(Self.neutral(failure), "Error: Received message that is not a binary message.")
      } else {
        self.init(message, expected: expected, failure: failure)
      }
    default: self.init(message, expected: expected, failure: failure)
    }
  }

  /// A fault of the encryption or fragmentation layer.
  init(channel failure: WireFailure) {
    let detail =
      switch failure.code {
      case "channel.text": "Incoming encrypted message is a string, it needs to be binary"
      case "channel.counter-limit": "Nonce counter reached its maximum value."
      case let code where code.hasPrefix("fragmentation."): "Fragmentation: \(code.dropFirst(14))"
      default: "Decryption of message failed."
      }
    self.init(Self.neutral(failure), detail)
  }

  /// The classes that a peer may know; nothing of the inside.
  static func neutral(_ failure: WireFailure) -> String {
    switch failure.code {
    case "box.not-opened", "box.short-nonce", "channel.not-opened", "channel.failed-before": "unauthenticated"
    case "proof.not-the-complement": "not_proven"
    case "handshake.foreign-target": "not_served"
    case "handshake.low-order", "handshake.own-source", "handshake.reflected", "handshake.not-a-key",
      "handshake.bad-ephemeral":
      "bad_key"
    case "channel.too-long", "fragmentation.too-large", "commserver.too-long": "too_long"
    case "channel.counter-limit": "exhausted"
    case "handshake.unexpected-message": "unexpected"
    default: "malformed"
    }
  }
}
