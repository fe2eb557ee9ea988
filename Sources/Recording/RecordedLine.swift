public import Trace
import WireBytes

/// One line behind the header: a frame, or the birth or death of a connection.
public struct RecordedLine: Sendable {
  public enum Payload: Sendable, Equatable {
    case text(String)
    case binary([UInt8])

    public var op: FrameKind { if case .text = self { .text } else { .binary } }
    public var length: Int {
      switch self {
      case .text(let text): text.utf8.count
      case .binary(let bytes): bytes.count
      }
    }
  }

  public enum Content: Sendable {
    case open(String)
    /// `forwarded` is what the proxy passed on instead; nil when it passed the frame on unchanged.
    case message(Payload, proxy: ProxyMark?, forwarded: Payload?)
    case close(code: Int, reason: String, echo: Bool)
    case error(String)
  }

  public let number: Int
  public let time: Double
  public let conn: String
  public let direction: Direction
  public let content: Content

  /// Reads one line; `number` is its place in the file.
  public init(_ bytes: [UInt8], number: Int) throws(RecordingFailure) {
    let value: JSONValue
    do throws(JSONFailure) {
      value = try JSONValue.parse(bytes, limits: JSONLimits(depth: 32, values: 1_000))
    } catch {
      throw RecordingFailure(line: number, "not JSON: \(error)")
    }
    guard case .object(let object) = value else {
      throw RecordingFailure(line: number, "a JSON \(value.kindName), not an object")
    }
    try self.init(object, number: number)
  }

  private init(_ object: JSONObject, number: Int) throws(RecordingFailure) {
    self.number = number
    guard let time = object["t"]?.number, time.isFinite, time.magnitude < 1e15 else {
      throw RecordingFailure(line: number, "t is not a time in ms")
    }
    self.time = time
    guard let conn = object["conn"]?.string, !conn.isEmpty, conn.utf8.count <= 200 else {
      throw RecordingFailure(line: number, "conn is not a connection name of 1 to 200 bytes")
    }
    self.conn = conn
    switch object["dir"]?.string {
    case "c2s": direction = .fromClient
    case "s2c": direction = .fromServer
    default: throw RecordingFailure(line: number, "dir is neither c2s nor s2c")
    }
    switch object["kind"]?.string {
    case "open": content = .open(object["data"]?.string ?? "")
    case "error": content = .error(object["data"]?.string ?? "")
    case "text": content = try Self.message(object, isText: true, number)
    case "binary": content = try Self.message(object, isText: false, number)
    case "close": content = try Self.close(object, number)
    case let other?: throw RecordingFailure(line: number, "unknown kind \(JSONText.quoted(String(other.prefix(40))))")
    case nil: throw RecordingFailure(line: number, "kind is missing")
    }
  }

  private static func message(
    _ object: JSONObject, isText: Bool, _ number: Int
  ) throws(RecordingFailure) -> Content {
    guard let data = object["data"]?.string else { throw RecordingFailure(line: number, "data is not a string") }
    let payload: Payload
    if isText {
      payload = .text(data)
    } else {
      guard let bytes = Base64.decode(data) else { throw RecordingFailure(line: number, "data is not base64") }
      payload = .binary(bytes)
    }
    guard let mark = object["proxy"], mark != .null else { return .message(payload, proxy: nil, forwarded: nil) }
    guard let words = mark.string else { throw RecordingFailure(line: number, "proxy is not a string") }
    var forwarded: Payload?
    if let passedOn = object["forwarded"]?.string {
      // The recorder writes base64 for bytes; a binary frame that it turned into a text stands there as the text.
      if !isText, let bytes = Base64.decode(passedOn) {
        forwarded = .binary(bytes)
      } else {
        forwarded = .text(passedOn)
      }
    }
    return .message(payload, proxy: proxyMark(words), forwarded: forwarded)
  }

  private static func proxyMark(_ words: String) -> ProxyMark {
    let parts = words.split(separator: " ", maxSplits: 1)
    switch parts.first {
    case "altered": return .altered
    case "dropped": return .dropped
    case "repeated":
      let times = parts.count > 1 ? Int(parts[1]) : 2
      return .repeated(min(max(times ?? 2, 0), 1_000_000))
    default: return .other(String(words.prefix(100)))
    }
  }

  private static func close(_ object: JSONObject, _ number: Int) throws(RecordingFailure) -> Content {
    guard let code = object["code"]?.integer, (0...65_535).contains(code) else {
      throw RecordingFailure(line: number, "code is not a close code")
    }
    let echo = object["echo"]?.bool ?? false
    return .close(code: code, reason: object["reason"]?.string ?? "", echo: echo)
  }
}
