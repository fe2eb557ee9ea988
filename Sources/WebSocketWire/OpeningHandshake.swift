import Cryptobox
import WireBytes

/// The HTTP part of a WebSocket connection (RFC 6455, section 4), as text in and text out.
public enum OpeningHandshake {
  private static let guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
  /// More bytes of head than this are refused.
  public static let headLimit = 16_384

  /// A request or response head: the first line and the fields, names in lower case.
  public struct Head: Sendable, Equatable {
    public let startLine: String
    public let fields: [(name: String, value: String)]

    /// All values of the field, joined with commas as HTTP allows.
    public subscript(name: String) -> String? {
      let values = fields.filter { $0.name == name }.map(\.value)
      return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    public static func == (one: Head, other: Head) -> Bool {
      one.startLine == other.startLine && one.fields.elementsEqual(other.fields, by: ==)
    }

    /// The status of a response head; nil for anything else.
    public var status: Int? {
      let words = startLine.split(separator: " ")
      guard words.count >= 2, words[0].hasPrefix("HTTP/1.") else { return nil }
      return Int(words[1])
    }
  }

  public enum Failure: Error, Sendable, Equatable, CustomStringConvertible {
    case headTooLong
    case notHTTP(String)
    case refused(status: Int)
    case wrongAccept
    case missingField(String)
    case unofferedExtension(String)
    case unofferedSubprotocol(String)

    public var description: String {
      switch self {
      case .headTooLong: "an HTTP head of more than \(OpeningHandshake.headLimit) bytes"
      case .notHTTP(let line): "not an HTTP head: \(line)"
      case .refused(let status): "HTTP status \(status) instead of 101"
      case .wrongAccept: "Sec-WebSocket-Accept does not fit the key"
      case .missingField(let name): "no \(name) field that allows a WebSocket"
      case .unofferedExtension(let name): "extension \(name), which nobody offered"
      case .unofferedSubprotocol(let name): "subprotocol \(name), which nobody offered"
      }
    }
  }

  public static func accept(key: String) -> String { Base64.encode(SHA1.hash(Array((key + guid).utf8))) }

  /// Cuts the head off the front of `buffer`; nil when its end has not come yet.
  public static func takeHead(_ buffer: inout [UInt8]) throws(Failure) -> Head? {
    let end: [UInt8] = [13, 10, 13, 10]
    var found: Int?
    var index = 0
    while index + 3 < min(buffer.count, headLimit) {
      if buffer[index] == 13, Array(buffer[index..<index + 4]) == end {
        found = index
        break
      }
      index += 1
    }
    guard let found else {
      if buffer.count >= headLimit { throw .headTooLong }
      return nil
    }
    let lines = String(decoding: buffer[0..<found], as: UTF8.self).split(
      separator: "\r\n", omittingEmptySubsequences: false)
    buffer.removeFirst(found + 4)
    var fields: [(name: String, value: String)] = []
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { throw .notHTTP(String(line.prefix(60))) }
      let value = line[line.index(after: colon)...]
      fields.append((line[..<colon].lowercased(), trim(value)))
    }
    let startLine = lines.first.map(String.init) ?? ""
    guard startLine.contains("HTTP/1.") else { throw .notHTTP(String(startLine.prefix(60))) }
    return Head(startLine: startLine, fields: fields)
  }

  /// A client's request. `fields` come last and may repeat or replace nothing that stands before.
  public static func request(
    host: String, path: String, key: String, subprotocols: [String] = [], extensions: String? = nil,
    fields: [(name: String, value: String)] = []
  ) -> [UInt8] {
    var text = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    text += "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13\r\n"
    if !subprotocols.isEmpty { text += "Sec-WebSocket-Protocol: \(subprotocols.joined(separator: ", "))\r\n" }
    if let extensions { text += "Sec-WebSocket-Extensions: \(extensions)\r\n" }
    for field in fields { text += "\(field.name): \(field.value)\r\n" }
    return Array((text + "\r\n").utf8)
  }

  /// Judges a server's response to a request with that key and these offers.
  public static func check(
    _ head: Head, key: String, subprotocols: [String], extensions: String?
  ) throws(Failure) {
    guard let status = head.status else { throw .notHTTP(head.startLine) }
    guard status == 101 else { throw .refused(status: status) }
    guard head["upgrade"]?.lowercased() == "websocket" else { throw .missingField("Upgrade") }
    guard head["connection"]?.lowercased().contains("upgrade") == true else { throw .missingField("Connection") }
    guard head["sec-websocket-accept"] == accept(key: key) else { throw .wrongAccept }
    if let chosen = head["sec-websocket-protocol"], !subprotocols.contains(chosen) {
      throw .unofferedSubprotocol(chosen)
    }
    // The gate speaks no extension, so whatever the server turns on would change the frames unreadably.
    if let chosen = head["sec-websocket-extensions"], extensions == nil { throw .unofferedExtension(chosen) }
  }

  /// A server's answer: 101 for a proper upgrade request, 400 or 426 otherwise; `subprotocol` is the one chosen.
  public static func answer(to head: Head, subprotocol: String? = nil) -> (response: [UInt8], isOpen: Bool) {
    let isUpgrade = head["upgrade"]?.lowercased() == "websocket" && head.startLine.hasPrefix("GET ")
    guard isUpgrade, head["sec-websocket-version"] == "13", let key = head["sec-websocket-key"],
      Base64.decode(key)?.count == 16
    else {
      let status = isUpgrade && head["sec-websocket-version"] == "13" ? "400 Bad Request" : "426 Upgrade Required"
      var text = "HTTP/1.1 \(status)\r\nConnection: close\r\nContent-Type: text/plain\r\n"
      if status.hasPrefix("426") { text += "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" }
      let body = String(status.dropFirst(4))
      return (Array((text + "Content-Length: \(body.utf8.count)\r\n\r\n" + body).utf8), false)
    }
    var text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    text += "Sec-WebSocket-Accept: \(accept(key: key))\r\n"
    if let subprotocol { text += "Sec-WebSocket-Protocol: \(subprotocol)\r\n" }
    return (Array((text + "\r\n").utf8), true)
  }

  private static func trim(_ text: Substring) -> String {
    let blanks: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    var text = text.drop(while: blanks)
    while let last = text.last, blanks(last) { text.removeLast() }
    return String(text)
  }
}
