public import Cryptobox
import Instance
import Wire
import WireBytes

/// H1 to H4 of a probe, either role.
extension ProbePeer {
  /// A point of order eight, in the encoding of the well-known list; its product with any clamped scalar is zero.
  static let orderEight = PublicKey(hex: "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
  static let zeroKey = PublicKey(bytes: [UInt8](repeating: 0, count: 32))

  /// For an acceptor, which is dialled by somebody it does not know.
  public static let somebody: PublicKey = SodiumBox().publicKey(of: SeededRandom.key(1))

  // MARK: Initiator

  mutating func sendRequest() {
    stage = .ready
    let request = CommServerMessage.communicationRequest(source: source.hex, target: plan.target.hex).text
    func with(source: String? = nil, target: String? = nil) -> String {
      CommServerMessage.communicationRequest(source: source ?? self.source.hex, target: target ?? plan.target.hex).text
    }
    switch plan.misbehaviour {
    case .wrongCommandFirst: send(.text(#"{"command":"connection_group","connectionGroupName":"chum"}"#))
    case .notJSONFirst: send(.text("{communication_request}"))
    case .binaryFirst: send(.binary(Array(request.utf8)))
    case .readyFirst: send(.text(CommServerMessage.communicationReady.text))
    case .pongFirst: send(.text(CommServerMessage.pong.text))
    case .sourceShort: send(.text(with(source: String(source.hex.prefix(62)))))
    case .sourceLong: send(.text(with(source: source.hex + "00")))
    case .sourceNotHex: send(.text(with(source: String(repeating: "zz", count: 32))))
    case .sourceNumber:
      send(.text(#"{"command":"communication_request","sourcePublicKey":7,"targetPublicKey":"\#(plan.target.hex)"}"#))
    case .targetShort: send(.text(with(target: String(plan.target.hex.prefix(62)))))
    case .targetUnknown: send(.text(with(target: plan.other.instanceKey.publicKey.hex)))
    case .targetMissing: send(.text(#"{"command":"communication_request","sourcePublicKey":"\#(source.hex)"}"#))
    case .lowOrderSource: send(.text(with(source: Self.zeroKey?.hex)))
    case .otherLowOrderSource: send(.text(with(source: Self.orderEight?.hex)))
    case .ownKeyAsSource: send(.text(with(source: plan.target.hex)))
    case .requestWithExtraMember: send(.text(request.dropLast() + #","more":{"a":[1,2]}}"#))
    case .requestWithWhiteSpace:
      let spaced = """
         { "targetPublicKey" : "\(plan.target.hex)",
           "sourcePublicKey" : "\(source.hex)", "command" : "communication_request" }
        """
      send(.text(spaced))
    case .requestUpperCase: send(.text(with(source: source.hex.uppercased(), target: plan.target.hex.uppercased())))
    case .requestTwice:
      send(.text(request))
      send(.text(request))
    case .requestDeepJSON:
      let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
      send(.text(request.dropLast() + #","more":\#(deep)}"#))
    case .silentAfterOpen: break
    case .h3Replayed: send(.text(plan.recorded?.request ?? request))
    default:
      send(.text(request))
      return
    }
    acted()
  }

  mutating func receiveReady(_ message: WireMessage, _ random: inout some RandomSource) {
    guard case .text(let text) = message, case .communicationReady? = try? CommServerMessage.decode(text) else {
      seen.seen.append(.other)
      return
    }
    seen.seen.append(.ready)
    if does(.lowOrderSource) || does(.otherLowOrderSource) {
      // Anybody can compute the key that belongs to such a point.
      staticKey = box.agree(theirs: Self.zeroKey ?? plan.target, mine: sourceSecret)
    } else {
      staticKey = box.agree(theirs: plan.target, mine: sourceSecret)
    }
    guard let staticKey else { return }
    stage = .key
    if does(.h3Replayed), let recorded = plan.recorded { return send(.binary(recorded.key)) }
    if does(.h3Missing) { return acted() }
    keyMessage(staticKey, &random)
  }

  /// The answer to H3.
  mutating func receiveAnswer(_ message: WireMessage, _ random: inout some RandomSource) {
    guard case .binary(let bytes) = message else {
      seen.seen.append(.other)
      return
    }
    seen.seen.append(.keyMessage)
    seen.keyMessageLength = bytes.count
    peerKeyMessage = bytes
    finish(bytes, &random)
  }

  // MARK: Acceptor

  mutating func receiveRequest(_ message: WireMessage, _ random: inout some RandomSource) {
    guard case .text(let text) = message,
      case .communicationRequest(let sourceHex, let targetHex)? = try? CommServerMessage.decode(text),
      let peer = PublicKey(hex: sourceHex), targetHex == plan.own.instanceKey.publicKey.hex
    else {
      seen.seen.append(.other)
      return
    }
    seen.seen.append(.request)
    peerStatic = peer
    staticKey = box.agree(theirs: peer, mine: plan.own.instanceKey.secret)
    stage = .ready
    let ready = CommServerMessage.communicationReady.text
    switch plan.misbehaviour {
    case .readyWrongCommand: send(.text(#"{"command":"nope"}"#))
    case .readyNotJSON: send(.text("{nope"))
    case .readyBinary: send(.binary(Array(ready.utf8)))
    case .readyMissing: break
    case .readyWithExtraMember:
      send(.text(#"{"command":"communication_ready","more":1}"#))
      return
    case .closeBeforeReady: close()
    default: return send(.text(ready))
    }
    acted()
  }

  mutating func receiveKey(_ message: WireMessage, _ random: inout some RandomSource) {
    guard case .binary(let bytes) = message, let staticKey else {
      seen.seen.append(.other)
      return
    }
    seen.seen.append(.keyMessage)
    seen.keyMessageLength = bytes.count
    peerKeyMessage = bytes
    switch plan.misbehaviour {
    case .readyTwice:
      acted()
      return send(.text(CommServerMessage.communicationReady.text))
    case .h4Missing: return acted()
    case .h4Reflected:
      acted()
      stage = .key
      return send(.binary(bytes))
    default: break
    }
    keyMessage(staticKey, &random)
    finish(bytes, &random)
  }

  // MARK: Both

  /// H3 or H4 with its deviations.
  private mutating func keyMessage(_ staticKey: SharedKey, _ random: inout some RandomSource) {
    let secret = random.secretKey()
    ephemeral = secret
    var content = box.publicKey(of: secret).bytes
    var key = staticKey
    switch plan.misbehaviour {
    case .h3LowOrder, .h4LowOrder: content = [UInt8](repeating: 0, count: 32)
    case .h3Of31, .h4Of31: content.removeLast()
    case .h3Of33: content.append(1)
    case .h3WrongStatic, .h4WrongStatic:
      key = box.agree(
        theirs: isInitiator ? plan.target : peerStatic ?? plan.target, mine: plan.other.instanceKey.secret)
    default: break
    }
    var message = ComplementProof.seal(content, nonce: random.nonce(), key: key, box: box)
    let good = message
    switch plan.misbehaviour {
    case .h3AsText, .h4AsText:
      acted()
      ownKeyMessage = message
      return send(.text(Hex.encode(message)))
    case .h3Empty, .h4Empty: message = []
    case .h3Short, .h4Short: message = Array(message.prefix(20))
    case .h3Cut, .h4Cut: message.removeLast()
    case .h3Extended, .h4Extended: message.append(0)
    case .h3Flipped, .h4Flipped: message[40] ^= 1
    case .h3NonceFlipped: message[0] ^= 1
    default: break
    }
    if message != good || key != staticKey || content.count != 32 || content.allSatisfy({ $0 == 0 }) { acted() }
    ownKeyMessage = message
    send(.binary(message))
  }

  private mutating func finish(_ bytes: [UInt8], _ random: inout some RandomSource) {
    guard let staticKey, let ephemeral, let nonce = Nonce(bytes: bytes.prefix(24)),
      let plain = box.open(Array(bytes.dropFirst(24)), nonce: nonce, key: staticKey),
      let theirs = PublicKey(bytes: plain)
    else {
      seen.faults.append("key message")
      return
    }
    let usesZero = does(.h3LowOrder) || does(.h4LowOrder)
    // With a point of small order the other side computes the key that belongs to nothing.
    let shared =
      usesZero ? box.agree(theirs: Self.zeroKey ?? theirs, mine: ephemeral) : box.agree(theirs: theirs, mine: ephemeral)
    sessionKey = shared
    seen.channel = Observation.Channel(own: box.publicKey(of: ephemeral), peer: theirs, key: shared)
    sendCounter = isInitiator ? 1 : 0
    receiveCounter = isInitiator ? 0 : 1
    stage = .secure
    if isInitiator { startEstablishment(&random) }
  }
}
