/// Why a file is no session, and where (exit code 2 of the commands).
public struct RecordingFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// Line of the file, from 1; 0 when the fault is the file's as a whole.
  public let line: Int
  public let reason: String

  public init(line: Int, _ reason: String) {
    self.line = line
    self.reason = reason
  }

  public var description: String { line > 0 ? "line \(line): \(reason)" : reason }
}

/// Bounds that keep a hostile file from costing more than a stated amount.
public struct RecordingLimits: Sendable {
  /// Longest line in bytes. A WebSocket message of 100 MiB needs 140 MB as base64.
  public var line = 300_000_000
  /// Longest line of an instance's log in a file of its own.
  public var logLine = 64 << 20
  /// Connections open at the same time.
  public var openConnections = 200_000
  /// X25519 keys and shared keys taken from a header or key log.
  public var keys = 1_000_000
  /// Largest message put together from fragments, in bytes.
  public var message = 256 << 20
  /// Requests of one direction of a connection that may wait for an answer at once.
  public var openRequests = 65_536

  public init() {}
}
