import CommServer
import Cryptobox
import Foundation
import Instance
import InstanceCases
import InstanceTrial
import Invariants
import Network
import Recording
import Replay
import Results
import Synchronization
import Testing
import Wire
import WireBytes

@Suite(.serialized) struct TrialTests {
  private func server(_ profile: Profile = .deployed) async throws -> RelayServer {
    var settings = CommServerSettings(profile: profile)
    // Many probes come from one address within a second.
    settings.socketsPerSecond = nil
    settings.requestsPerMinute = nil
    return try await RelayServer(ServerOptions(settings: settings))
  }

  private func identity(_ url: String) -> Identity {
    var random = SystemRandom()
    return Identity.create(url: url, random: &random, box: SodiumBox())
  }

  /// The first report that fits, and everything before it.
  private func wait<Found>(
    _ driver: InstanceDriver, for find: (InstanceReport) -> Found?
  ) async -> Found? {
    for await report in driver.reports { if let found = find(report) { return found } }
    return nil
  }

  private func driver(
    _ url: String, _ profile: Profile, broker: InstanceSettings.BrokerPolicy = .off,
    options: InstanceDriver.Options = .init()
  ) -> InstanceDriver {
    var settings = InstanceSettings(profile: profile)
    settings.broker = broker
    settings.reconnectDelay = 500
    return InstanceDriver(
      Instance(settings: settings, keychain: Keychain([identity(url)]), box: SodiumBox()), options: options)
  }

  @Test(arguments: Profile.allCases, InstanceSettings.BrokerPolicy.allCases)
  func `two instances pair over sockets and their chum connection comes up`(
    profile: Profile, broker: InstanceSettings.BrokerPolicy
  ) async throws {
    let relay = try await server(broker == .off ? profile : .strict)
    let lines = Mutex<[String]>([])
    let keys = Mutex<[String]>([])
    var options = InstanceDriver.Options()
    options.record = { line in lines.withLock { $0.append(line) } }
    options.keyLog = { line in keys.withLock { $0.append(line) } }
    let inviter = driver(relay.url, profile, broker: broker, options: options)
    let invitee = driver(relay.url, profile, broker: broker)
    await inviter.start()
    _ = await wait(inviter) { if case .listener(_, .listening) = $0 { true } else { nil } }
    await inviter.command(.invite(InvitationRequest(mode: .iom)))
    let invitation = try #require(
      await wait(inviter) { if case .invitationCreated(let made, _, _) = $0 { made } else { nil } })
    if broker != .off { _ = await wait(inviter) { if case .invitationStored = $0 { true } else { nil } } }
    await invitee.start()
    await invitee.command(.join(invitation, JoinOptions(mode: .iom)))
    let joined = try #require(
      await wait(invitee) { if case .pairingSucceeded(let success) = $0 { success } else { nil } })
    let invited = try #require(
      await wait(inviter) { if case .pairingSucceeded(let success) = $0 { success } else { nil } })
    #expect(joined.initiatedLocally && !invited.initiatedLocally)
    #expect(joined.remotePerson == invited.localPerson && invited.remoteInstance == joined.localInstance)
    #expect(joined.mode == .iom && invited.mode == .iom)
    let ready = await wait(invitee) { if case .ready(_, let record) = $0 { record } else { nil } }
    #expect(ready?.person == invited.localPerson)
    await invitee.stop()
    await inviter.stop()
    await relay.stop(grace: 500)
    // The inviter's own recording replays with everything opened and nothing found.
    let text = #"{"type":"header","format":"one-ws-recording/1"}"# + "\n" + lines.withLock { $0.joined() }
    var judging = SessionReader<MemorySource>.Options()
    judging.keyLogs = [(name: "keys", bytes: Array(keys.withLock { $0.joined() }.utf8))]
    var judge = try SessionJudge(file: "session", source: MemorySource(Array(text.utf8)), options: judging)
    let verdict = try judge.run()
    let found = verdict.findings.filter { profile == .strict || $0.level(.deployed) == .failure }
    #expect(found.map { "\($0.rule.id) line \($0.line)" } == [])
    #expect(verdict.openedFrames > 10 && verdict.openedFrames == verdict.encryptedFrames)
  }

  @Test func `a live inviter of ours passes through a CommServer, and the exhausted invitation skips cases`()
    async throws
  {
    let relay = try await server()
    let inviter = driver(relay.url, .strict)
    await inviter.start()
    _ = await wait(inviter) { if case .listener(_, .listening) = $0 { true } else { nil } }
    await inviter.command(.invite(InvitationRequest()))
    let invitation = try #require(
      await wait(inviter) { if case .invitationCreated(let made, _, _) = $0 { made } else { nil } })
    var options = LiveTrial.Options()
    options.run.profile = .strict
    options.run.clock = { Double(DispatchTime.now().uptimeNanoseconds) / 1e6 }
    options.run.filter = ["HS-0*", "PR-009*", "PA-004/*wrong", "ENC-01*", "HS-003/inviter-good"]
    var trial = LiveTrial(options)
    var failures: [String] = []
    let summary = await trial.inviter([invitation]) { event in
      if case .result(let result) = event, result.verdict == .fail { failures.append("\(result.id): \(result.faults)") }
    }
    #expect(failures == [])
    #expect(summary.count(.pass) >= 10)
    #expect(summary.count(.skipped) >= 1)
    #expect(summary.exitCode == 0)
    await inviter.stop()
    await relay.stop(grace: 500)
  }

  @Test func `a live invitee of ours passes, and one that takes any proof fails`() async throws {
    let relay = try await server()
    for defects in [Set<Defect>(), [.acceptsAnyProof]] {
      var options = LiveTrial.Options()
      options.run.profile = .strict
      options.run.clock = { Double(DispatchTime.now().uptimeNanoseconds) / 1e6 }
      options.run.filter = ["PR-009/invitee*", "PR-001*", "HS-001/invitee-good"]
      options.joinTimeout = 20
      var trial = LiveTrial(options)
      let url = try #require(WebSocketURL(relay.url))
      let current = Mutex<InstanceDriver?>(nil)
      let summary = await trial.invitee(
        server: url,
        join: { invitation, _ in
          var settings = InstanceSettings.strict
          settings.broker = .off
          settings.defects = defects
          let target = InstanceDriver(
            Instance(settings: settings, keychain: Keychain([identity(relay.url)]), box: SodiumBox()))
          current.withLock { $0 = target }
          await target.command(.join(invitation, JoinOptions()))
        },
        done: { await current.withLock { $0.take() }?.stop() },
        { _ in })
      #expect(summary.ran >= 3)
      #expect(summary.exitCode == (defects.isEmpty ? 0 : 1))
    }
    await relay.stop(grace: 500)
  }

  @Test func `nobody there is unreachable, and a filter that fits nothing ran nothing`() async throws {
    var options = LiveTrial.Options()
    var trial = LiveTrial(options)
    let key = SeededRandom.key(2).publicKey.hex
    let gone = Invitation(token: "t", publicKey: key, url: "ws://127.0.0.1:1")
    #expect(await trial.inviter([gone]) { _ in }.exitCode == 3)
    options.run.filter = ["nothing"]
    var none = InstanceRun(options.run)
    #expect(none.embedded { _ in }.exitCode == 4)
  }

  @Test func `the embedded instance: strict passes, deployed passes with warnings for its hardening`() {
    for profile in Profile.allCases {
      var options = InstanceRun.Options()
      options.profile = profile
      var run = InstanceRun(options)
      let summary = run.embedded { _ in }
      #expect(summary.exitCode == 0)
      #expect(summary.count(.fail) == 0)
      #expect(profile == .strict ? summary.count(.nonStrict) == 0 : summary.count(.nonStrict) > 30)
    }
    var options = InstanceRun.Options()
    options.profile = .strict
    options.defects = [.tokenRace]
    var run = InstanceRun(options)
    #expect(run.embedded { _ in }.exitCode == 1)
  }
}
