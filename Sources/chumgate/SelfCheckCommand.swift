import ArgumentParser
import Conformance
import Foundation
import Report
import Scenario

struct SelfCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "self-check",
    abstract: "Prove that each case can fire: run it against servers that are broken on purpose.",
    discussion: """
      Each case names the broken variants of the embedded server that it must catch. One that it does not catch gives
      exit code 6.

        chumgate self-check
        chumgate self-check --table faults.md     which cases catch which variant, all against all
      """)

  @Option(
    help: ArgumentHelp("Check these cases only: an id or group with * and ?; may be repeated.", valueName: "pattern"))
  var filter: [String] = []

  @Option(
    help: ArgumentHelp(
      "Write the table of all variants against all cases as Markdown; - for standard output.", valueName: "file"))
  var table: String?

  @Option(help: ArgumentHelp("The fixtures; by default ./Fixtures, else those of the source tree.", valueName: "dir"))
  var fixtures: String?

  func run() throws {
    let root = try GateCommand.fixtures(fixtures)
    let catalogue = try Specification.catalogue(root)
    let suite = try Specification.suite([root.appendingPathComponent("Scenarios").path], catalogue, root: root)
      .selecting(filter)
    guard !suite.cases.isEmpty else { throw Exit.nothingRan("no case matches \(filter.joined(separator: ", "))") }
    let check = SelfCheck(suite)
    let probes = check.named()
    let missed = check.gaps(probes)
    for probe in missed { print("\(Terminal.palette.red("not caught"))  \(probe.id)  \(probe.variant): \(probe.text)") }
    let bare = check.withoutVariant
    for entry in bare {
      print("\(Terminal.palette.yellow("no variant"))  \(entry.id): \(entry.reason ?? "no reason given")")
    }
    let proven = Set(probes.filter(\.isCaught).map(\.id)).count
    print(
      "\(suite.cases.count) cases, \(proven) shown to fire (\(proven * 1000 / suite.cases.count / 10) %), "
        + "\(probes.count) probes, \(missed.count) not caught")
    if let table { try Inputs.write(FaultTable.markdown(check, suite), to: table) }
    if !missed.isEmpty || bare.contains(where: { $0.reason == nil }) { throw ExitCode(6) }
  }
}
