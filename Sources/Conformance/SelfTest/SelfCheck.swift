import CommServer
public import Scenario
import Wire

/// Proof that each case can fire: it is run against the broken variants of the embedded server that it names.
public struct SelfCheck {
  /// One case against one variant.
  public struct Probe: Sendable {
    public let id: String
    public let variant: String
    public let isCaught: Bool
    /// What the case said, or that it passed.
    public let text: String
  }

  private let suite: Suite
  private let seed: UInt64

  public init(_ suite: Suite, seed: UInt64 = 1) {
    self.suite = suite
    self.seed = seed
  }

  /// The profiles in which a case binds, the one that it is about first.
  static func profiles(_ definition: Case) -> [Profile] {
    let order: [Profile] =
      switch definition.binds {
      case .base, .quirk: [.deployed, .strict]
      case .hardening, .extension: [.strict, .deployed]
      }
    return order.filter { definition.profiles.contains($0.rawValue) }
  }

  /// True when the case does not pass against the variant of that name, in any of its profiles.
  public func probe(_ definition: Case, _ name: String) -> Probe {
    guard Self.variants(definition.target).contains(where: { $0.name == name }) else {
      return Probe(id: definition.id, variant: name, isCaught: false, text: "there is no such variant")
    }
    for profile in Self.profiles(definition) {
      if definition.binds == .extension || definition.binds == .hardening, profile == .deployed { continue }
      let outcome = run(definition, name, profile)
      // A case that cannot be carried out has proved nothing.
      if outcome.error != nil || outcome.isClean { continue }
      let fault = outcome.behaviour ?? outcome.close ?? outcome.tolerated
      return Probe(id: definition.id, variant: name, isCaught: true, text: fault?.text ?? "")
    }
    return Probe(id: definition.id, variant: name, isCaught: false, text: "passes")
  }

  private func run(_ definition: Case, _ name: String, _ profile: Profile) -> CaseOutcome {
    let job = CaseJob(definition, budget: .virtual, seed: seed)
    if definition.target == .server {
      var target = EmbeddedServer(settings: CommServerSettings(profile: profile))
      target.variant = Variant(name: name) ?? .none
      return target.run(job)
    }
    var target = EmbeddedClient(role: definition.target, profile: profile)
    target.variant = ClientVariant(name: name, role: definition.target) ?? .none
    return target.run(job)
  }

  /// The broken variants of a target, with what they do.
  public static func variants(_ target: TargetRole) -> [(name: String, summary: String)] {
    target == .server
      ? Variant.all.map { ($0.name, $0.summary) } : ClientVariant.all(target).map { ($0.name, $0.summary) }
  }

  /// Every case against each variant that it names; an unknown name counts as not caught.
  public func named() -> [Probe] {
    suite.cases.flatMap { definition in definition.faults.map { probe(definition, $0) } }
  }

  /// What is not proven: cases that catch none of their variants, and variants that no row of a case's table catches.
  public func gaps(_ probes: [Probe]) -> [Probe] {
    let firing = Set(probes.filter(\.isCaught).map(\.id))
    let family: (String) -> String = { String($0.prefix { $0 != "/" }) }
    let caught = Set(probes.filter(\.isCaught).map { "\(family($0.id)) \($0.variant)" })
    var seen: Set<String> = []
    return probes.filter { probe in
      guard !probe.isCaught else { return false }
      let pair = "\(family(probe.id)) \(probe.variant)"
      if !caught.contains(pair) { return seen.insert(pair).inserted }
      return !firing.contains(probe.id) && seen.insert(probe.id).inserted
    }
  }

  /// Cases that name no variant, with their reasons.
  public var withoutVariant: [(id: String, reason: String?)] {
    suite.cases.filter(\.faults.isEmpty).map { ($0.id, $0.withoutFault) }
  }

  /// Which cases catch a variant, of all there are for its target.
  public func caughtBy(_ name: String, _ target: TargetRole) -> [String] {
    suite.cases.filter { $0.target == target && probe($0, name).isCaught }.map(\.id)
  }
}
