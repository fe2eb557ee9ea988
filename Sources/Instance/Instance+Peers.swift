import Cryptobox
import Wire
import WireBytes

/// P1–P9 and what stands behind them (connection.md 4, 5).
extension Instance {
  private var rules: Establishment.Rules {
    Establishment.Rules(
      book: book, servesStrangers: settings.servesStrangers, pairing: settings.pairing, debug: settings.servesDebug)
  }

  // MARK: Establishment

  mutating func establish(
    _ message: WireMessage, on id: SocketID, _ now: Double, _ random: inout some RandomSource
  ) {
    guard var establishment = connections[id]?.establishment else { return }
    var rules = rules
    if isStrict, now < pairingPausedUntil { rules.pairing = false }
    let outputs = establishment.receive(message, rules: rules, random: &random)
    connections[id]?.establishment = establishment
    let deadline = step(now)
    connections[id]?.deadline = deadline
    process(outputs, of: id, now, &random)
  }

  mutating func process(
    _ outputs: [Establishment.Output], of id: SocketID, _ now: Double, _ random: inout some RandomSource
  ) {
    for output in outputs {
      guard let connection = connections[id], connection.stage != .closing else { return }
      switch output {
      case .send(let message): send([message], on: id, now, &random)
      case .assigned(let group): assign(id, group, now, &random)
      case .identified(let peer): identified(peer, on: id, now, &random)
      case .close(let cause, let failure): end(id, cause, now, &random, failure: failure)
      case .fallSilent(let failure):
        connections[id]?.stage = .silent
        connections[id]?.deadline = nil
        tell(.fault(id, failure, isOpen: true))
      }
    }
  }

  /// The duplicate rule (connection.md 4.5; decisions.md 4).
  private mutating func assign(_ id: SocketID, _ group: String, _ now: Double, _ random: inout some RandomSource) {
    guard let connection = connections[id], let handshake = connection.handshake, let own = connection.own else {
      return
    }
    let key = ActiveKey(own: own.instanceKey.publicKey, peer: handshake.peerStatic, group: group)
    if let old = active[key], old.socket != id, connections[old.socket] != nil, !has(.noDuplicateRule) {
      if keepsOld(old, key, connection, now) { return end(id, .duplicate, now, &random) }
      active[key] = ActiveConnection(socket: id, since: now, isDialled: connection.isDialled)
      connections[id]?.assigned = key
      return end(old.socket, .replaced, now, &random)
    }
    active[key] = ActiveConnection(socket: id, since: now, isDialled: connection.isDialled)
    connections[id]?.assigned = key
  }

  private func keepsOld(_ old: ActiveConnection, _ key: ActiveKey, _ new: Connection, _ now: Double) -> Bool {
    if has(.neverReplaces) { return true }
    guard now - old.since < settings.duplicateWindow else { return false }
    guard isStrict, old.isDialled != new.isDialled else { return true }
    // Both sides dialled: the connection dialled by the smaller key stays, which both can tell.
    let ownIsSmaller = key.own.bytes.lexicographicallyPrecedes(key.peer.bytes)
    return old.isDialled == ownIsSmaller
  }

  private mutating func identified(
    _ peer: ProvenPeer, on id: SocketID, _ now: Double, _ random: inout some RandomSource
  ) {
    guard var connection = connections[id], let own = connection.own else { return }
    let group = connection.group ?? ""
    connection.peer = peer
    connections[id] = connection
    tell(.identified(id, group: group, peer))
    switch group {
    case "pairing": startPairing(peer, own, connection, id, now, &random)
    case "chum":
      let record = book.record(own: own.instanceKey.publicKey, peer: peer.handshakeKey)
      if record == nil, !has(.chumForStrangers) {
        let failure = WireFailure("chum.stranger", "connection.md 4.6", "the peer is unknown")
        return end(id, .stranger, now, &random, failure: failure)
      }
      connections[id]?.record = record
      connections[id]?.stage = .starting
      if has(.startsWithoutSynchronisation) { return run(id) }
      send([.text("synchronisation")], on: id, now, &random)
    case "debug" where settings.servesDebug || !isStrict || has(.servesDebugGroup):
      connections[id]?.stage = .debug
    default:
      if has(.keepsUnknownGroups) { return }
      let failure = WireFailure("group.unknown", "connection.md 4.6", "group \(excerpt(group, 40))")
      end(id, .unknownGroup(group), now, &random, failure: failure)
    }
  }

  // MARK: CHUM's beginning

  /// The deployed implementation takes whatever comes for the peer's `synchronisation` (connection.md 4.6).
  mutating func begin(_ message: WireMessage, on id: SocketID, _ now: Double, _ random: inout some RandomSource) {
    if isStrict, message != .text("synchronisation"), !has(.acceptsAnySynchronisation) {
      let failure = WireFailure("chum.no-synchronisation", "connection.md 4.6", "another message came")
      return end(id, EndCause("unexpected"), now, &random, failure: failure)
    }
    run(id)
  }

  private mutating func run(_ id: SocketID) {
    connections[id]?.stage = .running
    connections[id]?.deadline = nil
    guard let connection = connections[id], let record = connection.record else { return }
    tell(.ready(id, record))
    if var route = routes[RouteKey(own: record.localInstanceKey, peer: record.instanceKey)] {
      route.failures = 0
      routes[RouteKey(own: record.localInstanceKey, peer: record.instanceKey)] = route
    }
  }

  /// The deployed debug group serves anybody, even switched off; this one has no objects to show (connection.md 4.6).
  mutating func debug(_ message: WireMessage, on id: SocketID, _ now: Double, _ random: inout some RandomSource) {
    let expected = #""protocol":"getAccessibleObjects""#
    if case .text(let text) = message, text.contains(expected) {
      let answer: JSONValue = ["type": "accessible_objects", "objects": []]
      send([.text(answer.compact)], on: id, now, &random)
    }
    end(id, .done, now, &random)
  }

  // MARK: Pairing

  private mutating func startPairing(
    _ peer: ProvenPeer, _ own: Identity, _ connection: Connection, _ id: SocketID, _ now: Double,
    _ random: inout some RandomSource
  ) {
    let pairing: Pairing
    if case .join(let join) = connection.origin {
      pairing = .invitee(own: own, peer: peer, invitation: join.invitation, settings: settings, box: box)
    } else {
      guard settings.pairing || has(.pairsWhenOff) else { return end(id, .noCatchAll, now, &random) }
      pairing = .inviter(own: own, peer: peer, settings: settings, box: box)
    }
    connections[id]?.stage = .pairing
    connections[id]?.pairing = pairing
    process(pairing.start(), of: id, now, &random)
  }

  mutating func pair(_ message: WireMessage, on id: SocketID, _ now: Double, _ random: inout some RandomSource) {
    guard var pairing = connections[id]?.pairing else { return }
    if pairing.step == .paired {
      // The fork's invitee goes on with chum here; this side waits for the close (PA-014).
      return
    }
    let outputs = pairing.receive(message, tokens: &tokens, socket: id, now: now)
    connections[id]?.pairing = pairing
    let deadline = step(now)
    connections[id]?.deadline = deadline
    process(outputs, of: id, now, &random)
  }

  private mutating func process(
    _ outputs: [Pairing.Output], of id: SocketID, _ now: Double, _ random: inout some RandomSource
  ) {
    for output in outputs {
      guard let connection = connections[id], connection.stage != .closing else { return }
      switch output {
      case .send(let message): send([message], on: id, now, &random)
      case .presented(let refused):
        tell(.tokenPresented(id, accepted: refused == nil))
        if refused != nil { countWrongToken(now) }
      case .paired(let file, let token): paired(file, token, connection, id, now)
      case .finished: end(id, .done, now, &random)
      case .close(let cause, let failure, let stage):
        fail(connection, id, stage, cause.code)
        connections[id]?.isPaired = true
        end(id, cause, now, &random, failure: failure)
      }
    }
  }

  private mutating func countWrongToken(_ now: Double) {
    guard let limit = settings.wrongTokens, !has(.unlimitedGuesses) else { return }
    wrongTokens.removeAll { now - $0 >= 60_000 }
    wrongTokens.append(now)
    if wrongTokens.count > limit {
      wrongTokens = []
      pairingPausedUntil = now + settings.pairingPause
    }
  }

  private mutating func paired(
    _ file: IdentityFile, _ token: String, _ connection: Connection, _ id: SocketID, _ now: Double
  ) {
    guard let own = connection.own, let peer = connection.peer else { return }
    let isInvitee = connection.isDialled
    let origin = PeerRecord.Origin.pairing(initiatedLocally: isInvitee)
    var mode = tokens.entry(token)?.mode
    if case .join(let join) = connection.origin { mode = join.options.mode }
    let success = PairingSuccess(
      initiatedLocally: isInvitee != has(.wrongInviterCallback), localPerson: own.personId,
      localInstance: own.instanceId, remotePerson: isInvitee ? file.personId : peer.person,
      remoteInstance: peer.instance, token: token, mode: mode, socket: id)
    connections[id]?.isPaired = true
    let delay = isInvitee ? 0 : settings.storeDelay
    let record = PeerRecord(file, local: own, origin: origin, since: now + delay)
    pending.append(PendingStore(due: now + delay, record: record, success: success))
    if !isInvitee {
      connections[id]?.stage = .lingering
      let deadline = has(.lingersForEver) ? nil : now + settings.pairingLinger
      connections[id]?.deadline = deadline
    }
  }

  mutating func fail(_ connection: Connection, _ id: SocketID, _ stage: PairingFailure.Stage, _ code: String) {
    guard !has(.silentFailure) else { return }
    tell(
      .pairingFailed(
        PairingFailure(initiatedLocally: connection.isDialled, stage: stage, code: code, socket: id)))
  }

  /// Stores what has been in storing long enough: from here on the peer is known and the token is gone.
  mutating func finishStores(_ now: Double) {
    guard !pending.isEmpty else { return }
    let due = pending.filter { $0.due <= now }
    pending.removeAll { $0.due <= now }
    for store in due {
      if !store.success.initiatedLocally || has(.wrongInviterCallback) { tokens.consume(store.success.token) }
      brokered[store.success.token] = nil
      tell(.pairingSucceeded(store.success))
      if has(.reportsTwice) { tell(.pairingSucceeded(store.success)) }
      if let record = store.record { self.store(record, now) }
    }
  }
}
