import Cryptobox
import Microdata
import MicrodataVectors
import Testing

@Suite("microdata.md 10 to 12: the other readers")
struct OtherReaderTests {
  private static let person =
    "<div itemscope itemtype=\"//refin.io/Person\"><span itemprop=\"email\">a@b.c</span></div>"

  @Test("the worked examples of chapter 17")
  func examples() throws {
    let codec = try Fixture.codec.get()
    let first = try codec.serialise(["$type$": "Person", "name": "x", "email": "a<b"])
    #expect(SHA256.hex(first) == "f05fb328e94b794dfa2168f8ab53f73077533bda698e8b2344604ff529869e25")
    let bytes = try codec.serialise(["email": "a@b.c", "$type$": "Person", "$versionHash$": "x"])
    #expect(String(decoding: bytes, as: UTF8.self) == Self.person)
    #expect(SHA256.hex(bytes) == "51802aed17e397da4ef866b9d1ee1ef21fc1c9cf895b1d60d7246afb22213d91")
    let id = try codec.extractId(bytes)
    #expect(id.map(SHA256.hex) == "9ff5bfc0f2de195217891ca79ed8e4cec9e28b6743463c788a2a3cdb7d644ea5")
    #expect(try codec.idObjectBytes(ofStored: id ?? []) == id)
    #expect(try codec.serialise(codec.parse(bytes), form: .idObject) == id)
  }

  @Test("extractId of an unversioned type, of an ID object, without the property (MD-047)")
  func extraction() throws {
    let codec = try Fixture.codec.get()
    func code(_ text: String) -> MicrodataCode? {
      do throws(MicrodataError) {
        return try codec.extractId(Array(text.utf8)) == nil ? "none" : nil
      } catch { return error.code }
    }
    #expect(code("<div itemscope itemtype=\"//refin.io/Email\"><span itemprop=\"email\">x</span></div>") == "none")
    #expect(code("<div data-id-object=\"true\" itemscope itemtype=\"//refin.io/Person\"></div>") == "M2O-PH1")
    #expect(code("<div itemscope itemtype=\"//refin.io/Person\"></div>") == "M2IH-XID1")
    #expect(code("<div itemscope itemtype=\"//refin.io/Person\"><span itemprop=\"email\">x") == "M2IH-FET1")
  }

  @Test("microdata to JSON takes no end and any tail in deployed, and only the whole in strict (MD-085)")
  func toJSON() throws {
    let codec = try Fixture.codec.get()
    let bytes = Array((Self.person.dropLast(6) + "garbage").utf8)
    #expect(try codec.json(bytes) == "{\"$type$\":\"Person\",\"email\":\"a@b.c\"}")
    #expect(throws: MicrodataError.self) { try codec.json(bytes, profile: .strict) }
    #expect(try codec.json(Array(Self.person.utf8), profile: .strict) == "{\"$type$\":\"Person\",\"email\":\"a@b.c\"}")
  }

  @Test("type peeking (MD-086)")
  func peeking() throws {
    #expect(try MicrodataCodec.peekType(Array("hello".utf8)) == "CLOB")
    #expect(try MicrodataCodec.peekType(Array(Self.person.utf8)) == "Person")
    #expect(
      try MicrodataCodec.peekType(Array("<div data-id-object=\"true\" itemscope itemtype=\"//refin.io/Nope\">".utf8))
        == "Nope [ID]")
    for (text, code) in [
      ("<div itemscope itemtype=\"//refin.io/\">", "UO-TFM1"), ("<div itemscope itemtype=\"//refin.io/X", "US-SSFMC1"),
    ] {
      do {
        _ = try MicrodataCodec.peekType(Array(text.utf8))
        Issue.record("taken: \(text)")
      } catch { #expect(error.code.rawValue == code) }
    }
  }

  @Test("explode with a wrong inner hash stores the inner object in deployed and nothing in strict (MD-084)")
  func explosion() throws {
    let codec = try Fixture.codec.get()
    let wrong = String(repeating: "0", count: 64)
    let text =
      "<div itemscope itemtype=\"//refin.io/VersionNodeEdge\"><span itemprop=\"data\" data-hash=\"\(wrong)\">\(Self.person)</span>"
      + "<span itemprop=\"depth\">0</span><span itemprop=\"creationTime\">1</span></div>"
    for (profile, stored) in [(MicrodataProfile.deployed, 1), (.strict, 0)] {
      var store = VectorStore([:])
      do {
        _ = try codec.explode(Array(text.utf8), into: &store, profile: profile)
        Issue.record("exploded")
      } catch { #expect(error.code == "MEX-PIO2") }
      #expect(store.files.count == stored)
    }
    var store = VectorStore([:])
    let right = text.replacing(wrong, with: SHA256.hex(Self.person))
    let root = try codec.explode(Array(right.utf8), into: &store, profile: .strict)
    #expect(store.files.count == 2)
    #expect(try codec.implode(root, from: store) == Array(right.utf8))
  }

  @Test("differences name the place")
  func differences() {
    let a: OneValue = ["a": [1, 2], "b": "x", "m": .map([OneMapEntry("k", 1)])]
    let b: OneValue = ["a": [1, 3], "c": "x", "m": .map([OneMapEntry("k", 2)])]
    #expect(a.differences(from: b).map(\.path) == ["a[1]", "b", "m[0][1]", "c"])
    #expect(a.differences(from: a).isEmpty)
  }
}
