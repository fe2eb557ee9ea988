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
    /// A clear message became too long before it ended; the driver reads no more of it.
    case oversized
    case closed(code: UInt16?, reason: String)
  }

  private var endpoint: Endpoint
  private let machineFaults: Set<Fault>
  private let faults: Set<SideFault>
  private var head: [UInt8] = []
  private var bytes: [UInt8] = []
  private(set) var isOpen = false
  /// True when TCP is to end once the output is gone.
  private(set) var endsTCP = false
  private var isForgotten = false
  /// Bytes of a message before the relay state; nil when none are counted any more.
  private var clearLimit: Int?

  init(machineFaults: Set<Fault>, faults: Set<SideFault>, layer: Set<Endpoint.Fault>, clearLimit: Int?) {
    self.machineFaults = machineFaults
    self.faults = faults
    self.clearLimit = machineFaults.contains(.parsesLongMessages) ? nil : clearLimit
    var layer = layer
    let map: [Fault: Endpoint.Fault] = [
      .ignoresWebSocketPing: .ignoresPings, .answersPingEmpty: .answersPingsEmpty,
      .deliversFragments: .countsFragmentsAsMessages, .toleratesBadUTF8: .acceptsInvalidUTF8,
      .toleratesUnmasked: .acceptsUnmaskedFrames, .toleratesReservedBits: .acceptsReservedBits,
      .closesLongWithOtherCode: .closesWithWrongCode,
    ]
    if faults.contains(.deliversBehindClose) { layer.insert(.readsBehindClose) }
    for fault in machineFaults { if let other = map[fault] { layer.insert(other) } }
    endpoint = Endpoint(role: .server, faults: layer)
  }

  mutating func takeOutput() -> [UInt8] {
    defer { bytes = [] }
    return bytes + endpoint.takeOutput()
  }

  mutating func receive(_ input: [UInt8]) -> [Output] {
    guard isOpen else {
      head += input
      return upgrade(input.count)
    }
    return events(of: input)
  }

  private mutating func events(of input: [UInt8]) -> [Output] {
    if faults.contains(.takesHugeLengths), input.starts(with: [0x82, 0xFF, 0xFF]) { return [] }
    var out: [Output] = []
    for event in endpoint.receive(input) {
      switch event {
      case .message(let message): if !isForgotten { out.append(.message(altered(message))) }
      case .closed(let info):
        endsTCP = true
        // A reason that is no UTF-8 cannot come here; the endpoint has judged it before.
        if !isForgotten { out.append(.closed(code: info.code, reason: info.reasonText ?? "")) }
      case .fault:
        endsTCP = true
        if !isForgotten { out.append(.closed(code: nil, reason: "")) }
      case .pong where faults.contains(.takesWebSocketPongs):
        out.append(.message(.text(#"{"command":"pong"}"#)))
      case .ping, .pong: break
      }
      if faults.contains(.readsOneFrameOfASegment) { break }
    }
    if faults.contains(.deliversBehindClose) {
      out =
        out.filter { if case .closed = $0 { false } else { true } }
        + out.filter { if case .closed = $0 { true } else { false } }
    }
    if let limit = clearLimit, endpoint.unfinishedBytes > limit, !isForgotten { out.append(.oversized) }
    if faults.contains(.readsWholeFramesOnly), endpoint.unfinishedBytes > 0, !isForgotten {
      endpoint.sendClose(CloseInfo(code: 1002))
      endsTCP = true
      out.append(.closed(code: nil, reason: ""))
    }
    return out
  }

  private func altered(_ message: Message) -> Message {
    guard faults.contains(.cutsAtLengthBorders), case .binary(let bytes) = message,
      [125, 126, 65_535, 65_536].contains(bytes.count)
    else { return message }
    return .binary(Array(bytes.dropLast()))
  }

  // MARK: Opening handshake

  private mutating func refuse(_ status: String) -> [Output] {
    bytes += Array("HTTP/1.1 \(status)\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".utf8)
    endsTCP = true
    return []
  }

  private mutating func upgrade(_ size: Int) -> [Output] {
    let request: OpeningHandshake.Head
    do throws(OpeningHandshake.Failure) {
      guard let whole = try OpeningHandshake.takeHead(&head) else {
        if faults.contains(.wantsHeadAtOnce), size > 0 { endsTCP = true }
        return []
      }
      request = whole
    } catch {
      return refuse("400 Bad Request")
    }
    if machineFaults.contains(.refusesOtherPaths), !request.startLine.hasPrefix("GET / ") {
      return refuse("404 Not Found")
    }
    if faults.contains(.checksOrigin), request["origin"] != nil { return refuse("403 Forbidden") }
    if faults.contains(.refusesExtensions), request["sec-websocket-extensions"] != nil {
      return refuse("400 Bad Request")
    }
    let offered = request["sec-websocket-protocol"]?.split(separator: ",").first.map { String($0).filter { $0 != " " } }
    if faults.contains(.refusesSubprotocols), offered != nil { return refuse("400 Bad Request") }
    if machineFaults.contains(.insistsOnSubprotocol), offered == nil { return refuse("400 Bad Request") }
    var answer = OpeningHandshake.answer(
      to: request, subprotocol: faults.contains(.inventsSubprotocol) ? "invented" : offered)
    if faults.contains(.upgradesAnything) {
      answer = (Array("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n\r\n".utf8), answer.isOpen)
    }
    if faults.contains(.wrongAcceptKey) {
      answer.response = Array(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"
          .utf8)
    }
    if machineFaults.contains(.claimsCompression), answer.isOpen {
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

  // MARK: Sending

  mutating func send(_ message: Message) { endpoint.send(message) }

  /// From the relay on messages may be as long as the endpoint allows.
  mutating func spliced() { clearLimit = nil }

  /// A close of the machine's own: it has forgotten the socket.
  mutating func close(code: UInt16?, reason: String) {
    isForgotten = true
    endpoint.sendClose(CloseInfo(code: code, reason: Array(reason.utf8)))
    if endpoint.receivedClose { endsTCP = true }
  }
}
