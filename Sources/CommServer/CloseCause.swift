import WireBytes

/// Why the server closes a socket: the fault's name, with one total map to what the peer is told (design.md, law 5).
enum CloseCause: Error, Equatable, Sendable {
  // What the deployed server finds, too.
  case notJSON(String)
  case notClientMessage
  case readOfNull(String)
  case unexpectedMessage
  case notText
  case oddHex
  case notAKey
  case authenticationFailed
  case notOpened
  case shortNonce
  case unexpectedType(String)
  case wrongMembers
  case queueFull(Int)
  case pingTimeout
  case noListener(leftByItself: Bool)
  case deadSpare
  case stopped
  // Hardening.
  case timeout
  case tooLong
  case lowOrderKey
  case tooManySpares
  case tooManyConnections
  case rateLimited
  case strayMessage
  case earlyMessages
  case requesterGone
  case idle
  case selfRequest
  case invitation(InvitationError)

  /// What the real server writes behind `Close called: ` (observed.md 2 and 3); hardening has no such text.
  var deployedDetail: String {
    switch self {
    case .notJSON(let detail): "Received message that does not conform to JSON: SyntaxError: \(detail)"
    case .notClientMessage: "Received data does not match the data of a client message."
    case .readOfNull(let member): "Cannot read properties of null (reading '\(member)')"
    case .unexpectedMessage: "Received unexpected or malformed message from client."
    case .notText: "Received message that is not a string message."
    case .oddHex: "Expected string to be an even number of characters"
    case .notAKey: "CYENC-ENSPUB: Data is not a public key"
    case .authenticationFailed: "Client authentication failed."
    case .notOpened: "CYENC-SYMDEC: Decryption with symmetric key failed"
    case .shortNonce: "bad nonce size"
    case .unexpectedType(let type):
      "Received unexpected type '\(type)'. Expected type 'authentication_response'."
    case .wrongMembers: "Received data does not match the data expected for command 'authentication_response'"
    case .queueFull(let limit): "Queue is full, it reached its maximum length of \(limit)"
    case .pingTimeout: "Ping: Connection timed out"
    case .noListener(let leftByItself):
      "No listening connection for the specified publicKey."
        + (leftByItself ? " This error should never happen!" : "")
    case .deadSpare: "This connection is closed. It will never be opened again."
    case .stopped: ""
    default: neutralCode
    }
  }

  /// The short code of the strict profile: says what the peer may know and nothing of the inside (TR-015, SEC-24).
  var neutralCode: String {
    switch self {
    case .notJSON, .notClientMessage, .readOfNull, .notText, .oddHex, .wrongMembers: "malformed"
    case .unexpectedMessage, .unexpectedType, .strayMessage: "unexpected"
    case .notAKey, .lowOrderKey: "bad_key"
    case .authenticationFailed, .notOpened, .shortNonce: "unauthenticated"
    case .queueFull, .earlyMessages: "too_early"
    case .pingTimeout, .timeout: "timeout"
    case .noListener, .deadSpare: "no_listener"
    case .stopped: "stopped"
    case .tooLong: "too_long"
    case .tooManySpares, .tooManyConnections: "too_many"
    case .rateLimited: "rate_limited"
    case .requesterGone: "peer_gone"
    case .idle: "idle"
    case .selfRequest: "self"
    case .invitation(let error): error.rawValue
    }
  }

  /// The reason of the close frame in the deployed form, cut to the 123 bytes that fit (connection.md 1.3).
  var deployedReason: String {
    let form = self == .pingTimeout ? "Terminate called" : "Close called"
    let detail = deployedDetail
    return Self.cut(detail.isEmpty ? form + "." : "\(form): \(detail)")
  }

  /// Drops whole characters from the end until at most 123 bytes of UTF-8 are left.
  static func cut(_ reason: String) -> String {
    guard reason.utf8.count > 123 else { return reason }
    var bytes = 0
    var kept = String.UnicodeScalarView()
    for scalar in reason.unicodeScalars {
      bytes += UTF8.width(scalar)
      guard bytes <= 123 else { break }
      kept.append(scalar)
    }
    return String(kept)
  }
}

/// The error codes of X-INV/1 (connection.md 7.2).
enum InvitationError: String, Error, Sendable {
  case malformed, unsupported, unknown, expired, used, revoked, busy, rejected, timeout, conflict
  case targetOffline = "target_offline"
  case tooMany = "too_many"
  case rateLimited = "rate_limited"
  case notOwner = "not_owner"
}
