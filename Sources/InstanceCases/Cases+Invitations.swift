import Cryptobox
import Instance
import Wire
import WireBytes

/// INV and the callbacks: what becomes of tokens over time and under races.
enum InvitationCases {
  /// A world whose target has an invitation with this token.
  private static func inviting(
    _ context: CaseContext, lifetime: Double? = nil, change: (inout InstanceSettings) -> Void = { _ in }
  ) -> CaseWorld {
    var world = context.world {
      $0.dialsPeers = false
      change(&$0)
    }
    world.command(.invite(InvitationRequest(lifetime: lifetime, token: CaseContext.token)))
    return world
  }

  private static func joiner(
    _ context: CaseContext, _ misbehaviour: Misbehaviour? = nil, as identity: Identity? = nil
  ) -> ProbePeer.Plan {
    var plan = ProbePeer.Plan(
      role: .initiator, own: identity ?? context.probe, other: context.other,
      target: context.targetIdentity.instanceKey.publicKey, group: "pairing")
    plan.token = CaseContext.token
    plan.misbehaviour = misbehaviour
    return plan
  }

  /// A joiner after so many ms: does it get the identity?
  private static func joins(_ world: inout CaseWorld, _ plan: ProbePeer.Plan) -> Bool {
    let index = world.connect(plan)
    return world.probes[index].seen.saw(.identity)
  }

  static let cases: [InstanceCase] = making + lifetimes + races + callbacks

  private static let making: [InstanceCase] = [
    InstanceCase(
      "INV-001/inviter-invitation",
      "an invitation names the instance key and the url; tokens are 64 letters and differ",
      ["INV-001", "INV-002"], .inviter, kills: [.invitationOfPersonKey, .shortToken, .sameTokenAgain]
    ) { context in
      var world = context.world()
      world.command(.invite(InvitationRequest()))
      world.command(.invite(InvitationRequest()))
      let made = world.reports.compactMap { entry -> Invitation? in
        if case .invitationCreated(let invitation, _, _) = entry.report { invitation } else { nil }
      }
      guard made.count == 2 else { return .failed("\(made.count) invitations") }
      let letters = Set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-")
      return CaseOutcome.all([
        .check(made.allSatisfy { $0.publicKey == context.targetIdentity.instanceKey.publicKey.hex }, "another key"),
        .check(made.allSatisfy { $0.url == context.targetIdentity.url }, "another url"),
        .check(made.allSatisfy { $0.token.count == 64 && Set($0.token).isSubset(of: letters) }, "another token form"),
        .check(made[0].token != made[1].token, "the same token twice"),
      ])
    },
    InstanceCase(
      "INV-018/inviter-weak-token", "a caller's token of less than 128 bits is refused", ["INV-018"], .inviter,
      .hardening, kills: [.acceptsWeakToken]
    ) { context in
      guard context.isStrict else { return .passed }
      var world = context.world()
      world.command(.invite(InvitationRequest(token: "short")))
      return .check(world.target.tokens.count == 0, "the token was taken")
    },
    InstanceCase(
      "INV-006/invitee-bad-key", "an invitation whose key has not 32 bytes is refused before any connection",
      ["INV-006"], .invitee, kills: [.joinsAnything]
    ) { context in
      var world = context.world()
      world.command(.join(Invitation(token: "t", publicKey: "abcd", url: "ws://probe.example"), JoinOptions()))
      return CaseOutcome.all([
        .check(world.dials.isEmpty, "it dials"), .check(world.reports.firstFailure != nil, "no failure was told"),
      ])
    },
    InstanceCase(
      "INV-007/invitee-bad-url", "a url that is neither ws nor wss is refused", ["INV-007"], .invitee, .hardening,
      kills: [.joinsAnything]
    ) { context in
      guard context.isStrict else { return .passed }
      var world = context.world()
      let key = context.probe.instanceKey.publicKey.hex
      world.command(.join(Invitation(token: "t", publicKey: key, url: "http://probe.example"), JoinOptions()))
      return .check(world.dials.isEmpty, "it dials")
    },
    InstanceCase(
      "PA-020/invitee-itself", "an invitation of oneself fails cleanly", ["PA-020"], .invitee, .hardening,
      kills: [.pairsWithItself]
    ) { context in
      var world = context.world()
      let key = context.targetIdentity.instanceKey.publicKey.hex
      world.command(.join(Invitation(token: "t", publicKey: key, url: "ws://probe.example"), JoinOptions()))
      return CaseOutcome.all([
        .check(world.dials.isEmpty, "it dials itself"), .check(world.reports.firstFailure != nil, "nothing was told"),
      ])
    },
  ]

  private static let lifetimes: [InstanceCase] = [
    InstanceCase(
      "INV-010/inviter-just-before", "a token is good one second before its end", ["INV-010", "INV-011"], .inviter,
      kills: [.expiresEarly]
    ) { context in
      var world = inviting(context)
      world.advance(by: 899_000)
      return .check(joins(&world, joiner(context)), "refused 1 s before its end")
    },
    InstanceCase(
      "INV-011/inviter-exactly-then", "a token is refused at 15 minutes to the millisecond",
      ["INV-011", "INV-009", "SEC-010"],
      .inviter, kills: [.expiresLate, .neverExpires]
    ) { context in
      var world = inviting(context)
      world.advance(by: 900_000)
      return .check(!joins(&world, joiner(context)), "accepted at its end")
    },
    InstanceCase(
      "INV-009/inviter-after", "a token is refused after its end", ["INV-009", "SEC-010"], .inviter,
      kills: [.neverExpires]
    ) { context in
      var world = inviting(context, lifetime: 60_000)
      world.advance(by: 61_000)
      return CaseOutcome.all([
        .check(!joins(&world, joiner(context)), "accepted a second after its end"),
        .check(world.target.tokens.count == 0, "the token is kept for ever"),
      ])
    },
    InstanceCase(
      "INV-014/inviter-revoked", "a revoked token is refused at once, and its timer has no later effect",
      ["INV-014", "SEC-011"], .inviter, .hardening, kills: [.revokeDoesNothing]
    ) { context in
      var world = inviting(context, lifetime: 60_000)
      world.command(.revoke(token: CaseContext.token))
      let first = joins(&world, joiner(context))
      world.advance(by: 50_000)
      world.command(.invite(InvitationRequest(lifetime: 60_000, token: CaseContext.token)))
      world.advance(by: 20_000)
      return CaseOutcome.all([
        .check(!first, "accepted after its revocation"),
        .check(joins(&world, joiner(context)), "the new one fell to the old one's timer"),
      ])
    },
    InstanceCase(
      "INV-015/inviter-restart", "a restart ends all tokens", ["INV-015"], .inviter, kills: [.tokensSurviveRestart]
    ) { context in
      var world = inviting(context)
      world.target = Instance(restarting: world.target)
      return .check(!joins(&world, joiner(context)), "a token of before the restart was accepted")
    },
    InstanceCase(
      "INV-016/inviter-other-person", "a token made for another local person is refused", ["INV-016", "SEC-014"],
      .inviter, kills: [.tokenForAnyPerson]
    ) { context in
      var world = context.world()
      var actions: [InstanceAction] = []
      world.target.addIdentity(context.other, actions: &actions)
      world.command(.invite(InvitationRequest(person: context.other.personId, token: CaseContext.token)))
      return .check(!joins(&world, joiner(context)), "accepted by another person than it was made for")
    },
  ]

  private static let races: [InstanceCase] = [
    InstanceCase(
      "INV-012/inviter-used", "a used token is refused", ["INV-012", "SEC-009"], .inviter, kills: [.tokenReusable]
    ) { context in
      var world = inviting(context)
      let first = joins(&world, joiner(context))
      world.advance(by: 3_000)
      let second = joins(&world, joiner(context, as: context.other))
      return CaseOutcome.all([.check(first, "refused at first"), .check(!second, "accepted twice")])
    },
    InstanceCase(
      "INV-013/inviter-race", "two joiners at once: one success at most", ["INV-013", "SEC-009"], .inviter, .hardening,
      kills: [.tokenRace]
    ) { context in
      guard context.isStrict else { return .passed }
      var world = inviting(context)
      // The first one got the identity and keeps its own back, so that both stand at the same point.
      world.connect(joiner(context, .identityMissing))
      let second = world.connect(joiner(context, as: context.other))
      return CaseOutcome.all([
        .check(!world.probes[second].seen.saw(.identity), "both got the identity"),
        .check(world.probes[second].seen.closedAt != nil, "the second one is left hanging"),
      ])
    },
    InstanceCase(
      "INV-013/inviter-at-once-after", "a joiner right behind a success is refused", ["INV-013", "SEC-009"], .inviter,
      .hardening, kills: [.tokenReusable]
    ) { context in
      guard context.isStrict else { return .passed }
      var world = inviting(context)
      _ = joins(&world, joiner(context))
      return .check(!joins(&world, joiner(context, as: context.other)), "accepted again within the same millisecond")
    },
    InstanceCase(
      "PA-011/inviter-joiner-leaves", "a joiner that leaves before its identity leaves the token usable",
      ["PA-011", "INV-013"], .inviter, kills: [.tokenBurntByFailure, .succeedsWithoutIdentity]
    ) { context in
      var world = inviting(context)
      world.connect(joiner(context, .closesBeforeIdentity))
      let early = world.reports.successes.count
      world.advance(by: 3_000)
      return CaseOutcome.all([
        .check(early == 0, "a success without an identity"),
        .check(joins(&world, joiner(context)), "the token is gone"),
      ])
    },
    InstanceCase(
      "INV-017/inviter-guesses", "more than five wrong tokens in a minute pause pairing", ["INV-017"], .inviter,
      .hardening, kills: [.unlimitedGuesses]
    ) { context in
      guard context.isStrict else { return .passed }
      var world = inviting(context)
      for _ in 0..<6 {
        world.connect(joiner(context, .tokenWrong))
        world.advance(by: 3_000)
      }
      let during = world.connect(joiner(context))
      world.advance(by: 61_000)
      let isFree = joins(&world, joiner(context))
      return CaseOutcome.all([
        .check(!world.probes[during].seen.saw(.identity), "the seventh attempt is served"),
        .check(isFree, "an honest joiner is not served a minute later"),
      ])
    },
    InstanceCase(
      "PA-017/inviter-off", "pairing switched off closes before sync", ["PA-017"], .inviter, .hardening,
      kills: [.pairsWhenOff]
    ) { context in
      guard context.isStrict else { return .passed }
      var world = inviting(context) { $0.pairing = false }
      let index = world.connect(joiner(context))
      return CaseOutcome.all([
        .check(!world.probes[index].seen.saw(.sync), "sync came"),
        .check(world.probes[index].seen.closedAt != nil, "still open"),
      ])
    },
  ]

  private static let callbacks: [InstanceCase] = [
    InstanceCase(
      "PA-006/inviter-callback", "a success is told once, with initiatedLocally false, the ids and the token",
      ["PA-006", "PA-002"], .inviter, kills: [.reportsTwice, .wrongInviterCallback, .sendsNoIdentity]
    ) { context in
      var world = inviting(context)
      world.connect(joiner(context))
      world.advance(by: 1_000)
      let told = world.reports.successes
      guard told.count == 1, let success = told.first else { return .failed("told \(told.count) times") }
      return CaseOutcome.all([
        .check(!success.initiatedLocally, "initiatedLocally is true"),
        .check(success.token == CaseContext.token, "another token"),
        .check(success.remotePerson == context.probe.personId, "another remote person"),
        .check(success.remoteInstance == context.probe.instanceId, "another remote instance"),
        .check(success.localPerson == context.targetIdentity.personId, "another local person"),
        .check(world.target.book.count == 1, "the peer is not stored"),
      ])
    },
    InstanceCase(
      "PA-005/invitee-callback", "the invitee sends the token, its identity, tells success and closes",
      ["PA-005", "PA-001"], .invitee, kills: [.noToken, .sendsNoIdentity, .keepsPairingOpen]
    ) { context in
      let (world, probe) = context.play(.invitee, nil)
      guard let probe else { return .failed("it never dialled") }
      let told = world.reports.successes
      return CaseOutcome.all([
        .check(probe.seen.saw(.token), "no token came"), .check(probe.seen.saw(.identity), "no identity came"),
        .check(told.count == 1 && told.first?.initiatedLocally == true, "success was told \(told.count) times"),
        .check((probe.seen.closedAt ?? .infinity) < 3_000, "it does not close at once"),
        .check(probe.seen.texts.first == CaseContext.token, "another token"),
      ])
    },
    InstanceCase(
      "PA-012/invitee-failure", "a close before the identity is told as a failure of the token", ["PA-012", "PA-013"],
      .invitee, kills: [.silentFailure]
    ) { context in
      let (world, _) = context.play(.invitee, .closesAfterToken)
      let failure = world.reports.firstFailure
      return .check(
        failure?.stage == .token && failure?.initiatedLocally == true, "told: \(String(describing: failure))")
    },
    InstanceCase(
      "PA-013/inviter-failure", "a wrong token is told as a failure, without the token", ["PA-013"], .inviter,
      .hardening, kills: [.silentFailure]
    ) { context in
      var world = inviting(context)
      world.connect(joiner(context, .tokenWrong))
      let failure = world.reports.firstFailure
      return .check(
        failure?.stage == .token && failure?.initiatedLocally == false, "told: \(String(describing: failure))")
    },
    InstanceCase(
      "INV-019/inviter-reasons", "no close reason holds a token", ["INV-019"], .inviter, .hardening,
      kills: [.leaksTokenInReason]
    ) { context in
      var world = inviting(context)
      world.connect(joiner(context, .tokenWrong))
      let shown = String(CaseContext.token.reversed()).prefix(40)
      return .check(!world.closeReasons.contains { $0.contains(shown) }, "reasons: \(world.closeReasons)")
    },
    InstanceCase(
      "PA-015/inviter-chum-follows", "after a pairing a chum connection with instance keys comes up in 30 s",
      ["PA-015"], .inviter, kills: [.noChumAfterPairing, .wrongSource, .wrongTarget]
    ) { context in
      var world = context.world { $0.storeDelay = 0 }
      world.waiting = [context.plan(.acceptor, "chum")]
      world.start()
      world.command(.invite(InvitationRequest(token: CaseContext.token)))
      world.connect(joiner(context))
      world.advance(by: 30_000)
      let chum = world.probes.dropFirst().first
      return CaseOutcome.all([
        .check(chum?.seen.saw(.synchronisation) == true, "no chum within 30 s"),
        .check(chum?.peerStatic == context.targetIdentity.instanceKey.publicKey, "not dialled with the instance key"),
      ])
    },
    InstanceCase(
      "IOM-006/inviter-no-secrets", "no message carries a private key", ["IOM-006"], .inviter,
      kills: [.secretInIdentity]
    ) { context in
      var world = inviting(context)
      let index = world.connect(joiner(context))
      let file = world.probes[index].seen.identity
      return .check(file?.kind == .public && file?.personKeySecret == nil, "the identity is not a public one")
    },
    InstanceCase(
      "PA-014/inviter-closes-in-the-end", "an invitee that stays behind Q3 is closed by the inviter after some seconds",
      ["PA-014"], .inviter, kills: [.lingersForEver]
    ) { context in
      var world = inviting(context)
      var plan = joiner(context)
      plan.misbehaviour = .staysAfterIdentity
      let index = world.connect(plan)
      world.advance(by: 4_000)
      let isEarly = world.probes[index].seen.closedAt != nil
      world.advance(by: 8_000)
      return CaseOutcome.all([
        .check(!isEarly, "closed before the invitee could"),
        .check(world.probes[index].seen.closedAt != nil, "still open after 12 s"),
      ])
    },
    InstanceCase(
      "PA-016/inviter-early-chum", "a chum dial while the peer is being stored is closed, the next one works",
      ["PA-016"], .inviter, kills: [.startsWithoutSynchronisation]
    ) { context in
      var world = inviting(context) { $0.storeDelay = 500 }
      world.connect(joiner(context))
      let early = world.connect(context.plan(.initiator, "chum"))
      world.advance(by: 6_000)
      let later = world.connect(context.plan(.initiator, "chum"))
      return CaseOutcome.all([
        .check(world.probes[early].seen.closedAt != nil, "the early one hangs"),
        .check(world.probes[later].seen.saw(.synchronisation), "the later one is refused"),
      ])
    },
  ]
}
