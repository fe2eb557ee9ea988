public import CommServer
import Cryptobox
public import WebSocketWire
import WireBytes

/// The embedded CommServer, all its sockets and its clock in one value: fifteen minutes pass in a microsecond, and the
/// same seed gives the same bytes.
public struct ServerWorld {
  private var server: CommServer
  private var random: SeededRandom
  private var sides: [LinkID: ServerSide] = [:]
  private let layer: Set<Endpoint.Fault>
  private var now = 0.0
  private var queue: [Delivery] = []
  private var head = 0
  /// Links whose client does not read; the bytes for them wait here.
  private var paused: [LinkID: [UInt8]] = [:]
  /// Sockets that wait for the client's close frame, with the time at which the server stops waiting.
  private var closing: [LinkID: Double] = [:]

  private enum Delivery {
    case toServer(LinkID, [UInt8])
    case serverEnd(LinkID)
    case toCase(TransportEvent)
    case command(String)
  }

  /// How long the server waits for a close frame that answers its own.
  private static let closeTimeout = 2_000.0
  /// Events of one case; a case that needs more goes round in circles.
  private static let eventLimit = 4_000_000

  public init(settings: CommServerSettings, layer: Set<Endpoint.Fault> = [], seed: UInt64) {
    random = SeededRandom(seed: seed)
    server = CommServer(settings: settings, random: &random)
    self.layer = layer
  }

  /// Runs a case to its end.
  public mutating func run(_ machine: inout CaseMachine) {
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
      let times = [server.nextDeadline, machine.nextDeadline, closing.values.min()].compactMap { $0 }
      guard let time = times.min() else {
        apply(machine.deadlock(at: now))
        return
      }
      now = max(now, time)
      // The server first: what it does at a moment counts as done at that moment.
      if let deadline = server.nextDeadline, deadline <= now { act(server.handle(.timer, at: now, random: &random)) }
      for link in closing.keys.sorted(by: { $0.rawValue < $1.rawValue }) where closing[link] ?? .infinity <= now {
        finish(link)
      }
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

  private mutating func deliver(_ delivery: Delivery, _ machine: inout CaseMachine) {
    switch delivery {
    case .toCase(let event): apply(machine.handle(event, at: now))
    case .toServer(let link, let bytes):
      guard let outputs = sides[link]?.receive(bytes) else { return }
      for output in outputs { report(output, link) }
      flush(link)
    case .serverEnd(let link):
      guard let side = sides.removeValue(forKey: link) else { return }
      closing[link] = nil
      if side.isOpen { act(server.handle(.closed(id(link), code: nil, reason: ""), at: now, random: &random)) }
    case .command(let text):
      if (try? JSONValue.parse(text))?["command"] == "stop" {
        act(server.handle(.stop, at: now, random: &random))
      } else {
        queue.append(.toCase(.report(#"{"event":"unsupported"}"#)))
      }
    }
  }

  private func id(_ link: LinkID) -> ConnectionID { ConnectionID(UInt64(link.rawValue)) }

  private mutating func report(_ output: ServerSide.Output, _ link: LinkID) {
    let event: ServerEvent =
      switch output {
      case .opened: .opened(id(link), address: "127.0.0.1")
      case .message(.text(let text)): .text(id(link), text)
      case .message(.binary(let bytes)): .binary(id(link), bytes)
      case .closed(let code, let reason): .closed(id(link), code: code, reason: reason)
      }
    act(server.handle(event, at: now, random: &random))
  }

  private mutating func act(_ actions: [ServerAction]) {
    for action in actions {
      switch action {
      case .text(let id, let text): sides[link(id)]?.send(.text(text))
      case .binary(let id, let bytes): sides[link(id)]?.send(.binary(bytes))
      case .close(let id, let code, let reason):
        sides[link(id)]?.close(code: code, reason: reason)
        if sides[link(id)] != nil { closing[link(id)] = now + Self.closeTimeout }
      case .splice: continue
      }
      switch action {
      case .text(let id, _), .binary(let id, _), .close(let id, _, _): flush(link(id))
      case .splice: break
      }
    }
  }

  private func link(_ id: ConnectionID) -> LinkID { LinkID(Int(truncatingIfNeeded: id.rawValue)) }

  private mutating func flush(_ link: LinkID) {
    guard let bytes = sides[link]?.takeOutput() else { return }
    if !bytes.isEmpty {
      if paused[link] != nil {
        paused[link]?.append(contentsOf: bytes)
      } else {
        queue.append(.toCase(.bytes(link, bytes)))
      }
    }
    if sides[link]?.endsTCP == true { finish(link) }
  }

  /// The server ends TCP.
  private mutating func finish(_ link: LinkID) {
    guard sides.removeValue(forKey: link) != nil else { return }
    closing[link] = nil
    queue.append(.toCase(.ended(link, reset: false)))
  }

  private mutating func apply(_ actions: [TransportAction]) {
    for action in actions {
      switch action {
      case .connect(let link):
        sides[link] = ServerSide(faults: server.settings.faults, layer: layer)
        queue.append(.toCase(.connected(link)))
      case .bytes(let link, let bytes): queue.append(.toServer(link, bytes))
      case .end(let link, _): queue.append(.serverEnd(link))
      case .reading(let link, true):
        guard let waiting = paused.removeValue(forKey: link), !waiting.isEmpty else { continue }
        queue.append(.toCase(.bytes(link, waiting)))
      case .reading(let link, false): paused[link] = []
      case .command(let text): queue.append(.command(text))
      }
    }
  }
}
