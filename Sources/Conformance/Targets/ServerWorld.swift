public import CommServer
import Cryptobox
import WebSocketWire
import WireBytes

/// The embedded CommServer, all its sockets and its clock in one value: fifteen minutes pass in a microsecond, and the
/// same seed gives the same bytes.
public struct ServerWorld {
  private var server: CommServer
  private var random: SeededRandom
  private var sides: [LinkID: ServerSide] = [:]
  private let layer: Set<Endpoint.Fault>
  private let sideFaults: Set<SideFault>
  private var meddler: Meddler
  private var now = 0.0
  private var queue: [Delivery] = []
  private var head = 0
  /// Links whose client does not read; the bytes for them wait here.
  private var paused: [LinkID: [UInt8]] = [:]
  /// Sockets with an unfinished opening handshake, with the time at which the server stops waiting.
  private var opening: [LinkID: Double] = [:]
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

  public init(settings: CommServerSettings, variant: Variant = .none, seed: UInt64) {
    random = SeededRandom(seed: seed)
    var settings = settings
    variant.apply(to: &settings)
    // Some planted faults have to read what the server seals.
    if settings.secretKey == nil { settings.secretKey = random.secretKey() }
    server = CommServer(settings: settings, random: &random)
    layer = variant.layer
    sideFaults = variant.side
    meddler = Meddler(faults: variant.meddling, settings: settings)
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
      let times = [
        server.nextDeadline, machine.nextDeadline, closing.values.min(), opening.values.min(), meddler.nextDeadline,
      ].compactMap { $0 }
      guard let time = times.min() else {
        apply(machine.deadlock(at: now))
        return
      }
      now = max(now, time)
      // The server first: what it does at a moment counts as done at that moment.
      if let deadline = server.nextDeadline, deadline <= now { act(server.handle(.timer, at: now, random: &random)) }
      if let deadline = meddler.nextDeadline, deadline <= now {
        let due = meddler.timer(now)
        for event in due.events { act(server.handle(event, at: now, random: &random)) }
        carryOut(due.actions)
      }
      let late = closing.filter { $0.value <= now }.map(\.key) + opening.filter { $0.value <= now }.map(\.key)
      for link in late.sorted(by: { $0.rawValue < $1.rawValue }) { finish(link) }
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
      opening[link] = nil
      if side.isOpen { hand(.closed(id(link), code: nil, reason: "")) }
    case .command(let text):
      if (try? JSONValue.parse(text))?["command"] == "stop" {
        hand(.stop)
      } else {
        queue.append(.toCase(.report(#"{"event":"unsupported"}"#)))
      }
    }
  }

  private func id(_ link: LinkID) -> ConnectionID { ConnectionID(UInt64(link.rawValue)) }

  private mutating func report(_ output: ServerSide.Output, _ link: LinkID) {
    if output == .opened { opening[link] = nil }
    switch output {
    case .opened: hand(.opened(id(link), address: "127.0.0.1"))
    case .message(.text(let text)): hand(.text(id(link), text))
    case .message(.binary(let bytes)): hand(.binary(id(link), bytes))
    case .oversized: hand(.oversized(id(link)))
    case .closed(let code, let reason): hand(.closed(id(link), code: code, reason: reason))
    }
  }

  private mutating func hand(_ event: ServerEvent) {
    let meddled = meddler.into(event, now)
    for event in meddled.events { act(server.handle(event, at: now, random: &random)) }
    carryOut(meddled.actions)
  }

  private mutating func act(_ actions: [ServerAction]) {
    for action in actions {
      let meddled = meddler.out(action, now)
      carryOut(meddled.actions)
      for event in meddled.events { act(server.handle(event, at: now, random: &random)) }
    }
  }

  private mutating func carryOut(_ actions: [ServerAction]) {
    for action in actions {
      switch action {
      case .text(let id, let text): sides[link(id)]?.send(.text(text))
      case .binary(let id, let bytes): sides[link(id)]?.send(.binary(bytes))
      case .close(let id, let code, let reason):
        sides[link(id)]?.close(code: code, reason: reason)
        if sides[link(id)] != nil { closing[link(id)] = now + Self.closeTimeout }
      case .splice(let one, let other):
        sides[link(one)]?.spliced()
        sides[link(other)]?.spliced()
        continue
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
      if let waiting = paused[link] {
        if !sideFaults.contains(.dropsForSlowReaders) || waiting.count < 65_536 {
          paused[link]?.append(contentsOf: bytes)
        }
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
    opening[link] = nil
    queue.append(.toCase(.ended(link, reset: false)))
  }

  private mutating func apply(_ actions: [TransportAction]) {
    for action in actions {
      switch action {
      case .connect(let link):
        let settings = server.settings
        sides[link] = ServerSide(
          machineFaults: settings.faults, faults: sideFaults, layer: layer, clearLimit: settings.clearMessageLimit)
        if let limit = settings.firstMessageTimeout, !sideFaults.contains(.noHandshakeLimit) {
          opening[link] = now + limit
        }
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
