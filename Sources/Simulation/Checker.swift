import Cryptobox
import Instance
import InstanceCases
import Wire

/// A broken rule.
public struct Violation: Error, Sendable, Equatable, CustomStringConvertible {
  /// Short stable name; requirement ids where there are some.
  public let rule: String
  public let detail: String
  public var description: String { "\(rule): \(detail)" }
}

/// Watches everything that the instances tell, and knows better: a slow model of tokens, keys and messages.
struct Checker: Sendable {
  struct Known: Sendable {
    let host: Int
    let token: String
    let invitation: Invitation
    let expiresAt: Double
  }

  private struct Socket: Hashable, Sendable {
    let host: Int
    let incarnation: Int
    let id: SocketID
  }

  /// What becomes of a token.
  private struct Token: Sendable {
    let host: Int
    let incarnation: Int
    let expiresAt: Double
    var isRevoked = false
    var successes = 0
    var reservedBy: Socket?
  }

  private struct Channel: Sendable {
    var sent: [String] = []
    var delivered = 0
    var isTampered = false
  }

  private struct KeyUse: Hashable, Sendable {
    let host: Int
    let incarnation: Int
    let key: PublicKey
  }

  private struct RoleKey: Hashable, Sendable {
    let key: SharedKey
    let isInitiator: Bool
  }

  private(set) var violation: Violation?
  private(set) var counts = (pairings: 0, invitersPairings: 0, handshakes: 0, messages: 0)
  private(set) var invitations: [Known] = []
  /// How often each host identified somebody.
  private(set) var identifications: [Int: Int] = [:]
  private let profile: Profile
  private var identities: [Identity] = []
  private var tokens: [String: Token] = [:]
  private var handshakes: [Socket: EstablishedHandshake] = [:]
  private var ownerOfEphemeral: [PublicKey: PublicKey] = [:]
  /// The token that the dialler with this ephemeral key holds.
  private var tokenOfEphemeral: [PublicKey: String] = [:]
  /// Attackers may send something else than the token they hold, so a refusal says nothing.
  private var attackerToken: [PublicKey: String] = [:]
  private var joinToken: [Socket: String] = [:]
  private var channels: [RoleKey: Channel] = [:]
  private var keyUses: [KeyUse: Double] = [:]
  private var faulty: Set<Socket> = []
  private var hostilePersons: Set<String> = []
  private var liars: Set<String> = []
  private var openJoins: [Int: Int] = [:]
  private var incarnations: [Int: Int] = [:]
  private var messageNumber = 0
  private var roundStart = Int.max
  private var wasTampered = false

  init(profile: Profile) { self.profile = profile }

  private var isStrict: Bool { profile == .strict }

  mutating func fail(_ rule: String, _ detail: String) {
    if violation == nil { violation = Violation(rule: rule, detail: detail) }
  }

  // MARK: What the world does

  mutating func addHost(_ identity: Identity) { identities.append(identity) }

  mutating func addAttacker(_ plan: ProbePeer.Plan) {
    hostilePersons.insert(plan.own.personId)
    hostilePersons.insert(plan.other.personId)
  }

  /// Somebody whom a host was told to trust, and who lies.
  mutating func addLiar(_ person: String) { liars.insert(person) }

  mutating func attackerSecured(_ ephemeral: PublicKey, token: String?, as owner: PublicKey? = nil) {
    ownerOfEphemeral[ephemeral] = owner ?? ephemeral
    attackerToken[ephemeral] = token
  }

  mutating func tampered() { wasTampered = true }

  mutating func revoked(_ token: String, at now: Double) {
    guard let known = tokens[token], incarnations[known.host, default: 0] == known.incarnation else { return }
    tokens[token]?.isRevoked = true
  }

  mutating func joins(_ host: Int, _ incarnation: Int) { openJoins[host, default: 0] += 1 }

  mutating func crashed(_ host: Int) {
    incarnations[host, default: 0] += 1
    openJoins[host] = 0
  }

  mutating func nextMessage(of host: Int, on id: SocketID, incarnation: Int) -> String? {
    let socket = Socket(host: host, incarnation: incarnation, id: id)
    guard let key = handshakes[socket].map({ roleKey($0, host) }) else { return nil }
    messageNumber += 1
    let text = "message \(messageNumber) of \(host)"
    channels[key, default: Channel()].sent.append(text)
    return text
  }

  private func roleKey(_ handshake: EstablishedHandshake, _ host: Int, peer: Bool = false) -> RoleKey {
    // Initiators are told apart by comparing the ephemeral keys: both ends agree on the order.
    let isFirst = handshake.ownEphemeral.bytes.lexicographicallyPrecedes(handshake.peerEphemeral.bytes)
    return RoleKey(key: handshake.sessionKey, isInitiator: isFirst != peer)
  }

  // MARK: What the instances tell

  mutating func heard(_ report: InstanceReport, from host: Int, incarnation: Int, at now: Double) {
    func socket(_ id: SocketID) -> Socket { Socket(host: host, incarnation: incarnation, id: id) }
    switch report {
    case .invitationCreated(let invitation, _, let expiresAt):
      if tokens[invitation.token] != nil { fail("INV-002", "a token came twice") }
      tokens[invitation.token] = Token(host: host, incarnation: incarnation, expiresAt: expiresAt)
      invitations.append(
        Known(host: host, token: invitation.token, invitation: invitation, expiresAt: expiresAt))
    case .joining(let id, let invitation): joinToken[socket(id)] = invitation.token
    case .secured(let id, let handshake): secured(socket(id), handshake, now)
    case .tokenPresented(let id, let accepted): presented(socket(id), accepted, now)
    case .pairingSucceeded(let success): succeeded(success, socket(success.socket), now)
    case .pairingFailed(let failure): if failure.initiatedLocally { openJoins[host, default: 0] -= 1 }
    case .peerStored(let record): stored(record, host)
    case .identified(let id, _, let peer):
      identifications[host, default: 0] += 1
      identified(socket(id), peer)
    case .ready(let id, let record): ready(socket(id), record)
    case .application(let id, let message): delivered(socket(id), message)
    case .fault(let id, let failure, let isOpen):
      let layers = ["channel.", "fragmentation."]
      if !isOpen, layers.contains(where: failure.code.hasPrefix) { faulty.insert(socket(id)) }
    case .ended(let id, _, _): ended(socket(id))
    default: break
    }
  }

  private mutating func secured(_ socket: Socket, _ handshake: EstablishedHandshake, _ now: Double) {
    let key = roleKey(handshake, socket.host)
    if channels[key] != nil { return fail("ENC-022", "host \(socket.host): one session key came up twice on one side") }
    channels[key] = Channel()
    handshakes[socket] = handshake
    // Both ends of a connection tell of it; a key message taken twice makes a third report.
    let use = KeyUse(host: socket.host, incarnation: socket.incarnation, key: handshake.peerEphemeral)
    if isStrict, let last = keyUses[use], now - last < 600_000 {
      return fail("HS-020", "host \(socket.host) took the same key message twice")
    }
    keyUses[use] = now
    counts.handshakes += 1
    if let old = ownerOfEphemeral[handshake.ownEphemeral], old != handshake.ownStatic {
      return fail("HS-009", "an ephemeral key came twice")
    }
    ownerOfEphemeral[handshake.ownEphemeral] = handshake.ownStatic
    if let token = joinToken[socket] { tokenOfEphemeral[handshake.ownEphemeral] = token }
  }

  private mutating func ended(_ socket: Socket) {
    for (token, known) in tokens where known.reservedBy == socket { tokens[token]?.reservedBy = nil }
  }

  // MARK: Tokens

  private mutating func presented(_ socket: Socket, _ accepted: Bool, _ now: Double) {
    guard isStrict, let handshake = handshakes[socket] else { return }
    if accepted, let token = attackerToken[handshake.peerEphemeral] {
      if !isUsable(token, socket, now) { return fail("token", "accepted though \(reason(token, socket, now))") }
      tokens[token]?.reservedBy = socket
    }
    guard let token = tokenOfEphemeral[handshake.peerEphemeral] else { return }
    let due = isUsable(token, socket, now)
    if accepted, !due { return fail("token", "accepted though \(reason(token, socket, now))") }
    if !accepted, due { return fail("INV-010", "a good token was refused") }
    if accepted { tokens[token]?.reservedBy = socket }
  }

  private func isUsable(_ token: String, _ socket: Socket, _ now: Double) -> Bool {
    guard let known = tokens[token], known.host == socket.host, known.incarnation == socket.incarnation else {
      return false
    }
    return now < known.expiresAt && !known.isRevoked && known.successes == 0
      && (known.reservedBy == nil || known.reservedBy == socket)
  }

  private func reason(_ token: String, _ socket: Socket, _ now: Double) -> String {
    guard let known = tokens[token] else { return "nobody made it (SEC-012)" }
    if known.host != socket.host { return "it is another host's (SEC-012)" }
    if known.incarnation != socket.incarnation { return "it is from before a restart (INV-015)" }
    if now >= known.expiresAt { return "it ended \(now - known.expiresAt) ms ago (SEC-010)" }
    if known.isRevoked { return "it was revoked (SEC-011)" }
    if known.successes > 0 { return "it was used (SEC-009)" }
    return "another joiner is at it (INV-013)"
  }

  private mutating func succeeded(_ success: PairingSuccess, _ socket: Socket, _ now: Double) {
    if success.initiatedLocally {
      counts.pairings += 1
      openJoins[socket.host, default: 0] -= 1
    } else {
      counts.invitersPairings += 1
      tokens[success.token]?.successes += 1
      if isStrict, let known = tokens[success.token], known.successes > 1 {
        return fail("SEC-009", "a token led to \(known.successes) pairings")
      }
    }
    if isStrict, hostilePersons.contains(success.remotePerson) {
      fail("attack", "host \(socket.host) paired with an attacker")
    }
  }

  private mutating func stored(_ record: PeerRecord, _ host: Int) {
    guard isStrict, !liars.contains(record.person) else { return }
    guard let owner = identities.first(where: { $0.personId == record.person }) else {
      return fail("attack", "host \(host) stored an attacker")
    }
    if owner.personKey.publicKey != record.personKey || owner.instanceKey.publicKey != record.instanceKey
      || owner.instanceId != record.instance
    {
      fail("PA-007", "host \(host) stored keys that are not the person's")
    }
  }

  // MARK: Peers and messages

  private mutating func identified(_ socket: Socket, _ peer: ProvenPeer) {
    guard let handshake = handshakes[socket],
      let identity = identities.first(where: { $0.personId == peer.person })
    else { return }
    if identity.personKey.publicKey != peer.personKey { return fail("PR-009", "a person with another person's key") }
    let owner = ownerOfEphemeral[handshake.peerEphemeral]
    if owner != identity.instanceKey.publicKey, owner != identity.personKey.publicKey {
      fail("ATK-12", "host \(socket.host) takes somebody for \(peer.personEmail)")
    }
  }

  private mutating func ready(_ socket: Socket, _ record: PeerRecord) {
    guard let handshake = handshakes[socket] else { return }
    if ownerOfEphemeral[handshake.peerEphemeral] != record.instanceKey {
      fail("SEC-015", "host \(socket.host) runs chum with somebody else than it thinks")
    }
  }

  private mutating func delivered(_ socket: Socket, _ message: WireMessage) {
    if isStrict, faulty.contains(socket) { return fail("ENC-023", "delivered behind a fault") }
    guard let handshake = handshakes[socket] else { return }
    let key = roleKey(handshake, socket.host, peer: true)
    guard let channel = channels[key] else { return fail("delivery", "a message of nobody") }
    guard channel.delivered < channel.sent.count, message == .text(channel.sent[channel.delivered]) else {
      return fail("ENC-009", "host \(socket.host) got a message that is not the next one sent")
    }
    channels[key]?.delivered += 1
    counts.messages += 1
  }

  // MARK: The end

  /// From here on every message on a running connection has to arrive.
  mutating func beginLastRound() { roundStart = messageNumber }

  /// After the last round of messages on healthy connections everything sent on a running one has arrived.
  mutating func allDelivered() {
    for channel in channels.values {
      if let last = channel.sent.last, isRecent(last), channel.delivered < channel.sent.count {
        return fail("delivery", "\(last) never arrived")
      }
    }
  }

  private func isRecent(_ text: String) -> Bool {
    let words = text.split(separator: " ")
    guard words.count > 1, let number = Int(words[1]) else { return false }
    return number > roundStart
  }

  /// Every join came to exactly one end.
  mutating func finish() {
    guard isStrict else { return }
    for (host, count) in openJoins where count != 0 {
      return fail("PA-012", "host \(host): \(count) joins without an end")
    }
  }
}
