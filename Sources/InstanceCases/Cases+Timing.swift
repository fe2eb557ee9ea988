import Cryptobox
import Instance
import Wire
import WireBytes

/// KA-1xx, duplicates, redials: what happens over time.
enum TimingCases {
  static let cases: [InstanceCase] = keepAlives + duplicates + redials + freshness

  private static func connected(
    _ context: CaseContext, change: (inout InstanceSettings) -> Void = { _ in }
  ) -> CaseWorld {
    var world = context.world(knows: true, change: change)
    world.connect(context.plan(.initiator, "chum"))
    return world
  }

  private static let keepAlives: [InstanceCase] = [
    InstanceCase(
      "KA-101/acceptor-pulse", "after 20 s without sending a keep-alive comes", ["KA-101", "KA-103"], .acceptor,
      kills: [.noKeepAlive]
    ) { context in
      var world = connected(context)
      world.advance(by: 19_000)
      let early = world.probes[0].seen.count(.keepAlive)
      world.advance(by: 2_000)
      let then = world.probes[0].seen.count(.keepAlive)
      return CaseOutcome.all([
        .check(early == 0, "a keep-alive after less than 20 s"), .check(then == 1, "\(then) keep-alives after 21 s"),
      ])
    },
    InstanceCase(
      "KA-102/acceptor-watchdog", "25 s without any sign of life close", ["KA-102"], .acceptor, kills: [.noLifesign]
    ) { context in
      var world = connected(context)
      world.silence(probe: 0)
      world.advance(by: 24_000)
      let early = world.probes[0].seen.closedAt
      world.advance(by: 2_500)
      return CaseOutcome.all([
        .check(early == nil, "closed after less than 25 s"),
        .check(world.probes[0].seen.closedAt != nil, "still open after 26 s"),
      ])
    },
    InstanceCase(
      "KA-102/acceptor-stays", "a connection with keep-alives stays open for minutes", ["KA-102", "KA-104"], .acceptor,
      kills: [.noKeepAlive]
    ) { context in
      var world = connected(context)
      world.advance(by: 300_000)
      let pulses = world.probes[0].seen.count(.keepAlive)
      return CaseOutcome.all([
        .check(world.probes[0].seen.closedAt == nil, "closed"), .check(pulses >= 12, "\(pulses) keep-alives in 5 min"),
      ])
    },
    InstanceCase(
      "ENC-023/acceptor-late", "nothing is delivered behind a frame that does not open", ["ENC-023"], .acceptor,
      .hardening, kills: [.ignoresBadFrames, .deliversAfterFailure]
    ) { context in
      guard context.isStrict else { return .passed }
      var world = connected(context)
      world.inject(.binary([UInt8](repeating: 1, count: 60)), probe: 0, thenPlain: .text("late"))
      let isDelivered = world.reports.contains {
        if case .application(_, .text("late")) = $0.report { true } else { false }
      }
      return CaseOutcome.all([
        .check(!isDelivered, "the late message was delivered"),
        .check(world.probes[0].seen.closedAt != nil, "still open"),
      ])
    },
    InstanceCase(
      "PR-030/acceptor-burst", "a message right behind synchronisation is not lost", ["PR-030"], .acceptor,
      kills: [.losesEarlyMessages]
    ) { context in
      var world = context.world(knows: true)
      var plan = context.plan(.initiator, "chum", .serviceInSameBurst)
      plan.application = #"{"requestId":0,"type":"request","serviceId":1,"args":[]}"#
      world.connect(plan)
      let isDelivered = world.reports.contains { if case .application = $0.report { true } else { false } }
      return .check(isDelivered, "the message was lost")
    },
  ]

  private static let duplicates: [InstanceCase] = [
    InstanceCase(
      "PR-025/acceptor-duplicate", "a second connection within 2 s is closed, the first one stays", ["PR-025"],
      .acceptor, kills: [.noDuplicateRule]
    ) { context in
      var world = connected(context)
      world.advance(by: 1_500)
      world.connect(context.plan(.initiator, "chum"))
      return CaseOutcome.all([
        .check(world.probes[0].seen.closedAt == nil, "the first one was closed"),
        .check(world.probes[1].seen.closedAt != nil, "the second one is open, too"),
        .check(!world.probes[1].seen.saw(.person), "the second one got further than sync"),
      ])
    },
    InstanceCase(
      "PR-026/acceptor-replaces", "a second connection later than 2 s replaces the first one", ["PR-026"], .acceptor,
      kills: [.neverReplaces, .noDuplicateRule]
    ) { context in
      var world = connected(context)
      world.advance(by: 2_500)
      world.connect(context.plan(.initiator, "chum"))
      return CaseOutcome.all([
        .check(world.probes[0].seen.closedAt != nil, "the old one is still open"),
        .check(world.probes[1].seen.saw(.synchronisation), "the new one does not work"),
      ])
    },
    InstanceCase(
      "PR-003/acceptor-no-catch-all", "without a catch-all rule a stranger gets no sync", ["PR-003"], .acceptor,
      kills: [.syncForEverybody]
    ) { context in
      var world = context.world { $0.servesStrangers = false }
      var plan = context.plan(.initiator, "pairing")
      plan.token = CaseContext.token
      world.connect(plan)
      return CaseOutcome.all([
        .check(!world.probes[0].seen.saw(.sync), "sync came"),
        .check(world.probes[0].seen.closedAt != nil, "still open"),
      ])
    },
    InstanceCase(
      "HS-023/acceptor-half-open", "a thousand half-open handshakes: bounded, and an honest peer gets in after them",
      ["HS-023"], .acceptor, .hardening, kills: [.unlimitedHandshakes]
    ) { context in
      guard context.isStrict else { return .passed }
      var world = context.world(knows: true)
      for _ in 0..<1_000 { world.connect(context.plan(.initiator, "chum", .h3Missing)) }
      let open = world.target.load.connections
      world.advance(by: 16_000)
      let index = world.connect(context.plan(.initiator, "chum"))
      return CaseOutcome.all([
        .check(open <= 300, "\(open) half-open handshakes are kept"),
        .check(world.probes[index].seen.saw(.synchronisation), "an honest peer does not get in"),
      ])
    },
  ]

  private static let redials: [InstanceCase] = [
    InstanceCase(
      "HS-027/initiator-retry-table", "failed dials are repeated after 5, 10, 20, 30, 60, 120, 120 s", ["HS-027"],
      .initiator, kills: [.dialsOnlyOnce]
    ) { context in
      var world = context.world(knows: true)
      world.start()
      world.advance(by: 400_000)
      let times = world.dials.filter { $0.url.hasPrefix("ws://probe") }.map(\.time)
      let gaps = zip(times.dropFirst(), times).map { (later, earlier) in Int(later - earlier) }
      return .check(
        gaps.starts(with: [5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 120_000]), "distances \(gaps) ms")
    },
    InstanceCase(
      "PR-027/initiator-redials", "a lost connection is dialled again after 5 to 10 s", ["PR-027"], .initiator,
      kills: [.noRedial]
    ) { context in
      var world = context.world(knows: true)
      world.waiting = [context.plan(.acceptor, "chum"), context.plan(.acceptor, "chum")]
      world.start()
      world.advance(by: 3_000)
      guard world.probes.count == 1 else { return .failed("\(world.probes.count) connections") }
      world.cut(probe: 0)
      world.advance(by: 4_900)
      let early = world.probes.count
      world.advance(by: 5_500)
      return CaseOutcome.all([
        .check(early == 1, "dialled again within 4.9 s"),
        .check(world.probes.count == 2, "not dialled again within 10.4 s"),
      ])
    },
    InstanceCase(
      "HS-026/invitee-unreachable", "a close before communication_ready is told as unreachable", ["HS-026", "PA-012"],
      .invitee, kills: [.silentFailure]
    ) { context in
      let (world, _) = context.play(.invitee, .closeBeforeReady)
      let failure = world.reports.firstFailure
      return .check(
        failure?.stage == .handshake && failure?.initiatedLocally == true, "told: \(String(describing: failure))")
    },
    InstanceCase(
      "TR-014/invitee-open-timeout", "an attempt whose socket does not open in 5 s fails", ["TR-014"], .invitee,
      kills: [.waitsForOpening]
    ) { context in
      var random = SeededRandom(seed: 5)
      var settings = context.settings
      settings.broker = .off
      var target = Instance(settings: settings, keychain: Keychain([context.targetIdentity]), box: SodiumBox())
      let first = target.handle(.command(.join(context.probeInvitation, JoinOptions())), at: 0, random: &random)
      let early = target.handle(.timer, at: 4_900, random: &random)
      let later = target.handle(.timer, at: 5_000, random: &random)
      return CaseOutcome.all([
        .check(first.contains { if case .open = $0 { true } else { false } }, "it does not dial"),
        .check(early.isEmpty, "it gives up too early"),
        .check(later.contains { if case .close = $0 { true } else { false } }, "the socket is not released"),
      ])
    },
  ]

  private static let freshness: [InstanceCase] = [
    InstanceCase(
      "HS-009/acceptor-fresh-keys", "two handshakes share neither ephemeral keys nor nonces nor session keys",
      ["HS-009", "ENC-022"], .acceptor, kills: [.repeatsEphemeral]
    ) { context in
      var world = connected(context)
      world.advance(by: 5_000)
      world.connect(context.plan(.initiator, "chum"))
      let channels = world.probes.compactMap(\.seen.channel)
      guard channels.count == 2 else { return .failed("\(channels.count) channels") }
      return CaseOutcome.all([
        .check(channels[0].peer != channels[1].peer, "the same ephemeral key twice"),
        .check(channels[0].key != channels[1].key, "the same session key twice"),
      ])
    },
    InstanceCase(
      "FR-001/acceptor-fragments", "texts of 16,383 units go whole, of 16,384 in fragments; 65,537 bytes in two",
      ["FR-001", "FR-002", "FR-003", "FR-004"], .acceptor, kills: [.neverFragments, .smallFragments]
    ) { context in
      var world = connected(context)
      guard let id = world.socket(of: 0) else { return .failed("no connection") }
      var counts: [Int] = []
      let messages: [WireMessage] = [
        .text(String(repeating: "a", count: 16_383)), .text(String(repeating: "a", count: 16_384)),
        .binary([UInt8](repeating: 1, count: 65_536)), .binary([UInt8](repeating: 1, count: 65_537)),
      ]
      for message in messages {
        let before = world.probes[0].receivedFrames
        world.command(.send(id, message))
        counts.append(world.probes[0].receivedFrames - before)
      }
      return .check(counts == [1, 3, 1, 4], "frames: \(counts), due are 1, 3, 1, 4")
    },
  ]
}

extension [(time: Double, report: InstanceReport)] {
  var firstFailure: PairingFailure? {
    for entry in self { if case .pairingFailed(let failure) = entry.report { return failure } }
    return nil
  }
  var successes: [PairingSuccess] {
    compactMap { if case .pairingSucceeded(let success) = $0.report { success } else { nil } }
  }
}
