import Cryptobox
import WireBytes

/// What came instead of a proper opening handshake, and the HTTP answer that it gets.
public enum UpgradeFailure: Error, Sendable, Equatable {
  /// Not HTTP, or larger than the bound.
  case badRequest
  case tooLarge
  case wrongMethod
  /// A plain request: the peer is told to upgrade (connection.md 1.1).
  case notAnUpgrade
  case wrongVersion
  case badKey
  case stopping
  case tooMany

  var status: String {
    switch self {
    case .badRequest, .badKey: "400 Bad Request"
    case .tooLarge: "431 Request Header Fields Too Large"
    case .wrongMethod: "405 Method Not Allowed"
    // The deployed server answers so, too, while it stops ([rec: server-stop]).
    case .notAnUpgrade, .stopping, .wrongVersion: "426 Upgrade Required"
    case .tooMany: "503 Service Unavailable"
    }
  }

  /// The whole answer; the connection is closed behind it.
  public var response: [UInt8] {
    let body = status.drop { $0 != " " }.dropFirst()
    var head = "HTTP/1.1 \(status)\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    if self == .notAnUpgrade || self == .stopping { head += "Upgrade: websocket\r\n" }
    if self == .wrongVersion { head += "Sec-WebSocket-Version: 13\r\n" }
    if self == .wrongMethod { head += "Allow: GET\r\n" }
    return Array("\(head)Content-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
  }
}

/// The client's side of the opening handshake (RFC 6455, 4.1), as far as the relay looks at it.
public struct UpgradeRequest: Sendable, Equatable {
  public static let maximumSize = 16_384

  public let path: String
  public let key: String
  /// Subprotocols in the order of the offer.
  public let protocols: [String]
  /// The extensions as offered; this server takes none.
  public let extensions: String?
  public let origin: String?

  /// Reads the bytes up to and with the empty line. Lines may end with a bare LF.
  public init(_ bytes: [UInt8]) throws(UpgradeFailure) {
    guard bytes.count <= Self.maximumSize else { throw .tooLarge }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .badRequest }
    var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }.makeIterator()
    let words = (lines.next() ?? "").split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3, words[2].hasPrefix("HTTP/1."), !words[1].isEmpty else { throw .badRequest }
    var fields: [String: String] = [:]
    while let line = lines.next(), !line.isEmpty {
      guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else { throw .badRequest }
      let name = line[..<colon].lowercased()
      let value = Self.trim(line[line.index(after: colon)...])
      if let known = fields[name] { fields[name] = "\(known), \(value)" } else { fields[name] = value }
    }
    guard words[0] == "GET" else { throw .wrongMethod }
    guard Self.list(fields["upgrade"]).contains("websocket"), Self.list(fields["connection"]).contains("upgrade") else {
      throw .notAnUpgrade
    }
    guard fields["sec-websocket-version"] == "13" else { throw .wrongVersion }
    guard let key = fields["sec-websocket-key"], Base64.decode(key)?.count == 16 else { throw .badKey }
    path = String(words[1])
    self.key = key
    protocols = (fields["sec-websocket-protocol"] ?? "").split(separator: ",").map { Self.trim($0) }
      .filter { !$0.isEmpty }
    extensions = fields["sec-websocket-extensions"]
    origin = fields["origin"]
  }

  /// The answer: the first subprotocol of the offer, as the deployed server's library picks it, and no extension.
  public func response(extensions: String? = nil) -> [UInt8] {
    var head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    head += "Sec-WebSocket-Accept: \(Self.accept(key))\r\n"
    if let first = protocols.first { head += "Sec-WebSocket-Protocol: \(first)\r\n" }
    if let extensions { head += "Sec-WebSocket-Extensions: \(extensions)\r\n" }
    return Array((head + "\r\n").utf8)
  }

  /// SHA-1 over key and the RFC's fixed text, in base64 (RFC 6455, 4.2.2).
  public static func accept(_ key: String) -> String {
    Base64.encode(SHA1.hash(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)))
  }

  static func list(_ value: String?) -> [String] {
    (value ?? "").split(separator: ",").map { trim($0).lowercased() }
  }

  static func trim(_ text: some StringProtocol) -> String {
    let isBlank = { (character: Character) in character == " " || character == "\t" }
    var rest = Substring(text).drop(while: isBlank)
    while let last = rest.last, isBlank(last) { rest.removeLast() }
    return String(rest)
  }

  /// Where the head ends: the index behind its empty line; nil while it is incomplete.
  public static func end(in bytes: [UInt8], from start: Int = 0) -> Int? {
    var index = max(0, start)
    while index < bytes.count {
      if bytes[index] == 0x0A {
        if index + 1 < bytes.count, bytes[index + 1] == 0x0A { return index + 2 }
        if index + 2 < bytes.count, bytes[index + 1] == 0x0D, bytes[index + 2] == 0x0A { return index + 3 }
      }
      index += 1
    }
    return nil
  }
}
