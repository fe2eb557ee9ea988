public import Cryptobox
public import Wire
import WireBytes

/// One connection from its first message to its end: H1–H4, then the three layers (connection.md 3). Plain messages on
/// one side, wire messages on the other.
public struct SecureLink: Sendable {
  public enum Output: Sendable, Equatable {
    case send(WireMessage)
    case established(EstablishedHandshake)
    /// A whole message of the peer, decrypted and put together.
    case message(WireMessage)
    /// To be closed; the failure is for the log.
    case close(EndCause, WireFailure)
  }

  private enum Layer: Sendable {
    case initiator(HandshakeInitiator<AnyBox>)
    case acceptor(HandshakeAcceptor<AnyBox>)
    case secure(SecureStack<AnyBox>)
    case over
  }

  public let role: HandshakeRole
  private var layer: Layer
  private let settings: InstanceSettings
  private let box: AnyBox
  private let keys: [KeyPair]
  /// What the peer is to send next, for the wording of close reasons.
  private var expected: String
  /// H2 is out (acceptor) or H3 (initiator): from here on the peer's key message is due.
  public private(set) var awaitsKey = false
  /// For planted faults only: sees the plaintext of frames before the layers do.
  private var peek: Peek?

  /// The dialling side.
  public static func dialling(
    own: KeyPair, target: PublicKey, settings: InstanceSettings, box: AnyBox
  ) -> SecureLink {
    let profile: Profile = settings.defects.contains(.lenientHandshake) ? .deployed : settings.profile
    let machine = HandshakeInitiator(own: own, target: target, box: box, profile: profile)
    return SecureLink(.initiator, .initiator(machine), [own], settings, box, expected: "communication_ready")
  }

  /// The side that was dialled; `keys` are all own keys under which it may be reached.
  public static func accepting(keys: [KeyPair], settings: InstanceSettings, box: AnyBox) -> SecureLink {
    let profile: Profile = settings.defects.contains(.lenientHandshake) ? .deployed : settings.profile
    let machine = HandshakeAcceptor(keys: keys, box: box, profile: profile)
    return SecureLink(.acceptor, .acceptor(machine), keys, settings, box, expected: "communication_request")
  }

  private init(
    _ role: HandshakeRole, _ layer: Layer, _ keys: [KeyPair], _ settings: InstanceSettings, _ box: AnyBox,
    expected: String
  ) {
    self.role = role
    self.layer = layer
    self.settings = settings
    self.box = box
    self.keys = keys
    self.expected = expected
  }

  private func has(_ defect: Defect) -> Bool { settings.defects.contains(defect) }

  public var isSecure: Bool { if case .secure = layer { true } else { false } }

  /// H1; nothing for an acceptor. With a broker the server sends H1 in our name, and `isSilent` keeps it back.
  public mutating func start(isSilent: Bool = false) -> [Output] {
    guard case .initiator(var machine) = layer else { return [] }
    let actions = machine.start()
    layer = .initiator(machine)
    if isSilent { return [] }
    var out = actions.flatMap { plainOutput($0) }
    if has(.sendsEarly) { out.append(.send(.binary([UInt8](repeating: 7, count: 72)))) }
    return out
  }

  /// Takes a wire message. Draws an ephemeral key and a nonce in the handshake, nothing afterwards.
  public mutating func receive(_ message: WireMessage, now: Double, random: inout some RandomSource) -> [Output] {
    switch layer {
    case .over: return []
    case .secure(var stack):
      // Taken out while it works, so that its buffers are not copied.
      layer = .over
      let out = open(message, &stack, now)
      layer = .secure(stack)
      return out
    case .initiator, .acceptor:
      guard has(.repeatsEphemeral) else { return shake(message, now, &random) }
      var same = SeededRandom(seed: keys.first.map { UInt64($0.secret.exposedBytes[1]) } ?? 1)
      return shake(message, now, &same)
    }
  }

  /// The wire messages that carry an application message; empty when the layers do not stand.
  public mutating func send(
    _ message: WireMessage, now: Double, random: inout some RandomSource
  ) throws(WireFailure) -> [WireMessage] {
    guard case .secure(var stack) = layer else { return [] }
    layer = .over
    defer { layer = .secure(stack) }
    return try stack.send(message, now: now, random: &random).map { .binary($0) }
  }

  public var deadline: Double? {
    guard case .secure(let stack) = layer else { return nil }
    guard has(.noKeepAlive) || has(.noLifesign) else { return stack.deadline }
    return nil
  }

  /// What is due: a pulse, or the end for want of any sign of life.
  public mutating func tick(now: Double, random: inout some RandomSource) -> [Output] {
    guard case .secure(var stack) = layer, !has(.noKeepAlive), !has(.noLifesign) else { return [] }
    defer { if case .over = layer {} else { layer = .secure(stack) } }
    do throws(WireFailure) {
      switch try stack.tick(now: now, random: &random) {
      case nil: return []
      case .pulse(let frame)?: return [.send(.binary(frame))]
      case .giveUp?:
        return [.close(.noLifesign, WireFailure("keepalive.silence", "connection.md 3.4", "nothing came for 25 s"))]
      }
    } catch {
      return [.close(EndCause(channel: error), error)]
    }
  }

  // MARK: Handshake

  private mutating func shake(_ message: WireMessage, _ now: Double, _ random: inout some RandomSource) -> [Output] {
    let actions: [HandshakeAction]
    switch layer {
    case .initiator(var machine):
      actions = machine.receive(message, random: &random)
      layer = .initiator(machine)
    case .acceptor(var machine):
      actions = machine.receive(bent(message), random: &random)
      layer = .acceptor(machine)
    case .secure, .over: return []
    }
    var out: [Output] = []
    for action in actions {
      switch action {
      case .send(let message):
        if has(.skipsReady), message == .text(CommServerMessage.communicationReady.text) { continue }
        out.append(.send(message))
        if !awaitsKey { expected = "" }
        awaitsKey = true
      case .established(let handshake):
        awaitsKey = false
        layer = .secure(stack(handshake, now))
        peek = Peek(handshake, role, settings.defects)
        out.append(.established(handshake))
      case .close(let failure):
        let bad = failed(failure, message, &random)
        if bad == nil { return out }
        out += bad ?? []
      }
    }
    return out
  }

  /// For planted faults: what an acceptor that does not look sees of a request.
  private func bent(_ message: WireMessage) -> WireMessage {
    guard has(.acceptsForeignTarget) || has(.acceptsShortKeys), case .text(let text) = message,
      case .communicationRequest(let source, let target)? = try? CommServerMessage.decode(text),
      let own = keys.first?.publicKey.hex,
      let somebody = SecretKey(bytes: [UInt8](repeating: 3, count: 32)).map({ box.publicKey(of: $0).hex })
    else { return message }
    let shortened = has(.acceptsShortKeys) && source.utf8.count != 64
    return .text(
      CommServerMessage.communicationRequest(
        source: shortened ? somebody : source, target: has(.acceptsForeignTarget) || shortened ? own : target
      ).text)
  }

  /// Nil when a planted fault goes on as if nothing had happened.
  private mutating func failed(
    _ failure: WireFailure, _ message: WireMessage, _ random: inout some RandomSource
  ) -> [Output]? {
    let wasWaiting = !awaitsKey
    if has(.ignoresWrongFirst), role == .acceptor, wasWaiting { return nil }
    if has(.ignoresWrongReady), role == .initiator { return nil }
    if has(.ignoresBadKeyMessage), awaitsKey { return nil }
    layer = .over
    var out: [Output] = []
    if has(.answersBadKeyMessage), role == .acceptor, awaitsKey {
      out.append(.send(.binary(random.bytes(72))))
    }
    if has(.goesOnAfterBadKeyMessage), role == .initiator, awaitsKey {
      return [.send(.binary(random.bytes(80)))]
    }
    out.append(.close(EndCause(handshake: failure, message: message, expected: expected), failure))
    return out
  }

  private func plainOutput(_ action: HandshakeAction) -> [Output] {
    if case .send(let message) = action { [.send(message)] } else { [] }
  }

  private func stack(_ handshake: EstablishedHandshake, _ now: Double) -> SecureStack<AnyBox> {
    let role: HandshakeRole = has(.wrongParity) ? (self.role == .initiator ? .acceptor : .initiator) : self.role
    let isLenient = has(.deliversAfterFailure) || has(.lenientPadding) || has(.ignoresBadFrames)
    return SecureStack(
      key: handshake.sessionKey, role: role, box: box, profile: isLenient ? .deployed : settings.profile, now: now,
      maximum: has(.unlimitedMessage) ? Int.max / 2 : settings.longestMessage,
      chunkSize: has(.neverFragments) ? 1 << 40 : has(.smallFragments) ? 1_024 : Fragmentation.chunkSize)
  }

  // MARK: Layers

  private mutating func open(_ message: WireMessage, _ stack: inout SecureStack<AnyBox>, _ now: Double) -> [Output] {
    if has(.acceptsTextFrames), case .text = message { return [.message(message)] }
    let provider = box
    switch peek?.look(message, provider) {
    case nil: break
    case .drop?: return []
    case .refuse?:
      let failure = WireFailure("channel.planted", "connection.md 3", "a planted fault")
      return [.close(EndCause(channel: failure), failure)]
    case .deliver(let message)?: return [.message(message)]
    }
    do throws(WireFailure) {
      return try stack.receive(message, now: now).map { [.message($0)] } ?? []
    } catch {
      if has(.ignoresBadFrames) { return [] }
      return [.close(EndCause(channel: error), error)]
    }
  }
}
