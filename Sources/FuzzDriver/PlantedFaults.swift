private import Foundation
public import Fuzzing
private import WireBytes

/// Proof that the fuzz targets find what they are for: faults planted in a copy of the codec.
///
/// The faults are edits of the source text, listed in Fixtures/Planted; the copy gets them all, each behind a switch that
/// is read from the environment, so that one build serves them all and the codec itself carries nothing of it. An edit
/// whose place is gone is an error: the list would otherwise prove nothing, quietly.
public struct PlantedFaults {
  public struct Fault: Sendable {
    public let number: Int
    public let name: String
    public let title: String
    public let target: FuzzTarget
    let edits: [(file: String, find: String, replace: String)]
  }

  public struct Outcome: Sendable {
    public let fault: Fault
    public let seconds: Double
    public let runs: Int
    /// What was broken; nil when the fault was not found in time.
    public let finding: String?
  }

  private static let switchSource = """
    import Glibc

    let plantedFault = unsafe getenv("CHUMGATE_PLANT").map { unsafe atoi($0) } ?? 0
    nonisolated(unsafe) var plantedSteps = 0
    func plantedEnd(_ end: Int) -> Int { plantedFault == 4 ? max(0, end - 5) : end }

    """

  private let original: FuzzWorkspace
  public let faults: [Fault]
  private let copy: FuzzWorkspace

  public init(_ original: FuzzWorkspace) throws(FuzzDriverFailure) {
    self.original = original
    copy = FuzzWorkspace(package: original.package.appendingPathComponent(".build-planted/package"))
    let url = original.fixtures.appendingPathComponent("Planted/microdata.json")
    guard let data = try? Data(contentsOf: url), let json = try? JSONValue.parse([UInt8](data)),
      let list = json["faults"]?.array
    else { throw FuzzDriverFailure(reason: "cannot read \(url.path)") }
    var faults: [Fault] = []
    for entry in list {
      guard let number = entry["id"]?.integer, let name = entry["name"]?.string, let title = entry["title"]?.string,
        let target = FuzzTarget(rawValue: entry["target"]?.string ?? "")
      else { throw FuzzDriverFailure(reason: "\(url.path): not a fault: \(entry.compact.prefix(100))") }
      let edits = (entry["edits"]?.array ?? []).map { edit in
        (edit["file"]?.string ?? "", edit["find"]?.string ?? "", edit["replace"]?.string ?? "")
      }
      faults.append(Fault(number: number, name: name, title: title, target: target, edits: edits))
    }
    self.faults = faults
  }

  /// Copies the package and applies all edits; throws when a place is gone.
  public func plant() throws(FuzzDriverFailure) {
    let files = FileManager.default
    do {
      try files.createDirectory(at: copy.package, withIntermediateDirectories: true)
      for name in ["Package.swift", "Package.resolved", "Sources", "Tests", "Fixtures"] {
        let target = copy.package.appendingPathComponent(name)
        try? files.removeItem(at: target)
        let source = original.package.appendingPathComponent(name)
        guard files.fileExists(atPath: source.path) else { continue }
        if name == "Sources" {
          try files.copyItem(at: source, to: target)
        } else {
          try files.createSymbolicLink(at: target, withDestinationURL: source)
        }
      }
      let codec = copy.package.appendingPathComponent("Sources/Microdata")
      for fault in faults {
        for edit in fault.edits {
          let file = codec.appendingPathComponent(edit.file)
          let text = try String(contentsOf: file, encoding: .utf8)
          guard text.contains(edit.find) else {
            throw FuzzDriverFailure(reason: "fault \(fault.name) has no place in \(edit.file) any more: \(edit.find)")
          }
          try text.replacingOccurrences(of: edit.find, with: edit.replace).write(
            to: file, atomically: true, encoding: .utf8)
        }
      }
      try Self.switchSource.write(
        to: codec.appendingPathComponent("PlantedSwitch.swift"), atomically: true, encoding: .utf8)
    } catch let failure as FuzzDriverFailure { throw failure } catch {
      throw FuzzDriverFailure(reason: "cannot copy the package: \(error.localizedDescription)")
    }
  }

  public func buildCommand(_ target: FuzzTarget) -> String { copy.buildCommand(target) }

  /// Fuzzes with one fault switched on (0 for none), from the seeds alone.
  public func run(
    _ fault: Fault, recipes: ModelRecipes, seconds: Int, seed: UInt64
  ) throws(FuzzDriverFailure) -> Outcome {
    try? FileManager.default.removeItem(at: copy.corpus(fault.target))
    try copy.prepare(fault.target, recipes: recipes)
    var settings = LibFuzzerRun.Settings()
    settings.seconds = seconds
    settings.seed = seed
    settings.plantedFault = fault.number
    let result = try LibFuzzerRun(copy, fault.target).run(settings) { _ in }
    if let input = result.input, try breaks(input, fault.target) {
      throw FuzzDriverFailure(reason: "the codec breaks without \(fault.name) too: \(result.reason)")
    }
    return Outcome(
      fault: fault, seconds: result.seconds, runs: result.status.runs,
      finding: result.input == nil ? nil : result.reason)
  }

  /// True when an input ends the program although no fault is on: then it proves nothing.
  private func breaks(_ input: [UInt8], _ target: FuzzTarget) throws(FuzzDriverFailure) -> Bool {
    let file = copy.artifacts(target).appendingPathComponent("without-fault")
    do { try Data(input).write(to: file) } catch { throw FuzzDriverFailure(reason: "cannot write \(file.path)") }
    let recipes = FuzzWorkspace.quoted(copy.fixtures.appendingPathComponent("Vectors/recipes.json").path)
    let command =
      "SWIFT_BACKTRACE=enable=no CHUMGATE_RECIPES=\(recipes) exec \(FuzzWorkspace.quoted(copy.program(target).path)) "
      + "-timeout=20 \(FuzzWorkspace.quoted(file.path)) >/dev/null 2>&1"
    return try ChildLines.run(command, milliseconds: 60_000, line: { _ in true }) != .exited("exit status 0")
  }
}
