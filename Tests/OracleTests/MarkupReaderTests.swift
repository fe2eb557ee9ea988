import Testing

@testable import MicrodataOracle

@Suite("3.1: the grammar's own reader")
struct MarkupReaderTests {
  private func failure(_ text: String) -> MarkupFailure? {
    do throws(MarkupFailure) {
      _ = try MarkupReader.read(Array(text.utf8))
      return nil
    } catch { return error }
  }

  @Test func `reads names, attributes and text in preorder`() throws {
    let tree = try MarkupReader.read(
      Array(
        #"<div itemscope itemtype="//refin.io/P"><span itemprop="a&"b">x&lt;&amp;lt;</span><ul><li></li></ul></div>"#
          .utf8))
    #expect(tree.nodes.map { tree.string($0.content) } == ["div", "span", "x<&lt;", "ul", "li"])
    #expect(tree.attributes.map { tree.string($0.name) } == ["itemscope", "itemtype", "itemprop"])
    #expect(tree.string(tree.attributes[2].value) == "a&\"b")
    #expect(tree.nodes.map(\.subtreeEnd) == [5, 3, 3, 5, 5])
    #expect(tree.nodes[1].offset == 39)
    #expect(tree.children(of: 0) == [1, 3])
  }

  @Test(arguments: [
    ("", MarkupFailure.Reason.expected("<"), 0),
    (" <div></div>", .expected("<"), 0),
    ("<div></div> ", .textOutsideRoot, 11),
    ("<div></span>", .wrongEndTag(expected: "div"), 5),
    ("<div></div >", .wrongEndTag(expected: "div"), 5),
    ("<div>a>b</div>", .bareGreaterThan, 6),
    ("<div>a&b</div>", .bareAmpersand, 6),
    ("<div>&quot;</div>", .bareAmpersand, 5),
    ("<div><span>", .unclosed("span"), 11),
    ("<div><!-- x --></div>", .expected("an element's name"), 6),
    ("<div  a></div>", .expected("an attribute's name"), 5),
    ("<div a=\"x></div>", .expected("\" behind a value"), 9),
    ("<div", .expected(">"), 4),
  ])
  func `refuses what the grammar does not write`(_ text: String, _ reason: MarkupFailure.Reason, _ offset: Int) {
    #expect(failure(text) == MarkupFailure(reason: reason, offset: offset))
  }

  @Test(
    arguments: [
      ([0x80], 0), ([0xC1, 0x80], 0), ([0x61, 0xE0, 0x9F, 0x80], 1), ([0xED, 0xA0, 0x80], 0),
      ([0xF4, 0x90, 0x80, 0x80], 0),
      ([0xF0, 0x90, 0x80], 0), ([0xC3], 0), ([0xE2, 0x82, 0x28], 0), ([0xFF], 0),
    ] as [([UInt8], Int)])
  func `refuses what is not UTF-8, at its byte`(_ bytes: [UInt8], _ offset: Int) {
    #expect(firstInvalidUTF8(bytes) == offset)
  }

  @Test func `takes every well-formed scalar`() {
    var bytes: [UInt8] = []
    for value: UInt32 in [0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF] {
      if let scalar = Unicode.Scalar(value) { bytes += Array(String(scalar).utf8) }
    }
    #expect(firstInvalidUTF8(bytes) == nil)
  }

  @Test func `reads nesting of 100,000 levels without recursion`() throws {
    let levels = 100_000
    let text =
      Array(String(repeating: "<div>", count: levels).utf8) + Array(String(repeating: "</div>", count: levels).utf8)
    let tree = try MarkupReader.read(text)
    #expect(tree.nodes.count == levels)
    #expect(tree.nodes[0].subtreeEnd == levels)
  }
}
