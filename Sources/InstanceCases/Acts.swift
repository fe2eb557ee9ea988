import Cryptobox
import Instance
import Wire

/// The exchange of a probe case, per kind of target, and what may come of it.
extension CaseContext {
  /// The end of an exchange as it is due.
  enum Due: Sendable {
    /// The target closes within so many ms of the act.
    case closes(within: Double)
    /// Deployed quirk: open after more than half a minute, and nothing but keep-alives.
    case staysSilent
    /// As if nothing had happened: the exchange goes through to its end.
    case goesThrough
    /// Either of these is fine.
    case closesOrSilent

    static let closesSoon = Due.closes(within: 2_000)
  }

  /// What the two profiles owe.
  struct Verdicts: Sendable {
    let strict: Due
    let deployed: Due
    /// What must not come after the act.
    var forbids: [Observation.Seen] = []
    /// What must not come at all.
    var never: [Observation.Seen] = []
    /// What must come in any case.
    var needs: [Observation.Seen] = []
    var isHardening = false
    /// For deviations that the deployed implementation does not notice at all.
    var forbidsInStrictOnly: Bool { if case .closesOrSilent = deployed { true } else { false } }
  }

  /// Plays one exchange and judges it.
  func exchange(
    _ target: InstanceCase.Target, _ misbehaviour: Misbehaviour?, _ verdicts: Verdicts, knows: Bool? = nil,
    change: (inout InstanceSettings) -> Void = { _ in }
  ) -> CaseOutcome {
    let played = play(target, misbehaviour, knows: knows, change: change)
    guard let probe = played.probe else { return .failed("the target never dialled") }
    return judge(probe, verdicts, played.world, target)
  }

  func play(
    _ target: InstanceCase.Target, _ misbehaviour: Misbehaviour?, knows: Bool? = nil,
    change: (inout InstanceSettings) -> Void = { _ in }
  ) -> (world: CaseWorld, probe: ProbePeer?) {
    let isKnown = knows ?? (target == .acceptor || target == .initiator)
    var world = world(knows: isKnown) {
      $0.storeDelay = 0
      change(&$0)
    }
    let replay = recorded(misbehaviour, target, &world)
    switch target {
    case .acceptor, .inviter:
      var plan = plan(.initiator, target == .acceptor ? "chum" : "pairing", misbehaviour)
      plan.recorded = replay
      if target == .inviter {
        world.command(.invite(InvitationRequest(token: Self.token)))
        plan.token = Self.token
      }
      plan.application = target == .acceptor ? "after" : nil
      world.connect(plan)
    case .initiator:
      world.waiting = [plan(.acceptor, "chum", misbehaviour)]
      world.start()
    case .invitee:
      world.waiting = [plan(.acceptor, "pairing", misbehaviour)]
      world.command(.join(probeInvitation, JoinOptions()))
    case .listener, .exporter, .importer: break
    }
    let index = target == .acceptor || target == .inviter ? world.probes.count - 1 : 0
    world.advance(by: 1_900)
    // A minute is longer than every limit of a step, and shorter than what keep-alives could not carry.
    if world.probes.indices.contains(index), !world.probes[index].isOver { world.advance(by: 40_000) }
    return (world, world.probes.indices.contains(index) ? world.probes[index] : nil)
  }

  /// H1 and H3 of an honest connection before, for a replay.
  private func recorded(
    _ misbehaviour: Misbehaviour?, _ target: InstanceCase.Target, _ world: inout CaseWorld
  ) -> (request: String, key: [UInt8])? {
    guard misbehaviour == .h3Replayed else { return nil }
    let index = world.connect(plan(.initiator, target == .inviter ? "pairing" : "chum"))
    world.advance(by: 3_000)
    world.cut(probe: index)
    return world.probes[index].recording
  }

  // MARK: Judging

  private func judge(
    _ probe: ProbePeer, _ verdicts: Verdicts, _ world: CaseWorld, _ target: InstanceCase.Target
  ) -> CaseOutcome {
    let seen = probe.seen
    let due = isStrict ? verdicts.strict : verdicts.deployed
    // What the deployed implementation lets through is bound in strict only.
    let isBound = isStrict || !verdicts.isHardening
    for what in verdicts.never where isBound && seen.saw(what) { return .failed("\(what.rawValue) came") }
    for what in verdicts.needs where !seen.saw(what) { return .failed("\(what.rawValue) did not come") }
    if let unwanted = stored(world, target, due) { return unwanted }
    switch due {
    case .closes(let limit):
      guard let closed = seen.closedAt else { return .failed("still open; came: \(seen.words)") }
      let since = seen.actedAt ?? closed
      if closed - since > limit { return .failed("closed only after \(Int(closed - since)) ms") }
      return forbidden(seen, verdicts)
    case .staysSilent:
      if let closed = seen.closedAt {
        return .failed("closed after \(Int(closed - (seen.actedAt ?? 0))) ms, the deployed one stays open")
      }
      return forbidden(seen, verdicts)
    case .closesOrSilent: return forbidden(seen, verdicts)
    case .goesThrough:
      return CaseOutcome.check(hasGoneThrough(probe, world, target), "did not go through; came: \(seen.words)")
    }
  }

  private func forbidden(_ seen: Observation, _ verdicts: Verdicts) -> CaseOutcome {
    guard isStrict || !verdicts.isHardening || !verdicts.forbidsInStrictOnly else { return .passed }
    for what in verdicts.forbids where seen.afterAct.contains(what) {
      return .failed("\(what.rawValue) came behind the fault")
    }
    return .passed
  }

  /// A target of our own also shows whether it trusted anybody; a foreign one shows it by dialling.
  private func stored(_ world: CaseWorld, _ target: InstanceCase.Target, _ due: Due) -> CaseOutcome? {
    guard target == .inviter || target == .invitee, isStrict || target == .invitee else { return nil }
    if case .goesThrough = due { return nil }
    if case .closesOrSilent = due, !isStrict { return nil }
    let succeeded = world.reports.contains { if case .pairingSucceeded = $0.report { true } else { false } }
    return succeeded ? .failed("a pairing was reported as a success") : nil
  }

  func hasGoneThrough(_ probe: ProbePeer, _ world: CaseWorld, _ target: InstanceCase.Target) -> Bool {
    let successes = world.reports.count { if case .pairingSucceeded = $0.report { true } else { false } }
    switch target {
    case _ where !probe.seen.faults.isEmpty: return false
    case .inviter: return probe.seen.saw(.identity) && successes == 1
    case .invitee: return probe.seen.saw(.identity) && successes == 1
    case .acceptor: return probe.seen.saw(.synchronisation) && probe.seen.closedAt == nil
    case .initiator: return probe.seen.saw(.synchronisation) && probe.seen.closedAt == nil
    case .listener, .exporter, .importer: return false
    }
  }

}

extension Observation {
  /// What came behind the bad act.
  var afterAct: ArraySlice<Seen> { actedAt == nil ? [] : seen[min(seenAtAct, seen.count)...] }
}
