import Cryptobox
public import Wire
import WireBytes

/// Q1–Q4 of one side (connection.md 5.4) as a value, behind P9 of group `pairing`.
public struct Pairing: Sendable {
  public enum Output: Sendable, Equatable {
    case send(WireMessage)
    /// A token came; nil when it opened the door. Told before anything else of this message.
    case presented(refused: String?)
    /// The peer's identity passed all checks: it is to be stored, and the pairing is a success.
    case paired(IdentityFile, token: String)
    /// Ends without a fault.
    case finished
    case close(EndCause, WireFailure, PairingFailure.Stage)
  }

  public enum Step: Sendable, Equatable {
    /// Inviter: Q1 is due.
    case token
    /// Q2 or Q3 is due.
    case identity
    /// Inviter: everything came, the invitee is to close.
    case paired
    case over
  }

  let role: HandshakeRole
  let own: Identity
  let peer: ProvenPeer
  /// The invitee's invitation.
  let invitation: Invitation?
  public private(set) var step: Step
  private(set) var token: String?
  private let settings: InstanceSettings
  private let box: AnyBox

  static func inviter(own: Identity, peer: ProvenPeer, settings: InstanceSettings, box: AnyBox) -> Pairing {
    Pairing(role: .acceptor, own: own, peer: peer, invitation: nil, step: .token, settings: settings, box: box)
  }

  static func invitee(own: Identity, peer: ProvenPeer, invitation: Invitation, settings: InstanceSettings, box: AnyBox)
    -> Pairing
  {
    Pairing(
      role: .initiator, own: own, peer: peer, invitation: invitation, step: .identity, token: invitation.token,
      settings: settings, box: box)
  }

  private init(
    role: HandshakeRole, own: Identity, peer: ProvenPeer, invitation: Invitation?, step: Step, token: String? = nil,
    settings: InstanceSettings, box: AnyBox
  ) {
    self.role = role
    self.own = own
    self.peer = peer
    self.invitation = invitation
    self.step = step
    self.token = token
    self.settings = settings
    self.box = box
  }

  private func has(_ defect: Defect) -> Bool { settings.defects.contains(defect) }
  private var isStrict: Bool { settings.profile == .strict }

  /// Q1 of the invitee.
  func start() -> [Output] {
    guard role == .initiator, let token, !has(.noToken) else { return [] }
    return [.send(.text(PeerMessage.authenticationToken(token).text))]
  }

  mutating func receive(
    _ message: WireMessage, tokens: inout TokenStore, socket: SocketID, now: Double
  ) -> [Output] {
    switch step {
    case .token: return takeToken(message, &tokens, socket, now)
    case .identity: return takeIdentity(message)
    case .paired, .over: return []
    }
  }

  // MARK: Inviter

  private mutating func takeToken(
    _ message: WireMessage, _ tokens: inout TokenStore, _ socket: SocketID, _ now: Double
  ) -> [Output] {
    let shown: String
    do throws(WireFailure) {
      guard case .text(let text) = message,
        case .authenticationToken(let token) = try PeerMessage.decode(text, profile: settings.profile)
      else { throw Self.unexpected("authentication_token") }
      shown = token
    } catch {
      guard has(.acceptsUnknownToken) else {
        return fail(EndCause(message, expected: "authentication_token", failure: error), error, .token)
      }
      shown = ""
    }
    switch tokens.present(shown, for: own.personId, by: socket, at: now) {
    case .success: break
    case .failure where has(.acceptsUnknownToken): break
    case .failure(let refusal):
      let cause = refusal == .unknown ? EndCause.unknownToken : .tokenOfOther
      let told = has(.leaksTokenInReason) ? EndCause("refused " + shown, "Error: " + shown) : cause
      let failure = WireFailure("token.\(refusal)", "connection.md 5.4", "the token does not open this door")
      var out: [Output] = [.presented(refused: "\(refusal)")]
      if has(.identityBeforeToken) { out.append(identity()) }
      return out + fail(told, failure, .token)
    }
    token = shown
    step = .identity
    return [.presented(refused: nil)] + (has(.sendsNoIdentity) ? [] : [identity()])
  }

  private func identity() -> Output {
    let file = has(.secretInIdentity) ? own.secretFile : own.publicFile
    return .send(.text(PeerMessage.identity(file).text))
  }

  // MARK: Both

  private mutating func takeIdentity(_ message: WireMessage) -> [Output] {
    let file: IdentityFile
    do throws(WireFailure) {
      guard case .text(let text) = message else { throw Self.unexpected("identity") }
      if role == .acceptor, has(.acceptsSecondToken), text.contains("authentication_token") { return [] }
      guard case .identity(let read) = try decode(text) else { throw Self.unexpected("identity") }
      file = read
      if isStrict { try check(file) }
    } catch {
      if has(.ignoresMalformedIdentity) { return [] }
      return fail(EndCause(message, expected: "identity", failure: error), error, .identity)
    }
    guard let token else { return [] }
    if role == .acceptor {
      step = .paired
      return [.paired(file, token: token)]
    }
    step = .over
    var out: [Output] = has(.sendsNoIdentity) ? [] : [identity()]
    out.append(.paired(file, token: token))
    return has(.keepsPairingOpen) ? out : out + [.finished]
  }

  private func decode(_ text: String) throws(WireFailure) -> PeerMessage {
    var profile = settings.profile
    if has(.acceptsMalformedIdentity) { profile = .deployed }
    if has(.requiresURL), !text.contains("\"url\"") { throw Self.unexpected("a url") }
    if has(.acceptsSecretIdentity) {
      return try PeerMessage.decode(text.replacingSecretKind(), profile: profile)
    }
    return try PeerMessage.decode(text, profile: profile)
  }

  /// What came must be what was proven (PA-007, PA-008, PA-022, PR-018).
  private func check(_ file: IdentityFile) throws(WireFailure) {
    func mismatch(_ what: String) -> WireFailure {
      WireFailure("identity.mismatch", "connection.md 8.9", "\(what) differs from what was proven")
    }
    let isForeignFine = role == .acceptor ? has(.acceptsForeignIdentity) : has(.acceptsForeignInviter)
    let personKey = PublicKey(hex: file.personKeyPublic)
    let instanceKey = PublicKey(hex: file.instanceKeyPublic)
    if has(.acceptsMalformedIdentity), personKey == nil || instanceKey == nil { return }
    guard let personKey, let instanceKey, !box.isLowOrder(personKey), !box.isLowOrder(instanceKey) else {
      throw WireFailure("identity.bad-key", "connection.md 8.9", "a key of the identity is not usable")
    }
    if !isForeignFine {
      if file.personId != peer.person { throw mismatch("the person") }
      if personKey != peer.personKey { throw mismatch("the person key") }
      if file.instanceId != peer.instance { throw mismatch("the instance") }
    }
    if file.personSignKeyPublic.lowercased() != peer.personSignKey.lowercased(), !isForeignFine,
      !has(.acceptsForeignSignKey)
    {
      throw mismatch("the sign key")
    }
    switch role {
    case .initiator:
      let invited = invitation.flatMap { PublicKey(hex: $0.publicKey) }
      if instanceKey != invited, !isForeignFine { throw mismatch("the instance key") }
    case .acceptor:
      let isPersonKey = peer.handshakeKey == peer.personKey
      if has(.refusesInstanceKeySource), !isPersonKey { throw mismatch("the kind of the handshake's key") }
      if !isPersonKey, peer.handshakeKey != instanceKey, !isForeignFine, !has(.skipsSourceKeyCheck) {
        throw mismatch("the handshake's key")
      }
    }
  }

  private mutating func fail(_ cause: EndCause, _ failure: WireFailure, _ stage: PairingFailure.Stage) -> [Output] {
    step = .over
    return [.close(cause, failure, stage)]
  }

  private static func unexpected(_ expected: String) -> WireFailure {
    WireFailure("pairing.unexpected-message", "connection.md 5.4", "expected \(expected)")
  }
}

extension String {
  /// For a planted fault: a secret identity that is read as a public one.
  fileprivate func replacingSecretKind() -> String {
    guard let range = firstRange(of: "\"type\":\"secret\"") else { return self }
    return replacingCharacters(range, "\"type\":\"public\"")
  }

  private func replacingCharacters(_ range: Range<String.Index>, _ text: String) -> String {
    String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
  }
}
