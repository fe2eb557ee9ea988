import Scenario

/// The table of broken variants and the cases that catch them, for Fixtures/Scenarios/FAULTS.md.
public enum FaultTable {
  /// Longest list of cases in one row.
  private static let shown = 6

  public static func markdown(_ check: SelfCheck, _ suite: Suite) -> String {
    var lines = [
      "# Broken servers and the cases that catch them", "",
      "Made by `chumgate self-check --table`; do not edit. Each row is the embedded server with one fault planted. A case "
        + "catches it when it does not pass against it in a profile that it binds.", "",
      "| variant | what it does | caught by | cases |", "|---|---|---|---|",
    ]
    var uncaught: [Variant] = []
    for variant in Variant.all {
      let row = check.row(variant)
      if row.caughtBy.isEmpty { uncaught.append(variant) }
      let wanting = suite.cases.filter { $0.faults.contains(variant.name) }.map(\.id)
      let first = row.caughtBy.filter { wanting.contains($0) } + row.caughtBy.filter { !wanting.contains($0) }
      let rest = first.count > shown ? ", …" : ""
      lines.append(
        "| \(variant.name) | \(variant.summary) | \(row.caughtBy.count) | \(first.prefix(shown).joined(separator: ", "))\(rest) |")
    }
    lines += ["", "## Not caught by any case", ""]
    lines += uncaught.isEmpty ? ["None."] : uncaught.map { "- \($0.name): \($0.summary)" }
    lines += ["", "## Cases without a variant", ""]
    let bare = check.withoutVariant
    lines += bare.isEmpty ? ["None."] : bare.map { "- \($0.id): \($0.reason ?? "no reason given")" }
    return lines.joined(separator: "\n") + "\n"
  }
}
