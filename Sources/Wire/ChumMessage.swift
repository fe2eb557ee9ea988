public import WireBytes

/// The request/response layer of CHUM (chum.md 1.3.2), all TEXT JSON.
public enum ChumMessage: Sendable, Equatable {
  /// `args` is nil when the member is absent.
  case request(id: Int, service: Int, args: [JSONValue]?)
  /// A request whose `args` is no array; it is answered with a TypeError.
  case badArguments(id: Int, service: Int)
  /// The absent value stands as the text `$__undefined$`, as on the wire.
  case data(id: Int, JSONValue)
  case error(id: Int, name: String?, message: String?, code: String?)
  /// `encoding` is nil in all chunks but the first.
  case stream(id: Int, chunk: String, encoding: String?)
  case streamEnd(id: Int)
  case streamError(id: Int, text: String)
  case writeStreamError(id: Int)

  /// How JavaScript's `undefined` is written (chum.md 1.3.1).
  public static let undefined = "$__undefined$"
  /// The bare text that starts the CHUM (chum.md 1.2).
  public static let controlText = "synchronisation"

  private static let section = "chum.md 1.3.2"
  private static let limits = JSONLimits(depth: 64, values: 1_000_000)

  /// Classifies a message as the receiver does; what fails here is ignored by the real one and only counted.
  public static func decode(_ text: String) throws(WireFailure) -> ChumMessage {
    let value: JSONValue
    do throws(JSONFailure) { value = try JSONValue.parse(text, limits: limits) } catch {
      throw WireFailure("chum.not-json", section, "not JSON: \(error)")
    }
    guard case .object(let object) = value else {
      throw WireFailure("chum.not-an-object", section, "a JSON \(value.kindName), not an object")
    }
    guard let type = object["type"]?.string else { throw WireFailure("chum.no-type", section, "type is no string") }
    switch type {
    case "request": return try request(object)
    case "write-stream-error":
      return .writeStreamError(id: try id(object, "requestId"))
    case "data":
      return .data(id: try id(object, "responseId"), object["data"] ?? .string(undefined))
    case "error":
      let error = object["error"]
      return .error(
        id: try id(object, "responseId"), name: present(error?["name"]), message: present(error?["message"]),
        code: present(error?["code"]))
    case "stream":
      let id = try id(object, "responseId")
      guard let chunk = object["chunk"]?.string else {
        throw WireFailure("chum.no-chunk", section, "a stream answer without a chunk text")
      }
      return .stream(id: id, chunk: chunk, encoding: present(object["encoding"]))
    case "stream-end": return .streamEnd(id: try id(object, "responseId"))
    case "stream-error":
      return .streamError(id: try id(object, "responseId"), text: object["error"]?.string ?? "")
    default:
      throw WireFailure("chum.unknown-type", section, "unknown type \(JSONText.quoted(excerpt(type, 40)))")
    }
  }

  private static func request(_ object: JSONObject) throws(WireFailure) -> ChumMessage {
    let id = try id(object, "requestId")
    guard let service = object["serviceId"]?.integer else {
      throw WireFailure("chum.bad-service", section, "serviceId is no integer")
    }
    guard let args = object["args"] else { return .request(id: id, service: service, args: nil) }
    if args == .string(undefined) { return .request(id: id, service: service, args: nil) }
    guard let items = args.array else { return .badArguments(id: id, service: service) }
    return .request(id: id, service: service, args: items)
  }

  private static func id(_ object: JSONObject, _ name: String) throws(WireFailure) -> Int {
    guard let id = object[name]?.integer else { throw WireFailure("chum.bad-id", section, "\(name) is no integer") }
    return id
  }

  private static func present(_ value: JSONValue?) -> String? {
    guard let text = value?.string, text != undefined else { return nil }
    return text
  }

  /// The message exactly as the reference writes it.
  public var text: String {
    let value: JSONValue =
      switch self {
      case .request(let id, let service, let args):
        ["requestId": .id(id), "type": "request", "serviceId": .id(service), "args": .array(args ?? [])]
      case .badArguments(let id, let service):
        ["requestId": .id(id), "type": "request", "serviceId": .id(service), "args": nil]
      case .data(let id, let data): ["responseId": .id(id), "type": "data", "data": data]
      case .error(let id, let name, let message, let code):
        [
          "responseId": .id(id), "type": "error",
          "error": .object(
            JSONObject([
              "name": .text(name), "message": .text(message), "code": .text(code),
            ])),
        ]
      case .stream(let id, let chunk, let encoding):
        ["responseId": .id(id), "type": "stream", "chunk": .string(chunk), "encoding": .text(encoding)]
      case .streamEnd(let id): ["responseId": .id(id), "type": "stream-end"]
      case .streamError(let id, let text): ["responseId": .id(id), "type": "stream-error", "error": .string(text)]
      case .writeStreamError(let id): ["requestId": .id(id), "type": "write-stream-error"]
      }
    return value.compact
  }
}

extension JSONValue {
  fileprivate static func id(_ number: Int) -> JSONValue { .number(Double(number)) }
  fileprivate static func text(_ value: String?) -> JSONValue { .string(value ?? ChumMessage.undefined) }
}

/// A binary message of CHUM: eight bytes of request id, then file bytes (chum.md 1.3.6).
public struct ChumBinaryChunk: Sendable, Equatable {
  /// The request id, an IEEE double in little-endian order on the wire.
  public let id: Double
  public let data: [UInt8]

  public init(id: Double, data: [UInt8]) {
    self.id = id
    self.data = data
  }

  public static func decode(_ bytes: [UInt8]) throws(WireFailure) -> ChumBinaryChunk {
    guard bytes.count >= 8 else {
      throw WireFailure("chum.short-chunk", "chum.md 1.3.6", "\(bytes.count) bytes, at least 8 are needed for the id")
    }
    var bits: UInt64 = 0
    for position in (0..<8).reversed() { bits = bits << 8 | UInt64(bytes[position]) }
    return ChumBinaryChunk(id: Double(bitPattern: bits), data: Array(bytes[8...]))
  }

  public var bytes: [UInt8] {
    let bits = id.bitPattern
    return (0..<8).map { UInt8(truncatingIfNeeded: bits >> UInt64(8 * $0)) } + data
  }

  /// The id as a request number; nil for what is none (negative, broken, infinite, not a number).
  public var request: Int? { Int(exactly: id).flatMap { $0 >= 0 ? $0 : nil } }
}
