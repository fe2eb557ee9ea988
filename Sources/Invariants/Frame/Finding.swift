public import Trace

/// Who broke a rule, seen from the recorded connection.
public enum Culprit: String, Sendable {
  /// The client of this connection.
  case client
  /// The peer at the other end of the relay (or of a direct connection).
  case remote
  case commServer = "CommServer"
  /// Something between the two ends: loss, change, replay.
  case path
}

/// An earlier message that proves a finding.
public struct Witness: Sendable, Equatable {
  public let line: Int
  public let time: Double
  public let conn: String
  public let direction: Direction
  public let text: String

  public init(_ event: Event, _ text: String) {
    line = event.line
    time = event.time
    conn = event.conn
    direction = event.direction
    self.text = text
  }
}

/// One violation, with the place where it shows and the smallest set of earlier messages that proves it.
public struct Finding: Sendable {
  public let rule: RuleInfo
  public let conn: String
  public let line: Int
  public let time: Double
  public let culprit: Culprit
  public let message: String
  public let witnesses: [Witness]

  public init(
    rule: RuleInfo, conn: String, line: Int, time: Double, culprit: Culprit, message: String, witnesses: [Witness]
  ) {
    self.rule = rule
    self.conn = conn
    self.line = line
    self.time = time
    self.culprit = culprit
    self.message = message
    self.witnesses = witnesses
  }
}

/// Takes the violations of one rule; the engine lends it to a rule for one call.
public struct Reporter {
  /// True when the remote peer's own connection is in the recording: it is judged there.
  public let remoteIsRecorded: Bool
  /// The part that the client of this connection plays (`undecided` for rules of scope session).
  public let role: LegRole
  let rule: RuleInfo
  var findings: [Finding] = []

  init(rule: RuleInfo, remoteIsRecorded: Bool, role: LegRole) {
    self.rule = rule
    self.remoteIsRecorded = remoteIsRecorded
    self.role = role
  }

  /// Reports a violation that shows in `event`.
  public mutating func violation(
    at event: Event, by culprit: Culprit, _ message: String, because witnesses: [Witness] = []
  ) {
    violation(at: Witness(event, ""), by: culprit, message, because: witnesses)
  }

  /// Reports a violation at a message that was kept for it; used when a later silence proves it.
  public mutating func violation(
    at place: Witness, by culprit: Culprit, _ message: String, because witnesses: [Witness] = []
  ) {
    if culprit == .remote, remoteIsRecorded { return }
    findings.append(
      Finding(
        rule: rule, conn: place.conn, line: place.line, time: place.time, culprit: culprit, message: message,
        witnesses: witnesses))
  }
}

extension Event {
  /// The peer that sent this end-to-end message: the client of the connection, or the one at the other end.
  public var sender: Culprit { direction == .fromClient ? .client : .remote }
  /// The peer that received it and owes a reaction.
  public var receiver: Culprit { direction == .fromClient ? .remote : .client }
}
