import Cryptobox
import Invariants
import Testing
import Trace
import Wire

@testable import Recording

@Suite("Hostile messages inside the encryption end with a verdict")
struct HostileMessageTests {
  private static let legs = [("chum-blob-fixed-1", "c9"), ("iop-pair-1", "c9"), ("iop-pair-1", "c5")]
  private static let snippets = [
    "-1", "1e308", "9223372036854775807", "-9223372036854775808", "1e19", "null", "[]", "{}", "true", "\"\"",
    "\"\\ud800\"", "\"$__undefined$\"", String(repeating: "[", count: 200) + String(repeating: "]", count: 200),
    "\"" + String(repeating: "é", count: 300) + "\"", "\"<div itemscope itemtype=\\\"//refin.io/\"", "0.5",
  ]

  private static func mutate(_ editor: inout SessionEditor, _ dice: inout SeededRandom) {
    let sealed = editor.items.indices.filter { if case .sealed = editor.items[$0].content { true } else { false } }
    guard let place = sealed.randomElement(using: &dice) else { return }
    switch editor.items[place].content {
    case .sealed(.text(let text)):
      var bytes = Array(text.utf8)
      switch Int.random(in: 0..<5, using: &dice) {
      case 0:
        guard let colon = bytes.indices.filter({ bytes[$0] == 0x3A }).randomElement(using: &dice) else { return }
        let end = bytes[(colon + 1)...].firstIndex { $0 == 0x2C || $0 == 0x7D } ?? bytes.count
        bytes.replaceSubrange((colon + 1)..<end, with: Array((snippets.randomElement(using: &dice) ?? "0").utf8))
      case 1: bytes.removeLast(Int.random(in: 0...bytes.count, using: &dice))
      case 2:
        if !bytes.isEmpty {
          bytes[Int.random(in: 0..<bytes.count, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
        }
      case 3: bytes = Array((snippets.randomElement(using: &dice) ?? "").utf8)
      default:
        editor.items[place].content = .sealed(.binary(bytes))
        return
      }
      editor.items[place].content = .sealed(.text(lenientText(bytes)))
    case .sealed(.binary(var bytes)):
      if Bool.random(using: &dice) { bytes.removeLast(Int.random(in: 0...bytes.count, using: &dice)) }
      editor.items[place].content =
        Bool.random(using: &dice) ? .sealed(.binary(bytes)) : .padded([UInt8.random(in: 0...255, using: &dice)] + bytes)
    default: break
    }
  }

  @Test(arguments: 0..<6)
  func `fifty mutations of messages never trap`(_ series: Int) throws {
    var dice = SeededRandom(seed: UInt64(series) &* 104_729 &+ 1)
    let (recording, conn) = Self.legs[series % Self.legs.count]
    let base = try Bases.leg(recording, conn)
    var found = 0
    for _ in 0..<50 {
      var editor = base.editor
      for _ in 0..<Int.random(in: 1...5, using: &dice) { Self.mutate(&editor, &dice) }
      let findings = try judge(editor.written(), RuleBook.all)
      if !findings.isEmpty { found += 1 }
      #expect(findings.allSatisfy { $0.line > 1 && $0.message.utf8.count < 2_000 })
    }
    // Most changes break something; a judge that finds nothing in nearly all of them looks away.
    #expect(found > 30)
  }
}
