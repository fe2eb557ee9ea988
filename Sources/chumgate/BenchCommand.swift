import ArgumentParser
import Foundation
import Recording
import Replay
import WireBytes

struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measure; prints JSON. Build with -c release first.",
    subcommands: [
      BenchReplayCommand.self,
      BenchCodecCommand.self,
      BenchCodecHostileCommand.self,
      BenchChumCommand.self,
      BenchRelayCommand.self,
      BenchRelayHostileCommand.self,
      BenchSimCommand.self,
    ])
}

struct BenchReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Events per second through decryption and all rules, through rules alone, and libsodium beside them.",
    discussion: "Peak memory is measured for a hundredth, a tenth and the whole of the events: it should be flat.")

  @Option(help: "Events of the longest session.")
  var events = 1_000_000

  func validate() throws {
    guard (1_000...1_000_000_000).contains(events) else { throw ValidationError("--events is 1,000 to 1,000,000,000") }
  }

  func run() throws {
    let result = try ReplayBenchmark.run(events: events) { step in
      if isatty(STDERR_FILENO) == 1 { Output.note("\(step) …\n") }
    }
    print(result.compact)
  }
}
