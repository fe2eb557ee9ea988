import Conformance
import Foundation
import Requirements
import Scenario
import Testing

/// The project's own catalogue and cases, read once.
enum ConformanceFixtures {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures")

  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  static func catalogue() throws -> Catalogue {
    var catalogue = Catalogue()
    for name in ["requirements", "attacks", "websocket"] {
      try catalogue.add(csv: try text("Spec/\(name).csv"), file: "Spec/\(name).csv")
    }
    return catalogue
  }

  static func suite() throws -> Suite {
    let directory = root.appendingPathComponent("Scenarios")
    let names = try FileManager.default.subpathsOfDirectory(atPath: directory.path).filter { $0.hasSuffix(".yaml") }
    let files = try names.map { (name: "Scenarios/\($0)", text: try text("Scenarios/\($0)")) }
    return try Suite(files: files, catalogue: try catalogue())
  }

  /// One case from the text of its steps, indented by six blanks.
  static func definition(_ steps: String, target: String = "server", more: String = "") throws -> Case {
    let yaml = """
      group: test
      title: A test
      target: \(target)
      cases:
        - id: test
          title: A test
          requires: []
      \(more.isEmpty ? "" : "    \(more)\n")    steps:
      \(steps)
      """
    var reader = CaseReader()
    return try #require(try reader.read(yaml, file: "test.yaml").cases.first)
  }
}
