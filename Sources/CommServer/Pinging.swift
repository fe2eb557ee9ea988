import Cryptobox
import Wire

/// A registered socket: its pings, its strays, its end (connection.md 2.4, 2.6).
extension CommServer {
  mutating func receiveOnSpare(
    _ message: Connection.Message, from id: ConnectionID, _ spare: Connection.Spare, _ now: Double,
    _ random: inout some RandomSource
  ) {
    switch reader.onSpare(message) {
    case .pong: receivePong(id, spare, now)
    case .invitation(let object, let command): receiveInvitation(object, command, from: id, spare, now, &random)
    case .stray:
      if has(.servesRequestsOfSpares), case .request(let request)? = try? reader.first(message) {
        spares.remove(id, spare.key, remembering: 0)
        return begin(request, from: id, now)
      }
      if has(.strayClosesSiblings) {
        for other in spares.stack(spare.key) ?? [] where other != id { close(other, .strayMessage, now) }
      }
      if isStrict, !has(.toleratesStrayMessages) { return close(id, .strayMessage, now) }
      countUnread(id, now)
    }
  }

  /// The deployed server's second queue, which nobody reads: one message more than it holds closes the socket.
  mutating func countUnread(_ id: ConnectionID, _ now: Double) {
    guard let unread = connections[id]?.unread else { return }
    if unread >= settings.unreadMessages { return close(id, .queueFull(settings.unreadMessages), now) }
    connections[id]?.unread = unread + 1
  }

  private mutating func receivePong(_ id: ConnectionID, _ spare: Connection.Spare, _ now: Double) {
    var spare = spare
    if let limit = settings.pongsPerSecond, !has(.noPongLimit) {
      if now - spare.pongWindow >= 1_000 {
        spare.pongWindow = now
        spare.pongs = 0
      }
      spare.pongs += 1
      if spare.pongs > limit { return close(id, .rateLimited, now) }
    }
    let wasAsked = spare.awaitsPong
    if !wasAsked, has(.refusesUnaskedPong) { return close(id, .strayMessage, now) }
    spare.awaitsPong = false
    connections[id]?.state = .spare(spare)
    if let handover = spare.handover { return finish(handover, on: id, now) }
    if spare.inquiry != nil {
      if wasAsked { sendInquiry(id, now) }
      return
    }
    if wasAsked || !has(.ignoresUnaskedPong) { setDeadline(id, nextPing(spare, now)) }
  }

  mutating func fireOnSpare(_ id: ConnectionID, _ spare: Connection.Spare, _ now: Double) {
    var spare = spare
    if spare.successDue != nil {
      spare.successDue = nil
      connections[id]?.state = .spare(spare)
      sendSuccess(id)
      return setDeadline(id, nextPing(spare, now))
    }
    if let inquiry = spare.inquiry, inquiry.sentAt != nil { return inquiryTimedOut(id, inquiry, now) }
    guard !spare.awaitsPong else {
      return has(.ignoresMissingPong) ? () : close(id, .pingTimeout, now)
    }
    spare.awaitsPong = true
    spare.pingsSent += 1
    counters.pings += 1
    connections[id]?.state = .spare(spare)
    for _ in 0..<(has(.pingsTwice) ? 2 : 1) {
      if has(.usesCommPing) { send(raw: #"{"command":"comm_ping"}"#, to: id) } else { send(.ping, to: id) }
    }
    let timeout = max(1, settings.pongTimeout)
    setDeadline(id, now + (has(.closesBeforeTimeout) ? max(1, timeout / 10) : timeout))
  }

  mutating func lostSpare(_ id: ConnectionID, _ spare: Connection.Spare, _ now: Double) {
    if !has(.handsOverClosedSpares) {
      let remembering = isStrict ? (has(.remembersKeys) ? .max : 0) : max(0, settings.rememberedKeys)
      spares.remove(id, spare.key, remembering: remembering)
    }
    if let inquiry = spare.inquiry { inviterLost(inquiry, now) }
    if has(.invitationEndsWithSocket) { book.forgetAll(of: spare.key) }
    guard let handover = spare.handover, !handover.requesterIsGone else { return }
    guard isStrict, !has(.noSecondSpare), case .requesting? = connections[handover.requester]?.state else {
      return close(handover.requester, .deadSpare, now)
    }
    retry(handover, now)
  }
}
