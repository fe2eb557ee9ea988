public import Cryptobox
public import Wire
import WireBytes

/// How a listener behaves; times in ms.
public struct ListenerSettings: Sendable {
  public var profile: Profile
  /// Sockets that are kept ready (connection.md 2.7).
  public var spares = 2
  /// From a failure or loss to the next attempt.
  public var reconnectDelay = 10_000.0
  /// How much later than announced a ping may come.
  public var pingSlack = 4_000.0
  /// The intervals that are believed (LS-014, decisions.md 3); strict only.
  public var pingIntervals = 100.0...600_000.0
  /// From connection_handover to its request; strict only (LS-013).
  public var requestTimeout = 10_000.0
  /// Longest delay after repeated failures; strict only (LS-016).
  public var longestDelay = 60_000.0
  /// Keys of known peers; a server that names one wants an oracle (LS-005); strict only.
  public var peerKeys: Set<PublicKey> = []
  /// The server's key, when it is known (LS-015); strict only.
  public var pinnedServerKey: PublicKey?
  /// Planted faults of the self-test; empty in all real use.
  public var faults: Set<ListenerFault> = []

  public init(profile: Profile) { self.profile = profile }
}

/// Keeps idle sockets registered at a CommServer under one key, and hands them over (connection.md 2.7, 8.3).
///
/// A value: events and the time in, actions out. What comes on a socket after its request belongs to the acceptor.
public struct Listener: Sendable {
  public enum Notice: Sendable, Equatable {
    /// The socket belongs to the acceptor now; this was the request on it.
    case handedOver(SocketID, source: String, target: String)
    /// At least one socket is registered, or none any more.
    case listening(Bool)
    /// The server's key is not the one that was pinned.
    case serverKeyChanged(PublicKey)
  }

  enum Phase: Sendable, Equatable {
    case opening
    /// M1 is out.
    case registering
    /// M3 is out.
    case authenticating
    case spare(interval: Double)
    /// M7 has come, M8 not yet.
    case handover
  }

  public let settings: ListenerSettings
  public private(set) var isRunning = false
  let key: SecretKey
  let publicKey: PublicKey
  let box: any BoxProvider
  private var sockets: [SocketID: (phase: Phase, deadline: Double?)] = [:]
  private var nextID: UInt64
  /// When the one delayed attempt is due.
  private var retryAt: Double?
  private var failures = 0
  /// For a planted fault only.
  private var handoverTime = -1.0
  private var wasListening = false
  private var actions: [SocketAction] = []
  private var notices: [Notice] = []

  /// `firstID` keeps the numbers of several machines of one instance apart.
  public init(settings: ListenerSettings, key: SecretKey, firstID: UInt64 = 1, box: any BoxProvider = SodiumBox()) {
    self.settings = settings
    self.key = key
    self.box = box
    publicKey = box.publicKey(of: key)
    nextID = firstID
  }

  public var nextDeadline: Double? { (sockets.values.compactMap(\.deadline) + [retryAt].compactMap { $0 }).min() }

  /// Sockets that are registered and wait.
  public var spareCount: Int { sockets.values.count { if case .spare = $0.phase { true } else { false } } }

  // MARK: Events

  public mutating func start(at now: Double) -> (actions: [SocketAction], notices: [Notice]) {
    isRunning = true
    attempt()
    return take()
  }

  /// Closes all spares and cancels the delayed attempt; sockets that were handed over are the acceptor's.
  public mutating func stop(at now: Double) -> (actions: [SocketAction], notices: [Notice]) {
    isRunning = false
    if !has(.reconnectsAfterStop) { retryAt = nil }
    if !has(.keepsSparesAtStop) { for id in sockets.keys.sorted() { drop(id, .stopped) } }
    return take()
  }

  public mutating func handle(
    _ event: SocketEvent, at now: Double, random: inout some RandomSource
  ) -> (actions: [SocketAction], notices: [Notice]) {
    if case .timer = event {
      runTimers(now)
    } else if let id = event.socket, let socket = sockets[id] {
      receive(event, id, socket.phase, now, &random)
    }
    return take()
  }

  func has(_ fault: ListenerFault) -> Bool { settings.faults.contains(fault) }
  var isStrict: Bool { settings.profile == .strict }

  private mutating func take() -> (actions: [SocketAction], notices: [Notice]) {
    let listening = spareCount > 0
    if listening != wasListening {
      wasListening = listening
      notices.append(.listening(listening))
    }
    defer { (actions, notices) = ([], []) }
    return (actions, notices)
  }

  private mutating func receive(
    _ event: SocketEvent, _ id: SocketID, _ phase: Phase, _ now: Double, _ random: inout some RandomSource
  ) {
    switch event {
    case .opened:
      guard phase == .opening else { return }
      sockets[id] = (.registering, nil)
      let named = has(.registersOtherKey) ? PublicKey(bytes: publicKey.bytes.map { ~$0 }) ?? publicKey : publicKey
      let text = CommServerMessage.register(publicKey: named.hex).text
      actions.append(has(.registersInBinary) ? .binary(id, Array(text.utf8)) : .text(id, text))
    case .failed: lose(id, now)
    case .closed: lose(id, now)
    case .text(_, let text): receive(text, id, phase, now, &random)
    case .binary:
      if has(.ignoresUnexpected) { return }
      reject(id, .unexpected("Received message that is not a string message."), phase, now)
    case .timer: break
    }
  }

  private mutating func receive(
    _ text: String, _ id: SocketID, _ phase: Phase, _ now: Double, _ random: inout some RandomSource
  ) {
    let message: CommServerMessage
    do throws(WireFailure) { message = try decode(text, phase) } catch {
      if has(.ignoresUnexpected) { return }
      return reject(id, .malformed(error.detail), phase, now)
    }
    switch (phase, message) {
    case (.registering, .authenticationRequest(let server, let challenge)):
      answer(server, challenge, id, now, &random)
    case (.authenticating, .authenticationSuccess(let interval)): succeed(interval, id, now)
    case (.spare(let interval), .ping):
      if !has(.neverPongs) {
        send(has(.sendsCommPong) ? #"{"command":"comm_pong"}"# : CommServerMessage.pong.text, to: id)
      }
      sockets[id] = (.spare(interval: interval), has(.waitsForeverForPing) ? nil : now + interval + settings.pingSlack)
    case (.spare, .connectionHandover): beginHandover(id, now)
    case (.authenticating, .connectionHandover) where has(.takesEarlyHandover): beginHandover(id, now)
    case (.handover, .communicationRequest) where has(.losesRequestBehindHandover) && handoverTime == now: break
    case (.handover, .communicationRequest(let source, let target)):
      sockets[id] = nil
      notices.append(.handedOver(id, source: source, target: target))
    case (.handover, .ping) where has(.pongsAfterHandover): send(CommServerMessage.pong.text, to: id)
    default:
      if has(.ignoresUnexpected) { return }
      reject(id, .unexpected("Received unexpected type '\(message.command)'."), phase, now)
    }
  }

  /// Planted faults read otherwise; everything else goes through the one decoder.
  private func decode(_ text: String, _ phase: Phase) throws(WireFailure) -> CommServerMessage {
    if has(.wantsExactTexts), let value = try? JSONValue.parse(text),
      value.compact != text || value.object?.members.count ?? 0 > 3
    {
      throw WireFailure("listener.not-exact", "connection.md 1.2", "not as the reference writes it")
    }
    if isStrict, phase == .authenticating, !has(.believesAnyInterval),
      let object = (try? JSONValue.parse(text))?.object,
      object["command"] == "authentication_success", object["pingInterval"]?.integer == nil
    {
      throw WireFailure("listener.bad-interval", "connection.md 8.3", "pingInterval is no integer")
    }
    // The request's keys are judged by the acceptor, which has to answer for them.
    return try CommServerMessage.decode(text, profile: phase == .handover ? .deployed : settings.profile)
  }

  // MARK: Registration

  private mutating func answer(
    _ server: String, _ challenge: String, _ id: SocketID, _ now: Double, _ random: inout some RandomSource
  ) {
    guard let theirs = PublicKey(hex: server), let message = Hex.decode(challenge) else {
      return reject(id, .badKey, .registering, now)
    }
    if isStrict, !has(.answersAnyServer) {
      if theirs == publicKey || settings.peerKeys.contains(theirs) || theirs.isLowOrder {
        return reject(id, .badKey, .registering, now)
      }
      if let pinned = settings.pinnedServerKey, pinned != theirs {
        notices.append(.serverKeyChanged(theirs))
        return reject(id, .badKey, .registering, now)
      }
    }
    var nonce = random.nonce()
    if has(.repeatsNonce), let first = Nonce(bytes: message.prefix(24)) { nonce = first }
    let shared = box.agree(theirs: theirs, mine: key)
    let profile: Profile = has(.answersAnyLength) ? .deployed : settings.profile
    do throws(WireFailure) {
      var response = try ProofResponder.answer(
        message, nonce: nonce, key: shared, section: "connection.md 2.3", box: box, profile: profile)
      if has(.echoesChallenge) { response = message }
      send(CommServerMessage.authenticationResponse(response: Hex.encode(response)).text, to: id)
      sockets[id] = (.authenticating, nil)
    } catch {
      if has(.answersUnopenable) {
        send(CommServerMessage.authenticationResponse(response: Hex.encode(message)).text, to: id)
        sockets[id] = (.authenticating, nil)
        return
      }
      reject(id, .notOpened, .registering, now)
    }
  }

  private mutating func succeed(_ interval: Double, _ id: SocketID, _ now: Double) {
    if isStrict, !has(.believesAnyInterval), !settings.pingIntervals.contains(interval) {
      return reject(id, .malformed("pingInterval"), .authenticating, now)
    }
    // The deployed client believes anything; a timer that cannot be is no timer.
    let usable = interval.isFinite && interval >= 0 ? min(interval, 1e12) : 1e12
    failures = 0
    sockets[id] = (.spare(interval: usable), has(.waitsForeverForPing) ? nil : now + usable + settings.pingSlack)
    if spareCount < limit, !isRegistering { attempt() }
  }

  private var limit: Int { has(.keepsOneSpare) ? 1 : has(.keepsThreeSpares) ? 3 : settings.spares }

  private mutating func beginHandover(_ id: SocketID, _ now: Double) {
    handoverTime = now
    let waits = isStrict && !has(.waitsForeverForRequest)
    sockets[id] = (.handover, waits ? now + settings.requestTimeout : nil)
    guard isRunning, spareCount + (isRegistering ? 1 : 0) < limit else { return }
    if has(.replacesLate) { retryAt = retryAt ?? now + settings.reconnectDelay } else { attempt() }
  }

  private var isRegistering: Bool {
    sockets.values.contains { [.opening, .registering, .authenticating].contains($0.phase) }
  }

  private mutating func attempt() {
    guard isRunning || has(.reconnectsAfterStop) else { return }
    let id = SocketID(nextID)
    nextID += 1
    sockets[id] = (.opening, nil)
    actions.append(.open(id))
  }

  private mutating func send(_ text: String, to id: SocketID) { actions.append(.text(id, text)) }

  // MARK: Endings

  private mutating func reject(_ id: SocketID, _ cause: EndCause, _ phase: Phase, _ now: Double) {
    if case .spare = phase, !isStrict || has(.keepsBadSpare) {
      // The deployed listener forgets the socket and leaves it open; the server's pong timeout ends it.
      sockets[id] = nil
      return scheduleRetry(now)
    }
    if case .registering = phase, has(.staysOnBadChallenge) { return }
    drop(id, cause)
    scheduleRetry(now)
  }

  private mutating func drop(_ id: SocketID, _ cause: EndCause) {
    sockets[id] = nil
    actions.append(.close(id, reason: cause.reason(isStrict: isStrict)))
  }

  private mutating func lose(_ id: SocketID, _ now: Double) {
    let phase = sockets.removeValue(forKey: id)?.phase
    if phase == .handover { return }
    scheduleRetry(now)
  }

  private mutating func scheduleRetry(_ now: Double) {
    guard isRunning else { return }
    failures += 1
    if has(.retriesAtOnce) { return attempt() }
    if has(.neverRetries) { return }
    if has(.retriesEveryLoss), retryAt != nil { return attempt() }
    guard retryAt == nil else { return }
    var delay = settings.reconnectDelay
    if isStrict, !has(.neverBacksOff) {
      // Doubles from the third failure on; the jitter is the number of the socket, so that runs repeat exactly.
      delay = min(settings.longestDelay, delay * Double(1 << min(8, max(0, failures - 2))))
      delay += Double(nextID % 7) * 100
    }
    retryAt = now + delay
  }

  private mutating func runTimers(_ now: Double) {
    for id in sockets.keys.sorted() {
      guard let socket = sockets[id], let deadline = socket.deadline, deadline <= now else { continue }
      drop(id, .timeout)
      if case .spare = socket.phase { scheduleRetry(now) }
    }
    if let time = retryAt, time <= now {
      retryAt = nil
      if spareCount + (isRegistering ? 1 : 0) < limit { attempt() }
    }
  }
}
