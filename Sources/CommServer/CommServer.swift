public import Cryptobox
import Wire

/// The relay as a value: events in, actions out (connection.md 2; with ``CommServerSettings/invitations`` also 7.2).
///
/// It knows no socket, clock or generator: `now` is any monotonic time in ms, and keys, nonces and challenges come from
/// the random source of the call. A driver calls ``handle(_:at:random:into:)`` for everything that happens, and with
/// ``ServerEvent/timer`` when ``nextDeadline`` has come. Nothing that a peer sends makes it trap, and everything that it
/// keeps for a peer has a bound in the settings.
public struct CommServer: Sendable {
  public let settings: CommServerSettings
  /// The key that listeners see in the challenge.
  public let publicKey: PublicKey
  public private(set) var isStopped = false

  let secretKey: SecretKey
  let box: any BoxProvider
  let reader: ClearMessageReader
  var connections: [ConnectionID: Connection] = [:]
  var spares = SpareTable()
  var heap = DeadlineHeap()
  var newSockets = RateLimiter<String>(window: 1_000)
  var requests = RateLimiter<RequestRate>(window: 60_000)
  var failedConnects = RateLimiter<String>(window: 60_000)
  var book: InvitationBook
  var counters = ServerStatistics()
  /// Actions of the running call.
  var out: [ServerAction] = []
  /// For planted faults only: one challenge for all, and responses that were right before.
  var fixedChallenge: (content: [UInt8], nonce: Nonce)?
  var oldResponses: Set<[UInt8]> = []

  struct RequestRate: Hashable, Sendable {
    let address: String
    let target: PublicKey
  }

  /// The heap's entry of the invitation sweep; drivers number their sockets from below.
  static let sweepID = ConnectionID(.max)

  /// Draws the server's key (32 bytes) from `random` unless the settings have one.
  public init(
    settings: CommServerSettings = .deployed, box: any BoxProvider = SodiumBox(),
    random: inout some RandomSource
  ) {
    self.settings = settings
    self.box = box
    secretKey = settings.secretKey ?? random.secretKey()
    publicKey = box.publicKey(of: secretKey)
    reader = ClearMessageReader(settings: settings)
    book = InvitationBook(limits: settings.invitationLimits, faults: settings.faults)
  }

  /// When ``ServerEvent/timer`` is due; nil when nothing waits. It may come out too early, never too late.
  public var nextDeadline: Double? { heap.first?.time }

  public var statistics: ServerStatistics {
    var now = counters
    now.connections = connections.count
    now.spares = spares.spareCount
    now.keys = spares.keyCount
    now.invitations = book.count
    return now
  }

  /// Takes one event and appends what has to be done for it, in order.
  ///
  /// Random bytes are drawn only for a challenge (64 of content, then 24 of nonce) and for a requestId (16).
  public mutating func handle(
    _ event: ServerEvent, at now: Double, random: inout some RandomSource, into actions: inout [ServerAction]
  ) {
    swap(&out, &actions)
    defer { swap(&out, &actions) }
    switch event {
    case .opened(let id, let address): open(id, address, now)
    case .text(let id, let text): receive(.text(text), from: id, now, &random)
    case .binary(let id, let bytes): receive(.binary(bytes), from: id, now, &random)
    case .oversized(let id):
      if !has(.parsesLongMessages) { close(id, .tooLong, now) }
    case .closed(let id, let code, let reason):
      if let connection = remove(id) { lost(id, connection, code: code, reason: reason, now) }
    case .activity(let id): touch(id, now)
    case .timer: runTimers(now, &random)
    case .stop: stop(now)
    }
  }

  /// The same, with the actions as result.
  public mutating func handle(
    _ event: ServerEvent, at now: Double, random: inout some RandomSource
  ) -> [ServerAction] {
    var actions: [ServerAction] = []
    handle(event, at: now, random: &random, into: &actions)
    return actions
  }

  // MARK: Sockets

  private mutating func open(_ id: ConnectionID, _ address: String?, _ now: Double) {
    guard connections[id] == nil, id != Self.sweepID else { return }
    counters.opened += 1
    connections[id] = Connection(address: address)
    if isStopped { return close(id, .stopped, now) }
    if let limit = settings.connections, connections.count > limit { return close(id, .tooManyConnections, now) }
    if let limit = settings.socketsPerSecond, let address, !has(.noSocketRate),
      !newSockets.admit(address, limit: limit, at: now)
    {
      return close(id, .rateLimited, now)
    }
    if let timeout = settings.firstMessageTimeout, !has(.noFirstMessageLimit) {
      setDeadline(id, now + max(1, timeout))
    }
  }

  private mutating func receive(
    _ message: Connection.Message, from id: ConnectionID, _ now: Double, _ random: inout some RandomSource
  ) {
    guard let connection = connections[id] else { return }
    switch connection.state {
    case .accepted: receiveFirst(message, from: id, now, &random)
    case .challenged(let challenge): receiveResponse(message, from: id, challenge, now, &random)
    case .spare(let spare): receiveOnSpare(message, from: id, spare, now, &random)
    case .requesting: receiveEarly(message, from: id, now)
    case .invited: receiveFromInvitee(id, now)
    case .relay(let relay): forward(message, from: id, relay, now)
    case .orphan: countUnread(id, now)
    }
  }

  private mutating func runTimers(_ now: Double, _ random: inout some RandomSource) {
    while let entry = heap.first, entry.time <= now {
      _ = heap.popFirst()
      if entry.id == Self.sweepID {
        sweepInvitations(now)
        continue
      }
      guard let connection = connections[entry.id], connection.scheduled == entry.time else { continue }
      connections[entry.id]?.scheduled = nil
      guard let deadline = connection.deadline else { continue }
      if deadline > now {
        setDeadline(entry.id, deadline)
      } else {
        connections[entry.id]?.deadline = nil
        fire(entry.id, connection, now, &random)
      }
    }
  }

  private mutating func fire(
    _ id: ConnectionID, _ connection: Connection, _ now: Double, _ random: inout some RandomSource
  ) {
    switch connection.state {
    case .accepted, .challenged: close(id, .timeout, now)
    case .spare(let spare): fireOnSpare(id, spare, now)
    case .relay(let relay): fireOnRelay(id, relay, now)
    case .requesting, .invited, .orphan: break
    }
  }

  private mutating func stop(_ now: Double) {
    isStopped = true
    // Relays first, as in [rec: server-stop]; within a kind in the order of their opening.
    for id in connections.keys.sorted() {
      guard let connection = connections[id] else { continue }
      if case .spare = connection.state { continue }
      if case .relay = connection.state, has(.stopLeavesRelays) { continue }
      connections[id] = nil
      switch settings.profile {
      case .deployed: out.append(.close(id, code: nil, reason: ""))
      case .strict: out.append(.close(id, code: 1_000, reason: CloseCause.stopped.neutralCode))
      }
    }
    for id in connections.keys.sorted() {
      guard case .spare? = connections[id]?.state, !has(.stopLeavesSpares) else { continue }
      connections[id] = nil
      out.append(.close(id, code: 1_000, reason: reason(.stopped)))
    }
    spares = SpareTable()
    counters.relays = 0
  }

  // MARK: Endings

  func has(_ fault: Fault) -> Bool { settings.faults.contains(fault) }
  var isStrict: Bool { settings.profile == .strict }

  /// Sets the socket's one timer; nil stops it.
  mutating func setDeadline(_ id: ConnectionID, _ time: Double?) {
    guard let connection = connections[id] else { return }
    connections[id]?.deadline = time
    guard let time else { return }
    if let scheduled = connection.scheduled, scheduled <= time { return }
    connections[id]?.scheduled = time
    heap.push(time, id)
  }

  func reason(_ cause: CloseCause) -> String {
    if case .invitation(let error) = cause { return error.rawValue }
    if has(.writesLongReasons) { return String(repeating: "ü", count: 123) }
    if has(.leaksErrorTexts) { return CloseCause.cut("Error: \(cause) at CommServer.swift:\(#line)") }
    return isStrict ? cause.neutralCode : cause.deployedReason
  }

  /// Closes a socket for a cause of its own, with everything that hangs on it.
  mutating func close(_ id: ConnectionID, _ cause: CloseCause, _ now: Double) {
    guard let connection = remove(id) else { return }
    if cause != .stopped { counters.faults += 1 }
    let text = reason(cause)
    out.append(.close(id, code: has(.closesWithOtherCode) ? 4_000 : 1_000, reason: text))
    lost(id, connection, code: 1_000, reason: text, now)
  }

  /// Takes a socket out of the table; what hangs on it is ``lost(_:_:code:reason:_:)``'s.
  mutating func remove(_ id: ConnectionID) -> Connection? {
    guard let connection = connections.removeValue(forKey: id) else { return nil }
    if case .relay(let relay) = connection.state, relay.isListener { counters.relays -= 1 }
    return connection
  }

  /// What the end of a socket means for others.
  mutating func lost(
    _ id: ConnectionID, _ connection: Connection, code: UInt16?, reason: String, _ now: Double
  ) {
    switch connection.state {
    case .accepted, .challenged, .orphan: break
    case .spare(let spare): lostSpare(id, spare, now)
    case .requesting(let requesting): lostRequester(id, requesting, now)
    case .invited(let invitation, let inviter): lostInvitee(id, invitation, inviter, now)
    case .relay(let relay): lostLeg(relay, code: code, reason: reason, now)
    }
  }
}
