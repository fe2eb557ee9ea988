public import ArgumentParser
import CommServer
import Conformance
import Foundation
import Report
import Requirements
import Results
import Scenario
public import Wire
import WireBytes

extension Profile: ExpressibleByArgument {}

/// What the commands that run cases share.
struct RunArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Run this only: an id, group or requirement with * and ?, or tag:NAME; may be repeated.", valueName: "pattern"))
  var filter: [String] = []

  @Option(help: "deployed: hardening is a warning. strict: hardening must be kept too.")
  var profile = Profile.deployed

  @Option(
    help: ArgumentHelp(
      "Cases of yours instead of the built-in ones: a directory or file; may be repeated.", valueName: "dir"))
  var scenarios: [String] = []

  @Option(help: ArgumentHelp("Known failures; one that no longer fails gives exit code 5.", valueName: "file"))
  var expectations: String?

  @Option(help: "Makes keys, nonces and the order of everything; printed with each run. Random if absent.")
  var seed: UInt64?

  @Flag(help: "Stop at the first failure.")
  var failFast = false

  @Flag(help: "List the cases and run none.")
  var list = false

  @Option(
    help: ArgumentHelp(
      "Skip cases that take more of the target's time, in seconds; 45 if absent, 5 with --loopback.", valueName: "s"))
  var patience: Double?

  @OptionGroup var reports: ReportOptions

  @Option(
    help: ArgumentHelp(
      "Compare with this earlier run (a file of --json, or an HTML page of this gate).", valueName: "file"))
  var last: String?

  @Option(help: ArgumentHelp("The fixtures; by default ./Fixtures, else those of the source tree.", valueName: "dir"))
  var fixtures: String?

  func validate() throws {
    guard patience.map({ $0 >= 0 && $0 < 1e6 }) ?? true else {
      throw ValidationError("--patience is a number of seconds")
    }
  }

  // MARK: Input

  func suite(_ role: TargetRole) throws -> Suite {
    let root = try GateCommand.fixtures(fixtures)
    let catalogue = try Specification.catalogue(root)
    let paths = scenarios.isEmpty ? [root.appendingPathComponent("Scenarios").path] : scenarios
    return try Specification.suite(paths, catalogue, root: root).of(role)
  }

  func expectationsFile() throws -> Expectations? {
    guard let expectations else { return nil }
    let text = String(decoding: try Inputs.bytes(expectations), as: UTF8.self)
    do throws(ScenarioFailure) { return try Expectations(yaml: text, file: expectations) } catch {
      throw Exit.usage("\(error)")
    }
  }

  // MARK: Running

  /// Runs the selection on a target, writes all reports and ends with the exit code.
  func run(on target: inout some CaseTarget) throws {
    let summary = try runOnly(on: &target)
    if let summary, summary.exitCode != 0 { throw ExitCode(summary.exitCode) }
  }

  /// The same without the exit code; nil when only the list was asked for.
  func runOnly(on target: inout some CaseTarget) throws -> RunSummary? {
    let whole = try suite(target.role)
    let selected = whole.selecting(filter)
    guard !selected.cases.isEmpty else {
      throw Exit.nothingRan(
        "no case matches \(filter.joined(separator: ", ")); chumgate test \(target.role.rawValue) --list lists them")
    }
    if list {
      for definition in selected.cases {
        print(
          "\(definition.id)\t\(definition.binds.rawValue)\t\(definition.requires.map(\.text).joined(separator: ","))\t\(definition.title)"
        )
      }
      return nil
    }
    var options = RunOptions()
    options.seed = seed ?? UInt64.random(in: 1...999_999)
    options.failsFast = failFast
    options.patience = patience.map { $0 * 1_000 } ?? target.patience
    options.expectations = try expectationsFile()
    options.today = Today.text
    options.startedAt = Date().timeIntervalSince1970
    options.knownIDs = whole.cases.map(\.id)
    let again =
      (["chumgate test \(target.role.rawValue)"] + target.arguments + [
        "--profile \(profile.rawValue)", "--seed \(options.seed)",
      ])
      .joined(separator: " ")
    let judge = Judge(profile: profile, catalogue: whole.catalogue, command: again)
    var runner = Runner(selected, judge: judge, options: options)
    var outputs = try Outputs(reports, last: last)
    let summary = runner.run(on: &target) { outputs.take($0) }
    try outputs.end()
    return summary
  }
}

/// The catalogue and the cases of a fixtures directory.
enum Specification {
  static func catalogue(_ root: URL) throws -> Catalogue {
    var catalogue = Catalogue()
    for name in ["requirements.csv", "attacks.csv", "websocket.csv"] {
      let path = root.appendingPathComponent("Spec/\(name)").path
      let text = String(decoding: try Inputs.bytes(path), as: UTF8.self)
      do throws(Catalogue.Failure) { try catalogue.add(csv: text, file: "Spec/\(name)") } catch {
        throw Exit.usage("\(error)")
      }
    }
    return catalogue
  }

  static func gaps(_ root: URL) throws -> CoverageGaps {
    let text = String(decoding: try Inputs.bytes(root.appendingPathComponent("Spec/uncovered.csv").path), as: UTF8.self)
    do throws(Catalogue.Failure) { return try CoverageGaps(csv: text, file: "Spec/uncovered.csv") } catch {
      throw Exit.usage("\(error)")
    }
  }

  static func suite(_ paths: [String], _ catalogue: Catalogue, root: URL) throws -> Suite {
    var files: [(name: String, text: String)] = []
    for path in paths {
      for file in try yaml(path) {
        // Inside the fixtures the short name reads better, and is the same on every machine.
        let short = file.hasPrefix(root.path + "/") ? String(file.dropFirst(root.path.count + 1)) : file
        files.append((short, String(decoding: try Inputs.bytes(file), as: UTF8.self)))
      }
    }
    guard !files.isEmpty else { throw Exit.nothingRan("no *.yaml in \(paths.joined(separator: ", "))") }
    do throws(ScenarioFailure) { return try Suite(files: files, catalogue: catalogue) } catch {
      throw Exit.usage("\(error)")
    }
  }

  private static func yaml(_ path: String) throws -> [String] {
    var isDirectory: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw Exit.usage("\(path): no such file or directory")
    }
    guard isDirectory.boolValue else { return [path] }
    let names = try FileManager.default.subpathsOfDirectory(atPath: path).sorted()
    return names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.map { path + "/" + $0 }
  }
}

/// An earlier run, to tell what changed.
enum LastRun {
  static func read(_ path: String) throws -> [String: String] {
    guard let results = parse(String(decoding: try Inputs.bytes(path), as: UTF8.self)) else {
      throw Exit.usage("\(path): neither a run of --json nor an HTML page of this gate")
    }
    return results
  }

  static func readIfThere(_ path: String) throws -> [String: String]? {
    guard path != "-", FileManager.default.fileExists(atPath: path) else { return nil }
    return parse(String(decoding: try Inputs.bytes(path), as: UTF8.self))
  }

  private static func parse(_ text: String) -> [String: String]? {
    guard let results = RunJSON.results(text) ?? RunHTML.results(text) else { return nil }
    return Dictionary(results.map { ($0.id, $0.verdict.rawValue) }, uniquingKeysWith: { $1 })
  }
}

enum Today {
  /// `YYYY-MM-DD` in UTC.
  static var text: String {
    let formatter = ISO8601DateFormatter()
    formatter.formatOptions = [.withFullDate]
    return formatter.string(from: Date())
  }
}
