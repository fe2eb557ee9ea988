import ArgumentParser
import ChumBench
import Foundation
import Wire
import WireBytes

struct BenchChumCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chum",
    abstract: "Objects and MB per second in process and over loopback; what a round with nothing new costs.",
    discussion: """
      Both profiles. In process there are no sockets and no encryption; over loopback two complete instances and a
      CommServer share this process. The exporter sends its whole root list in every round (F13), so a
      round costs at least something for each root, new or not; objects below the roots cost nothing.
      """)

  @Option(help: "Small objects of the transfer.")
  var objects = 20_000
  @Option(help: "MiB of the BLOB.")
  var blob = 256
  @Option(help: "Entries of the big store.")
  var stored = 1_000_000
  @Flag(help: "Only what goes over loopback.")
  var loopbackOnly = false
  @Option(help: ArgumentHelp("Also measure a store on disk, in this directory.", valueName: "dir"))
  var store: String?

  func validate() throws {
    guard (10...10_000_000).contains(objects) else { throw ValidationError("--objects is 10 to 10,000,000") }
    guard (1...4_000).contains(blob) else { throw ValidationError("--blob is 1 to 4,000 MiB") }
    guard (1_000...20_000_000).contains(stored) else { throw ValidationError("--stored is 1,000 to 20,000,000") }
  }

  func run() async throws {
    var options = ChumBenchmark.Options()
    options.objects = objects
    options.blob = blob << 20
    options.stored = stored
    options.folder = store
    if let store { try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true) }
    var results: [JSONValue] = []
    if !loopbackOnly { results = try ChumBenchmark.run(options, progress: Self.tell)["results"]?.array ?? [] }
    for profile in Profile.allCases {
      let loopback = ChumLoopbackBenchmark(profile: profile, objects: objects, blob: blob << 20, folder: store)
      results += try await loopback.run(progress: Self.tell)
    }
    let result: JSONValue = ["benchmark": "chum", "results": .array(results)]
    print(result.compact)
  }

  private static func tell(_ step: String) {
    if isatty(STDERR_FILENO) == 1 { Output.note("\(step) …\n") }
  }
}
