public import Cryptobox
public import WireBytes

/// What was awaited on a connection in clear when a message did not fit.
public enum ClearPhase: String, Sendable {
  case firstMessage = "register or communication_request"
  case authenticationRequest = "authentication_request"
  case authenticationResponse = "authentication_response"
  case authenticationSuccess = "authentication_success"
  case spare = "ping, pong or connection_handover"
  case communicationRequest = "communication_request"
  case communicationReady = "communication_ready"
  case initiatorKey = "the initiator's key message"
  case acceptorKey = "the acceptor's key message"
}

/// One of the key messages H3 and H4 (connection.md 3.2).
public struct KeyMessage: Sendable {
  public let isInitiator: Bool
  /// Bytes of the message; a well-formed one has 72.
  public let length: Int
  /// The ephemeral key, when a known static key opened the box.
  public let ephemeral: PublicKey?
  /// True when the keys at hand should have opened the box and did not.
  public let failedToOpen: Bool
  /// The box's nonce in hex: it must never come again, and shows a replay even without keys.
  public let nonce: String?

  public init(isInitiator: Bool, length: Int, ephemeral: PublicKey?, failedToOpen: Bool, nonce: String? = nil) {
    self.isInitiator = isInitiator
    self.length = length
    self.ephemeral = ephemeral
    self.failedToOpen = failedToOpen
    self.nonce = nonce
  }
}

/// The encrypted channel of a connection as far as the recording lets one know it.
public struct Channel: Sendable {
  /// True when the client of this connection is the initiator (odd counters).
  public let clientIsInitiator: Bool
  /// The session key's fingerprint (its SHA-256 in hex); nil without keys. The key itself never enters the events.
  public let fingerprint: String?
  public let source: String?
  public let target: String?

  public init(clientIsInitiator: Bool, fingerprint: String?, source: String?, target: String?) {
    self.clientIsInitiator = clientIsInitiator
    self.fingerprint = fingerprint
    self.source = source
    self.target = target
  }
}

/// An opened frame, without its body (the body goes on as `plain`).
public struct SealedFrame: Sendable {
  public let counter: UInt64
  /// Bytes of the frame on the wire.
  public let length: Int
  public let isText: Bool
  /// High nibble of the first byte; bit 0 says text.
  public let flags: UInt8
  /// Number of length bytes (L).
  public let lengthBytes: Int
  /// Bytes that padding added behind the first byte (r).
  public let padding: Int
  public let bodyLength: Int

  public init(
    counter: UInt64, length: Int, isText: Bool, flags: UInt8, lengthBytes: Int, padding: Int, bodyLength: Int
  ) {
    self.counter = counter
    self.length = length
    self.isText = isText
    self.flags = flags
    self.lengthBytes = lengthBytes
    self.padding = padding
    self.bodyLength = bodyLength
  }
}

public enum FragmentMark: Sendable, Equatable {
  case startText, startBinary
  case piece(length: Int)
  case end
}

/// One message of a proof by challenge and complement: P5–P8, or the registration's (connection.md 4.3, 2.3).
public struct PersonProof: Sendable {
  public enum Step: String, Sendable { case challenge, response }
  public enum Outcome: Sendable, Equatable {
    /// Opened; a challenge of 64 bytes, or a response that is the complement of its challenge.
    case good
    /// A challenge that opens to another number of bytes, or a response that opens to anything but the complement.
    case wrong
    /// Did not open with the person keys of both sides.
    case notOpened
    /// The secret person keys are not at hand.
    case unknown
  }
  public let step: Step
  public let length: Int
  public let outcome: Outcome

  public init(step: Step, length: Int, outcome: Outcome) {
    self.step = step
    self.length = length
    self.outcome = outcome
  }
}

public enum Answer: Sendable {
  /// `bytes` is the length of the message text.
  case data(JSONValue, bytes: Int)
  case error(name: String?, message: String?, code: String?)
}

public enum Chunk: Sendable, Equatable {
  case text(length: Int, encoding: String?)
  case binary(length: Int)
}

public enum ObjectKind: String, Sendable { case object, id, blob, clob }

/// A whole answer to a request of service 6, 7 or 8.
public struct SentObject: Sendable {
  public let kind: ObjectKind
  public let hash: String
  /// SHA-256 of the bytes that were sent, in hex.
  public let sha256: String
  public let length: Int
  /// The microdata text of services 6 and 7; nil for files.
  public let text: String?

  public init(kind: ObjectKind, hash: String, sha256: String, length: Int, text: String?) {
    self.kind = kind
    self.hash = hash
    self.sha256 = sha256
    self.length = length
    self.text = text
  }
}
