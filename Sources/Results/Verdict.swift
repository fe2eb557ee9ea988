/// What a case came to.
public enum Verdict: String, Sendable, CaseIterable {
  case pass
  /// Tolerable, but not what a careful implementation does.
  case nonStrict = "non-strict"
  case fail
  /// Nobody has to do it; the target does something else than the deployed implementation.
  case informational
  /// The target does not offer what the case is about.
  case unsupported
  case skipped
  /// Failed, and passed when it was done again.
  case flaky
  /// Could not be carried out.
  case error

  /// True when the case says something bad about the target or the run.
  public var isBad: Bool { self == .fail || self == .error || self == .flaky }
  /// True when the case was carried out.
  public var hasRun: Bool { self != .skipped && self != .unsupported }
}

/// One case with everything a report needs; no report looks anything up.
public struct CaseResult: Sendable, Equatable {
  /// A requirement in the words of the catalogue.
  public struct Requirement: Sendable, Equatable {
    public let id: String
    public let level: String
    public let kind: String
    public let severity: String
    public let source: String
    public let text: String

    public init(id: String, level: String, kind: String, severity: String, source: String, text: String) {
      self.id = id
      self.level = level
      self.kind = kind
      self.severity = severity
      self.source = source
      self.text = text
    }
  }

  /// One line of the wire log: ms since the start, who, which way, what.
  public struct LogLine: Sendable, Equatable {
    public let time: Double
    public let actor: String
    /// `>` sent by the gate, `<` received, `·` a remark.
    public let direction: String
    public let text: String

    public init(time: Double, actor: String, direction: String, text: String) {
      self.time = time
      self.actor = actor
      self.direction = direction
      self.text = text
    }
  }

  public var id: String
  public var title: String
  public var group: String
  public var verdict: Verdict
  /// What the target did, and how it closed, judged apart.
  public var behaviour: Verdict
  public var close: Verdict
  /// What is wrong, in sentences; empty for a pass.
  public var faults: [String] = []
  /// Why it was skipped, or is tolerated.
  public var note: String?
  public var binds: String
  public var tags: [String] = []
  public var requirements: [Requirement] = []
  /// File, line and column.
  public var place: String
  /// The command that runs this case alone.
  public var repeatCommand: String
  /// ms of protocol time, and of real time.
  public var protocolTime = 0.0
  public var time = 0.0
  public var attempts = 1
  /// The reason in the expectations file, when the failure is expected.
  public var expected: String?
  public var log: [LogLine] = []

  public init(
    id: String, title: String, group: String, verdict: Verdict, behaviour: Verdict, close: Verdict, binds: String,
    place: String, repeatCommand: String
  ) {
    self.id = id
    self.title = title
    self.group = group
    self.verdict = verdict
    self.behaviour = behaviour
    self.close = close
    self.binds = binds
    self.place = place
    self.repeatCommand = repeatCommand
  }

  /// A failure that nobody expected.
  public var isUnexpected: Bool { (verdict == .fail || verdict == .error) && expected == nil }
}
