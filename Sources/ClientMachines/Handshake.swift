public import Cryptobox
public import Wire
import WireBytes

/// A planted fault of a handshake side. Self-test only.
public enum HandshakeFault: String, Sendable, Hashable, CaseIterable {
  case acceptsAnyLength, acceptsLowOrder, acceptsReflection, acceptsUnopenable, sendsShortBox, repeatsEphemeral
  case acceptsForeignTarget, readyBeforeCheck, takesTextForKey, waitsForeverForKey, repeatsReady, acceptsOwnSource
  case wantsExactReady

  public var summary: String {
    switch self {
    case .acceptsAnyLength: "takes key boxes of any length"
    case .acceptsLowOrder: "takes keys of low order"
    case .acceptsReflection: "takes its own ephemeral key back"
    case .acceptsUnopenable: "goes on after a key box that does not open"
    case .sendsShortBox: "sends a key box of 71 bytes"
    case .repeatsEphemeral: "uses the same ephemeral key and nonce in every handshake"
    case .acceptsForeignTarget: "accepts requests for keys that are not its own"
    case .readyBeforeCheck: "sends communication_ready before it looks at the keys' lengths"
    case .takesTextForKey: "ignores a text where a key box is due"
    case .waitsForeverForKey: "waits for ever for the key box"
    case .repeatsReady: "sends communication_ready twice"
    case .wantsExactReady: "reads communication_ready only as the reference writes it"
    case .acceptsOwnSource: "accepts a requester with its own key"
    }
  }
}

/// The parts that both sides of the handshake share (connection.md 3.2).
enum KeyBox {
  static let section = "connection.md 3.2"

  /// `nonce ‖ box` of an ephemeral public key.
  static func seal(_ key: PublicKey, nonce: Nonce, shared: SharedKey, box: some BoxProvider) -> [UInt8] {
    ComplementProof.seal(key.bytes, nonce: nonce, key: shared, box: box)
  }

  /// The ephemeral key in a box. Strict wants exactly 72 bytes and no point of low order (HS-013, HS-015).
  static func open(
    _ message: [UInt8], shared: SharedKey, isStrict: Bool, faults: Set<HandshakeFault>, box: some BoxProvider
  ) -> PublicKey? {
    if isStrict, !faults.contains(.acceptsAnyLength), message.count != 72 { return nil }
    guard let plain = try? ComplementProof.open(message, key: shared, section: section, box: box) else { return nil }
    guard let key = PublicKey(bytes: plain.prefix(32)), plain.count == 32 || faults.contains(.acceptsAnyLength) else {
      return nil
    }
    if isStrict, !faults.contains(.acceptsLowOrder), key.isLowOrder { return nil }
    return key
  }
}

/// The initiator's half: communication_request out, ready in, H3 out, H4 in (connection.md 3.2).
public struct InitiatorHandshake: Sendable {
  public enum Step: Sendable, Equatable {
    case text(String)
    case binary([UInt8])
    case established(SharedKey)
    case failed(EndCause)
  }

  private enum Phase: Sendable { case ready, key, done }

  private let own: SecretKey
  private let peer: PublicKey
  private let isStrict: Bool
  private let faults: Set<HandshakeFault>
  private let box: any BoxProvider
  private var ephemeral: SecretKey?
  private var phase = Phase.ready

  public init(
    own: SecretKey, peer: PublicKey, profile: Profile, faults: Set<HandshakeFault> = [],
    box: any BoxProvider = SodiumBox()
  ) {
    self.own = own
    self.peer = peer
    self.faults = faults
    self.box = box
    isStrict = profile == .strict
  }

  public var request: String {
    CommServerMessage.communicationRequest(source: box.publicKey(of: own).hex, target: peer.hex).text
  }

  public mutating func text(_ text: String, random: inout some RandomSource) -> [Step] {
    guard case .ready = phase else {
      if faults.contains(.takesTextForKey) { return [] }
      return fail(.unexpected("Received message that is not a binary message."))
    }
    if faults.contains(.wantsExactReady), text != CommServerMessage.communicationReady.text {
      return fail(.malformed("not exact"))
    }
    do throws(WireFailure) {
      let message = try CommServerMessage.decode(text, profile: isStrict ? .strict : .deployed)
      guard message == .communicationReady else {
        return fail(.unexpected("Received unexpected type '\(message.command)'. Expected type 'communication_ready'."))
      }
    } catch {
      return fail(.malformed(error.detail))
    }
    let secret = random.secretKey()
    var nonce = random.nonce()
    if faults.contains(.repeatsEphemeral), let zero = Nonce(bytes: [UInt8](repeating: 0, count: 24)) { nonce = zero }
    let used = faults.contains(.repeatsEphemeral) ? own : secret
    ephemeral = used
    phase = .key
    var message = KeyBox.seal(
      box.publicKey(of: used), nonce: nonce, shared: box.agree(theirs: peer, mine: own), box: box)
    if faults.contains(.sendsShortBox) { message.removeLast() }
    return [.binary(message)]
  }

  public mutating func binary(_ bytes: [UInt8]) -> [Step] {
    guard case .key = phase, let ephemeral else {
      return fail(.unexpected("Received message that is not a string message."))
    }
    let shared = box.agree(theirs: peer, mine: own)
    guard let theirs = KeyBox.open(bytes, shared: shared, isStrict: isStrict, faults: faults, box: box) else {
      if faults.contains(.acceptsUnopenable) { return finish(box.agree(theirs: peer, mine: ephemeral)) }
      return fail(.notOpened)
    }
    // Its own key come back is a reflection: nobody else has shown anything (HS-017).
    if isStrict, !faults.contains(.acceptsReflection), theirs == box.publicKey(of: ephemeral) { return fail(.badKey) }
    return finish(box.agree(theirs: theirs, mine: ephemeral))
  }

  private mutating func finish(_ key: SharedKey) -> [Step] {
    phase = .done
    // The ephemeral secret has done its work (HS-024).
    ephemeral = nil
    return [.established(key)]
  }

  private mutating func fail(_ cause: EndCause) -> [Step] {
    phase = .done
    ephemeral = nil
    return [.failed(cause)]
  }
}

/// The acceptor's half: request in, ready out, H3 in, H4 out (connection.md 3.2).
public struct AcceptorHandshake: Sendable {
  public typealias Step = InitiatorHandshake.Step

  private let keys: [SecretKey]
  private let isStrict: Bool
  private let faults: Set<HandshakeFault>
  private let box: any BoxProvider
  private var shared: SharedKey?
  private var isDone = false

  /// `keys` are all own secret keys a requester may ask for.
  public init(
    keys: [SecretKey], profile: Profile, faults: Set<HandshakeFault> = [], box: any BoxProvider = SodiumBox()
  ) {
    self.keys = keys
    self.faults = faults
    self.box = box
    isStrict = profile == .strict
  }

  /// The request; in the deployed profile `communication_ready` goes out before the target is looked up.
  public mutating func request(source: String, target: String) -> [Step] {
    let ready = Step.text(CommServerMessage.communicationReady.text)
    let greetings = faults.contains(.repeatsReady) ? [ready, ready] : [ready]
    guard let source = PublicKey(hex: source), let target = PublicKey(hex: target) else {
      isDone = true
      return (faults.contains(.readyBeforeCheck) ? greetings : []) + [.failed(.badKey)]
    }
    // Every own key is compared, each in constant time (HS-025).
    var own: SecretKey?
    for key in keys where constantTimeEqual(box.publicKey(of: key).bytes, target.bytes) { own = key }
    if own == nil, faults.contains(.acceptsForeignTarget) { own = keys.first }
    let isOwnSource = keys.contains { box.publicKey(of: $0) == source }
    let refusesSource =
      isStrict
      && (source.isLowOrder && !faults.contains(.acceptsLowOrder) || isOwnSource && !faults.contains(.acceptsOwnSource))
    guard let own, !refusesSource else {
      isDone = true
      return (isStrict ? [] : greetings) + [.failed(.badKey)]
    }
    shared = box.agree(theirs: source, mine: own)
    return greetings
  }

  public mutating func text(_ text: String) -> [Step] {
    if faults.contains(.takesTextForKey) { return [] }
    isDone = true
    return [.failed(.unexpected("Received message that is not a binary message."))]
  }

  public mutating func binary(_ bytes: [UInt8], random: inout some RandomSource) -> [Step] {
    guard !isDone, let shared else { return [] }
    isDone = true
    var theirs = KeyBox.open(bytes, shared: shared, isStrict: isStrict, faults: faults, box: box)
    if theirs == nil, faults.contains(.acceptsUnopenable) {
      theirs = PublicKey(bytes: [UInt8](repeating: 9, count: 32))
    }
    guard let theirs else { return [.failed(.notOpened)] }
    let ephemeral = faults.contains(.repeatsEphemeral) ? keys[0] : random.secretKey()
    var nonce = random.nonce()
    if faults.contains(.repeatsEphemeral), let first = Nonce(bytes: bytes.prefix(24)) { nonce = first }
    var message = KeyBox.seal(box.publicKey(of: ephemeral), nonce: nonce, shared: shared, box: box)
    if faults.contains(.sendsShortBox) { message.removeLast() }
    return [.binary(message), .established(box.agree(theirs: theirs, mine: ephemeral))]
  }
}
