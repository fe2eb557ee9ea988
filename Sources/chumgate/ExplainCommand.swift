import ArgumentParser
import Conformance
import Foundation
import InstanceCases
import Invariants
import Replay
import Report
import Requirements
import Scenario

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Tell what a rule or requirement demands.",
    discussion: """
      Without an id: lists every rule that replay runs.

        chumgate explain FRM-001
        chumgate explain CS-019
        chumgate explain ATK-02              an attack of connection.md 9
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
    let root = try GateCommand.fixtures(fixtures)
    let catalogue = try Specification.catalogue(root)
    let requirement = RequirementID(id).flatMap { catalogue[$0] }
    guard rule != nil || requirement != nil else {
      let similar = catalogue.similar(to: id).map(\.text).joined(separator: ", ")
      throw Exit.nothingRan(
        "neither a rule nor a requirement is called \(id)" + (similar.isEmpty ? "" : "; there are \(similar)"))
    }
    print(Terminal.palette.bold(id))
    if let requirement { try explain(requirement, catalogue, root) }
    if let rule {
      print("  rule \(rule.id)  \(rule.statement)")
      print("  severity     \(rule.severity.rawValue), \(binding(rule.binding)), \(rule.reference)")
      if !rule.alsoDecides.isEmpty { print("  decides too  \(rule.alsoDecides.joined(separator: ", "))") }
      if let deviation = rule.knownDeviation { print("  known        the reference itself deviates: \(deviation)") }
      print("  sees         \(sees(rule))")
    } else {
      print("  no rule of replay decides this")
    }
  }

  private func explain(_ requirement: Requirement, _ catalogue: Catalogue, _ root: URL) throws {
    print("  requirement  \(requirement.text)")
    let severity = requirement.severity.map { ", severity \($0.name)" } ?? ""
    print(
      "  demands      \(requirement.level.rawValue), \(requirement.kind.name), of \(requirement.who.rawValue)\(severity)"
    )
    print("  stands in    \(requirement.document) \(requirement.section)")
    let suite = try Specification.suite([root.appendingPathComponent("Scenarios").path], catalogue, root: root)
    let cases = suite.cases.filter { $0.requires.contains(requirement.id) }
    for definition in cases {
      print("  case         \(definition.id) (test \(definition.target.rawValue)): \(definition.title)")
    }
    for one in InstanceCatalogue.cases where one.requires.contains(requirement.id.text) {
      print("  case         \(one.id) (test instance): \(one.title)")
    }
    let isCased = !cases.isEmpty || InstanceCatalogue.cases.contains { $0.requires.contains(requirement.id.text) }
    // A rule that decides it is told below.
    guard !isCased, RuleBook.rule(requirement.id.text) == nil else { return }
    let gap = try Specification.gaps(root)[requirement.id]
    let note = gap.map { $0.note.isEmpty ? $0.reason.phrase : "\($0.reason.phrase): \($0.note)" } ?? "no reason given"
    print("  no case      \(note)")
  }

  private func sees(_ rule: RuleInfo) -> String {
    let wire = rule.sight == .clear ? "what is in clear" : "what keys decrypt"
    guard rule.needsLog else { return wire }
    return (rule.sight == .clear ? "the log of an instance" : "the log of an instance, and \(wire)")
      + " (Fixtures/Recordings/LOG.md); silent without"
  }

  private func binding(_ binding: Binding) -> String {
    switch binding {
    case .compatible: "a breach fails a session"
    case .strict: "hardening: a warning, a failure with --profile strict"
    case .deployment: "about the deployment: a warning, a failure with --profile strict"
    }
  }
}
