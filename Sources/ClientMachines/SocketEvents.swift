public import Wire

/// Names one socket of an instance for as long as it lives; the machine that opens it chooses the number.
public struct SocketID: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let rawValue: UInt64
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }
  public var description: String { "#\(rawValue)" }
  public static func < (one: SocketID, other: SocketID) -> Bool { one.rawValue < other.rawValue }
}

/// What happens to the sockets of an instance; whole WebSocket messages only.
public enum SocketEvent: Sendable, Equatable {
  case opened(SocketID)
  /// The socket could not be opened.
  case failed(SocketID, String)
  case text(SocketID, String)
  case binary(SocketID, [UInt8])
  /// The socket is gone: `code` is that of the peer's close frame, nil for a frame without one or for a lost socket.
  case closed(SocketID, code: UInt16?, reason: String)
  /// The time has come that the machine's `nextDeadline` named (or any other time).
  case timer

  var socket: SocketID? {
    switch self {
    case .opened(let id), .failed(let id, _), .text(let id, _), .binary(let id, _), .closed(let id, _, _): id
    case .timer: nil
    }
  }
}

/// What the driver has to do with the sockets, in this order.
public enum SocketAction: Sendable, Equatable {
  case open(SocketID)
  case text(SocketID, String)
  case binary(SocketID, [UInt8])
  /// A close handshake behind everything that was sent; the machine has forgotten the socket.
  case close(SocketID, reason: String)
}

/// Why a side ends a connection. The deployed profile tells its peer in the recorded words, strict in a neutral code.
public enum EndCause: Sendable, Equatable {
  case malformed(String)
  case unexpected(String)
  case notOpened
  case badKey
  case timeout
  case stopped

  /// The reason in deployed or neutral form (connection.md 1.3, TR-015).
  public func text(_ profile: Profile) -> String { reason(isStrict: profile == .strict) }

  func reason(isStrict: Bool) -> String {
    let neutral =
      switch self {
      case .malformed: "malformed"
      case .unexpected: "unexpected"
      case .notOpened: "unauthenticated"
      case .badKey: "bad_key"
      case .timeout: "timeout"
      case .stopped: "stopped"
      }
    guard !isStrict else { return neutral }
    switch self {
    case .malformed(let detail), .unexpected(let detail): return Self.cut("Close called: Error: \(detail)")
    case .notOpened: return "Close called: Error: CYENC-SYMDEC: Decryption with symmetric key failed"
    case .badKey: return "Close called: Error: CYENC-ENSPUB: Data is not a public key"
    case .timeout: return "Terminate called: Pong: Connection timed out"
    case .stopped: return "Close called."
    }
  }

  /// At most 123 bytes of UTF-8, cut between characters.
  static func cut(_ text: String) -> String {
    guard text.utf8.count > 123 else { return text }
    var kept = String.UnicodeScalarView()
    var bytes = 0
    for scalar in text.unicodeScalars {
      bytes += UTF8.width(scalar)
      guard bytes <= 123 else { break }
      kept.append(scalar)
    }
    return String(kept)
  }
}
