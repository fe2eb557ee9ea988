import MicrodataVectors
import Testing
import WireBytes

@testable import Microdata

@Suite("18.10: the strict profile")
struct StrictTests {
  private static func validates(_ codec: MicrodataCodec, _ text: OneText, _ form: ObjectForm) -> MicrodataError? {
    do throws(MicrodataError) {
      try codec.validate(text.bytes, form: form)
      return nil
    } catch { return error }
  }

  /// Texts of the reference's writer that its own reader reads as something else, or as what it would not write (B1, B3).
  static let unreadable: Set<String> = ["dev-v268", "dev-v786", "dev-v1460", "dev-v2015"]

  @Test("accepts what the reference writes (MD-088, MD-090, MD-095), but for B3 and a top-level null")
  func acceptsValid() throws {
    let codec = try Fixture.codec.get()
    var refused: Set<String> = []
    for vector in try Fixture.vectors(.valid)["vectors"]?.array ?? [] {
      guard let json = vector["microdata"], let id = vector["id"]?.string else { continue }
      let text = try OneValue.text(json)
      if text.hasLoneSurrogate { continue }
      if let error = Self.validates(codec, text, .object) {
        refused.insert(id)
        if !Self.unreadable.contains(id) { Issue.record("\(id): \(error) \(text)") }
      }
      if let json = vector["idMicrodata"], let error = Self.validates(codec, try OneValue.text(json), .idObject) {
        Issue.record("\(id) as ID object: \(error)")
      }
    }
    #expect(refused == Self.unreadable)
  }

  @Test(
    "refuses what re-serialises differently, accepts what does not (MD-094)",
    arguments: [VectorFile.Kind.invalid, .hostile])
  func judgesMutations(_ kind: VectorFile.Kind) throws {
    let codec = try Fixture.codec.get()
    var accepted = 0
    var refused = 0
    for vector in try Fixture.vectors(kind)["vectors"]?.array ?? [] {
      guard let input = vector["input"], let id = vector["id"]?.string else { continue }
      let text = try OneValue.text(input)
      if text.hasLoneSurrogate { continue }
      let form: ObjectForm = vector["api"]?.string == "id" ? .idObject : .object
      let expected = try ObjectVectorType.expected(vector["expectedType"])
      var error: MicrodataError?
      do throws(MicrodataError) { try codec.validate(text.bytes, form: form, expected: expected) } catch let refusal {
        error = refusal
      }
      if vector["canonical"]?.bool == true {
        if let error { Issue.record("\(id) is canonical: \(error) \(text)") }
        accepted += 1
        continue
      }
      refused += 1
      guard error == nil else { continue }
      // The deployed reader fails on some texts of its own writer (A1, A2, B2); nothing else may be accepted.
      let isRefused = vector["result"]?["error"] != nil
      let document = try codec.parse(text.bytes, form: form, profile: .strict)
      let isWritten = try codec.serialise(document.value, form: form) == text.bytes
      if !isRefused || !isWritten { Issue.record("\(id) is not canonical, but accepted: \(text)") }
    }
    #expect(accepted > 50 && refused > 50)
  }

  @Test("is the identity on what it accepts, and says what deployed says (MD-096)", arguments: 0..<3)
  func isIdentity(_ seed: Int) throws {
    let codec = try Fixture.codec.get()
    let texts = try Fixture.texts()
    var random = SplitMix64(seed: 100 + UInt64(seed))
    var accepted = 0
    for round in 0..<5_000 {
      guard let (text, form) = texts.randomElement(using: &random), text.bytes.count < 4_000 else { continue }
      let bytes = round % 4 == 0 ? text.bytes : Mutator.mutate(text.bytes, &random)
      guard let document = try? codec.parse(bytes, form: form, profile: .strict) else {
        if (try? codec.validate(bytes, form: form)) != nil { Issue.record("validate accepts, parse refuses: \(text)") }
        continue
      }
      accepted += 1
      if (try? codec.validate(bytes, form: form)) == nil { Issue.record("parse accepts, validate refuses: \(text)") }
      let again = try? codec.serialise(document, form: form)
      if again != bytes { Issue.record("strict is no identity: \(String(decoding: bytes, as: UTF8.self))") }
      let tree = try? codec.serialise(document.value, form: form)
      if tree != bytes { Issue.record("the tree is no identity: \(String(decoding: bytes, as: UTF8.self))") }
      if let deployed = try? codec.parse(bytes, form: form), deployed.value != document.value {
        Issue.record("other value than deployed: \(String(decoding: bytes, as: UTF8.self))")
      }
    }
    #expect(accepted > 700)
  }

  @Test("what strict refuses, deployed writes differently or refuses", arguments: 0..<3)
  func refusesOnlyWhatDiffers(_ seed: Int) throws {
    let codec = try Fixture.codec.get()
    let texts = try Fixture.texts()
    var random = SplitMix64(seed: 200 + UInt64(seed))
    var refused = 0
    for _ in 0..<5_000 {
      guard let (text, form) = texts.randomElement(using: &random), text.bytes.count < 4_000 else { continue }
      let bytes = Mutator.mutate(text.bytes, &random)
      guard (try? codec.validate(bytes, form: form)) == nil, let document = try? codec.parse(bytes, form: form) else {
        continue
      }
      refused += 1
      if (try? codec.serialise(document, form: form)) == bytes {
        Issue.record("canonical, but refused: \(String(decoding: bytes, as: UTF8.self))")
      }
    }
    #expect(refused > 100)
  }

  @Test("does not write what cannot be read back (MD-091)")
  func refusesToWrite() throws {
    let codec = try Fixture.codec.get()
    let values: [OneValue] = [
      ["$type$": "Lab$Num", "n": .number(.nan)], ["$type$": "Lab$Num", "n": .number(.infinity)],
      ["$type$": "Lab$Str", "s": .string(OneText(utf16: [0xD800]))],
      ["$type$": "Lab$Json", "j": ["a\"b": 1]], ["$type$": "Lab$Json", "j": ["a\\b": 1]],
      ["$type$": "Lab$Json", "j": ["a\nb": 1]], ["$type$": "Lab$Json", "j": [.number(.nan)]],
      ["$type$": "Lab$Json", "j": .function("x")], ["$type$": "Lab$Arr", "j": [.undefined]],
      ["$type$": "Lab$ObjOpt", "o": .object(OneObject())],
    ]
    for value in values {
      #expect(throws: Never.self) { try codec.serialise(value) }
      do {
        _ = try codec.serialise(value, profile: .strict)
        Issue.record("written: \(value)")
      } catch { #expect(error.code == .notWritable) }
    }
  }

  @Test("writes what deployed writes otherwise")
  func writesTheSame() throws {
    let codec = try Fixture.codec.get()
    for (text, form) in try Fixture.texts() {
      guard let document = try? codec.parse(text.bytes, form: form, profile: .strict) else { continue }
      guard let bytes = try? codec.serialise(document, form: form, profile: .strict) else { continue }
      #expect(bytes == text.bytes)
    }
  }

  @Test("takes the ID object from what was read, so that both hashes agree (MD-049)")
  func idFromValues() throws {
    let codec = try Fixture.codec.get()
    let text =
      "<div itemscope itemtype=\"//refin.io/Lab$IdLate\"><ul itemprop=\"list\"><li><div>"
      + "<span itemprop=\"key\">spoof</span></div></li></ul><span itemprop=\"key\">real</span></div>"
    let deployed = try codec.extractId(Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) }
    let strict = try codec.extractId(Array(text.utf8), profile: .strict).map { String(decoding: $0, as: UTF8.self) }
    #expect(deployed?.contains("spoof") == true)
    #expect(strict?.contains(">real<") == true)
  }

  @Test("refuses bytes that are not UTF-8 with the place")
  func refusesOtherEncodings() throws {
    let codec = try Fixture.codec.get()
    var bytes = try codec.serialise(["$type$": "Lab$Str", "s": "xyz"])
    let place = bytes.count - 16
    bytes[place] = 0xFF
    do {
      try codec.validate(bytes)
      Issue.record("accepted")
    } catch {
      #expect(error.code == .notUTF8)
      #expect(error.offset == place)
    }
    #expect(try codec.parse(bytes)["s"] == .string(OneText("xy\u{FFFD}")) || bytes[place - 1] != 0x79)
  }
}

enum ObjectVectorType {
  /// The field expectedType of a vector.
  static func expected(_ json: JSONValue?) throws -> ExpectedType {
    if let name = json?.string { return .only(OneText(name)) }
    return json?.array.map { .oneOf($0.map { OneText($0.string ?? "") }) } ?? .any
  }
}
