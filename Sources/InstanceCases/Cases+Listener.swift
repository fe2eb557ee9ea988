import Cryptobox
import Instance
import Wire
import WireBytes

/// LS and KA-0xx: a listener and a CommServer played by hand.
enum ListenerCases {
  /// A world whose target listens, after the first registrations.
  private static func listening(
    _ context: CaseContext, _ plans: [ProbeServer.Plan], wait: Double = 500,
    change: (inout InstanceSettings) -> Void = { _ in }
  ) -> CaseWorld {
    var world = context.world(change: change)
    world.serverPlans = plans
    world.start()
    world.advance(by: wait)
    return world
  }

  private static func refusing(
    _ deviation: ProbeServer.Deviation, _ title: String, _ requires: [String],
    binding: InstanceCase.Binding = .base, kills: [Defect] = [], peer: Bool = false
  ) -> InstanceCase {
    InstanceCase(
      "\(requires[0])/listener-\(ExchangeRow.dashed(deviation.rawValue))", title, requires, .listener, binding,
      kills: kills
    ) { context in
      guard binding == .base || context.isStrict else { return .passed }
      var plan = ProbeServer.Plan(deviation)
      plan.peerKey = context.probe.instanceKey
      var world = context.world(knows: peer)
      world.serverPlans = [plan]
      world.start()
      world.advance(by: 2_000)
      guard let server = world.servers.first else { return .failed("the target never dialled") }
      if server.isRegistered { return .failed("registered all the same") }
      guard server.closedAt != nil else { return .failed("the socket is still open") }
      if server.response != nil, deviation.isBeforeResponse { return .failed("a response was sent") }
      // Probing again at once would make the fault a flood (LS-008).
      return CaseOutcome.check(world.servers.count == 1, "\(world.servers.count) attempts within 2 s")
    }
  }

  static let cases: [InstanceCase] =
    registration + [
      refusing(
        .challengeNotOpening, "a challenge that does not open is not answered", ["LS-003"],
        kills: [.answersBadChallenge, .reconnectsAtOnce]),
      refusing(
        .challengeShort, "a challenge shorter than its nonce is not answered", ["LS-003"],
        kills: [.answersBadChallenge]),
      refusing(.challengeOddHex, "a challenge of odd hex is not answered", ["LS-003"], kills: [.reconnectsAtOnce]),
      refusing(
        .challengeOf63, "a challenge of 63 bytes is not answered", ["LS-004"], binding: .hardening,
        kills: [.answersAnyLength]),
      refusing(
        .challengeOf65, "a challenge of 65 bytes is not answered", ["LS-004"], binding: .hardening,
        kills: [.answersAnyLength]),
      refusing(
        .challengeOfKeyMessage, "a captured key message is no challenge", ["LS-004"], binding: .hardening,
        kills: [.answersAnyLength]),
      refusing(
        .ownKeyOfListener, "a server with the own key is refused", ["LS-005"], binding: .hardening,
        kills: [.reconnectsAtOnce]),
      refusing(
        .keyOfPeer, "a server with a peer's key is refused", ["LS-005"], binding: .hardening,
        kills: [.answersAnyServerKey], peer: true),
      refusing(
        .lowOrderKey, "a server with a key of small order is refused", ["LS-005"], binding: .hardening,
        kills: [.answersAnyServerKey]),
      refusing(.shortKey, "a server key of 31 bytes is refused", ["LS-003"], kills: [.ignoresWrongServerMessages]),
      refusing(
        .otherCommandFirst, "another command than the challenge closes", ["LS-008"],
        kills: [.ignoresWrongServerMessages]),
      refusing(
        .notJSONFirst, "no JSON instead of the challenge closes", ["LS-008"], kills: [.ignoresWrongServerMessages]),
      refusing(.binaryFirst, "a binary challenge closes", ["LS-008"], kills: [.ignoresWrongServerMessages]),
      refusing(.successFirst, "success without a challenge closes", ["LS-011"], kills: [.ignoresWrongServerMessages]),
      refusing(
        .handoverFirst, "a handover before anything closes", ["LS-011"], kills: [.acceptsEarlyHandover]),
      refusing(.successAsBinary, "a binary success closes", ["LS-008"], kills: [.ignoresWrongServerMessages]),
      refusing(
        .successOtherCommand, "another command than success closes", ["LS-008"], kills: [.ignoresWrongServerMessages]),
      refusing(
        .handoverInsteadOfSuccess, "a handover instead of success closes", ["LS-011"],
        kills: [.ignoresWrongServerMessages]),
      refusing(
        .intervalZero, "a pingInterval of zero closes", ["LS-014"], binding: .hardening, kills: [.acceptsAnyInterval]),
      refusing(
        .intervalNegative, "a negative pingInterval closes", ["LS-014"], binding: .hardening,
        kills: [.acceptsAnyInterval]),
      refusing(
        .intervalFraction, "a broken pingInterval closes", ["LS-014"], binding: .hardening,
        kills: [.acceptsAnyInterval]),
      refusing(
        .intervalHuge, "an endless pingInterval closes", ["LS-014"], binding: .hardening, kills: [.acceptsAnyInterval]),
      refusing(.intervalText, "a pingInterval as text closes", ["LS-014"], kills: [.ignoresWrongServerMessages]),
      refusing(
        .intervalMissing, "a success without pingInterval closes", ["LS-014"], kills: [.ignoresWrongServerMessages]),
    ]

  private static let registration: [InstanceCase] = [
    InstanceCase(
      "LS-001/listener-registers",
      "the first message is register with the instance key; the response is the complement",
      ["LS-001", "LS-002"], .listener,
      kills: [.registersWrongKey, .answersWithoutComplement, .repeatsResponseNonce]
    ) { context in
      let world = listening(context, [ProbeServer.Plan()])
      let servers = world.servers.filter(\.isRegistered)
      guard servers.count >= 2 else { return .failed("\(servers.count) registrations") }
      let nonces = Set(servers.compactMap { $0.response?.prefix(24) })
      return CaseOutcome.all([
        .check(
          servers.allSatisfy { $0.registeredKey == context.targetIdentity.instanceKey.publicKey.hex },
          "another key was registered"),
        .check(servers.allSatisfy(\.isProven), "the response is not the complement of the challenge"),
        .check(nonces.count == servers.count, "a nonce came twice"),
      ])
    },
    InstanceCase(
      "TR-004/listener-extra-members", "unknown members of the server's messages are ignored", ["TR-004"], .listener,
      kills: [.refusesUnknownMembers]
    ) { context in
      let world = listening(context, [ProbeServer.Plan(.extraMembers)])
      return .check(world.servers.count(where: \.isRegistered) == 2, "no two registrations")
    },
    InstanceCase(
      "LS-006/listener-two-spares", "two spares are kept, not more", ["LS-006"], .listener,
      kills: [.keepsOneSpare, .keepsFourSpares]
    ) { context in
      let world = listening(context, [ProbeServer.Plan()], wait: 60_000)
      let spares = world.servers.count { $0.isRegistered && $0.closedAt == nil }
      return .check(spares == 2, "\(spares) spares")
    },
    InstanceCase(
      "LS-007/listener-replaces", "a handover starts a replacement at once", ["LS-007", "LS-006"], .listener,
      kills: [.noReplacement]
    ) { context in
      var world = listening(context, [ProbeServer.Plan()])
      _ = world.handOver(server: 0, to: context.plan(.initiator, "chum"))
      world.advance(by: 900)
      let spares = world.servers.dropFirst().count { $0.isRegistered && $0.closedAt == nil }
      return .check(spares == 2, "\(spares) spares 0.9 s after the handover")
    },
    InstanceCase(
      "LS-009/listener-burst", "handover and request in one segment are both processed", ["LS-009"], .listener,
      kills: [.losesRequestBehindHandover]
    ) { context in
      var world = listening(context, [ProbeServer.Plan()])
      guard let index = world.handOver(server: 0, to: context.plan(.initiator, "chum")) else {
        return .failed("the socket was closed")
      }
      return .check(world.probes[index].seen.saw(.ready), "no communication_ready came")
    },
    InstanceCase(
      "LS-008/listener-reconnects", "a lost spare is replaced after the reconnect delay, once", ["LS-008"], .listener,
      kills: [.reconnectsAtOnce]
    ) { context in
      var world = listening(context, [ProbeServer.Plan()])
      world.close(server: 0)
      world.close(server: 1)
      world.advance(by: 9_900)
      let early = world.servers.count
      world.advance(by: 5_000)
      let later = world.servers.count { $0.isRegistered && $0.closedAt == nil }
      return CaseOutcome.all([
        .check(early == 2, "\(early - 2) attempts within 9.9 s"), .check(later == 2, "\(later) spares after 15 s"),
      ])
    },
    InstanceCase(
      "LS-010/listener-stray", "an unexpected message closes a spare, and it is replaced", ["LS-010"], .listener,
      .hardening, kills: [.keepsStraySpare]
    ) { context in
      guard context.isStrict else { return .passed }
      var world = listening(context, [ProbeServer.Plan()])
      world.say(.text(CommServerMessage.communicationReady.text), server: 0)
      let isClosed = world.servers[0].closedAt != nil
      world.advance(by: 15_000)
      let spares = world.servers.count { $0.isRegistered && $0.closedAt == nil }
      return CaseOutcome.all([.check(isClosed, "still open"), .check(spares == 2, "\(spares) spares")])
    },
    InstanceCase(
      "LS-012/listener-stops", "stop closes the spares, reconnects nothing and leaves relays alone", ["LS-012"],
      .listener, kills: [.stopKeepsSpares]
    ) { context in
      var world = context.world(knows: true) { $0.dialsPeers = false }
      world.serverPlans = [ProbeServer.Plan()]
      world.start()
      world.advance(by: 500)
      guard let index = world.handOver(server: 0, to: context.plan(.initiator, "chum")) else {
        return .failed("the socket was closed")
      }
      world.advance(by: 500)
      world.command(.stopListening)
      let attempts = world.dials.count { $0.url.hasPrefix("ws://comm") }
      world.advance(by: 30_000)
      return CaseOutcome.all([
        .check(!world.servers.dropFirst().contains { $0.closedAt == nil }, "a spare is still open"),
        .check(world.dials.count { $0.url.hasPrefix("ws://comm") } == attempts, "it registers again"),
        .check(world.probes[index].seen.closedAt == nil, "the relayed connection was closed"),
      ])
    },
    InstanceCase(
      "LS-016/listener-backs-off", "repeated failures are retried at growing distances", ["LS-016"], .listener,
      .hardening, kills: [.retriesWithoutBackoff]
    ) { context in
      guard context.isStrict else { return .passed }
      let world = listening(context, [ProbeServer.Plan(.notJSONFirst)], wait: 600_000)
      let times = world.dials.filter { $0.url.hasPrefix("ws://comm") }.map(\.time)
      guard times.count > 3, let last = times.last else { return .failed("\(times.count) attempts in 10 min") }
      let gap = last - times[times.count - 2]
      return .check(gap >= 55_000 && times.count < 20, "\(times.count) attempts, the last \(Int(gap)) ms apart")
    },
    InstanceCase(
      "LS-015/listener-server-key", "another server key than before is reported", ["LS-015"], .listener, .hardening,
      kills: [.silentAboutServerKey]
    ) { context in
      let world = listening(context, [ProbeServer.Plan(.changesKey)])
      let isTold = world.reports.contains { if case .serverKeyChanged = $0.report { true } else { false } }
      return .check(isTold, "nothing was told")
    },
    InstanceCase("KA-007/listener-pongs", "each ping is answered at once", ["KA-007"], .listener, kills: [.neverPongs])
    {
      context in
      let world = listening(context, [ProbeServer.Plan()], wait: 76_000)
      return .check(world.servers.prefix(2).allSatisfy { $0.pongs == 3 }, "pongs: \(world.servers.map(\.pongs))")
    },
    InstanceCase(
      "KA-008/listener-watchdog", "no ping for pingInterval and 4 s closes, and it registers again", ["KA-008"],
      .listener, kills: [.noPingWatchdog]
    ) { context in
      var plan = ProbeServer.Plan(.neverPings)
      plan.pingInterval = 5_000
      var world = listening(context, [plan], wait: 8_500)
      let early = world.servers.count { $0.closedAt != nil }
      world.advance(by: 2_000)
      let closed = world.servers.prefix(2).count { $0.closedAt != nil }
      let before = world.servers.count
      world.advance(by: 15_000)
      return CaseOutcome.all([
        .check(early == 0, "closed before pingInterval + 4 s"), .check(closed == 2, "\(closed) of 2 closed"),
        .check(world.servers.count > before, "no new registration"),
      ])
    },
    InstanceCase(
      "KA-009/listener-quiet-after-handover", "after the handover no pong is sent", ["KA-009"], .listener,
      kills: [.pongsAfterHandover]
    ) { context in
      var world = listening(context, [ProbeServer.Plan()])
      let plan = context.plan(.initiator, "chum", .silentAfterOpen)
      guard let index = world.handOver(server: 0, to: plan) else { return .failed("the socket was closed") }
      world.say(.text(CommServerMessage.ping.text), probe: index)
      return .check(!world.probes[index].seen.saw(.other), "something was sent for a ping")
    },
  ]
}

extension ProbeServer.Deviation {
  /// The server's fault comes before it could ask for a response.
  var isBeforeResponse: Bool {
    switch self {
    case .successAsBinary, .successOtherCommand, .handoverInsteadOfSuccess, .silentAfterResponse, .intervalZero,
      .intervalNegative, .intervalFraction, .intervalHuge, .intervalText, .intervalMissing:
      false
    default: true
    }
  }
}
