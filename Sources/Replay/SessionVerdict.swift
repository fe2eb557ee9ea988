public import Diagnosis
public import Invariants
public import Recording
import WireBytes

/// Which breaches fail a session (design.md, two profiles everywhere).
public enum JudgingProfile: String, Sendable, CaseIterable {
  /// What the real implementation keeps must be kept; hardening and deployment rules warn.
  case deployed
  /// Everything but notes must be kept.
  case strict
}

/// How a finding counts under a profile.
public enum FindingLevel: String, Sendable { case failure, warning, note }

extension Finding {
  public func level(_ profile: JudgingProfile) -> FindingLevel {
    if rule.severity == .info || weight == .remark { return .note }
    if weight == .possible { return .warning }
    return profile == .strict || rule.binding == .compatible ? .failure : .warning
  }
}

/// What a judge says of one session.
public struct SessionVerdict: Sendable {
  public enum Status: String, Sendable {
    case pass, fail
    /// Nothing was judged: no frame and no log event at all.
    case empty
  }

  public var file: String
  public var name: String?
  public var description: String?
  public var profile: JudgingProfile
  public var findings: [Finding] = []
  /// What passed, what is missing and why.
  public var diagnosis = SessionDiagnosis()
  public var droppedFindings = 0
  public var lines = 0
  public var events = 0
  public var connections = 0
  public var frames = 0
  public var encryptedFrames = 0
  public var openedFrames = 0
  /// Events of instance logs.
  public var logEvents = 0
  /// What could not be seen.
  public var blindness = Blindness()
  public var unreadableFrames: Int { blindness.unreadableFrames }
  public var unreadableConnections: Int { blindness.unreadableConnections }
  /// Milliseconds between the start of the recording and its last line.
  public var duration = 0.0
  /// A last line that was cut off.
  public var truncation: RecordingFailure?
  /// Rules that saw at least one event of their interest, and all that ran.
  public var rulesWoken: [RuleInfo] = []
  public var rulesRun = 0

  public init(file: String, profile: JudgingProfile) {
    self.file = file
    self.profile = profile
  }

  public func count(_ level: FindingLevel) -> Int { findings.count { $0.level(profile) == level } }

  public var status: Status {
    if frames == 0, logEvents == 0 { return .empty }
    return count(.failure) > 0 ? .fail : .pass
  }

  /// What this judge could not see, in sentences.
  public var blindSpots: [String] {
    var out: [String] = []
    if unreadableFrames > 0 {
      out.append(
        "\(unreadableFrames) encrypted frames on \(unreadableConnections) connections could not be read: no keys. "
          + "Rules about their content saw nothing; hand over a key log with --key-log.")
    }
    if blindness.midwayConnections > 0 {
      out.append(
        "\(blindness.midwayConnections) connections had begun before the recording: what depends on their beginning "
          + "was not judged.")
    }
    if blindness.plainRelays > 0 {
      out.append(
        "\(blindness.plainRelays) relay legs carry something else than the ONE handshake: only the relay was judged.")
    }
    if blindness.applications > 0 {
      out.append(
        "\(blindness.applications) encrypted connections carry something of their own: only the encryption was judged.")
    }
    if blindness.unknownLogEvents > 0 {
      out.append(
        "\(blindness.unknownLogEvents) log events have names that are not known: "
          + blindness.unknownLogNames.joined(separator: ", ") + ".")
    }
    if let truncation { out.append("The last line is cut off (\(truncation)); everything before it was judged.") }
    if droppedFindings > 0 { out.append("\(droppedFindings) more findings were only counted.") }
    return out
  }
}
