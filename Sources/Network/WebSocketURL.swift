/// A `ws:` or `wss:` URL, as far as a client needs it.
public struct WebSocketURL: Sendable, Equatable, CustomStringConvertible {
  public let isSecure: Bool
  /// Without the brackets of an IPv6 address.
  public let host: String
  public let port: Int
  /// Path and query, at least `/`.
  public let path: String

  /// Nil when the text is no such URL.
  public init?(_ text: String) {
    let secure = text.lowercased().hasPrefix("wss://")
    guard secure || text.lowercased().hasPrefix("ws://"), text.utf8.count <= 4_096 else { return nil }
    let rest = text.dropFirst(secure ? 6 : 5)
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let tail = rest.dropFirst(authority.count).prefix { $0 != "#" }
    guard tail.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !authority.contains("@") else { return nil }
    var portText: Substring?
    if authority.hasPrefix("[") {
      guard let end = authority.firstIndex(of: "]") else { return nil }
      host = String(authority[authority.index(after: authority.startIndex)..<end])
      let behind = authority[authority.index(after: end)...]
      guard behind.isEmpty || behind.hasPrefix(":") else { return nil }
      portText = behind.isEmpty ? nil : behind.dropFirst()
    } else {
      let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count <= 2 else { return nil }
      host = String(parts[0])
      portText = parts.count == 2 ? parts[1] : nil
    }
    guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
    if let portText {
      guard let number = Int(portText), (1...65_535).contains(number) else { return nil }
      port = number
    } else {
      port = secure ? 443 : 80
    }
    isSecure = secure
    path = tail.hasPrefix("/") ? String(tail) : "/" + tail
  }

  public var authority: String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }
  public var description: String { "\(isSecure ? "wss" : "ws")://\(authority)\(path)" }
}
