private import Foundation
public import Fuzzing

/// One run of a libFuzzer program: its progress, and the input that ended it.
public struct LibFuzzerRun: Sendable {
  public struct Settings: Sendable {
    public var seconds: Int?
    public var runs: Int?
    public var seed: UInt64 = 1
    public var longestInput = 600
    /// Switches on a planted fault in a program that has them.
    var plantedFault: Int?
    public init() {}
  }

  public struct Status: Sendable {
    public var runs = 0
    public var perSecond = 0
    public var coverage = 0
    public var corpus = 0
  }

  public struct Result: Sendable {
    public var status: Status
    /// The input that ended the run; nil when nothing was found.
    public var input: [UInt8]?
    /// The line of the property, or of libFuzzer, that says what happened.
    public var reason = ""
    public var seconds = 0.0
  }

  let workspace: FuzzWorkspace
  let target: FuzzTarget

  public init(_ workspace: FuzzWorkspace, _ target: FuzzTarget) {
    self.workspace = workspace
    self.target = target
  }

  public func run(
    _ settings: Settings, progress: (Status) -> Void
  ) throws(FuzzDriverFailure) -> Result {
    var result = Result(status: Status())
    let start = Date()
    var tail: [String] = []
    // The fuzzer ends by itself; the bound is for one that does not.
    let bound = settings.seconds.map { $0 * 1000 + 60_000 } ?? Int.max / 4
    let ending = try ChildLines.run(command(settings), milliseconds: bound) { line in
      if let status = Self.status(line) {
        result.status = status
        progress(status)
      } else {
        if line.hasPrefix("FINDING ") || line.contains("ERROR: ") || line.contains("Fatal error") {
          result.reason = line
        }
        tail = tail.suffix(20) + [line]
      }
      return true
    }
    result.seconds = Date().timeIntervalSince(start)
    result.input = newestArtifact()
    if result.input == nil, ending != .exited("exit status 0") {
      throw FuzzDriverFailure(reason: "\(target.product) ended with \(ending):\n\(tail.joined(separator: "\n"))")
    }
    return result
  }

  private func command(_ settings: Settings) -> String {
    let quoted = FuzzWorkspace.quoted
    var parts = [
      // Swift's crash reporter would catch the signal before libFuzzer and keep it from writing the input.
      "SWIFT_BACKTRACE=enable=no", "ASAN_OPTIONS=detect_leaks=0:abort_on_error=0",
      "CHUMGATE_RECIPES=" + quoted(workspace.fixtures.appendingPathComponent("Vectors/recipes.json").path),
      settings.plantedFault.map { "CHUMGATE_PLANT=\($0)" } ?? "",
      "exec", quoted(workspace.program(target).path), quoted(workspace.corpus(target).path),
    ]
    if target != .empty { parts += [quoted(workspace.seeds.path), "-dict=" + quoted(workspace.dictionary.path)] }
    parts += [
      "-artifact_prefix=" + quoted(workspace.artifacts(target).path + "/"), "-max_len=\(settings.longestInput)",
      "-entropic=0", "-reload=0", "-timeout=20", "-rss_limit_mb=2048",
      "-seed=\(UInt32(truncatingIfNeeded: settings.seed))",
      "-print_final_stats=1",
    ]
    if let seconds = settings.seconds { parts.append("-max_total_time=\(seconds)") }
    if let runs = settings.runs { parts.append("-runs=\(runs)") }
    return parts.joined(separator: " ") + " 2>&1"
  }

  /// Reads a status line such as `#1048576 pulse  cov: 381 ft: 900 corp: 200/10Kb lim: 400 exec/s: 209715 rss: 50Mb`.
  static func status(_ line: String) -> Status? {
    guard line.hasPrefix("#") else { return nil }
    let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
    guard let first = words.first, let runs = Int(first.dropFirst()) else { return nil }
    func number(_ name: String) -> Int {
      guard let index = words.firstIndex(of: name), index + 1 < words.count else { return 0 }
      return Int(words[index + 1].prefix { $0.isNumber }) ?? 0
    }
    return Status(runs: runs, perSecond: number("exec/s:"), coverage: number("cov:"), corpus: number("corp:"))
  }

  private func newestArtifact() -> [UInt8]? {
    let folder = workspace.artifacts(target)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    let kinds = ["crash-", "timeout-", "oom-", "leak-", "slow-unit-"]
    // A slow unit is a report, not an end; it counts only when nothing else was written.
    for kind in kinds.dropLast() {
      if let name = names.sorted().first(where: { $0.hasPrefix(kind) }) {
        return (try? Data(contentsOf: folder.appendingPathComponent(name))).map { [UInt8]($0) }
      }
    }
    return nil
  }
}
