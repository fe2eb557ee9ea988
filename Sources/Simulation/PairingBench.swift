public import Cryptobox
import Instance
import Wire

/// Pairings and handshakes of two instances without anything between them: what the machines themselves cost.
public struct PairingBench {
  private var inviter: Instance
  private var invitee: Instance
  private var random = SeededRandom(seed: 1)
  private var sockets: UInt64 = 0
  private let box: any BoxProvider
  private var identities: [Identity]

  public init(box: any BoxProvider) {
    self.box = box
    var random = SeededRandom(seed: 7)
    let made = (0..<2).map { number in
      Identity.create(url: "ws://comm", personEmail: "b\(number)@example.org", random: &random, box: box)
    }
    identities = made
    var settings = InstanceSettings.strict
    settings.broker = .off
    settings.dialsPeers = false
    inviter = Instance(settings: settings, keychain: Keychain([made[0]]), box: box)
    invitee = Instance(settings: settings, keychain: Keychain([made[1]]), box: box)
  }

  /// One whole pairing: invitation, H1–H4, P1–P9, Q1–Q4. False when it did not come to two successes.
  public mutating func pair() -> Bool {
    sockets += 1
    // Both forget each other, so that every pairing is the first one and the books stay small.
    inviter = Instance(restarting: inviter)
    invitee = Instance(restarting: invitee)
    let now = Double(sockets) * 10
    var invitation: Invitation?
    for case .report(.invitationCreated(let made, _, _)) in inviter.handle(
      .command(.invite(InvitationRequest())), at: now, random: &random)
    { invitation = made }
    guard let invitation else { return false }
    var dialled: SocketID?
    for case .open(let id, _) in invitee.handle(.command(.join(invitation, JoinOptions())), at: now, random: &random) {
      dialled = id
    }
    guard let dialled else { return false }
    let accepted = SocketID.accepted(sockets)
    var toInviter: [WireMessage] = []
    var toInvitee: [WireMessage] = []
    var successes = 0
    func take(_ actions: [InstanceAction], _ messages: inout [WireMessage]) {
      for action in actions {
        switch action {
        case .send(_, let message): messages.append(message)
        case .report(.pairingSucceeded): successes += 1
        default: break
        }
      }
    }
    take(inviter.handle(.accepted(accepted), at: now, random: &random), &toInvitee)
    take(invitee.handle(.opened(dialled), at: now, random: &random), &toInviter)
    while !toInviter.isEmpty || !toInvitee.isEmpty {
      let up = toInviter
      toInviter = []
      for message in up { take(inviter.handle(.message(accepted, message), at: now, random: &random), &toInvitee) }
      let down = toInvitee
      toInvitee = []
      for message in down { take(invitee.handle(.message(dialled, message), at: now, random: &random), &toInviter) }
    }
    _ = inviter.handle(.closed(accepted, code: 1_000, reason: ""), at: now, random: &random)
    return successes == 2
  }

  /// One handshake, H1 to H4, both sides. False when the two session keys differ.
  public mutating func shake() -> Bool {
    let box = AnyBox(box)
    let settings = InstanceSettings.strict
    var one = SecureLink.dialling(
      own: identities[1].instanceKey, target: identities[0].instanceKey.publicKey, settings: settings, box: box)
    var two = SecureLink.accepting(keys: [identities[0].instanceKey], settings: settings, box: box)
    var keys: [SharedKey] = []
    func messages(_ outputs: [SecureLink.Output]) -> [WireMessage] {
      outputs.compactMap { output in
        if case .established(let handshake) = output { keys.append(handshake.sessionKey) }
        if case .send(let message) = output { return message }
        return nil
      }
    }
    var toTwo = messages(one.start())
    for _ in 0..<2 {
      var toOne: [WireMessage] = []
      for message in toTwo { toOne += messages(two.receive(message, now: 0, random: &random)) }
      toTwo = []
      for message in toOne { toTwo += messages(one.receive(message, now: 0, random: &random)) }
    }
    return keys.count == 2 && keys[0] == keys[1]
  }

  /// One agreement of libsodium, X25519 and HSalsa20: the unit that handshakes are counted in.
  public func agreement() -> SharedKey {
    box.agree(theirs: identities[0].instanceKey.publicKey, mine: identities[1].instanceKey.secret)
  }
}
