import Cryptobox
import Wire

/// Endings, redials and timers (connection.md 2.8, 4.5).
extension Instance {
  // MARK: Endings

  /// Closes a connection from this side. In profile deployed its late frames are still read until the socket is gone.
  mutating func end(
    _ id: SocketID, _ cause: EndCause, _ now: Double, _ random: inout some RandomSource, failure: WireFailure? = nil
  ) {
    guard let connection = connections[id], connection.stage != .closing else { return }
    if let failure { tell(.fault(id, failure, isOpen: false)) }
    out.append(.close(id, reason: cause.reason(settings.profile)))
    if connection.link.isSecure, !isStrict || has(.deliversAfterFailure) {
      connections[id]?.wasRunning = connection.stage == .running
      connections[id]?.stage = .closing
      // Drivers that never tell of the close shall not leave it here for ever.
      connections[id]?.deadline = now + 10_000
    } else {
      connections[id] = nil
    }
    ended(id, connection, cause.code, now, &random)
  }

  /// What the end of a connection means for pairings, the duplicate rule and routes.
  mutating func ended(
    _ id: SocketID, _ connection: Connection, _ code: String, _ now: Double, _ random: inout some RandomSource
  ) {
    tokens.release(by: id)
    if let key = connection.assigned, active[key]?.socket == id { active[key] = nil }
    tell(.ended(id, group: connection.group, code: code))
    let isJoin = if case .join = connection.origin { true } else { false }
    if !connection.isPaired, isJoin || connection.group == "pairing" {
      fail(connection, id, connection.pairingStage, code)
    }
    if has(.succeedsWithoutIdentity), let pairing = connection.pairing, !connection.isPaired,
      pairing.step == .identity, let token = pairing.token, let own = connection.own, let peer = connection.peer
    {
      tell(
        .pairingSucceeded(
          PairingSuccess(
            initiatedLocally: false, localPerson: own.personId, localInstance: own.instanceId,
            remotePerson: peer.person, remoteInstance: peer.instance, token: token, mode: nil, socket: id)))
    }
    guard isRunning, let route = routeKey(of: connection) else { return }
    lost(route, connection, id, code, now, &random)
  }

  /// The route that a chum connection belongs to, whoever dialled it.
  private func routeKey(of connection: Connection) -> RouteKey? {
    if case .route(let key) = connection.origin { return key }
    guard connection.group == "chum", let handshake = connection.handshake, let own = connection.own else { return nil }
    let key = RouteKey(own: own.instanceKey.publicKey, peer: handshake.peerStatic)
    return routes[key] == nil ? nil : key
  }

  private mutating func lost(
    _ key: RouteKey, _ connection: Connection, _ id: SocketID, _ code: String, _ now: Double,
    _ random: inout some RandomSource
  ) {
    guard var route = routes[key] else { return }
    if case .dialling(let socket) = route.state, socket != id { return }
    if case .waiting = route.state { return }
    let chum = ActiveKey(own: key.own, peer: key.peer, group: "chum")
    if active[chum] != nil {
      route.state = .idle
    } else if connection.handshake != nil {
      route.failures = 0
      if has(.noRedial) {
        route.state = .idle
      } else {
        let delay = settings.redialDelay * (1 + fraction(&random))
        route.state = .waiting(until: now + delay)
        tell(.redialIn(peer: key.peer, delay))
      }
    } else {
      let table = settings.retryTable
      let delay = table.isEmpty ? 0 : table[min(route.failures, table.count - 1)]
      route.failures += 1
      route.state = has(.dialsOnlyOnce) ? .idle : .waiting(until: now + delay)
      tell(.unreachable(peer: key.peer, url: route.url, code: code, retryIn: has(.dialsOnlyOnce) ? nil : delay))
    }
    routes[key] = route
  }

  /// Four random bytes as a number in [0, 1).
  private func fraction(_ random: inout some RandomSource) -> Double {
    let word = random.bytes(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    return Double(word) / 4_294_967_296
  }

  // MARK: Routes

  /// Without a URL there is no route, but the peer may dial (PA-021).
  mutating func addRoute(_ record: PeerRecord) {
    guard let url = record.url else { return }
    let key = RouteKey(own: record.localInstanceKey, peer: record.instanceKey)
    if routes[key] == nil || routes[key]?.url != url { routes[key] = Route(url: url) }
  }

  /// Dials, unless a connection stands or is on its way.
  mutating func dial(_ key: RouteKey, _ now: Double) {
    guard let route = routes[key], let own = keychain.identity(instanceKey: key.own) else { return }
    if case .dialling = route.state { return }
    if active[ActiveKey(own: key.own, peer: key.peer, group: "chum")] != nil {
      routes[key]?.state = .idle
      return
    }
    let id = numbers.fresh()
    let pair = has(.wrongSource) ? own.personKey : own.instanceKey
    let target = has(.wrongTarget) ? own.personKey.publicKey : key.peer
    let link = SecureLink.dialling(own: pair, target: target, settings: settings, box: box)
    connections[id] = Connection(
      origin: .route(key), link: link, stage: .opening, deadline: now + settings.openTimeout, own: own)
    routes[key]?.state = .dialling(id)
    out.append(.open(id, url: route.url))
  }

  // MARK: Timers

  /// When ``InstanceEvent/timer`` is due; nil when nothing waits.
  public var nextDeadline: Double? {
    var first = tokens.nextDeadline ?? .infinity
    for listener in listeners { first = min(first, listener.nextDeadline ?? .infinity) }
    for connection in connections.values {
      first = min(first, connection.deadline ?? .infinity)
      if connection.stage != .closing { first = min(first, connection.link.deadline ?? .infinity) }
    }
    for route in routes.values { if case .waiting(let until) = route.state { first = min(first, until) } }
    for store in pending { first = min(first, store.due) }
    return first == .infinity ? nil : first
  }

  mutating func runTimers(_ now: Double, _ random: inout some RandomSource) {
    tickListeners(now, &random)
    tokens.expire(at: now)
    for id in connections.keys.sorted() {
      guard let connection = connections[id] else { continue }
      if let deadline = connection.deadline, now >= deadline {
        overdue(id, connection, now, &random)
        continue
      }
      guard connection.stage != .closing, let due = connection.link.deadline, now >= due else { continue }
      var link = connection.link
      let outputs = link.tick(now: now, random: &random)
      connections[id]?.link = link
      process(outputs, of: id, now, &random)
    }
    for key in routes.keys.sorted() {
      if case .waiting(let until)? = routes[key]?.state, now >= until {
        routes[key]?.state = .idle
        if isRunning { dial(key, now) }
      }
    }
  }

  private mutating func overdue(
    _ id: SocketID, _ connection: Connection, _ now: Double, _ random: inout some RandomSource
  ) {
    switch connection.stage {
    case .closing: connections[id] = nil
    case .lingering: end(id, .done, now, &random)
    case .opening: end(id, .openTimeout, now, &random)
    default:
      let failure = WireFailure("step.overdue", "connection.md 8.5", "nothing came in time")
      end(id, .timeout, now, &random, failure: failure)
    }
  }

  /// What every event leaves to be done: stores that are through, ends of invitations to be told.
  mutating func settle(_ now: Double) {
    finishStores(now)
    for (token, end) in tokens.takeEnded() {
      brokered[token] = nil
      tell(.invitationEnded(token: token, end))
    }
  }
}
