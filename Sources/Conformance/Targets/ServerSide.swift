import CommServer
import WebSocketWire
import WireBytes

/// The server's end of one link in a world without sockets: opening handshake, frames, closing.
///
/// It stands where Network's NIO pipeline stands in `chumgate serve`, and has the planted faults of that layer.
struct ServerSide: Sendable {
  enum Output: Sendable, Equatable {
    case opened
    case message(Message)
    case closed(code: UInt16?, reason: String)
  }

  private var endpoint: Endpoint
  private let faults: Set<Fault>
  private var head: [UInt8] = []
  private var bytes: [UInt8] = []
  private(set) var isOpen = false
  /// True when TCP is to end once the output is gone.
  private(set) var endsTCP = false
  private var isForgotten = false

  init(faults: Set<Fault>, layer: Set<Endpoint.Fault>) {
    self.faults = faults
    var layer = layer
    let map: [Fault: Endpoint.Fault] = [
      .ignoresWebSocketPing: .ignoresPings, .answersPingEmpty: .answersPingsEmpty,
      .deliversFragments: .countsFragmentsAsMessages, .toleratesBadUTF8: .acceptsInvalidUTF8,
      .toleratesUnmasked: .acceptsUnmaskedFrames, .toleratesReservedBits: .acceptsReservedBits,
      .closesLongWithOtherCode: .closesWithWrongCode,
    ]
    for fault in faults { if let other = map[fault] { layer.insert(other) } }
    endpoint = Endpoint(role: .server, faults: layer)
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
        // A reason that is no UTF-8 cannot come here; the endpoint has judged it before.
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
    let request: OpeningHandshake.Head
    do throws(OpeningHandshake.Failure) {
      guard let whole = try OpeningHandshake.takeHead(&head) else { return [] }
      request = whole
    } catch {
      bytes += Array("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".utf8)
      endsTCP = true
      return []
    }
    if faults.contains(.refusesOtherPaths), !request.startLine.hasPrefix("GET / ") {
      bytes += Array("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".utf8)
      endsTCP = true
      return []
    }
    let offered = request["sec-websocket-protocol"]?.split(separator: ",").first.map { String($0).filter { $0 != " " } }
    if faults.contains(.insistsOnSubprotocol), offered == nil {
      bytes += Array("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".utf8)
      endsTCP = true
      return []
    }
    var answer = OpeningHandshake.answer(to: request, subprotocol: offered)
    if faults.contains(.claimsCompression), answer.isOpen {
      answer.response.removeLast(2)
      answer.response += Array("Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n".utf8)
    }
    bytes += answer.response
    isOpen = answer.isOpen
    endsTCP = !isOpen
    guard isOpen else { return [] }
    let rest = head
    head = []
    return [.opened] + (rest.isEmpty ? [] : receive(rest))
  }

  mutating func send(_ message: Message) { endpoint.send(message) }

  /// A close of the machine's own: it has forgotten the socket.
  mutating func close(code: UInt16?, reason: String) {
    isForgotten = true
    endpoint.sendClose(CloseInfo(code: code, reason: Array(reason.utf8)))
    if endpoint.receivedClose { endsTCP = true }
  }
}
