public import Cryptobox

/// A message as WebSocket carries it: text and binary are never the same thing (connection.md 1.1).
public enum WireMessage: Sendable, Equatable {
  case text(String)
  case binary([UInt8])
}

/// What a handshake machine wants done.
public enum HandshakeAction: Sendable, Equatable {
  case send(WireMessage)
  /// The handshake stands; what follows is encrypted.
  case established(EstablishedHandshake)
  /// To be closed with code 1000; the failure says why.
  case close(WireFailure)
}

/// The result of a handshake (connection.md 3.2).
public struct EstablishedHandshake: Sendable, Equatable {
  public let sessionKey: SharedKey
  public let ownStatic: PublicKey
  public let peerStatic: PublicKey
  public let ownEphemeral: PublicKey
  public let peerEphemeral: PublicKey
}

/// The sealed 72-byte messages H3 and H4 that carry ephemeral keys.
enum KeyMessage {
  static let section = "connection.md 3.2"
  static let length = 24 + boxOverhead + 32

  static func open(
    _ bytes: [UInt8], key: SharedKey, box: some BoxProvider, profile: Profile
  ) throws(WireFailure) -> [UInt8] {
    if profile == .strict, bytes.count != length {
      throw WireFailure("handshake.wrong-length", section, "\(bytes.count) bytes, a key message has \(length)")
    }
    return try ComplementProof.open(bytes, key: key, section: section, box: box)
  }

  /// The peer's ephemeral key out of an opened box; strict refuses points of small order (HS-015).
  static func ephemeral(_ plain: [UInt8], box: some BoxProvider, profile: Profile) throws(WireFailure) -> PublicKey {
    guard let key = PublicKey(bytes: plain) else {
      throw WireFailure("handshake.bad-ephemeral", section, "an ephemeral key of \(plain.count) bytes")
    }
    if profile == .strict, box.isLowOrder(key) {
      throw WireFailure("handshake.low-order", section, "an ephemeral key of small order")
    }
    return key
  }

  static func expected(_ what: String, _ message: WireMessage) -> WireFailure {
    let kind =
      switch message {
      case .text(let text): "the text \(excerpt(text, 40))"
      case .binary(let bytes): "a binary message of \(bytes.count) bytes"
      }
    return WireFailure("handshake.unexpected-message", section, "\(kind), expected \(what)")
  }
}

/// The initiator's side of H1–H4 as a value. It sends nothing between H1 and H2 (HS-002).
public struct HandshakeInitiator<Box: BoxProvider>: Sendable {
  private enum State: Sendable {
    case idle, requested
    /// The ephemeral key and the box key of the static ones.
    case keySent(KeyPair, SharedKey)
    case over
  }

  private let own: KeyPair
  private let target: PublicKey
  private let box: Box
  private let profile: Profile
  private var state = State.idle

  /// `own` is the static key that H1 names: an instance key, or in pairing the person key (connection.md 3.1).
  public init(own: SecretKey, target: PublicKey, box: Box, profile: Profile) {
    self.init(own: KeyPair(secret: own, box: box), target: target, box: box, profile: profile)
  }

  public init(own: KeyPair, target: PublicKey, box: Box, profile: Profile) {
    self.own = own
    self.target = target
    self.box = box
    self.profile = profile
  }

  /// H1. Called once, when the socket is open; later calls do nothing.
  public mutating func start() -> [HandshakeAction] {
    guard case .idle = state else { return [] }
    state = .requested
    return [.send(.text(CommServerMessage.communicationRequest(source: own.publicKey.hex, target: target.hex).text))]
  }

  /// Takes a message of the acceptor. Draws 32 bytes of ephemeral key and 24 of nonce when H2 arrives.
  public mutating func receive(_ message: WireMessage, random: inout some RandomSource) -> [HandshakeAction] {
    do throws(WireFailure) {
      switch state {
      case .idle, .over: return []
      case .requested: return try ready(message, &random)
      case .keySent(let ephemeral, let boxKey): return try finish(message, ephemeral, boxKey)
      }
    } catch {
      state = .over
      return [.close(error)]
    }
  }

  private mutating func ready(
    _ message: WireMessage, _ random: inout some RandomSource
  ) throws(WireFailure) -> [HandshakeAction] {
    guard case .text(let text) = message,
      case .communicationReady? = try? CommServerMessage.decode(text, profile: profile)
    else { throw KeyMessage.expected("communication_ready", message) }
    let ephemeral = KeyPair(secret: random.secretKey(), box: box)
    let boxKey = box.agree(theirs: target, mine: own.secret)
    let sealed = ComplementProof.seal(ephemeral.publicKey.bytes, nonce: random.nonce(), key: boxKey, box: box)
    state = .keySent(ephemeral, boxKey)
    return [.send(.binary(sealed))]
  }

  private mutating func finish(
    _ message: WireMessage, _ ephemeral: KeyPair, _ boxKey: SharedKey
  ) throws(WireFailure) -> [HandshakeAction] {
    guard case .binary(let bytes) = message else { throw KeyMessage.expected("the acceptor's key message", message) }
    let plain = try KeyMessage.open(bytes, key: boxKey, box: box, profile: profile)
    let theirs = try KeyMessage.ephemeral(plain, box: box, profile: profile)
    if profile == .strict, theirs == ephemeral.publicKey {
      throw WireFailure("handshake.reflected", KeyMessage.section, "the own ephemeral key came back")
    }
    state = .over
    return [
      .established(
        EstablishedHandshake(
          sessionKey: box.agree(theirs: theirs, mine: ephemeral.secret), ownStatic: own.publicKey, peerStatic: target,
          ownEphemeral: ephemeral.publicKey, peerEphemeral: theirs))
    ]
  }
}

/// The acceptor's side of H1–H4 as a value, for a relayed or a direct connection.
public struct HandshakeAcceptor<Box: BoxProvider>: Sendable {
  private enum State: Sendable {
    case waiting
    /// The own key that was asked for, and the key that the initiator claims.
    case ready(own: KeyPair, source: PublicKey)
    case over
  }

  private let keys: [KeyPair]
  private let box: Box
  private let profile: Profile
  private var state = State.waiting

  /// `keys` are all static keys under which this side may be reached.
  public init(keys: [SecretKey], box: Box, profile: Profile) {
    self.init(keys: keys.map { KeyPair(secret: $0, box: box) }, box: box, profile: profile)
  }

  public init(keys: [KeyPair], box: Box, profile: Profile) {
    self.keys = keys
    self.box = box
    self.profile = profile
  }

  /// Takes a message of the initiator. Draws 32 bytes of ephemeral key and 24 of nonce when H3 was good.
  public mutating func receive(_ message: WireMessage, random: inout some RandomSource) -> [HandshakeAction] {
    do throws(WireFailure) {
      switch state {
      case .over: return []
      case .waiting: return try request(message)
      case .ready(let own, let source): return try accept(message, own, source, &random)
      }
    } catch {
      state = .over
      return [.close(error)]
    }
  }

  private mutating func request(_ message: WireMessage) throws(WireFailure) -> [HandshakeAction] {
    guard case .text(let text) = message,
      case .communicationRequest(let sourceHex, let targetHex) = try CommServerMessage.decode(text, profile: profile)
    else { throw KeyMessage.expected("communication_request", message) }
    guard let source = PublicKey(hex: sourceHex), let target = PublicKey(hex: targetHex) else {
      throw WireFailure("handshake.not-a-key", KeyMessage.section, "a key of the request has not 32 bytes")
    }
    if profile == .strict { try refuseDangerous(source) }
    var found: KeyPair?
    // Every own key is compared, without early exit (HS-025).
    for key in keys where constantTimeEqual(key.publicKey.bytes, target.bytes) { found = key }
    // The answer goes out before the target is known to be ours, as the real acceptor does it (connection.md 3.2).
    let answer = HandshakeAction.send(.text(CommServerMessage.communicationReady.text))
    guard let found else {
      state = .over
      return [answer, .close(WireFailure("handshake.foreign-target", KeyMessage.section, "the target is no own key"))]
    }
    state = .ready(own: found, source: source)
    return [answer]
  }

  private func refuseDangerous(_ source: PublicKey) throws(WireFailure) {
    if box.isLowOrder(source) {
      throw WireFailure("handshake.low-order", KeyMessage.section, "a source key of small order")
    }
    if keys.contains(where: { $0.publicKey == source }) {
      throw WireFailure("handshake.own-source", KeyMessage.section, "the source key is an own key")
    }
  }

  private mutating func accept(
    _ message: WireMessage, _ own: KeyPair, _ source: PublicKey, _ random: inout some RandomSource
  ) throws(WireFailure) -> [HandshakeAction] {
    guard case .binary(let bytes) = message else { throw KeyMessage.expected("the initiator's key message", message) }
    let boxKey = box.agree(theirs: source, mine: own.secret)
    let plain = try KeyMessage.open(bytes, key: boxKey, box: box, profile: profile)
    // The deployed acceptor answers first and looks at the key afterwards; strict never answers a bad one.
    if profile == .strict { _ = try KeyMessage.ephemeral(plain, box: box, profile: profile) }
    let ephemeral = random.secretKey()
    let ephemeralPublic = box.publicKey(of: ephemeral)
    let sealed = ComplementProof.seal(ephemeralPublic.bytes, nonce: random.nonce(), key: boxKey, box: box)
    let answer = HandshakeAction.send(.binary(sealed))
    state = .over
    do throws(WireFailure) {
      let theirs = try KeyMessage.ephemeral(plain, box: box, profile: profile)
      return [
        answer,
        .established(
          EstablishedHandshake(
            sessionKey: box.agree(theirs: theirs, mine: ephemeral), ownStatic: own.publicKey,
            peerStatic: source, ownEphemeral: ephemeralPublic, peerEphemeral: theirs)),
      ]
    } catch { return [answer, .close(error)] }
  }
}
