import ArgumentParser
import Report
import Results

/// Where the results of a run go, for every command that runs cases.
struct ReportOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Write every case, not failures only.")
  var verbose = false

  @Option(help: ArgumentHelp("Write the events as NDJSON; - for standard output.", valueName: "file"))
  var json: String?

  @Option(help: ArgumentHelp("Write JUnit XML; - for standard output.", valueName: "file"))
  var junit: String?

  @Option(help: ArgumentHelp("Write TAP 14; - for standard output.", valueName: "file"))
  var tap: String?

  @Option(help: ArgumentHelp("Write one HTML page; - for standard output.", valueName: "file"))
  var html: String?

  /// Whether a file is wanted.
  var isAny: Bool { [json, junit, tap, html].contains { $0 != nil } }
}

/// The reports of a run: the console at once, files at the end.
struct Outputs {
  private var console: RunConsole?
  private var files: [(path: String, report: any RunReport, text: String)] = []

  /// `last` is the file of an earlier run to compare with; an HTML page that is written again is compared with itself.
  init(_ options: ReportOptions, last: String? = nil) throws {
    let last = try last.map { try LastRun.read($0) }
    if let path = options.json { files.append((path, RunJSON(), "")) }
    if let path = options.junit { files.append((path, RunJUnit(), "")) }
    if let path = options.tap { files.append((path, RunTAP(), "")) }
    if let path = options.html {
      let old = try last ?? LastRun.readIfThere(path)
      files.append((path, RunHTML(last: old), ""))
    }
    guard !files.contains(where: { $0.path == "-" }) else { return }
    var style = RunConsole.Style(palette: Terminal.palette)
    style.isVerbose = options.verbose
    console = RunConsole(style)
  }

  mutating func take(_ event: RunEvent) {
    if let text = console?.take(event), !text.isEmpty { Output.write(text) }
    for index in files.indices { files[index].text += files[index].report.take(event) }
  }

  func end() throws {
    for file in files { try Inputs.write(file.text, to: file.path) }
  }
}
