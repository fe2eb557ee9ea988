import Cryptobox
import Microdata
import MicrodataVectors
import WireBytes

extension PipeFormat {
  /// A request of a line: what the codec is asked, or what only the pipe knows.
  enum Request {
    case hello
    case recipes(JSONValue)
    case codec(CodecRequest)
    case hash(OneValue, ObjectForm)
    case validate(OneText, ObjectForm)
    case unknown(String)
  }

  /// Reads a request; throws when members are missing or malformed.
  static func request(_ json: JSONValue) throws(VectorFormatError) -> Request {
    guard let op = json["op"]?.string else { throw VectorFormatError(reason: "the request has no op") }
    switch op {
    case "hello": return .hello
    case "recipes": return .recipes(json)
    case "parse": return .codec(.parse(try text(json, "input"), .object, try expected(json)))
    case "parseId": return .codec(.parse(try text(json, "input"), .idObject, try expected(json)))
    case "serialise": return .codec(.serialise(try value(json), .object))
    case "serialiseId": return .codec(.serialise(try value(json), .idObject))
    case "hash": return .hash(try value(json), .object)
    case "idHash": return .hash(try value(json), .idObject)
    case "reserialise":
      return .codec(
        .reserialise(try text(json, "input"), try form(json, "form"), try expected(json), as: try form(json, "as")))
    case "extractId": return .codec(.extractId(try text(json, "input")))
    case "validate": return .validate(try text(json, "input"), try form(json, "form"))
    case "numberText":
      guard let bits = UInt64(json["bits"]?.string ?? "", radix: 16) else { throw missing("bits") }
      return .codec(.numberText(bits))
    case "number": return .codec(.number(try text(json, "text")))
    case "stringify": return .codec(.stringify(try value(json)))
    case "restringify": return .codec(.restringify(try text(json, "text")))
    case "escape": return .codec(.escape(try text(json, "text")))
    case "unescape": return .codec(.unescape(try text(json, "text")))
    case "implode":
      guard let root = json["root"]?.string else { throw missing("root") }
      return .codec(.implode(root: root, files: try files(json)))
    case "explode": return .codec(.explode(try text(json, "input"), try expected(json)))
    default: return .unknown(op)
    }
  }

  private static func missing(_ name: String) -> VectorFormatError {
    VectorFormatError(reason: "the request has no usable \(name)")
  }

  private static func text(_ json: JSONValue, _ name: String) throws(VectorFormatError) -> OneText {
    guard let member = json[name] else { throw missing(name) }
    return try OneValue.text(member)
  }

  private static func value(_ json: JSONValue) throws(VectorFormatError) -> OneValue {
    guard let member = json["value"] else { throw missing("value") }
    return try OneValue(vector: member)
  }

  private static func form(_ json: JSONValue, _ name: String) throws(VectorFormatError) -> ObjectForm {
    switch json[name]?.string {
    case "object": return .object
    case "id": return .idObject
    default: throw missing(name)
    }
  }

  private static func expected(_ json: JSONValue) throws(VectorFormatError) -> ExpectedType {
    guard let names = json["expected"] else { return .any }
    guard let list = names.array else { throw missing("expected") }
    return .oneOf(try list.map { (name) throws(VectorFormatError) in try OneValue.text(name) })
  }

  private static func files(_ json: JSONValue) throws(VectorFormatError) -> [String: VectorFileEntry] {
    guard let members = json["files"]?.object?.members else { throw missing("files") }
    var out: [String: VectorFileEntry] = [:]
    for member in members {
      let file: StoredFile
      switch member.value["kind"]?.string {
      case "object": file = .object(try text(member.value, "text").utf8Bytes)
      case "clob": file = .clob(try text(member.value, "text"))
      case "blob":
        guard let bytes = Base64.decode(member.value["base64"]?.string ?? "") else { throw missing("base64") }
        file = .blob(bytes)
      default: throw missing("kind")
      }
      out[member.name] = VectorFileEntry(file, idHash: member.value["idHash"]?.string)
    }
    return out
  }
}
