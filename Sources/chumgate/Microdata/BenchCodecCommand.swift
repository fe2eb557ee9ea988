import ArgumentParser
import CodecBench
import Foundation
import Microdata
import WireBytes

struct BenchCodecCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "codec",
    abstract: "MB/s and documents/s of parse, serialise, validate, hash and id, with libxml2 beside it; peak memory.",
    discussion: """
      Without files: the small and medium documents of Fixtures/Perf, and four of 5 MB that are made anew. libxml2 is
      measured in the same run by Fixtures/Perf/lxbench.c, compiled with cc when there is one (--no-libxml2 leaves it
      out, --lxbench names a program that is compiled already). Time is processor time on both sides. JSON, one line a
      file; `ratios` has parse against libxml2, and parse and serialise against the reference's recorded figures.

        swift build -c release && .build/release/chumgate bench codec
      """)

  @OptionGroup var options: RecipeOptions

  @Argument(help: ArgumentHelp("Documents of one object each.", valueName: "file"))
  var files: [String] = []

  @Option(help: "Rounds of each measurement; the best counts.")
  var rounds = 5

  @Option(help: "Seconds of one round.")
  var seconds = 0.3

  @Option(help: ArgumentHelp("Measure this operation only; may be repeated.", valueName: "operation"))
  var only: [String] = []

  @Option(help: ArgumentHelp("The compiled lxbench.", valueName: "program"))
  var lxbench: String?

  @Flag(inversion: .prefixedNo, help: "Measure libxml2 too.")
  var libxml2 = true

  func validate() throws {
    if let unknown = only.first(where: { !CodecBenchmark.operations.contains($0) }) {
      throw ValidationError("no operation \(unknown); there are \(CodecBenchmark.operations.joined(separator: ", "))")
    }
    guard (1...100).contains(rounds), seconds > 0, seconds <= 60 else {
      throw ValidationError("--rounds is 1 to 100, --seconds above 0 and at most 60")
    }
  }

  func run() throws {
    let benchmark = CodecBenchmark(try options.codec(), rounds: rounds, seconds: seconds, only: Set(only))
    let program = try libxml2 ? LibXMLBench.program(lxbench) : nil
    for (path, bytes) in try documents() {
      let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
      let figures = program.flatMap { LibXMLBench.run($0, path, bytes) }
      let line: JSONValue
      do throws(MicrodataError) { line = try benchmark.measure(name, bytes, beside: figures) } catch {
        throw Exit.usage("\(path): \(error)")
      }
      print(line.compact)
    }
  }

  private func documents() throws -> [(path: String, bytes: [UInt8])] {
    if !files.isEmpty { return try files.map { ($0, try Inputs.bytes($0)) } }
    let directory = try GateCommand.fixtures(nil).appendingPathComponent("Perf").path
    let names = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".html") }.sorted()
    let small = try names.map { ("\(directory)/\($0)", try Inputs.bytes("\(directory)/\($0)")) }
    return small + PerfCorpus.names.map { ("\($0).html", PerfCorpus.document($0) ?? []) }
  }
}

struct BenchCodecHostileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "codec-hostile",
    abstract: "Time and memory of the codec on documents that hurt, at growing sizes.",
    discussion: """
      Each shape at a tenth, a third and the whole of --megabytes: a list of empty items, a string of entities, 100,000
      levels, odd end tags, maps and sets out of order, and so on. JSON, one line a shape; the nanoseconds a byte should
      stay, and memory within its multiple of the input.
      """)

  @OptionGroup var options: RecipeOptions

  @Option(help: "Size of the largest document.")
  var megabytes = 100

  @Option(help: ArgumentHelp("Only this shape; may be repeated.", valueName: "name"))
  var shape: [String] = []

  func validate() throws {
    guard (1...1000).contains(megabytes) else { throw ValidationError("--megabytes is 1 to 1000") }
    if let unknown = shape.first(where: { !HostileCurve.shapes.contains($0) }) {
      throw ValidationError("no shape \(unknown); there are \(HostileCurve.shapes.joined(separator: ", "))")
    }
  }

  func run() throws {
    let curve = HostileCurve(try options.codec())
    for name in shape.isEmpty ? HostileCurve.shapes : shape {
      if isatty(STDERR_FILENO) == 1 { Output.note("\(name) …\n") }
      print(curve.measure(name, bytes: megabytes * 1_000_000).compact)
    }
  }
}

/// Runs lxbench.c on the same documents.
enum LibXMLBench {
  /// The program to run: the given one, or Fixtures/Perf/lxbench.c compiled; nil (and a word on why) when there is no cc.
  static func program(_ given: String?) throws -> URL? {
    if let given { return URL(fileURLWithPath: given) }
    let source = try GateCommand.fixtures(nil).appendingPathComponent("Perf/lxbench.c")
    guard let text = try? String(contentsOf: source, encoding: .utf8) else { return nil }
    // Processor time on both sides.
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("chumgate-lxbench-\(getpid())")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let code = directory.appendingPathComponent("lxbench.c")
    try text.replacingOccurrences(of: "CLOCK_MONOTONIC", with: "CLOCK_PROCESS_CPUTIME_ID")
      .write(to: code, atomically: true, encoding: .utf8)
    let program = directory.appendingPathComponent("lxbench")
    let command = "cc -O2 -w '\(code.path)' -o '\(program.path)' $(xml2-config --cflags --libs)"
    guard output("/bin/sh", ["-c", command]) != nil, FileManager.default.isExecutableFile(atPath: program.path) else {
      Terminal.error("no libxml2 beside: cannot compile \(source.path) (cc and libxml2-dev are needed)")
      return nil
    }
    return program
  }

  static func run(_ program: URL, _ path: String, _ bytes: [UInt8]) -> LibXMLFigures? {
    let file = program.deletingLastPathComponent().appendingPathComponent(URL(fileURLWithPath: path).lastPathComponent)
    guard (try? Data(bytes).write(to: file)) != nil else { return nil }
    defer { try? FileManager.default.removeItem(at: file) }
    let text = output(program.path, [file.path]) ?? ""
    return text.split(separator: "\n").lazy.compactMap { LibXMLFigures(row: String($0)) }.first
  }

  private static func output(_ program: String, _ arguments: [String]) -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    guard (try? process.run()) != nil else { return nil }
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
  }
}
