import Wire

/// The relay state (connection.md 2.4, RELAY).
extension CommServer {
  mutating func forward(
    _ message: Connection.Message, from id: ConnectionID, _ relay: Connection.Relay, _ now: Double
  ) {
    if relay.isSwallowed {
      if !isStrict { countUnread(id, now) }
      return
    }
    touch(id, now)
    if relay.isListener { endSwallowing(relay.peer) }
    guard !settings.faults.isEmpty else {
      out.append(Self.action(message, to: relay.peer))
      return
    }
    forwardWithFaults(message, from: id, relay)
  }

  private static func action(_ message: Connection.Message, to id: ConnectionID) -> ServerAction {
    switch message {
    case .text(let text): .text(id, text)
    case .binary(let bytes): .binary(id, bytes)
    }
  }

  /// The requester counts from the end of its splice delay on, and at the latest from the listener's first message.
  private mutating func endSwallowing(_ id: ConnectionID) {
    guard case .relay(var relay)? = connections[id]?.state, relay.isSwallowed else { return }
    relay.isSwallowed = false
    connections[id]?.state = .relay(relay)
    setDeadline(id, nil)
    out.append(.splice(relay.peer, id))
  }

  mutating func touch(_ id: ConnectionID, _ now: Double) {
    guard settings.relayIdleTimeout != nil, case .relay(var relay)? = connections[id]?.state else { return }
    guard relay.isListener else {
      if case .relay(let other)? = connections[relay.peer]?.state, other.isListener { touch(relay.peer, now) }
      return
    }
    relay.lastActivity = now
    connections[id]?.state = .relay(relay)
  }

  func idleDeadline(_ lastActivity: Double) -> Double? {
    guard let timeout = settings.relayIdleTimeout, !has(.neverClosesIdleRelays) else { return nil }
    return lastActivity + max(1, timeout)
  }

  mutating func fireOnRelay(_ id: ConnectionID, _ relay: Connection.Relay, _ now: Double) {
    guard relay.isListener else { return endSwallowing(id) }
    if has(.pingsRelays) {
      send(.ping, to: id)
      return setDeadline(id, now + max(1, settings.pingInterval))
    }
    guard let deadline = idleDeadline(relay.lastActivity) else { return }
    if deadline > now { return setDeadline(id, deadline) }
    if has(.closesOneIdleLeg) {
      _ = remove(id)
      out.append(.close(id, code: 1_000, reason: reason(.idle)))
      return
    }
    close(id, .idle, now)
  }

  /// Closes the other leg with code 1000 and the same reason, whatever the code was.
  mutating func lostLeg(_ relay: Connection.Relay, code: UInt16?, reason: String, _ now: Double) {
    guard connections[relay.peer] != nil else { return }
    let isLoss = code == nil && reason.isEmpty
    if isLoss ? has(.leavesOtherLegOnLoss) : has(.leavesOtherLeg) { return }
    _ = remove(relay.peer)
    var text = reason
    if has(.dropsReason) { text = "" }
    if has(.addsToReason), !isLoss { text = CloseCause.cut("peer: " + reason) }
    if has(.reasonOnLoss), isLoss { text = "connection lost" }
    let sameCode = has(.passesCloseCode) ? code ?? 1_000 : 1_000
    out.append(.close(relay.peer, code: sameCode, reason: CloseCause.cut(text)))
  }

  // MARK: Planted faults

  private mutating func forwardWithFaults(
    _ message: Connection.Message, from id: ConnectionID, _ relay: Connection.Relay
  ) {
    var message = message
    var relay = relay
    relay.forwarded += 1
    if has(.losesFirstAnswer), relay.isListener, relay.forwarded == 1 { return remember(relay, id) }
    if has(.dropsEmptyMessages), message.length == 0 { return remember(relay, id) }
    if has(.swallowsPongTexts), reader.onSpare(message).isPong { return remember(relay, id) }
    switch message {
    case .text(let text):
      if has(.forwardsTextAsBinary) { message = .binary(Array(text.utf8)) }
      if has(.cutsLongMessages), text.utf8.count > 1 << 20 {
        message = .text(String(decoding: text.utf8.prefix(1 << 20), as: UTF8.self))
      }
    case .binary(var bytes):
      if has(.forwardsBinaryAsText) { message = .text(String(decoding: bytes, as: UTF8.self)) }
      if has(.cutsLongMessages), bytes.count > 1 << 20 { message = .binary(Array(bytes.prefix(1 << 20))) }
      if has(.altersBytes), !bytes.isEmpty {
        bytes[bytes.count - 1] ^= 1
        message = .binary(bytes)
      }
    }
    if has(.echoesRelayed) { out.append(Self.action(message, to: id)) }
    if has(.swapsMessages) {
      guard let held = relay.held else {
        // Every second message overtakes the one before it; the first goes at once, so that a relay comes up at all.
        if relay.forwarded > 1 { relay.held = message } else { out.append(Self.action(message, to: relay.peer)) }
        return remember(relay, id)
      }
      relay.held = nil
      out.append(Self.action(message, to: relay.peer))
      message = held
    }
    remember(relay, id)
    if has(.splitsMessages), message.length > 1_000, case .binary(let bytes) = message {
      out.append(.binary(relay.peer, Array(bytes[0..<1_000])))
      message = .binary(Array(bytes[1_000...]))
    }
    out.append(Self.action(message, to: relay.peer))
  }

  private mutating func remember(_ relay: Connection.Relay, _ id: ConnectionID) {
    guard case .relay(var current)? = connections[id]?.state else { return }
    current.forwarded = relay.forwarded
    current.held = relay.held
    connections[id]?.state = .relay(current)
  }
}

extension ClearMessageReader.OnSpare {
  /// True for ping and pong texts, both of which a relay has to pass on.
  var isPong: Bool { if case .pong = self { true } else { false } }
}
