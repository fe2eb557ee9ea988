import Chum
import Store
import Testing
import Wire
import WireBytes

/// Attacks on the start (chum.md 8.3), and what else may come in its place.
@Suite struct StartAttackTests {
  @Test(arguments: Profile.allCases)
  func `AT-60, CF-002: another first message starts the deployed session and closes the strict one`(_ profile: Profile)
    throws
  {
    let (alice, mallory) = (try TestPeer("alice", profile), try TestPeer("mallory", profile))
    let messages: [TestLink.Message] = [
      .text("x"), .text(#"{"command":"sync"}"#), .binary([1, 2, 3]), .text("SYNCHRONISATION"),
      .text(" synchronisation"),
      .text(#"{"requestId":0,"type":"request","serviceId":1,"args":[]}"#),
    ]
    for message in messages {
      var asker = Asker(alice, remote: mallory, starts: false)
      asker.take(asker.session.start(at: 0, host: &asker.peer.host))
      switch message {
      case .text(let text): asker.send(text)
      case .binary(let bytes): asker.take(asker.session.receive(binary: bytes, at: 0, host: &asker.peer.host))
      }
      #expect((asker.closeReason == nil) == (profile == .deployed))
      // The message itself is used up as the control text ([rec: fail-chum-version], the last case).
      #expect(asker.answers.isEmpty)
    }
  }

  @Test(arguments: Profile.allCases)
  func `AT-61: without a control text the strict session closes at its limit`(_ profile: Profile) throws {
    let (alice, mallory) = (try TestPeer("alice", profile), try TestPeer("mallory", profile))
    var asker = Asker(alice, remote: mallory, starts: false)
    asker.take(asker.session.start(at: 0, host: &asker.peer.host))
    asker.advance(by: 29_999)
    #expect(asker.closeReason == nil)
    asker.advance(by: 1)
    #expect((asker.closeReason != nil) == (profile == .strict))
  }

  @Test(arguments: Profile.allCases)
  func `AT-62, CF-004: a second control text is counted and ignored`(_ profile: Profile) throws {
    let (alice, mallory) = (try TestPeer("alice", profile), try TestPeer("mallory", profile))
    var asker = Asker(alice, remote: mallory)
    asker.send(ChumMessage.controlText)
    #expect(asker.session.statistics.requestsReceivedInvalid == 1)
    #expect(asker.ask(1) == [.data(id: 0, 8)])
  }

  @Test func `AT-63, CF-003: what comes before the start is kept in order up to a limit`() throws {
    let (alice, mallory) = (try TestPeer("alice", .strict), try TestPeer("mallory", .strict))
    var asker = Asker(alice, remote: mallory, starts: false)
    asker.send(ChumMessage.controlText)
    for id in 0..<20 { asker.send(ChumMessage.request(id: id, service: 1, args: []).text) }
    asker.take(asker.session.start(at: 0, host: &asker.peer.host))
    asker.take(asker.session.deliverEarly(at: 0, host: &asker.peer.host))
    #expect(asker.answers == (0..<20).map { .data(id: $0, 8) })
    var flood = Asker(alice, remote: mallory, starts: false)
    for id in 0..<2_000 { flood.send(ChumMessage.request(id: id, service: 1, args: []).text) }
    #expect(flood.closeReason != nil)
  }

  @Test(arguments: Profile.allCases)
  func `CF-079: a session without an exporter answers UNKNOWN-SERVICE`(_ profile: Profile) throws {
    let (alice, mallory) = (try TestPeer("alice", profile), try TestPeer("mallory", profile))
    var asker = Asker(alice, remote: mallory) {
      $0.exports = false
      $0.imports = true
    }
    #expect(asker.code(1) == "UNKNOWN-SERVICE")
  }
}

/// A request for the version that is lost behind the control text (F11, decisions.md 8).
@Suite struct LostVersionTests {
  private func run(_ profile: Profile, silence: Int?) throws -> ChumLink<MemoryStore, MemoryStore> {
    let (alice, bob) = (try TestPeer("alice", profile), try TestPeer("bob", profile))
    var one = alice.configuration(with: bob)
    one.versionSilence = silence
    var link = ChumLink(a: alice.host, one, b: bob.host, bob.configuration(with: alice))
    nonisolated(unsafe) var isLost = false
    link.wire = { side, message in
      guard side == .a, !isLost, case .text(let text) = message, text.contains(#""serviceId":1,"#) else {
        return [message]
      }
      isLost = true
      return []
    }
    link.start()
    link.run(until: 200_000)
    return link
  }

  @Test(arguments: Profile.allCases)
  func `it is asked again after a second of silence, and the session goes on for good`(_ profile: Profile) throws {
    let link = try run(profile, silence: 1_000)
    #expect(link.sessionA.rounds > 30)
    #expect(link.closeReason == nil)
    #expect(link.sessionA.errors == [])
  }

  @Test func `as deployed it is never asked again, and nothing ever comes`() throws {
    #expect(try run(.deployed, silence: nil).sessionA.rounds == 0)
  }
}
