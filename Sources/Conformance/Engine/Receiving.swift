import Cryptobox
import Scenario
import WebSocketWire
import WireBytes

/// What comes in: bytes become messages in the inboxes of the actors.
extension CaseMachine {
  mutating func take(_ event: TransportEvent) {
    switch event {
    case .held(let link):
      if held.isEmpty { heldSince = now }
      held.insert(link)
    case .dialled(let link):
      if held.remove(link) != nil, held.isEmpty { resumeTime() }
    case .connected(let link):
      guard let name = names[link], actors[name]?.phase == .connecting else { return }
      begin(name)
    case .failed(let link, let reason):
      guard let name = names[link] else { return }
      actors[name]?.phase = .ended
      actors[name]?.failure = reason
      log(name, .note, "cannot connect: \(reason)")
    case .bytes(let link, let bytes):
      guard let name = names[link] else {
        if incoming.contains(link), unclaimed[link]?.count ?? 0 < 1 << 20 { unclaimed[link, default: []] += bytes }
        return
      }
      receive(bytes, name)
    case .ended(let link, let reset):
      guard let name = names[link] else {
        unclaimed[link] = nil
        return incoming.removeAll { $0 == link }
      }
      end(name, reset: reset)
    case .incoming(let link): incoming.append(link)
    case .report(let text):
      log("target", .received, text)
      reports.append(Actor.Received(item: .message(.text(text)), time: now))
    }
  }

  /// TCP stands: the opening handshake goes out, unless the connection is to stay bare.
  private mutating func begin(_ name: String) {
    guard let actor = actors[name] else { return }
    log(name, .note, "connected")
    if actor.request.isBare {
      actors[name]?.phase = .bare
      return
    }
    actors[name]?.phase = .upgrading
    guard !actor.isServer else { return }
    let key = Base64.encode(evaluator.random.bytes(16))
    actors[name]?.key = key
    var fields: [(name: String, value: String)] = []
    for field in actor.request.fields { fields.append((field.name, (try? evaluator.value(field.value).text) ?? "")) }
    let path = (try? evaluator.value(actor.request.path).text) ?? "/"
    let request = OpeningHandshake.request(
      host: hostName, path: path, key: key, subprotocols: actor.request.subprotocols,
      extensions: actor.request.extensions,
      fields: fields)
    actions.append(.bytes(actor.link, request))
  }

  /// On a bare connection the answers to a step's own HTTP are told by their heads; what follows is not read.
  private mutating func takeHead(_ name: String) {
    guard var buffer = actors[name]?.buffer, let head = try? OpeningHandshake.takeHead(&buffer) else { return }
    actors[name]?.buffer = buffer
    var object = JSONObject()
    object.append("status", .number(Double(head.status ?? 0)))
    for field in head.fields { object.append(field.name, .string(field.value)) }
    log(name, .received, head.startLine)
    push(.head(.object(object)), name)
  }

  private var hostName: String {
    if case .text(let host)? = evaluator.variables["host"] { host } else { "localhost" }
  }

  mutating func receive(_ bytes: [UInt8], _ name: String) {
    switch actors[name]?.phase {
    case .upgrading:
      actors[name]?.buffer += bytes
      upgrade(name)
    case .open: deliver(bytes, name)
    case .bare:
      if actors[name]?.buffer.count ?? 0 < 65_536 { actors[name]?.buffer += bytes }
      takeHead(name)
    default: break
    }
  }

  private mutating func upgrade(_ name: String) {
    guard var actor = actors[name] else { return }
    do throws(OpeningHandshake.Failure) {
      guard let head = try OpeningHandshake.takeHead(&actor.buffer) else {
        actors[name] = actor
        return
      }
      let rest = actor.buffer
      actor.buffer = []
      if actor.isServer {
        let answer = OpeningHandshake.answer(to: head)
        actions.append(.bytes(actor.link, answer.response))
        actor.status = answer.isOpen ? 101 : 400
        actor.phase = answer.isOpen ? .open : .ended
      } else {
        actor.status = head.status
        if actor.request.status == 101 {
          try OpeningHandshake.check(
            head, key: actor.key, subprotocols: actor.request.subprotocols, extensions: actor.request.extensions)
        }
        actor.phase = head.status == 101 ? .open : .ended
      }
      actors[name] = actor
      if actor.phase == .ended {
        actions.append(.end(actor.link, reset: false))
        if actor.request.status == nil { push(.lost(reset: false), name) }
      }
      log(name, .note, actor.isServer ? "opening handshake: \(head.startLine)" : "opening handshake: \(head.startLine)")
      if actor.phase == .open, !rest.isEmpty { deliver(rest, name) }
    } catch {
      actor.phase = .ended
      actor.failure = "\(error)"
      actors[name] = actor
      actions.append(.end(actor.link, reset: false))
      log(name, .note, "opening handshake fails: \(error)")
      if !actor.request.awaits || actor.request.status == nil { push(.lost(reset: false), name) }
    }
  }

  private mutating func deliver(_ bytes: [UInt8], _ name: String) {
    guard let events = actors[name]?.endpoint.receive(bytes) else { return }
    for event in events {
      switch event {
      case .message(let message):
        log(name, .received, WireText.describe(message))
        if isPingToAnswer(message, name) { continue }
        push(.message(message), name)
      case .ping(let payload): log(name, .received, "WebSocket ping, \(payload.count) bytes")
      case .pong(let payload): takePong(payload, name)
      case .closed(let info):
        log(name, .received, "CLOSE \(WireText.describe(info))")
        push(.closed(info), name)
        if actors[name]?.endpoint.sentClose == true { flushAndEnd(name) }
      case .fault(let fault):
        log(name, .note, "breach of RFC 6455: \(fault)")
        push(.fault(fault), name)
        flushAndEnd(name)
      }
    }
  }

  /// The close handshake is over: what was written goes out, then TCP ends.
  private mutating func flushAndEnd(_ name: String) {
    guard let actor = actors[name], actor.phase == .open else { return }
    flush()
    actions.append(.end(actor.link, reset: false))
    actors[name]?.phase = .ended
  }

  /// The protocol's own pings, when no step is to deal with them (connection.md 2.6).
  private mutating func isPingToAnswer(_ message: Message, _ name: String) -> Bool {
    guard actors[name]?.answersPings == true, case .text(let text) = message, text.utf8.count < 200,
      let command = (try? JSONValue.parse(text))?["command"]?.string
    else { return false }
    if command == "connection_handover" { actors[name]?.answersPings = false }
    guard command == "ping" else { return false }
    send(.text(#"{"command":"pong"}"#), name)
    return true
  }

  private mutating func takePong(_ payload: [UInt8], _ name: String) {
    let text = String(decoding: payload, as: UTF8.self)
    if text.hasPrefix(Actor.probeMark), let number = Int(text.dropFirst(Actor.probeMark.count)) {
      actors[name]?.answeredProbes.insert(number)
      return
    }
    log(name, .received, "WebSocket pong, \(payload.count) bytes")
    push(.pong(payload), name)
  }

  private mutating func end(_ name: String, reset: Bool) {
    guard let actor = actors[name], actor.phase != .ended else { return }
    let hadClose = actor.endpoint.receivedClose
    actors[name]?.phase = .ended
    if actor.phase == .upgrading || actor.phase == .connecting {
      actors[name]?.failure = reset ? "a TCP reset" : "the end of the TCP connection in the opening handshake"
    }
    guard !hadClose else { return }
    log(name, .note, reset ? "TCP reset" : "TCP ended")
    push(.lost(reset: reset), name)
  }

  private mutating func push(_ item: Actor.Item, _ name: String) {
    actors[name]?.inbox.append(Actor.Received(item: item, time: now))
  }

  mutating func send(_ message: Message, _ name: String) {
    actors[name]?.endpoint.send(message)
    log(name, .sent, WireText.describe(message))
  }
}
