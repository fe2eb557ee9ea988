public import Trace
public import WireBytes

/// Writes the lines of a session in the format `one-ws-recording/1` (INDEX.md), into memory that its owner takes away.
public struct SessionWriter: Sendable {
  /// Lines written since ``take()``.
  public private(set) var bytes: [UInt8] = []
  private let pseudonyms: Pseudonyms?

  /// With pseudonyms every text, reason and path is redacted on its way.
  public init(pseudonyms: Pseudonyms? = nil) { self.pseudonyms = pseudonyms }

  /// The lines so far; the writer starts afresh, its memory stays.
  public mutating func take() -> [UInt8] {
    defer { bytes.removeAll(keepingCapacity: true) }
    return bytes
  }

  /// The first line. `keys` is the `keys` member: static and shared keys, if they are to be in the file.
  public mutating func header(
    name: String, description: String, started: String, settings: JSONObject? = nil, keys: JSONValue? = nil
  ) {
    var object = JSONObject([
      "type": "header", "format": "one-ws-recording/1", "name": .string(name), "description": .string(description),
      "started": .string(started), "proxied": true, "redacted": .bool(pseudonyms != nil),
    ])
    if let settings { object.append("commServer", .object(settings)) }
    if let keys { object.append("keys", keys) }
    JSONValue.object(object).write(to: &bytes)
    bytes.append(0x0A)
  }

  /// The upgrade of the client, or the moment the server was reached.
  public mutating func open(_ time: Double, _ conn: String, _ direction: Direction, _ details: JSONObject) {
    start(time, conn, direction, "open")
    append("\"data\":")
    JSONText.quote(redacted(JSONValue.object(details).compact), to: &bytes)
    end()
  }

  public mutating func text(_ time: Double, _ conn: String, _ direction: Direction, _ text: String) {
    start(time, conn, direction, "text")
    append("\"data\":")
    JSONText.quote(redacted(text), to: &bytes)
    end()
  }

  public mutating func binary(_ time: Double, _ conn: String, _ direction: Direction, _ payload: [UInt8]) {
    start(time, conn, direction, "binary")
    append("\"data\":\"")
    append(Base64.encode(payload))
    bytes.append(0x22)
    end()
  }

  /// A close frame, or the loss of TCP as 1006; `isEcho` when the other side closed first.
  public mutating func close(
    _ time: Double, _ conn: String, _ direction: Direction, code: Int, reason: String, isEcho: Bool
  ) {
    start(time, conn, direction, "close")
    append("\"code\":\(code),\"reason\":")
    JSONText.quote(redacted(reason), to: &bytes)
    if isEcho { append(",\"echo\":true") }
    end()
  }

  /// What went wrong instead of a connection, in words.
  public mutating func error(_ time: Double, _ conn: String, _ direction: Direction, _ text: String) {
    start(time, conn, direction, "error")
    append("\"data\":")
    JSONText.quote(redacted(text), to: &bytes)
    end()
  }

  private func redacted(_ text: String) -> String { pseudonyms?.redact(text) ?? text }

  private mutating func start(_ time: Double, _ conn: String, _ direction: Direction, _ kind: String) {
    // A tenth of a millisecond, without the cost of printing a double.
    let tenths = Int((max(0, min(time, 1e13)) * 10).rounded())
    append("{\"t\":\(tenths / 10)")
    if tenths % 10 > 0 { append(".\(tenths % 10)") }
    append(",\"conn\":\"")
    append(conn)
    append(direction == .fromClient ? "\",\"dir\":\"c2s\",\"kind\":\"" : "\",\"dir\":\"s2c\",\"kind\":\"")
    append(kind)
    append("\",")
  }

  private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

  private mutating func end() { append("}\n") }
}
