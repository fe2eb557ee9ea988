/// Why the canonical walk stopped.
struct CanonicalFailure {
  enum Reason {
    case none
    case header(ObjectForm)
    case headerEnd
    /// The offset is where the name begins, the number where it ends.
    case unknownType(Int)
    case unexpectedType(ExpectedType)
    case hostileRecipe
    case inheritance(Int)
    case mandatory, nestedMandatory
    case objectEnd, trailing
    case opening, closing
    case gap, emptyObject, veto
    case reference
    case regexp(Int)
    case emptyScalar
    case bareAmpersand, bareGreater
    case boolean
    case number(TypeKind)
    case json, unsortedJSON, topNull
    case order, double
    case depth, jsonDepth
    case thrown
  }

  var reason = Reason.none
  var rule = -1
  var offset = 0
  var thrown: MicrodataError?
}

extension CanonicalReader {
  var isTooDeep: Bool { if case .depth = failure.reason { true } else { false } }

  /// What the strict profile says: ONE's code where the fault has one, else CGM-CANON.
  var error: MicrodataError {
    let offset = failure.offset
    let property = failure.rule >= 0 ? codec.names[Int(rules[failure.rule].name)].string : "?"
    let near = Extract.of(view.slice(offset, offset + 48))
    func canon(_ text: String, _ expected: String) -> MicrodataError {
      let place = failure.rule >= 0 ? ", in property \(Extract.of(property))" : ""
      return MicrodataError(.notCanonical, "\(text)\(place); found \(near)", offset: offset, expected: expected)
    }
    switch failure.reason {
    case .none: return canon("not canonical", "canonical bytes")
    case .header(let form):
      let header = form == .object ? CanonicalReader.objectHeader : CanonicalReader.idHeader
      return MicrodataError(
        "M2O-PH1", "no header of an \(form == .object ? "object" : "ID object"); found \(near)", offset: 0,
        expected: String(decoding: header, as: UTF8.self))
    case .headerEnd:
      return MicrodataError("US-SSFMC1", "the header has no end; found \(near)", offset: offset, expected: "\">")
    case .unknownType(let end):
      let name = Extract.of(view.slice(offset, end))
      return MicrodataError(
        "OR-ET1", "no recipe for the type \(name)", offset: offset, expected: "the name of a known recipe")
    case .unexpectedType(let expected):
      let type = recipe.map { codec.typeName($0).string } ?? "?"
      return MicrodataError(
        "M2O-PHM1", "the type is \(Extract.of(type))", offset: offset, expected: "type \(Extract.of(expected.text))")
    case .hostileRecipe: return canon("the recipe has itemprops that cannot be read safely", "another recipe")
    case .inheritance(let index): return codec.failures[index]
    case .mandatory:
      return MicrodataError(
        "M2O-PD1", "the mandatory property \(Extract.of(property)) is not here; found \(near)", offset: offset,
        expected: describe(failure.rule))
    case .nestedMandatory:
      return MicrodataError(
        "M2O-EOTFM1", "the nested object lacks \(Extract.of(property)); found \(near)", offset: offset,
        expected: describe(failure.rule))
    case .objectEnd:
      return MicrodataError(
        "M2O-POM1", "the object does not end here; found \(near)", offset: offset, expected: "</div>")
    case .trailing:
      return MicrodataError(
        "M2O-PCONV2", "\(view.count - offset) bytes behind the object; found \(near)", offset: offset,
        expected: "the end of the input")
    case .opening: return canon("the value does not begin here", "an opening tag of the value's type")
    case .closing: return canon("the end tag does not fit", "the end tag of the open element")
    case .gap: return canon("the deployed reader fails here (A1)", "any other length")
    case .emptyObject: return canon("the deployed reader stays here (A2)", "a filled object")
    case .veto: return canon("writer and reader disagree on the type here (B3)", "nothing")
    case .reference:
      return MicrodataError(
        "M2O-PV1", "no hash in \(Extract.of(property)); found \(near)", offset: offset,
        expected: "64 digits 0-9 a-f")
    case .regexp(let index):
      let source = codec.regexps[index].writer.source.source.string
      return MicrodataError(
        "M2O-PV3", "the text of \(Extract.of(property)) does not match; found \(near)", offset: offset,
        expected: "text that matches /\(Extract.of(source))/")
    case .emptyScalar: return canon("a value of this type is never empty", describe(failure.rule))
    case .bareAmpersand: return canon("a bare &", "&amp;, &lt; or &gt;")
    case .bareGreater: return canon("a bare >", "&gt;")
    case .boolean: return canon("no boolean", "true or false")
    case .number(let kind):
      return canon("not the text of a number", kind == .integer ? "an integer as written" : "a number as written")
    case .json: return MicrodataError(.syntaxError, "not JSON; found \(near)", offset: offset, expected: "sorted JSON")
    case .unsortedJSON: return canon("the JSON is not what the writer writes", "sorted JSON")
    case .topNull: return canon("null has no text here", "any other value")
    case .order: return canon("the items are not sorted", "items ascending by UTF-16 code unit")
    case .double: return canon("the same member twice", "each member once")
    case .depth:
      return MicrodataError(
        .depth, "nested deeper than \(limits.depth) levels", offset: offset, expected: "fewer levels")
    case .jsonDepth:
      return MicrodataError(
        .jsonDepth, "JSON nested deeper than \(limits.jsonDepth) levels", offset: offset, expected: "fewer levels")
    case .thrown:
      guard let thrown = failure.thrown else { return canon("not canonical", "canonical bytes") }
      return MicrodataError(thrown.code, thrown.text, offset: offset, expected: thrown.expected)
    }
  }

  private func describe(_ rule: Int) -> String {
    guard rule >= 0 else { return "a value" }
    return String(decoding: texts.view(rules[rule].open.bytes).array, as: UTF8.self)
  }
}
