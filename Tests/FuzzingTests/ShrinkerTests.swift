import Testing

@testable import Fuzzing

@Suite("Shrinking")
struct ShrinkerTests {
  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test func `shrinks to exactly the two bytes that matter`() {
    let input = bytes("qwertzuiopZZasdfghjklyxcvbnm<1234567890>")
    let found = Shrinker.bytes(input) { $0.contains(0x3C) && $0.contains(0x3E) }
    #expect(String(decoding: found, as: UTF8.self) == "<>")
  }

  @Test func `lowers what it cannot delete`() {
    let found = Shrinker.bytes(bytes("ZZZZZZZ\u{7}")) { $0.count >= 4 }
    #expect(String(decoding: found, as: UTF8.self) == "aaaa")
  }

  @Test func `takes whole elements out of markup`() {
    let input = bytes("<div><ul><li>x</li><li><b>bug</b></li></ul><span>y</span></div>")
    let found = Shrinker.markup(input) { candidate in
      MarkupSpansProbe.isBalanced(candidate) && candidate.firstRange(of: Array("bug".utf8)) != nil
    }
    #expect(String(decoding: found, as: UTF8.self) == "bug")
  }

  @Test func `keeps its place: one deletion does not skip the next`() {
    var tried: [[UInt8]] = []
    let found = Shrinker.bytes(bytes("xxxxxxxxy")) { candidate in
      tried.append(candidate)
      return candidate.contains(0x79)
    }
    #expect(String(decoding: found, as: UTF8.self) == "y")
    #expect(tried.count < 20)
  }

  @Test func `stops at the number of attempts it was given, and repeats exactly`() {
    var calls = 0
    let input = (0..<200).map { UInt8($0) }
    func run() -> [UInt8] {
      calls = 0
      return Shrinker.bytes(input, attempts: 50) {
        calls += 1
        return $0.contains(199)
      }
    }
    let first = run()
    #expect(calls <= 50)
    #expect(first == run())
  }
}

enum MarkupSpansProbe {
  static func isBalanced(_ bytes: [UInt8]) -> Bool {
    var depth = 0
    for index in bytes.indices where bytes[index] == 0x3C {
      depth += index + 1 < bytes.count && bytes[index + 1] == 0x2F ? -1 : 1
      if depth < 0 { return false }
    }
    return depth == 0
  }
}
