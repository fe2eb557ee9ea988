/// The message of a recording that shows something.
public struct Evidence: Sendable, Equatable {
  public let conn: String
  public let line: Int
  /// Milliseconds since the start of the recording.
  public let time: Double

  public init(conn: String, line: Int, time: Double) {
    self.conn = conn
    self.line = line
    self.time = time
  }
}

/// One end of the conversations: an instance acting for a person.
public struct Party: Sendable, Hashable {
  /// The instance's name, or what stands for it as long as it has not said its name.
  public let name: String
  /// The person's id hash; nil when it was not seen.
  public let person: String?

  public init(name: String, person: String?) {
    self.name = name
    self.person = person
  }
}

/// Why something did not arrive.
public struct Cause: Sendable, Hashable {
  /// A stable name, such as `hash-mismatch`.
  public let id: String
  /// The number in chum.md 2.12 when the real implementation is known for it.
  public let fact: String?
  public let text: String
  /// False when the wire shows only that it fits; a log of the instance would tell.
  public let isProven: Bool

  public init(_ id: String, _ text: String, fact: String? = nil, isProven: Bool = true) {
    self.id = id
    self.fact = fact
    self.text = text
    self.isProven = isProven
  }
}

/// Roots that an importer lacks, all for the same reason.
public struct MissingRoots: Sendable {
  public let type: String
  public internal(set) var count: Int
  /// At most three of the hashes.
  public internal(set) var examples: [String]
  public let cause: Cause
  public let evidence: Evidence?
}

/// Something worth saying of a pair or a direction, once however often it happened.
public struct Remark: Sendable {
  public let cause: Cause
  public internal(set) var count: Int
  public let evidence: Evidence?
  /// False when it came right by itself, or is as it should be.
  public internal(set) var isTrouble: Bool
}

/// What passed from one exporter to one importer, over all their connections.
public struct FlowDiagnosis: Sendable {
  public struct Offer: Sendable {
    /// `unversioned`, `versioned`, `id` or `version_node`.
    public let kind: String
    public let type: String
    public let count: Int
  }
  public struct Sent: Sendable {
    /// `object`, `id`, `blob` or `clob`.
    public let kind: String
    public let count: Int
    public let bytes: Int
  }
  public struct Refusal: Sendable {
    public let code: String
    /// Whether the hash had been announced on that connection before.
    public let wasAnnounced: Bool
    public internal(set) var count: Int
    public let evidence: Evidence
  }
  public let exporter: Party
  public let importer: Party
  /// Lists of roots that were answered.
  public var lists = 0
  /// Distinct roots by kind and type.
  public var offered: [Offer] = []
  public var offeredCount: Int { offered.reduce(0) { $0 + $1.count } }
  /// Requests of the services 4 to 8.
  public var asked = 0
  public var sent: [Sent] = []
  public var sentCount: Int { sent.reduce(0) { $0 + $1.count } }
  /// Objects that the importer's log says are stored; nil without a log.
  public var stored: Int?
  public var refused: [Refusal] = []
  /// Roots that arrived whole, and roots that the importer had before.
  public var arrived = 0
  public var known = 0
  public var missing: [MissingRoots] = []
  public var missingCount: Int { missing.reduce(0) { $0 + $1.count } }
  public var remarks: [Remark] = []
}

/// All that two instances did with each other.
public struct PairDiagnosis: Sendable {
  public let first: Party
  public let second: Party
  /// Connections on which CHUM ran, by name; at most 50.
  public var chum: [String] = []
  public var flows: [FlowDiagnosis] = []
  public var remarks: [Remark] = []
  public var hasTrouble: Bool {
    remarks.contains { $0.isTrouble } || flows.contains { !$0.missing.isEmpty || $0.remarks.contains { $0.isTrouble } }
  }
}

/// One question of the troubleshooting list, and what the session answers.
public struct TroubleCheck: Sendable {
  public enum Answer: String, Sendable {
    /// The trouble is here.
    case yes
    /// It was looked for, and is not.
    case no
    /// The recording does not show what would tell.
    case notSeen = "not seen"
  }
  public let id: String
  /// What was looked at.
  public let question: String
  public let answer: Answer
  public let text: String
  public let evidence: Evidence?
}

/// A trouble that users name, with the checks that decide it.
public struct Trouble: Sendable {
  public let title: String
  public let checks: [TroubleCheck]

  /// Yes when a check finds it, no when at least one could look and none finds it.
  public var answer: TroubleCheck.Answer {
    checks.contains { $0.answer == .yes } ? .yes : checks.contains { $0.answer == .no } ? .no : .notSeen
  }
}

/// What a session was about, what is missing where and why, in data that reports turn into sentences.
public struct SessionDiagnosis: Sendable {
  public var pairs: [PairDiagnosis] = []
  /// Pairs beyond the bound.
  public var droppedPairs = 0
  public var troubles: [Trouble] = []

  public init() {}

  public var hasTrouble: Bool { pairs.contains { $0.hasTrouble } || troubles.contains { $0.answer == .yes } }
}
