import Foundation
import Testing

@testable import Fuzzing

/// Every input that ever broke the codec is run again, for ever, by the target in its name and with all its checks.
@Suite("Crashes stay fixed")
struct CrashReplayTests {
  static let folder = Fixtures.root.appendingPathComponent("Corpus/microdata/crashes")
  static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
    .filter { !$0.hasSuffix(".md") }.sorted()

  /// Findings that are reported and not yet fixed, one name a line; an entry that is fixed fails the test.
  static let open: Set<String> = {
    let text = (try? String(contentsOf: folder.appendingPathComponent("OPEN.md"), encoding: .utf8)) ?? ""
    return Set(
      text.split(separator: "\n").filter { $0.hasPrefix("- `") }.map { String($0.dropFirst(3).prefix { $0 != "`" }) })
  }()

  @Test(arguments: names)
  func `an old crash breaks nothing any more`(_ name: String) throws {
    let target = try #require(FuzzTarget(rawValue: String(name.prefix { $0 != "-" })), "the name says no target")
    let input = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent(name)))
    #expect(name.hasSuffix(CaseName.of(input)), "the content is not what the name says")
    let context = try FuzzFiles.context()
    context.isThorough = true
    let finding = context.finding(input, target)
    if Self.open.contains(name) {
      withKnownIssue("reported in OPEN.md") { #expect(finding == nil, "\(finding.map { "\($0)" } ?? "")") }
    } else {
      #expect(finding == nil, "\(finding.map { "\($0)" } ?? "")")
    }
  }

  @Test func `the list of open findings names files that are there`() {
    #expect(Self.open.subtracting(Self.names).isEmpty)
  }

  @Test func `corpus names come from the content`() {
    #expect(CaseName.of([]) == "cbf29ce484222325")
    #expect(CaseName.of(Array("a".utf8)) == "af63dc4c8601ec8c")
  }
}
