public import Chum
public import Instance
public import Wire

/// How a complete instance behaves. Everything can be changed by itself.
public struct SyncSettings: Sendable {
  public var instance: InstanceSettings
  /// What grants to groups are worth to the exporter (chum.md 3.5).
  public var groupPolicy: GroupPolicy
  public var limits: ChumLimits
  /// When sessions begin to speak. The default loses nothing in either profile; ``StartTiming/deployed`` has the race
  /// of the real implementation (F11).
  public var start: StartTiming
  /// Milliseconds of silence after which the protocol version is asked for again (decisions.md 8).
  public var versionSilence: Int? = 1_000
  /// Milliseconds between the end of a round and the next.
  public var pollInterval = 5_000
  /// Stay and poll, as applications do; otherwise one round and FIN.
  public var keepsRunning = true
  public var imports = true
  public var exports = true
  /// Send BLOB chunks as the published packages do: as nothing (F47).
  public var sendsEmptyChunks = false
  /// Make the one-to-one topic with every new contact, as contact components of applications do.
  public var opensTopics = true
  /// Grant the own main profile to every contact by name. Group grants alone reach nobody under ``GroupPolicy/ignored``.
  public var sharesProfile = true
  /// Affirm, without asking, an IoM request about the own person and somebody paired by an Internet-of-Me invitation.
  public var affirmsIoM = false
  /// What an inviter proposes after an Internet-of-Me pairing.
  public var iomMode = IoMRequest.Mode.full
  /// What a received Topic may lead to.
  public var topicTrust: LeuteAccessRights.TopicTrust
  /// Tell the events of the instance log. They cost a look at every object that is stored.
  public var writesLog = true
  /// Planted faults of the CHUM machines. Empty in all real use.
  public var faults: Set<ChumFault> = []
  /// Planted faults of what lies around them. Empty in all real use.
  public var syncFaults: Set<SyncFault> = []
  /// Sessions keep their last root list, for checkers that look after every event.
  public var keepsLists = false

  public var profile: Profile { instance.profile }

  public init(_ instance: InstanceSettings) {
    self.instance = instance
    let isDeployed = instance.profile == .deployed
    groupPolicy = isDeployed ? .ignored : .evaluated
    limits = isDeployed ? .deployed : .strict
    // A real peer may lose what comes in the burst of its control text, so the first request waits a little.
    start = StartTiming(firstRequestAfter: 20)
    topicTrust = isDeployed ? .deployed : .strict
  }

  public init(profile: Profile) { self.init(InstanceSettings(profile: profile)) }
}

/// Broken variants of a complete instance, for self-tests (design.md, law 9).
public enum SyncFault: String, Sendable, CaseIterable {
  /// Two grants for one subject at the same moment start from the same grant, so that one is lost (F20).
  case grantRace
  /// Every component grants by itself, not only the access manager (F32).
  case anyComponentGrants
  /// A one-to-one topic is granted with its first message, not when it is made.
  case topicGrantedAtFirstMessage
  /// A plugin for JSON keeps every text that is none, the control text too.
  case controlTextSwallowed
}
