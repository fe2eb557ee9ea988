/// One TCP connection of a case, as the case numbers it.
public struct LinkID: Hashable, Sendable, CustomStringConvertible {
  public let rawValue: Int
  public init(_ rawValue: Int) { self.rawValue = rawValue }
  public var description: String { "link \(rawValue)" }
}

/// What a case asks of its transport. Bytes only: the WebSocket layer is the case's own, so that it can break it.
public enum TransportAction: Sendable, Equatable {
  case connect(LinkID)
  case bytes(LinkID, [UInt8])
  /// Ends the TCP connection: by a reset, or orderly.
  case end(LinkID, reset: Bool)
  case reading(LinkID, Bool)
  /// A command for a target that the gate runs itself.
  case command(String)
}

/// What a transport tells a case.
public enum TransportEvent: Sendable, Equatable {
  /// The transport keeps a connection back that the case asked for, as a pacer does: the target knows nothing of it.
  case held(LinkID)
  /// A connection that was kept back is now being made.
  case dialled(LinkID)
  case connected(LinkID)
  case bytes(LinkID, [UInt8])
  /// The other side ended or reset the connection.
  case ended(LinkID, reset: Bool)
  /// The connection could not be made.
  case failed(LinkID, String)
  /// The target opened a connection; the transport chooses a number that the case did not use.
  case incoming(LinkID)
  /// What a target that the gate runs itself tells of its inside.
  case report(String)
}

/// How long a case waits, in ms, learnt from the target (``Runner``).
public struct Budget: Sendable {
  /// For an answer.
  public var answer = 1_000.0
  /// For a close; connection.md 8 gives 2 s.
  public var close = 2_000.0
  /// What must not happen within this time after a WebSocket ping came back does not count as happening.
  public var settle = 0.0
  /// Share and least size of the tolerance of times (connection.md 8: ±10 % or ±500 ms).
  public var toleranceShare = 0.0
  public var toleranceLeast = 0.0
  public init() {}

  /// For targets on a virtual clock: exact.
  public static let virtual: Budget = {
    var budget = Budget()
    budget.toleranceLeast = 0.5
    return budget
  }()

  func tolerance(_ time: Double) -> Double { max(toleranceLeast, time * toleranceShare) }
}

/// One line of a case's wire log.
public struct WireLogLine: Sendable, Equatable {
  public enum Direction: String, Sendable {
    case sent = ">"
    case received = "<"
    /// A remark of the engine: connected, lost, failed.
    case note = "·"
  }
  /// ms since the start of the case.
  public let time: Double
  public let actor: String
  public let direction: Direction
  public let text: String
}

/// What a case found.
public struct CaseOutcome: Sendable {
  /// An expectation that was not met.
  public struct Fault: Sendable, Equatable {
    /// File, line and column of the step.
    public let place: String
    public let actor: String?
    public let expected: String
    public let found: String
    public var text: String { "\(place): \(actor.map { "\($0): " } ?? "")expected \(expected), found \(found)" }
  }

  /// What the target did wrong; nil when it behaved.
  public var behaviour: Fault?
  /// A connection that was closed, but not as it should be.
  public var close: Fault?
  /// Something that is tolerated; the case ends non-strict.
  public var tolerated: Fault?
  /// The case could not be carried out: its own fault, or the transport's.
  public var error: Fault?
  public var log: [WireLogLine] = []
  /// The variables at the end.
  public var variables: [String: Value] = [:]
  /// ms of protocol time.
  public var duration = 0.0

  public var isClean: Bool { behaviour == nil && close == nil && tolerated == nil && error == nil }
}
