public import Store
public import Wire

/// Bounds of one session. What exceeds them is answered with an error, dropped or closes; it never grows.
public struct ChumLimits: Sendable {
  /// UTF-8 bytes of one text message or answer (CF-030, CHUM-085).
  public var textAnswer = 64 << 20
  /// Entries of a root list.
  public var roots = 1_000_000
  /// Entries of a child list.
  public var children = 1_000_000
  /// Streams that run towards the peer at once.
  public var outgoingStreams = 16
  /// Bytes of one received BLOB or CLOB.
  public var file = 8 << 30
  /// Bytes of all files received in one session.
  public var sessionFiles = 64 << 30
  /// Messages without a meaning, such as unsolicited chunks, until the connection is closed (CF-020).
  public var strayMessages = 16
  /// Errors that the session's record keeps; further ones are only counted.
  public var errors = 1_000
  /// Entries in each list of the session's record.
  public var recordEntries = 1_000_000
  /// Milliseconds until an unanswered request closes the session (CF-072). Nil: never, as deployed (F15).
  public var requestTimeout: Int? = 120_000
  /// Milliseconds until a missing control text closes the session (AT-60, AT-61). Nil: never.
  public var startTimeout: Int? = 30_000
  /// Messages that may come between the peer's control text and the start.
  public var earlyMessages = 1_024
  public var earlyBytes = 4 << 20

  public init() {}

  /// What the deployed implementation has no bounds for keeps generous ones, because law 6 binds us in every profile.
  public static let deployed: ChumLimits = {
    var limits = ChumLimits()
    limits.textAnswer = 512 << 20
    limits.roots = 8_000_000
    limits.children = 8_000_000
    limits.outgoingStreams = 1_024
    limits.strayMessages = .max
    limits.requestTimeout = nil
    limits.startTimeout = nil
    return limits
  }()
  public static let strict = ChumLimits()
}

/// When a side that has both control texts becomes ready (chum.md 1.2, F11). Milliseconds.
public struct StartTiming: Sendable, Equatable {
  /// Messages that come sooner after the peer's control text are lost without a trace.
  public var lostBefore: Int
  /// Requests that come sooner after both control texts are answered with UNKNOWN-SERVICE.
  public var servicesAfter: Int
  /// The first request goes out this long after both control texts.
  public var firstRequestAfter: Int

  public init(lostBefore: Int = 0, servicesAfter: Int = 0, firstRequestAfter: Int = 0) {
    self.lostBefore = lostBefore
    self.servicesAfter = servicesAfter
    self.firstRequestAfter = firstRequestAfter
  }

  /// Nothing is lost (CF-003, CF-010).
  public static let buffered = StartTiming()
  /// The race of the deployed implementation, in whole milliseconds ([rec: chum-burst]).
  public static let deployed = StartTiming(lostBefore: 1, servicesAfter: 3, firstRequestAfter: 4)
}

/// The parameters of one session (chum.md 2.3).
public struct ChumConfiguration: Sendable {
  public var profile: Profile
  /// The connection group's name, first ID property of the Chum object.
  public var name = "chum"
  /// The local number of the connection; it stands in close reasons.
  public var connection = 1
  public var localPerson: ObjectHash
  public var remotePerson: ObjectHash
  public var localInstance: String
  public var remoteInstance: String
  /// Stay and poll; the application layer always does. Otherwise one round, FIN, end.
  public var keepRunning = true
  /// Milliseconds between the end of a round and the next.
  public var pollInterval = 5_000
  public var imports = true
  public var exports = true
  public var groupPolicy: GroupPolicy
  public var limits: ChumLimits
  public var start: StartTiming
  /// Milliseconds of silence after which service 1 is asked again, at most 15 times (decisions.md 8): a real peer loses
  /// a request that comes right behind its control text. Nil: never, as deployed, and the session waits for ever (F11).
  public var versionSilence: Int?
  /// Make durable what an answer brought before the next one is looked at. Otherwise the owner commits, soon: a kill
  /// then costs what came since, and the next session fetches it again.
  public var commitsEachAnswer = true
  /// Send BLOB chunks as the published packages do: as fragmented messages without a fragment (F47).
  public var sendsEmptyChunks = false
  /// Keep the last root list that was answered, for checkers.
  public var keepsLists = false
  /// For self-tests only.
  public var faults: Set<ChumFault> = []

  public init(
    profile: Profile, localPerson: ObjectHash, remotePerson: ObjectHash, localInstance: String, remoteInstance: String
  ) {
    self.profile = profile
    self.localPerson = localPerson
    self.remotePerson = remotePerson
    self.localInstance = localInstance
    self.remoteInstance = remoteInstance
    groupPolicy = profile == .deployed ? .ignored : .evaluated
    limits = profile == .deployed ? .deployed : .strict
    start = profile == .deployed ? .deployed : .buffered
  }

  /// Bytes of file in one binary chunk: the deployed size is split again below, ours is not (chum.md 1.3.6).
  var chunkSize: Int { profile == .deployed ? 65_536 : 65_528 }
}

extension ChumConfiguration {
  /// What planted faults change in the parameters.
  var broken: ChumConfiguration {
    var changed = self
    for fault in faults {
      switch fault {
      case .waitsForEver:
        changed.limits.requestTimeout = nil
        changed.limits.startTimeout = nil
      case .toleratesStrays: changed.limits.strayMessages = .max
      case .rootsUnlimited: changed.limits.roots = 100_000_000
      case .filesUnlimited:
        changed.limits.file = .max
        changed.limits.sessionFiles = .max
      case .unlimitedStreams: changed.limits.outgoingStreams = .max
      case .neverPolls: changed.pollInterval = 1_000_000_000
      case .pollsAtOnce: changed.pollInterval = 100
      case .groupsIgnored: changed.groupPolicy = .ignored
      case .emptyChunks: changed.sendsEmptyChunks = true
      case .neverAsks: changed.imports = false
      case .earlyMessagesLost: changed.start = StartTiming(lostBefore: 1, firstRequestAfter: start.firstRequestAfter)
      default: break
      }
    }
    return changed
  }
}
