public import Requirements
public import Results
public import Scenario
public import Wire
import WireBytes

/// Turns the outcome of a case into its verdict.
public struct Judge: Sendable {
  public let profile: Profile
  public let catalogue: Catalogue
  /// The beginning of the command that repeats a case.
  public let command: String

  public init(profile: Profile, catalogue: Catalogue, command: String) {
    self.profile = profile
    self.catalogue = catalogue
    self.command = command
  }

  /// What a breach means for this case and profile; of what SHOULD be, a breach is no failure in profile deployed.
  func breach(_ definition: Case) -> Verdict {
    let levels = definition.requires.compactMap { catalogue[$0]?.level }
    let isAdvice = !levels.isEmpty && levels.allSatisfy { $0 == .should }
    return switch definition.binds {
    case .base, .extension: isAdvice && profile == .deployed ? .nonStrict : .fail
    case .hardening: profile == .strict ? .fail : .nonStrict
    case .quirk: .informational
    }
  }

  public func result(_ definition: Case, _ outcome: CaseOutcome) -> CaseResult {
    var result = empty(definition)
    if outcome.behaviour != nil { result.behaviour = breach(definition) }
    if outcome.tolerated != nil, result.behaviour == .pass { result.behaviour = .nonStrict }
    if outcome.close != nil { result.close = breach(definition) }
    if outcome.error != nil { result.behaviour = .error }
    let rank: [Verdict] = [.error, .fail, .nonStrict, .informational, .pass]
    result.verdict = rank.first { $0 == result.behaviour || $0 == result.close } ?? .pass
    result.faults = [outcome.error, outcome.behaviour, outcome.close, outcome.tolerated].compactMap { $0?.text }
    result.protocolTime = outcome.duration
    result.log = outcome.log.map {
      .init(time: $0.time, actor: $0.actor, direction: $0.direction.rawValue, text: $0.text)
    }
    return result
  }

  /// A case that is not run.
  public func skipped(_ definition: Case, _ verdict: Verdict, _ note: String) -> CaseResult {
    var result = empty(definition)
    result.verdict = verdict
    result.behaviour = verdict
    result.close = verdict
    result.note = note
    return result
  }

  private func empty(_ definition: Case) -> CaseResult {
    var result = CaseResult(
      id: definition.id, title: definition.title, group: definition.group, verdict: .pass, behaviour: .pass,
      close: .pass,
      binds: definition.binds.rawValue, place: "\(definition.place)",
      repeatCommand: "\(command) --filter '\(definition.id)'")
    result.tags = definition.tags
    result.requirements = definition.requires.map { id in
      let row = catalogue[id]
      return CaseResult.Requirement(
        id: id.text, level: row?.level.rawValue ?? "", kind: row?.kind.name ?? "", severity: row?.severity?.name ?? "",
        source: row.map { "\($0.document) \($0.section)" } ?? "", text: row?.text ?? "")
    }
    return result
  }
}
