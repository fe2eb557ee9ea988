import Cryptobox
import Instance
import Wire
import WireBytes

/// What a probe does behind P9: pairing, or the beginning of CHUM.
extension ProbePeer {
  mutating func afterEstablishment(_ random: inout some RandomSource) {
    switch plan.group {
    case "pairing": if isInitiator { sayToken(&random) }
    case "chum": synchronise(&random)
    default: break
    }
  }

  private mutating func synchronise(_ random: inout some RandomSource) {
    hasFinished = true
    switch plan.misbehaviour {
    case .otherThanSynchronisation: deviate(.text("hello"), &random)
    case .jsonSynchronisation: deviate(.text(#"{"command":"synchronisation"}"#), &random)
    case .serviceInSameBurst: deviate(.text("synchronisation"), &random)
    default: sendPlain(.text("synchronisation"), &random)
    }
    if let application = plan.application { sendPlain(.text(application), &random) }
    perform(chum?.controlSent(now: now) ?? [], &random)
    if seen.saw(.synchronisation) { perform(chum?.started(now: now) ?? [], &random) }
  }

  // MARK: Invitee

  private mutating func sayToken(_ random: inout some RandomSource) {
    let token = plan.token ?? ""
    func with(_ token: String) -> WireMessage { .text(PeerMessage.authenticationToken(token).text) }
    switch plan.misbehaviour {
    case .tokenWrong: deviate(with(String(token.reversed())), &random)
    case .tokenEmpty: deviate(with(""), &random)
    case .tokenOfOtherLength: deviate(with(String(token.dropLast())), &random)
    case .tokenNumber: deviate(.text(#"{"command":"authentication_token","token":7}"#), &random)
    case .tokenMissing: deviate(.text(#"{"command":"authentication_token"}"#), &random)
    case .tokenNotJSON: deviate(.text(token), &random)
    case .tokenBinary: deviate(.binary(Array(PeerMessage.authenticationToken(token).text.utf8)), &random)
    case .identityOtherCommand where isInitiator, .identityMissing where isInitiator: sendPlain(with(token), &random)
    case .tokenTwice:
      sendPlain(with(token), &random)
      deviate(with(token), &random)
    case .tokenBeforeInstance: break
    case .silentBeforeToken: fallMute()
    default: sendPlain(with(token), &random)
    }
  }

  // MARK: Inviter

  mutating func receiveToken(_ random: inout some RandomSource) {
    if does(.closesAfterToken) {
      acted()
      return close()
    }
    sayIdentity(&random)
  }

  // MARK: Both

  mutating func receiveIdentity(_ random: inout some RandomSource) {
    guard isInitiator else { return }
    switch plan.misbehaviour {
    case .closesBeforeIdentity:
      acted()
      return close()
    case .tokenTwice: return
    default: break
    }
    sayIdentity(&random)
    if does(.staysAfterIdentity) { return acted() }
    // A good invitee closes at once (Q4); after a bad identity it waits for the verdict.
    if !Self.identityActs.contains(plan.misbehaviour ?? .keepAliveFirst) { close() }
  }

  static let identityActs: Set<Misbehaviour> = [
    .identityForeignPerson, .identityForeignPersonKey, .identityForeignInstance, .identityForeignInstanceKey,
    .identityForeignSignKey, .identitySecret, .identityNotJSON, .identityBinary, .identityNoMember, .identityNumber,
    .identityShortKey, .identityNotHex, .identityLowOrderKey, .identityOtherCommand, .identityMissing,
    .foreignSource,
  ]

  private mutating func sayIdentity(_ random: inout some RandomSource) {
    let own = plan.own.publicFile
    let other = plan.other.publicFile
    func file(
      email: String? = nil, name: String? = nil, personKey: String? = nil, sign: String? = nil, key: String? = nil,
      url: String?
    ) -> WireMessage {
      .text(
        PeerMessage.identity(
          IdentityFile(
            personEmail: email ?? own.personEmail, instanceName: name ?? own.instanceName,
            personKeyPublic: personKey ?? own.personKeyPublic, personSignKeyPublic: sign ?? own.personSignKeyPublic,
            instanceKeyPublic: key ?? own.instanceKeyPublic, instanceSignKeyPublic: own.instanceSignKeyPublic, url: url)
        ).text)
    }
    let good = PeerMessage.identity(own).text
    switch plan.misbehaviour {
    case .identityForeignPerson: deviate(.text(PeerMessage.identity(other).text), &random)
    case .identityForeignPersonKey: deviate(file(personKey: other.personKeyPublic, url: own.url), &random)
    case .identityForeignInstance: deviate(file(name: other.instanceName, url: own.url), &random)
    case .identityForeignInstanceKey: deviate(file(key: other.instanceKeyPublic, url: own.url), &random)
    case .identityForeignSignKey: deviate(file(sign: other.personSignKeyPublic, url: own.url), &random)
    case .identitySecret: deviate(.text(PeerMessage.identity(plan.own.secretFile).text), &random)
    case .identityNotJSON: deviate(.text("{identity"), &random)
    case .identityBinary: deviate(.binary(Array(good.utf8)), &random)
    case .identityNoMember: deviate(.text(good.replacingFirst("instanceName", "instanceNam")), &random)
    case .identityNumber:
      deviate(.text(good.replacingFirst(JSONText.quoted(own.instanceName), "7")), &random)
    case .identityShortKey: deviate(file(key: String(own.instanceKeyPublic.prefix(62)), url: own.url), &random)
    case .identityNotHex: deviate(file(key: String(repeating: "zz", count: 32), url: own.url), &random)
    case .identityLowOrderKey: deviate(file(key: String(repeating: "0", count: 64), url: own.url), &random)
    case .identityOtherCommand: deviate(.text(PeerMessage.sync.text), &random)
    case .identityNoURL: deviate(file(url: nil), &random)
    case .identityExtraMember: deviate(.text(good.replacingFirst(#""url""#, #""more":1,"url""#)), &random)
    case .identityMissing: fallMute()
    default: sendPlain(.text(good), &random)
    }
  }
}
