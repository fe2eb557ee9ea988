import Testing
import WireBytes

@Suite("Hex and base64")
struct HexTests {
  @Test("every byte survives both codes")
  func roundTrip() {
    for count in 0..<70 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
      #expect(Hex.decode(Hex.encode(bytes)) == bytes)
      #expect(Base64.decode(Base64.encode(bytes)) == bytes)
    }
    #expect(Hex.decode("aAfF09") == [0xAA, 0xFF, 0x09])
  }

  @Test("broken hex is refused", arguments: ["a", "0g", "0x", " 00", "0ß", "é0"])
  func brokenHex(_ text: String) { #expect(Hex.decode(text) == nil && !Hex.isHash(text)) }

  @Test("the deployed reading of hex takes odd digits as zero and refuses odd lengths only")
  func lenientHex() {
    #expect(Hex.decodeLeniently("zz0g1") == nil)
    #expect(Hex.decodeLeniently("zz0g1x") == [0, 0, 1])
    #expect(Hex.decodeLeniently("") == [])
    #expect(Hex.decodeLeniently("😀") == [0])
  }

  @Test(
    "broken base64 is refused",
    arguments: ["A", "AA", "AAA", "A===", "====", "AA=A", "AB==", "AAB=", "AA AA", "AAA\n", "é==="])
  func brokenBase64(_ text: String) { #expect(Base64.decode(text) == nil) }
}

@Suite("JSON")
struct JSONTests {
  @Test(
    "what is written is read again",
    arguments: [
      #"{"a":[1,-2.5,1e+21,true,false,null],"b":{"":"\"\\\n\u0001é😀"}}"#, "[]", "{}", #""""#, "0", "[[[]]]",
    ])
  func roundTrip(_ text: String) throws {
    let value = try JSONValue.parse(text)
    #expect(try JSONValue.parse(value.compact) == value)
  }

  @Test(
    "what is no JSON is refused, with a place",
    arguments: [
      "", " ", "{", "[1,]", #"{"a"}"#, #"{"a":1,}"#, "01", "1.", ".5", "+1", "1e", "-", "tru", "nul", #""\x""#,
      #""\u12""#,
      "\"\u{01}\"", "[1] 2", "\u{FEFF}{}", "'a'", "NaN", "{a:1}", #""open"#, "[1 2]", "//", "[",
    ])
  func broken(_ text: String) {
    do throws(JSONFailure) {
      _ = try JSONValue.parse(text)
      Issue.record("accepted \(text)")
    } catch { #expect(error.offset >= 0 && error.offset <= text.utf8.count) }
  }

  @Test("depth, number of values and invalid UTF-8 are bounded by typed errors")
  func bounds() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: JSONFailure.self) { try JSONValue.parse(deep) }
    let wide = "[" + String(repeating: "0,", count: 1_000) + "0]"
    #expect(throws: JSONFailure.self) { try JSONValue.parse(wide, limits: JSONLimits(depth: 4, values: 100)) }
    #expect(throws: JSONFailure.self) { try JSONValue.parse([0x22, 0xFF, 0x22]) }
    #expect(throws: JSONFailure.self) { try JSONValue.parse([0x22, 0xED, 0xA0, 0x80, 0x22]) }
  }

  @Test("a doubled member counts with its last value and is told")
  func doubled() throws {
    let object = try #require(try JSONValue.parse(#"{"a":1,"b":2,"a":3}"#).object)
    #expect(object["a"] == .number(3) && object.hasDoubledName)
  }

  @Test("surrogate pairs come together, lone halves become U+FFFD")
  func surrogates() throws {
    #expect(try JSONValue.parse(#""\ud83d\ude00""#) == .string("😀"))
    #expect(try JSONValue.parse(#""\ud83dx\ude00""#) == .string("\u{FFFD}x\u{FFFD}"))
  }
}
