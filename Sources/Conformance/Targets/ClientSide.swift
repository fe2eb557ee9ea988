import WebSocketWire
import WireBytes

/// The client's end of one link in a world without sockets: opening handshake, frames, closing.
struct ClientSide: Sendable {
  enum Output: Sendable, Equatable {
    case opened
    case failed(String)
    case message(Message)
    case closed(code: UInt16?, reason: String)
  }

  private var endpoint: Endpoint
  private var head: [UInt8] = []
  private var bytes: [UInt8]
  private let key: String
  private(set) var isOpen = false
  private(set) var endsTCP = false
  private var isForgotten = false

  init(layer: Set<Endpoint.Fault>, messageLimit: Int, seed: UInt64) {
    var options = Endpoint.Options()
    options.messageLimit = messageLimit
    endpoint = Endpoint(role: .client, options: options, faults: layer, maskSeed: seed)
    key = Base64.encode((0..<16).map { UInt8(truncatingIfNeeded: seed >> (4 * $0)) })
    bytes = OpeningHandshake.request(host: "localhost", path: "/", key: key)
  }

  mutating func takeOutput() -> [UInt8] {
    defer { bytes = [] }
    return bytes + endpoint.takeOutput()
  }

  mutating func receive(_ input: [UInt8]) -> [Output] {
    guard isOpen else {
      head += input
      return upgrade()
    }
    var out: [Output] = []
    for event in endpoint.receive(input) {
      switch event {
      case .message(let message): if !isForgotten { out.append(.message(message)) }
      case .closed(let info):
        endsTCP = true
        if !isForgotten { out.append(.closed(code: info.code, reason: info.reasonText ?? "")) }
      case .fault:
        endsTCP = true
        if !isForgotten { out.append(.closed(code: nil, reason: "")) }
      case .ping, .pong: break
      }
    }
    return out
  }

  private mutating func upgrade() -> [Output] {
    do throws(OpeningHandshake.Failure) {
      guard let response = try OpeningHandshake.takeHead(&head) else { return [] }
      try OpeningHandshake.check(response, key: key, subprotocols: [], extensions: nil)
    } catch {
      endsTCP = true
      return isForgotten ? [] : [.failed("\(error)")]
    }
    isOpen = true
    let rest = head
    head = []
    return [.opened] + (rest.isEmpty ? [] : receive(rest))
  }

  mutating func send(_ message: Message) { endpoint.send(message) }

  /// A close of the machine's own: it has forgotten the socket.
  mutating func close(reason: String) {
    isForgotten = true
    guard isOpen else {
      endsTCP = true
      return
    }
    endpoint.sendClose(CloseInfo(code: 1000, reason: Array(reason.utf8)))
    if endpoint.receivedClose { endsTCP = true }
  }
}
