import Foundation
import Invariants
import Replay
import Testing

@testable import Recording

@Suite("The log that emit.js writes is read and judged")
struct EmitTests {
  private static let script = Fixtures.root.appendingPathComponent("Log/emit-demo.js").path

  /// Where node is; nil when it is not installed.
  private static let node: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .map { $0 + "/node" }.first { FileManager.default.isExecutableFile(atPath: String($0)) }.map { String($0) }

  private func run(_ fault: String) throws -> [UInt8] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(Self.node))
    process.arguments = [Self.script, fault]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return [UInt8](bytes)
  }

  @Test
  func `the snippet has at most forty lines`() throws {
    let text = try String(contentsOf: Fixtures.root.appendingPathComponent("Log/emit.js"), encoding: .utf8)
    #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 41)
  }

  @Test(.enabled(if: node != nil, "node is not installed"))
  func `an application that keeps the rules is judged to keep them`() throws {
    var judge = try SessionJudge(file: "app.log.ndjson", source: MemorySource(try run("")))
    let verdict = try judge.run()
    #expect(verdict.findings.map { "\($0.rule.id) \($0.line) \($0.message)" } == [])
    #expect(verdict.status == .pass && verdict.logEvents == 30)
    #expect(verdict.blindSpots == [])
  }

  @Test(
    .enabled(if: node != nil, "node is not installed"),
    arguments: [
      ("component", ["ACC-003"]), ("duplicate", ["ACC-004"]), ("late", ["ACC-026", "CHN-006"]), ("silent", ["CHN-003"]),
      ("swallow", ["PLG-001", "PLG-002", "PLG-004"]),
    ])
  func `a fault of the application is found`(_ fault: String, _ rules: [String]) throws {
    let findings = try judge(try run(fault), RuleBook.all)
    #expect(Set(findings.map(\.rule.id)).isSuperset(of: rules), "\(findings.map { "\($0.rule.id) \($0.message)" })")
  }
}
