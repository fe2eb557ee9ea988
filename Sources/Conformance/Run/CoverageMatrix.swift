public import Requirements
public import Results
public import Scenario

/// Requirement × cases × verdicts, computed and never typed.
public struct CoverageMatrix: Sendable {
  public struct Row: Sendable {
    public let requirement: Requirement
    /// Ids of the cases that decide it.
    public let cases: [String]
    /// Verdicts of those cases in a run, worst first.
    public let verdicts: [(verdict: Verdict, count: Int)]
    /// Why there is no case.
    public let gap: CoverageGap?
  }

  public let rows: [Row]

  /// `others` are cases that stand in no scenario file: their id, and the requirements they decide.
  public init(
    _ catalogue: Catalogue, _ cases: [Case], _ gaps: CoverageGaps, verdicts: [String: Verdict] = [:],
    others: [(id: String, requires: [String])] = []
  ) {
    var deciding: [RequirementID: [String]] = [:]
    for other in others {
      for id in other.requires.compactMap({ RequirementID($0) }) { deciding[id, default: []].append(other.id) }
    }
    for definition in cases { for id in definition.requires { deciding[id, default: []].append(definition.id) } }
    let order: [Verdict] = [.fail, .error, .flaky, .nonStrict, .informational, .unsupported, .skipped, .pass]
    rows = catalogue.requirements.map { requirement in
      let ids = deciding[requirement.id] ?? []
      let found = ids.compactMap { verdicts[$0] }
      return Row(
        requirement: requirement, cases: ids,
        verdicts: order.compactMap { verdict in
          let count = found.count { $0 == verdict }
          return count > 0 ? (verdict, count) : nil
        }, gap: ids.isEmpty ? gaps[requirement.id] : nil)
    }
  }

  /// Explanations for requirements that do have a case by now.
  public func needlessGaps(_ gaps: CoverageGaps) -> [RequirementID] {
    let covered = Set(rows.filter { !$0.cases.isEmpty }.map(\.requirement.id))
    return gaps.explainedIDs.filter { covered.contains($0) }
  }
}
