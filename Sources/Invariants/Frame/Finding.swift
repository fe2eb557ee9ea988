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
  /// The instance whose own log shows it.
  case instance
}

/// How much a finding proves. The wire does not show everything: some breaches have an innocent explanation.
public enum Weight: Sendable, Equatable {
  /// The messages prove the breach; the rule's binding says how it counts.
  case proven
  /// The messages allow an innocent explanation (a lost peer, a known race): never more than a warning.
  case possible
  /// Worth knowing, nothing to mend on the strength of this recording alone.
  case remark
}

/// Where in the recording something stands.
public struct Place: Sendable, Equatable {
  public let line: Int
  public let time: Double
  public let conn: String
  public let direction: Direction

  init(line: Int, time: Double, conn: String, direction: Direction) {
    self.line = line
    self.time = time
    self.conn = conn
    self.direction = direction
  }

  public init(_ event: Event) {
    line = event.line
    time = event.time
    conn = event.conn
    direction = event.direction
  }
}

/// An earlier message that proves a finding.
public struct Witness: Sendable, Equatable {
  public let place: Place
  public let text: String

  public init(_ event: Event, _ text: String) { self.init(Place(event), text) }
  public init(_ place: Place, _ text: String) {
    self.place = place
    self.text = text
  }

  public var line: Int { place.line }
  public var time: Double { place.time }
  public var conn: String { place.conn }
  public var direction: Direction { place.direction }
}

/// One violation, with the place where it shows and the smallest set of earlier messages that proves it.
public struct Finding: Sendable {
  public let rule: RuleInfo
  /// Other requirements that this very finding breaks (decisions.md 16).
  public let alsoBreaks: [String]
  public let weight: Weight
  /// The F or R number of the real implementation's known deviation, when this finding is that deviation.
  public let deviation: String?
  public let conn: String
  public let line: Int
  public let time: Double
  public let culprit: Culprit
  public let message: String
  public let witnesses: [Witness]

  /// All ids that the finding breaks, the rule's own first.
  public var ids: [String] { [rule.id] + alsoBreaks }
}

/// Takes the violations of the rules; the engine lends it to one rule after the other.
public struct Reporter {
  /// The shared state of the event's connection.
  let leg: LegFacts
  /// What the instances' logs have told, this event included.
  let log: LogFacts
  private let rules: [RuleInfo]
  /// Position of the rule that speaks; a number, because it changes with every rule woken.
  var position: Int
  var rule: RuleInfo { rules[position] }
  var findings: [Finding] = []

  init(leg: LegFacts, log: LogFacts, rules: [RuleInfo], position: Int) {
    self.leg = leg
    self.log = log
    self.rules = rules
    self.position = position
  }

  /// True when the remote peer's own connection is in the recording: it is judged there.
  public var remoteIsRecorded: Bool { leg.remoteIsRecorded }
  /// The part that the client of this connection plays.
  public var role: LegRole { leg.role }

  /// Reports a violation that shows in `event`.
  public mutating func violation(
    at event: Event, by culprit: Culprit, _ message: String, because witnesses: [Witness] = [],
    weight: Weight = .proven, deviation: String? = nil, also: [String]? = nil
  ) {
    violation(
      at: Place(event), by: culprit, message, because: witnesses, weight: weight, deviation: deviation, also: also)
  }

  public mutating func violation(
    at witness: Witness, by culprit: Culprit, _ message: String, because witnesses: [Witness] = [],
    weight: Weight = .proven, deviation: String? = nil, also: [String]? = nil
  ) {
    violation(
      at: witness.place, by: culprit, message, because: witnesses, weight: weight, deviation: deviation, also: also)
  }

  /// Reports a violation at a message that was kept for it; used when a later silence proves it.
  public mutating func violation(
    at place: Place, by culprit: Culprit, _ message: String, because witnesses: [Witness] = [],
    weight: Weight = .proven, deviation: String? = nil, also: [String]? = nil
  ) {
    if culprit == .remote, leg.remoteIsRecorded, !rule.isSessionWide { return }
    findings.append(
      Finding(
        rule: rule, alsoBreaks: also ?? rule.alsoDecides, weight: weight, deviation: deviation, conn: place.conn,
        line: place.line, time: place.time, culprit: culprit, message: message, witnesses: witnesses))
  }
}

extension Event {
  /// The peer that sent this end-to-end message: the client of the connection, or the one at the other end.
  public var sender: Culprit { direction == .fromClient ? .client : .remote }
  /// The peer that received it and owes a reaction.
  public var receiver: Culprit { direction == .fromClient ? .remote : .client }
  /// Who wrote a message of the CommServer protocol: the client, or the server itself.
  var clearSender: Culprit { direction == .fromClient ? .client : .commServer }
  /// 0 for the client's direction, 1 for the other.
  var side: Int { Int(direction.rawValue) }
}

extension Direction {
  var side: Int { Int(rawValue) }
  /// The peer that speaks in this direction.
  var speaker: Culprit { self == .fromClient ? .client : .remote }
}

/// The peer that speaks in a direction, by its number.
func speaker(_ side: Int) -> Culprit { side == 0 ? .client : .remote }
