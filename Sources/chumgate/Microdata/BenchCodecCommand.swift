import ArgumentParser
import CodecBench
import Foundation
import Microdata
import WireBytes

struct BenchCodecCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "codec",
    abstract: "MB/s and documents/s of parse, serialise, validate, hash and id; peak memory of a parse.")

  @OptionGroup var options: RecipeOptions

  @Argument(help: ArgumentHelp("Documents of one object each.", valueName: "file"))
  var files: [String]

  @Option(help: "Rounds of each measurement; the best counts.")
  var rounds = 5

  @Option(help: "Seconds of one round.")
  var seconds = 0.3

  @Option(help: ArgumentHelp("Measure this operation only; may be repeated.", valueName: "operation"))
  var only: [String] = []

  func validate() throws {
    if let unknown = only.first(where: { !CodecBenchmark.operations.contains($0) }) {
      throw ValidationError("no operation \(unknown); there are \(CodecBenchmark.operations.joined(separator: ", "))")
    }
  }

  func run() throws {
    let benchmark = CodecBenchmark(try options.codec(), rounds: rounds, seconds: seconds, only: Set(only))
    for path in files {
      do {
        print(try benchmark.measure(path, try Inputs.bytes(path)).compact)
      } catch let error as MicrodataError { throw Exit.usage("\(path): \(error)") }
    }
  }
}
