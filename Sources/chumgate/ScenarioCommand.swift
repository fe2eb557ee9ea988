import ArgumentParser
import Conformance
import Foundation
import Requirements
import Scenario
import WireBytes

struct ScenarioCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scenario", abstract: "Check scenario files; the language's schema and functions.",
    subcommands: [ScenarioCheckCommand.self, ScenarioSchemaCommand.self, ScenarioFunctionsCommand.self])
}

struct ScenarioCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Read files of cases and say what is wrong in them, with line and column.",
    discussion: "  chumgate scenario check my-cases/")

  @Argument(help: ArgumentHelp("Directories or files.", valueName: "dir"))
  var paths: [String]

  @Option(help: ArgumentHelp("The fixtures with the requirements; by default ./Fixtures.", valueName: "dir"))
  var fixtures: String?

  func run() throws {
    let root = try GateCommand.fixtures(fixtures)
    let suite = try Specification.suite(paths, try Specification.catalogue(root), root: root)
    for group in suite.groups { print("\(group.name)\t\(group.target.rawValue)\t\(group.cases.count) cases") }
    print("\(suite.cases.count) cases in \(suite.groups.count) groups, no fault found")
  }
}

struct ScenarioSchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Print the JSON Schema for editors.",
    discussion: """
        chumgate scenario schema > scenario.schema.json

      In an editor with a YAML language server, begin a file with
        # yaml-language-server: $schema=scenario.schema.json
      """)

  func run() { print(ScenarioSchema.document.compact) }
}

struct ScenarioFunctionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "functions", abstract: "List the functions that formulas may use.")

  func run() {
    for entry in FunctionTable.entries {
      let range = entry.arguments
      let count = range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)–\(range.upperBound)"
      print("\(entry.name)(\(count))\t\(entry.says)")
    }
  }
}
