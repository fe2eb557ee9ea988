/// The codec beside the slow model: the same value or the same code for any bytes (deployed).
public struct ModelProperties<Codec: CodecUnderTest> {
  let codec: Codec
  let recipes: ModelRecipes

  public init(_ codec: Codec, _ recipes: ModelRecipes) {
    self.codec = codec
    self.recipes = recipes
  }

  public func check(_ bytes: [UInt8]) throws(Finding) {
    let form = ModelReader.Form(of: bytes)
    let text = Array(String(decoding: bytes, as: UTF8.self).utf16)
    var expected: ModelValue?
    var code: String?
    do { expected = try ModelReader.read(text, as: form, recipes: recipes).ordered } catch let failure as ModelFailure {
      if failure == .beyondModel { return }
      code = failure == .hang ? "CGM-RUNAWAY" : failure.code
    } catch { return }
    let found = Result { () throws(CodecRefusal) in try codec.parse(bytes, form, .deployed) }
    // Where the reference would go on, the codec may stop at a bound of its own.
    if let refusal = found.refusal, ["CGM-DEPTH", "CGM-JSONDEPTH", "CGM-REGEXP", "CGM-SIZE"].contains(refusal.code) {
      return
    }
    let value = found.value.map { codec.model($0).ordered }
    guard value == expected, found.refusal?.code == code else {
      throw Finding(
        .readsAsModel,
        "reads \(found.refusal?.code ?? value?.summary ?? ""), the model \(code ?? expected?.summary ?? "")")
    }
    if form == .object { try checkExtract(bytes, text) }
  }

  private func checkExtract(_ bytes: [UInt8], _ text: [UInt16]) throws(Finding) {
    // Ill-formed bytes are repaired before they are read, but cut out as they are.
    guard Array(String(decoding: text, as: UTF16.self).utf8) == bytes else { return }
    let found = Result { () throws(CodecRefusal) in try codec.extractId(bytes) }
    switch (found, ModelExtract.extractId(text, recipes: recipes)) {
    case (.success(let id), .success(let expected)):
      guard id == expected.map({ Array(String(decoding: $0, as: UTF16.self).utf8) }) else {
        throw Finding(.extractAsModel, "extractId gives \(id.map(Extract.of) ?? "nothing")")
      }
    case (.failure(let refusal), .failure(let failure)):
      guard refusal.code == failure.code || failure == .beyondModel else {
        throw Finding(.extractAsModel, "extractId: \(refusal.code), the model: \(failure.code)")
      }
    case (.success(let id), .failure(let failure)):
      guard failure == .beyondModel else {
        throw Finding(.extractAsModel, "extractId gives \(id.map(Extract.of) ?? "nothing"), the model: \(failure.code)")
      }
    case (.failure(let refusal), .success):
      throw Finding(.extractAsModel, "extractId: \(refusal.code), the model has a result")
    }
  }
}
