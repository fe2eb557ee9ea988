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

  private let options: Options
  private var run: InstanceRun
  private var random = SystemRandom()

  public init(_ options: Options) {
    self.options = options
    run = InstanceRun(options.run)
  }

  private mutating func plan(_ role: HandshakeRole, target: PublicKey, url: String?) -> ProbePeer.Plan {
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
    var left = invitations[...]
    run.beginGroup("inviter", cases.count, tell)
    // What uses up the invitation comes last, so that the rest has it.
    let using = cases.filter(\.usesInvitation)
    let order = cases.filter { !$0.usesInvitation } + using.filter { $0.misbehaviour == nil }
    // The good pairing comes first of those, because CHUM goes on with its identity.
    var friend: ProbePeer.Plan?
    for one in order + using.filter({ $0.misbehaviour != nil }) {
      let start = options.run.clock()
      if let reason = skipReason(one) {
        skip(one, reason, tell)
        continue
      }
      var token = first.token
      if one.usesInvitation {
        guard let next = left.popFirst() else {
          skip(one, "needs an invitation of its own; hand over more of them", tell)
          continue
        }
        token = next.token
      }
      var plan = plan(.initiator, target: key, url: first.url)
      plan.token = token
      plan.misbehaviour = one.misbehaviour
      var clientOptions = WebSocketClient.Options()
      clientOptions.trust = options.trust
      do throws(WebSocketClient.Failure) {
        let client = try await WebSocketClient.connect(url, options: clientOptions)
        let exchange = LiveExchange(silence: options.silence)
        let probe = await exchange.play(
          ProbePeer(plan, box: SodiumBox()), over: client, one, options.run.profile)
        if one.misbehaviour == nil, one.hasGoneThrough(probe.seen) { friend = plan }
        judge(one, probe, options.run.clock() - start, tell)
      } catch {
        run.endGroup("inviter", options.run.clock() - began, error: "\(error)", tell)
        return run.end(options.run.clock() - began, unreachable: run.summary.ran == 0 ? "\(error)" : nil, tell)
      }
      if run.summary.wasCutShort { break }
    }
    run.endGroup("inviter", options.run.clock() - began, tell)
    if !run.summary.wasCutShort { await chum(friend, chumCases, url, tell) }
    return run.end(options.run.clock() - began, tell)
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
          take(
            one, .skipped, "takes \(Int(one.patience / 1_000)) s; --patience allows \(Int(options.patience / 1_000))",
            0, tell)
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
    var clientOptions = WebSocketClient.Options()
    clientOptions.trust = options.trust
    let start = options.run.clock()
    do throws(WebSocketClient.Failure) {
      let client = try await WebSocketClient.connect(url, options: clientOptions)
      let probe = await LiveExchange(silence: options.silence).play(ProbePeer(base, box: SodiumBox()), over: client) {
        one.isDecided($0, after: $1)
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
    let cases = InstanceCatalogue.liveCases(.invitee).filter {
      options.run.selects($0.id, $0.requires, .invitee)
    }
    let began = options.run.clock()
    run.begin("whoever joins at \(server)", "through a CommServer", cases.count, tell)
    run.beginGroup("invitee", cases.count, tell)
    var failure: LiveHost.Failure?
    for one in cases {
      let start = options.run.clock()
      if let reason = skipReason(one) {
        skip(one, reason, tell)
        continue
      }
      var plan = plan(.acceptor, target: ProbePeer.somebody, url: "\(server)")
      plan.misbehaviour = one.misbehaviour
      do throws(LiveHost.Failure) {
        let host = try await LiveHost(server, key: plan.own.instanceKey, trust: options.trust)
        let token = TokenAlphabet.draw(random: &random)
        await join(Invitation(token: token, publicKey: plan.own.instanceKey.publicKey.hex, url: "\(server)"), one)
        try await host.waitForHandover(seconds: options.joinTimeout)
        let exchange = LiveExchange(silence: options.silence)
        let probe = await exchange.play(
          ProbePeer(plan, box: SodiumBox()), over: host.client, one, options.run.profile)
        await done()
        judge(one, probe, options.run.clock() - start, tell)
      } catch {
        await done()
        failure = error
      }
      if failure != nil || run.summary.wasCutShort { break }
    }
    run.endGroup("invitee", options.run.clock() - began, error: failure.map { "\($0)" }, tell)
    let isUnreachable = run.summary.ran == 0 && failure != nil
    return run.end(options.run.clock() - began, unreachable: isUnreachable ? failure.map { "\($0)" } : nil, tell)
  }

  // MARK: Verdicts

  private mutating func judge(_ one: LiveCase, _ probe: ProbePeer, _ time: Double, _ tell: (RunEvent) -> Void) {
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
    run.take(run.result(one.id, one.title, one.requires, one.target, one.binding, verdict, detail, time), tell)
    if options.run.failsFast, verdict == .fail { run.cutShort() }
  }

  private mutating func skip(_ one: LiveCase, _ reason: String, _ tell: (RunEvent) -> Void) {
    run.take(run.result(one.id, one.title, one.requires, one.target, one.binding, .skipped, reason, 0), tell)
  }
}
