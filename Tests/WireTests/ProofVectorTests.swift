import Cryptobox
import Testing
import Wire
import WireBytes

@Suite("The complement proof, connection.md 2.3 and 4.3")
struct ProofVectorTests {
  static let section = "connection.md 2.3"

  private func serverKey(_ vector: JSONValue) throws -> SharedKey {
    let client = try #require(PublicKey(hex: try vector.text("client_public")))
    return SodiumBox().agree(theirs: client, mine: try VectorKeys.secret("commserver"))
  }

  @Test("challenge and response are the recorded bytes", arguments: ConnectionVectors.list("commserver_challenge"))
  func challengeAndResponse(_ vector: JSONValue) throws {
    let key = try serverKey(vector)
    var random = ScriptedRandom([try vector.hex("challenge"), try vector.hex("challenge_nonce")])
    let challenger = ProofChallenger(key: key, section: Self.section, box: SodiumBox(), random: &random)
    #expect(random.missing == 0 && random.unused == 0)
    let serverPublic = try vector.text("server_public")
    let request = CommServerMessage.authenticationRequest(
      publicKey: serverPublic, challenge: Hex.encode(challenger.message))
    #expect(request.text == (try vector.text("authentication_request_text")))
    #expect(challenger.message.count == (try vector.count("encrypted_length")))
    #expect(
      CommServerMessage.register(publicKey: try vector.text("client_public")).text == (try vector.text("register_text"))
    )
    #expect(ComplementProof.complement(try vector.hex("challenge")) == (try vector.hex("negated")))

    let nonce = try #require(Nonce(bytes: try vector.hex("response_nonce")))
    for profile in Profile.allCases {
      let response = try ProofResponder.answer(
        challenger.message, nonce: nonce, key: key, section: Self.section, box: SodiumBox(), profile: profile)
      let message = CommServerMessage.authenticationResponse(response: Hex.encode(response))
      #expect(message.text == (try vector.text("authentication_response_text")))
      try challenger.verify(response, box: SodiumBox())
    }
  }

  @Test(
    "each wrong response is refused for the recorded reason",
    arguments: ConnectionVectors.list("commserver_challenge_negative"))
  func negative(_ vector: JSONValue) throws {
    let good = try #require(ConnectionVectors.list("commserver_challenge").first)
    let key = try serverKey(good)
    let nonce = try #require(Nonce(bytes: try good.hex("challenge_nonce")))
    let challenger = ProofChallenger(
      content: try good.hex("challenge"), nonce: nonce, key: key, section: Self.section, box: SodiumBox())
    let expected = try vector.text("expected")
    let code: String? =
      switch expected {
      case "accept": nil
      case "reject: comparison": "proof.not-the-complement"
      case "reject: bad nonce size": "box.short-nonce"
      default: "box.not-opened"
      }
    let response = try vector.hex("response")
    var failure: WireFailure?
    do throws(WireFailure) { try challenger.verify(response, box: SodiumBox()) } catch {
      failure = error
    }
    #expect(failure?.code == code, "\(expected)")
  }

  @Test("the person challenge is the recorded one, and so is its response")
  func personChallenge() throws {
    let vector = try ConnectionVectors.section("person_challenge")
    let key = SodiumBox().agree(theirs: try VectorKeys.publicKey("B_person"), mine: try VectorKeys.secret("A_person"))
    let nonce = try #require(Nonce(bytes: try vector.hex("challenge_nonce")))
    let challenger = ProofChallenger(
      content: try vector.hex("challenge"), nonce: nonce, key: key, section: "connection.md 4.3", box: SodiumBox())
    #expect(challenger.message == (try vector.hex("challenge_message_104")))
    let responderKey = SodiumBox().agree(
      theirs: try VectorKeys.publicKey("A_person"), mine: try VectorKeys.secret("B_person"))
    let response = try ProofResponder.answer(
      challenger.message, nonce: try #require(Nonce(bytes: try vector.hex("response_nonce"))), key: responderKey,
      section: "connection.md 4.3", box: SodiumBox(), profile: .strict)
    #expect(response == (try vector.hex("response_message_104")))
    try challenger.verify(response, box: SodiumBox())
  }

  @Test("a captured key message is opened and sealed again by the deployed responder and refused by the strict one")
  func oracleDemo() throws {
    let vector = try ConnectionVectors.section("oracle_demo")
    let captured = try vector.hex("captured_B_to_A")
    let key = SodiumBox().agree(
      theirs: try VectorKeys.publicKey("B_instance"), mine: try VectorKeys.secret("A_instance"))
    let nonce = Nonce(counter: 7)
    let leaked = try ProofResponder.answer(
      captured, nonce: nonce, key: key, section: Self.section, box: SodiumBox(), profile: .deployed)
    #expect(leaked.count - 24 - boxOverhead == (try vector.count("negated_plaintext_length")))
    #expect(throws: WireFailure.self) {
      try ProofResponder.answer(
        captured, nonce: nonce, key: key, section: Self.section, box: SodiumBox(), profile: .strict)
    }
  }

  @Test("the own challenge sent back, and any flipped bit of a good response, prove nothing")
  func flippedBits() throws {
    let key = try #require(SharedKey(bytes: [UInt8](repeating: 7, count: 32)))
    var random = SeededRandom(seed: 1)
    let challenger = ProofChallenger(key: key, section: Self.section, box: SodiumBox(), random: &random)
    #expect(throws: WireFailure.self) { try challenger.verify(challenger.message, box: SodiumBox()) }
    let good = try ProofResponder.answer(
      challenger.message, nonce: random.nonce(), key: key, section: Self.section, box: SodiumBox(), profile: .strict)
    try challenger.verify(good, box: SodiumBox())
    for bit in 0..<good.count * 8 {
      var bad = good
      bad[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: WireFailure.self) { try challenger.verify(bad, box: SodiumBox()) }
    }
  }
}
