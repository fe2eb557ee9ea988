public import Chum
import Cryptobox
public import Instance
public import Wire

/// One act against an instance and what has to come of it.
public struct InstanceCase: Sendable {
  /// What is under test; it decides who dials and what the target was told before.
  public enum Target: String, Sendable, CaseIterable {
    case acceptor, initiator, inviter, invitee, listener
    /// The roles of CHUM, on a connection that the probe dials.
    case exporter, importer
  }

  /// What the case binds (connection.md 8: K).
  public enum Binding: String, Sendable {
    /// Interoperation: a failure in either profile.
    case base
    /// Hardening: a failure in strict, a warning in deployed.
    case hardening
    /// An extension.
    case `extension`
  }

  /// Stable name: requirement and act, such as `HS-011/h3-flipped`.
  public let id: String
  public let title: String
  public let requires: [String]
  public let target: Target
  public let binding: Binding
  /// Broken variants of the target that this case must notice, in profile strict.
  public let kills: [TargetVariant]
  let run: @Sendable (CaseContext) -> CaseOutcome

  init(
    _ id: String, _ title: String, _ requires: [String], _ target: Target, _ binding: Binding = .base,
    kills: [Defect] = [], variants: [TargetVariant] = [], run: @escaping @Sendable (CaseContext) -> CaseOutcome
  ) {
    self.id = id
    self.title = title
    self.requires = requires
    self.target = target
    self.binding = binding
    self.kills = kills.map(TargetVariant.instance) + variants
    self.run = run
  }

  /// Runs the case against an instance of our own with these settings. `expects` is the profile by which it is judged;
  /// a deployed instance judged by strict shows its hardening gaps.
  public func outcome(
    settings: InstanceSettings, expects: Profile? = nil, seed: UInt64 = 1, variant: TargetVariant? = nil
  ) -> CaseOutcome {
    var context = CaseContext(settings: settings, expects: expects ?? settings.profile, seed: seed)
    switch variant {
    case .instance(let defect): context.settings.defects.insert(defect)
    case .chum(let fault): context.chumFaults = [fault]
    case .deployedChum: context.chumProfile = .deployed
    case nil: break
    }
    return run(context)
  }
}

/// How a case ended.
public enum CaseOutcome: Sendable, Equatable {
  case passed
  /// What was seen instead of what is due.
  case failed(String)

  public var isPass: Bool { self == .passed }

  static func check(_ condition: Bool, _ detail: @autoclosure () -> String) -> CaseOutcome {
    condition ? .passed : .failed(detail())
  }

  /// The first failure of several looks.
  static func all(_ outcomes: [CaseOutcome]) -> CaseOutcome { outcomes.first { !$0.isPass } ?? .passed }
}

/// What every case starts from: three identities and the target's settings.
public struct CaseContext: Sendable {
  public var settings: InstanceSettings
  /// Planted faults of the target's CHUM.
  public var chumFaults: Set<ChumFault> = []
  /// The profile of the target's CHUM, when it is another one than its instance's.
  public var chumProfile: Profile?
  public let expects: Profile
  public let seed: UInt64
  /// The target, the probe, and a third party.
  public let targetIdentity: Identity
  public let probe: Identity
  public let other: Identity

  public init(settings: InstanceSettings, expects: Profile, seed: UInt64) {
    self.settings = settings
    self.expects = expects
    self.seed = seed
    var random = SeededRandom(seed: seed)
    let box = SodiumBox()
    targetIdentity = Identity.create(
      url: "ws://comm.example", personEmail: "target@example.org", instanceName: "target-device", random: &random,
      box: box)
    probe = Identity.create(
      url: "ws://probe.example", personEmail: "probe@example.org", instanceName: "probe-device", random: &random,
      box: box)
    other = Identity.create(
      url: "ws://other.example", personEmail: "other@example.org", instanceName: "other-device", random: &random,
      box: box)
  }

  public var isStrict: Bool { expects == .strict }

  /// What the target knows of the probe when they are paired already.
  var knownProbe: PeerBook {
    var book = PeerBook()
    if let record = PeerRecord(probe.publicFile, local: targetIdentity, origin: .file, since: 0) { book.store(record) }
    return book
  }

  /// A world around a target; `knows` tells whether it is paired with the probe.
  func world(knows: Bool = false, change: (inout InstanceSettings) -> Void = { _ in }) -> CaseWorld {
    var settings = settings
    settings.broker = .off
    change(&settings)
    let target = Instance(
      settings: settings, keychain: Keychain([targetIdentity]), book: knows ? knownProbe : PeerBook(), box: SodiumBox())
    return CaseWorld(target: target, seed: seed)
  }

  /// A probe that behaves, for the group and role.
  func plan(_ role: HandshakeRole, _ group: String, _ misbehaviour: Misbehaviour? = nil) -> ProbePeer.Plan {
    var plan = ProbePeer.Plan(
      role: role, own: probe, other: other, target: targetIdentity.instanceKey.publicKey, group: group)
    plan.misbehaviour = misbehaviour
    return plan
  }

  /// The invitation of a probe that plays the inviter.
  var probeInvitation: Invitation {
    Invitation(token: Self.token, publicKey: probe.instanceKey.publicKey.hex, url: "ws://probe.example")
  }

  static let token = "tokenTOKENtokenTOKENtokenTOKENtokenTOKENtokenTOKENtokenTOKEN-_09"
}

/// A target that is broken in one way: proof that a case can fail (design.md, law 9).
public enum TargetVariant: Hashable, Sendable, CustomStringConvertible {
  case instance(Defect)
  case chum(ChumFault)
  /// Its CHUM does what the deployed implementation does, where a strict one is due.
  case deployedChum

  public var description: String {
    switch self {
    case .instance(let defect): defect.rawValue
    case .chum(let fault): "chum.\(fault.rawValue)"
    case .deployedChum: "chum.deployed"
    }
  }

  /// Every variant that there is.
  public static let all: [TargetVariant] =
    Defect.allCases.map(TargetVariant.instance) + ChumFault.allCases.map(TargetVariant.chum) + [.deployedChum]
}
