import Instance
import Wire

/// A row of the tables: one misbehaviour against one or more kinds of target.
public struct ExchangeRow: Sendable {
  let act: Misbehaviour?
  let title: String
  let requires: [String]
  let targets: [InstanceCase.Target]
  let binding: InstanceCase.Binding
  let verdicts: CaseContext.Verdicts
  let kills: [Defect]
  var knows: Bool?
  var change: (@Sendable (inout InstanceSettings) -> Void)?

  init(
    _ act: Misbehaviour?, _ title: String, _ requires: [String], _ targets: [InstanceCase.Target],
    _ strict: CaseContext.Due, deployed: CaseContext.Due? = nil, forbids: [Observation.Seen] = [],
    never: [Observation.Seen] = [], needs: [Observation.Seen] = [], binding: InstanceCase.Binding? = nil,
    kills: [Defect] = [], knows: Bool? = nil,
    change: (@Sendable (inout InstanceSettings) -> Void)? = nil
  ) {
    self.act = act
    self.title = title
    self.requires = requires
    self.targets = targets
    // What the deployed implementation does otherwise is hardening by definition.
    self.binding = binding ?? (deployed == nil ? .base : .hardening)
    verdicts = CaseContext.Verdicts(
      strict: strict, deployed: deployed ?? strict, forbids: forbids, never: never, needs: needs,
      isHardening: self.binding == .hardening)
    self.kills = kills
    self.knows = knows
    self.change = change
  }

  var cases: [InstanceCase] {
    targets.map { target in
      let row = self
      return InstanceCase(
        id(target), title, requires, target, binding, kills: kills
      ) { context in
        context.exchange(target, row.act, row.verdicts, knows: row.knows) { row.change?(&$0) }
      }
    }
  }

  func id(_ target: InstanceCase.Target) -> String {
    "\(requires[0])/\(target.rawValue)-\(act.map { Self.dashed($0.rawValue) } ?? "good")"
  }

  /// `h3NonceFlipped` as `h3-nonce-flipped`.
  static func dashed(_ name: String) -> String {
    var out = ""
    for character in name {
      if character.isUppercase, out.last?.isUppercase != true, out.last != "-" { out.append("-") }
      out += character.lowercased()
    }
    return out
  }
}

extension ExchangeRow {
  /// Misbehaviours after which a strict acceptor or inviter must end the connection, whatever else happens.
  public static let mustFail: Set<Misbehaviour> = {
    let rows = HandshakeCases.rows + ChannelCases.rows + EstablishmentCases.rows + PairingCases.rows
    var out: Set<Misbehaviour> = []
    for row in rows where row.change == nil && row.targets.contains(.inviter) {
      if case .closes = row.verdicts.strict, let act = row.act, act != .h3Replayed { out.insert(act) }
    }
    return out
  }()
}
