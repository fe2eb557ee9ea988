import Microdata
import WireBytes

/// Vectors about objects: valid, serialize-errors, invalid, hostile.
enum ObjectVectors {
  /// Why a value cannot be asked about outside of JavaScript; nil when it can.
  static func javaScriptOnly(_ value: OneValue) -> String? {
    switch value {
    case .object(let object):
      if case .function? = object["toJSON"] { return "a toJSON function must run" }
      for member in object.members { if let reason = javaScriptOnly(member.value) { return reason } }
    case .array(let items), .set(let items):
      for item in items { if let reason = javaScriptOnly(item) { return reason } }
    case .map(let entries):
      for entry in entries {
        if let reason = javaScriptOnly(entry.key) ?? javaScriptOnly(entry.value) { return reason }
      }
    default: break
    }
    return nil
  }

  static func valid(_ entry: JSONValue) throws(VectorFormatError) -> Vector {
    let fields = try Fields(entry)
    let object = try fields.value("object")
    let text = try fields.text("microdata")
    let reason = javaScriptOnly(object)
    var questions: [VectorQuestion] = []
    if reason == nil {
      let count = try fields.json("bytes").integer
      let hash = CodecExpectation.hash(try fields.string("hash"), bytes: count)
      questions.append(
        VectorQuestion(.serialise(object, .object), [("microdata", .text(text)), ("bytes, hash", hash)]))
      questions += try idQuestions(fields, object)
    }
    if let extract = entry["extractId"] {
      questions.append(
        VectorQuestion(.extractId(text), try extractExpectations(extract, fields)))
    } else {
      questions.append(VectorQuestion(.extractId(text), [("idError", .nothing)]))
    }
    questions += try parseQuestions(fields, object, text)
    return Vector(id: fields.id, questions: questions, skipped: reason)
  }

  private static func idQuestions(_ fields: Fields, _ object: OneValue) throws(VectorFormatError) -> [VectorQuestion] {
    if let code = fields.entry["idError"]?.string {
      return [VectorQuestion(.serialise(object, .idObject), [("idError", .error(code))])]
    }
    let text = try fields.text("idMicrodata")
    var parsed = CodecExpectation.success
    let idObject = try fields.json("idObject")
    if let code = idObject["$error"]?.string {
      parsed = .error(code)
    } else {
      parsed = .value(try OneValue(vector: idObject))
    }
    return [
      VectorQuestion(
        .serialise(object, .idObject),
        [("idMicrodata", .text(text)), ("idHash", .hash(try fields.string("idHash"), bytes: nil))]),
      VectorQuestion(.parse(text, .idObject, .any), [("idObject", parsed)]),
    ]
  }

  private static func extractExpectations(_ json: JSONValue, _ fields: Fields) throws(VectorFormatError)
    -> [(field: String, expectation: CodecExpectation)]
  {
    if json.string == "same" {
      return [
        ("extractId", .text(try fields.text("idMicrodata"))),
        ("idHash", .hash(try fields.string("idHash"), bytes: nil)),
      ]
    }
    if let code = json["error"]?.string { return [("extractId", .error(code))] }
    guard let text = json["microdata"], let hash = json["idHash"]?.string else {
      throw VectorFormatError(reason: "extractId has no form that is known")
    }
    return [("extractId", .text(try OneValue.text(text))), ("extractId.idHash", .hash(hash, bytes: nil))]
  }

  private static func parseQuestions(_ fields: Fields, _ object: OneValue, _ text: OneText) throws(VectorFormatError)
    -> [VectorQuestion]
  {
    let parse = try fields.json("parse")
    if let code = parse["error"]?.string {
      return [VectorQuestion(.parse(text, .object, .any), [("parse.error", .error(code))])]
    }
    guard let equals = parse["equalsInput"]?.bool, let isStable = parse["stable"]?.bool else {
      throw VectorFormatError(reason: "parse has neither error nor equalsInput and stable")
    }
    var expectations: [(field: String, expectation: CodecExpectation)] = []
    expectations.append(("parse.equalsInput", equals ? .value(object) : .notValue(object)))
    if let parsed = parse["object"] { expectations.append(("parse.object", .value(try OneValue(vector: parsed)))) }
    let again: CodecExpectation
    if isStable {
      again = .text(text)
    } else {
      guard let other = parse["reserialized"] else {
        throw VectorFormatError(reason: "neither stable nor reserialized")
      }
      again = try Fields.textOrError(other)
    }
    return [
      VectorQuestion(.parse(text, .object, .any), expectations),
      VectorQuestion(
        .reserialise(text, .object, .any, as: .object), [(isStable ? "parse.stable" : "parse.reserialized", again)]),
    ]
  }

  static func serializeError(_ entry: JSONValue) throws(VectorFormatError) -> Vector {
    let fields = try Fields(entry)
    let object = try fields.value("object")
    if let reason = javaScriptOnly(object) { return Vector(id: fields.id, questions: [], skipped: reason) }
    let code = try fields.string("serializeError")
    return Vector(
      id: fields.id,
      questions: [VectorQuestion(.serialise(object, .object), [("serializeError", .error(code))])], skipped: nil)
  }

  /// invalid and hostile.
  static func input(_ entry: JSONValue) throws(VectorFormatError) -> Vector {
    let fields = try Fields(entry)
    let text = try fields.text("input")
    let form: ObjectForm = try fields.string("api") == "id" ? .idObject : .object
    let expected = try expectedType(entry["expectedType"])
    let result = try fields.json("result")
    func parse(_ field: String, _ expectation: CodecExpectation) -> VectorQuestion {
      VectorQuestion(.parse(text, form, expected), [(field, expectation)])
    }
    if let code = result["error"]?.string {
      return Vector(id: fields.id, questions: [parse("result.error", .error(code))], skipped: nil)
    }
    if result["hang"]?.bool == true {
      return Vector(id: fields.id, questions: [parse("result.hang", .codedError)], skipped: nil)
    }
    guard let object = result["object"] else { throw VectorFormatError(reason: "result has no form that is known") }
    var questions = [parse("result.object", .value(try OneValue(vector: object)))]
    if let isCanonical = entry["canonical"]?.bool {
      let again: CodecExpectation
      if isCanonical {
        again = .text(text)
      } else {
        again = try Fields.textOrError(try fields.json("reserialized"))
      }
      questions.append(
        VectorQuestion(
          .reserialise(text, form, expected, as: form), [(isCanonical ? "canonical" : "reserialized", again)]))
    }
    questions += try hashQuestions(fields, text, form, expected)
    return Vector(id: fields.id, questions: questions, skipped: nil)
  }

  private static func hashQuestions(
    _ fields: Fields, _ text: OneText, _ form: ObjectForm, _ expected: ExpectedType
  ) throws(VectorFormatError) -> [VectorQuestion] {
    var questions: [VectorQuestion] = []
    let fromText = fields.entry["idHashFromMicrodata"]
    let fromObject = fields.entry["idHashFromObject"]
    if let fromText {
      questions.append(VectorQuestion(.extractId(text), [("idHashFromMicrodata", hashOrError(fromText))]))
    }
    if let fromObject {
      questions.append(
        VectorQuestion(
          .reserialise(text, form, expected, as: .idObject), [("idHashFromObject", hashOrError(fromObject))]))
    }
    if let agree = fields.entry["idHashesAgree"]?.bool, let fromText, let fromObject {
      // Both hashes are compared with the codec's above; here it is only the vector that must not contradict itself.
      guard agree == (fromText.string != nil && fromText.string == fromObject.string) else {
        throw VectorFormatError(reason: "idHashesAgree contradicts the two hashes")
      }
    }
    return questions
  }

  private static func hashOrError(_ json: JSONValue) -> CodecExpectation {
    if let code = json["error"]?.string { return .error(code) }
    return json.string.map { .hash($0, bytes: nil) } ?? .nothing
  }

  static func expectedType(_ json: JSONValue?) throws(VectorFormatError) -> ExpectedType {
    switch json {
    case nil: return .any
    case .string(let name): return .only(OneText(name))
    case .array(let names): return .oneOf(names.map { OneText($0.string ?? "") })
    default: throw VectorFormatError(reason: "expectedType is neither a name nor a list")
    }
  }
}
