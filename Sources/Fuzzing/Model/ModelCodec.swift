/// The model as a codec: slow, but complete enough for every property; faults are planted here to see properties fire.
public struct ModelCodec: CodecUnderTest {
  let recipes: ModelRecipes
  /// A planted fault; nil for the model as it is. Only tests set one.
  var fault: Fault?

  /// Faults that a codec could have, made by changing what goes in or comes out.
  enum Fault: CaseIterable {
    case entityOrder, endTagUnchecked, wrongSortKey, setUnsorted, trailingAccepted, longMessage, idFormAccepted
    case numberUnchecked, normalises
  }

  public init(_ recipes: ModelRecipes) { self.recipes = recipes }

  public func parse(
    _ bytes: [UInt8], _ form: ModelReader.Form, _ profile: CodecProfile
  ) throws(CodecRefusal) -> ModelValue {
    var input = bytes
    if let fault { input = prepare(input, fault, form) }
    let value: ModelValue
    do {
      value = try ModelReader.read(Array(String(decoding: input, as: UTF8.self).utf16), as: form, recipes: recipes)
    } catch {
      throw refusal(error)
    }
    if profile == .strict {
      let again = Result { () throws(CodecRefusal) in try serialise(value, form, .deployed) }
      guard again.value == input || (fault == .numberUnchecked && again.value?.count != input.count) else {
        throw CodecRefusal("CGM-CANON")
      }
    }
    return value
  }

  public func validate(_ bytes: [UInt8], _ form: ModelReader.Form) throws(CodecRefusal) {
    _ = try parse(bytes, form, .strict)
  }

  public func serialise(
    _ value: ModelValue, _ form: ModelReader.Form, _ profile: CodecProfile
  ) throws(CodecRefusal) -> [UInt8] {
    do {
      let text = try ModelWriter.write(value, as: form, recipes: recipes)
      let bytes = Array(String(decoding: text, as: UTF16.self).utf8)
      if let fault { return spoil(bytes, fault) }
      return bytes
    } catch { throw refusal(error) }
  }

  public func extractId(_ bytes: [UInt8]) throws(CodecRefusal) -> [UInt8]? {
    switch ModelExtract.extractId(Array(String(decoding: bytes, as: UTF8.self).utf16), recipes: recipes) {
    case .success(let text): text.map { Array(String(decoding: $0, as: UTF16.self).utf8) }
    case .failure(let failure): throw refusal(failure)
    }
  }

  public func model(_ value: ModelValue) -> ModelValue { value }
  public func value(_ model: ModelValue) -> ModelValue { model }

  private func refusal(_ error: any Error) -> CodecRefusal {
    let code = (error as? ModelFailure)?.code ?? "unknown"
    return CodecRefusal(
      code == "hang" ? "CGM-RUNAWAY" : code,
      message: fault == .longMessage ? String(repeating: "x", count: 3_000) : code)
  }

  /// What a faulty reader would take the input for.
  private func prepare(_ bytes: [UInt8], _ fault: Fault, _ form: ModelReader.Form) -> [UInt8] {
    switch fault {
    case .entityOrder: return Self.replace(bytes, "&amp;lt;", "&lt;")
    case .endTagUnchecked: return Self.replace(bytes, "</spam>", "</span>")
    case .trailingAccepted: return bytes.last == 0x0A ? Array(bytes.dropLast()) : bytes
    case .idFormAccepted: return form == .object ? Self.replace(bytes, " data-id-object=\"true\"", "") : bytes
    case .normalises: return Self.replace(bytes, "e\u{301}", "é")
    default: return bytes
    }
  }

  /// What a faulty writer would make of the right bytes.
  private func spoil(_ bytes: [UInt8], _ fault: Fault) -> [UInt8] {
    guard fault == .wrongSortKey || fault == .setUnsorted else { return bytes }
    var spans = MarkupSpans()
    spans.scan(bytes)
    // Siblings in a bag or set: sorted without the end tag as part of the key, or not at all.
    for (index, element) in spans.elements.enumerated() where bytes[element.outer].starts(with: Array("<ul".utf8)) {
      let items = spans.elements.filter { $0.parent == index }.map { Array(bytes[$0.inner]) }
      let sorted = fault == .wrongSortKey ? items.sorted { $0.lexicographicallyPrecedes($1) } : items.reversed()
      if sorted == items { continue }
      var out = bytes
      out.splice(element.inner, Array(sorted.map { Array("<li>".utf8) + $0 + Array("</li>".utf8) }.joined()))
      return out
    }
    return bytes
  }

  private static func replace(_ bytes: [UInt8], _ old: String, _ new: String) -> [UInt8] {
    var out = bytes
    var start = 0
    while let found = out.firstRange(of: Array(old.utf8), from: start) {
      out.splice(found, Array(new.utf8))
      start = found.lowerBound + new.utf8.count
    }
    return out
  }
}
