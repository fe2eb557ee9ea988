import Invariants
import Testing
import Trace
import Wire

@testable import Recording

@Suite("What no table describes is a finding, in every phase")
struct InventedFrameTests {
  private static let clear: [SessionEditor.Content] = [
    .text("{\"command\":\"dance\"}"), .text("hello"), .binary([1, 2, 3]), .text(""),
  ]
  private static let sealed: [SessionEditor.Content] = [
    .sealed(.text("{\"command\":\"dance\"}")), .sealed(.text("hello")), .sealed(.binary([1, 2, 3])), .text("hello"),
    .sealed(.text("{\"type\":\"dance\"}")), .broken([UInt8](repeating: 1, count: 40)), .padded([]),
  ]

  /// Every place of a connection gets every invented frame in both directions; none may pass in silence.
  private func silent(
    _ recording: String, _ conn: String, every step: Int = 1, inside: Bool = true
  ) throws -> [String] {
    let base = try Bases.leg(recording, conn)
    let known = Set(base.findings.values.joined().map { "\($0.rule.id) \($0.message)" })
    var silent: [String] = []
    for place in stride(from: 1, to: base.editor.items.count, by: step) {
      // Behind a close nothing is delivered any more.
      let behind = base.editor.items[..<place]
      if behind.contains(where: { if case .close = $0.content { true } else { false } }) { break }
      let isSealed = behind.contains {
        switch $0.content {
        case .sealed, .padded: true
        default: false
        }
      }
      if isSealed, !inside { break }
      for content in isSealed ? Self.sealed : Self.clear {
        for direction in Direction.allCases {
          var editor = base.editor
          editor.insert(content, direction, after: place - 1)
          let found = try judge(editor.written(), RuleBook.all).filter {
            !known.contains("\($0.rule.id) \($0.message)")
          }
          if !found.contains(where: { $0.line >= place }) { silent.append("\(place) \(direction.name) \(content)") }
        }
      }
    }
    return silent
  }

  @Test
  func `on a listener's connection, up to the encryption`() throws {
    // Inside the encryption the ends of this recording have an application of their own.
    let passed = try silent("ping-pong-1", "c1", inside: false)
    #expect(passed.isEmpty, "\(passed)")
  }

  @Test
  func `on a dialer's connection through establishment and pairing`() throws {
    let passed = try silent("iop-pair-1", "c5")
    #expect(passed.isEmpty, "\(passed)")
  }

  @Test
  func `on a dialer's connection through establishment and CHUM`() throws {
    let passed = try silent("iop-pair-1", "c9", every: 2)
    #expect(passed.isEmpty, "\(passed)")
  }
}
