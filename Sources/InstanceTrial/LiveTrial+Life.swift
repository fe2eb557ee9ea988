import Cryptobox
import Dispatch
import InstanceCases
import Network
import Results
import Wire

/// Whether there is an instance at all: a close or silence of nobody is no refusal.
extension LiveTrial {
  /// A good handshake until the channel stands, which takes the target's secret key. Nil when it does, else why not.
  ///
  /// It ends before a token is shown, so that no invitation is used up. `friend` is a peer that the target has paired
  /// with, once there is one: it is still let in when all invitations are used up.
  mutating func proveLife(_ target: PublicKey, _ url: WebSocketURL, _ friend: ProbePeer.Plan?) async -> String? {
    var plan = plan(.initiator, target: target, url: "\(url)")
    plan.misbehaviour = .silentBeforeToken
    if let friend {
      plan = ProbePeer.Plan(
        role: .initiator, own: friend.own, other: friend.other, target: friend.target, group: "chum")
    }
    var options = WebSocketClient.Options()
    options.trust = self.options.trust
    var why = ""
    // A listener may just be registering anew behind the case before.
    for attempt in 1...Self.attempts {
      do throws(WebSocketClient.Failure) {
        let client = try await WebSocketClient.connect(url, options: options)
        let probe = await LiveExchange().play(ProbePeer(plan, box: SodiumBox()), over: client) {
          Self.hasAnswered($0, $1)
        }
        if probe.seen.channel != nil { return nil }
        why = "no good handshake with it; came: \(probe.seen.words)"
      } catch { why = "\(error)" }
      if attempt < Self.attempts { await Self.pause() }
    }
    return why
  }

  private static let attempts = 3

  static func hasAnswered(_ probe: ProbePeer, _ now: Double) -> Bool {
    probe.isOver || probe.seen.channel != nil || now > 8_000
  }

  private static func pause() async {
    await withCheckedContinuation { continuation in
      DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(400)) { continuation.resume() }
    }
  }

  // MARK: Results in doubt

  /// Asks the target whether it lives; what waited for that is told, or lost. Gives why the target counts as dead.
  mutating func settle(
    _ target: PublicKey, _ url: WebSocketURL, _ friend: ProbePeer.Plan?, _ tell: (RunEvent) -> Void
  ) async -> String? {
    guard let failure = await proveLife(target, url, friend) else {
      keep(tell)
      return nil
    }
    lose(failure, tell)
    return failure
  }

  /// The target lives: its refusals were its own.
  mutating func keep(_ tell: (RunEvent) -> Void) {
    for result in unproven { take(result, tell) }
    unproven = []
  }

  mutating func lose(_ failure: String, _ tell: (RunEvent) -> Void) {
    for var result in unproven {
      (result.verdict, result.behaviour, result.close) = (.skipped, .skipped, .skipped)
      result.faults = []
      result.note = "nothing is known of it, since the target does not prove behind it that it lives: \(failure)"
      take(result, tell)
    }
    unproven = []
  }

  mutating func take(_ result: CaseResult, _ tell: (RunEvent) -> Void) {
    run.take(result, tell)
    if options.run.failsFast, result.verdict == .fail { run.cutShort() }
  }
}
