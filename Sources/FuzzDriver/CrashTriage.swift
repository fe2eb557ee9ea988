private import Foundation
public import Fuzzing

/// What a crash is, made as small as it gets.
public struct CrashTriage {
  public struct Report: Sendable {
    public let target: FuzzTarget
    /// The property; `no-trap` for an end that no other explains.
    public let name: String
    public let description: String
    public let input: [UInt8]
    public let originalSize: Int
    /// How many candidates the minimiser tried.
    public let attempts: Int
  }

  let workspace: FuzzWorkspace
  let context: FuzzContext<OneCodec>

  public init(_ workspace: FuzzWorkspace, _ context: FuzzContext<OneCodec>) {
    self.workspace = workspace
    self.context = context
  }

  /// Minimises in this process when a property broke, else by running the fuzzer's program on each candidate.
  public func report(_ target: FuzzTarget, _ result: LibFuzzerRun.Result) -> Report? {
    guard let input = result.input else { return nil }
    var attempts = 0
    let property = Self.property(result.reason)
    var small = input
    var description = result.reason
    if let property {
      context.isThorough = property == .linearTime
      defer { context.isThorough = false }
      small = Shrinker.markup(input, attempts: property == .linearTime ? 60 : 5_000) { candidate in
        attempts += 1
        return context.finding(candidate, target)?.property == property
      }
      if let finding = context.finding(small, target) { description = "\(finding)" }
    } else {
      small = Shrinker.markup(input, attempts: 200) { candidate in
        attempts += 1
        return crashes(candidate, target)
      }
    }
    return Report(
      target: target, name: property?.rawValue ?? FuzzProperty.noTrap.rawValue, description: description, input: small,
      originalSize: input.count,
      attempts: attempts)
  }

  /// `FINDING strict-canonical: …` names its property.
  static func property(_ reason: String) -> FuzzProperty? {
    guard reason.hasPrefix("FINDING ") else { return nil }
    return FuzzProperty(rawValue: String(reason.dropFirst("FINDING ".count).prefix { $0 != ":" }))
  }

  /// True when the fuzzer's program ends badly on this one input.
  private func crashes(_ input: [UInt8], _ target: FuzzTarget) -> Bool {
    let file = workspace.artifacts(target).appendingPathComponent("candidate")
    guard (try? Data(input).write(to: file)) != nil else { return false }
    let recipes = workspace.fixtures.appendingPathComponent("Vectors/recipes.json").path
    let command =
      "SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0 CHUMGATE_RECIPES=\(FuzzWorkspace.quoted(recipes)) exec "
      + "\(FuzzWorkspace.quoted(workspace.program(target).path)) -timeout=20 -rss_limit_mb=2048 "
      + "\(FuzzWorkspace.quoted(file.path)) >/dev/null 2>&1"
    guard let ending = try? ChildLines.run(command, milliseconds: 30_000, line: { _ in true }) else { return false }
    return ending != .exited("exit status 0")
  }
}
