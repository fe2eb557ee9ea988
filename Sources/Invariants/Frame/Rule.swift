public import Trace

/// How much a violation costs (chum.md 5.3; C, H, M, L of connection.md).
public enum Severity: String, Sendable, CaseIterable {
  case info, minor, major, critical
}

/// Whom a rule binds (chum.md 0.3; B, H and X of connection.md 8 map to compatible, strict and extension).
public enum Binding: String, Sendable {
  /// The real implementation keeps it; breaking it breaks interoperability. A violation fails a session.
  case compatible
  /// A safe implementation keeps it, the real one does not: a warning, and a failure in profile strict.
  case strict
  /// A rule about the deployment around the protocol: a warning, and a failure in profile strict.
  case deployment
}

/// What must be known of a session before a rule can speak.
public enum Sight: String, Sendable {
  case clear, decrypted
}

/// What `chumgate explain` tells of a rule. A class, so that naming the rule in flight costs a pointer.
public final class RuleInfo: Sendable {
  public let id: String
  /// Other requirements that the same check decides (decisions.md 16): what breaks the rule breaks them too.
  public let alsoDecides: [String]
  /// Requirements that only some of its findings break; those findings name them.
  public let partlyDecides: [String]
  public let statement: String
  public let severity: Severity
  public let binding: Binding
  /// Document and chapter, such as `chum.md 5.4`.
  public let reference: String
  /// The F or R number of the reference's own known deviation; findings that are it say so (`Finding.deviation`).
  public let knownDeviation: String?
  public let sight: Sight
  /// True when one copy watches all connections.
  let isSessionWide: Bool
  /// True when it has nothing to look at without an instance's log (source L of chum.md 5.1).
  public let needsLog: Bool

  public init(
    id: String, alsoDecides: [String] = [], partlyDecides: [String] = [], statement: String, severity: Severity,
    binding: Binding = .compatible,
    reference: String, knownDeviation: String? = nil, sight: Sight = .clear, isSessionWide: Bool = false,
    needsLog: Bool = false
  ) {
    self.id = id
    self.alsoDecides = alsoDecides
    self.partlyDecides = partlyDecides
    self.statement = statement
    self.severity = severity
    self.binding = binding
    self.reference = reference
    self.knownDeviation = knownDeviation
    self.sight = sight
    self.isSessionWide = isSessionWide
    self.needsLog = needsLog
  }
}

/// What a rule may know of the whole session before the first event.
public struct SessionFacts: Sendable {
  /// The CommServer's ping interval in ms, from the header or from `authentication_success`.
  public var pingInterval: Double
  /// The CommServer's patience for a pong in ms.
  public var pongTimeout: Double
  /// The CHUM's pause between two rounds in ms.
  public var pollInterval: Double

  public init(pingInterval: Double = 25_000, pongTimeout: Double = 1_000, pollInterval: Double = 5_000) {
    self.pingInterval = pingInterval
    self.pongTimeout = pongTimeout
    self.pollInterval = pollInterval
  }
}

/// Whether one copy of a rule watches a single connection or the whole session.
public enum RuleScope: Sendable { case leg, session }

/// A temporal rule as a streaming monitor: events in, violations out, memory bounded by what is open.
///
/// A copy with scope `leg` lives from the first event of interest on a connection to the connection's end; it judges
/// what that connection's client does, since every other party has a connection of its own. Reports against the remote
/// peer are dropped when the peer's own connection is in the recording.
public protocol Rule: Sendable {
  static var info: RuleInfo { get }
  static var interests: EventSet { get }
  init(_ facts: SessionFacts)
  mutating func observe(_ event: Event, _ report: inout Reporter)
  /// Called once: at the end of the connection (scope `leg`) or of the recording; `ended` tells which it was.
  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter)
}

extension Rule {
  public static var scope: RuleScope { info.isSessionWide ? .session : .leg }
  public mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {}
}

/// Why a monitor sees no more events.
public struct EndOfWatch: Sendable {
  /// Time of the last event of the recording so far, in ms.
  public let time: Double
  /// True when a side closed the connection; false when the recording ended with the connection open.
  public let closed: Bool

  public init(time: Double, closed: Bool) {
    self.time = time
    self.closed = closed
  }
}
