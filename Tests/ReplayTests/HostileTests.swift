import Cryptobox
import Foundation
import Recording
import Replay
import Testing

@Suite("Corrupted recordings end with a verdict or a typed error")
struct HostileTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures/Recordings")
  private static let material = ["iop-pair-1", "fail-auth-1", "relay-encrypted-1", "ping-pong-1"]

  private static func lines(_ name: String) throws -> [[UInt8]] {
    [UInt8](try Data(contentsOf: root.appendingPathComponent("\(name).ndjson"))).split(separator: 0x0A).map {
      Array($0)
    }
  }

  private static let snippets: [String] = [
    "1e999", "-0", "99999999999999999999999", "null", "[]", "{}", "true", "\"\"", "\"\\ud800\"",
    String(repeating: "[", count: 5_000), String(repeating: "{\"a\":", count: 3_000), "\"\u{0}\"", "NaN", "0x10",
  ]

  private static func mutate(_ lines: [[UInt8]], _ dice: inout SeededRandom) -> [UInt8] {
    var lines = lines
    for _ in 0..<Int.random(in: 1...4, using: &dice) {
      let index = Int.random(in: 0..<lines.count, using: &dice)
      switch Int.random(in: 0..<10, using: &dice) {
      case 0: lines.remove(at: index)
      case 1: lines.insert(lines[index], at: Int.random(in: 0..<lines.count, using: &dice))
      case 2: lines.swapAt(index, Int.random(in: 0..<lines.count, using: &dice))
      case 3: lines[index] = Array(lines[index].prefix(Int.random(in: 0...lines[index].count, using: &dice)))
      case 4, 5:
        guard !lines[index].isEmpty else { continue }
        lines[index][Int.random(in: 0..<lines[index].count, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
      case 6:
        let at = Int.random(in: 0...lines[index].count, using: &dice)
        lines[index].insert(contentsOf: (0..<8).map { _ in UInt8.random(in: 128...255, using: &dice) }, at: at)
      case 7:
        // A value of another type where a colon promises one.
        guard let colon = lines[index].indices.filter({ lines[index][$0] == 0x3A }).randomElement(using: &dice) else {
          continue
        }
        let snippet = snippets.randomElement(using: &dice) ?? "null"
        let end = lines[index][(colon + 1)...].firstIndex { $0 == 0x2C || $0 == 0x7D } ?? lines[index].count
        lines[index].replaceSubrange((colon + 1)..<end, with: Array(snippet.utf8))
      case 8:
        // Keys and base64 of a wrong length.
        guard let quote = lines[index].indices.filter({ lines[index][$0] == 0x22 }).randomElement(using: &dice) else {
          continue
        }
        lines[index].insert(contentsOf: Array("abc".utf8), at: quote + 1)
      default: lines[index] = Array((snippets.randomElement(using: &dice) ?? "").utf8)
      }
      if lines.isEmpty { return [] }
    }
    return Array(lines.joined(separator: [0x0A]))
  }

  @Test(arguments: 0..<10)
  func `a hundred seeded mutations never trap`(_ series: Int) throws {
    var dice = SeededRandom(seed: UInt64(series) &* 7_919)
    let sources = try Self.material.map { try Self.lines($0) }
    var verdicts = 0
    var errors = 0
    for round in 0..<100 {
      let bytes = Self.mutate(sources[(series + round) % sources.count], &dice)
      do throws(RecordingFailure) {
        var judge = try SessionJudge(file: "mutant", source: MemorySource(bytes))
        _ = try judge.run()
        verdicts += 1
      } catch {
        #expect(!error.reason.isEmpty)
        errors += 1
      }
    }
    #expect(verdicts + errors == 100)
    #expect(verdicts > 0 && errors > 0)
  }

  @Test
  func `a last line that is cut off is reported and the rest is judged`() throws {
    var bytes = [UInt8](try Data(contentsOf: Self.root.appendingPathComponent("iop-pair-1.ndjson")))
    bytes.removeLast(40)
    var judge = try SessionJudge(file: "cut", source: MemorySource(bytes))
    let verdict = try judge.run()
    #expect(verdict.truncation != nil)
    #expect(verdict.frames > 100)
    #expect(verdict.blindSpots.contains { $0.contains("cut off") })
  }

  @Test
  func `a broken line in the middle is an error with its number`() throws {
    var lines = try Self.lines("iop-pair-1")
    lines[9] = Array("{\"t\":1,".utf8)
    let bytes = Array(lines.joined(separator: [0x0A]))
    #expect(throws: RecordingFailure.self) {
      var judge = try SessionJudge(file: "broken", source: MemorySource(bytes))
      _ = try judge.run()
    }
    do throws(RecordingFailure) {
      var judge = try SessionJudge(file: "broken", source: MemorySource(bytes))
      _ = try judge.run()
    } catch { #expect(error.line == 10) }
  }

  @Test(arguments: ["", "{}", "[1]", "{\"type\":\"header\",\"format\":\"one-ws-recording/9\"}", "\u{FEFF}{}"])
  func `a file that is no session is refused at line one`(_ text: String) {
    do throws(RecordingFailure) {
      _ = try SessionJudge(file: "x", source: MemorySource(Array(text.utf8)))
      Issue.record("accepted")
    } catch { #expect(error.line == 1) }
  }
}
