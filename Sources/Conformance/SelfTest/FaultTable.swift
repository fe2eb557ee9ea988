import Scenario

/// The table of broken variants and the cases that catch them, for Fixtures/Scenarios/FAULTS.md.
public enum FaultTable {
  /// Longest list of cases in one row.
  private static let shown = 6

  public static func markdown(_ check: SelfCheck, _ suite: Suite) -> String {
    var lines = [
      "# Broken targets and the cases that catch them", "",
      "Made by `chumgate self-check --table`; do not edit. Each row is the embedded target with one fault planted. A case "
        + "catches it when it does not pass against it in a profile that it binds.", "",
    ]
    var uncaught: [String] = []
    for role in TargetRole.allCases where suite.cases.contains(where: { $0.target == role }) {
      lines += ["## \(role.rawValue)", "", "| variant | what it does | caught by | cases |", "|---|---|---|---|"]
      for variant in SelfCheck.variants(role) {
        let caught = check.caughtBy(variant.name, role)
        if caught.isEmpty { uncaught.append("\(role.rawValue) \(variant.name): \(variant.summary)") }
        let named = Set(suite.cases.filter { $0.faults.contains(variant.name) }.map(\.id))
        let first = caught.filter { named.contains($0) } + caught.filter { !named.contains($0) }
        let rest = first.count > shown ? ", …" : ""
        lines.append(
          "| \(variant.name) | \(variant.summary) | \(caught.count) | \(first.prefix(shown).joined(separator: ", "))\(rest) |"
        )
      }
      lines.append("")
    }
    lines += ["## Not caught by any case", ""]
    lines += uncaught.isEmpty ? ["None."] : uncaught.map { "- \($0)" }
    lines += ["", "## Cases without a variant", ""]
    let bare = check.withoutVariant
    lines += bare.isEmpty ? ["None."] : bare.map { "- \($0.id): \($0.reason ?? "no reason given")" }
    return lines.joined(separator: "\n") + "\n"
  }
}
