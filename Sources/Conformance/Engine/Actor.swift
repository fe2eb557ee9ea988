import Scenario
import WebSocketWire
import WireBytes

/// One participant of a case: a link and the WebSocket endpoint on it.
struct Actor: Sendable {
  enum Phase: Sendable {
    case connecting
    /// The opening handshake is out, or awaited.
    case upgrading
    case open
    /// A bare TCP connection.
    case bare
    case ended
  }

  enum Item: Sendable {
    case message(Message)
    case pong([UInt8])
    /// An HTTP answer on a bare connection: `status` and the fields.
    case head(JSONValue)
    case closed(CloseInfo)
    /// TCP ended without a close frame before.
    case lost(reset: Bool)
    /// The target broke RFC 6455.
    case fault(FrameFault)

    var phrase: String {
      switch self {
      case .message(let message): WireText.describe(message)
      case .pong(let payload): "a WebSocket pong with \(payload.count) bytes"
      case .head(let head): "HTTP \(head.compact)"
      case .closed(let info): "a close with \(WireText.describe(info))"
      case .lost(let reset): reset ? "a TCP reset" : "the end of the TCP connection without a close frame"
      case .fault(let fault): "a breach of RFC 6455: \(fault)"
      }
    }
  }

  struct Received: Sendable {
    let item: Item
    let time: Double
  }

  let name: String
  let link: LinkID
  let isServer: Bool
  var phase = Phase.connecting
  var endpoint: Endpoint
  /// Bytes of the opening handshake, or of a bare connection.
  var buffer: [UInt8] = []
  var request = OpenStep(actor: "")
  var key = ""
  var inbox: [Received] = []
  var answersPings = false
  /// WebSocket pings that the engine sent to see whether the connection lives, and those that came back.
  var probes = 0
  var answeredProbes: Set<Int> = []
  /// Close frame or end that was already taken from the inbox.
  var taken: Item?
  /// The status of the answer to the opening handshake.
  var status: Int?
  var failure: String?

  /// Payload that marks a ping as the engine's own.
  static let probeMark = "chumgate-probe-"
}

/// Messages and closes in short, for logs and reports.
enum WireText {
  static let limit = 400

  static func describe(_ message: Message) -> String {
    switch message {
    case .text(let text):
      text.utf8.count <= limit ? "TEXT \(text)" : "TEXT \(text.prefix(limit - 40))… (\(text.utf8.count) bytes)"
    case .binary(let bytes):
      "BINARY \(Hex.encode(bytes.prefix(48)))\(bytes.count > 48 ? "…" : "") (\(bytes.count) bytes)"
    }
  }

  static func describe(_ info: CloseInfo) -> String {
    let code = info.code.map { "code \($0)" } ?? "no code"
    guard !info.reason.isEmpty else { return code }
    return "\(code), reason \(JSONText.quoted(String(decoding: info.reason, as: UTF8.self)))"
  }
}
