import Cryptobox
import Wire
import WireBytes

/// Keeps spare sockets for one key at one CommServer (connection.md 2.7): registers, answers pings, hands over.
///
/// A value: sockets are asked for and reported by id, time and randomness are arguments.
public struct Listener: Sendable {
  enum Output: Sendable, Equatable {
    case open(SocketID, url: String)
    case send(SocketID, WireMessage)
    case close(SocketID, EndCause)
    /// The socket now belongs to the acceptor; the source key that a broker announced for it, if any (XI-023).
    case handedOver(SocketID, announced: String?)
    case registered(SocketID, offersInvitations: Bool)
    case broker(SocketID, BrokerMessage)
    case fault(SocketID, WireFailure, isOpen: Bool)
    case serverKeyChanged(old: PublicKey, new: PublicKey)
    case waits(Double)
  }

  enum Stage: Sendable, Equatable {
    case opening
    /// Registered nothing yet: waits for the challenge.
    case registering
    case proving
    case spare(interval: Double)
    /// Deployed only: an unexpected message came; the server's missing pong will end it (step 5).
    case abandoned
  }

  struct Spare: Sendable {
    var stage = Stage.opening
    var lastPing = 0.0
    /// The source key of an accepted X-INV/1 request.
    var announced: String?
    var offersInvitations = false
  }

  let url: String
  let key: KeyPair
  private let settings: InstanceSettings
  private let box: AnyBox
  private(set) var sockets: [SocketID: Spare] = [:]
  private(set) var isRunning = false
  private var retryAt: Double?
  private var failures = 0
  private var serverKey: PublicKey?
  private var isServerKeyFresh = true
  private var lastNonce: Nonce?

  init(url: String, key: KeyPair, settings: InstanceSettings, box: AnyBox) {
    self.url = url
    self.key = key
    self.settings = settings
    self.box = box
  }

  private func has(_ defect: Defect) -> Bool { settings.defects.contains(defect) }
  private var isStrict: Bool { settings.profile == .strict }

  var limit: Int {
    if has(.keepsOneSpare) { return 1 }
    return has(.keepsFourSpares) ? 4 : settings.sparesPerKey
  }

  var spareCount: Int { sockets.values.count { $0.isSpare } }

  public var state: ListenerState {
    guard isRunning else { return .notListening }
    return spareCount > 0 ? .listening : .connecting
  }

  // MARK: Events

  mutating func start(numbers: inout SocketNumbers) -> [Output] {
    guard !isRunning else { return [] }
    isRunning = true
    return [attempt(&numbers)]
  }

  mutating func stop() -> [Output] {
    isRunning = false
    retryAt = nil
    if has(.stopKeepsSpares) { return [] }
    let ids = sockets.keys.sorted()
    sockets = [:]
    return ids.map { .close($0, .done) }
  }

  mutating func opened(_ id: SocketID) -> [Output] {
    guard sockets[id]?.stage == .opening else { return [] }
    sockets[id]?.stage = .registering
    let shown = has(.registersWrongKey) ? key.publicKey.hex.uppercased() + "00" : key.publicKey.hex
    return [.send(id, .text(CommServerMessage.register(publicKey: shown).text))]
  }

  mutating func closed(_ id: SocketID, now: Double, random: inout some RandomSource) -> [Output] {
    guard let spare = sockets.removeValue(forKey: id) else { return [] }
    if !spare.isSpare { failures += 1 }
    return lost(now, &random)
  }

  /// Takes a message on one of the sockets; draws a nonce of 24 bytes for a challenge.
  mutating func receive(
    _ message: WireMessage, on id: SocketID, book: PeerBook, now: Double, numbers: inout SocketNumbers,
    random: inout some RandomSource
  ) -> [Output] {
    guard let spare = sockets[id] else { return [] }
    do throws(WireFailure) {
      switch spare.stage {
      case .opening, .abandoned: return []
      case .registering: return try challenge(message, id, book, &random)
      case .proving: return try success(message, id, now, &numbers)
      case .spare: return try onSpare(message, id, spare, now, &numbers)
      }
    } catch {
      if has(.ignoresWrongServerMessages) { return [] }
      return failed(error, message, id, spare, now, &random)
    }
  }

  var nextDeadline: Double? {
    var first = retryAt
    for spare in sockets.values {
      guard case .spare(let interval) = spare.stage, let due = watchdog(spare, interval) else { continue }
      first = min(first ?? due, due)
    }
    return first
  }

  mutating func tick(now: Double, numbers: inout SocketNumbers, random: inout some RandomSource) -> [Output] {
    var out: [Output] = []
    for (id, spare) in sockets.sorted(by: { $0.key < $1.key }) {
      guard case .spare(let interval) = spare.stage, let due = watchdog(spare, interval), now >= due else { continue }
      sockets[id] = nil
      out.append(.close(id, .noPing))
      out += lost(now, &random)
    }
    if let due = retryAt, now >= due {
      retryAt = nil
      if spareCount < limit { out.append(attempt(&numbers)) }
    }
    return out
  }

  /// Sends a broker message on a registered socket; nil when none is registered.
  mutating func send(_ message: BrokerMessage) -> Output? {
    let ids = sockets.filter { $0.value.isSpare && $0.value.offersInvitations }.keys.sorted()
    return ids.first.map { .send($0, .text(message.text)) }
  }

  mutating func announce(_ source: String, on id: SocketID) { sockets[id]?.announced = source }

  // MARK: Registration

  private mutating func attempt(_ numbers: inout SocketNumbers) -> Output {
    let id = numbers.fresh()
    sockets[id] = Spare()
    return .open(id, url: url)
  }

  private mutating func challenge(
    _ message: WireMessage, _ id: SocketID, _ book: PeerBook, _ random: inout some RandomSource
  ) throws(WireFailure) -> [Output] {
    if has(.acceptsEarlyHandover), message == .text(CommServerMessage.connectionHandover.text) {
      sockets[id] = nil
      return [.handedOver(id, announced: nil)]
    }
    guard case .text(let text) = message,
      case .authenticationRequest(let serverHex, let challengeHex) = try CommServerMessage.decode(
        text, profile: settings.profile)
    else { throw unexpected("authentication_request") }
    guard let server = PublicKey(hex: serverHex), let bytes = Hex.decode(challengeHex) else {
      throw WireFailure(
        "listener.bad-challenge", "connection.md 2.2", "key or challenge is not hex of the right length")
    }
    var out: [Output] = []
    if isStrict, !has(.answersAnyServerKey) { try check(server, book) }
    if let old = serverKey, old != server {
      out.append(.serverKeyChanged(old: old, new: server))
      if settings.refusesChangedServerKey {
        throw WireFailure("listener.server-key-changed", "connection.md 8.3", "the CommServer shows another key")
      }
    }
    serverKey = server
    let nonce = has(.repeatsResponseNonce) ? (lastNonce ?? random.nonce()) : random.nonce()
    lastNonce = nonce
    let shared = box.agree(theirs: server, mine: key.secret)
    let answer = try respond(to: bytes, nonce, shared)
    sockets[id]?.stage = .proving
    return out + [.send(id, .text(CommServerMessage.authenticationResponse(response: Hex.encode(answer)).text))]
  }

  private func respond(to bytes: [UInt8], _ nonce: Nonce, _ shared: SharedKey) throws(WireFailure) -> [UInt8] {
    let profile: Profile = has(.answersAnyLength) ? .deployed : settings.profile
    if has(.answersBadChallenge) {
      guard (try? ComplementProof.open(bytes, key: shared, section: "", box: box)) != nil else {
        return ComplementProof.seal([UInt8](repeating: 0, count: 64), nonce: nonce, key: shared, box: box)
      }
    }
    let answer = try ProofResponder.answer(
      bytes, nonce: nonce, key: shared, section: "connection.md 2.3", box: box, profile: profile)
    guard has(.answersWithoutComplement) else { return answer }
    let plain = try ComplementProof.open(bytes, key: shared, section: "connection.md 2.3", box: box)
    return ComplementProof.seal(plain, nonce: nonce, key: shared, box: box)
  }

  /// A challenge in the name of a peer would make this listener open and re-seal that peer's boxes (ATK-10).
  private func check(_ server: PublicKey, _ book: PeerBook) throws(WireFailure) {
    if server == key.publicKey || book.isKeyOfPeer(server) || box.isLowOrder(server) {
      throw WireFailure(
        "listener.server-key", "connection.md 8.3", "the server's key is an own, a peer's or a weak one")
    }
  }

  private mutating func success(
    _ message: WireMessage, _ id: SocketID, _ now: Double, _ numbers: inout SocketNumbers
  ) throws(WireFailure) -> [Output] {
    guard case .text(let text) = message,
      case .authenticationSuccess(let interval) = try CommServerMessage.decode(text, profile: settings.profile)
    else { throw unexpected("authentication_success") }
    if isStrict, !has(.acceptsAnyInterval) {
      guard interval == interval.rounded(), interval >= settings.shortestPingInterval,
        interval <= settings.longestPingInterval
      else { throw WireFailure("listener.ping-interval", "connection.md 8.3", "pingInterval \(interval)") }
    }
    failures = 0
    let offers = BrokerMessage.isOffered(in: text)
    sockets[id] = Spare(stage: .spare(interval: interval), lastPing: now, offersInvitations: offers)
    var out = [Output.registered(id, offersInvitations: offers)]
    if isRunning, spareCount < limit { out.append(attempt(&numbers)) }
    return out
  }

  // MARK: Spares

  private mutating func onSpare(
    _ message: WireMessage, _ id: SocketID, _ spare: Spare, _ now: Double, _ numbers: inout SocketNumbers
  ) throws(WireFailure) -> [Output] {
    guard case .text(let text) = message else { throw unexpected("ping or connection_handover") }
    if spare.offersInvitations, let broker = BrokerMessage.decode(text) {
      // The server suspends its pings while it waits for an answer, so the watchdog starts anew.
      sockets[id]?.lastPing = now
      return [.broker(id, broker)]
    }
    switch try CommServerMessage.decode(text, profile: settings.profile) {
    case .ping:
      sockets[id]?.lastPing = now
      return has(.neverPongs) ? [] : [.send(id, .text(CommServerMessage.pong.text))]
    case .connectionHandover:
      sockets[id] = nil
      var out: [Output] = []
      if isRunning, !has(.noReplacement), spareCount < limit { out.append(attempt(&numbers)) }
      return out + [.handedOver(id, announced: spare.announced)]
    default: throw unexpected("ping or connection_handover")
    }
  }

  private func watchdog(_ spare: Spare, _ interval: Double) -> Double? {
    guard !has(.noPingWatchdog), interval.isFinite else { return nil }
    return spare.lastPing + max(0, interval) + settings.pingGrace
  }

  // MARK: Endings

  private mutating func failed(
    _ failure: WireFailure, _ message: WireMessage, _ id: SocketID, _ spare: Spare, _ now: Double,
    _ random: inout some RandomSource
  ) -> [Output] {
    if spare.isSpare, !isStrict || has(.keepsStraySpare) {
      sockets[id]?.stage = .abandoned
      return [.fault(id, failure, isOpen: true)] + lost(now, &random)
    }
    sockets[id] = nil
    if !spare.isSpare { failures += 1 }
    let expected = spare.stage == .registering ? "authentication_request" : "authentication_success"
    let cause = EndCause(handshake: failure, message: message, expected: expected)
    return [.fault(id, failure, isOpen: false), .close(id, cause)] + lost(now, &random)
  }

  /// One delayed attempt, and never a second one beside it (LS-008).
  private mutating func lost(_ now: Double, _ random: inout some RandomSource) -> [Output] {
    guard isRunning, retryAt == nil else { return [] }
    var delay = has(.reconnectsAtOnce) ? 0 : settings.reconnectDelay
    if let longest = settings.longestReconnectDelay, failures > 1, !has(.retriesWithoutBackoff) {
      let doubled = settings.reconnectDelay * Double(1 << min(failures - 1, 6))
      let jitter = 1 + Double(random.bytes(1)[0]) / 512
      delay = max(settings.reconnectDelay, min(longest, doubled) * jitter)
    }
    retryAt = now + delay
    return [.waits(delay)]
  }

  private func unexpected(_ what: String) -> WireFailure {
    WireFailure("handshake.unexpected-message", "connection.md 2.7", "expected \(what)")
  }
}

extension Listener.Spare {
  var isSpare: Bool { if case .spare = stage { true } else { false } }
}
