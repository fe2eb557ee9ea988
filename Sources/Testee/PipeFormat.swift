import Microdata
public import MicrodataVectors
public import WireBytes

/// The testee pipe's format: one JSON request a line on standard input, one JSON answer a line on standard output.
///
/// A request is `{"id":N,"op":OP,…}`; its answer has the same `id`, in the order of the requests, and exactly one of
/// `text`, `value`, `number`, `hash`, `nothing`, `error`, `unsupported`. Texts and values are in the encoding of the
/// vectors (microdata.md 15): a text is a string, or `{"$utf16":hex}` when it has lone surrogates. A testee answers
/// `{"id":N,"unsupported":"why"}` to an `op` that it does not know; it may ignore members that it does not know.
///
/// | op | members | answer |
/// |---|---|---|
/// | `hello` | | `text`: name and version |
/// | `recipes` | `recipes`: the list of recipes.json | `nothing`; what follows uses these recipes |
/// | `parse`, `parseId` | `input`, `expected`? (types) | `value` |
/// | `serialise`, `serialiseId` | `value` | `text` |
/// | `hash`, `idHash` | `value` | `hash` of what serialise, serialiseId write |
/// | `reserialise` | `input`, `form`, `as` (`object`, `id`), `expected`? | `text`: read in one form, written in another |
/// | `extractId` | `input` | `text`, or `nothing` for unversioned types |
/// | `validate` | `input`, `form` | `nothing` when canonical (strict profile), else `error` |
/// | `numberText` | `bits`: 16 hex digits | `text` |
/// | `number` | `text` | `number`: 16 hex digits of the bits, or `NaN` |
/// | `stringify` | `value` | `text`: sorted JSON |
/// | `restringify` | `text`: JSON | `text`: sorted JSON |
/// | `escape`, `unescape` | `text` | `text` |
/// | `implode` | `root`, `files` | `text` |
/// | `explode` | `input`, `expected`? | `hash` of the root |
///
/// `error` is `{"code":CODE,"message"?:…,"offset"?:N}`; an error of the platform without a code has a code that starts
/// with `js:`. `files` is an object: hash to `{"kind":"object"|"clob"|"blob","text"?:…,"base64"?:…,"idHash"?:…}`.
public enum PipeFormat {
  /// A request without its id.
  public static func request(_ request: CodecRequest) -> JSONObject {
    switch request {
    case .serialise(let value, let form):
      JSONObject(["op": form == .object ? "serialise" : "serialiseId", "value": value.vector])
    case .parse(let text, let form, let expected):
      with(expected, ["op": form == .object ? "parse" : "parseId", "input": text.vector])
    case .reserialise(let text, let form, let expected, let other):
      with(expected, ["op": "reserialise", "input": text.vector, "form": name(form), "as": name(other)])
    case .extractId(let text): JSONObject(["op": "extractId", "input": text.vector])
    case .numberText(let bits): JSONObject(["op": "numberText", "bits": .string(hex(bits))])
    case .number(let text): JSONObject(["op": "number", "text": text.vector])
    case .stringify(let value): JSONObject(["op": "stringify", "value": value.vector])
    case .restringify(let text): JSONObject(["op": "restringify", "text": text.vector])
    case .escape(let text): JSONObject(["op": "escape", "text": text.vector])
    case .unescape(let text): JSONObject(["op": "unescape", "text": text.vector])
    case .implode(let root, let files):
      JSONObject(["op": "implode", "root": .string(root), "files": .object(PipeFormat.files(files))])
    case .explode(let text, let expected): with(expected, ["op": "explode", "input": text.vector])
    }
  }

  /// The opening request that gives a testee its recipes.
  public static func recipes(_ json: JSONValue) -> JSONObject {
    JSONObject(["op": "recipes", "recipes": json["recipes"] ?? []])
  }

  /// The members of which an answer has exactly one.
  static let forms = ["text", "value", "number", "hash", "nothing", "error", "unsupported"]

  /// What is wrong with the form of an answer, apart from what it says; nil when nothing is.
  public static func fault(in answer: JSONValue, to request: JSONObject) -> String? {
    let found = (answer.object?.members ?? []).map(\.name).filter(forms.contains)
    guard found.count == 1 else {
      let list = found.isEmpty ? "none" : found.joined(separator: ", ")
      return "it has \(list) of \(forms.joined(separator: ", ")); exactly one must stand in an answer"
    }
    guard let offset = answer["error"]?["offset"] else { return nil }
    guard let place = offset.integer, place >= 0 else {
      return "error.offset is \(offset.compact.prefix(40)), expected a count from 0 on"
    }
    guard let size = size(of: request), place > size else { return nil }
    return "error.offset is \(place), beyond the input of \(size) bytes"
  }

  /// Bytes of what a request gives to be read; nil for requests that give no text. No unit of a text is smaller.
  private static func size(of request: JSONObject) -> Int? {
    guard let input = request["input"] ?? request["text"], let text = try? OneValue.text(input) else { return nil }
    return text.utf8Bytes.count
  }

  /// What an answer says; nil when it is none of the forms.
  public static func answer(_ json: JSONValue) -> CodecAnswer? {
    if let reason = json["unsupported"] { return .unsupported(reason.string ?? "unsupported") }
    if let error = json["error"] {
      guard let code = error["code"]?.string else { return nil }
      return .error(
        MicrodataError(
          MicrodataCode(rawValue: code), error["message"]?.string ?? "", offset: error["offset"]?.integer))
    }
    if let text = json["text"] { return (try? OneValue.text(text)).map { .text($0) } }
    if let value = json["value"] { return (try? OneValue(vector: value)).map { .value($0) } }
    if let hash = json["hash"]?.string { return .hash(hash) }
    if let number = json["number"]?.string {
      if number == "NaN" { return .number(.nan) }
      return UInt64(number, radix: 16).map { .number(Double(bitPattern: $0)) }
    }
    return json["nothing"] != nil ? .nothing : nil
  }

  /// An answer without its id.
  public static func answer(_ answer: CodecAnswer) -> JSONObject {
    switch answer {
    case .text(let text): JSONObject(["text": text.vector])
    case .value(let value): JSONObject(["value": value.vector])
    case .number(let value): JSONObject(["number": .string(value.isNaN ? "NaN" : hex(value.bitPattern))])
    case .hash(let hash): JSONObject(["hash": .string(hash)])
    case .nothing: JSONObject(["nothing": true])
    case .unsupported(let reason): JSONObject(["unsupported": .string(reason)])
    case .error(let error): JSONObject(["error": .object(PipeFormat.error(error))])
    }
  }

  static func error(_ error: MicrodataError) -> JSONObject {
    var out = JSONObject(["code": .string(error.code.rawValue), "message": .string(error.text)])
    if let offset = error.offset { out.append("offset", .number(Double(offset))) }
    return out
  }

  static func hex(_ bits: UInt64) -> String {
    let digits = String(bits, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  static func name(_ form: ObjectForm) -> JSONValue { form == .object ? "object" : "id" }

  private static func with(_ expected: ExpectedType, _ members: KeyValuePairs<String, JSONValue>) -> JSONObject {
    var object = JSONObject(members)
    if case .oneOf(let names) = expected { object.append("expected", .array(names.map(\.vector))) }
    return object
  }

  private static func files(_ files: [String: VectorFileEntry]) -> JSONObject {
    var out = JSONObject()
    for (hash, entry) in files.sorted(by: { $0.key < $1.key }) {
      var file = JSONObject()
      switch entry.file {
      case .object(let bytes):
        file.append("kind", "object")
        file.append("text", OneText(wtf8: bytes).vector)
      case .clob(let text):
        file.append("kind", "clob")
        file.append("text", text.vector)
      case .blob(let bytes):
        file.append("kind", "blob")
        file.append("base64", .string(Base64.encode(bytes)))
      }
      if let idHash = entry.idHash { file.append("idHash", .string(idHash)) }
      out.append(hash, .object(file))
    }
    return out
  }
}
