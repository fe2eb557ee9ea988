import ClientMachines
import Cryptobox
import Scenario
import WebSocketWire
import Wire
import WireBytes

/// What an embedded client under test is: a listener with the acceptor's handshake behind it, or a requester.
struct ClientSettings: Sendable {
  var listener: ListenerSettings
  var requester: RequesterSettings
  /// Faults of the acceptor's handshake.
  var handshakeFaults: Set<HandshakeFault> = []
  /// Faults of the client's frames.
  var layer: Set<Endpoint.Fault> = []
  /// From communication_ready to the key box, ms; nil for ever (KA-108).
  var keyTimeout: Double?
  var messageLimit = 104_857_600

  init(profile: Profile) {
    listener = ListenerSettings(profile: profile)
    requester = RequesterSettings(profile: profile)
    if profile == .strict { keyTimeout = 15_000 }
  }
}

/// An embedded client, the sockets that it opens, and the clock, in one value; the case plays the server.
struct ClientWorld {
  private let settings: ClientSettings
  private let role: TargetRole
  private var listener: Listener
  private var requester: Requester
  private var acceptors: [SocketID: (handshake: AcceptorHandshake, deadline: Double?)] = [:]
  private let key: SecretKey
  private var random: SeededRandom
  private var sides: [LinkID: ClientSide] = [:]
  private var now = 0.0
  private var queue: [Delivery] = []
  private var head = 0

  private enum Delivery {
    case toClient(LinkID, [UInt8])
    case clientEnd(LinkID, reset: Bool)
    case toCase(TransportEvent)
    case command(String)
  }

  private static let eventLimit = 1_000_000
  /// The case numbers its own links from below.
  private static let firstLink = 1_000_000

  /// `key` is the client's; `peer` the one that a requester asks for.
  init(role: TargetRole, settings: ClientSettings, key: SecretKey, peer: PublicKey, seed: UInt64) {
    self.role = role
    self.settings = settings
    self.key = key
    random = SeededRandom(seed: seed ^ 0x5EED)
    listener = Listener(settings: settings.listener, key: key)
    requester = Requester(settings: settings.requester, key: key, peer: peer)
  }

  mutating func run(_ machine: inout CaseMachine) {
    apply(machine.start(at: now))
    var events = 0
    while !machine.isDone {
      events += 1
      guard events < Self.eventLimit else {
        apply(machine.abandon(at: now, because: "more than \(Self.eventLimit) events"))
        return
      }
      if let delivery = next() {
        deliver(delivery, &machine)
        continue
      }
      let own = [listener.nextDeadline, requester.nextDeadline, acceptors.values.compactMap(\.deadline).min()]
      guard let time = (own + [machine.nextDeadline]).compactMap({ $0 }).min() else {
        apply(machine.deadlock(at: now))
        return
      }
      now = max(now, time)
      // The client first: what it does at a moment counts as done at that moment.
      if own.compactMap({ $0 }).contains(where: { $0 <= now }) { runTimers() }
      guard head >= queue.count else { continue }
      if let deadline = machine.nextDeadline, deadline <= now { apply(machine.timer(at: now)) }
    }
  }

  private mutating func next() -> Delivery? {
    guard head < queue.count else {
      queue.removeAll(keepingCapacity: true)
      head = 0
      return nil
    }
    defer { head += 1 }
    return queue[head]
  }

  private mutating func runTimers() {
    let late = acceptors.filter { $0.value.deadline ?? .infinity <= now }.map(\.key).sorted()
    for id in late { end(id, .timeout) }
    hand(.timer)
  }

  private mutating func deliver(_ delivery: Delivery, _ machine: inout CaseMachine) {
    switch delivery {
    case .toCase(let event): apply(machine.handle(event, at: now))
    case .toClient(let link, let bytes):
      guard let outputs = sides[link]?.receive(bytes) else { return }
      for output in outputs { hand(event(output, id(link))) }
      flush(link)
    case .clientEnd(let link, _):
      guard let side = sides.removeValue(forKey: link) else { return }
      if side.isOpen {
        hand(.closed(id(link), code: nil, reason: ""))
      } else {
        hand(.failed(id(link), "the server ended the connection"))
      }
    case .command(let text): command(text)
    }
  }

  private func id(_ link: LinkID) -> SocketID { SocketID(UInt64(link.rawValue - Self.firstLink)) }
  private func link(_ id: SocketID) -> LinkID { LinkID(Self.firstLink + Int(truncatingIfNeeded: id.rawValue)) }

  private func event(_ output: ClientSide.Output, _ id: SocketID) -> SocketEvent {
    switch output {
    case .opened: .opened(id)
    case .failed(let reason): .failed(id, reason)
    case .message(.text(let text)): .text(id, text)
    case .message(.binary(let bytes)): .binary(id, bytes)
    case .closed(let code, let reason): .closed(id, code: code, reason: reason)
    }
  }

  private mutating func command(_ text: String) {
    switch (try? JSONValue.parse(text))?["command"]?.string {
    case "start": act(listener.start(at: now))
    case "connect": act(requester.start(at: now))
    case "stop":
      if role == .listener { act(listener.stop(at: now)) } else { act(requester.stop(at: now)) }
      if settings.listener.faults.contains(.stopsRelaysToo) { for id in acceptors.keys.sorted() { end(id, .stopped) } }
    default: report(["event": "unknown command"])
    }
  }

  // MARK: The machines

  private mutating func hand(_ event: SocketEvent) {
    if let id = event.socketID, acceptors[id] != nil { return accept(event, id) }
    if role == .listener {
      act(listener.handle(event, at: now, random: &random))
    } else {
      act(requester.handle(event, at: now, random: &random))
    }
  }

  private mutating func accept(_ event: SocketEvent, _ id: SocketID) {
    switch event {
    case .text(_, let text): steps(acceptors[id]?.handshake.text(text) ?? [], id)
    case .binary(_, let bytes): steps(acceptors[id]?.handshake.binary(bytes, random: &random) ?? [], id)
    case .closed:
      acceptors[id] = nil
      report(["event": "acceptor closed"])
    default: break
    }
  }

  private mutating func steps(_ steps: [AcceptorHandshake.Step], _ id: SocketID) {
    for step in steps {
      switch step {
      case .text(let text): carryOut([.text(id, text)])
      case .binary(let bytes): carryOut([.binary(id, bytes)])
      case .established(let key):
        acceptors[id]?.deadline = nil
        report(["event": "established", "key": .string(key.fingerprint)])
      case .failed(let cause): end(id, cause)
      }
    }
  }

  private mutating func end(_ id: SocketID, _ cause: EndCause) {
    acceptors[id] = nil
    carryOut([.close(id, reason: cause.text(settings.listener.profile))])
    report(["event": "handshake failed"])
  }

  private mutating func act(_ result: (actions: [SocketAction], notices: [Listener.Notice])) {
    carryOut(result.actions)
    for notice in result.notices {
      switch notice {
      case .listening(let isListening): report(["event": isListening ? "listening" : "not listening"])
      case .serverKeyChanged: report(["event": "server key changed"])
      case .handedOver(let id, let source, let target):
        var handshake = AcceptorHandshake(
          keys: [key], profile: settings.listener.profile, faults: settings.handshakeFaults)
        let first = handshake.request(source: source, target: target)
        let waits = settings.handshakeFaults.contains(.waitsForeverForKey) ? nil : settings.keyTimeout
        acceptors[id] = (handshake, waits.map { now + $0 })
        steps(first, id)
      }
    }
  }

  private mutating func act(_ result: (actions: [SocketAction], notices: [Requester.Notice])) {
    carryOut(result.actions)
    for notice in result.notices {
      switch notice {
      case .established(_, let key): report(["event": "established", "key": .string(key.fingerprint)])
      case .failed(let failure): report(["event": "failed", "reason": .string(failure.rawValue)])
      }
    }
  }

  private mutating func report(_ members: KeyValuePairs<String, JSONValue>) {
    queue.append(.toCase(.report(JSONValue.object(JSONObject(members)).compact)))
  }

  private mutating func carryOut(_ actions: [SocketAction]) {
    for action in actions {
      switch action {
      case .open(let id):
        sides[link(id)] = ClientSide(layer: settings.layer, messageLimit: settings.messageLimit, seed: random.next())
        queue.append(.toCase(.incoming(link(id))))
        flush(link(id))
      case .text(let id, let text):
        sides[link(id)]?.send(.text(text))
        flush(link(id))
      case .binary(let id, let bytes):
        sides[link(id)]?.send(.binary(bytes))
        flush(link(id))
      case .close(let id, let reason):
        sides[link(id)]?.close(reason: reason)
        flush(link(id))
      }
    }
  }

  private mutating func flush(_ link: LinkID) {
    guard let bytes = sides[link]?.takeOutput() else { return }
    if !bytes.isEmpty { queue.append(.toCase(.bytes(link, bytes))) }
    guard sides[link]?.endsTCP == true else { return }
    sides[link] = nil
    queue.append(.toCase(.ended(link, reset: false)))
  }

  private mutating func apply(_ actions: [TransportAction]) {
    for action in actions {
      switch action {
      case .bytes(let link, let bytes): queue.append(.toClient(link, bytes))
      case .end(let link, let reset): queue.append(.clientEnd(link, reset: reset))
      case .command(let text): queue.append(.command(text))
      // A case that plays the server opens nothing, and its client never reads slowly.
      case .connect(let link): queue.append(.toCase(.failed(link, "the target is a client")))
      case .reading: break
      }
    }
  }
}

extension SocketEvent {
  fileprivate var socketID: SocketID? {
    switch self {
    case .opened(let id), .failed(let id, _), .text(let id, _), .binary(let id, _), .closed(let id, _, _): id
    case .timer: nil
    }
  }
}
