import Testing

@testable import Microdata

@Suite("microdata.md 1, 3.3, 6: text")
struct TextTests {
  private static func units(_ random: inout SplitMix64) -> [UInt16] {
    (0..<Int.random(in: 0...6, using: &random)).map { _ in
      [0x61, 0x7A, 0xE9, 0xD7FF, 0xD800, 0xD83D, 0xDBFF, 0xDC00, 0xDE00, 0xDFFF, 0xE000, 0xFFFD, 0xFFFF, 0x2F, 0x3C]
        .randomElement(
          using: &random) ?? 0
    }
  }

  @Test("code units survive as WTF-8, lone surrogates among them")
  func unitsRoundTrip() {
    var random = SplitMix64(seed: 5)
    for _ in 0..<8_000 {
      let units = Self.units(&random)
      let text = OneText(utf16: units)
      #expect(text.utf16 == units)
      #expect(text.hasLoneSurrogate == (String(decoding: units, as: UTF16.self).utf16.elementsEqual(units) == false))
      #expect(text.bytes.withView { WTF8.unitCount($0) } == units.count)
    }
  }

  @Test("texts order by code unit: U+10000 before U+E000, terminators before letters (MD-013)")
  func order() {
    var random = SplitMix64(seed: 6)
    for _ in 0..<12_000 {
      let a = Self.units(&random)
      let b = Self.units(&random)
      let order = WTF8.compare(OneText(utf16: a).bytes, OneText(utf16: b).bytes)
      #expect((order < 0) == a.lexicographicallyPrecedes(b))
      #expect((order == 0) == (a == b))
    }
    #expect(OneText("\u{10000}") < OneText("\u{E000}"))
    #expect(OneText("a!</li>") < OneText("a</li>"))
  }

  @Test("bytes count as UTF-8 exactly when the standard library takes them")
  func utf8Check() {
    var random = SplitMix64(seed: 7)
    for _ in 0..<12_000 {
      let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        [0x41, 0x7F, 0x80, 0xBF, 0xC1, 0xC2, 0xDF, 0xE0, 0xA0, 0x9F, 0xED, 0xEF, 0xF0, 0x90, 0x8F, 0xF4, 0xF5, 0xFF]
          .randomElement(
            using: &random) ?? 0 as UInt8
      }
      let ours = bytes.withView { WTF8.kind($0) }
      #expect(ours.isValid == (String(validating: bytes, as: UTF8.self) != nil))
      #expect((ours == .ascii) == bytes.allSatisfy { $0 < 0x80 })
    }
  }

  @Test("escape and unescape are one level deep and touch nothing else (MD-064…067)")
  func escaping() {
    #expect(OneText("&lt;<>&\"'\u{0}\r").escaped == "&amp;lt;&lt;&gt;&amp;\"'\u{0}\r")
    #expect(OneText("&amp;lt;&lt;&gt;&quot;&#60;&LT;&lt&am&amp;p;").unescaped == "&lt;<>&quot;&#60;&LT;&lt&am&p;")
    #expect(OneText("e\u{301}") != OneText("\u{E9}"))
    var random = SplitMix64(seed: 8)
    for _ in 0..<5_000 {
      let text = OneText(
        utf16: (0..<Int.random(in: 0...40, using: &random)).map { _ in
          [0x26, 0x3C, 0x3E, 0x61, 0x6D, 0x70, 0x3B, 0x6C, 0x74, 0x67].randomElement(using: &random) ?? 0
        })
      #expect(text.escaped.unescaped == text)
      // The reference replaces > first, then <, then &.
      let slow = text.string.replacing("&gt;", with: ">").replacing("&lt;", with: "<").replacing("&amp;", with: "&")
      #expect(text.unescaped == OneText(slow))
      var buffer = Buffer<UInt8>()
      text.bytes.withView { buffer.appendEscaped($0) }
      #expect(buffer.array == text.escaped.bytes)
    }
  }

  @Test("the scanner of JSON and the reader of JSON judge alike, and canonical means written so")
  func jsonScanner() throws {
    var random = SplitMix64(seed: 9)
    let pieces = [
      "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "1", "-0", "1.50", "1e+21", "null", "true", "false", " ",
      "\"\\n\"", "\"\\u0041\"",
      "\"\\ud800\"", "\"\\uD800\"", "\"é\"", "\"\\u001f\"", "\"\\/\"", "0.1", "\"\"", "-", "01", "\t",
    ]
    var valid = 0
    var canonical = 0
    for round in 0..<20_000 {
      var text = (0..<Int.random(in: 1...7, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
        .joined()
      if round % 2 == 0 { text = "[" + text.replacing(" ", with: ",") + "]" }
      let bytes = Array(text.utf8)
      let verdict = bytes.withView { JSONScanner.check($0, depthLimit: 50) }
      let value = try? bytes.withView { (view) throws(MicrodataError) in try JSONText.value(view, depthLimit: 50) }
      if verdict.isJSON != (value != nil) { Issue.record("\(text): \(verdict)") }
      guard let value else { continue }
      valid += 1
      let written = try SortedJSON.text(value, profile: .deployed, limits: .standard)
      if (verdict == .canonical) != (written == bytes) { Issue.record("\(text): \(verdict)") }
      if verdict == .canonical { canonical += 1 }
    }
    #expect(valid > 600 && canonical > 150)
  }
}
