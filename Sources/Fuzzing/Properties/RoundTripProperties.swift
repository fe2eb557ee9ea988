/// What must hold of every value that a codec read or that was made for it.
public struct RoundTripProperties<Codec: CodecUnderTest> {
  let codec: Codec
  let recipes: ModelRecipes

  public init(_ codec: Codec, _ recipes: ModelRecipes) {
    self.codec = codec
    self.recipes = recipes
  }

  /// Bytes that deployed accepts: what is written of them is canonical, and stays as it is ever after.
  public func check(_ bytes: [UInt8]) throws(Finding) {
    let form = ModelReader.Form(of: bytes)
    guard let value = try? codec.parse(bytes, form, .deployed) else { return }
    try checkWritten(value, form)
    if form == .object, let id = try? codec.serialise(value, .id, .deployed) { try checkId(id, value, bytes) }
  }

  /// An object made from choices: written as the model writes it, and read back as it was.
  public func check(choices: [UInt8]) throws(Finding) {
    var source = Choices(choices)
    var generator = ObjectGenerator(recipes)
    guard var object = generator.object(&source) else { return }
    if source.oneIn(4) { object = generator.spoiled(object, &source) }
    let value = codec.value(object)
    for form in [ModelReader.Form.object, .id] {
      let written = Result { () throws(CodecRefusal) in try codec.serialise(value, form, .deployed) }
      let expected: Result<[UInt8], CodecRefusal>
      do {
        expected = .success(Self.utf8(try ModelWriter.write(object, as: form, recipes: recipes)))
      } catch let failure as ModelFailure {
        if failure == .beyondModel { return }
        expected = .failure(CodecRefusal(failure.code))
      } catch { return }
      guard written.value == expected.value, written.refusal?.code == expected.refusal?.code else {
        throw Finding(.writesAsModel, "writes \(show(written)), the model \(show(expected)) for \(object.summary)")
      }
      if written.value != nil { try checkWritten(value, form) }
    }
  }

  private static func utf8(_ units: [UInt16]) -> [UInt8] { Array(String(decoding: units, as: UTF16.self).utf8) }

  private func show(_ result: Result<[UInt8], CodecRefusal>) -> String {
    switch result {
    case .success(let bytes): Extract.of(bytes)
    case .failure(let refusal): refusal.code
    }
  }

  /// parse ∘ serialise is the identity: on bytes always, on values but for what the format drops.
  private func checkWritten(_ value: Codec.Value, _ form: ModelReader.Form) throws(Finding) {
    guard let written = try? codec.serialise(value, form, .deployed) else { return }
    if let strict = try? codec.serialise(value, form, .strict), strict != written {
      throw Finding(.oneCanonicalForm, "strict writes other bytes than deployed")
    }
    let back: Codec.Value
    do throws(CodecRefusal) { back = try codec.parse(written, form, .deployed) } catch {
      // Chapter 13 A and B: canonical texts that the reference cannot read. The model must say the same.
      try checkUnreadable(written, form, error)
      return
    }
    // Lone surrogates are U+FFFD in the bytes and sort otherwise then (MD-068); strict does not write them.
    guard (try? codec.serialise(value, form, .strict)) != nil else { return }
    // B1, B3 and B4: null, inherited types and empty texts come back as values that are not written again.
    guard let again = try? codec.serialise(back, form, .deployed) else { return }
    guard again == written || again == modelAgain(written, form) else {
      throw Finding(.stable, "written, and read and written again, differ \(Extract.difference(written, again))")
    }
  }

  /// What the model makes of reading and writing; B3's inherited types come back as something else there too.
  private func modelAgain(_ written: [UInt8], _ form: ModelReader.Form) -> [UInt8]? {
    let text = Array(String(decoding: written, as: UTF8.self).utf16)
    guard let value = try? ModelReader.read(text, as: form, recipes: recipes),
      let again = try? ModelWriter.write(value, as: form, recipes: recipes)
    else { return nil }
    return Self.utf8(again)
  }

  private func checkUnreadable(_ written: [UInt8], _ form: ModelReader.Form, _ refusal: CodecRefusal) throws(Finding) {
    let text = Array(String(decoding: written, as: UTF8.self).utf16)
    var code = "a value"
    do { _ = try ModelReader.read(text, as: form, recipes: recipes) } catch let failure as ModelFailure {
      if failure == .beyondModel { return }
      code = failure == .hang ? "CGM-RUNAWAY" : failure.code
    } catch {}
    guard code == refusal.code else {
      throw Finding(
        .readsWhatItWrites, "cannot read its own \(Extract.of(written)): \(refusal.code); the model: \(code)")
    }
  }

  /// The ID form is read as ID form only, and `extractId` gives the same but for the exceptions of chapter 10.
  private func checkId(_ id: [UInt8], _ value: Codec.Value, _ bytes: [UInt8]) throws(Finding) {
    if (try? codec.parse(id, .object, .deployed)) != nil {
      throw Finding(.formsDiffer, "an ID object is read as an object")
    }
    guard let written = try? codec.serialise(value, .object, .deployed), written == bytes else { return }
    let extracted = Result { () throws(CodecRefusal) in try codec.extractId(bytes) }
    guard extracted.value ?? nil != id else { return }
    let expected = ModelExtract.extractId(Array(String(decoding: bytes, as: UTF8.self).utf16), recipes: recipes)
    let same =
      switch (extracted, expected) {
      case (.success(let found), .success(let text)):
        found == text.map { Array(String(decoding: $0, as: UTF16.self).utf8) }
      case (.failure(let refusal), .failure(let failure)): refusal.code == failure.code
      default: false
      }
    guard same else {
      throw Finding(
        .extractId,
        "extractId gives \(extracted.refusal?.code ?? (extracted.value ?? nil).map(Extract.of) ?? "nothing"), "
          + "the ID form is \(Extract.of(id))")
    }
  }
}
