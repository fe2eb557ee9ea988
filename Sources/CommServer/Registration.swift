import Cryptobox
import Wire
import WireBytes

/// Registration and ping (connection.md 2.3, 2.6).
extension CommServer {
  private static let section = "connection.md 2.3"

  mutating func receiveFirst(
    _ message: Connection.Message, from id: ConnectionID, _ now: Double, _ random: inout some RandomSource
  ) {
    do throws(CloseCause) {
      let first = try reader.first(message)
      connections[id]?.unread = 1
      switch first {
      case .register(let key): challenge(id, key, now, &random)
      case .request(let request): begin(request, from: id, now)
      case .invitation(let invitation, let source): connect(id, invitation, source, now, &random)
      }
    } catch {
      guard !stays(open: error) else { return }
      if case .invitation(let code) = error { sendError(code, nil, to: id) }
      close(id, error, now)
    }
  }

  /// Planted faults that keep a socket open on a first message that cannot be read.
  private func stays(open cause: CloseCause) -> Bool {
    switch cause {
    case .notJSON(let detail):
      return has(.ignoresNonJSON) || (has(.ignoresDeepJSON) && detail.contains("nested deeper"))
    case .readOfNull("command"): return has(.ignoresNonObjects)
    case .notClientMessage: return has(.ignoresUnknownFirst)
    case .unexpectedMessage: return has(.ignoresUnknownFirst)
    default: return false
    }
  }

  private mutating func challenge(
    _ id: ConnectionID, _ key: PublicKey, _ now: Double, _ random: inout some RandomSource
  ) {
    if let limit = settings.sparesPerKey, !has(.unlimitedSpares), spares.stack(key)?.count ?? 0 >= limit {
      return close(id, .tooManySpares, now)
    }
    let shared = box.agree(theirs: key, mine: secretKey)
    if has(.skipsChallenge) { return succeed(id, key, now) }
    var challenger: ProofChallenger
    if settings.faults.isEmpty {
      challenger = ProofChallenger(key: shared, section: Self.section, box: box, random: &random)
    } else {
      challenger = faultyChallenger(shared, &random)
    }
    connections[id]?.state = .challenged(Connection.Challenge(key: key, challenger: challenger, shared: shared))
    send(
      .authenticationRequest(
        publicKey: has(.shortServerKey) ? String(publicKey.hex.dropLast(2)) : publicKey.hex,
        challenge: Hex.encode(challenger.message)), to: id)
    let limited = settings.responseTimeout != nil && !has(.noResponseLimit)
    setDeadline(id, limited ? now + max(1, settings.responseTimeout ?? 1) : nil)
  }

  private mutating func faultyChallenger(
    _ shared: SharedKey, _ random: inout some RandomSource
  ) -> ProofChallenger {
    var content = random.bytes(has(.shortChallenge) ? 32 : ComplementProof.contentLength)
    var nonce = random.nonce()
    let first = fixedChallenge ?? (content, nonce)
    fixedChallenge = first
    if has(.repeatsChallenge) { content = first.content }
    if has(.repeatsNonce) || has(.repeatsChallenge) { nonce = first.nonce }
    var key = shared
    if has(.sealsChallengeWithOtherKey), let other = SharedKey(bytes: shared.exposedBytes.map { ~$0 }) { key = other }
    return ProofChallenger(content: content, nonce: nonce, key: key, section: Self.section, box: box)
  }

  mutating func receiveResponse(
    _ message: Connection.Message, from id: ConnectionID, _ challenge: Connection.Challenge, _ now: Double,
    _ random: inout some RandomSource
  ) {
    if has(.challengesTwice), case .register(let key)? = try? reader.first(message) {
      return self.challenge(id, key, now, &random)
    }
    let response: [UInt8]
    do throws(CloseCause) { response = try reader.response(message) } catch {
      let isMalformed = [.oddHex, .wrongMembers, .readOfNull("length")].contains(error)
      if has(.ignoresMalformedResponse), isMalformed { return }
      return closeAuthentication(id, challenge, error, now)
    }
    do throws(WireFailure) {
      try challenge.challenger.verify(response, box: box)
    } catch {
      if forgives(response, challenge, error) { return succeed(id, challenge.key, now) }
      let cause: CloseCause =
        switch error.code {
        case "box.short-nonce": .shortNonce
        case "box.not-opened": .notOpened
        default: .authenticationFailed
        }
      if cause == .shortNonce, has(.ignoresMalformedResponse) { return }
      return closeAuthentication(id, challenge, cause, now)
    }
    if has(.acceptsReplayedResponse) { oldResponses.insert(response) }
    succeed(id, challenge.key, now)
  }

  private mutating func closeAuthentication(
    _ id: ConnectionID, _ challenge: Connection.Challenge, _ cause: CloseCause, _ now: Double
  ) {
    if has(.failureDropsSpares) {
      while let spare = spares.pop(challenge.key) { close(spare, .authenticationFailed, now) }
    }
    close(id, cause, now)
  }

  /// Planted faults that take a wrong response.
  private func forgives(_ response: [UInt8], _ challenge: Connection.Challenge, _ failure: WireFailure) -> Bool {
    guard !settings.faults.isEmpty else { return false }
    if has(.acceptsReplayedResponse), oldResponses.contains(response) { return true }
    if has(.acceptsEchoedChallenge), response == challenge.challenger.message { return true }
    if has(.acceptsForeignResponse), failure.code == "box.not-opened", response.count == 104 { return true }
    let asked = opened(challenge.challenger.message, challenge)
    if let plain = opened(response, challenge) {
      if has(.acceptsUnnegatedResponse), plain == asked, response != challenge.challenger.message { return true }
      if has(.acceptsOtherLengths), zip(plain, asked ?? []).allSatisfy({ $0 == ~$1 }), plain.count != 64 { return true }
    }
    guard has(.acceptsFlippedBit), response.count == 104 else { return false }
    for bit in 0..<response.count * 8 {
      var turned = response
      turned[bit / 8] ^= 1 << UInt8(bit % 8)
      if let plain = opened(turned, challenge), plain == asked?.map({ ~$0 }) { return true }
    }
    return false
  }

  private func opened(_ message: [UInt8], _ challenge: Connection.Challenge) -> [UInt8]? {
    try? ComplementProof.open(message, key: challenge.shared, section: Self.section, box: box)
  }

  private mutating func succeed(_ id: ConnectionID, _ key: PublicKey, _ now: Double) {
    if let limit = settings.sparesPerKey, !has(.unlimitedSpares), spares.stack(key)?.count ?? 0 >= limit {
      return close(id, .tooManySpares, now)
    }
    counters.registrations += 1
    connections[id]?.unread = 2
    var spare = Connection.Spare(key: key)
    if has(.lateSuccess) {
      spare.successDue = now + 100
      setDeadline(id, now + 100)
    } else {
      sendSuccess(id)
      setDeadline(id, nextPing(spare, now))
    }
    connections[id]?.state = .spare(spare)
    spares.push(id, key)
  }

  func nextPing(_ spare: Connection.Spare, _ now: Double) -> Double? {
    if has(.neverPings) || (has(.pingsOnce) && spare.pingsSent > 0) { return nil }
    let interval = max(1, settings.pingInterval)
    return now + (has(.pingsEarly) ? max(1, interval / 2) : interval)
  }

  mutating func sendSuccess(_ id: ConnectionID) {
    guard !has(.neverSucceeds) else { return }
    var object = JSONObject(["command": "authentication_success"])
    if !has(.successWithoutInterval) {
      object.append("pingInterval", .number(settings.pingInterval + (has(.fractionalInterval) ? 0.5 : 0)))
    }
    if settings.invitations, !has(.hidesExtension) { object.append("extensions", ["invitation/1"]) }
    send(object, to: id)
  }

  // MARK: Sending

  mutating func send(_ message: CommServerMessage, to id: ConnectionID) { send(raw: message.text, to: id) }

  mutating func send(_ members: KeyValuePairs<String, JSONValue>, to id: ConnectionID) {
    send(JSONObject(members), to: id)
  }

  mutating func send(_ object: JSONObject, to id: ConnectionID) { send(raw: JSONValue.object(object).compact, to: id) }

  mutating func send(raw text: String, to id: ConnectionID) {
    out.append(has(.sendsControlAsBinary) ? .binary(id, Array(text.utf8)) : .text(id, text))
  }
}
