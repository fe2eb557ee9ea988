import Foundation
import Invariants
import Testing

/// Every invariant of chum.md chapter 5, the rule that decides it, what the rule looks at, and the planted violations
/// that prove that it can fire.
struct InvariantTable {
  struct Row {
    let id: String
    let text: String
    var rules: [RuleInfo] = []
    var plants: [String] = []

    var sources: String {
      let logs = rules.filter(\.needsLog)
      return logs.isEmpty
        ? "wire"
        : logs.count == rules.count
          ? rules.contains { $0.sight == .decrypted } ? "wire and log" : "log" : "wire, and log"
    }
  }
  let rows: [Row]

  init() throws {
    let csv = try String(
      contentsOf: Fixtures.root.appendingPathComponent("Spec/requirements.csv"), encoding: .utf8)
    rows = csv.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: ",", maxSplits: 7, omittingEmptySubsequences: false).map(String.init)
      guard fields.count == 8, let match = fields[0].wholeMatch(of: /(FRM|CHUM|ACC|CHN|PLG|SEC)-\d{3}/) else {
        return nil
      }
      var row = Row(id: String(match.output.0), text: fields[7].trimmingCharacters(in: ["\"", "\r"]))
      row.rules = RuleBook.all.map { $0.info }.filter { ([$0.id] + $0.alsoDecides + $0.partlyDecides).contains(row.id) }
      row.plants = ProofTests.plants.filter { plant in
        plant.rule == row.id || plant.also.contains(row.id)
          || row.rules.contains { $0.id == plant.rule && $0.alsoDecides.contains(row.id) }
      }.map { $0.rule == row.id ? $0.what : "\($0.what) (\($0.rule))" }
      return row
    }
  }

  var markdown: String {
    var out = """
      # Invariants of chum.md chapter 5

      Written by `CHUMGATE_UPDATE=1 swift test --filter InvariantTableTests`; a test compares it. *Rule* is what
      `chumgate explain` knows; *wire* is judged on every recording with keys, *log* needs the log of an instance
      (`Fixtures/Recordings/LOG.md`). *Proof* names the planted violations on which the rule fires, and without which it is
      silent (`ProofTests`).

      | id | rule | profile | looks at | proof |
      |---|---|---|---|---|

      """
    for row in rows {
      let rules = row.rules.map { $0.id == row.id ? "own" : $0.id }.joined(separator: ", ")
      let profile = Set(row.rules.map { $0.binding.rawValue }).sorted().joined(separator: ", ")
      let deviations = Set(row.rules.compactMap(\.knownDeviation)).sorted().joined(separator: ", ")
      out +=
        "| \(row.id) | \(rules) | \(profile)\(deviations.isEmpty ? "" : "; reference: \(deviations)") | \(row.sources) | "
      out += "\(row.plants.map { $0.replacingOccurrences(of: "|", with: "\\|") }.joined(separator: "; ")) |\n"
    }
    return out
  }
}

@Suite("Each invariant has a rule with proof")
struct InvariantTableTests {
  @Test
  func `all 173 invariants have a rule, and each rule a planted violation`() throws {
    let table = try InvariantTable()
    #expect(table.rows.count == 173)
    #expect(table.rows.filter { $0.rules.isEmpty }.map(\.id) == [])
    #expect(table.rows.filter { $0.plants.isEmpty }.map(\.id) == [])
  }

  @Test
  func `the written table is the computed one`() throws {
    let computed = try InvariantTable().markdown
    let file = Fixtures.root.appendingPathComponent("Spec/invariants.md")
    if ProcessInfo.processInfo.environment["CHUMGATE_UPDATE"] != nil { try Data(computed.utf8).write(to: file) }
    let written = try String(contentsOf: file, encoding: .utf8)
    #expect(written == computed, "run CHUMGATE_UPDATE=1 swift test --filter InvariantTableTests")
  }
}
