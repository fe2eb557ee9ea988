import ArgumentParser
import Foundation
import Invariants
import Replay
import Report
import Requirements

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Tell what a rule or requirement demands.",
    discussion: """
      Without an id: lists every rule that replay runs.

        chumgate explain FRM-001
        chumgate explain CS-019
      """)

  @Argument(help: "A rule or requirement, such as CHUM-029 or CS-014.")
  var id: String?

  @Option(help: ArgumentHelp("The fixtures with Spec/requirements.csv.", valueName: "dir"))
  var fixtures: String?

  func run() throws {
    guard let id = id?.uppercased() else {
      for type in RuleBook.all { print("\(type.info.id)\t\(type.info.severity.rawValue)\t\(type.info.statement)") }
      return
    }
    let rule = RuleBook.rule(id)?.info
    let row = try requirement(id)
    guard rule != nil || row != nil else { throw Exit.nothingRan("neither a rule nor a requirement is called \(id)") }
    let palette = Terminal.palette
    print(palette.bold(id))
    if let row {
      print("  requirement  \(row["text"] ?? "")")
      print(
        "  demands      \(row["level"] ?? ""), kind \(row["kind"] ?? ""), of \(row["who"] ?? ""), severity \(row["severity"] ?? "")"
      )
      print("  stands in    \(row["document"] ?? "") \(row["section"] ?? "")")
    }
    if let rule {
      print("  rule \(rule.id)  \(rule.statement)")
      print("  severity     \(rule.severity.rawValue), \(binding(rule.binding)), \(rule.reference)")
      if !rule.alsoDecides.isEmpty { print("  decides too  \(rule.alsoDecides.joined(separator: ", "))") }
      if let deviation = rule.knownDeviation { print("  known        the reference itself deviates: \(deviation)") }
      print("  sees         \(rule.sight == .clear ? "what is in clear" : "what keys decrypt")")
    } else {
      print("  no rule of replay decides this")
    }
  }

  private func binding(_ binding: Binding) -> String {
    switch binding {
    case .compatible: "a breach fails a session"
    case .strict: "hardening: a warning, a failure with --profile strict"
    case .deployment: "about the deployment: a warning, a failure with --profile strict"
    }
  }

  /// The row of the catalogue; attacks of connection.md 9 are called ATK-nn there (decisions.md 15).
  private func requirement(_ id: String) throws -> [String: String]? {
    let url = try GateCommand.fixtures(fixtures).appendingPathComponent("Spec/requirements.csv")
    guard let text = try? String(contentsOf: url, encoding: .utf8) else { return nil }
    let rows = CSV.rows(text).map(\.fields)
    guard let names = rows.first else { return nil }
    guard let row = rows.first(where: { $0.first == id }) else { return nil }
    return Dictionary(zip(names, row), uniquingKeysWith: { first, _ in first })
  }
}
