import Testing
import Wire

@testable import CommServer

@Suite("X-INV/1: invitations kept by the server")
struct InvitationTests {
  private func world(_ change: (inout CommServerSettings) -> Void = { _ in }) -> World {
    var settings = CommServerSettings.strict
    settings.socketsPerSecond = nil
    settings.sparesPerKey = nil
    // Nothing but the invitation's own times counts here.
    settings.pingInterval = 1e9
    change(&settings)
    return World(settings)
  }

  private static let id = World.invitation(1)

  @Test
  func `the whole flow, in its order (XI-001, 002, 006, 007)`() {
    var world = world()
    world.register("alice")
    #expect(world.last("alice").hasSuffix(#""extensions":["invitation/1"]}"#))
    world.createInvitation("alice", 1)
    #expect(
      world.last("alice") == #"{"command":"invitation_stored","invitationId":"\#(Self.id)","expiresIn":900000}"#)
    world.connect("bob", 1)
    #expect(world.last("alice").contains(#""sourcePublicKey":"\#(World.key("bob"))""#))
    let before = world.transcript.count
    world.answer("alice", "accept")
    let steps = world.transcript[before...].map {
      $0.split(separator: " ", maxSplits: 2).dropFirst().joined(separator: " ")
    }
    #expect(steps.count == 3)
    #expect(
      steps[0]
        == #"bob {"command":"invitation_accepted","invitationId":"\#(Self.id)","targetPublicKey":"\#(World.key("alice"))"}"#
    )
    #expect(steps[1] == #"alice {"command":"connection_handover"}"#)
    #expect(steps[2].hasPrefix(#"alice {"command":"communication_request","sourcePublicKey":"\#(World.key("bob"))"#))
    world.say("alice", World.ready)
    world.say("bob", bytes: [1, 2])
    #expect(world.last("bob") == World.ready && world.last("alice") == "binary 0102 2")
    world.register("alice2", as: "alice")
    world.connect("late", 1)
    #expect(world.got("late") == [Self.error("used"), "close 1000 used"])
  }

  private static func error(_ code: String, _ number: Int = 1) -> String {
    #"{"command":"invitation_error","code":"\#(code)","invitationId":"\#(World.invitation(number))"}"#
  }

  @Test
  func `malformed creates are told and cost nothing (XI-003, 004, 005, 017, 019)`() {
    var world = world { $0.invitationLimits.perKey = 2 }
    world.register("alice")
    world.createInvitation("alice", 1, expiresIn: 9_999)
    #expect(world.last("alice") == Self.error("malformed"))
    world.createInvitation("alice", 1, expiresIn: 900_001)
    #expect(world.last("alice") == Self.error("malformed"))
    world.say("alice", #"{"command":"invitation_create","invitationId":"xyz"}"#)
    #expect(world.last("alice") == #"{"command":"invitation_error","code":"malformed"}"#)
    world.createInvitation("alice", 1, expiresIn: 100_000)
    world.wait(40_000)
    world.createInvitation("alice", 1, expiresIn: 100_000)
    #expect(world.last("alice").hasSuffix(#""expiresIn":60000}"#))
    world.register("mallory")
    world.createInvitation("mallory", 1)
    #expect(world.last("mallory") == Self.error("conflict"))
    world.say("mallory", #"{"command":"invitation_revoke","invitationId":"\#(Self.id)"}"#)
    #expect(world.last("mallory") == Self.error("not_owner"))
    world.createInvitation("alice", 2)
    world.createInvitation("alice", 3)
    #expect(world.last("alice") == Self.error("too_many", 3))
    world.say("alice", #"{"command":"invitation_revoke","invitationId":"\#(Self.id)"}"#)
    #expect(world.last("alice").contains("invitation_revoked"))
    world.connect("bob", 1)
    #expect(world.last("bob") == "close 1000 revoked")
    world.createInvitation("alice", 3)
    #expect(world.last("alice").contains("invitation_stored"))
  }

  @Test
  func `an invitation lives to its last millisecond and no longer (XI-010, 011, 025)`() {
    for (age, served) in [(899_999.0, true), (900_000, false), (900_001, false)] {
      var world = world()
      world.register("alice")
      world.createInvitation("alice", 1)
      world.wait(age)
      world.connect("bob", 1)
      #expect(world.isClosed("bob") != served, "\(age)")
      if !served { #expect(world.last("bob") == "close 1000 expired") }
      world.wait(900_000 + 1_000 + 900_000)
      #expect(world.server.statistics.invitations == 0)
      world.connect("much later", 1)
      #expect(world.last("much later") == "close 1000 unknown")
    }
  }

  @Test
  func `one request at a time; silence, loss and refusal leave it usable (XI-008, 013 to 016, 018, 024)`() {
    var world = world()
    world.register("alice")
    world.createInvitation("alice", 1)
    world.connect("bob", 1)
    world.connect("eve", 1)
    #expect(world.last("eve") == "close 1000 busy")
    world.answer("alice", "accept", requestID: String(repeating: "0", count: 32))
    #expect(world.last("alice") == #"{"command":"invitation_error","code":"malformed"}"#)
    world.wait(10_000)
    #expect(world.last("bob") == "close 1000 timeout" && world.last("alice") == "close 1000 timeout")
    world.connect("carol", 1)
    #expect(world.last("carol") == "close 1000 target_offline")
    world.register("alice2", as: "alice")
    world.connect("dave", 1)
    world.leave("dave")
    #expect(world.last("alice2") == "close 1000 peer_gone")
    world.register("alice3", as: "alice")
    world.connect("erin", 1)
    world.leave("alice3")
    #expect(world.last("erin") == "close 1000 timeout")
    world.register("alice4", as: "alice")
    for number in 1...3 {
      world.connect("r\(number)", 1)
      world.answer("alice4", "reject")
      #expect(world.last("r\(number)") == "close 1000 rejected")
    }
    world.connect("last", 1)
    #expect(world.last("last") == "close 1000 revoked")
    #expect(!world.isClosed("alice4"))
  }

  @Test
  func `ten failures a minute from one address, then no more (XI-009, 020)`() {
    var world = world()
    for number in 0..<10 {
      world.connect("g\(number)", number + 50)
      #expect(world.last("g\(number)") == "close 1000 unknown")
    }
    world.connect("g10", 60)
    #expect(world.last("g10") == "close 1000 rate_limited")
    world.connect("elsewhere", 60, address: "10.7.7.7")
    #expect(world.last("elsewhere") == "close 1000 unknown")
    world.wait(60_000)
    world.connect("g11", 60)
    #expect(world.last("g11") == "close 1000 unknown")
  }

  @Test
  func `a request waits for an unanswered ping, and pinging rests until the answer`() {
    var world = world { $0.pingInterval = 20_000 }
    world.register("alice")
    world.createInvitation("alice", 1)
    world.wait(20_000)
    world.connect("bob", 1)
    #expect(world.last("alice") == #"{"command":"ping"}"#)
    world.say("alice", #"{"command":"pong"}"#)
    #expect(world.last("alice").contains("invitation_request"))
    world.wait(9_000)
    world.answer("alice", "reject")
    world.wait(20_000)
    #expect(world.last("alice") == #"{"command":"ping"}"#)
  }

  @Test
  func `the deployed machine does not know the messages`() {
    var world = World(.deployed)
    world.register("alice")
    #expect(!world.last("alice").contains("extensions"))
    let before = world.got("alice").count
    world.createInvitation("alice", 1)
    #expect(world.got("alice").count == before)
    world.connect("bob", 1)
    #expect(world.last("bob").hasPrefix("close 1000"))
  }
}
