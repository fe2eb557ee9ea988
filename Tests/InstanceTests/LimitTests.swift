import Cryptobox
import Testing
import WireBytes

@testable import Instance
@testable import Wire

/// A peer at its limits (issue 5): typed errors, bounded memory, no trap.
@Suite struct LimitTests {
  private func pair(longest: Int = 64 << 20) -> (SecureLink, SecureLink, SeededRandom) {
    var random = SeededRandom(seed: 9)
    let box = AnyBox(FakeBox())
    let one = KeyPair(secret: random.secretKey(), box: box)
    let two = KeyPair(secret: random.secretKey(), box: box)
    var settings = InstanceSettings.strict
    settings.longestMessage = longest
    var initiator = SecureLink.dialling(own: one, target: two.publicKey, settings: settings, box: box)
    var acceptor = SecureLink.accepting(keys: [two], settings: settings, box: box)
    var toAcceptor = initiator.start()
    for _ in 0..<2 {
      var toInitiator: [SecureLink.Output] = []
      for case .send(let message) in toAcceptor { toInitiator += acceptor.receive(message, now: 0, random: &random) }
      toAcceptor = []
      for case .send(let message) in toInitiator { toAcceptor += initiator.receive(message, now: 0, random: &random) }
    }
    return (initiator, acceptor, random)
  }

  @Test func `a text of ten megabytes with characters across every boundary arrives unchanged`() throws {
    var (initiator, acceptor, random) = pair()
    // Three bytes a character: 65,536 is no multiple of three, so that every piece but one splits a character.
    let text = String(repeating: "€ü𝄞", count: 1_165_085)
    #expect(text.utf8.count > 10_000_000)
    let frames = try initiator.send(.text(text), now: 0, random: &random)
    #expect(frames.count == 2 + (text.utf8.count + 65_535) / 65_536)
    var received: [WireMessage] = []
    for frame in frames {
      for case .message(let message) in acceptor.receive(frame, now: 0, random: &random) { received.append(message) }
    }
    #expect(received == [.text(text)])
  }

  @Test func `a message above the maximum closes before it is kept`() throws {
    var (initiator, acceptor, random) = pair(longest: 1_000_000)
    let frames = try initiator.send(.binary([UInt8](repeating: 1, count: 1_000_001)), now: 0, random: &random)
    var closes = 0
    for frame in frames {
      for case .close(let cause, _) in acceptor.receive(frame, now: 0, random: &random) {
        #expect(cause.code == "too_long")
        closes += 1
        break
      }
      if closes > 0 { break }
    }
    #expect(closes == 1)
  }

  @Test(arguments: Profile.allCases)
  func `of a thousand half-open handshakes strict keeps 256 and lets go of them in time, and both still serve`(
    profile: Profile
  ) throws {
    var random = SeededRandom(seed: 21)
    let identity = Identity.create(url: nil, random: &random, box: FakeBox())
    var instance = Instance(
      settings: InstanceSettings(profile: profile), keychain: Keychain([identity]), box: FakeBox())
    func request() -> WireMessage {
      let source = KeyPair(secret: random.secretKey(), box: AnyBox(FakeBox())).publicKey
      return .text(
        CommServerMessage.communicationRequest(source: source.hex, target: identity.instanceKey.publicKey.hex).text)
    }
    var refused = 0
    for index in 0..<1_000 {
      let id = SocketID.accepted(UInt64(index))
      var actions = instance.handle(.accepted(id), at: 0, random: &random)
      // Half of them go one step further and keep the key to themselves.
      if index % 2 == 0 { actions += instance.handle(.message(id, request()), at: 1, random: &random) }
      for case .close(_, _) in actions { refused += 1 }
    }
    if profile == .strict {
      #expect(instance.load.connections <= 256)
      #expect(refused >= 744)
      _ = instance.handle(.timer, at: 20_000, random: &random)
      #expect(instance.load.connections == 0)
    } else {
      #expect(instance.load.connections == 1_000 && refused == 0)
    }
    let honest = SocketID.accepted(5_000)
    _ = instance.handle(.accepted(honest), at: 20_001, random: &random)
    let answer = instance.handle(.message(honest, request()), at: 20_002, random: &random)
    #expect(answer.contains { if case .send(honest, .text) = $0 { true } else { false } }, "no communication_ready")
  }

  @Test(arguments: Profile.allCases)
  func `the last counter below 2^53 is used, the next one ends the connection with a typed error`(
    profile: Profile
  ) throws {
    let key = try #require(SharedKey(bytes: [UInt8](repeating: 7, count: 32)))
    var sender = EncryptedChannel(key: key, role: .acceptor, box: FakeBox(), profile: profile)
    var receiver = EncryptedChannel(key: key, role: .initiator, box: FakeBox(), profile: profile)
    let last = EncryptedChannel<FakeBox>.counterLimit - 2
    sender.setCounters(send: last, receive: 1)
    receiver.setCounters(send: 1, receive: last)
    let frame = try sender.seal(.text("last"), r: 0, padding: [])
    #expect(try receiver.open(.binary(frame)) == .text("last"))
    #expect(throws: WireFailure.self) { _ = try sender.seal(.text("one more"), r: 0, padding: []) }
    #expect(throws: WireFailure.self) { _ = try receiver.open(.binary(frame)) }
  }

  @Test func `invitations of a megabyte are refused with a reason, larger ones before anything is decoded`() {
    let million = String(repeating: "x", count: 1 << 20)
    for text in [
      million, "#" + million.dropFirst(), "%" + million.dropFirst(), "{" + million.dropFirst(),
      "{\"token\":\"" + million,
      String(repeating: "%25", count: 300_000), String(repeating: "[", count: 1 << 20), million + "x",
    ] {
      #expect(throws: WireFailure.self) { try Invitation.parse(text, profile: .strict) }
      #expect(throws: WireFailure.self) { try Invitation.parse(text, profile: .deployed) }
    }
  }

  @Test(arguments: Profile.allCases)
  func `identity files with any member missing are refused, doubled ones by strict`(profile: Profile) throws {
    var random = SeededRandom(seed: 3)
    let identity = Identity.create(url: "ws://x", random: &random, box: SodiumBox())
    for file in [identity.publicFile, identity.secretFile] {
      let members = try #require(file.json.object?.members)
      for member in members {
        var without = JSONObject()
        var doubled = JSONObject()
        for other in members {
          if other.name != member.name { without.append(other.name, other.value) }
          doubled.append(other.name, other.value)
          if other.name == member.name { doubled.append(other.name, other.value) }
        }
        let isOptional = member.name == "url"
        let short = JSONValue.object(without).compact
        if isOptional {
          #expect(throws: Never.self) { try IdentityFile.parse(short, profile: profile) }
        } else {
          #expect(throws: WireFailure.self, "\(member.name)") { try IdentityFile.parse(short, profile: profile) }
        }
        let twice = JSONValue.object(doubled).compact
        if profile == .strict {
          #expect(throws: WireFailure.self, "\(member.name)") { try IdentityFile.parse(twice, profile: profile) }
        } else {
          #expect(try IdentityFile.parse(twice, profile: profile) == file)
        }
      }
    }
  }

  @Test func `an identity exported and read back is the same, and its keys still prove it`() throws {
    var random = SeededRandom(seed: 4)
    let identity = Identity.create(url: nil, random: &random, box: SodiumBox())
    let read = try Identity(try IdentityFile.parse(identity.secretFile.fileText, profile: .strict), box: SodiumBox())
    #expect(read.secretFile == identity.secretFile)
    #expect(read.personId == identity.personId && read.instanceId == identity.instanceId)
    #expect(throws: WireFailure.self) { try Identity(identity.publicFile, box: SodiumBox()) }
  }

  @Test func `no event that a driver or a peer could invent makes the machine trap`() {
    for profile in Profile.allCases {
      var random = SeededRandom(seed: 12)
      let identity = Identity.create(url: "ws://comm", random: &random, box: FakeBox())
      var instance = Instance(
        settings: InstanceSettings(profile: profile), keychain: Keychain([identity]), box: FakeBox())
      let texts = [
        "", "{", "null", "[]", #"{"command":"connection_handover"}"#, #"{"command":"ping"}"#,
        #"{"command":"authentication_success","pingInterval":-1e308}"#, #"{"command":"invitation_request"}"#,
        CommServerMessage.communicationReady.text,
        CommServerMessage.communicationRequest(
          source: String(repeating: "01", count: 32), target: identity.instanceKey.publicKey.hex
        ).text,
      ]
      var now = 0.0
      for _ in 0..<20_000 {
        let word = random.next()
        let id = word % 2 == 0 ? SocketID.dialled(word >> 8 % 6) : .accepted(word >> 8 % 6)
        let message: WireMessage =
          word >> 16 % 3 == 0
          ? .binary(random.bytes(Int(word >> 24 % 100))) : .text(texts[Int(word >> 24 % UInt64(texts.count))])
        let event: InstanceEvent =
          switch word >> 4 % 9 {
          case 0: .opened(id)
          case 1: .accepted(id)
          case 2: .closed(id, code: word % 3 == 0 ? nil : 1_000, reason: "x")
          case 3: .timer
          case 4: .command(.invite(InvitationRequest(lifetime: Double(word % 5) - 1)))
          case 5: .command(.send(id, message))
          case 6: .start
          default: .message(id, message)
          }
        now += Double(word % 1_000)
        _ = instance.handle(event, at: now, random: &random)
      }
      #expect(instance.load.connections <= 300)
      #expect(instance.load.tokens <= instance.settings.liveInvitations)
    }
  }
}
