import ClientMachines
import Cryptobox
public import Scenario
public import Wire
import WireBytes

/// The embedded listener or requester; the case plays the CommServer, with whatever misbehaviour it likes.
public struct EmbeddedClient: CaseTarget {
  public let role: TargetRole
  public let profile: Profile
  /// The planted fault of the self-test.
  public var variant = ClientVariant.none

  public init(role: TargetRole, profile: Profile) {
    self.role = role
    self.profile = profile
  }

  public var name: String { "embedded \(role.rawValue), profile \(profile.rawValue)" }
  public var transport: String { "in process" }
  public var hasVirtualClock: Bool { true }
  public var takesCommands: Bool { true }
  public var arguments: [String] { [] }

  public var facts: [String: Value] {
    let listener = ListenerSettings(profile: profile)
    return [
      "profile": .text(profile.rawValue), "spares": .number(Double(listener.spares)),
      "reconnectDelay": .number(listener.reconnectDelay), "pingSlack": .number(listener.pingSlack),
      "openTimeout": .number(RequesterSettings(profile: profile).openTimeout), "keyTimeout": .number(15_000),
      "requestTimeout": .number(listener.requestTimeout),
    ]
  }

  public mutating func run(_ jobs: [CaseJob], done: (Int, CaseOutcome) -> Void) {
    for (index, job) in jobs.enumerated() { done(index, run(job)) }
  }

  /// One case in a world of its own. The variable `me` is the client's public key, `peer` the key pair that a requester
  /// asks for, and `known` that of a peer whom a listener knows.
  public func run(_ job: CaseJob) -> CaseOutcome {
    let seed = SHA256.hash(Array("client \(job.seed) \(job.definition.id)".utf8))
    let peerSeed = SHA256.hash(Array("peer \(job.seed) \(job.definition.id)".utf8))
    let knownSeed = SHA256.hash(Array("known \(job.seed) \(job.definition.id)".utf8))
    var outcome = CaseOutcome()
    guard let key = SecretKey(bytes: seed), let peer = SecretKey(bytes: peerSeed),
      let known = SecretKey(bytes: knownSeed)
    else { return outcome }
    var settings = ClientSettings(profile: profile)
    settings.listener.peerKeys = [known.publicKey]
    for setting in job.definition.settings where !apply(setting.name, setting.value, key, &settings) {
      outcome.error = .init(
        place: "\(job.definition.place)", actor: nil,
        expected: "spares, permanent, messageLimit or pinned as a setting",
        found: "\(setting.name)")
      return outcome
    }
    variant.apply(to: &settings)
    var facts = facts
    facts["me"] = .bytes(key.publicKey.bytes)
    facts["peer"] = .record(["public": .bytes(peer.publicKey.bytes), "secret": .bytes(peerSeed)])
    facts["known"] = .record(["public": .bytes(known.publicKey.bytes), "secret": .bytes(knownSeed)])
    var machine = CaseMachine(job.definition, facts: facts, budget: job.budget, seed: job.seed)
    var world = ClientWorld(role: role, settings: settings, key: key, peer: peer.publicKey, seed: job.seed)
    world.run(&machine)
    return machine.outcome
  }

  private func apply(_ name: String, _ value: JSONValue, _ key: SecretKey, _ settings: inout ClientSettings) -> Bool {
    switch name {
    case "spares": settings.listener.spares = value.integer ?? 2
    case "permanent": settings.requester.isPermanent = value.bool ?? false
    case "messageLimit": settings.messageLimit = value.integer ?? settings.messageLimit
    // The pinned server is the one whose key the short form admit uses: that of the name "pinned" is another one.
    case "pinned": settings.listener.pinnedServerKey = value.bool == true ? key.publicKey : nil
    default: return false
    }
    return true
  }
}
