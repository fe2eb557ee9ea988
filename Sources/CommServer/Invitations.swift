import Cryptobox
import Wire
import WireBytes

/// The messages of X-INV/1 (connection.md 7.2): the inviter's on its registered socket, the invitee's on a fresh one.
extension CommServer {
  // MARK: The inviter

  mutating func receiveInvitation(
    _ object: JSONObject, _ command: String, from id: ConnectionID, _ spare: Connection.Spare, _ now: Double,
    _ random: inout some RandomSource
  ) {
    switch command {
    case "invitation_create": create(object, from: id, spare.key, now)
    case "invitation_revoke": revoke(object, from: id, spare.key, now)
    default: answer(object, isAccept: command == "invitation_accept", from: id, spare, now)
    }
  }

  private mutating func create(_ object: JSONObject, from id: ConnectionID, _ key: PublicKey, _ now: Double) {
    let limits = settings.invitationLimits
    let lifetime = object["expiresIn"] == nil ? limits.longestLifetime : object["expiresIn"]?.integer.map(Double.init)
    guard let invitation = invitationID(object), let lifetime,
      lifetime >= limits.shortestLifetime && lifetime <= limits.longestLifetime || has(.acceptsBadLifetime)
    else {
      if has(.closesOnBadCreate) { return close(id, .invitation(.malformed), now) }
      return sendError(.malformed, invitationID(object), to: id)
    }
    do throws(InvitationError) {
      let remaining = try book.create(invitation, owner: key, lifetime: lifetime, at: now)
      send(
        [
          "command": "invitation_stored", "invitationId": .string(invitation.hex),
          "expiresIn": .number(remaining.rounded(.down)),
        ], to: id)
      sweepInvitations(now)
    } catch {
      sendError(error, invitation, to: id)
    }
  }

  private mutating func revoke(_ object: JSONObject, from id: ConnectionID, _ key: PublicKey, _ now: Double) {
    guard let invitation = invitationID(object) else { return sendError(.malformed, nil, to: id) }
    do throws(InvitationError) {
      let wasPending = book.look(invitation, at: now)?.state == .pending
      try book.revoke(invitation, owner: key, at: now)
      send(["command": "invitation_revoked", "invitationId": .string(invitation.hex)], to: id)
      if wasPending { endInquiry(of: invitation, .revoked, now) }
    } catch {
      sendError(error, invitation, to: id)
    }
  }

  private mutating func answer(
    _ object: JSONObject, isAccept: Bool, from id: ConnectionID, _ spare: Connection.Spare, _ now: Double
  ) {
    guard let inquiry = spare.inquiry, inquiry.sentAt != nil, let requestID = object["requestId"]?.string,
      requestID == inquiry.requestID || has(.acceptsAnyRequestId)
    else { return sendError(.malformed, nil, to: id) }
    guard isAccept else {
      book.reject(inquiry.invitation, at: now)
      backToSpare(id, now)
      return endInvitee(inquiry.invitee, .rejected, inquiry.invitation, now)
    }
    guard case .invited? = connections[inquiry.invitee]?.state else { return backToSpare(id, now) }
    if has(.neverUsedUp) {
      book.release(inquiry.invitation, at: now)
    } else {
      book.consume(inquiry.invitation, at: now)
    }
    accept(inquiry, inviter: id, spare, now)
  }

  /// `invitation_accepted` to the invitee, then handover and request to the inviter, then the relay.
  private mutating func accept(
    _ inquiry: Connection.Inquiry, inviter: ConnectionID, _ spare: Connection.Spare, _ now: Double
  ) {
    let request = Request(
      sourceText: inquiry.source.hex, targetText: spare.key.hex, source: inquiry.source, target: spare.key)
    let accepted = JSONObject([
      "command": "invitation_accepted", "invitationId": .string(inquiry.invitation.hex),
      "targetPublicKey": .string(spare.key.hex),
    ])
    if !has(.handoverBeforeAccepted) { send(accepted, to: inquiry.invitee) }
    connections[inquiry.invitee]?.state = .orphan
    finish(Connection.Handover(requester: inquiry.invitee, request: request), on: inviter, now)
    if has(.handoverBeforeAccepted) { send(accepted, to: inquiry.invitee) }
  }

  private func invitationID(_ object: JSONObject) -> InvitationID? {
    object["invitationId"]?.string.flatMap { InvitationID(hex: $0) }
  }

  mutating func sendError(_ error: InvitationError, _ invitation: InvitationID?, to id: ConnectionID) {
    var object = JSONObject(["command": "invitation_error", "code": .string(error.rawValue)])
    if let invitation { object.append("invitationId", .string(invitation.hex)) }
    send(object, to: id)
  }

  // MARK: The invitee

  mutating func connect(
    _ id: ConnectionID, _ invitation: InvitationID, _ source: PublicKey, _ now: Double,
    _ random: inout some RandomSource
  ) {
    setDeadline(id, nil)
    if let address = connections[id]?.address, !has(.noConnectRate),
      failedConnects.count(address, at: now) >= settings.invitationLimits.failuresPerMinute
    {
      return refuse(id, .rateLimited, invitation, now)
    }
    guard let known = book.look(invitation, at: now) else {
      if has(.ignoresUnknownInvitation) {
        connections[id]?.state = .orphan
        return
      }
      return refuse(id, .unknown, invitation, now)
    }
    switch known.state {
    case .stored: break
    case .pending:
      guard has(.asksTwice) else { return refuse(id, .busy, invitation, now) }
    case .consumed: return refuse(id, .used, invitation, now)
    case .expired: return refuse(id, .expired, invitation, now)
    case .revoked: return refuse(id, .revoked, invitation, now)
    }
    guard let inviter = spares.pop(known.owner), case .spare(var spare)? = connections[inviter]?.state else {
      if has(.offlineUsesUp) { book.consume(invitation, at: now) }
      return refuse(id, .targetOffline, invitation, now)
    }
    let fresh = random.bytes(16)
    let requestID = Hex.encode(has(.repeatsRequestId) ? [UInt8](repeating: 7, count: 16) : fresh)
    let inquiry = Connection.Inquiry(
      invitation: invitation, invitee: id, requestID: requestID, source: source)
    spare.inquiry = inquiry
    connections[inviter]?.state = .spare(spare)
    connections[id]?.state = .invited(invitation, inviter: inviter)
    book.setPending(invitation)
    if has(.connectSkipsRequest) {
      book.consume(invitation, at: now)
      return accept(inquiry, inviter: inviter, spare, now)
    }
    if !spare.awaitsPong { sendInquiry(inviter, now) }
  }

  /// Asks the inviter. Pinging rests until it has answered.
  mutating func sendInquiry(_ id: ConnectionID, _ now: Double) {
    guard case .spare(var spare)? = connections[id]?.state, let inquiry = spare.inquiry else { return }
    spare.inquiry?.sentAt = now
    connections[id]?.state = .spare(spare)
    let remaining = max(0, (book.look(inquiry.invitation, at: now)?.expiresAt ?? now) - now)
    send(
      [
        "command": "invitation_request", "invitationId": .string(inquiry.invitation.hex),
        "requestId": .string(inquiry.requestID), "sourcePublicKey": .string(inquiry.source.hex),
        "expiresIn": .number(remaining.rounded(.down)),
      ], to: id)
    let timeout = max(1, settings.invitationLimits.answerTimeout)
    setDeadline(id, has(.waitsForeverForAnswer) ? nil : now + timeout)
  }

  private mutating func refuse(
    _ id: ConnectionID, _ error: InvitationError, _ invitation: InvitationID, _ now: Double
  ) {
    if error != .rateLimited, let address = connections[id]?.address {
      _ = failedConnects.admit(address, limit: .max, at: now)
    }
    sendError(error, invitation, to: id)
    close(id, .invitation(error), now)
  }

  /// Whatever an invitee sends before the relay breaks the protocol.
  mutating func receiveFromInvitee(_ id: ConnectionID, _ now: Double) { close(id, .earlyMessages, now) }

  private mutating func endInvitee(
    _ id: ConnectionID, _ error: InvitationError, _ invitation: InvitationID, _ now: Double
  ) {
    guard case .invited? = connections[id]?.state else { return }
    connections[id]?.state = .orphan
    sendError(error, invitation, to: id)
    close(id, .invitation(error), now)
  }

  // MARK: Endings

  mutating func inquiryTimedOut(_ id: ConnectionID, _ inquiry: Connection.Inquiry, _ now: Double) {
    close(id, .timeout, now)
  }

  /// The inviter's socket went, or was closed for its silence.
  mutating func inviterLost(_ inquiry: Connection.Inquiry, _ now: Double) {
    if has(.timeoutUsesUp) {
      book.consume(inquiry.invitation, at: now)
    } else {
      book.release(inquiry.invitation, at: now)
    }
    endInvitee(inquiry.invitee, .timeout, inquiry.invitation, now)
  }

  mutating func lostInvitee(_ id: ConnectionID, _ invitation: InvitationID, _ inviter: ConnectionID, _ now: Double) {
    guard case .spare(var spare)? = connections[inviter]?.state, spare.inquiry?.invitee == id else { return }
    if has(.lossUsesUp) { book.consume(invitation, at: now) } else { book.release(invitation, at: now) }
    let wasAsked = spare.inquiry?.sentAt != nil
    spare.inquiry = nil
    connections[inviter]?.state = .spare(spare)
    guard wasAsked else { return backToSpare(inviter, now) }
    // The inviter may answer at any moment: a fresh socket is clearer than a rule for late answers.
    close(inviter, .requesterGone, now)
  }

  private mutating func endInquiry(of invitation: InvitationID, _ error: InvitationError, _ now: Double) {
    for (id, connection) in connections {
      guard case .invited(invitation, let inviter) = connection.state else { continue }
      backToSpare(inviter, now)
      return endInvitee(id, error, invitation, now)
    }
  }

  private mutating func backToSpare(_ id: ConnectionID, _ now: Double) {
    guard case .spare(var spare)? = connections[id]?.state else { return }
    spare.inquiry = nil
    connections[id]?.state = .spare(spare)
    spares.push(id, spare.key)
    if !spare.awaitsPong { setDeadline(id, nextPing(spare, now)) }
  }

  mutating func sweepInvitations(_ now: Double) {
    guard let next = book.sweep(at: now) else { return }
    // At most once a second, so that many short lives don't cost a walk each.
    if !heap.hasSweep { heap.pushSweep(max(next, now + 1_000)) }
  }
}
