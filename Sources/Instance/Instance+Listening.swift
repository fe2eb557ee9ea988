import Cryptobox
import Wire

/// Start, stop, and what the listeners want (connection.md 2.7).
extension Instance {
  mutating func start(_ now: Double) {
    guard !isRunning else { return }
    isRunning = true
    for index in listeners.indices {
      perform(listeners[index].start(numbers: &numbers), of: index, now)
      tell(.listener(key: listeners[index].key.publicKey, listeners[index].state))
    }
    for key in routes.keys.sorted() { dial(key, now) }
  }

  mutating func stopListening(_ now: Double) {
    for index in listeners.indices {
      perform(listeners[index].stop(), of: index, now)
      tell(.listener(key: listeners[index].key.publicKey, .notListening))
    }
  }

  mutating func stopEverything(_ now: Double, _ random: inout some RandomSource) {
    isRunning = false
    routes = [:]
    stopListening(now)
    tokens.endAll()
    pending = []
    for id in connections.keys.sorted() where connections[id]?.stage != .closing {
      end(id, .routeStopped, now, &random)
    }
  }

  /// The listener that a socket belongs to.
  func listener(of id: SocketID) -> Int? { listeners.firstIndex { $0.sockets[id] != nil } }

  /// Hands an event to the listener of a socket; false when the socket belongs to none.
  mutating func listenerOpened(_ id: SocketID, _ now: Double) -> Bool {
    guard let index = listener(of: id) else { return false }
    perform(listeners[index].opened(id), of: index, now)
    return true
  }

  mutating func listenerReceived(
    _ message: WireMessage, on id: SocketID, _ now: Double, _ random: inout some RandomSource
  ) -> Bool {
    guard let index = listener(of: id) else { return false }
    let before = listeners[index].state
    let outputs = listeners[index].receive(
      message, on: id, book: book, now: now, numbers: &numbers, random: &random)
    perform(outputs, of: index, now)
    tellState(of: index, before: before)
    return true
  }

  mutating func listenerClosed(_ id: SocketID, _ now: Double, _ random: inout some RandomSource) -> Bool {
    guard let index = listener(of: id) else { return false }
    let before = listeners[index].state
    forgetAsked(on: id)
    perform(listeners[index].closed(id, now: now, random: &random), of: index, now)
    tellState(of: index, before: before)
    return true
  }

  mutating func tickListeners(_ now: Double, _ random: inout some RandomSource) {
    for index in listeners.indices {
      let before = listeners[index].state
      perform(listeners[index].tick(now: now, numbers: &numbers, random: &random), of: index, now)
      tellState(of: index, before: before)
    }
  }

  private mutating func tellState(of index: Int, before: ListenerState) {
    let state = listeners[index].state
    guard state != before else { return }
    // Without any spare nobody tells whether the server goes on living; one that restarts has forgotten everything.
    if before == .listening, !has(.asksBrokerOnce) {
      let person = keychain.identity(instanceKey: listeners[index].key.publicKey)?.personId
      for token in brokered.keys where tokens.entry(token)?.person == person { brokered[token] = nil }
    }
    tell(.listener(key: listeners[index].key.publicKey, state))
  }

  private mutating func perform(_ outputs: [Listener.Output], of index: Int, _ now: Double) {
    for output in outputs {
      switch output {
      case .open(let id, let url): out.append(.open(id, url: url))
      case .send(let id, let message): out.append(.send(id, message))
      case .close(let id, let cause): out.append(.close(id, reason: cause.reason(settings.profile)))
      case .handedOver(let id, let announced):
        forgetAsked(on: id)
        accept(id, .listener(announced: announced), now)
      case .registered(_, let offers):
        if offers { storeInvitations(at: index, now) }
      case .broker(let id, let message): receive(message, on: id, of: index, now)
      case .fault(let id, let failure, let isOpen): tell(.fault(id, failure, isOpen: isOpen))
      case .waits(let delay): tell(.listenerWaits(key: listeners[index].key.publicKey, retryIn: delay))
      case .serverKeyChanged where has(.silentAboutServerKey): break
      case .serverKeyChanged(let old, let new):
        tell(.serverKeyChanged(url: listeners[index].url, old: old, new: new))
      }
    }
  }

  // MARK: X-INV/1, the inviter

  /// Asks the broker to keep every live token of this listener's identity that it does not keep yet.
  mutating func storeInvitations(at index: Int, _ now: Double) {
    guard settings.broker != .off else { return }
    let person = keychain.identity(instanceKey: listeners[index].key.publicKey)?.personId
    for token in tokens.tokens where brokered[token] == nil {
      guard let entry = tokens.entry(token), entry.person == person else { continue }
      let left = min(900_000, entry.expiresAt - now).rounded(.down)
      guard left >= 10_000 else { continue }
      let id = has(.tellsBrokerTheToken) ? token : XInvitation.invitationId(token: token)
      guard case .send(let socket, let message)? = listeners[index].send(.create(invitationId: id, expiresIn: left))
      else { continue }
      brokered[token] = .asked(socket)
      out.append(.send(socket, message))
    }
  }

  /// A question on a spare that went another way before the answer is asked again on the next spare: it may have been
  /// relayed to a requester, or lost.
  private mutating func forgetAsked(on id: SocketID) {
    if has(.asksBrokerOnce) { return }
    for (token, state) in brokered where state == .asked(id) { brokered[token] = nil }
  }

  mutating func revokeAtBroker(_ token: String) {
    guard brokered.removeValue(forKey: token) != nil, !has(.revokesLocallyOnly) else { return }
    let id = XInvitation.invitationId(token: token)
    for index in listeners.indices {
      if case .send(let socket, let message)? = listeners[index].send(.revoke(invitationId: id)) {
        out.append(.send(socket, message))
      }
    }
  }

  private mutating func receive(_ message: BrokerMessage, on id: SocketID, of index: Int, _ now: Double) {
    switch message {
    case .stored(let invitation, let left):
      for (token, state) in brokered where state != .stored && XInvitation.invitationId(token: token) == invitation {
        brokered[token] = .stored
      }
      tell(.invitationStored(id: invitation, expiresIn: left))
    case .request(let invitation, let request, let source):
      let isWelcome =
        settings.pairing && now >= pairingPausedUntil && tokens.token(invitationId: invitation, at: now) != nil
        && PublicKey(hex: source) != nil
      let isAccepted = (isWelcome || has(.acceptsAnyInvitationRequest)) && !has(.rejectsInvitationRequests)
      if isWelcome { listeners[index].announce(source.lowercased(), on: id) }
      let answer: BrokerMessage = isAccepted ? .accept(requestId: request) : .reject(requestId: request)
      out.append(.send(id, .text(answer.text)))
    case .create, .revoke, .revoked, .connect, .accept, .reject, .accepted, .error: break
    }
  }
}
