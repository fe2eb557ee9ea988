import Cryptobox
public import Trace
import Wire

/// From recorded lines to events: one machine a connection, memory by what is open.
public struct SessionAnalyzer {
  /// What a reader of the verdict should know of what was not seen.
  public struct Blindness: Sendable, Equatable {
    /// Encrypted frames for which no key was at hand.
    public var unreadableFrames = 0
    public var unreadableConnections = 0
    public init() {}
  }

  private struct Connection {
    var number: Int
    var clear = ClearMachine()
    var key: SharedKey?
    var isBlind = false
    var sides: [SealedSide] = []
    var establishment: Establishment?
    var closedDirections: Set<Direction> = []
    var matched = false
  }

  private let keys: KeyRing
  private let limits: RecordingLimits
  private var sink: EventSink
  private var connections: [String: Connection] = [:]
  private var nextNumber = 0
  /// Requesters that wait for their listener's leg: by source and target key, oldest first.
  private var waiting: [String: [String]] = [:]
  private var lastTime = -Double.infinity

  public private(set) var blindness = Blindness()
  public private(set) var connectionCount = 0
  public private(set) var frameCount = 0
  public private(set) var encryptedFrameCount = 0
  public private(set) var openedFrameCount = 0

  /// `wantsPlain` also collects the lines that `chumgate show` prints.
  public init(keys: KeyRing, limits: RecordingLimits = RecordingLimits(), wantsPlain: Bool = false) {
    self.keys = keys
    self.limits = limits
    sink = EventSink(wantsPlain: wantsPlain)
  }

  /// The events and plain lines of the line that was fed last.
  public var events: [Event] { sink.events }
  public var plainLines: [PlainLine] { sink.plain }

  public mutating func feed(_ line: RecordedLine) throws(RecordingFailure) {
    if connections[line.conn] == nil {
      guard connections.count < limits.openConnections else {
        throw RecordingFailure(line: line.number, "more than \(limits.openConnections) connections open at once")
      }
      nextNumber += 1
      connectionCount += 1
      connections[line.conn] = Connection(number: nextNumber)
    }
    guard var connection = connections[line.conn] else { return }
    // The dictionary gives up its copy meanwhile, so that the machine's buffers are not copied on every write.
    connections[line.conn] = Connection(number: connection.number)
    sink.begin(line, leg: connection.number)
    switch line.content {
    case .open(let text): sink.emit(.opened(text))
    case .error(let text): sink.emit(.socketError(text))
    case .close(let code, let reason, let echo):
      sink.emit(.closed(code: code, reason: reason, echo: echo))
      connection.closedDirections.insert(line.direction)
      if connection.closedDirections.count == 2 { return retire(line.conn, connection) }
    case .message(let payload, let proxy, let forwarded):
      frameCount += 1
      sink.emit(.wireFrame(op: payload.op, length: payload.length, proxy: proxy))
      message(payload, forwarded: forwarded, proxy: proxy, line, &connection)
    }
    connections[line.conn] = connection
  }

  private mutating func retire(_ name: String, _ connection: Connection) {
    connections[name] = nil
    guard !connection.matched, let pair = connection.clear.forwardedKeys else { return }
    let key = pair.source + pair.target
    waiting[key]?.removeAll { $0 == name }
    if waiting[key]?.isEmpty == true { waiting[key] = nil }
  }

  private mutating func message(
    _ payload: RecordedLine.Payload, forwarded: RecordedLine.Payload?, proxy: ProxyMark?, _ line: RecordedLine,
    _ connection: inout Connection
  ) {
    guard connection.clear.state == .encrypted else {
      let before = connection.clear.state
      if sink.wantsPlain { sink.show(.clear, payload, proxy: proxy) }
      connection.clear.receive(payload, forwarded: forwarded, line.direction, keys: keys, &sink)
      if before != .ready, connection.clear.state == .ready { relayNamed(line, &connection) }
      if connection.clear.state == .encrypted { becomeEncrypted(&connection) }
      return
    }
    switch payload {
    case .text(let text):
      sink.show(.unencrypted, payload)
      sink.emit(.unencryptedText(text))
    case .binary(let frame): sealed(frame, line.direction, &connection)
    }
  }

  /// A request passed: the requester's leg waits for its partner, the listener's leg finds it.
  private mutating func relayNamed(_ line: RecordedLine, _ connection: inout Connection) {
    guard let pair = connection.clear.forwardedKeys else { return }
    let key = pair.source + pair.target
    if connection.clear.role == .requester {
      waiting[key, default: []].append(line.conn)
    } else if let name = waiting[key]?.first {
      waiting[key]?.removeFirst()
      if waiting[key]?.isEmpty == true { waiting[key] = nil }
      connections[name]?.matched = true
      if let requester = connections[name]?.number { sink.emit(.spliced(requesterLeg: requester)) }
    }
  }

  private mutating func becomeEncrypted(_ connection: inout Connection) {
    let clear = connection.clear
    connection.key = keys.sessionKey(initiator: clear.initiatorEphemeral, acceptor: clear.acceptorEphemeral)
    let clientInitiates = clear.initiatorDirection == .fromClient
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

  private mutating func sealed(_ frame: [UInt8], _ direction: Direction, _ connection: inout Connection) {
    encryptedFrameCount += 1
    let side = Int(direction.rawValue)
    if connection.key == nil, !connection.isBlind {
      // The static keys did not tell; a loose session key may still fit the first frame.
      connection.key = keys.tryLoose(frame, counter: connection.sides[side].nextCounter)
      if connection.key == nil {
        connection.isBlind = true
        blindness.unreadableConnections += 1
      }
    }
    guard let key = connection.key else {
      blindness.unreadableFrames += 1
      sink.show(.unreadable, nil, cipherLength: frame.count)
      return sink.emit(.unreadable(length: frame.count))
    }
    let failuresBefore = sink.events.count
    let whole = connection.sides[side].receive(frame, key: key, keys: keys, &sink)
    if case .decryptFailed? = sink.events[failuresBefore...].first?.kind {} else { openedFrameCount += 1 }
    if let whole { connection.establishment?.receive(whole, direction, keys: keys, &sink) }
  }
}
