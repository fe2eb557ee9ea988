public import Foundation
public import Fuzzing
internal import WireBytes

public struct FuzzDriverFailure: Error, Sendable, CustomStringConvertible {
  public let reason: String
  public init(reason: String) { self.reason = reason }
  public var description: String { reason }
}

/// Where fuzzing works: the package, a scratch folder of its own, the corpus.
public struct FuzzWorkspace: Sendable {
  public let package: URL
  public let isAddressSanitized: Bool

  /// The package is the current folder when that is this package, else the one that this program was built from.
  public init(isAddressSanitized: Bool = false) throws(FuzzDriverFailure) {
    self.isAddressSanitized = isAddressSanitized
    let here = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let found = [here, source].first { root in
      FileManager.default.fileExists(atPath: root.appendingPathComponent("Sources/FuzzMicrodataParse").path)
    }
    guard let found else {
      throw FuzzDriverFailure(reason: "the sources of chumgate are not here; run this in the package's folder")
    }
    package = found
  }

  /// A workspace on another package: the copy with planted faults.
  init(package: URL) {
    self.package = package
    isAddressSanitized = false
  }

  public var scratch: URL { package.appendingPathComponent(isAddressSanitized ? ".build-fuzz-asan" : ".build-fuzz") }
  public var fixtures: URL { package.appendingPathComponent("Fixtures") }
  public var crashes: URL { package.appendingPathComponent("Corpus/microdata/crashes") }
  public func program(_ target: FuzzTarget) -> URL { scratch.appendingPathComponent("release/\(target.product)") }
  /// What coverage kept; a cache, unlike the crashes.
  public func corpus(_ target: FuzzTarget) -> URL { scratch.appendingPathComponent("corpus/\(target.rawValue)") }
  public func artifacts(_ target: FuzzTarget) -> URL { scratch.appendingPathComponent("artifacts/\(target.rawValue)") }
  public var seeds: URL { scratch.appendingPathComponent("seeds") }
  public var dictionary: URL { scratch.appendingPathComponent("microdata.dict") }

  /// The command line that builds a target; `CHUMGATE_FUZZ` leaves the programs' own main functions out.
  public func buildCommand(_ target: FuzzTarget) -> String {
    let asan = isAddressSanitized ? " --sanitize=address" : ""
    return "cd \(Self.quoted(package.path)) && CHUMGATE_FUZZ=1 swift build -c release --sanitize=fuzzer\(asan) "
      + "--scratch-path \(Self.quoted(scratch.path)) --product \(target.product) 2>&1"
  }

  /// A shell word.
  public static func quoted(_ text: String) -> String { "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'" }

  /// Writes the seeds of the vectors and the dictionary of the recipes.
  public func prepare(_ target: FuzzTarget, recipes: ModelRecipes) throws(FuzzDriverFailure) {
    do {
      for folder in [corpus(target), artifacts(target), seeds] {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      }
      for old in try FileManager.default.contentsOfDirectory(atPath: artifacts(target).path) {
        try FileManager.default.removeItem(at: artifacts(target).appendingPathComponent(old))
      }
      try Data(FuzzDictionary.file(recipes).utf8).write(to: dictionary)
      for seed in try SeedCorpus.markup(fixtures) {
        let file = seeds.appendingPathComponent(CaseName.of(seed))
        if !FileManager.default.fileExists(atPath: file.path) { try Data(seed).write(to: file) }
      }
    } catch let failure as FuzzDriverFailure { throw failure } catch {
      throw FuzzDriverFailure(reason: "cannot prepare the corpus: \(error.localizedDescription)")
    }
  }

  /// Keeps an input for ever; the name says the target and the content.
  public func keep(_ input: [UInt8], _ target: FuzzTarget) throws(FuzzDriverFailure) -> URL {
    let file = crashes.appendingPathComponent("\(target.rawValue)-\(CaseName.of(input))")
    do {
      try FileManager.default.createDirectory(at: crashes, withIntermediateDirectories: true)
      try Data(input).write(to: file, options: .atomic)
    } catch { throw FuzzDriverFailure(reason: "cannot write \(file.path): \(error.localizedDescription)") }
    return file
  }
}

/// Inputs to start from: every markup text of the vectors.
public enum SeedCorpus {
  /// Texts of at most `limit` bytes; longer ones only slow the search down.
  public static func markup(_ fixtures: URL, limit: Int = 400) throws(FuzzDriverFailure) -> [[UInt8]] {
    let fields = [("valid", "microdata"), ("valid", "idMicrodata"), ("invalid", "input"), ("hostile", "input")]
    var seen = Set<[UInt8]>()
    var out: [[UInt8]] = []
    for name in ["valid", "invalid", "hostile"] {
      let url = fixtures.appendingPathComponent("Vectors/microdata-\(name).json")
      guard let data = try? Data(contentsOf: url) else { throw FuzzDriverFailure(reason: "cannot read \(url.path)") }
      guard let json = try? JSONValue.parse([UInt8](data)) else {
        throw FuzzDriverFailure(reason: "\(url.path) is no JSON")
      }
      for vector in json["vectors"]?.array ?? [] {
        for field in fields where field.0 == name {
          guard let text = vector[field.1]?.string else { continue }
          let bytes = Array(text.utf8)
          if bytes.count <= limit, seen.insert(bytes).inserted { out.append(bytes) }
        }
      }
    }
    return out
  }
}
