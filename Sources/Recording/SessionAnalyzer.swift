import Cryptobox
public import Trace
import Wire

/// What a reader of the verdict should know of what was not seen.
public struct Blindness: Sendable, Equatable {
  /// Encrypted frames for which no key was at hand.
  public var unreadableFrames = 0
  public var unreadableConnections = 0
  /// Connections that had begun before the recording.
  public var midwayConnections = 0
  /// Relays whose ends do not speak the ONE handshake: only the relay was judged.
  public var plainRelays = 0
  /// Encrypted connections that carry something of their own instead of connection establishment.
  public var applications = 0
  /// Events of instance logs whose names this version does not know, and the first of those names.
  public var unknownLogEvents = 0
  public var unknownLogNames: [String] = []
  public init() {}
}

/// From recorded lines to events: one machine a connection, memory by what is open.
public struct SessionAnalyzer {
  /// A class, so that a connection's buffers change in place.
  private final class Connection {
    let number: Int
    var clear = ClearMachine()
    var key: SharedKey?
    var isBlind = false
    var sides: [SealedSide] = []
    var establishment: Establishment?
    var isOpened = false
    var closedByClient = false
    var closedByServer = false
    var isOver: Bool { closedByClient && closedByServer }
    /// Several requesters of the same keys wait: the key message will tell which is this listener's.
    var isUndecided = false
    /// What the CommServer would try, until a frame of each direction has been tried.
    var serverView: [(name: String, key: SharedKey)] = []
    var tried = [false, false]

    init(number: Int) { self.number = number }
  }

  private let keys: KeyRing
  private let limits: RecordingLimits
  private var sink: EventSink
  private var connections: [String: Connection] = [:]
  private var nextNumber = 0
  private var relays = RelayMatcher()
  /// Connections that one side has closed, oldest first; the oldest are given up beyond a bound.
  private var halfClosed: [String] = []
  private var halfClosedHead = 0
  private static let halfClosedLimit = 1_024
  /// Opening frames with keys of unknown connections costs; this many tries a session.
  private var looseTries = 2_000_000

  public private(set) var blindness = Blindness()
  public private(set) var connectionCount = 0
  public private(set) var frameCount = 0
  public private(set) var encryptedFrameCount = 0
  public private(set) var openedFrameCount = 0
  public private(set) var logEventCount = 0

  /// `wantsPlain` also collects the lines that `chumgate show` prints.
  public init(keys: KeyRing, limits: RecordingLimits = RecordingLimits(), wantsPlain: Bool = false) {
    self.keys = keys
    self.limits = limits
    sink = EventSink(wantsPlain: wantsPlain)
  }

  /// The events and plain lines of the line that was fed last.
  public var events: [Event] { sink.events }
  public var plainLines: [PlainLine] { sink.plain }
  /// Connections that are not over.
  public var openConnections: Int { connections.count }

  public mutating func feed(_ line: RecordedLine) throws(RecordingFailure) {
    if let known = connections[line.conn], isReopened(line, known) {
      // The name is used again: a recorder that was started anew, or several recordings in one file.
      forget(line.conn, known)
      sink.begin(line, leg: known.number)
      sink.emit(.ended)
      try open(line, keepsEvents: true)
    } else if connections[line.conn] == nil {
      try open(line, keepsEvents: false)
    } else {
      sink.begin(line, leg: connections[line.conn]?.number ?? 0)
    }
    guard let connection = connections[line.conn] else { return }
    switch line.content {
    case .open(let text):
      if line.direction == .fromClient { connection.isOpened = true }
      sink.emit(.opened(text))
    case .error(let text): sink.emit(.socketError(text))
    case .close(let code, let reason, let echo):
      sink.emit(.closed(code: code, reason: reason, echo: echo))
      close(line, connection)
    case .message(let payload, let proxy, let forwarded):
      frameCount += 1
      sink.emit(.wireFrame(op: payload.op, length: payload.length, proxy: proxy))
      message(payload, forwarded: forwarded, proxy: proxy, line, connection)
    }
  }

  /// Takes a line of an instance's log; `file` is the name of a log that is a file of its own.
  public mutating func feed(_ log: LogLine, file: String? = nil) {
    logEventCount += 1
    switch log.content {
    case .event(let event):
      let leg = event.conn.flatMap { connections[$0]?.number }
      sink.begin(log, leg: leg ?? 0, conn: file ?? event.conn ?? event.peer)
      sink.emit(.logged(event))
    case .unknown(let name):
      sink.begin(log, leg: 0, conn: file ?? "")
      blindness.unknownLogEvents += 1
      if blindness.unknownLogNames.count < 10, !blindness.unknownLogNames.contains(name) {
        blindness.unknownLogNames.append(name)
      }
    }
  }

  private func isReopened(_ line: RecordedLine, _ known: Connection) -> Bool {
    guard case .open = line.content, line.direction == .fromClient else { return false }
    return known.isOpened
  }

  private mutating func open(_ line: RecordedLine, keepsEvents: Bool) throws(RecordingFailure) {
    guard connections.count < limits.openConnections else {
      throw RecordingFailure(line: line.number, "more than \(limits.openConnections) connections open at once")
    }
    nextNumber += 1
    connectionCount += 1
    let connection = Connection(number: nextNumber)
    if case .open = line.content, line.direction == .fromClient {} else { connection.clear.hasBeginning = false }
    connections[line.conn] = connection
    if keepsEvents { sink.turn(to: nextNumber) } else { sink.begin(line, leg: nextNumber) }
  }

  private mutating func close(_ line: RecordedLine, _ connection: Connection) {
    let wasHalfClosed = connection.closedByClient || connection.closedByServer
    if line.direction == .fromClient { connection.closedByClient = true } else { connection.closedByServer = true }
    // Whoever has closed is handed to nobody any more.
    if let pair = connection.clear.forwardedKeys { relays.forget(line.conn, pair) }
    if connection.isOver {
      connections[line.conn] = nil
      return
    }
    if wasHalfClosed { return }
    halfClosed.append(line.conn)
    while halfClosed.count - halfClosedHead > Self.halfClosedLimit {
      let name = halfClosed[halfClosedHead]
      halfClosedHead += 1
      // The name may stand for a later connection by now.
      guard name != line.conn, let old = connections[name], old.closedByClient != old.closedByServer else { continue }
      forget(name, old)
      sink.emitEnd(leg: old.number, conn: name)
    }
    if halfClosedHead > Self.halfClosedLimit {
      halfClosed.removeFirst(halfClosedHead)
      halfClosedHead = 0
    }
  }

  private mutating func forget(_ name: String, _ connection: Connection) {
    connections[name] = nil
    if let pair = connection.clear.forwardedKeys { relays.forget(name, pair) }
  }

  private mutating func message(
    _ payload: RecordedLine.Payload, forwarded: RecordedLine.Payload?, proxy: ProxyMark?, _ line: RecordedLine,
    _ connection: Connection
  ) {
    guard connection.clear.state == .encrypted else {
      let before = connection.clear.state
      if sink.wantsPlain { sink.show(.clear, payload, proxy: proxy) }
      connection.clear.receive(payload, forwarded: forwarded, line.direction, keys: keys, &sink)
      if connection.clear.state != before { changed(from: before, line, connection) }
      return
    }
    switch payload {
    case .text(let text):
      sink.show(.unencrypted, payload)
      sink.emit(.unencryptedText(text))
    case .binary(let frame): sealed(frame, line.direction, connection)
    }
  }

  private mutating func changed(from before: ClearMachine.State, _ line: RecordedLine, _ connection: Connection) {
    switch connection.clear.state {
    case .ready: relayNamed(line, connection)
    case .acceptorKey: if connection.isUndecided { relayTold(line, connection) }
    case .encrypted: becomeEncrypted(connection)
    case .plainRelay: blindness.plainRelays += 1
    case .midway: blindness.midwayConnections += 1
    default: break
    }
  }

  /// A request passed: the requester's leg waits for its partner, the listener's leg finds it.
  private mutating func relayNamed(_ line: RecordedLine, _ connection: Connection) {
    guard let pair = connection.clear.forwardedKeys else { return }
    if connection.clear.role == .requester {
      relays.wait(line.conn, pair)
    } else if let name = relays.only(pair) {
      match(name, pair, isLate: false)
    } else {
      connection.isUndecided = true
    }
  }

  /// The initiator's key message came through: its nonce tells whose it is.
  private mutating func relayTold(_ line: RecordedLine, _ connection: Connection) {
    guard connection.clear.role == .listener, let pair = connection.clear.forwardedKeys,
      let nonce = connection.clear.initiatorNonce
    else { return }
    connection.isUndecided = false
    let name = relays.all(pair).first { connections[$0]?.clear.initiatorNonce == nonce }
    if let name { match(name, pair, isLate: true) }
  }

  private mutating func match(_ name: String, _ pair: (source: String, target: String), isLate: Bool) {
    relays.forget(name, pair)
    if let requester = connections[name]?.number {
      sink.emit(.spliced(requesterLeg: requester, isLate: isLate))
    }
  }

  private mutating func becomeEncrypted(_ connection: Connection) {
    let clear = connection.clear
    connection.key = keys.sessionKey(initiator: clear.initiatorEphemeral, acceptor: clear.acceptorEphemeral)
    let clientInitiates = clear.initiatorDirection == .fromClient
    connection.serverView = keys.serverView(source: clear.source, target: clear.target)
    connection.sides = Direction.allCases.map {
      SealedSide(isInitiator: $0 == clear.initiatorDirection, maximum: limits.message)
    }
    connection.establishment = Establishment(initiatorDirection: clear.initiatorDirection, limits: limits)
    sink.emit(
      .encrypted(
        Channel(
          clientIsInitiator: clientInitiates, fingerprint: connection.key?.fingerprint, source: clear.source?.hex,
          target: clear.target?.hex)))
  }

  private mutating func sealed(_ frame: [UInt8], _ direction: Direction, _ connection: Connection) {
    encryptedFrameCount += 1
    let side = Int(direction.rawValue)
    if !connection.tried[side] {
      connection.tried[side] = true
      let counter = connection.sides[side].nextCounter
      if let found = connection.serverView.first(where: { keys.open(frame, counter: counter, key: $0.key) != nil }) {
        sink.emit(.openToServer(found.name))
      }
      if connection.tried == [true, true] { connection.serverView = [] }
    }
    if connection.key == nil, !connection.isBlind { tryKeys(frame, side, connection) }
    guard let key = connection.key else {
      blindness.unreadableFrames += 1
      sink.show(.unreadable, nil, cipherLength: frame.count)
      sink.emit(.unreadable(length: frame.count))
      if let marker = Plaintext.marker(in: frame) { sink.emit(.plaintextSeen(marker)) }
      return
    }
    let before = sink.events.count
    let whole = connection.sides[side].receive(frame, key: key, keys: keys, &sink)
    if case .decryptFailed? = sink.events[before...].first?.kind {} else { openedFrameCount += 1 }
    guard let whole else { return }
    let wasApplication = connection.establishment?.mode == .application
    connection.establishment?.receive(whole, direction, keys: keys, &sink)
    if !wasApplication, connection.establishment?.mode == .application { blindness.applications += 1 }
  }

  /// The static keys did not tell; a loose session key may still fit the first frame.
  private mutating func tryKeys(_ frame: [UInt8], _ side: Int, _ connection: Connection) {
    let limit = min(4_096, looseTries)
    looseTries -= min(limit, keys.loose.count)
    connection.key = keys.tryLoose(frame, counter: connection.sides[side].nextCounter, limit: limit)
    if connection.key == nil {
      connection.isBlind = true
      blindness.unreadableConnections += 1
    }
  }
}
