import Cryptobox
import Dispatch
import FrameBytes
import Instance
import InstanceCases
import Network
import Wire

/// One probe on one socket, until its case can be decided.
struct LiveExchange {
  /// Ms of silence that count as staying open.
  var silence = 3_000.0

  private enum Item: Sendable {
    case event(WebSocketClient.Event)
    case tick
  }

  /// Plays the probe over an open socket. `first` is what already came in.
  func play(
    _ probe: ProbePeer, over client: WebSocketClient, first: [WireMessage] = [], _ one: LiveCase, _ profile: Profile
  ) async -> ProbePeer {
    await play(probe, over: client, first: first) { isDecided($0, one, profile, $1) }
  }

  /// Plays until the judge says that it has seen enough; it is asked with the time since the beginning, ms.
  func play(
    _ probe: ProbePeer, over client: WebSocketClient, first: [WireMessage] = [],
    until isDecided: @Sendable (ProbePeer, Double) -> Bool
  ) async -> ProbePeer {
    var probe = probe
    var random = SystemRandom()
    let began = DispatchTime.now().uptimeNanoseconds
    func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds - began) / 1e6 }
    let (items, source) = AsyncStream.makeStream(of: Item.self)
    let reader = Task {
      for await event in client.events { source.yield(.event(event)) }
    }
    let timer = DispatchSource.makeTimerSource()
    timer.schedule(deadline: .now(), repeating: .milliseconds(50))
    timer.setEventHandler { source.yield(.tick) }
    timer.activate()
    defer {
      timer.cancel()
      reader.cancel()
      client.close(CloseBody(code: 1_000, reason: "Close called."))
      client.cut()
    }
    var outputs = probe.opened(now: now(), random: &random)
    for message in first { outputs += probe.receive(message, now: now(), random: &random) }
    send(outputs, client)
    for await item in items {
      switch item {
      case .event(.text(let text)): send(probe.receive(.text(text), now: now(), random: &random), client)
      case .event(.binary(let bytes)): send(probe.receive(.binary(bytes), now: now(), random: &random), client)
      case .event(.close(let body)):
        probe.closed(reason: body.reason, now: now())
        return probe
      case .event(.ended), .event(.violation):
        probe.closed(reason: "", now: now())
        return probe
      case .event(.ping), .event(.pong): break
      case .tick:
        send(probe.tick(now: now(), random: &random), client)
        if isDecided(probe, now()) { return probe }
      }
    }
    return probe
  }

  private func send(_ outputs: [ProbePeer.Output], _ client: WebSocketClient) {
    for output in outputs {
      switch output {
      case .send(.text(let text)): client.send(text: text)
      case .send(.binary(let bytes)): client.send(binary: bytes)
      case .close(let reason): client.close(CloseBody(code: 1_000, reason: reason))
      }
    }
  }

  private func isDecided(_ probe: ProbePeer, _ one: LiveCase, _ profile: Profile, _ now: Double) -> Bool {
    // A probe that went through to its own close has nothing more to see; an unfinished exchange has a limit, too.
    if probe.isOver { return true }
    guard let acted = probe.seen.actedAt else {
      return now > one.patience(profile, silence: silence) + 10_000
    }
    if one.misbehaviour != nil, one.hasGoneThrough(probe.seen), now - acted > 1_000 { return true }
    return now - acted > one.patience(profile, silence: silence) + 1_000
  }
}
