import Cryptobox
import Recording
import Testing
import Wire
import WireBytes

@testable import Instance

/// One side of a recorded connection as far as our instance can take its place: identity, script of randomness.
struct RecordedActor {
  let connection: RecordedConnection
  let side: RecordedConnection.Side
  /// Decrypted messages of this side and of the other.
  let own: [WireMessage]
  let other: [WireMessage]
  let random: ScriptedRandom

  init?(_ connection: RecordedConnection, _ side: RecordedConnection.Side) {
    self.connection = connection
    self.side = side
    let frames = connection.frames(side)
    let own = frames.compactMap { try? RecordedConnection.body($0.padded) }
    let other = connection.frames(side == .initiator ? .acceptor : .initiator).compactMap {
      try? RecordedConnection.body($0.padded)
    }
    self.own = own
    self.other = other
    guard let handshake = connection.handshakeDraws(side) else { return nil }
    var random = ScriptedRandom(handshake)
    let draws = frames.map { RecordedConnection.draws($0.padded) }
    let proofs = own.indices.filter { index in
      if case .binary(let bytes) = own[index] { bytes.count == ComplementProof.messageLength } else { false }
    }
    var index = 0
    while index < own.count {
      if proofs.prefix(2).contains(index), case .binary(let bytes) = own[index] {
        let isChallengeFirst = side == .acceptor
        let isFirst = index == proofs[0]
        if isFirst == isChallengeFirst {
          random.append((Self.content(bytes, connection, side, own, other) ?? []) + bytes.prefix(24))
          random.append(draws[index])
        } else if isFirst, proofs.count > 1, proofs[1] == index + 1, case .binary(let next) = own[index + 1] {
          // The initiator draws for response and challenge together, then for their frames.
          random.append(Array(bytes.prefix(24)))
          random.append((Self.content(next, connection, side, own, other) ?? []) + next.prefix(24))
          random.append(draws[index])
          random.append(draws[index + 1])
          index += 1
        } else {
          random.append(Array(bytes.prefix(24)))
          random.append(draws[index])
        }
      } else {
        random.append(draws[index])
      }
      index += 1
    }
    self.random = random
  }

  /// The 64 bytes in a challenge, opened with the person keys that both sides showed.
  private static func content(
    _ message: [UInt8], _ connection: RecordedConnection, _ side: RecordedConnection.Side, _ own: [WireMessage],
    _ other: [WireMessage]
  ) -> [UInt8]? {
    guard let mine = personKeys(own), let theirs = personKeys(other), let mineKey = PublicKey(hex: mine.key),
      let secret = connection.keys[mineKey], let theirKey = PublicKey(hex: theirs.key)
    else { return nil }
    let key = connection.box.agree(theirs: theirKey, mine: secret)
    return try? ComplementProof.open(message, key: key, section: "", box: connection.box)
  }

  static func messages(_ list: [WireMessage]) -> [PeerMessage] {
    list.compactMap { message in
      if case .text(let text) = message { try? PeerMessage.decode(text) } else { nil }
    }
  }

  static func personKeys(_ list: [WireMessage]) -> (key: String, sign: String)? {
    for case .keysObject(_, let key, let sign) in messages(list) { return (key, sign) }
    return nil
  }

  var group: String? {
    for case .connectionGroup(let name) in Self.messages(side == .initiator ? own : other) { return name }
    return nil
  }

  var token: String? {
    for case .authenticationToken(let token) in Self.messages(side == .initiator ? own : other) { return token }
    return nil
  }

  static func identityFile(_ list: [WireMessage]) -> IdentityFile? {
    for case .identity(let file) in messages(list) { return file }
    return nil
  }

  /// The recorded party as an identity of ours. What never went over the wire (a name, sign keys) is made up.
  func identity(of list: [WireMessage], instanceKey: PublicKey? = nil) throws -> Identity {
    var email = "?"
    var name = "unknown"
    for message in Self.messages(list) {
      if case .personIdObject(let text) = message { email = text }
      if case .instanceIdObject(let text, _) = message { name = text }
    }
    let file = Self.identityFile(list)
    let person = try #require(Self.personKeys(list) ?? file.map { ($0.personKeyPublic, $0.personSignKeyPublic) })
    let box = try #require(file.flatMap { PublicKey(hex: $0.instanceKeyPublic) } ?? instanceKey)
    func secret(_ key: PublicKey?) -> String { key.flatMap { connection.keys[$0]?.exposedBytes }.map(Hex.encode) ?? "" }
    let anySign = String(repeating: "00", count: 64)
    let read = IdentityFile(
      personEmail: email, instanceName: name, personKeyPublic: person.0, personSignKeyPublic: person.1,
      instanceKeyPublic: box.hex, instanceSignKeyPublic: file?.instanceSignKeyPublic ?? "", url: file?.url,
      secrets: IdentityFile.Secrets(
        personKey: secret(PublicKey(hex: person.0)), instanceKey: secret(box),
        personSignKey: connection.signKeys[person.1] ?? anySign,
        instanceSignKey: connection.signKeys[file?.instanceSignKeyPublic ?? ""] ?? anySign))
    return try Identity(read, box: SodiumBox())
  }
}
