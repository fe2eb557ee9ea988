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
    let began = options.run.clock()
    run.begin(
      invitations.first?.url ?? "nobody", options.isDirect ? "direct" : "through a CommServer", cases.count, tell)
    guard let first = invitations.first, let url = WebSocketURL(first.url), let key = PublicKey(hex: first.publicKey)
    else { return run.end(0, unreachable: "no invitation with a key and a ws or wss url", tell) }
    var left = invitations[...]
    run.beginGroup("inviter", cases.count, tell)
    // What uses up the invitation comes last, so that the rest has it.
    for one in cases.filter({ !$0.usesInvitation }) + cases.filter(\.usesInvitation) {
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
        judge(one, probe, options.run.clock() - start, tell)
      } catch {
        run.endGroup("inviter", options.run.clock() - began, error: "\(error)", tell)
        return run.end(options.run.clock() - began, unreachable: run.summary.ran == 0 ? "\(error)" : nil, tell)
      }
      if run.summary.wasCutShort { break }
    }
    run.endGroup("inviter", options.run.clock() - began, tell)
    return run.end(options.run.clock() - began, tell)
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
