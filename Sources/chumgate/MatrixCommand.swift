import ArgumentParser
import Conformance
import Foundation
import InstanceCases
import Invariants
import Report
import Requirements
import Results
import Scenario
import WireBytes

struct MatrixCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "matrix",
    abstract: "Which requirement is decided by which cases, with what verdict, and which by none and why.",
    discussion: """
      Computed from the catalogue and from the cases; with --results also the verdicts of a run.

        chumgate matrix
        chumgate matrix --family CS --results run.ndjson
        chumgate matrix --gaps                     requirements without a case, with the reason
      """)

  @Option(help: ArgumentHelp("Requirements of this family only, such as CS; may be repeated.", valueName: "family"))
  var family: [String] = []

  @Flag(help: "Requirements without a case only.")
  var gaps = false

  @Option(help: ArgumentHelp("Verdicts of this run (a file of --json); may be repeated.", valueName: "file"))
  var results: [String] = []

  @Flag(help: "Write JSON.")
  var json = false

  @Option(help: ArgumentHelp("The fixtures; by default ./Fixtures, else those of the source tree.", valueName: "dir"))
  var fixtures: String?

  func run() throws {
    let root = try GateCommand.fixtures(fixtures)
    let catalogue = try Specification.catalogue(root)
    let suite = try Specification.suite([root.appendingPathComponent("Scenarios").path], catalogue, root: root)
    let matrix = CoverageMatrix(
      catalogue, suite.cases, try Specification.gaps(root), verdicts: try verdicts(),
      others: InstanceCatalogue.cases.map { ($0.id, $0.requires) } + RuleBook.coverage)
    let rows = matrix.rows.filter { row in
      (family.isEmpty || family.contains(row.requirement.id.family)) && (!gaps || row.cases.isEmpty)
    }
    guard !rows.isEmpty else { throw Exit.nothingRan("no requirement of family \(family.joined(separator: ", "))") }
    print(json ? document(rows).compact : rows.map(line).joined(separator: "\n"))
    guard !json else { return }
    let covered = rows.count { !$0.cases.isEmpty }
    print("\(rows.count) requirements: \(covered) with cases, \(rows.count - covered) without")
    let open = rows.filter { $0.cases.isEmpty && $0.gap == nil }
    if !open.isEmpty {
      throw Exit.usage(
        "no case and no reason in Spec/uncovered.csv: \(open.map(\.requirement.id.text).joined(separator: ", "))")
    }
  }

  private func verdicts() throws -> [String: Verdict] {
    var found: [String: Verdict] = [:]
    for path in results {
      guard let run = RunJSON.results(String(decoding: try Inputs.bytes(path), as: UTF8.self)) else {
        throw Exit.usage("\(path): no run of --json")
      }
      for result in run { found[result.id] = result.verdict }
    }
    return found
  }

  private func line(_ row: CoverageMatrix.Row) -> String {
    let requirement = row.requirement
    var text = "\(requirement.id.text.padding(toLength: 9, withPad: " ", startingAt: 0))"
    text += "\(requirement.level.rawValue) \(requirement.kind.rawValue)  \(requirement.text.prefix(70))"
    if row.cases.isEmpty {
      let note = row.gap.map { "\($0.reason.phrase)\($0.note.isEmpty ? "" : ": \($0.note)")" } ?? "NO REASON GIVEN"
      return text + "\n           \(Terminal.palette.yellow("no case"))  \(note)"
    }
    let counts =
      row.verdicts.isEmpty
      ? "" : "  " + row.verdicts.map { "\($0.count) \($0.verdict.rawValue)" }.joined(separator: ", ")
    let names = row.cases.prefix(5).joined(separator: ", ") + (row.cases.count > 5 ? ", …" : "")
    return text + "\n           \(row.cases.count) cases\(counts): \(names)"
  }

  private func document(_ rows: [CoverageMatrix.Row]) -> JSONValue {
    .array(
      rows.map { row in
        [
          "id": .string(row.requirement.id.text), "level": .string(row.requirement.level.rawValue),
          "kind": .string(row.requirement.kind.name), "who": .string(row.requirement.who.rawValue),
          "text": .string(row.requirement.text), "cases": .array(row.cases.map { .string($0) }),
          "verdicts": .array(
            row.verdicts.map { ["verdict": .string($0.verdict.rawValue), "count": .number(Double($0.count))] }),
          "gap": row.gap.map { ["reason": .string($0.reason.rawValue), "note": .string($0.note)] } ?? .null,
        ]
      })
  }
}
