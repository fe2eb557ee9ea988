import WireBytes

/// What a client can read out of the server's answer to its upgrade.
public struct UpgradeResponse: Sendable, Equatable {
  public let status: Int
  public let acceptsKey: Bool
  public let subprotocol: String?
  public let extensions: String?

  /// Nil when the bytes are no HTTP answer.
  public init?(_ bytes: [UInt8], key: String) {
    guard bytes.count <= UpgradeRequest.maximumSize, let text = String(validating: bytes, as: UTF8.self) else {
      return nil
    }
    let lines = text.split { $0 == "\n" || $0 == "\r\n" }
    let words = (lines.first ?? "").split(separator: " ")
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { return nil }
    var fields: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      fields[line[..<colon].lowercased()] = UpgradeRequest.trim(line[line.index(after: colon)...])
    }
    self.status = status
    acceptsKey = fields["sec-websocket-accept"] == UpgradeRequest.accept(key)
    subprotocol = fields["sec-websocket-protocol"]
    extensions = fields["sec-websocket-extensions"]
  }

  /// The client's request; `key` is 16 random bytes in base64.
  public static func request(
    host: String, path: String, key: String, protocols: [String] = [], extensions: String? = nil
  ) -> [UInt8] {
    var head = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    head += "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13\r\n"
    if !protocols.isEmpty { head += "Sec-WebSocket-Protocol: \(protocols.joined(separator: ", "))\r\n" }
    if let extensions { head += "Sec-WebSocket-Extensions: \(extensions)\r\n" }
    return Array((head + "\r\n").utf8)
  }
}
