import Testing

@testable import Microdata

@Suite("the canonical walk and the reader of units agree")
struct AgreementTests {
  /// The value by the reader of units alone.
  static func byUnits(_ codec: MicrodataCodec, _ text: OneText, _ form: ObjectForm) -> Result<OneValue, MicrodataError>
  {
    let kind = text.bytes.withView { WTF8.kind($0, allowingSurrogates: true) }
    do throws(MicrodataError) {
      let document = try text.bytes.withView { (view) throws(MicrodataError) in
        var reader = UnitReader(codec, UnitText(view, isASCII: kind == .ascii), .standard)
        let recipe = try reader.object(form, .any)
        return try reader.document(text.bytes, recipe: recipe, isFromMemory: true)
      }
      return .success(document.value)
    } catch { return .failure(error) }
  }

  private static func byWalk(_ codec: MicrodataCodec, _ text: OneText, _ form: ObjectForm) -> Bool {
    text.bytes.withView { view in
      var reader = CanonicalReader(codec, view, .standard, isStrict: false, wantsValues: true)
      return reader.read(form, .any)
    }
  }

  private static func compare(_ codec: MicrodataCodec, _ text: OneText, _ form: ObjectForm) -> (
    walked: Bool, fault: String?
  ) {
    guard byWalk(codec, text, form) else { return (false, nil) }
    guard let document = try? codec.parse(text, form: form) else {
      return (true, "walk accepts, parse does not: \(text)")
    }
    switch byUnits(codec, text, form) {
    case .success(let value): return (true, value == document.value ? nil : "other value: \(text)")
    case .failure(let error): return (true, "units refuse (\(error.code)): \(text)")
    }
  }

  @Test("on every text of the vectors")
  func onVectors() throws {
    let codec = try Fixture.codec.get()
    var walked = 0
    for (text, form) in try Fixture.texts() {
      let result = Self.compare(codec, text, form)
      #expect(result.fault == nil)
      if result.walked { walked += 1 }
    }
    #expect(walked > 2500)
  }

  @Test("on 24,000 mutations of them", arguments: 0..<4)
  func onMutations(_ seed: Int) throws {
    let codec = try Fixture.codec.get()
    let texts = try Fixture.texts()
    var random = SplitMix64(seed: UInt64(seed))
    var walked = 0
    for _ in 0..<6_000 {
      guard let (text, form) = texts.randomElement(using: &random), text.bytes.count < 4_000 else { continue }
      let mutated = OneText(wtf8: Mutator.mutate(text.bytes, &random))
      let result = Self.compare(codec, mutated, form)
      if let fault = result.fault { Issue.record("\(fault)") }
      if result.walked { walked += 1 }
    }
    #expect(walked > 150)
  }
}
