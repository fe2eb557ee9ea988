public import Cryptobox
public import Wire
import WireBytes

/// P1–P9 of one side (connection.md 4) as a value: plain messages in, plain messages and verdicts out.
///
/// The order per sender is fixed: the initiator sends P1, P3, P4, P6, P7, P9, the acceptor P2, P3, P4, P5, P8, P9.
public struct Establishment: Sendable {
  public enum Output: Sendable, Equatable {
    case send(WireMessage)
    /// The connection now counts as the one for its keys and group: duplicates are to be settled before anything more.
    case assigned(group: String)
    /// All checks passed.
    case identified(ProvenPeer)
    case close(EndCause, WireFailure)
    /// A fault on which the deployed implementation goes silent and stays open (connection.md 4.3).
    case fallSilent(WireFailure)
  }

  /// What is due next from the peer.
  public enum Step: Sendable, Equatable {
    case group, sync, person, keys, challenge, response, instance, over

    /// The stage that a failing pairing reports.
    var stage: PairingFailure.Stage {
      switch self {
      case .group, .sync: .group
      case .person, .keys, .challenge, .response: .person
      case .instance: .instance
      case .over: .token
      }
    }
  }

  /// What this side knows and allows; taken anew for each message.
  public struct Rules: Sendable {
    public var book: PeerBook
    public var servesStrangers: Bool
    public var pairing: Bool
    public var debug: Bool

    public init(book: PeerBook, servesStrangers: Bool, pairing: Bool, debug: Bool) {
      self.book = book
      self.servesStrangers = servesStrangers
      self.pairing = pairing
      self.debug = debug
    }
  }

  public let role: HandshakeRole
  /// The local person and instance of this connection.
  public let own: Identity
  /// The peer's static key of the handshake.
  public let handshakeKey: PublicKey
  public private(set) var group: String?
  public private(set) var step: Step
  let settings: InstanceSettings
  let box: AnyBox
  private var peerPerson: (id: String, email: String)?
  private var peerKey: PublicKey?
  private var peerSignKey = ""
  private var proofKey: SharedKey?
  private var challenger: ProofChallenger?

  /// The dialling side asks for `group`; the other side hears it.
  public init(
    role: HandshakeRole, own: Identity, handshakeKey: PublicKey, group: String?, settings: InstanceSettings, box: AnyBox
  ) {
    self.role = role
    self.own = own
    self.handshakeKey = handshakeKey
    self.group = group
    self.settings = settings
    self.box = box
    step = role == .initiator ? .sync : .group
  }

  func has(_ defect: Defect) -> Bool { settings.defects.contains(defect) }
  var isStrict: Bool { settings.profile == .strict }

  /// P1, to be sent when the layers stand; nothing for an acceptor.
  public func start() -> [Output] {
    guard role == .initiator, let group else { return [] }
    return [.send(.text(PeerMessage.connectionGroup(name: group).text))]
  }

  /// Takes one message of the peer. Draws a nonce for a response, then 64 bytes and a nonce for an own challenge.
  public mutating func receive(
    _ message: WireMessage, rules: Rules, random: inout some RandomSource
  ) -> [Output] {
    do throws(EstablishmentFault) {
      switch step {
      case .group: return try takeGroup(message, rules)
      case .sync: return try takeSync(message)
      case .person: return try takePerson(message)
      case .keys: return try takeKeys(message, &random)
      case .challenge: return try takeChallenge(message, rules, &random)
      case .response: return try takeResponse(message, rules)
      case .instance: return try takeInstance(message, rules)
      case .over: return []
      }
    } catch {
      return ended(by: error)
    }
  }

  private mutating func ended(by fault: EstablishmentFault) -> [Output] {
    if has(.toleratesDisorder), fault.isDisorder { return [] }
    step = .over
    var out: [Output] = []
    if has(.goesOnAfterFault) {
      out.append(.send(.text(PeerMessage.instanceIdObject(name: own.instanceName, owner: own.personId).text)))
    }
    if isStrict || fault.closesWhenDeployed {
      return out + [.close(fault.cause, fault.failure)]
    }
    return out + [.fallSilent(fault.failure)]
  }

  // MARK: P1, P2

  private mutating func takeGroup(_ message: WireMessage, _ rules: Rules) throws(EstablishmentFault) -> [Output] {
    var name = ""
    do throws(WireFailure) {
      guard case .text(let text) = message,
        case .connectionGroup(let asked) = try PeerMessage.decode(text, profile: settings.profile)
      else { throw Self.unexpected("connection_group") }
      name = asked
    } catch {
      guard has(.toleratesWrongGroup) else {
        throw EstablishmentFault(error, EndCause(message, expected: "connection_group", failure: error), closes: true)
      }
      let isKnown = rules.book.record(own: own.instanceKey.publicKey, peer: handshakeKey) != nil
      name = isKnown ? "chum" : "pairing"
    }
    try admit(name, rules)
    group = name
    step = .person
    if has(.noSync) { return [] }
    return [.send(.text(PeerMessage.sync.text)), .assigned(group: name)] + sendPerson()
  }

  /// Whom this side lets in at all. Deployed lets everybody in up to P9 and refuses then; strict refuses before it says
  /// who it is (PR-022, PR-023, PR-033, PA-017).
  private func admit(_ name: String, _ rules: Rules) throws(EstablishmentFault) {
    func refuse(_ cause: EndCause, _ code: String) -> EstablishmentFault {
      EstablishmentFault(WireFailure(code, "connection.md 4.2", "group \(excerpt(name, 40))"), cause, closes: true)
    }
    let record = rules.book.record(own: own.instanceKey.publicKey, peer: handshakeKey)
    let isKnown = record != nil && name == "chum"
    if !isKnown, !rules.servesStrangers, !has(.syncForEverybody) { throw refuse(.noCatchAll, "group.no-catch-all") }
    guard isStrict else { return }
    if name.utf8.count > 256, !has(.longGroupNames) { throw refuse(.unknownGroup(name), "group.too-long") }
    if has(.personBeforeGroup) { return }
    switch name {
    case "chum":
      if !isKnown, !has(.chumForStrangers) { throw refuse(.stranger, "group.unknown-peer") }
    case "pairing":
      if !rules.pairing, !has(.pairsWhenOff) { throw refuse(.noCatchAll, "group.pairing-off") }
    case "debug":
      if !rules.debug, !has(.servesDebugGroup) { throw refuse(.noCatchAll, "group.debug-off") }
    default:
      if !has(.servesUnknownGroups), !has(.longGroupNames), !has(.keepsUnknownGroups) {
        throw refuse(.unknownGroup(name), "group.unknown")
      }
    }
  }

  private mutating func takeSync(_ message: WireMessage) throws(EstablishmentFault) -> [Output] {
    do throws(WireFailure) {
      guard case .text(let text) = message, case .sync = try PeerMessage.decode(text, profile: settings.profile)
      else { throw Self.unexpected("sync") }
    } catch {
      if has(.toleratesWrongSync) { return [] }
      throw EstablishmentFault(error, EndCause(message, expected: "sync", failure: error), closes: true)
    }
    step = .person
    return [.assigned(group: group ?? "")] + sendPerson()
  }

  private func sendPerson() -> [Output] {
    if has(.waitsForPersonFirst), role == .acceptor { return [] }
    return [.send(.text(PeerMessage.personIdObject(email: own.personEmail).text))]
  }

  // MARK: P3, P4

  private mutating func takePerson(_ message: WireMessage) throws(EstablishmentFault) -> [Output] {
    guard case .personIdObject(let email) = try read(message, "person_id_object") else {
      throw disorder("person_id_object")
    }
    peerPerson = (IdHash.person(email: email), email)
    step = .keys
    let keys = PeerMessage.keysObject(
      owner: own.personId, publicKey: own.personKey.publicKey.hex, publicSignKey: own.personSignKey)
    var out: [Output] = [.send(.text(keys.text))]
    if has(.waitsForPersonFirst), role == .acceptor {
      out.insert(.send(.text(PeerMessage.personIdObject(email: own.personEmail).text)), at: 0)
    }
    return out
  }

  private mutating func takeKeys(
    _ message: WireMessage, _ random: inout some RandomSource
  ) throws(EstablishmentFault) -> [Output] {
    guard case .keysObject(let owner, let publicKey, let signKey) = try read(message, "keys_object") else {
      throw disorder("keys_object")
    }
    guard owner == peerPerson?.id || has(.skipsOwnerCheck) else {
      throw silent("person.foreign-keys", "the keys belong to another person")
    }
    guard let key = PublicKey(bytes: Hex.decodeLeniently(publicKey) ?? []) else {
      throw silent("person.not-a-key", "publicKey has not 32 bytes")
    }
    if isStrict, !has(.acceptsLowOrderPerson), box.isLowOrder(key) {
      throw silent("person.low-order", "publicKey is a point of small order")
    }
    peerKey = key
    peerSignKey = signKey
    proofKey = box.agree(theirs: key, mine: own.personKey.secret)
    step = role == .initiator ? .challenge : .response
    return role == .acceptor ? challenge(&random) : []
  }

  // MARK: P5 to P8

  private mutating func challenge(_ random: inout some RandomSource) -> [Output] {
    guard let proofKey else { return [] }
    let challenger = ProofChallenger(key: proofKey, section: "connection.md 4.3", box: box, random: &random)
    self.challenger = challenger
    if has(.noOwnChallenge) { return [] }
    return [.send(.binary(challenger.message))]
  }

  private mutating func takeChallenge(
    _ message: WireMessage, _ rules: Rules, _ random: inout some RandomSource
  ) throws(EstablishmentFault) -> [Output] {
    guard case .binary(let bytes) = message, let proofKey else { throw disorder("a challenge") }
    let nonce = random.nonce()
    let profile: Profile = has(.answersLongChallenge) ? .deployed : settings.profile
    var response: [UInt8]
    do throws(WireFailure) {
      response = try ProofResponder.answer(
        bytes, nonce: nonce, key: proofKey, section: "connection.md 4.3", box: box, profile: profile)
    } catch {
      guard has(.answersBadPersonChallenge) else {
        throw EstablishmentFault(error, EndCause(EndCause.neutral(error)), closes: false)
      }
      response = ComplementProof.seal([UInt8](repeating: 0, count: 64), nonce: nonce, key: proofKey, box: box)
    }
    if has(.answersWithoutInverting), let plain = try? ComplementProof.open(bytes, key: proofKey, section: "", box: box)
    {
      response = ComplementProof.seal(plain, nonce: nonce, key: proofKey, box: box)
    }
    let out: [Output] = [.send(.binary(response))]
    if role == .initiator {
      step = .response
      return out + challenge(&random)
    }
    step = .instance
    return out + (try finishPerson(rules))
  }

  private mutating func takeResponse(_ message: WireMessage, _ rules: Rules) throws(EstablishmentFault) -> [Output] {
    guard case .binary(let bytes) = message, let challenger else { throw disorder("a response") }
    do throws(WireFailure) {
      try challenger.verify(bytes, box: box)
    } catch {
      // Only what opens to the wrong bytes makes the deployed code close (PR-009); the rest leaves it silent (PR-037).
      let closes = error.code == "proof.not-the-complement"
      if !has(.acceptsAnyProof), !(has(.acceptsUninvertedProof) && closes) {
        throw EstablishmentFault(error, .wrongProof, closes: closes)
      }
    }
    if role == .acceptor {
      step = .challenge
      return []
    }
    step = .instance
    return try finishPerson(rules)
  }

  // MARK: Checks 3 and 4, P9, check 5

  private mutating func finishPerson(_ rules: Rules) throws(EstablishmentFault) -> [Output] {
    guard let person = peerPerson?.id, let key = peerKey else { throw disorder("a person") }
    if let record = record(rules), record.person != person, !has(.skipsPersonCheck) {
      throw silent("person.other-person", "these keys belong to another person")
    }
    let known = rules.book.personKeys(person)
    if !known.isEmpty, !known.contains(key), !has(.skipsKeyCheck) {
      throw silent("person.changed-key", "the person is known with another key")
    }
    // With an instance key that nobody recorded the claim comes in Q3 only (PR-018, decisions.md 6).
    if isStrict, group != "pairing", !has(.skipsSourceKeyCheck), !has(.skipsPersonCheck), !has(.chumForStrangers),
      role == .acceptor,
      handshakeKey != key, !rules.book.person(person, hasInstanceKey: handshakeKey)
    {
      throw silent("person.foreign-source", "the handshake's key is neither the person's nor of its instances")
    }
    return [.send(.text(PeerMessage.instanceIdObject(name: own.instanceName, owner: own.personId).text))]
  }

  private mutating func takeInstance(_ message: WireMessage, _ rules: Rules) throws(EstablishmentFault) -> [Output] {
    guard case .instanceIdObject(let name, let owner) = try read(message, "instance_id_object") else {
      throw disorder("instance_id_object")
    }
    guard let person = peerPerson, let key = peerKey else { throw disorder("a person") }
    if isStrict, owner != person.id, !has(.skipsInstanceOwner) {
      throw silent("instance.foreign-owner", "the instance belongs to another person")
    }
    let instance = IdHash.instance(name: name, owner: owner)
    if let record = record(rules), record.instance != instance, !has(.skipsInstanceCheck) {
      throw silent("instance.other-instance", "these keys belong to another instance")
    }
    step = .over
    return [
      .identified(
        ProvenPeer(
          person: person.id, personEmail: person.email, personKey: key, personSignKey: peerSignKey, instance: instance,
          instanceName: name, handshakeKey: handshakeKey))
    ]
  }

  /// What is recorded of the pair of keys of this connection; an invitee expects nobody in particular (4.3, check 3).
  private func record(_ rules: Rules) -> PeerRecord? {
    if role == .initiator, group == "pairing" { return nil }
    return rules.book.record(own: own.instanceKey.publicKey, peer: handshakeKey)
  }

  // MARK: Reading

  private func read(_ message: WireMessage, _ expected: String) throws(EstablishmentFault) -> PeerMessage {
    do throws(WireFailure) {
      guard case .text(let text) = message else { throw Self.unexpected(expected) }
      return try PeerMessage.decode(text, profile: settings.profile)
    } catch {
      if has(.toleratesWrongType), error.code == "peer.wrong-object-type" {
        return .personIdObject(email: "nobody")
      }
      throw EstablishmentFault(error, EndCause(EndCause.neutral(error)), closes: false, isDisorder: true)
    }
  }

  private static func unexpected(_ expected: String) -> WireFailure {
    WireFailure("peer.unexpected-message", "connection.md 4.1", "expected \(expected)")
  }

  private func disorder(_ expected: String) -> EstablishmentFault {
    EstablishmentFault(Self.unexpected(expected), EndCause("unexpected"), closes: false, isDisorder: true)
  }

  private func silent(_ code: String, _ detail: String) -> EstablishmentFault {
    EstablishmentFault(WireFailure(code, "connection.md 4.3", detail), EndCause("not_proven"), closes: false)
  }
}

/// A fault of P1–P9 with what it means in either profile: strict always closes.
struct EstablishmentFault: Error, Sendable {
  let failure: WireFailure
  let cause: EndCause
  let closesWhenDeployed: Bool
  let isDisorder: Bool

  init(_ failure: WireFailure, _ cause: EndCause, closes: Bool, isDisorder: Bool = false) {
    self.failure = failure
    self.cause = cause
    closesWhenDeployed = closes
    self.isDisorder = isDisorder
  }
}
