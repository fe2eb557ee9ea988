public import Cryptobox
import Instance
import Wire
import WireBytes

/// One registration socket of a CommServer played by hand: good, but for one deviation.
public struct ProbeServer: Sendable {
  public enum Deviation: String, Sendable, CaseIterable {
    case challengeNotOpening, challengeOf63, challengeOf65, challengeShort, challengeOfKeyMessage, challengeOddHex
    case ownKeyOfListener, keyOfPeer, lowOrderKey, shortKey
    case otherCommandFirst, notJSONFirst, binaryFirst, handoverFirst, successFirst, silentFirst
    case successAsBinary, successOtherCommand, handoverInsteadOfSuccess, silentAfterResponse
    case intervalZero, intervalNegative, intervalFraction, intervalHuge, intervalText, intervalMissing
    case extraMembers, changesKey
    case neverPings
    /// Says of every invitation that it is used (X-INV/1).
    case answersUsed
  }

  public struct Plan: Sendable {
    public var deviation: Deviation?
    public var pingInterval = 25_000.0
    /// The key of a peer, for a server that names it as its own.
    public var peerKey: KeyPair?
    public var offersInvitations = false

    public init(_ deviation: Deviation? = nil) { self.deviation = deviation }
  }

  public let plan: Plan
  let box: AnyBox
  let key: SecretKey
  public private(set) var registeredKey: String?
  public private(set) var isRegistered = false
  public private(set) var response: [UInt8]?
  /// True when the response was the complement of the challenge.
  public private(set) var isProven = false
  public private(set) var pongs = 0
  public private(set) var received: [String] = []
  public private(set) var closedAt: Double?
  public private(set) var openedSince: Double?
  public private(set) var registeredAt: Double?
  private var content: [UInt8] = []
  private var nextPing: Double?
  private var isHandedOver = false

  init(_ plan: Plan, box: AnyBox, random: inout some RandomSource) {
    self.plan = plan
    self.box = box
    // The same key for all sockets of one case, unless the deviation is about that.
    let same = SecretKey(bytes: [UInt8](repeating: 77, count: 32))
    key = plan.deviation == .changesKey ? random.secretKey() : same ?? random.secretKey()
  }

  var nextDeadline: Double? { closedAt == nil && !isHandedOver ? nextPing : nil }

  mutating func closed(now: Double) { closedAt = closedAt ?? now }

  mutating func tick(now: Double) -> [ProbePeer.Output] {
    guard let due = nextPing, now >= due, plan.deviation != .neverPings else {
      nextPing = nil
      return []
    }
    nextPing = now + plan.pingInterval
    return [.send(.text(CommServerMessage.ping.text))]
  }

  mutating func handOver() -> [ProbePeer.Output] {
    isHandedOver = true
    return [.send(.text(CommServerMessage.connectionHandover.text))]
  }

  mutating func receive(_ message: WireMessage, now: Double, random: inout some RandomSource) -> [ProbePeer.Output] {
    guard case .text(let text) = message else { return [] }
    received.append(text)
    guard let heard = try? CommServerMessage.decode(text) else {
      guard registeredKey == nil else { return [] }
      // A base server closes on a first command that it does not know.
      let used = ProbePeer.Output.send(.text(#"{"command":"invitation_error","code":"used"}"#))
      return plan.deviation == .answersUsed ? [used, .close(reason: "used")] : [.close(reason: "Close called.")]
    }
    switch heard {
    case .register(let hex): return challenge(hex, &random)
    case .authenticationResponse(let hex): return answered(hex, now)
    case .pong:
      pongs += 1
      return []
    default: return []
    }
  }

  private mutating func challenge(_ hex: String, _ random: inout some RandomSource) -> [ProbePeer.Output] {
    registeredKey = hex
    guard let listener = PublicKey(hex: hex) else { return [.close(reason: "bad_key")] }
    content = random.bytes(64)
    var shared = box.agree(theirs: listener, mine: key)
    // Whoever names a peer's key may have one of its boxes; a weak key makes one that everybody has.
    if plan.deviation == .keyOfPeer, let peer = plan.peerKey { shared = box.agree(theirs: listener, mine: peer.secret) }
    if plan.deviation == .lowOrderKey, let zero = ProbePeer.zeroKey { shared = box.agree(theirs: zero, mine: key) }
    let challengeKey = shared
    let nonce = random.nonce()
    func sealed(_ bytes: [UInt8]) -> [UInt8] { ComplementProof.seal(bytes, nonce: nonce, key: challengeKey, box: box) }
    var challenge = sealed(content)
    var shown = box.publicKey(of: key).hex
    switch plan.deviation {
    case .challengeNotOpening: challenge[80] ^= 1
    case .challengeOf63: challenge = sealed(Array(content.prefix(63)))
    case .challengeOf65: challenge = sealed(content + [0])
    case .challengeShort: challenge = Array(challenge.prefix(20))
    case .challengeOfKeyMessage: challenge = sealed(Array(content.prefix(32)))
    case .ownKeyOfListener: shown = hex
    case .keyOfPeer: shown = plan.peerKey?.publicKey.hex ?? shown
    case .lowOrderKey: shown = String(repeating: "0", count: 64)
    case .shortKey: shown = String(shown.prefix(62))
    case .otherCommandFirst: return [.send(.text(CommServerMessage.ping.text))]
    case .notJSONFirst: return [.send(.text("hello"))]
    case .binaryFirst: return [.send(.binary(challenge))]
    case .handoverFirst: return [.send(.text(CommServerMessage.connectionHandover.text))]
    case .successFirst: return [.send(.text(CommServerMessage.authenticationSuccess(pingInterval: 25_000).text))]
    case .silentFirst: return []
    default: break
    }
    var text = CommServerMessage.authenticationRequest(publicKey: shown, challenge: Hex.encode(challenge)).text
    if plan.deviation == .challengeOddHex { text = text.replacingFirst(Hex.encode(challenge), "abc") }
    if plan.deviation == .extraMembers { text = text.dropLast() + #","motd":"hello"}"# }
    return [.send(.text(text))]
  }

  private mutating func answered(_ hex: String, _ now: Double) -> [ProbePeer.Output] {
    response = Hex.decode(hex)
    if let response, let key = registeredKey.flatMap({ PublicKey(hex: $0) }) {
      let shared = box.agree(theirs: key, mine: self.key)
      let plain = try? ComplementProof.open(response, key: shared, section: "", box: box)
      isProven = plain == ComplementProof.complement(content)
    }
    func success(_ interval: String) -> [ProbePeer.Output] {
      [.send(.text(#"{"command":"authentication_success","pingInterval":\#(interval)}"#))]
    }
    let good = CommServerMessage.authenticationSuccess(pingInterval: plan.pingInterval).text
    switch plan.deviation {
    case .successAsBinary: return [.send(.binary(Array(good.utf8)))]
    case .successOtherCommand: return [.send(.text(CommServerMessage.pong.text))]
    case .handoverInsteadOfSuccess: return [.send(.text(CommServerMessage.connectionHandover.text))]
    case .silentAfterResponse: return []
    case .intervalZero: return success("0")
    case .intervalNegative: return success("-1")
    case .intervalFraction: return success("2500.5")
    case .intervalHuge: return success("1e300")
    case .intervalText: return success(#""25000""#)
    case .intervalMissing: return [.send(.text(#"{"command":"authentication_success"}"#))]
    default: break
    }
    isRegistered = true
    registeredAt = now
    nextPing = now + plan.pingInterval
    var out: [ProbePeer.Output] = [.send(.text(good))]
    if plan.offersInvitations {
      out = [.send(.text(good.dropLast() + #","extensions":["invitation/1"]}"#))]
    } else if plan.deviation == .extraMembers {
      out = [.send(.text(good.dropLast() + #","clientIp":"127.0.0.1","clientPort":7}"#))]
    }
    return out
  }
}
