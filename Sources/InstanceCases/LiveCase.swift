import Instance
public import Wire

/// A row of the tables for a target that is reached over sockets: judged by what the probe saw, and by nothing else.
public struct LiveCase: Sendable {
  public let id: String
  public let title: String
  public let requires: [String]
  public let target: InstanceCase.Target
  public let binding: InstanceCase.Binding
  public let misbehaviour: Misbehaviour?
  let verdicts: CaseContext.Verdicts

  /// True for faults of the request itself: a CommServer in between keeps them from the target.
  public var isAboutRequest: Bool {
    guard let misbehaviour else { return false }
    return Self.requestActs.contains(misbehaviour)
  }

  /// True when a target of either profile may use up its invitation for it.
  public var usesInvitation: Bool {
    guard target == .inviter else { return false }
    switch misbehaviour {
    case nil: return true
    case let act?: return !Self.beforeToken.contains(act)
    }
  }

  /// The longest wait, in ms, before the case can be decided in a profile.
  public func patience(_ profile: Profile, silence: Double) -> Double {
    switch profile == .strict ? verdicts.strict : verdicts.deployed {
    case .closes(let limit): limit
    case .staysSilent, .closesOrSilent: silence
    case .goesThrough: 10_000
    }
  }

  /// Judges by the profile; `waited` is how long the probe looked behind its act, ms.
  public func judge(_ seen: Observation, by profile: Profile) -> CaseOutcome {
    let isStrict = profile == .strict
    let isBound = isStrict || !verdicts.isHardening
    for what in verdicts.never where isBound && seen.saw(what) { return .failed("\(what.rawValue) came") }
    for what in verdicts.needs where !seen.saw(what) { return .failed("\(what.rawValue) did not come") }
    switch isStrict ? verdicts.strict : verdicts.deployed {
    case .goesThrough:
      return CaseOutcome.check(hasGoneThrough(seen), "did not go through; came: \(seen.words)")
    case .closes(let limit):
      guard let closed = seen.closedAt else { return .failed("still open; came: \(seen.words)") }
      let time = closed - (seen.actedAt ?? closed)
      if time > limit + 1_000 { return .failed("closed only after \(Int(time)) ms") }
    case .staysSilent:
      if let closed = seen.closedAt {
        return .failed("closed after \(Int(closed - (seen.actedAt ?? closed))) ms, the deployed one stays open")
      }
    case .closesOrSilent: if !isStrict { return .passed }
    }
    for what in verdicts.forbids where seen.afterAct.contains(what) {
      return .failed("\(what.rawValue) came behind the fault")
    }
    return .passed
  }

  public func hasGoneThrough(_ seen: Observation) -> Bool { seen.faults.isEmpty && seen.saw(.identity) }

  private static let requestActs: Set<Misbehaviour> = [
    .wrongCommandFirst, .notJSONFirst, .binaryFirst, .readyFirst, .pongFirst, .sourceShort, .sourceLong, .sourceNotHex,
    .sourceNumber, .targetShort, .targetUnknown, .targetMissing, .lowOrderSource, .otherLowOrderSource,
    .ownKeyAsSource, .requestWithExtraMember, .requestWithWhiteSpace, .requestUpperCase, .requestTwice,
    .requestDeepJSON, .silentAfterOpen,
  ]

  /// Acts that end the exchange before a token is shown, or show a wrong one.
  private static let beforeToken: Set<Misbehaviour> = {
    var acts = Set(Misbehaviour.allCases)
    for row in PairingCases.rows {
      if let act = row.act, !row.verdicts.never.contains(.identity) { acts.remove(act) }
    }
    for row in HandshakeCases.rows + ChannelCases.rows + EstablishmentCases.rows {
      guard let act = row.act, row.targets.contains(.inviter) else { continue }
      // What one of the profiles lets through ends with a used token.
      for due in [row.verdicts.strict, row.verdicts.deployed] {
        switch due {
        case .goesThrough, .closesOrSilent: acts.remove(act)
        case .closes, .staysSilent: break
        }
      }
    }
    return acts
  }()
}

extension Observation {
  /// What was seen, for a person.
  public var words: String {
    let list = seen.map(\.rawValue).joined(separator: ", ")
    return (list.isEmpty ? "nothing" : list) + (closeReason.map { "; closed with \"\($0)\"" } ?? "")
  }
}

extension InstanceCatalogue {
  /// The cases for a live inviter or invitee.
  public static func liveCases(_ target: InstanceCase.Target) -> [LiveCase] {
    (HandshakeCases.rows + ChannelCases.rows + EstablishmentCases.rows + PairingCases.rows)
      .filter { $0.targets.contains(target) && $0.change == nil && $0.act != .h3Replayed }
      .map { row in
        LiveCase(
          id: row.id(target), title: row.title, requires: row.requires, target: target, binding: row.binding,
          misbehaviour: row.act, verdicts: row.verdicts)
      }
  }
}
