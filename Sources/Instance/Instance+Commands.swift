import Cryptobox
import Wire
import WireBytes

/// What the user asks for.
extension Instance {
  mutating func run(_ command: InstanceCommand, _ now: Double, _ random: inout some RandomSource) {
    switch command {
    case .invite(let request): invite(request, now, &random)
    case .revoke(let token):
      if tokens.revoke(token) { revokeAtBroker(token) }
    case .join(let invitation, let options): join(invitation, options, now)
    case .addPeer(let file): addPeer(file, now)
    case .send(let id, let message): send(message, on: id, now, &random)
    case .disconnect(let id, let text): end(id, EndCause("done", text), now, &random)
    case .stopListening: stopListening(now)
    case .stop: stopEverything(now, &random)
    }
  }

  // MARK: Inviting

  /// Draws 64 bytes for the token, unless the caller brought one.
  private mutating func invite(_ request: InvitationRequest, _ now: Double, _ random: inout some RandomSource) {
    let person = request.person ?? keychain.identities.first?.personId
    guard let person, let identity = keychain.identity(person: person) else {
      return tell(.invitationRefused(code: "unknown_person"))
    }
    guard let url = identity.url else { return tell(.invitationRefused(code: "no_url")) }
    guard tokens.count < settings.liveInvitations else { return tell(.invitationRefused(code: "too_many")) }
    var token = request.token ?? TokenAlphabet.draw(random: &random)
    if let own = request.token, own.utf8.count < settings.shortestToken, !has(.acceptsWeakToken) {
      return tell(.invitationRefused(code: "weak_token"))
    }
    if has(.shortToken) { token = String(token.prefix(16)) }
    if has(.sameTokenAgain) { token = String(repeating: "t", count: 64) }
    let lifetime = request.lifetime ?? settings.invitationLifetime
    guard lifetime.isFinite, lifetime > 0 else { return tell(.invitationRefused(code: "bad_lifetime")) }
    tokens.create(token, person: person, mode: request.mode, expiresAt: now + lifetime)
    let key = has(.invitationOfPersonKey) ? identity.personKey : identity.instanceKey
    let invitation = Invitation(token: token, publicKey: key.publicKey.hex, url: url)
    tell(.invitationCreated(invitation, mode: request.mode, expiresAt: now + lifetime))
    for index in listeners.indices { storeInvitations(at: index, now) }
  }

  // MARK: Joining

  private mutating func join(_ invitation: Invitation, _ options: JoinOptions, _ now: Double) {
    func fail(_ code: String) {
      tell(.pairingFailed(PairingFailure(initiatedLocally: true, stage: .handshake, code: code, socket: nil)))
    }
    let anybody = has(.joinsAnything) ? PublicKey(bytes: [UInt8](repeating: 9, count: 32)) : nil
    guard let target = PublicKey(hex: invitation.publicKey) ?? anybody else { return fail("bad_invitation") }
    if isStrict, !has(.joinsAnything) {
      let isWebSocket = invitation.url.hasPrefix("ws://") || invitation.url.hasPrefix("wss://")
      guard isWebSocket, !box.isLowOrder(target), !invitation.token.isEmpty else { return fail("bad_invitation") }
    }
    if keychain.owns(target), !has(.pairsWithItself) { return fail("own_invitation") }
    let person = options.person ?? keychain.identities.first?.personId
    guard let person, let identity = keychain.identity(person: person) else { return fail("unknown_person") }
    dial(Join(invitation: invitation, target: target, identity: identity, options: options), now)
  }

  mutating func dial(_ join: Join, _ now: Double) {
    let id = numbers.fresh()
    let link = SecureLink.dialling(own: join.source, target: join.target, settings: settings, box: box)
    connections[id] = Connection(
      origin: .join(join), link: link, stage: .opening,
      deadline: has(.waitsForOpening) ? nil : now + settings.openTimeout, own: join.identity)
    out.append(.open(id, url: join.invitation.url))
    tell(.joining(id, join.invitation))
  }

  // MARK: Peers without pairing

  private mutating func addPeer(_ file: IdentityFile, _ now: Double) {
    guard let local = keychain.identities.first,
      let record = PeerRecord(file, local: local, origin: .file, since: now)
    else { return }
    store(record, now)
  }

  mutating func store(_ record: PeerRecord, _ now: Double) {
    book.store(record)
    tell(.peerStored(record))
    addRoute(record)
    if isRunning, settings.dialsPeers, !has(.noChumAfterPairing) {
      dial(RouteKey(own: record.localInstanceKey, peer: record.instanceKey), now)
    }
  }

  // MARK: Application messages

  private mutating func send(
    _ message: WireMessage, on id: SocketID, _ now: Double, _ random: inout some RandomSource
  ) {
    guard let connection = connections[id], connection.stage == .running else { return }
    send([message], on: id, now, &random)
  }
}
