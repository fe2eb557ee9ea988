import ArgumentParser
import Foundation
import Microdata
import MicrodataVectors
import Report
import WireBytes

struct CheckVectorsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check-vectors",
    abstract: "Run vector files of the reference through this codec.",
    discussion: """
      Reads one-microdata-vectors/1 of every kind (valid, serialize-errors, invalid, hostile, numbers, text-to-number,
      stringify, escape, implode, explode-invalid) and recipes.json itself, whose recipe objects are vectors too. Every
      field that a codec can check is checked. Vectors that need a JavaScript program count as skipped, with the reason.

        chumgate microdata check-vectors Fixtures/Vectors/microdata-*.json

      Exit codes: 0 all pass, 1 a vector fails, 2 a file cannot be read, 4 no vector ran.
      """)

  @OptionGroup var options: RecipeOptions

  @Argument(help: ArgumentHelp("Vector files.", valueName: "file"))
  var files: [String]

  @Option(help: "Failures written in full for each file.")
  var limit = 10

  @Flag(help: "Print the counts as JSON.")
  var json = false

  func run() throws {
    let answerer = CodecAnswerer(try options.codec())
    var reports: [VectorReport] = []
    for path in files {
      let file: VectorFile
      do { file = try VectorFile(try Inputs.bytes(path), name: path) } catch let error as VectorFormatError {
        throw Exit.usage("\(path): \(error)")
      }
      var report = VectorReport(name: path, kind: file.kind)
      let progress = Terminal.Progress(label: path, total: file.vectors.count)
      for (index, vector) in file.vectors.enumerated() {
        report.count(vector, vector.questions.map { answerer.answer($0.request) })
        progress.update(index)
      }
      progress.end()
      reports.append(report)
      if !json { show(report) }
    }
    if json { print(JSONValue.array(reports.map(\.json)).compact) } else if reports.count > 1 { total(reports) }
    if reports.contains(where: { !$0.failures.isEmpty }) { throw ExitCode(1) }
    if reports.allSatisfy({ $0.checks == 0 }) { throw Exit.nothingRan("no vector in any file") }
  }

  private func show(_ report: VectorReport) {
    let palette = Terminal.palette
    let mark = report.failures.isEmpty ? palette.green("ok  ") : palette.red("FAIL")
    let name = URL(fileURLWithPath: report.name).lastPathComponent
    print(
      "\(mark)  \(name)  \(report.passed) pass, \(report.failures.count) fail, \(report.skippedCount) skipped, "
        + "\(report.checks) checks")
    for (reason, ids) in report.skipped.sorted(by: { $0.key < $1.key }) {
      print(
        "      skipped \(ids.count): \(reason) (\(ids.prefix(5).joined(separator: ", "))\(ids.count > 5 ? ", …" : ""))")
    }
    for failure in report.failures.prefix(limit) {
      print("      \(failure.id)")
      for mismatch in failure.mismatches { print("        \(ConsoleReport.printable(mismatch))") }
    }
    if report.failures.count > limit { print("      … \(report.failures.count - limit) more") }
  }

  private func total(_ reports: [VectorReport]) {
    let passed = reports.reduce(0) { $0 + $1.passed }
    let failed = reports.reduce(0) { $0 + $1.failures.count }
    let skipped = reports.reduce(0) { $0 + $1.skippedCount }
    let checks = reports.reduce(0) { $0 + $1.checks }
    print("\(reports.count) files: \(passed) pass, \(failed) fail, \(skipped) skipped, \(checks) checks")
  }
}

extension VectorReport {
  fileprivate var json: JSONValue {
    let reasons = skipped.sorted { $0.key < $1.key }.map { reason, ids in
      JSONValue.object(JSONObject(["reason": .string(reason), "ids": .array(ids.map { .string($0) })]))
    }
    let failed = failures.map { failure in
      JSONValue.object(
        JSONObject(["id": .string(failure.id), "mismatches": .array(failure.mismatches.map { .string($0) })]))
    }
    return .object(
      JSONObject([
        "file": .string(name), "kind": .string(kind.rawValue), "pass": .number(Double(passed)),
        "fail": .number(Double(failures.count)), "skipped": .number(Double(skippedCount)),
        "checks": .number(Double(checks)), "reasons": .array(reasons), "failures": .array(failed),
      ]))
  }
}
