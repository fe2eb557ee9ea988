public import Cryptobox
import Wire

/// A ONE instance up to the start of CHUM as a value: events in, actions out.
///
/// It registers at CommServers, accepts and dials, proves persons, invites and pairs, keeps routes to known peers. It
/// knows no socket, clock or generator: `now` is any monotonic time in ms, randomness is an argument. A driver calls
/// ``handle(_:at:random:into:)`` for everything that happens, and with ``InstanceEvent/timer`` when ``nextDeadline`` has
/// come. Nothing that a peer or server sends makes it trap, and what it keeps for them has bounds in the settings.
///
/// CHUM plugs in above: from ``InstanceReport/ready(_:_:)`` on, messages come as ``InstanceReport/application(_:_:)`` and
/// go out by ``InstanceCommand/send(_:_:)``.
public struct Instance: Sendable {
  public let settings: InstanceSettings
  public private(set) var keychain: Keychain
  public internal(set) var book: PeerBook
  public internal(set) var tokens: TokenStore
  public internal(set) var isRunning = false

  let box: AnyBox
  var numbers = SocketNumbers()
  var listeners: [Listener] = []
  var connections: [SocketID: Connection] = [:]
  var routes: [RouteKey: Route] = [:]
  var active: [ActiveKey: ActiveConnection] = [:]
  var pending: [PendingStore] = []
  /// Initiators' ephemeral keys of the last minutes (HS-020), oldest first in `seenOrder`.
  var seen: Set<PublicKey> = []
  var seenOrder: [(key: PublicKey, time: Double)] = []
  var wrongTokens: [Double] = []
  var pairingPausedUntil = -Double.infinity
  /// Tokens that a broker was asked to keep, and what is known of it.
  var brokered: [String: Brokering] = [:]
  /// Actions of the running call.
  var out: [InstanceAction] = []

  enum Brokering: Equatable {
    /// Asked on this spare, not answered.
    case asked(SocketID)
    case stored
  }

  /// The most ephemeral keys that are remembered, whatever their age.
  static let seenLimit = 10_000

  /// A new instance; `book` holds the peers of an earlier run.
  public init(settings: InstanceSettings, keychain: Keychain, book: PeerBook = PeerBook(), box: any BoxProvider) {
    self.settings = settings
    self.keychain = keychain
    self.book = book
    self.box = AnyBox(box)
    tokens = TokenStore(profile: settings.profile, defects: settings.defects)
    makeListeners()
    makeRoutes()
  }

  /// The same instance after a crash: what was stored is there, connections and tokens are not (INV-015). Socket numbers
  /// go on, so that no id comes twice. `book` is what a store of its own kept of the peers.
  public init(restarting old: Instance, book: PeerBook? = nil) {
    self.init(settings: old.settings, keychain: old.keychain, book: book ?? old.book, box: old.box)
    numbers = old.numbers
    if settings.defects.contains(.tokensSurviveRestart) { tokens = old.tokens }
  }

  func has(_ defect: Defect) -> Bool { settings.defects.contains(defect) }
  var isStrict: Bool { settings.profile == .strict }

  private mutating func makeListeners() {
    for identity in keychain.identities {
      guard let url = identity.url else { continue }
      listeners.append(Listener(url: url, key: identity.instanceKey, settings: settings, box: box))
    }
  }

  private mutating func makeRoutes() {
    for record in book.records { addRoute(record) }
  }

  /// Registers another identity of this device, as after an Internet-of-Me request (observed.md 8).
  public mutating func addIdentity(_ identity: Identity, actions: inout [InstanceAction]) {
    keychain.add(identity)
    guard let url = identity.url else { return }
    var listener = Listener(url: url, key: identity.instanceKey, settings: settings, box: box)
    let outputs = isRunning ? listener.start(numbers: &numbers) : []
    listeners.append(listener)
    for case .open(let id, let url) in outputs { actions.append(.open(id, url: url)) }
    if isRunning { actions.append(.report(.listener(key: identity.instanceKey.publicKey, .connecting))) }
  }

  /// Takes one event and appends what has to be done for it, in order.
  public mutating func handle(
    _ event: InstanceEvent, at now: Double, random: inout some RandomSource, into actions: inout [InstanceAction]
  ) {
    swap(&out, &actions)
    defer { swap(&out, &actions) }
    switch event {
    case .start: start(now)
    case .opened(let id): opened(id, now, &random)
    case .accepted(let id): accept(id, .direct, now)
    case .message(let id, let message): receive(message, on: id, now, &random)
    case .closed(let id, let code, let reason): closed(id, code: code, reason: reason, now, &random)
    case .timer: runTimers(now, &random)
    case .command(let command): run(command, now, &random)
    }
    settle(now)
  }

  /// The same, with the actions as result.
  public mutating func handle(
    _ event: InstanceEvent, at now: Double, random: inout some RandomSource
  ) -> [InstanceAction] {
    var actions: [InstanceAction] = []
    handle(event, at: now, random: &random, into: &actions)
    return actions
  }

  func report(_ report: InstanceReport, to out: inout [InstanceAction]) { out.append(.report(report)) }
  mutating func tell(_ report: InstanceReport) { out.append(.report(report)) }

  /// Connections that are open or being opened, and their groups; for displays and invariants.
  public var openSockets: [SocketID] {
    (connections.filter { $0.value.stage != .closing }.map(\.key) + listeners.flatMap(\.sockets.keys)).sorted()
  }

  /// Half-open handshakes, spares and the like: everything that a peer can make this instance keep.
  public var load: (connections: Int, spares: Int, remembered: Int, tokens: Int) {
    (connections.count, listeners.reduce(0) { $0 + $1.spareCount }, seen.count, tokens.count)
  }

  /// The chum connections that run now, by the peer's instance key.
  public var running: [PublicKey: SocketID] {
    var out: [PublicKey: SocketID] = [:]
    for (id, connection) in connections where connection.stage == .running {
      if let record = connection.record { out[record.instanceKey] = id }
    }
    return out
  }

  public var listenerState: ListenerState {
    let states = listeners.map(\.state)
    if states.contains(.connecting) { return .connecting }
    return states.contains(.listening) ? .listening : .notListening
  }
}
