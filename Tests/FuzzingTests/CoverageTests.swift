import Foundation
import Testing
import WireBytes

@testable import Fuzzing

@Suite("Each MD requirement has something that notices its breach")
struct CoverageTests {
  private func coverage() throws -> RequirementCoverage {
    var files: [String: JSONValue] = [:]
    for name in Set(VectorEvidence.all.map(\.file)) {
      let path = name == "recipes" ? "Vectors/recipes.json" : "Vectors/microdata-\(name).json"
      files[name] = try JSONValue.parse(try Fixtures.bytes(path), limits: JSONLimits(depth: 600))
    }
    return RequirementCoverage(files: files, tests: try tests())
  }

  /// The tests of the package whose names or titles mention requirements.
  private func tests() throws -> [(name: String, requirements: [Int])] {
    var found: [(name: String, requirements: [Int])] = []
    for folder in ["MicrodataTests", "OracleTests", "FuzzingTests", "TesteeTests"] {
      let root = Fixtures.root.appendingPathComponent("Tests/\(folder)")
      for file in try FileManager.default.contentsOfDirectory(atPath: root.path).sorted() where file.hasSuffix(".swift")
      {
        let text = try String(contentsOf: root.appendingPathComponent(file), encoding: .utf8)
        for piece in text.components(separatedBy: "@Test").dropFirst() {
          let isTitled = piece.drop { $0 == "(" || $0.isWhitespace }.hasPrefix("\"")
          let quote: Character = isTitled ? "\"" : "`"
          let parts = piece.split(separator: quote, maxSplits: 2, omittingEmptySubsequences: false)
          guard parts.count > 1 else { continue }
          let name = String(parts[1])
          found.append((name, RequirementCoverage.requirements(in: name)))
        }
      }
    }
    return found
  }

  @Test func `no requirement is without, and no evidence is stale`() throws {
    let coverage = try coverage()
    #expect(coverage.gaps.isEmpty, "\(coverage.gaps)")
    #expect(coverage.stale.isEmpty, "\(coverage.stale)")
  }

  @Test func `the catalogue has exactly the hundred requirements of the table`() throws {
    let csv = String(decoding: try Fixtures.bytes("Spec/requirements.csv"), as: UTF8.self)
    let ids = csv.split(separator: "\n").map { String($0.prefix(6)) }.filter { $0.hasPrefix("MD-") }
    #expect(ids.sorted() == (try coverage().rows.map(\.id)))
  }

  /// The last column names tests, which come and go with every change; it is written, but not compared.
  private func withoutTests(_ table: String) -> [String] {
    table.split(separator: "\n").map { $0.split(separator: "|").prefix(3).joined(separator: "|") }
  }

  @Test func `the written table is the computed one`() throws {
    let computed = try coverage().markdown
    if ProcessInfo.processInfo.environment["CHUMGATE_UPDATE"] != nil {
      try Data(computed.utf8).write(to: Fixtures.root.appendingPathComponent("Fixtures/Spec/microdata-coverage.md"))
    }
    let written = String(decoding: try Fixtures.bytes("Spec/microdata-coverage.md"), as: UTF8.self)
    #expect(withoutTests(written) == withoutTests(computed), "run CHUMGATE_UPDATE=1 swift test --filter CoverageTests")
  }

  @Test func `a requirement without evidence shows as a gap, a question without vectors as stale`() {
    let empty = RequirementCoverage(files: [:], tests: [])
    #expect(empty.gaps.contains("MD-025"))
    #expect(empty.stale.count == VectorEvidence.all.count)
  }

  @Test func `numbers and ranges are read out of names`() {
    #expect(RequirementCoverage.requirements(in: "one level (MD-064…067)") == [64, 65, 66, 67])
    #expect(RequirementCoverage.requirements(in: "(MD-010, MD-069) and MD-x") == [10, 69])
  }
}
