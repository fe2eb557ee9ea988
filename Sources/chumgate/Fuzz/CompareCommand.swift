import ArgumentParser
import Foundation
import Fuzzing
import Microdata
import MicrodataOracle
import Report

/// Which foreign reader is asked.
enum OracleName: String, ExpressibleByArgument, CaseIterable {
  case libxml2
}

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare our reading of microdata with that of libxml2's HTML and XML parsers.",
    discussion: """
      The file must be canonical; names, attributes and text of both trees are compared, and each difference is told with
      path and byte. What libxml2 is known to read otherwise (microdata.md 14) is named, and anything else is a failure.

        chumgate microdata compare object.html

      Exit codes: 0 same within the known list, 1 different, 2 unreadable file, 4 nothing could be judged.
      """)

  @OptionGroup var options: RecipeOptions

  @Option(help: "The foreign reader.")
  var oracle = OracleName.libxml2

  @Argument(help: ArgumentHelp("Files with one object each; - for standard input.", valueName: "file"))
  var files: [String]

  func run() throws {
    let codec = OneCodec(try options.codec())
    var failed = 0
    var judged = 0
    for path in files {
      let bytes = try Inputs.bytes(path)
      if let refusal = refusal(bytes, codec) {
        failed += 1
        print("\(Terminal.palette.red("FAIL"))  \(path)  \(ConsoleReport.printable(refusal))")
        continue
      }
      for parser in OracleParser.allCases {
        do {
          let report = try Oracle.compare(bytes, with: parser)
          if report.isFault { failed += 1 }
          if case .unjudged = report.verdict {} else { judged += 1 }
          let mark = report.isFault ? Terminal.palette.red("FAIL") : Terminal.palette.green("ok  ")
          print("\(mark)  \(path)  \(parser.rawValue): \(report.outcome.rawValue)")
          for line in report.lines { print("      \(ConsoleReport.printable(line))") }
        } catch {
          failed += 1
          print("\(Terminal.palette.red("FAIL"))  \(path)  not of the grammar: \(error)")
        }
      }
    }
    if failed > 0 { throw ExitCode(1) }
    if judged == 0 { throw Exit.nothingRan("no document could be judged") }
  }

  /// Why our codec does not take the bytes as canonical; nil when it does.
  private func refusal(_ bytes: [UInt8], _ codec: OneCodec) -> String? {
    do throws(CodecRefusal) {
      try codec.validate(bytes, ModelReader.Form(of: bytes))
      return nil
    } catch { return "not canonical: \(error.message)" }
  }
}
