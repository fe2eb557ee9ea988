import Cryptobox
import Dispatch
import FrameBytes
import Instance
public import InstanceCases
public import Network
public import Results
public import Wire

/// The cases against an instance that is reached over sockets: a real app, or another process.
public struct LiveTrial {
  public struct Options: Sendable {
    public var run = InstanceRun.Options()
    public var trust = TLSTrust.system
    /// The target itself answers under the URL, without a CommServer in between.
    public var isDirect = false
    /// Cases whose decision takes longer are skipped, ms.
    public var patience = 10_000.0
    /// Ms without a close that count as staying open.
    public var silence = 3_000.0
    /// Seconds to wait for the target to join.
    public var joinTimeout = 120.0

    public init() {}
  }

  let options: Options
  var run: InstanceRun
  var random = SystemRandom()
  /// Results of cases that had no channel with the target, until the target has proven again that it lives.
  var unproven: [CaseResult] = []
  private var hasPaired = false
  /// So many results may wait for that.
  private static let longestDoubt = 8

  public init(_ options: Options) {
    self.options = options
    run = InstanceRun(options.run)
  }

  mutating func plan(_ role: HandshakeRole, target: PublicKey, url: String?) -> ProbePeer.Plan {
    let box = SodiumBox()
    let own = Identity.create(url: url, random: &random, box: box)
    let other = Identity.create(url: url, random: &random, box: box)
    return ProbePeer.Plan(role: role, own: own, other: other, target: target, group: "pairing")
  }

  private func skipReason(_ one: LiveCase) -> String? {
    if one.isAboutRequest, !options.isDirect {
      return "the CommServer in between takes such requests itself; use --direct"
    }
    let wait = one.patience(options.run.profile, silence: options.silence)
    if wait > options.patience {
      return "takes \(Int(wait / 1_000)) s; --patience allows \(Int(options.patience / 1_000))"
    }
    return nil
  }

  // MARK: The target is the inviter

  /// Uses the invitations one by one; cases that would need another one are skipped.
  ///
  /// A target that is not there closes, too, or is silent. So it has to prove first that it lives, and a case that saw
  /// no channel of its own counts only once the target has proven it again behind the case.
  public mutating func inviter(
    _ invitations: [Invitation], _ tell: (RunEvent) -> Void
  ) async -> RunSummary {
    let cases = InstanceCatalogue.liveCases(.inviter).filter {
      options.run.selects($0.id, $0.requires, .inviter)
    }
    let chumCases = InstanceCatalogue.chumCases.filter { options.run.selects($0.id, $0.requires, $0.target) }
    let began = options.run.clock()
    run.begin(
      invitations.first?.url ?? "nobody", options.isDirect ? "direct" : "through a CommServer",
      cases.count + chumCases.count, tell)
    guard let first = invitations.first, let url = WebSocketURL(first.url), let key = PublicKey(hex: first.publicKey)
    else { return run.end(0, unreachable: "no invitation with a key and a ws or wss url", tell) }
    run.beginGroup("inviter", cases.count, tell)
    // What uses up the invitation comes last, so that the rest has it. The good pairing comes first of those, because
    // CHUM goes on with its identity.
    let using = cases.filter(\.usesInvitation)
    let order =
      cases.filter { !$0.usesInvitation } + using.filter { $0.misbehaviour == nil }
      + using.filter { $0.misbehaviour != nil }
    var friend: ProbePeer.Plan?
    var failure = order.isEmpty ? nil : await proveLife(key, url, nil)
    var left = invitations[...]
    for one in order {
      if let failure {
        skip(one, "the target does not prove that it lives: \(failure)", tell)
        continue
      }
      if run.summary.wasCutShort { break }
      if let reason = skipReason(one) {
        skip(one, reason, tell)
        continue
      }
      var plan = plan(.initiator, target: key, url: first.url)
      plan.token = first.token
      if one.usesInvitation {
        guard let next = left.popFirst() else {
          skip(one, "needs an invitation of its own; hand over more of them", tell)
          continue
        }
        plan.token = next.token
      }
      plan.misbehaviour = one.misbehaviour
      failure = await play(one, plan, url, friend, tell)
      if one.misbehaviour == nil, hasPaired { friend = plan }
    }
    if failure == nil, !unproven.isEmpty { failure = await settle(key, url, friend, tell) }
    run.endGroup("inviter", options.run.clock() - began, error: failure, tell)
    if !run.summary.wasCutShort { await chum(failure == nil ? friend : nil, chumCases, url, tell) }
    return run.end(
      options.run.clock() - began, unreachable: run.summary.unexpectedFailures == 0 ? failure : nil, tell)
  }

  /// Plays one case and judges it; gives why the target counts as dead.
  private mutating func play(
    _ one: LiveCase, _ plan: ProbePeer.Plan, _ url: WebSocketURL, _ friend: ProbePeer.Plan?, _ tell: (RunEvent) -> Void
  ) async -> String? {
    let start = options.run.clock()
    hasPaired = false
    for attempt in 1...3 {
      let probe: ProbePeer
      do throws(WebSocketClient.Failure) {
        let exchange = LiveExchange(silence: options.silence)
        probe = await exchange.play(
          ProbePeer(plan, box: SodiumBox()), over: try await connect(url), one, options.run.profile)
      } catch {
        lose("\(error)", tell)
        skip(one, "no connection: \(error)", tell)
        return "\(error)"
      }
      hasPaired = one.hasGoneThrough(probe.seen)
      var result = result(one, probe, options.run.clock() - start)
      // Behind a CommServer nothing of a case has reached the target before the target said that it is ready.
      if !options.isDirect, !probe.seen.saw(.ready) {
        if let failure = await settle(plan.target, url, friend, tell) {
          skip(one, "the target does not prove that it lives: \(failure)", tell)
          return failure
        }
        if attempt < 3 { continue }
        (result.verdict, result.behaviour) = (.error, .error)
        result.faults = ["the target lives, but the case did not reach it in three attempts; came: \(probe.seen.words)"]
        take(result, tell)
        return nil
      }
      unproven.append(result)
      if probe.seen.channel != nil {
        keep(tell)
        return nil
      }
      guard unproven.count >= Self.longestDoubt || options.run.failsFast && result.isUnexpected else { return nil }
      return await settle(plan.target, url, friend, tell)
    }
    return nil
  }

  private func connect(_ url: WebSocketURL) async throws(WebSocketClient.Failure) -> WebSocketClient {
    var clientOptions = WebSocketClient.Options()
    clientOptions.trust = options.trust
    return try await WebSocketClient.connect(url, options: clientOptions)
  }

  // MARK: CHUM with a target that knows us

  /// Each case on a connection of its own, dialled by the identity that was paired before.
  private mutating func chum(
    _ friend: ProbePeer.Plan?, _ cases: [LiveChumCase], _ url: WebSocketURL, _ tell: (RunEvent) -> Void
  ) async {
    for target in [InstanceCase.Target.exporter, .importer] {
      let group = cases.filter { $0.target == target }
      if group.isEmpty || run.summary.wasCutShort { continue }
      let began = options.run.clock()
      run.beginGroup(target.rawValue, group.count, tell)
      var failure: String?
      for one in group where failure == nil && !run.summary.wasCutShort {
        if let reason = one.unsupported {
          take(one, .unsupported, reason, 0, tell)
        } else if one.patience > options.patience + 2_000 {
          let times = "takes \(Int(one.patience / 1_000)) s; --patience allows \(Int(options.patience / 1_000))"
          take(one, .skipped, times, 0, tell)
        } else if let friend {
          failure = await chum(one, friend, url, tell)
        } else {
          take(one, .skipped, "no pairing went through before it", 0, tell)
        }
      }
      run.endGroup(target.rawValue, options.run.clock() - began, error: failure, tell)
    }
  }

  private mutating func chum(
    _ one: LiveChumCase, _ friend: ProbePeer.Plan, _ url: WebSocketURL, _ tell: (RunEvent) -> Void
  ) async -> String? {
    var base = ProbePeer.Plan(
      role: .initiator, own: friend.own, other: friend.other, target: friend.target, group: "chum")
    base = one.plan(base)
    let start = options.run.clock()
    do throws(WebSocketClient.Failure) {
      let client = try await connect(url)
      let probe = await LiveExchange(silence: options.silence).play(ProbePeer(base, box: SodiumBox()), over: client) {
        one.isDecided($0, after: $1)
      }
      if probe.seen.channel == nil, let failure = await proveLife(friend.target, url, friend) {
        take(one, .skipped, "the target does not prove that it lives: \(failure)", 0, tell)
        return failure
      }
      let profile = options.run.profile
      var (verdict, detail) = InstanceRun.verdict(one.judge(probe, by: profile), one.binding, profile)
      if profile == .deployed, one.binding == .hardening {
        switch one.judge(probe, by: .strict) {
        case .passed: (verdict, detail) = (.pass, nil)
        case .failed(let why): (verdict, detail) = (.nonStrict, why)
        }
      }
      take(one, verdict, detail, options.run.clock() - start, tell)
      if options.run.failsFast, verdict == .fail { run.cutShort() }
      return nil
    } catch { return "\(error)" }
  }

  private mutating func take(
    _ one: LiveChumCase, _ verdict: Verdict, _ detail: String?, _ time: Double, _ tell: (RunEvent) -> Void
  ) {
    run.take(run.result(one.id, one.title, one.requires, one.target, one.binding, verdict, detail, time), tell)
  }

  // MARK: The target is the invitee

  /// Registers a probe for each case, hands its invitation to `join`, and waits for the target to come.
  public mutating func invitee(
    server: WebSocketURL, join: (Invitation, LiveCase) async -> Void, done: () async -> Void,
    _ tell: (RunEvent) -> Void
  ) async -> RunSummary {
    let selected = InstanceCatalogue.liveCases(.invitee).filter {
      options.run.selects($0.id, $0.requires, .invitee)
    }
    // A good exchange proves that an instance joins, so it comes first.
    let cases = selected.filter { $0.misbehaviour == nil } + selected.filter { $0.misbehaviour != nil }
    let began = options.run.clock()
    run.begin("whoever joins at \(server)", "through a CommServer", cases.count, tell)
    run.beginGroup("invitee", cases.count, tell)
    var failure: String?
    var last: LiveCase?
    for one in cases {
      if let failure {
        skip(one, "no instance joins: \(failure)", tell)
        continue
      }
      if run.summary.wasCutShort { break }
      if let reason = skipReason(one) {
        skip(one, reason, tell)
        continue
      }
      let start = options.run.clock()
      last = one
      do throws(LiveHost.Failure) {
        let probe = try await host(server, one, join)
        await done()
        unproven.append(result(one, probe, options.run.clock() - start))
        if probe.seen.channel != nil {
          keep(tell)
        } else if one.misbehaviour == nil, run.summary.ran == 0 {
          failure = "no good handshake with whoever joined; came: \(probe.seen.words)"
        }
      } catch {
        await done()
        failure = "\(error)"
        skip(one, "no instance joins: \(error)", tell)
      }
    }
    // What had no channel counts only when somebody who joins once more has one.
    if failure == nil, !unproven.isEmpty, let last {
      do throws(LiveHost.Failure) {
        let probe = try await host(server, last, isGood: true, join)
        if probe.seen.channel == nil { failure = "no good handshake with whoever joined; came: \(probe.seen.words)" }
      } catch { failure = "\(error)" }
      await done()
      if failure == nil { keep(tell) }
    }
    if let failure { lose(failure, tell) }
    run.endGroup("invitee", options.run.clock() - began, error: failure, tell)
    return run.end(options.run.clock() - began, unreachable: run.summary.unexpectedFailures == 0 ? failure : nil, tell)
  }

  /// Is the inviter of one case; with `isGood` a good one, that ends once the channel stands.
  private mutating func host(
    _ server: WebSocketURL, _ one: LiveCase, isGood: Bool = false, _ join: (Invitation, LiveCase) async -> Void
  ) async throws(LiveHost.Failure) -> ProbePeer {
    var plan = plan(.acceptor, target: ProbePeer.somebody, url: "\(server)")
    plan.misbehaviour = isGood ? nil : one.misbehaviour
    let host = try await LiveHost(server, key: plan.own.instanceKey, trust: options.trust)
    let token = TokenAlphabet.draw(random: &random)
    await join(Invitation(token: token, publicKey: plan.own.instanceKey.publicKey.hex, url: "\(server)"), one)
    try await host.waitForHandover(seconds: options.joinTimeout)
    let exchange = LiveExchange(silence: options.silence)
    let probe = ProbePeer(plan, box: SodiumBox())
    guard isGood else { return await exchange.play(probe, over: host.client, one, options.run.profile) }
    return await exchange.play(probe, over: host.client) { Self.hasAnswered($0, $1) }
  }

  // MARK: Verdicts

  private func result(_ one: LiveCase, _ probe: ProbePeer, _ time: Double) -> CaseResult {
    let profile = options.run.profile
    var (verdict, detail) = InstanceRun.verdict(one.judge(probe.seen, by: profile), one.binding, profile)
    if profile == .deployed, one.binding == .hardening {
      // A target that is hardened where the deployed one is not is never wrong.
      let hardened = one.judge(probe.seen, by: .strict)
      if hardened.isPass {
        (verdict, detail) = (.pass, nil)
      } else if case .failed(let why) = hardened {
        (verdict, detail) = (.nonStrict, why)
      }
    }
    return run.result(one.id, one.title, one.requires, one.target, one.binding, verdict, detail, time)
  }

  private mutating func skip(_ one: LiveCase, _ reason: String, _ tell: (RunEvent) -> Void) {
    run.take(run.result(one.id, one.title, one.requires, one.target, one.binding, .skipped, reason, 0), tell)
  }
}
