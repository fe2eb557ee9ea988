import Cryptobox
import Invariants
import Replay
import Testing
import WireBytes

@testable import Recording

@Suite("Hostile logs end with a verdict or an error")
struct HostileLogTests {
  private static let snippets: [JSONValue] = [
    nil, true, -1, 0, 9_007_199_254_740_993, .number(1e300), .number(.nan), "", [], [:], "\u{0}", [[[]]], ["x"],
    .string(String(repeating: "f", count: 64)), .string(String(repeating: "é", count: 64)), "dropped",
    .string(String(repeating: "a", count: 100_000)), .array(Array(repeating: "a", count: 10_001)),
    ["entry": "x", "creationTime": 4],
  ]

  @Test(arguments: 0..<4)
  func `thirty logs with exchanged members, lines and instances never trap`(_ series: Int) throws {
    var dice = SeededRandom(seed: UInt64(series) &* 7_919 &+ 3)
    let good = try LogEditor()
    let names = Set(good.lines.flatMap { $0.members.map(\.name) }).subtracting(["log"]).sorted()
    var judged = 0
    for _ in 0..<30 {
      var editor = good
      for _ in 0..<Int.random(in: 1...20, using: &dice) {
        let place = Int.random(in: 0..<editor.lines.count, using: &dice)
        let other = editor.lines[Int.random(in: 0..<editor.lines.count, using: &dice)]
        let name = names.randomElement(using: &dice) ?? "peer"
        switch Int.random(in: 0..<5, using: &dice) {
        case 0: editor.set(place, (name, Self.snippets.randomElement(using: &dice) ?? nil))
        case 1: editor.set(place, (name, other[name] ?? nil))
        case 2: editor.lines.swapAt(place, Int.random(in: 0..<editor.lines.count, using: &dice))
        case 3: editor.set(place, ("log", other["log"] ?? nil))
        default: editor.remove(place)
        }
      }
      do {
        let findings = try judge(editor.written(), RuleBook.all)
        judged += 1
        #expect(findings.allSatisfy { $0.line >= 1 && $0.message.utf8.count < 2_000 })
      } catch let failure as RecordingFailure {
        #expect(failure.line > 0)
      }
    }
    #expect(judged > 0)
  }

  @Test
  func `three thousand instances, and a channel of twenty thousand entries`() throws {
    let hash = String(repeating: "ab", count: 32)
    var lines = (0..<3_000).map { #"{"t":\#($0),"log":"channelVisible","peer":"p\#($0)","channel":"\#(hash)"}"# }
    let entries = (0..<20_000).map { _ in #"{"creationTime":"\#(hash)","timestamp":1}"# }.joined(separator: ",")
    lines.append(#"{"t":3001,"log":"headSet","peer":"p1","idHash":"\#(hash)","entries":[\#(entries)]}"#)
    let findings = try judge(Array(lines.joined(separator: "\n").utf8), RuleBook.all)
    #expect(findings.isEmpty)
  }
}
