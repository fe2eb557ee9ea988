import Cryptobox
import Testing
import Wire
import WireBytes

@testable import Instance

/// `vec:handshake` and `vec:pairing_transcript` played by two whole instances of ours.
@Suite struct VectorPairingTests {
  /// The vector as if it had been recorded: H1 to H4 of the pairing handshake, then the transcript.
  static func transcript() throws -> RecordedConnection {
    let vectors = try JSONValue.parse(try Fixtures.bytes("Vectors/connection.json"))
    let handshakes = try #require(vectors["handshake"]?.array)
    let keys = try #require(vectors["keys"]?.object)
    func publicKey(_ name: String) throws -> PublicKey {
      try #require(keys[name]?["public"]?.string.flatMap { PublicKey(hex: $0) })
    }
    let source = try publicKey("B_person")
    let handshake = try #require(handshakes.first { $0["static_initiator_public"]?.string == source.hex })
    var connection = RecordedConnection(
      recording: "pairing_transcript", conn: "vector", request: (source, try publicKey("A_instance")))
    for member in keys.members {
      guard let secret = member.value["secret"]?.string.flatMap({ SecretKey(hex: $0) }) else { continue }
      connection.keys[secret.publicKey] = secret
    }
    func add(_ side: RecordedConnection.Side, _ message: WireMessage) {
      connection.steps.append(.message(from: side, sent: message, arrived: [message], time: 0))
    }
    func hex(_ value: JSONValue, _ name: String) throws -> [UInt8] {
      try #require(value[name]?.string.flatMap { Hex.decode($0) })
    }
    add(.initiator, .text(try #require(handshake["communication_request_text"]?.string)))
    add(.acceptor, .text(try #require(handshake["communication_ready_text"]?.string)))
    add(.initiator, .binary(try hex(handshake, "initiator_frame_72")))
    add(.acceptor, .binary(try hex(handshake, "acceptor_frame_72")))
    for frame in try #require(vectors["pairing_transcript"]?["frames"]?.array) {
      add(frame["sender"]?.string == "A" ? .acceptor : .initiator, .binary(try hex(frame, "frame")))
    }
    connection.openKeyMessages()
    return connection
  }

  @Test(arguments: Profile.allCases)
  func `our two sides of the pairing transcript equal the vector byte for byte`(profile: Profile) throws {
    let connection = try Self.transcript()
    let invitee = try RecordedPairingTests.playInvitee(connection, profile: profile)
    #expect(invitee.sent == connection.sent(.initiator))
    let actor = try #require(RecordedActor(connection, .acceptor))
    let identity = try actor.identity(of: actor.own)
    let inviter = try AcceptorRun(connection, identity: identity, profile: profile, random: actor.random) { instance in
      instance.tokens.create(actor.token ?? "", person: identity.personId, mode: .iop, expiresAt: 1e9)
    }
    #expect(inviter.sent == connection.sent(.acceptor))
    #expect(inviter.instance.book.count == 1)
  }
}

/// Our listener in place of the recorded ones.
@Suite struct RecordedListenerTests {
  /// Recordings whose listeners are the real class, not clients played by hand.
  static let names = Fixtures.names.filter { !$0.hasPrefix("fail-") && $0 != "relay-order-1" && $0 != "relay-close-1" }

  @Test func `registrations and pongs equal the recorded ones byte for byte`() throws {
    var registrations = 0
    for name in Self.names {
      for socket in try RecordedSpare.all(name) {
        var listener = Listener(
          url: "ws://comm.example.org", key: KeyPair(secret: socket.secret, box: SodiumBox()), settings: .deployed,
          box: AnyBox(SodiumBox()))
        var numbers = SocketNumbers()
        var random = ScriptedRandom(socket.nonce)
        guard case .open(let id, _)? = listener.start(numbers: &numbers).first else { continue }
        var sent = listener.opened(id)
        for text in socket.received {
          sent += listener.receive(
            .text(text), on: id, book: PeerBook(), now: 0, numbers: &numbers, random: &random)
        }
        let texts = sent.compactMap { output -> String? in
          if case .send(_, .text(let text)) = output { text } else { nil }
        }
        #expect(texts == socket.sent, "\(name) \(socket.conn)")
        registrations += 1
      }
    }
    #expect(registrations > 0)
  }
}
