import ArgumentParser
import Foundation
import FuzzDriver
import Fuzzing
import Microdata
import MicrodataVectors
import Report
import Testee
import WireBytes

struct TestCodecCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "codec",
    abstract: "Ask a codec on a pipe all vectors and generated cases.",
    discussion: """
      The command reads one JSON request a line and writes one JSON answer a line (chumgate testee --help). Requests are
      pipelined; each has a deadline. A testee that dies, is silent, floods or answers out of order is a finding: the
      request is saved in testee-findings/, the testee is started anew, and the run goes on behind it.

        chumgate test codec --testee 'chumgate testee'
        chumgate test codec --testee 'node codec.js' --generated 10000 --seed 7 Fixtures/Vectors/microdata-valid.json

      Exit codes: 0 all pass, 1 failures, 2 usage, 3 the testee does not start, 4 nothing ran (all unsupported).
      """)

  @Option(help: ArgumentHelp("The testee's command, run by the shell.", valueName: "cmd"))
  var testee: String

  @Argument(help: ArgumentHelp("Vector files; by default those of the fixtures.", valueName: "file"))
  var files: [String] = []

  @Option(help: "Generated cases, half of them objects, half mutated texts.")
  var generated = 2_000

  @Option(help: "Seed of the generated cases.")
  var seed: UInt64 = 1

  @Option(help: ArgumentHelp("Milliseconds for one answer.", valueName: "ms"))
  var deadline = 2_000

  @Option(help: "Failures written in full for each file.")
  var limit = 10

  @Option(help: ArgumentHelp("Ask for this input only, as `chumgate fuzz` saved it.", valueName: "file"))
  var input: [String] = []

  @Flag(help: "Let the testee's standard error through.")
  var verbose = false

  func validate() throws {
    if deadline <= 0 { throw ValidationError("--deadline must be above zero") }
    guard (0...1_000_000).contains(generated) else { throw ValidationError("--generated is 0 to 1,000,000") }
    guard limit >= 0 else { throw ValidationError("--limit must not be negative") }
  }

  func run() throws {
    do {
      let context = try FuzzFiles.context()
      var settings = TesteePipe.Settings()
      settings.deadline = deadline
      settings.showsErrors = verbose
      let pipe = TesteePipe(
        command: testee, opening: [PipeFormat.recipes(try FuzzFiles.recipesJSON())], settings: settings)
      let run = TesteeRun(pipe)
      var reports: [VectorReport] = []
      for (name, kind, vectors) in try suites(context) {
        let progress = Terminal.Progress(label: name, total: vectors.count)
        let report = try run.run(vectors, name: name, kind: kind) { progress.update($0) }
        progress.end()
        VectorPrinter.show(report, limit: limit)
        reports.append(report)
      }
      try conclude(reports, run, pipe)
    } catch let failure as FuzzDriverFailure {
      throw Exit.usage(failure.reason)
    } catch let failure as FuzzFilesFailure {
      throw Exit.usage(failure.reason)
    } catch let failure as TesteeFailure {
      Terminal.error("\(failure)")
      throw ExitCode(3)
    }
  }

  private func suites(_ context: FuzzContext<OneCodec>) throws -> [(String, VectorFile.Kind, [Vector])] {
    if !input.isEmpty {
      return [("input", .invalid, try input.map { path in try given(path, try Inputs.bytes(path), context) })]
    }
    var suites: [(String, VectorFile.Kind, [Vector])] = []
    let workspaceFixtures = try GateCommand.fixtures(nil)
    var paths = files
    if paths.isEmpty {
      let folder = workspaceFixtures.appendingPathComponent("Vectors").path
      paths = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        .filter { $0.hasPrefix("microdata-") || $0 == "recipes.json" }.map { "\(folder)/\($0)" }
    }
    for path in paths {
      do {
        let file = try VectorFile(try Inputs.bytes(path), name: path)
        suites.append((URL(fileURLWithPath: path).lastPathComponent, file.kind, file.vectors))
      } catch let error as VectorFormatError { throw Exit.usage("\(path): \(error)") }
    }
    if generated > 0 {
      let seeds = try SeedCorpus.markup(workspaceFixtures)
      let made = GeneratedVectors(context, count: generated, seed: seed, seeds: seeds)
      suites.append(("generated (seed \(seed), \(made.leftOut) left out)", .invalid, made.vectors))
    }
    return suites
  }

  /// One saved input as a vector: what ours and the model agree on is expected.
  private func given(_ path: String, _ bytes: [UInt8], _ context: FuzzContext<OneCodec>) throws -> Vector {
    let text = OneText(String(decoding: bytes, as: UTF8.self))
    let form = ModelReader.Form(of: bytes).object
    let expectation: CodecExpectation
    do throws(MicrodataError) { expectation = .value(try context.codec.codec.parse(text, form: form).value) } catch {
      expectation = error.code.rawValue.hasPrefix("CGM-") ? .codedError : .error(error.code.rawValue)
    }
    return Vector(generated: path, [VectorQuestion(asking: .parse(text, form, .any), [("result", expectation)])])
  }

  private func conclude(_ reports: [VectorReport], _ run: TesteeRun, _ pipe: TesteePipe) throws {
    if reports.count > 1 { VectorPrinter.total(reports) }
    for finding in run.findings {
      let file = try TesteeFiles.save(
        Array((JSONValue.object(finding.request).compact + "\n").utf8), kind: finding.fault.kind)
      print("\(Terminal.palette.red("FAIL"))  \(finding.vector): \(ConsoleReport.printable("\(finding.fault)"))")
      print("      the request is saved as \(file)")
    }
    print("slowest answer \(pipe.slowest) ms, \(pipe.restarts) restarts")
    if !run.findings.isEmpty || reports.contains(where: { !$0.failures.isEmpty }) { throw ExitCode(1) }
    if reports.allSatisfy({ $0.checks == 0 }) { throw Exit.nothingRan("the testee answered nothing that was asked") }
  }
}

/// The lines of `check-vectors`, for runs over a pipe.
enum VectorPrinter {
  static func show(_ report: VectorReport, limit: Int) {
    let palette = Terminal.palette
    let mark = report.failures.isEmpty ? palette.green("ok  ") : palette.red("FAIL")
    print(
      "\(mark)  \(report.name)  \(report.passed) pass, \(report.failures.count) fail, \(report.skippedCount) skipped, "
        + "\(report.checks) checks")
    for (reason, ids) in report.skipped.sorted(by: { $0.key < $1.key }) {
      print("      skipped \(ids.count): \(ConsoleReport.printable(reason)) (\(ids.prefix(5).joined(separator: ", ")))")
    }
    for failure in report.failures.prefix(limit) {
      print("      \(failure.id)")
      for mismatch in failure.mismatches { print("        \(ConsoleReport.printable(mismatch))") }
    }
    if report.failures.count > limit { print("      … \(report.failures.count - limit) more") }
  }

  static func total(_ reports: [VectorReport]) {
    let passed = reports.reduce(0) { $0 + $1.passed }
    let failed = reports.reduce(0) { $0 + $1.failures.count }
    let skipped = reports.reduce(0) { $0 + $1.skippedCount }
    let checks = reports.reduce(0) { $0 + $1.checks }
    print("\(reports.count) files: \(passed) pass, \(failed) fail, \(skipped) skipped, \(checks) checks")
  }
}
