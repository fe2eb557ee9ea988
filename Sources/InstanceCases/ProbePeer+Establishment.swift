import Cryptobox
import Instance
import Wire
import WireBytes

/// P1 to P9 of a probe, either role.
extension ProbePeer {
  // MARK: What it says

  mutating func startEstablishment(_ random: inout some RandomSource) {
    if does(.silentAfterChannel) { return fallMute() }
    let good = PeerMessage.connectionGroup(name: plan.group).text
    switch plan.misbehaviour {
    case .groupOtherCommand: deviate(.text(PeerMessage.sync.text), &random)
    case .groupMissingName: deviate(.text(#"{"command":"connection_group"}"#), &random)
    case .groupNumberName: deviate(.text(#"{"command":"connection_group","connectionGroupName":7}"#), &random)
    case .groupNotJSON: deviate(.text("{connection_group"), &random)
    case .groupBinary: deviate(.binary(Array(good.utf8)), &random)
    case .groupUnknown: deviate(.text(PeerMessage.connectionGroup(name: "nonsense").text), &random)
    case .groupEmpty: deviate(.text(PeerMessage.connectionGroup(name: "").text), &random)
    case .groupLongName:
      deviate(.text(PeerMessage.connectionGroup(name: String(repeating: "g", count: 300)).text), &random)
    case .groupDebug: deviate(.text(PeerMessage.connectionGroup(name: "debug").text), &random)
    case .groupExtraMember: deviate(.text(good.dropLast() + #","version":3}"#), &random)
    default: sendPlain(.text(good), &random)
    }
  }

  mutating func deviate(_ message: WireMessage, _ random: inout some RandomSource) {
    acted()
    sendPlain(message, &random)
  }

  private mutating func sayPerson(_ random: inout some RandomSource) {
    guard !hasSentPerson else { return }
    hasSentPerson = true
    let email = does(.otherPerson) ? plan.other.personEmail : plan.own.personEmail
    if does(.otherPerson) { acted() }
    let good = PeerMessage.personIdObject(email: email).text
    func object(_ members: String) -> WireMessage { .text(#"{"command":"person_id_object","obj":{\#(members)}}"#) }
    switch plan.misbehaviour {
    case .personNotJSON: deviate(.text("{person"), &random)
    case .personWrongType: deviate(object(#""$type$":"Instance","name":"x","owner":"\#(plan.own.personId)""#), &random)
    case .personNoEmail: deviate(object(#""$type$":"Person""#), &random)
    case .personNumberEmail: deviate(object(#""$type$":"Person","email":7"#), &random)
    case .personBinary: deviate(.binary(Array(good.utf8)), &random)
    case .personOtherCommand: deviate(.text(PeerMessage.sync.text), &random)
    case .personExtraMember: deviate(object(#""$type$":"Person","email":"\#(email)","age":7"#), &random)
    case .personMissing: fallMute()
    case .personTwice:
      deviate(.text(good), &random)
      sendPlain(.text(good), &random)
    case .keysBeforePerson:
      acted()
      sayKeys(&random)
      sendPlain(.text(good), &random)
    default: sendPlain(.text(good), &random)
    }
  }

  private mutating func sayKeys(_ random: inout some RandomSource) {
    let person = does(.otherPerson) ? plan.other.personId : plan.own.personId
    let sign = plan.own.personSignKey
    let key = plan.own.personKey.publicKey.hex
    func keys(owner: String? = nil, key other: String? = nil) -> WireMessage {
      .text(
        PeerMessage.keysObject(owner: owner ?? person, publicKey: other ?? key, publicSignKey: sign).text)
    }
    switch plan.misbehaviour {
    case .keysForeignOwner: deviate(keys(owner: plan.other.personId), &random)
    case .keysNotHex: deviate(keys(key: String(repeating: "zz", count: 32)), &random)
    case .keysShort: deviate(keys(key: String(key.prefix(62))), &random)
    case .keysLowOrder: deviate(keys(key: String(repeating: "0", count: 64)), &random)
    case .keysWrongType:
      deviate(.text(#"{"command":"keys_object","obj":{"$type$":"Person","email":"x"}}"#), &random)
    case .keysNoOwner:
      let text = #"{"command":"keys_object","obj":{"$type$":"Keys","publicKey":"\#(key)","publicSignKey":"\#(sign)"}}"#
      deviate(.text(text), &random)
    case .keysUpperOwner: deviate(keys(owner: person.uppercased()), &random)
    case .keysBinary: if case .text(let text) = keys() { deviate(.binary(Array(text.utf8)), &random) }
    case .keysMissing: fallMute()
    case .keysOfOther: deviate(keys(key: plan.other.personKey.publicKey.hex), &random)
    case .otherPersonKey:
      deviate(keys(key: plan.other.personKey.publicKey.hex), &random)
    case .instanceBeforeProof:
      sendPlain(keys(), &random)
      acted()
      sayInstance(&random)
    default: sendPlain(keys(), &random)
    }
  }

  private mutating func sayChallenge(_ random: inout some RandomSource) {
    guard let proofKey else { return }
    let content = random.bytes(64)
    ownChallenge = content
    let nonce = random.nonce()
    let provider = box
    func sealed(_ bytes: [UInt8]) -> [UInt8] {
      ComplementProof.seal(bytes, nonce: nonce, key: proofKey, box: provider)
    }
    switch plan.misbehaviour {
    case .challengeGarbage: deviate(.binary(random.bytes(104)), &random)
    case .challengeFlipped:
      var bytes = sealed(content)
      bytes[60] ^= 4
      deviate(.binary(bytes), &random)
    case .challengeOf63: deviate(.binary(sealed(Array(content.prefix(63)))), &random)
    case .challengeOf65: deviate(.binary(sealed(content + [1])), &random)
    // A captured key message in place of a challenge: whoever answers it tells its content (ATK-10).
    case .challengeOfKeyMessage: deviate(.binary(sealed(Array(content.prefix(32)))), &random)
    case .challengeAsText: deviate(.text(Hex.encode(sealed(content))), &random)
    case .challengeShort: deviate(.binary(Array(sealed(content).prefix(20))), &random)
    case .challengeMissing: fallMute()
    default: sendPlain(.binary(sealed(content)), &random)
    }
  }

  private mutating func sayResponse(to challenge: [UInt8], _ random: inout some RandomSource) {
    guard let proofKey, let plain = try? ComplementProof.open(challenge, key: proofKey, section: "", box: box) else {
      seen.faults.append("challenge")
      return
    }
    let inverted = ComplementProof.complement(plain)
    let nonce = random.nonce()
    let provider = box
    func sealed(_ bytes: [UInt8], _ key: SharedKey? = nil) -> [UInt8] {
      ComplementProof.seal(bytes, nonce: nonce, key: key ?? proofKey, box: provider)
    }
    switch plan.misbehaviour {
    case .responseGarbage: deviate(.binary([UInt8](repeating: 0, count: 104)), &random)
    case .responseUninverted: deviate(.binary(sealed(plain)), &random)
    case .responseEchoed: deviate(.binary(challenge), &random)
    case .responseOtherBytes: deviate(.binary(sealed([UInt8](repeating: 3, count: 64))), &random)
    case .responseFlipped:
      var bytes = sealed(inverted)
      bytes[90] ^= 1
      deviate(.binary(bytes), &random)
    case .responseShort: deviate(.binary(Array(sealed(inverted).prefix(23))), &random)
    case .responseAsText: deviate(.text(Hex.encode(sealed(inverted))), &random)
    case .responseOf63: deviate(.binary(sealed(Array(inverted.prefix(63)))), &random)
    case .responseOf65: deviate(.binary(sealed(inverted + [0])), &random)
    case .responseEmpty: deviate(.binary(sealed([])), &random)
    case .responseOtherKey:
      let key = peerPersonKey.map { provider.agree(theirs: $0, mine: plan.other.personKey.secret) }
      deviate(.binary(sealed(inverted, key)), &random)
    case .responseMissing: fallMute()
    default: sendPlain(.binary(sealed(inverted)), &random)
    }
  }

  private mutating func sayInstance(_ random: inout some RandomSource) {
    guard !hasSentInstance else { return }
    hasSentInstance = true
    let person = does(.otherPerson) ? plan.other.personId : plan.own.personId
    let good = PeerMessage.instanceIdObject(name: plan.own.instanceName, owner: person).text
    switch plan.misbehaviour {
    case .instanceForeignOwner:
      let text = PeerMessage.instanceIdObject(name: plan.own.instanceName, owner: plan.other.personId).text
      deviate(.text(text), &random)
    case .instanceWrongType: deviate(.text(good.replacingFirst("Instance", "Person")), &random)
    case .instanceNoName:
      deviate(.text(#"{"command":"instance_id_object","obj":{"$type$":"Instance","owner":"\#(person)"}}"#), &random)
    case .instanceNotJSON: deviate(.text("instance"), &random)
    case .instanceBinary: deviate(.binary(Array(good.utf8)), &random)
    case .instanceMissing: fallMute()
    case .otherInstance:
      deviate(.text(PeerMessage.instanceIdObject(name: plan.other.instanceName, owner: person).text), &random)
    case .tokenBeforeInstance:
      deviate(.text(PeerMessage.authenticationToken(plan.token ?? "").text), &random)
      sendPlain(.text(good), &random)
    default: sendPlain(.text(good), &random)
    }
    if does(.foreignSource) { acted() }
  }

  // MARK: What it hears

  mutating func receivePlain(_ message: WireMessage, _ random: inout some RandomSource) {
    switch message {
    case .text("synchronisation"):
      seen.seen.append(.synchronisation)
      if hasFinished { perform(chum?.started(now: now) ?? [], &random) }
    case _ where hasFinished && chum != nil: perform(chum?.receive(message, now: now) ?? [], &random)
    case .binary(let bytes): receiveProof(bytes, &random)
    case .text(let text):
      guard !hasFinished || seen.count(.synchronisation) == 0, let heard = try? PeerMessage.decode(text) else {
        seen.seen.append(.application)
        seen.texts.append(String(text.prefix(200)))
        return
      }
      receivePeer(heard, &random)
    }
  }

  private mutating func receivePeer(_ heard: PeerMessage, _ random: inout some RandomSource) {
    switch heard {
    case .connectionGroup:
      seen.seen.append(.group)
      saySync(&random)
    case .sync:
      seen.seen.append(.sync)
      sayPerson(&random)
    case .personIdObject(let email):
      seen.seen.append(.person)
      seen.person = IdHash.person(email: email)
      if !does(.keysBeforePerson), !does(.personMissing) { sayKeys(&random) }
    case .keysObject(_, let key, _):
      seen.seen.append(.keys)
      peerPersonKey = PublicKey(hex: key)
      proofKey = peerPersonKey.map { key in
        // The keys that the probe showed are those it proves itself with.
        if does(.keysLowOrder) { return box.agree(theirs: Self.zeroKey ?? key, mine: plan.own.personKey.secret) }
        let isOther = does(.otherPersonKey)
        return box.agree(theirs: key, mine: isOther ? plan.other.personKey.secret : plan.own.personKey.secret)
      }
      if !isInitiator { sayChallenge(&random) }
    case .instanceIdObject:
      seen.seen.append(.instance)
      afterEstablishment(&random)
    case .authenticationToken(let token):
      seen.seen.append(.token)
      seen.texts.append(token)
      receiveToken(&random)
    case .identity(let file):
      seen.seen.append(.identity)
      seen.identity = file
      receiveIdentity(&random)
    }
  }

  private mutating func saySync(_ random: inout some RandomSource) {
    let good = PeerMessage.sync.text
    switch plan.misbehaviour {
    case .syncOtherCommand: deviate(.text(#"{"command":"success"}"#), &random)
    case .syncNotJSON: deviate(.text("sync"), &random)
    case .syncBinary: deviate(.binary(Array(good.utf8)), &random)
    case .syncMissing: return fallMute()
    default: sendPlain(.text(good), &random)
    }
    sayPerson(&random)
  }

  private mutating func receiveProof(_ bytes: [UInt8], _ random: inout some RandomSource) {
    // The acceptor challenges first (connection.md 4.1).
    let isChallenge = isInitiator ? !seen.saw(.challenge) : seen.saw(.response)
    guard isChallenge else {
      seen.seen.append(.response)
      if let proofKey, let ownChallenge {
        let plain = try? ComplementProof.open(bytes, key: proofKey, section: "", box: box)
        if plain != ComplementProof.complement(ownChallenge) { seen.faults.append("response") }
      }
      if isInitiator { sayInstance(&random) }
      return
    }
    seen.seen.append(.challenge)
    sayResponse(to: bytes, &random)
    if !isInitiator { return sayInstance(&random) }
    if !does(.responseAsText) { sayChallenge(&random) }
  }
}

extension String {
  func replacingFirst(_ old: String, _ new: String) -> String {
    guard let range = firstRange(of: old) else { return self }
    return String(self[..<range.lowerBound]) + new + String(self[range.upperBound...])
  }
}
