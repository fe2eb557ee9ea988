public import ArgumentParser
import Foundation
import FuzzDriver
public import Fuzzing
import Report
import Testee

struct FuzzCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fuzz", abstract: "Search inputs that break a codec.", subcommands: [FuzzMicrodataCommand.self])
}

struct FuzzMicrodataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "microdata",
    abstract: "Fuzz the microdata codec: ours by coverage, or any other on a pipe.",
    discussion: """
      Builds libFuzzer programs in .build-fuzz of the package, runs them from the vectors' texts with a mutator that knows
      the recipes, minimises what they find and keeps it in Corpus/microdata/crashes, where `swift test` replays it.

        chumgate fuzz microdata --time 60
        chumgate fuzz microdata --target parse --target oracle --runs 5000000 --asan
        chumgate fuzz microdata --target parse --replay Corpus/microdata/crashes/parse-0123456789abcdef
        chumgate fuzz microdata --testee 'node my-codec.js' --time 60
        chumgate fuzz microdata --self-check

      Targets: parse (no trap, strict accepts exactly canonical bytes, profiles agree, linear time), roundtrip (parse and
      serialise are inverse, ID forms), oracle (libxml2 reads the same tree), model (same as the slow model of the
      specification), empty (the fuzzer's own rate).

      Exit codes: 0 nothing found, 1 findings, 2 usage, 3 the testee does not start, 4 nothing ran, 6 self-check failed.
      """)

  @Option(help: ArgumentHelp("Targets; may be repeated. By default all but empty.", valueName: "name"))
  var target: [FuzzTarget] = []

  @Option(help: ArgumentHelp("Seconds for each target; 60 when --runs is not given.", valueName: "s"))
  var time: Int?

  @Option(help: ArgumentHelp("Inputs for each target.", valueName: "n"))
  var runs: Int?

  @Option(help: "Seed of the search. The same seed, program and corpus search alike.")
  var seed: UInt64 = 1

  @Option(help: ArgumentHelp("Longest input in bytes; 600 if absent.", valueName: "n"))
  var maxLength: Int?

  @Flag(help: "Build with AddressSanitizer too.")
  var asan = false

  @Flag(help: "Leave Corpus as it is: findings are printed only.")
  var dry = false

  @Option(
    help: ArgumentHelp(
      "Run this input once in this process and say what it breaks; may be repeated.", valueName: "file"))
  var replay: [String] = []

  @Flag(help: "Plant known faults in a copy of the codec and see each found within --time seconds (60).")
  var selfCheck = false

  @Option(help: ArgumentHelp("Fuzz the codec behind this command (format: chumgate testee --help).", valueName: "cmd"))
  var testee: String?

  @Option(help: ArgumentHelp("Milliseconds that a testee has for one answer; 2000 if absent.", valueName: "ms"))
  var deadline: Int?

  func validate() throws {
    if let time, time <= 0 { throw ValidationError("--time must be above zero") }
    if let runs, runs <= 0 { throw ValidationError("--runs must be above zero") }
    if let maxLength, maxLength <= 0 { throw ValidationError("--max-length must be above zero") }
    if let deadline, deadline <= 0 { throw ValidationError("--deadline must be above zero") }
    let replays = !replay.isEmpty
    guard [testee != nil, selfCheck, replays].count(where: { $0 }) <= 1 else {
      throw ValidationError("--testee, --self-check and --replay are three jobs; choose one")
    }
    let ours: [(name: String, isThere: Bool)] = [
      ("--asan", asan), ("--dry", dry), ("--max-length", maxLength != nil),
    ]
    let search: [(name: String, isThere: Bool)] = [("--runs", runs != nil)]
    if testee != nil { try refuse([("--target", !target.isEmpty)] + ours, "--testee") }
    if selfCheck { try refuse([("--target", !target.isEmpty)] + ours + search, "--self-check") }
    if replays { try refuse(ours + search + [("--time", time != nil)], "--replay") }
    if testee == nil { try refuse([("--deadline", deadline != nil)], "a search without --testee") }
    if !replay.isEmpty, target.count != 1 { throw ValidationError("--replay needs exactly one --target") }
  }

  private func refuse(_ options: [(name: String, isThere: Bool)], _ job: String) throws {
    guard let option = options.first(where: \.isThere) else { return }
    throw ValidationError("\(option.name) has no meaning in \(job)")
  }

  func run() throws {
    do {
      let context = try FuzzFiles.context()
      if !replay.isEmpty { return try replayFiles(context) }
      if selfCheck { return try checkPlanted(context) }
      if let testee { return try fuzz(testee, context) }
      try fuzzOurs(context)
    } catch let failure as FuzzDriverFailure {
      throw Exit.usage(failure.reason)
    } catch let failure as FuzzFilesFailure {
      throw Exit.usage(failure.reason)
    } catch let failure as TesteeFailure {
      Terminal.error("\(failure)")
      throw ExitCode(3)
    }
  }

  private func fuzzOurs(_ context: FuzzContext<OneCodec>) throws {
    let workspace = try FuzzWorkspace(isAddressSanitized: asan)
    var settings = LibFuzzerRun.Settings()
    settings.seconds = time ?? (runs == nil ? 60 : nil)
    settings.runs = runs
    settings.seed = seed
    settings.longestInput = maxLength ?? 600
    var findings = 0
    var executed = 0
    for target in target.isEmpty ? FuzzTarget.real : target {
      try build(target, workspace.buildCommand(target))
      try workspace.prepare(target, recipes: context.recipes)
      let progress = Ticker(label: target.rawValue)
      let result = try LibFuzzerRun(workspace, target).run(settings) { status in
        progress.show(
          "\(status.runs) runs, \(status.perSecond)/s, \(status.coverage) branches, \(status.corpus) inputs kept")
      }
      progress.end()
      executed += result.status.runs
      let rate = result.seconds > 0 ? Int(Double(result.status.runs) / result.seconds) : 0
      let figures =
        "\(result.status.runs) runs in \(Int(result.seconds)) s, \(rate)/s, \(result.status.coverage) branches"
      guard let report = CrashTriage(workspace, context).report(target, result) else {
        print("\(Terminal.palette.green("ok  "))  \(target.rawValue)  \(figures)")
        continue
      }
      findings += 1
      print("\(Terminal.palette.red("FAIL"))  \(target.rawValue)  \(figures)")
      try show(report, workspace)
    }
    if executed == 0, findings == 0 { throw Exit.nothingRan("no input was run") }
    if findings > 0 { throw ExitCode(1) }
  }

  private func checkPlanted(_ context: FuzzContext<OneCodec>) throws {
    let planted = try PlantedFaults(try FuzzWorkspace())
    try planted.plant()
    for target in FuzzTarget.real where planted.faults.contains(where: { $0.target == target }) {
      try build(target, planted.buildCommand(target))
    }
    var missed = 0
    for fault in planted.faults {
      let progress = Ticker(label: fault.name)
      progress.show("searching")
      let outcome = try planted.run(fault, recipes: context.recipes, seconds: time ?? 60, seed: seed)
      progress.end()
      let seconds = (outcome.seconds * 10).rounded() / 10
      if let finding = outcome.finding {
        print(
          "\(Terminal.palette.green("found "))  \(fault.name)  \(seconds) s, \(outcome.runs) runs, "
            + "\(fault.target.rawValue): \(ConsoleReport.printable(String(finding.prefix(100))))")
      } else {
        missed += 1
        print("\(Terminal.palette.red("MISSED"))  \(fault.name)  \(seconds) s, \(outcome.runs) runs: \(fault.title)")
      }
    }
    print("\(planted.faults.count) planted faults, \(planted.faults.count - missed) found")
    if missed > 0 { throw ExitCode(6) }
  }

  private func build(_ target: FuzzTarget, _ command: String) throws {
    let progress = Ticker(label: "build \(target.product)")
    var lines: [String] = []
    let ending = try ChildLines.run(command, milliseconds: 3_600_000) { line in
      lines.append(line)
      progress.show(line)
      return true
    }
    progress.end()
    guard ending == .exited("exit status 0") else {
      throw FuzzDriverFailure(reason: "cannot build \(target.product):\n\(lines.suffix(30).joined(separator: "\n"))")
    }
  }

  private func show(_ report: CrashTriage.Report, _ workspace: FuzzWorkspace) throws {
    print("      \(ConsoleReport.printable(report.description))")
    print("      minimised from \(report.originalSize) to \(report.input.count) bytes in \(report.attempts) tries:")
    print("      \(ConsoleReport.printable(String(decoding: report.input, as: UTF8.self)))")
    guard !dry else { return }
    let file = try workspace.keep(report.input, report.target)
    print("      kept as \(file.path)")
    print("      repeat: chumgate fuzz microdata --target \(report.target.rawValue) --replay '\(file.path)'")
  }

  private func replayFiles(_ context: FuzzContext<OneCodec>) throws {
    context.isThorough = true
    var findings = 0
    for path in replay {
      let bytes = try Inputs.bytes(path)
      if let finding = context.finding(bytes, target[0]) {
        findings += 1
        print("\(Terminal.palette.red("FAIL"))  \(path)  \(ConsoleReport.printable("\(finding)"))")
      } else {
        print("\(Terminal.palette.green("ok  "))  \(path)  breaks nothing")
      }
    }
    if findings > 0 { throw ExitCode(1) }
  }

  private func fuzz(_ command: String, _ context: FuzzContext<OneCodec>) throws {
    let workspace = try FuzzWorkspace()
    var settings = TesteePipe.Settings()
    settings.deadline = deadline ?? 2_000
    let pipe = TesteePipe(
      command: command, opening: [PipeFormat.recipes(try FuzzFiles.recipesJSON())], settings: settings)
    let seeds = try SeedCorpus.markup(workspace.fixtures)
    let fuzz = TesteeFuzz(pipe, context, seeds: seeds, seed: seed)
    let start = Date()
    let seconds = time ?? (runs == nil ? 60 : nil)
    let progress = Ticker(label: "testee")
    while runs.map({ fuzz.runs < $0 }) ?? true, seconds.map({ Date().timeIntervalSince(start) < Double($0) }) ?? true {
      try fuzz.batch(runs.map { min(256, max(1, $0 - fuzz.runs)) } ?? 256)
      progress.show("\(fuzz.runs) requests, \(fuzz.findings.count) findings")
    }
    progress.end()
    let judged = fuzz.runs - fuzz.unsupported
    let mark = fuzz.findings.isEmpty ? Terminal.palette.green("ok  ") : Terminal.palette.red("FAIL")
    print(
      "\(mark)  testee  \(fuzz.runs) requests in \(Int(Date().timeIntervalSince(start))) s, "
        + "\(fuzz.unsupported) unsupported, \(pipe.restarts) restarts, slowest answer \(pipe.slowest) ms")
    for finding in fuzz.findings {
      print("      \(finding.kind): \(ConsoleReport.printable(String(finding.message.prefix(600))))")
      print("        minimised from \(finding.originalSize) to \(finding.input.count) bytes:")
      print("        \(ConsoleReport.printable(String(decoding: finding.input, as: UTF8.self)))")
      let file = try TesteeFiles.save(finding.input, kind: finding.kind)
      print("        saved as \(file)")
      print(
        "        repeat: chumgate test codec --testee \(FuzzWorkspace.quoted(command)) --input \(FuzzWorkspace.quoted(file))"
      )
    }
    if judged == 0, fuzz.findings.isEmpty { throw Exit.nothingRan("the testee supports nothing that was asked") }
    if !fuzz.findings.isEmpty { throw ExitCode(1) }
  }
}

extension FuzzTarget: ExpressibleByArgument {}

/// A line that is rewritten on a terminal, and written now and then elsewhere.
final class Ticker {
  private let label: String
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var next: Date
  private var wrote = false

  init(label: String) {
    self.label = label
    next = Date().addingTimeInterval(isTerminal ? 0.5 : 10)
  }

  func show(_ text: String) {
    guard Date() >= next else { return }
    next = Date().addingTimeInterval(isTerminal ? 0.3 : 10)
    let line = "\(label): \(ConsoleReport.printable(String(text.prefix(100))))"
    Output.note(isTerminal ? "\r\u{1B}[K\(line)" : "\(line)\n")
    wrote = true
  }

  func end() {
    if wrote, isTerminal { Output.note("\r\u{1B}[K") }
  }
}

/// Inputs that made a foreign codec misbehave, kept beside whoever ran the command.
enum TesteeFiles {
  static func save(_ input: [UInt8], kind: String) throws -> String {
    let folder = URL(fileURLWithPath: "testee-findings")
    let name = kind.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "-" }
    let file = folder.appendingPathComponent("\(String(name))-\(CaseName.of(input))")
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data(input).write(to: file, options: .atomic)
    } catch { throw Exit.usage("cannot write \(file.path): \(error.localizedDescription)") }
    return "testee-findings/\(file.lastPathComponent)"
  }
}
