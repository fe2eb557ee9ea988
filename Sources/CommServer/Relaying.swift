import Cryptobox
import Wire
import WireBytes

/// From the request to the splice (connection.md 2.5).
extension CommServer {
  mutating func begin(_ request: Request, from requester: ConnectionID, _ now: Double) {
    setDeadline(requester, nil)
    if let limit = settings.requestsPerMinute, let address = connections[requester]?.address, !has(.noRequestRate),
      let target = request.target, !requests.admit(RequestRate(address: address, target: target), limit: limit, at: now)
    {
      return close(requester, .rateLimited, now)
    }
    if has(.splicesToItself), request.source == request.target {
      connections[requester]?.state = .relay(
        Connection.Relay(peer: requester, isListener: false, lastActivity: now))
      return
    }
    take(request, for: requester, early: [], now)
  }

  /// Takes a spare of the target and hands it over, at once or after its pong.
  private mutating func take(
    _ request: Request, for requester: ConnectionID, early: [Connection.Message], _ now: Double
  ) {
    guard let spare = popSpare(request) else {
      counters.refusals += 1
      let leftByItself = request.target.flatMap { spares.stack($0) } != nil
      if let target = request.target, leftByItself { spares.forget(target) }
      if has(.ignoresUnknownTarget) {
        connections[requester]?.state = .orphan
        return
      }
      return close(requester, .noListener(leftByItself: leftByItself && !isStrict), now)
    }
    let handover = Connection.Handover(requester: requester, request: request)
    guard case .spare(var state)? = connections[spare]?.state else {
      // Only planted faults hand over what is no spare.
      connections[requester]?.state = .orphan
      if connections[spare] != nil { finish(handover, on: spare, now) }
      return
    }
    if state.awaitsPong, !has(.handsOverDuringPing) {
      if has(.neverHandsOverDuringPing) {
        spares.push(spare, state.key)
        return close(requester, .deadSpare, now)
      }
      state.handover = handover
      connections[spare]?.state = .spare(state)
      var requesting = Connection.Requesting(spare: spare, request: request)
      requesting.early = early
      requesting.earlyBytes = early.reduce(0) { $0 + $1.length }
      connections[requester]?.state = .requesting(requesting)
      return
    }
    if !early.isEmpty {
      var requesting = Connection.Requesting(spare: spare, request: request)
      requesting.early = early
      connections[requester]?.state = .requesting(requesting)
    }
    finish(handover, on: spare, now)
  }

  private mutating func popSpare(_ request: Request) -> ConnectionID? {
    guard let target = request.target else { return nil }
    if has(.caseSensitiveTarget), request.targetText != target.hex { return nil }
    if has(.sharesSpare), let shared = spares.stack(target)?.last { return shared }
    return spares.pop(target, oldestFirst: has(.oldestSpareFirst))
  }

  /// Sends connection_handover and the request, in this order, and joins both sockets (connection.md 2.5).
  mutating func finish(_ handover: Connection.Handover, on listener: ConnectionID, _ now: Double) {
    let requester = handover.requester
    var early: [Connection.Message] = []
    if case .requesting(let requesting)? = connections[requester]?.state { early = requesting.early }
    var lateSuccess = false
    if case .spare(let spare)? = connections[listener]?.state { lateSuccess = spare.successDue != nil }
    setDeadline(listener, nil)
    counters.handovers += 1
    let request = requestText(handover.request)
    if has(.requestBeforeHandover) { send(raw: request, to: listener) }
    if !has(.noHandover) { send(.connectionHandover, to: listener) }
    guard handover.request.source != nil else {
      // The deployed server looks at the source key only now, and forgets the listener (race R3).
      connections[listener]?.state = .orphan
      return close(requester, .notAKey, now)
    }
    if !has(.noRequestToListener), !has(.requestBeforeHandover) { send(raw: request, to: listener) }
    if lateSuccess { sendSuccess(listener) }
    guard !handover.requesterIsGone else {
      connections[listener]?.state = .orphan
      return
    }
    if has(.answersRequester) { send(.connectionHandover, to: requester) }
    join(listener, requester, early, now)
  }

  private mutating func join(
    _ listener: ConnectionID, _ requester: ConnectionID, _ early: [Connection.Message], _ now: Double
  ) {
    let isSwallowed = !isStrict || has(.dropsEarlyMessages)
    counters.relays += 1
    connections[listener]?.state = .relay(
      Connection.Relay(peer: requester, isListener: true, lastActivity: now))
    connections[requester]?.state = .relay(
      Connection.Relay(peer: listener, isListener: false, isSwallowed: isSwallowed, lastActivity: now))
    if !isStrict, connections[listener]?.unread ?? 0 >= settings.unreadMessages {
      // A listener with a full queue poisons the handover: both legs go (race R6).
      return close(listener, .queueFull(settings.unreadMessages), now)
    }
    setDeadline(listener, idleDeadline(now))
    if has(.pingsRelays) { setDeadline(listener, now + max(1, settings.pingInterval)) }
    if isSwallowed {
      setDeadline(requester, now + max(0, settings.spliceDelay))
      return
    }
    out.append(.splice(listener, requester))
    for message in early {
      guard case .relay(let relay)? = connections[requester]?.state else { return }
      forward(message, from: requester, relay, now)
    }
  }

  private func requestText(_ request: Request) -> String {
    if has(.forwardsRequestVerbatim) { return request.original }
    let keepsCase = has(.keepsUpperCaseKeys)
    let source = keepsCase ? request.sourceText : request.sourceText.lowercased()
    let target = keepsCase ? request.targetText : request.targetText.lowercased()
    guard has(.addsMemberToRequest) else {
      return CommServerMessage.communicationRequest(source: source, target: target).text
    }
    return JSONValue.object(
      JSONObject([
        "command": "communication_request", "sourcePublicKey": .string(source), "targetPublicKey": .string(target),
        "relayed": true,
      ])
    ).compact
  }

  /// The next spare for a requester whose spare died (race R4, strict).
  mutating func retry(_ handover: Connection.Handover, _ now: Double) {
    guard case .requesting(let requesting)? = connections[handover.requester]?.state else { return }
    connections[handover.requester]?.state = .orphan
    take(handover.request, for: handover.requester, early: requesting.early, now)
  }

  // MARK: A requester that waits

  mutating func receiveEarly(_ message: Connection.Message, from id: ConnectionID, _ now: Double) {
    guard case .requesting(var requesting)? = connections[id]?.state else { return }
    guard isStrict, !has(.dropsEarlyMessages) else { return countUnread(id, now) }
    requesting.earlyBytes += message.length
    guard requesting.early.count < settings.earlyMessages, requesting.earlyBytes <= settings.earlyBytes else {
      return close(id, .earlyMessages, now)
    }
    requesting.early.append(message)
    connections[id]?.state = .requesting(requesting)
  }

  mutating func lostRequester(_ id: ConnectionID, _ requesting: Connection.Requesting, _ now: Double) {
    guard case .spare(var spare)? = connections[requesting.spare]?.state, spare.handover != nil else { return }
    if isStrict, !has(.leavesListenerOfGoneRequester) {
      // The listener knows of nothing yet, so that it can stay a spare (decisions.md 2).
      spare.handover = nil
      spares.push(requesting.spare, spare.key)
    } else {
      spare.handover?.requesterIsGone = true
    }
    connections[requesting.spare]?.state = .spare(spare)
  }
}
