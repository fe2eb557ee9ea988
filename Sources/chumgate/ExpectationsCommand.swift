import ArgumentParser
import Conformance
import Foundation
import Report
import Results
import Scenario

struct ExpectationsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "expectations", abstract: "The file of known failures.",
    discussion: """
      A YAML file of id, reason, link and date of expiry. With --expectations a listed failure does not fail the run; an
      entry that no longer fails, has expired or names no case does (exit code 5).
      """,
    subcommands: [ExpectationsUpdateCommand.self])
}

struct ExpectationsUpdateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "update", abstract: "Write the file anew from a run: new failures come in, what no longer fails goes.",
    discussion: """
        chumgate test server ws://localhost:8000 --json run.ndjson
        chumgate expectations update known.yaml --from run.ndjson

      Reasons, links and dates of entries that stay are kept. New ones get what was found as reason: edit it.
      """)

  @Argument(help: ArgumentHelp("The expectations file; made if it is not there.", valueName: "file"))
  var file: String

  @Option(help: ArgumentHelp("The run, a file of --json.", valueName: "run"))
  var from: String

  func run() throws {
    guard let results = RunJSON.results(String(decoding: try Inputs.bytes(from), as: UTF8.self)) else {
      throw Exit.usage("\(from): no run of --json")
    }
    guard !results.isEmpty else { throw Exit.nothingRan("\(from) holds no result") }
    var old = Expectations()
    if FileManager.default.fileExists(atPath: file) {
      let text = String(decoding: try Inputs.bytes(file), as: UTF8.self)
      do throws(ScenarioFailure) { old = try Expectations(yaml: text, file: file) } catch {
        throw Exit.usage("\(error)")
      }
    }
    let cases = results.map { result in
      var found = CaseResult(
        id: result.id, title: "", group: "", verdict: result.verdict, behaviour: result.verdict, close: result.verdict,
        binds: "", place: "", repeatCommand: "")
      found.faults = result.fault.map { [$0] } ?? []
      return found
    }
    let new = old.updated(cases, today: Today.text)
    try Inputs.write(new.yaml, to: file)
    let gone = old.entries.filter { entry in !new.entries.contains { $0.id == entry.id } }
    let added = new.entries.filter { entry in !old.entries.contains { $0.id == entry.id } }
    for entry in gone { print("gone   \(entry.id)") }
    for entry in added { print("added  \(entry.id): \(entry.reason)") }
    print("\(new.entries.count) entries, \(added.count) added, \(gone.count) gone")
  }
}
