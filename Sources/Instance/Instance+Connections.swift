import Cryptobox
import Wire
import WireBytes

/// Sockets, handshakes and layers of the connections (connection.md 3).
extension Instance {
  // MARK: Socket events

  mutating func opened(_ id: SocketID, _ now: Double, _ random: inout some RandomSource) {
    if listenerOpened(id, now) { return }
    guard var connection = connections[id], connection.stage == .opening else { return }
    if case .join(let join) = connection.origin, settings.broker != .off, !join.isFallback {
      connection.stage = .brokering
      connection.deadline = settings.stepTimeout.map { now + $0 }
      connections[id] = connection
      let invitation = XInvitation.invitationId(token: join.invitation.token)
      let message = BrokerMessage.connect(invitationId: invitation, source: join.source.publicKey.hex)
      return out.append(.send(id, .text(message.text)))
    }
    connection.stage = .handshake
    connection.deadline = has(.waitsForKey) ? nil : settings.stepTimeout.map { now + $0 }
    let outputs = connection.link.start()
    connections[id] = connection
    process(outputs, of: id, now, &random)
  }

  /// A socket whose next message is to be a communication_request.
  mutating func accept(_ id: SocketID, _ origin: Connection.Origin, _ now: Double) {
    guard connections[id] == nil else { return }
    let keys = keychain.identities.map(\.instanceKey)
    let link = SecureLink.accepting(keys: keys, settings: settings, box: box)
    var connection = Connection(origin: origin, link: link, stage: .handshake)
    if !has(.waitsForRequest) { connection.deadline = settings.requestTimeout.map { now + $0 } }
    if isStrict, !has(.unlimitedHandshakes), let limit = settings.halfOpen {
      let open = connections.values.count { $0.isHalfOpen }
      if open >= limit { return out.append(.close(id, reason: EndCause.tooMany.reason(settings.profile))) }
    }
    connections[id] = connection
  }

  mutating func receive(
    _ message: WireMessage, on id: SocketID, _ now: Double, _ random: inout some RandomSource
  ) {
    let message =
      settings.defects.isDisjoint(with: Overstrict.defects) ? message : Overstrict.bent(message, settings.defects)
    if listenerReceived(message, on: id, now, &random) { return }
    guard let connection = connections[id] else { return }
    if has(.losesRequestBehindHandover), case .listener = connection.origin, !connection.link.awaitsKey,
      connection.isHalfOpen
    {
      return
    }
    switch connection.stage {
    case .opening: return
    case .brokering: brokerAnswered(message, on: id, connection, now, &random)
    default:
      if connection.isHalfOpen, !connection.link.awaitsKey, !isWelcome(message, id, connection, now, &random) { return }
      if has(.pongsAfterHandover), message == .text(CommServerMessage.ping.text) {
        return out.append(.send(id, .text(CommServerMessage.pong.text)))
      }
      var link = connection.link
      let wasWaiting = link.awaitsKey
      // The table lets go of its copy, so that the layers work on their own buffers.
      let empty = SecureLink.accepting(keys: [], settings: settings, box: box)
      connections[id]?.link = empty
      let outputs = link.receive(message, now: now, random: &random)
      connections[id]?.link = link
      if !wasWaiting, link.awaitsKey, !link.isSecure, connection.isHalfOpen {
        let deadline = has(.waitsForKey) ? nil : settings.keyTimeout.map { now + $0 }
        connections[id]?.deadline = deadline
      }
      process(outputs, of: id, now, &random)
    }
  }

  /// Looks at a communication_request before the handshake does: bounds per key, and what a broker announced.
  private mutating func isWelcome(
    _ message: WireMessage, _ id: SocketID, _ connection: Connection, _ now: Double,
    _ random: inout some RandomSource
  ) -> Bool {
    guard isStrict, case .text(let text) = message,
      case .communicationRequest(let source, _)? = try? CommServerMessage.decode(text, profile: settings.profile)
    else { return true }
    if case .listener(let announced?) = connection.origin, announced != source.lowercased(), !has(.acceptsOtherSource) {
      let failure = WireFailure("broker.other-source", "connection.md 7.2", "the source is not the announced one")
      end(id, EndCause("unexpected"), now, &random, failure: failure)
      return false
    }
    if let limit = settings.halfOpenPerKey, !has(.unlimitedHandshakes) {
      let open = connections.values.count { $0.isHalfOpen && $0.link.awaitsKey }
      if open >= limit {
        end(id, .tooMany, now, &random)
        return false
      }
    }
    return true
  }

  mutating func closed(
    _ id: SocketID, code: UInt16?, reason: String, _ now: Double, _ random: inout some RandomSource
  ) {
    if listenerClosed(id, now, &random) { return }
    guard let connection = connections.removeValue(forKey: id) else { return }
    if connection.stage == .closing { return }
    if case .join(let join) = connection.origin, connection.stage == .brokering,
      settings.broker == .automatic || has(.alwaysFallsBack), !has(.neverFallsBack)
    {
      return fallBack(join, now)
    }
    let cause = code == nil ? "lost" : connection.handshake == nil ? "unreachable" : "closed_by_peer"
    ended(id, connection, cause, now, &random)
  }

  // MARK: X-INV/1, the invitee

  private mutating func brokerAnswered(
    _ message: WireMessage, on id: SocketID, _ connection: Connection, _ now: Double,
    _ random: inout some RandomSource
  ) {
    guard case .join(let join) = connection.origin else { return }
    let failure = WireFailure("broker.unexpected", "connection.md 7.2", "expected invitation_accepted")
    guard case .text(let text) = message, let answer = BrokerMessage.decode(text) else {
      return end(id, EndCause("unexpected"), now, &random, failure: failure)
    }
    switch answer {
    case .accepted(_, let target) where target.lowercased() == join.target.hex:
      connections[id]?.stage = .handshake
      _ = connections[id]?.link.start(isSilent: true)
    case .error(let code):
      let isUnknown = code == "unknown" || code == "unsupported"
      if settings.broker == .automatic, isUnknown || has(.fallsBackOnUsed) {
        connections[id] = nil
        out.append(.close(id, reason: EndCause.done.reason(settings.profile)))
        return fallBack(join, now)
      }
      end(id, EndCause(code), now, &random, failure: failure)
    default: end(id, EndCause("unexpected"), now, &random, failure: failure)
    }
  }

  private mutating func fallBack(_ join: Join, _ now: Double) {
    var join = join
    join.isFallback = true
    dial(join, now)
  }

  // MARK: Layers

  mutating func process(
    _ outputs: [SecureLink.Output], of id: SocketID, _ now: Double, _ random: inout some RandomSource
  ) {
    // A replayed key message is not answered: its H4 stands in front of the verdict.
    if isReplay(outputs, now) {
      let failure = WireFailure("handshake.replayed", "connection.md 8.6", "this ephemeral key was used before")
      return end(id, EndCause("unauthenticated"), now, &random, failure: failure)
    }
    for output in outputs {
      guard connections[id] != nil else { return }
      switch output {
      case .send(let message): out.append(.send(id, message))
      case .established(let handshake): established(handshake, id, now, &random)
      case .message(let message): take(message, on: id, now, &random)
      case .close(let cause, let failure): end(id, cause, now, &random, failure: failure)
      }
    }
  }

  private mutating func isReplay(_ outputs: [SecureLink.Output], _ now: Double) -> Bool {
    guard let memory = settings.replayMemory, !has(.acceptsReplayedKey), !has(.repeatsEphemeral) else { return false }
    for case .established(let handshake) in outputs {
      while let first = seenOrder.first, now - first.time > memory || seenOrder.count > Self.seenLimit {
        seen.remove(first.key)
        seenOrder.removeFirst()
      }
      guard seen.insert(handshake.peerEphemeral).inserted else { return true }
      seenOrder.append((handshake.peerEphemeral, now))
    }
    return false
  }

  private mutating func established(
    _ handshake: EstablishedHandshake, _ id: SocketID, _ now: Double, _ random: inout some RandomSource
  ) {
    guard var connection = connections[id] else { return }
    tell(.secured(id, handshake))
    connection.handshake = handshake
    if connection.own == nil { connection.own = keychain.identity(instanceKey: handshake.ownStatic) }
    guard let own = connection.own else { return end(id, .noCatchAll, now, &random) }
    var group: String?
    switch connection.origin {
    case .route: group = "chum"
    case .join: group = "pairing"
    case .listener, .direct: break
    }
    let establishment = Establishment(
      role: connection.link.role, own: own, handshakeKey: handshake.peerStatic, group: group, settings: settings,
      box: box)
    connection.establishment = establishment
    connection.stage = .establishing
    connection.deadline = step(now)
    connections[id] = connection
    process(establishment.start(), of: id, now, &random)
  }

  func step(_ now: Double) -> Double? { has(.waitsForSteps) ? nil : settings.stepTimeout.map { now + $0 } }

  /// Sends plain messages through the layers.
  mutating func send(
    _ messages: [WireMessage], on id: SocketID, _ now: Double, _ random: inout some RandomSource
  ) {
    guard var link = connections[id]?.link else { return }
    do throws(WireFailure) {
      for message in messages {
        for frame in try link.send(message, now: now, random: &random) { out.append(.send(id, frame)) }
      }
      connections[id]?.link = link
    } catch {
      connections[id]?.link = link
      end(id, EndCause(channel: error), now, &random, failure: error)
    }
  }

  /// A plain message of the peer.
  private mutating func take(
    _ message: WireMessage, on id: SocketID, _ now: Double, _ random: inout some RandomSource
  ) {
    guard let connection = connections[id] else { return }
    let message =
      settings.defects.isDisjoint(with: Overstrict.defects) ? message : Overstrict.bent(message, settings.defects)
    switch connection.stage {
    case .opening, .brokering, .handshake: return
    case .establishing: establish(message, on: id, now, &random)
    case .pairing, .lingering: pair(message, on: id, now, &random)
    case .starting: begin(message, on: id, now, &random)
    case .running:
      if has(.losesEarlyMessages), connection.unread == 0 {
        connections[id]?.unread = 1
        return
      }
      tell(.application(id, message))
    case .debug: debug(message, on: id, now, &random)
    case .silent:
      connections[id]?.unread += 1
      if connection.unread >= settings.unreadMessages { end(id, .queueFull, now, &random) }
    case .closing: if connection.wasRunning { tell(.application(id, message)) }
    }
  }
}
