import MicrodataVectors
import Testing

@testable import Microdata

@Suite("18.2, 18.10: hostile input ends, with a value or a coded error")
struct HostileTests {
  private static func code(_ codec: MicrodataCodec, _ text: String, _ limits: MicrodataLimits = .standard)
    -> MicrodataCode?
  {
    do throws(MicrodataError) {
      _ = try codec.parse(Array(text.utf8), limits: limits)
      return nil
    } catch { return error.code }
  }

  /// Self-recursive lists of objects.
  static func recursive(_ depth: Int) -> String {
    "<div itemscope itemtype=\"//refin.io/Lab$Recursive\"><span itemprop=\"name\">n</span>"
      + String(repeating: "<ol itemprop=\"item\"><li><div><span itemprop=\"text\">t</span>", count: depth)
      + String(repeating: "</div></li></ol>", count: depth) + "</div>"
  }

  @Test("nesting up to the bound is read, beyond it refused, in both readers (MD-040)")
  func depth() throws {
    let codec = try Fixture.codec.get()
    let limits = MicrodataLimits(depth: 40)
    #expect(Self.code(codec, Self.recursive(20), limits) == nil)
    #expect(Self.code(codec, Self.recursive(21), limits) == .depth)
    #expect(Self.code(codec, Self.recursive(20).replacing("</ol></div>", with: "</OL></div>"), limits) == nil)
    #expect(Self.code(codec, Self.recursive(5_000)) == .depth)
    #expect(throws: MicrodataError.self) { try codec.validate(Array(Self.recursive(5_000).utf8)) }
  }

  @Test("JSON up to the bound is read and written, beyond it refused both ways (MD-063)")
  func jsonDepth() throws {
    let codec = try Fixture.codec.get()
    func text(_ depth: Int) -> String {
      "<div itemscope itemtype=\"//refin.io/Lab$Json\"><span itemprop=\"j\">" + String(repeating: "[", count: depth)
        + String(repeating: "]", count: depth) + "</span></div>"
    }
    #expect(Self.code(codec, text(1_000)) == nil)
    #expect(Self.code(codec, text(1_001)) == .jsonDepth)
    #expect(Self.code(codec, text(200_000)) == .jsonDepth)
    var value: OneValue = []
    for _ in 0..<1_001 { value = [value] }
    do {
      _ = try codec.serialise(["$type$": "Lab$Json", "j": value])
      Issue.record("written")
    } catch { #expect(error.code == .jsonDepth) }
  }

  @Test("a last child without > is a coded error (MD-097)")
  func runaway() throws {
    let codec = try Fixture.codec.get()
    let text =
      "<div itemscope itemtype=\"//refin.io/Lab$ObjOpt\"><div itemprop=\"o\"><span itemprop=\"x\">1</span</div></div>"
    #expect(Self.code(codec, text) == .runaway)
    #expect(throws: MicrodataError.self) { try codec.validate(Array(text.utf8)) }
  }

  @Test("an absent optional reference fails in the gap and only there (MD-087, MD-088)")
  func gap() throws {
    let codec = try Fixture.codec.get()
    for length in 1...12 {
      let text =
        "<div itemscope itemtype=\"//refin.io/Lab$RefGap\"><span itemprop=\"n\">"
        + String(repeating: "1", count: length) + "</span></div>"
      let rest = "<span itemprop=\"n\"></span></div>".utf8.count + length
      let gap = rest - (28 + 1 + 2)
      #expect(Self.code(codec, text) == (gap >= 0 && gap <= 5 ? "US-SSFMC1" : nil))
      #expect(throws: Never.self) { try codec.validate(Array(text.utf8)) }
    }
  }

  @Test("an empty nested object at the top is an error, in strict an object (MD-089, MD-090)")
  func emptyObject() throws {
    let codec = try Fixture.codec.get()
    let text = "<div itemscope itemtype=\"//refin.io/Lab$ObjOpt\"><div itemprop=\"o\"></div></div>"
    #expect(Self.code(codec, text) == "M2O-POM1")
    #expect(
      try codec.parse(Array(text.utf8), profile: .strict).value == ["$type$": "Lab$ObjOpt", "o": .object(OneObject())])
  }

  @Test("a list item that is no reference is no hash in strict (MD-098)")
  func undefinedItems() throws {
    let codec = try Fixture.codec.get()
    let text = Array("<div itemscope itemtype=\"//refin.io/Lab$Arr\"><ol itemprop=\"ro\"><li>x</li></ol></div>".utf8)
    #expect(try codec.parse(text)["ro"] == [.undefined])
    #expect(throws: MicrodataError.self) { try codec.parse(text, profile: .strict) }
  }

  @Test("errors carry an extract, not the input (MD-041)")
  func boundedMessages() throws {
    let codec = try Fixture.codec.get()
    let long = String(repeating: "x", count: 100_000)
    for text in [
      long, "<div itemscope itemtype=\"//refin.io/\(long)\">", "<div itemscope itemtype=\"//refin.io/Person\">\(long)",
      "<div itemscope itemtype=\"//refin.io/Keys\"><a itemprop=\"owner\" data-type=\"id\">\(long)</a></div>",
    ] {
      for profile in MicrodataProfile.allCases {
        do {
          _ = try codec.parse(Array(text.utf8), profile: profile)
          Issue.record("taken")
        } catch { #expect(error.description.utf8.count < 1_500) }
      }
    }
    do {
      _ = try codec.serialise(["$type$": "Person", "email": .array([OneValue](repeating: "abc", count: 50_000))])
      Issue.record("written")
    } catch { #expect(error.description.utf8.count < 1_500) }
  }

  @Test("every prefix of every vector's text ends, and so do 6,000 random mutations of any bytes (MD-039)")
  func nothingTraps() throws {
    let codec = try Fixture.codec.get()
    let texts = try Fixture.texts()
    var random = SplitMix64(seed: 11)
    var ended = 0
    for (text, form) in texts.prefix(1_000) {
      let cut = Int.random(in: 0...text.bytes.count, using: &random)
      for profile in MicrodataProfile.allCases {
        _ = try? codec.parse(Array(text.bytes.prefix(cut)), form: form, profile: profile)
        ended += 1
      }
      _ = try? codec.extractId(Array(text.bytes.prefix(cut)))
    }
    for _ in 0..<6_000 {
      guard let (text, form) = texts.randomElement(using: &random), text.bytes.count < 3_000 else { continue }
      var bytes = Mutator.mutate(text.bytes, &random)
      // Raw bytes too, which are not UTF-8.
      if !bytes.isEmpty {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      if let document = try? codec.parse(bytes, form: form) {
        _ = document.value.vector
        _ = try? codec.serialise(document)
        _ = try? codec.serialise(document.value, form: .idObject)
      }
      _ = try? codec.validate(bytes, form: form)
      _ = try? codec.extractId(bytes)
      _ = try? codec.json(bytes)
      _ = try? MicrodataCodec.peekType(bytes)
      var store = VectorStore([:])
      _ = try? codec.explode(bytes, into: &store)
      _ = MarkupPrinter.indented(bytes)
      ended += 1
    }
    #expect(ended > 6_000)
  }
}
