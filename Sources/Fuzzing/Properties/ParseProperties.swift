/// What must hold of any bytes (microdata.md 18.2, 18.10); cheap enough to run a hundred thousand times a second.
public struct ParseProperties<Codec: CodecUnderTest> {
  let codec: Codec
  let recipes: ModelRecipes

  public init(_ codec: Codec, _ recipes: ModelRecipes) {
    self.codec = codec
    self.recipes = recipes
  }

  /// Each profile ends with a value or a bounded error; strict accepts exactly what is written back as it came.
  public func check(_ bytes: [UInt8]) throws(Finding) {
    let form = ModelReader.Form(of: bytes)
    let deployed = Result { () throws(CodecRefusal) in try codec.parse(bytes, form, .deployed) }
    let strict = Result { () throws(CodecRefusal) in try codec.parse(bytes, form, .strict) }
    let validated = Result { () throws(CodecRefusal) in try codec.validate(bytes, form) }
    if let refusal = deployed.refusal { try checkRefusal(refusal, bytes) }
    if let refusal = strict.refusal { try checkRefusal(refusal, bytes) }
    guard strict.refusal?.code == validated.refusal?.code else {
      throw Finding(
        .validateAgrees,
        "strict parse: \(strict.refusal?.code ?? "accepts"), validate: \(validated.refusal?.code ?? "accepts")")
    }
    if let value = strict.value { try checkAccepted(value, deployed, bytes, form) }
    if strict.value == nil, let value = deployed.value { try checkNotCanonical(value, strict.refusal, bytes, form) }
  }

  private func checkRefusal(_ refusal: CodecRefusal, _ bytes: [UInt8]) throws(Finding) {
    guard refusal.message.utf8.count <= 2_000 else {
      throw Finding(.boundedMessage, "\(refusal.code) shows \(refusal.message.utf8.count) bytes")
    }
    if let offset = refusal.offset, !(0...bytes.count).contains(offset) {
      throw Finding(.offsetInInput, "\(refusal.code) at byte \(offset) of \(bytes.count)")
    }
    guard !refusal.code.isEmpty else { throw Finding(.codedError, "a refusal without a code") }
  }

  /// Strict accepts: then the value is written back as it came (MD-094), and deployed has the same value (MD-096).
  private func checkAccepted(
    _ value: Codec.Value, _ deployed: Result<Codec.Value, CodecRefusal>, _ bytes: [UInt8], _ form: ModelReader.Form
  ) throws(Finding) {
    // Deployed writes what strict does not (A2), and strict what deployed does not (B6).
    let written = Result { () throws(CodecRefusal) in try codec.serialise(value, form, .deployed) }
    if written.value != bytes, (try? codec.serialise(value, form, .strict)) != bytes, !isExempt(bytes, form) {
      let difference = written.value.map { Extract.difference(bytes, $0) } ?? written.refusal?.message ?? ""
      throw Finding(.strictCanonical, "strict accepts what is not written back: \(difference)")
    }
    switch deployed {
    case .success(let other):
      guard codec.isSame(value, other) else {
        throw Finding(.profilesAgree, "strict \(codec.model(value).summary), deployed \(codec.model(other).summary)")
      }
    case .failure(let refusal):
      // A1, A2, A3 and B2 are canonical texts that the reference cannot read; the model knows them all.
      guard let code = modelCode(bytes, form), code == refusal.code else {
        throw Finding(
          .profilesAgree,
          "strict accepts, deployed refuses with \(refusal.code), the model: \(modelCode(bytes, form) ?? "accepts")")
      }
    }
  }

  /// Strict refuses and deployed accepts: then writing must not give the same bytes.
  private func checkNotCanonical(
    _ value: Codec.Value, _ refusal: CodecRefusal?, _ bytes: [UInt8], _ form: ModelReader.Form
  ) throws(Finding) {
    let written = Result { () throws(CodecRefusal) in try codec.serialise(value, form, .strict) }
    guard written.value != bytes else {
      throw Finding(
        .strictCanonical,
        "strict refuses (\(refusal?.code ?? "")) what is written back as it came: \(refusal?.message ?? "")")
    }
  }

  /// 18.10's exceptions: JSON text as in A3, number text `null`, equal objects in a set (MD-095); and itemprops such as
  /// `toString`, whose absence no writer of the reference can express (B6).
  private func isExempt(_ bytes: [UInt8], _ form: ModelReader.Form) -> Bool {
    let text = Array(String(decoding: bytes, as: UTF8.self).utf16)
    do {
      let value = try ModelReader.read(text, as: form, recipes: recipes)
      return hasNaN(value) || hasInheritedName(value)
    } catch let failure as ModelFailure {
      // Text that no JSON reader takes is the writer's own only in the ways of A3.
      return failure == .syntaxError || failure == .beyondModel || hasNullText(bytes)
    } catch { return false }
  }

  private func hasInheritedName(_ value: ModelValue) -> Bool {
    let rules = value[Array("$type$".utf16)]?.units.flatMap { try? recipes.topRules($0) } ?? []
    return rules.contains { ModelWriter.inherited.contains($0.itemprop) }
  }

  private func modelCode(_ bytes: [UInt8], _ form: ModelReader.Form) -> String? {
    let text = Array(String(decoding: bytes, as: UTF8.self).utf16)
    do {
      _ = try ModelReader.read(text, as: form, recipes: recipes)
      return nil
    } catch let failure as ModelFailure {
      return failure == .hang ? "CGM-RUNAWAY" : failure.code
    } catch { return nil }
  }
}

private func hasNullText(_ bytes: [UInt8]) -> Bool { bytes.firstRange(of: Array(">null<".utf8)) != nil }

private func hasNaN(_ value: ModelValue) -> Bool {
  switch value {
  case .number(let bits): Double(bitPattern: bits).isNaN
  case .array(let items), .set(let items): items.contains(where: hasNaN)
  case .map(let pairs): pairs.contains { hasNaN($0.key) || hasNaN($0.value) }
  case .object(let members): members.contains { hasNaN($0.value) }
  default: false
  }
}
