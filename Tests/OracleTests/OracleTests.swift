import Testing

@testable import MicrodataOracle

@Suite("14: libxml2 beside the grammar")
struct OracleTests {
  private func document(_ members: String) -> [UInt8] {
    Array("<div itemscope itemtype=\"//refin.io/Person\">\(members)</div>".utf8)
  }

  private func report(_ members: String, _ parser: OracleParser) throws -> OracleReport {
    try Oracle.compare(document(members), with: parser)
  }

  @Test(arguments: OracleParser.allCases)
  func `reads canonical markup as the same tree`(_ parser: OracleParser) throws {
    let members = """
      <span itemprop="email">a&lt;b&amp;amp;</span><span itemprop="name"> </span><a itemprop="r" data-type="id">00</a>\
      <ol itemprop="l"><li><ul><li>\u{FEFF}x\u{10000}</li></ul></li></ol><dl itemprop="m"><dt>k</dt><dd><dl></dl></dd></dl>\
      <div itemprop="o"><span itemprop="q"></span></div>
      """
    let report = try report(members, parser)
    #expect(report.outcome == .same)
    guard case .same = report.verdict else {
      Issue.record("\(report.lines)")
      return
    }
  }

  @Test func `canonical microdata is never well-formed XML unpatched`() {
    #expect(!Oracle.isWellFormedXML(document("")))
    #expect(Oracle.isWellFormedXML(Oracle.patched(document(""))))
  }

  @Test(arguments: [
    ("a\u{1}b", OracleParser.xml, KnownDifference.xmlForbiddenCharacter), ("a\u{0}", .xml, .xmlForbiddenCharacter),
    ("\u{FFFE}", .xml, .xmlForbiddenCharacter), ("\u{FFFF}", .xml, .xmlForbiddenCharacter),
    ("a\rb\r\nc\r", .xml, .xmlLineEnd), ("a\u{1}b", .html, .htmlControlDropped), ("\u{1F}", .html, .htmlControlDropped),
    ("x\u{FFFF}y", .html, .htmlControlDropped), ("ab\u{0}cd", .html, .htmlNULEndsDocument),
    ("\u{0}", .html, .htmlNULEndsDocument),
  ])
  func `a known difference comes out just as the list says`(
    _ text: String, _ parser: OracleParser, _ known: KnownDifference
  )
    throws
  {
    let report = try report("<span itemprop=\"email\">\(text)</span><span itemprop=\"name\">y</span>", parser)
    #expect(report.outcome != .same)
    guard case .known(let list) = report.verdict else {
      Issue.record("\(report.lines)")
      return
    }
    #expect(list.contains(known))
  }

  @Test(arguments: [
    ("a&amp;b", OracleParser.xml, KnownDifference.xmlAmpersandInAttribute), ("a&b", .xml, .xmlAmpersandInAttribute),
    ("a&lt;b", .html, .htmlAmpersandInAttribute),
  ])
  func `an ampersand in an itemprop is a known difference`(
    _ name: String, _ parser: OracleParser, _ known: KnownDifference
  )
    throws
  {
    let report = try report("<span itemprop=\"\(name)\">x</span>", parser)
    guard case .known(let list) = report.verdict else {
      Issue.record("\(report.lines)")
      return
    }
    #expect(list == [known])
  }

  @Test(arguments: OracleParser.allCases)
  func `a quote in an itemprop cannot be judged`(_ parser: OracleParser) throws {
    let report = try report("<span itemprop=\"a\"b\">x</span>", parser)
    guard case .unjudged = report.verdict else {
      Issue.record("\(report.lines)")
      return
    }
  }

  @Test(arguments: OracleParser.allCases)
  func `a text that the tree has otherwise is told with path and byte`(_ parser: OracleParser) throws {
    // The expected tree is of other bytes: what a writer with a wrong entity order would claim.
    let claimed = document("<ul itemprop=\"u\"><li>a</li><li>b&amp;lt;</li></ul>")
    let written = document("<ul itemprop=\"u\"><li>a</li><li>b&lt;</li></ul>")
    let report = Oracle.compare(written, tree: try MarkupReader.read(claimed), with: parser)
    #expect(report.isFault)
    #expect(
      report.lines == [
        "div/ul[itemprop=u]/li[2]/text() (byte 75): text is \"b&lt;\", libxml2 reads \"b<\""
      ])
  }

  @Test func `each kind of difference is told`() throws {
    let ours = try MarkupReader.read(document("<span itemprop=\"a\">x</span><a itemprop=\"r\" data-type=\"id\">1</a>"))
    func lines(_ members: String) throws -> [String] {
      TreeComparison(ours, try MarkupReader.read(document(members))).differences.map(\.description)
    }
    #expect(try lines("<span itemprop=\"a\">x</span><a itemprop=\"r\" data-type=\"id\">1</a>").isEmpty)
    #expect(try lines("<span itemprop=\"a\">x</span>")[0].hasSuffix("<a> is missing in libxml2's tree"))
    #expect(
      try lines("<span itemprop=\"a\">x</span><a itemprop=\"r\" data-type=\"id\">1</a><ul></ul>")[0]
        .hasSuffix("libxml2 has <ul> here"))
    #expect(
      try lines("<div itemprop=\"a\">x</div><a itemprop=\"r\" data-type=\"id\">1</a>")[0].contains("is <<span>>")
        == false)
    #expect(
      try lines("<span itemprop=\"a\">x</span><a itemprop=\"r\" data-type=\"obj\">1</a>")[0]
        .contains("attribute data-type is \"id\", libxml2 reads \"obj\""))
    #expect(
      try lines("<span itemprop=\"a\">x</span><a itemprop=\"r\">1</a>")[0].contains(
        "attribute data-type is id, libxml2 reads none"))
  }

  @Test func `ten threads read at once and agree`() async throws {
    let members =
      "<span itemprop=\"email\">&lt;</span>" + String(repeating: "<span itemprop=\"name\">z</span>", count: 200)
    let bytes = document(members)
    let faults = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<10 {
        group.addTask {
          var faults = 0
          for _ in 0..<50 {
            for parser in OracleParser.allCases {
              guard let report = try? Oracle.compare(bytes, with: parser), report.outcome == .same else {
                faults += 1
                continue
              }
            }
          }
          return faults
        }
      }
      return await group.reduce(0, +)
    }
    #expect(faults == 0)
  }
}
