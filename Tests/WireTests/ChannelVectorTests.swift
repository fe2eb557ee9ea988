import Cryptobox
import Testing
import WireBytes

@testable import Wire

@Suite("The encrypted channel, connection.md 3.3")
struct ChannelVectorTests {
  private let box = SodiumBox()

  private func message(_ frame: JSONValue) throws -> WireMessage {
    try frame.text("kind") == "text" ? .text(frame.text("plaintext_utf8")) : .binary(frame.hex("plaintext"))
  }

  @Test("nonces are the recorded ones", arguments: ConnectionVectors.list("nonce_counter"))
  func nonces(_ vector: JSONValue) throws {
    let number = try #require(vector["counter"]?.number)
    let counter = try #require(UInt64(exactly: number))
    #expect(Nonce(counter: counter).bytes == (try vector.hex("nonce")))
  }

  @Test("the first refused counter is the recorded one, in both directions")
  func counterLimit() throws {
    let vector = try ConnectionVectors.section("nonce_counter_limit")
    let number = try #require(vector["first_rejected_counter"]?.number)
    let limit = try #require(UInt64(exactly: number))
    #expect(EncryptedChannel<SodiumBox>.counterLimit == limit)
    let key = try #require(SharedKey(bytes: [UInt8](repeating: 1, count: 32)))
    var one = EncryptedChannel(key: key, role: .initiator, box: box, profile: .deployed)
    var other = EncryptedChannel(key: key, role: .acceptor, box: box, profile: .deployed)
    one.setCounters(send: limit - 1, receive: limit)
    other.setCounters(send: limit, receive: limit - 1)
    let last = try one.seal(.text("last"), r: 0, padding: [])
    #expect(try other.open(.binary(last)) == .text("last"))
    #expect(throws: WireFailure.self) { try one.seal(.text("too late"), r: 0, padding: []) }
    #expect(throws: WireFailure.self) { try other.open(.binary(last)) }
    #expect(throws: WireFailure.self) { try one.open(.binary(last)) }
  }

  @Test("padding goes on as recorded and comes off again", arguments: ConnectionVectors.list("padding"))
  func padding(_ vector: JSONValue) throws {
    let body = Array(try vector.text("value_utf8").utf8)
    let r = UInt8(try vector.count("r"))
    let padded = PaddedMessage.encode(
      body: body, isText: try vector.count("flags") == 1, r: r, randomPadding: try vector.hex("random_padding"))
    #expect(padded == (try vector.hex("padded")))
    for profile in Profile.allCases {
      let decoded = try PaddedMessage.decode(padded, profile: profile)
      #expect(decoded.body == body && decoded.r == Int(r) && decoded.isText)
    }
  }

  @Test("odd paddings are read as recorded", arguments: ConnectionVectors.list("padding_decode_edge"))
  func paddingEdge(_ vector: JSONValue) throws {
    let padded = try vector.hex("padded")
    let expected = try #require(vector["reference_result"])
    if expected["error"] != nil {
      for profile in Profile.allCases {
        #expect(throws: WireFailure.self) { try PaddedMessage.decode(padded, profile: profile) }
      }
      return
    }
    let decoded = try PaddedMessage.decode(padded)
    #expect(Int(decoded.flags) == (try expected.count("flags")))
    #expect(decoded.body == (try expected.hex("value")))
    // Strict refuses reserved flags and more than eight length bytes (ENC-017, ENC-018), and nothing else here.
    let isOdd = decoded.flags > 1 || decoded.lengthBytes > 8
    #expect((try? PaddedMessage.decode(padded, profile: .strict)) == (isOdd ? nil : decoded))
  }

  /// Plays frames of both sides: with the recorded padding they come out byte for byte, and they open.
  private func play(_ frames: [JSONValue], key: SharedKey, padding: (Int) -> [UInt8]) throws {
    for profile in Profile.allCases {
      var initiator = EncryptedChannel(key: key, role: .initiator, box: box, profile: profile)
      var acceptor = EncryptedChannel(key: key, role: .acceptor, box: box, profile: profile)
      for frame in frames {
        let message = try message(frame)
        let r = try frame.count("r")
        let bytes = try frame.hex("frame")
        let isInitiator = try frame.text("sender") == "B"
        let counter = isInitiator ? initiator.nextCounters.send : acceptor.nextCounters.send
        #expect(counter == UInt64(try frame.count("counter")))
        var random = ScriptedRandom([[UInt8(r)], padding(r)])
        let sealed =
          isInitiator ? try initiator.seal(message, random: &random) : try acceptor.seal(message, random: &random)
        #expect(sealed == bytes)
        #expect(random.missing == 0 && random.unused == 0)
        let opened = isInitiator ? try acceptor.open(.binary(bytes)) : try initiator.open(.binary(bytes))
        #expect(opened == message)
      }
    }
  }

  @Test("the encrypted sequence is sealed byte for byte and opened by the other side")
  func encryptedSequence() throws {
    let vector = try ConnectionVectors.section("encrypted_sequence")
    let key = try #require(SharedKey(hex: try vector.text("session_key")))
    let frames = try #require(vector["frames"]?.array)
    #expect(frames.count == 10)
    for frame in frames {
      #expect(Nonce(counter: UInt64(try frame.count("counter"))).bytes == (try frame.hex("nonce")))
    }
    try play(frames, key: key) { r in (0..<max(0, r - 1)).map { UInt8(truncatingIfNeeded: 0xE0 + $0) } }
  }

  @Test("a whole encrypted pairing is sealed byte for byte, and each of its messages reads and writes")
  func pairingTranscript() throws {
    let vector = try ConnectionVectors.section("pairing_transcript")
    let key = try #require(SharedKey(hex: try vector.text("session_key")))
    let frames = try #require(vector["frames"]?.array)
    #expect(frames.count == 15)
    try play(frames, key: key) { r in (0..<max(0, r - 1)).map { UInt8(truncatingIfNeeded: 0xE0 + $0) } }

    var commands: [String] = []
    for frame in frames {
      guard let text = frame["plaintext_utf8"]?.string else {
        commands.append("proof \(try frame.hex("plaintext").count)")
        continue
      }
      let decoded = try PeerMessage.decode(text, profile: .strict)
      #expect(decoded.text == text)
      commands.append(decoded.command)
    }
    #expect(
      commands == [
        "connection_group", "sync", "person_id_object", "person_id_object", "keys_object", "keys_object", "proof 104",
        "proof 104", "proof 104", "proof 104", "instance_id_object", "instance_id_object", "authentication_token",
        "identity", "identity",
      ])
    for (name, side) in [("A_person_id", "A"), ("B_person_id", "B")] {
      let own = try frames.first {
        try $0.text("sender") == side && $0["plaintext_utf8"]?.string?.contains("person_id_object") == true
      }
      let text = try #require(own).text("plaintext_utf8")
      guard case .personIdObject(let email) = try PeerMessage.decode(text) else {
        Issue.record("no person id object of \(side)")
        continue
      }
      #expect(IdHash.person(email: email) == (try vector.text(name)))
    }
  }

  @Test(
    "replay, loss, reordering, tampering and reflection end as recorded",
    arguments: ConnectionVectors.list("encrypted_negative"))
  func negative(_ vector: JSONValue) throws {
    let section = try ConnectionVectors.section("encrypted_sequence")
    let key = try #require(SharedKey(hex: try section.text("session_key")))
    let results = try vector.strings("reference_result")
    var channel = EncryptedChannel(key: key, role: .acceptor, box: box, profile: .deployed)
    var strict = EncryptedChannel(key: key, role: .acceptor, box: box, profile: .strict)
    var failed = false
    for (frame, result) in zip(try vector.strings("frames"), results) {
      let message: WireMessage =
        frame.hasPrefix("TEXT:") ? .text(String(frame.dropFirst(5))) : .binary(try #require(Hex.decode(frame)))
      var actual: String
      do throws(WireFailure) {
        guard case .text(let text) = try channel.open(message) else { continue }
        actual = "text:\(text)"
      } catch {
        switch error.code {
        case "channel.not-opened": actual = "error:Decryption of message failed."
        case "channel.text": actual = "error:Incoming encrypted message is a string, it needs to be binary"
        default: actual = "error:\(error)"
        }
      }
      #expect(actual == result)
      failed = failed || result.hasPrefix("error")
      // After a failure strict delivers nothing, and it never delivers what deployed refuses.
      let opened = try? strict.open(message)
      #expect((opened == nil) == failed)
    }
  }

  @Test("after a failure the deployed receiver still delivers intact frames, the strict one nothing (ENC-023)")
  func deliveryAfterFailure() throws {
    let key = try #require(SharedKey(bytes: [UInt8](repeating: 9, count: 32)))
    for profile in Profile.allCases {
      var sender = EncryptedChannel(key: key, role: .initiator, box: box, profile: profile)
      var receiver = EncryptedChannel(key: key, role: .acceptor, box: box, profile: profile)
      var first = try sender.seal(.text("one"), r: 3, padding: [1, 2])
      first[20] ^= 1
      let second = try sender.seal(.text("two"), r: 0, padding: [])
      #expect(throws: WireFailure.self) { try receiver.open(.binary(first)) }
      #expect((try? receiver.open(.binary(second))) == (profile == .deployed ? .text("two") : nil))
    }
  }

  @Test("invalid UTF-8 is replaced by the deployed receiver and refused by the strict one (ENC-019)")
  func invalidText() throws {
    let key = try #require(SharedKey(bytes: [UInt8](repeating: 9, count: 32)))
    let plain = PaddedMessage.encode(body: [0x61, 0xFF, 0x62], isText: true, r: 0, randomPadding: [])
    let frame = box.seal(plain, nonce: Nonce(counter: 1), key: key)
    var deployed = EncryptedChannel(key: key, role: .acceptor, box: box, profile: .deployed)
    #expect(try deployed.open(.binary(frame)) == .text("a\u{FFFD}b"))
    var strict = EncryptedChannel(key: key, role: .acceptor, box: box, profile: .strict)
    #expect(throws: WireFailure.self) { try strict.open(.binary(frame)) }
  }
}
