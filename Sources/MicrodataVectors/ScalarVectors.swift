import Microdata
import WireBytes

/// Vectors about numbers, JSON and escaping.
enum ScalarVectors {
  static func number(_ entry: JSONValue) throws(VectorFormatError) -> Vector {
    let fields = try Fields(entry)
    let bits = try Self.bits(fields, "bits")
    let text = try fields.text("text")
    guard let isInteger = entry["isInteger"]?.bool, let bits else { throw VectorFormatError(reason: "no isInteger") }
    let object = OneValue.object(OneObject(["$type$": "Lab$Int", "i": .number(Double(bitPattern: bits))]))
    return Vector(
      id: fields.id,
      questions: [
        VectorQuestion(.numberText(bits), [("text", .text(text))]),
        VectorQuestion(.number(text), [("backBits", .number(try Self.bits(fields, "backBits").flatMap(notNaN)))]),
        VectorQuestion(.serialise(object, .object), [("isInteger", isInteger ? .success : .error("O2M-RTYC1"))]),
      ], skipped: nil)
  }

  private static func notNaN(_ bits: UInt64) -> UInt64? { Double(bitPattern: bits).isNaN ? nil : bits }

  /// Nil for `NaN`.
  private static func bits(_ fields: Fields, _ name: String) throws(VectorFormatError) -> UInt64? {
    let text = try fields.string(name)
    if text == "NaN" { return nil }
    guard let bits = UInt64(text, radix: 16) else { throw VectorFormatError(reason: "\(name) is no hex") }
    return bits
  }

  static func textToNumber(_ entry: JSONValue) throws(VectorFormatError) -> Vector {
    let fields = try Fields(entry)
    let expectation = CodecExpectation.number(try bits(fields, "bits").flatMap(notNaN))
    return Vector(
      id: fields.id, questions: [VectorQuestion(.number(try fields.text("text")), [("bits", expectation)])],
      skipped: nil)
  }

  static func stringify(_ entry: JSONValue) throws(VectorFormatError) -> Vector {
    let fields = try Fields(entry)
    let value = try fields.value("value")
    if let reason = ObjectVectors.javaScriptOnly(value) {
      return Vector(id: fields.id, questions: [], skipped: reason)
    }
    let json = try fields.text("json")
    var questions = [
      VectorQuestion(.stringify(value), [("json", .text(json))]),
      VectorQuestion(.escape(json), [("escaped", .text(try fields.text("escaped")))]),
    ]
    switch try fields.json("reparsesToSameJson") {
    case .bool(true): questions.append(VectorQuestion(.restringify(json), [("reparsesToSameJson", .text(json))]))
    case .string(let code): questions.append(VectorQuestion(.restringify(json), [("reparsesToSameJson", .error(code))]))
    case .bool(false): questions.append(VectorQuestion(.restringify(json), [("reparsesToSameJson", .success)]))
    default: throw VectorFormatError(reason: "reparsesToSameJson has no form that is known")
    }
    return Vector(id: fields.id, questions: questions, skipped: nil)
  }

  static func escape(_ entry: JSONValue) throws(VectorFormatError) -> Vector {
    let fields = try Fields(entry)
    let raw = try fields.text("raw")
    return Vector(
      id: fields.id,
      questions: [
        VectorQuestion(.escape(raw), [("escaped", .text(try fields.text("escaped")))]),
        VectorQuestion(.unescape(raw), [("unescaped", .text(try fields.text("unescaped")))]),
      ], skipped: nil)
  }
}
