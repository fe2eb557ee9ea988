import Instance

/// The table of broken targets and the cases that notice them, for Fixtures/Scenarios/INSTANCE-FAULTS.md.
public enum InstanceFaultTable {
  /// Cases that no variant can fail, and why.
  public static let withoutVariant: [String: String] = [:]

  /// Cases that name no variant and stand not in ``withoutVariant``: a gap.
  public static var gaps: [String] {
    InstanceCatalogue.cases.filter { $0.kills.isEmpty && withoutVariant[$0.id] == nil }.map(\.id)
  }

  public static func markdown(_ kills: [InstanceCatalogue.Kill]) -> String {
    let cases = InstanceCatalogue.cases
    let proven = Set(kills.filter(\.isNoticed).map(\.caseID))
    var lines = [
      "# Broken instances and the cases that notice them", "",
      "Made by `chumgate test instance --self-check --table`; do not edit. Each row is the embedded instance with one",
      "fault planted; `chum.` stands before those of its CHUM, and `chum.deployed` is an instance that does what the",
      "deployed implementation does where a strict one is due. The cases named here are run against it in profile strict",
      "and must not pass.", "",
      "\(cases.count) cases, \(proven.count) of them shown to fire (\(proven.count * 1_000 / max(1, cases.count)) ‰), "
        + "\(kills.count) pairs of case and fault.", "", "| variant | breaks | noticed by | cases |",
      "|---|---|---|---|",
    ]
    let byVariant = Dictionary(grouping: kills.filter(\.isNoticed), by: \.variant)
    for variant in TargetVariant.all {
      let ids = byVariant[variant]?.map(\.caseID) ?? []
      let shown = ids.prefix(6).joined(separator: ", ") + (ids.count > 6 ? ", …" : "")
      lines.append("| \(variant) | \(breaks(variant, ids)) | \(ids.count) | \(shown) |")
    }
    lines += ["", "## Cases without a broken variant", ""]
    let bare = cases.filter { !proven.contains($0.id) }
    if bare.isEmpty { lines.append("None.") }
    for one in bare { lines.append("* \(one.id): \(withoutVariant[one.id] ?? "no reason given")") }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The requirements that a variant does not meet; for CHUM those of the cases that notice it.
  private static func breaks(_ variant: TargetVariant, _ ids: [String]) -> String {
    if case .instance(let defect) = variant { return defect.breaks.joined(separator: ", ") }
    let first = Set(ids.compactMap { $0.split(separator: "/").first.map(String.init) }).sorted()
    return first.prefix(5).joined(separator: ", ") + (first.count > 5 ? ", …" : "")
  }
}
