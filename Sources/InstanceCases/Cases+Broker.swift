import Cryptobox
import Instance
import Wire
import WireBytes

/// XI: the client's side of invitations that the CommServer keeps (connection.md 7.2).
enum BrokerCases {
  private static let id = XInvitation.invitationId(token: CaseContext.token)

  /// A listening target with one invitation, at a server that offers the extension.
  private static func inviting(_ context: CaseContext) -> CaseWorld {
    var world = context.world { $0.broker = .automatic }
    var plan = ProbeServer.Plan()
    plan.offersInvitations = true
    world.serverPlans = [plan]
    world.start()
    world.advance(by: 500)
    world.command(.invite(InvitationRequest(token: CaseContext.token)))
    return world
  }

  private static func request(_ context: CaseContext, _ invitation: String) -> WireMessage {
    let object: JSONValue = [
      "command": "invitation_request", "invitationId": .string(invitation),
      "requestId": .string(String(repeating: "ab", count: 16)),
      "sourcePublicKey": .string(context.probe.personKey.publicKey.hex), "expiresIn": 60_000,
    ]
    return .text(object.compact)
  }

  static let cases: [InstanceCase] = [
    InstanceCase(
      "XI-021/inviter-no-token", "the server is asked to keep the invitation's id, and never sees the token",
      ["XI-021", "INV-020"], .inviter, .extension, kills: [.tellsBrokerTheToken]
    ) { context in
      let world = inviting(context)
      let texts = world.servers.flatMap(\.received)
      return CaseOutcome.all([
        .check(!texts.contains { $0.contains(CaseContext.token) }, "the token stands in clear"),
        .check(texts.contains { $0.contains("invitation_create") && $0.contains(id) }, "the server was not asked"),
      ])
    },
    InstanceCase(
      "XI-017/inviter-revokes", "a revoked invitation is revoked at the server, too", ["XI-017"], .inviter, .extension,
      kills: [.revokesLocallyOnly]
    ) { context in
      var world = inviting(context)
      world.command(.revoke(token: CaseContext.token))
      let texts = world.servers.flatMap(\.received)
      return .check(texts.contains { $0.contains("invitation_revoke") && $0.contains(id) }, "the server was not told")
    },
    InstanceCase(
      "XI-004/inviter-asks-again", "what was asked on a spare that is handed over before the answer is asked again",
      ["XI-004"], .inviter, .extension, kills: [.asksBrokerOnce]
    ) { context in
      var world = inviting(context)
      guard let asked = world.servers.firstIndex(where: { $0.received.contains { $0.contains("invitation_create") } })
      else { return .failed("the server was not asked") }
      _ = world.handOver(server: asked, to: context.plan(.initiator, "pairing"))
      world.advance(by: 1_000)
      let others = world.servers.indices.filter { $0 != asked }
      let again = others.contains { world.servers[$0].received.contains { $0.contains("invitation_create") } }
      return .check(again, "the question is lost")
    },
    InstanceCase(
      "XI-018/inviter-after-restart", "a server that comes back is asked again, since it may have forgotten",
      ["XI-018"], .inviter, .extension, kills: [.asksBrokerOnce]
    ) { context in
      var world = inviting(context)
      let before = world.servers.count
      world.say(
        .text(#"{"command":"invitation_stored","invitationId":"\#(id)","expiresIn":60000}"#), server: 0)
      for index in 0..<before where world.servers[index].closedAt == nil { world.close(server: index) }
      world.advance(by: 130_000)
      let again = world.servers.dropFirst(before).contains { $0.received.contains { $0.contains("invitation_create") } }
      return .check(again, "the server that came back was not asked")
    },
    InstanceCase(
      "XI-015/inviter-rejects", "a request for an invitation that nobody made is rejected", ["XI-015"], .inviter,
      .extension, kills: [.acceptsAnyInvitationRequest]
    ) { context in
      var world = inviting(context)
      world.say(request(context, String(repeating: "0", count: 64)), server: 0)
      let texts = world.servers[0].received
      return CaseOutcome.all([
        .check(texts.contains { $0.contains("invitation_reject") }, "no rejection"),
        .check(!texts.contains { $0.contains("invitation_accept") }, "accepted"),
        .check(world.servers[0].closedAt == nil, "the socket was closed"),
      ])
    },
    InstanceCase(
      "XI-007/inviter-accepts", "a request for a live invitation is accepted, and the pairing goes through",
      ["XI-007", "XI-006"], .inviter, .extension, kills: [.rejectsInvitationRequests]
    ) { context in
      var world = inviting(context)
      world.say(request(context, id), server: 0)
      guard world.servers[0].received.contains(where: { $0.contains("invitation_accept") }) else {
        return .failed("not accepted")
      }
      var plan = context.plan(.initiator, "pairing")
      plan.token = CaseContext.token
      guard let index = world.handOver(server: 0, to: plan) else { return .failed("the socket was closed") }
      return .check(world.probes[index].seen.saw(.identity), "no identity came")
    },
    InstanceCase(
      "XI-023/inviter-other-source", "another source key than the announced one closes", ["XI-023"], .inviter,
      .extension, kills: [.acceptsOtherSource]
    ) { context in
      guard context.isStrict else { return .passed }
      var world = inviting(context)
      world.say(request(context, id), server: 0)
      var plan = context.plan(.initiator, "pairing")
      plan.token = CaseContext.token
      plan.usesInstanceKey = true
      guard let index = world.handOver(server: 0, to: plan) else { return .passed }
      return CaseOutcome.all([
        .check(!world.probes[index].seen.saw(.ready), "communication_ready came"),
        .check(world.probes[index].seen.closedAt != nil, "still open"),
      ])
    },
    InstanceCase(
      "XI-022/invitee-falls-back", "a base server closes on invitation_connect: the base dialect follows", ["XI-022"],
      .invitee, .extension, kills: [.neverFallsBack]
    ) { context in
      let (first, second, world) = joining(context, .automatic)
      return CaseOutcome.all([
        .check(first?.contains("invitation_connect") == true, "the first message is \(first ?? "none")"),
        .check(first?.contains(CaseContext.token) == false, "the token stands in clear"),
        .check(second?.contains("communication_request") == true, "no fallback"),
        .check(world.dials.count == 2, "\(world.dials.count) dials"),
      ])
    },
    InstanceCase(
      "XI-022/invitee-stays", "where the broker is required nothing falls back, and the failure names the broker",
      ["XI-022"], .invitee, .extension, kills: [.alwaysFallsBack]
    ) { context in
      let (_, second, world) = joining(context, .required)
      return CaseOutcome.all([
        .check(second == nil, "it fell back"),
        .check(world.reports.firstFailure?.stage == .broker, "told: \(String(describing: world.reports.firstFailure))"),
      ])
    },
    InstanceCase(
      "XI-012/invitee-used", "a used invitation is a failure at stage broker with the server's code", ["XI-012"],
      .invitee, .extension, kills: [.fallsBackOnUsed]
    ) { context in
      var world = context.world { $0.broker = .automatic }
      world.serverPlans = [ProbeServer.Plan(.answersUsed)]
      world.command(.join(invitation(context), JoinOptions()))
      world.advance(by: 500)
      let failure = world.reports.firstFailure
      return CaseOutcome.all([
        .check(failure?.stage == .broker && failure?.code == "used", "told: \(String(describing: failure))"),
        .check(world.dials.count == 1, "it tried the base dialect all the same"),
      ])
    },
  ]

  private static func invitation(_ context: CaseContext) -> Invitation {
    Invitation(token: CaseContext.token, publicKey: context.probe.instanceKey.publicKey.hex, url: "ws://comm.example")
  }

  /// The first messages of the first two sockets.
  private static func joining(
    _ context: CaseContext, _ policy: InstanceSettings.BrokerPolicy
  ) -> (String?, String?, CaseWorld) {
    var world = context.world { $0.broker = policy }
    world.serverPlans = [ProbeServer.Plan()]
    world.command(.join(invitation(context), JoinOptions()))
    world.advance(by: 500)
    return (
      world.servers.first?.received.first, world.servers.count > 1 ? world.servers[1].received.first : nil, world
    )
  }
}
