public import WireBytes

/// The language as a JSON Schema (draft 2020-12) for editors, made from the same table as the loader's checks.
public enum ScenarioSchema {
  public static var document: JSONValue {
    var definitions = JSONObject()
    definitions.append("word", ["type": "string", "pattern": "^[A-Za-z0-9_./-]+$"])
    definitions.append("words", anyOf([reference("word"), list(reference("word"))]))
    definitions.append("formula", ["type": .array(["string", "number"])])
    definitions.append("steps", list(reference("step")))
    for form in [Form.frame, .close, .closed] { definitions.append(form.name, object(form)) }
    let alternative = Form(name: "alternative", fields: Form.alternative, says: "one kind of event")
    definitions.append("alternative", object(alternative))
    definitions.append("sending", object(Form(name: "sending", fields: Form.what, says: "what goes out")))
    definitions.append("row", object(Form.row, isOpen: true))
    definitions.append("case", object(Form.entry))
    var verbs = JSONObject()
    for form in Form.verbs { verbs.append(form.name, verb(form)) }
    definitions.append(
      "step",
      [
        "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
        "properties": .object(verbs),
      ])
    var document = JSONObject([
      "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "chumgate scenario file",
    ])
    for member in object(Form.file).object?.members ?? [] { document.append(member.name, member.value) }
    document.append("$defs", .object(definitions))
    return .object(document)
  }

  private static func reference(_ name: String) -> JSONValue { ["$ref": .string("#/$defs/\(name)")] }
  private static func list(_ item: JSONValue) -> JSONValue { ["type": "array", "items": item] }
  private static func anyOf(_ items: [JSONValue]) -> JSONValue { ["anyOf": .array(items)] }

  private static func verb(_ form: Form) -> JSONValue {
    switch form.name {
    case "let": return ["type": "object", "description": .string(form.says)]
    case "parallel": return ["type": "array", "items": reference("steps"), "description": .string(form.says)]
    default: break
    }
    guard Form.shortVerbs.contains(form.name) else { return object(form) }
    return anyOf([["type": .array(["string", "number"])], object(form)])
  }

  private static func object(_ form: Form, isOpen: Bool = false) -> JSONValue {
    var properties = JSONObject()
    for field in form.fields { properties.append(field.name, schema(field, in: form)) }
    var object = JSONObject([
      "type": "object", "description": .string(form.says), "properties": .object(properties),
      "additionalProperties": .bool(isOpen),
    ])
    let required = form.fields.filter(\.isRequired).map { JSONValue.string($0.name) }
    if !required.isEmpty { object.append("required", .array(required)) }
    return .object(object)
  }

  private static func schema(_ field: Form.Field, in form: Form) -> JSONValue {
    var object: JSONObject
    switch field.kind {
    case .word: object = JSONObject(["type": .array(["string", "number"])])
    case .text: object = JSONObject(["type": "string"])
    case .formula: object = JSONObject(["$ref": "#/$defs/formula"])
    case .truth: object = JSONObject(["type": "boolean"])
    case .integer: object = JSONObject(["type": "integer"])
    case .words: object = JSONObject(["$ref": "#/$defs/words"])
    case .steps: object = JSONObject(["$ref": "#/$defs/steps"])
    case .tracks: object = JSONObject(["type": "array", "items": reference("steps")])
    case .alternative: object = JSONObject(["$ref": "#/$defs/alternative"])
    case .alternatives: object = JSONObject(["type": "array", "items": reference("alternative")])
    case .sendings: object = JSONObject(["type": "array", "items": reference("sending")])
    case .rows:
      object = JSONObject(["type": "array", "items": reference(field.name == "cases" ? "case" : "row")])
    case .templates: object = JSONObject(["type": "array"])
    case .members:
      object =
        field.name == "frame"
        ? JSONObject(["$ref": "#/$defs/frame"])
        : field.name == "close"
          ? JSONObject(["anyOf": .array([["type": .array(["integer", "string", "null"])], reference("close")])])
          : JSONObject(["type": "object"])
    case .template, .pattern: object = JSONObject()
    }
    object.append("description", .string(field.says))
    return .object(object)
  }
}
