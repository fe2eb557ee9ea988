import CommServer
import Cryptobox
import FrameBytes
import Instance
import InstanceCases
import Network
import Results
import Testing
import Wire

@testable import InstanceTrial

@Suite("A target that is not there", .serialized)
struct LifeTests {
  private func server() async throws -> RelayServer {
    var settings = CommServerSettings(profile: .deployed)
    settings.socketsPerSecond = nil
    return try await RelayServer(ServerOptions(settings: settings))
  }

  private func run(_ invitation: Invitation, _ filter: [String]) async -> (summary: RunSummary, error: String?) {
    var options = LiveTrial.Options()
    options.run.filter = filter
    options.run.profile = .strict
    options.silence = 500
    var trial = LiveTrial(options)
    var error: String?
    let summary = await trial.inviter([invitation]) { event in
      if case .groupEnded(let group) = event, let found = group.error { error = found }
    }
    return (summary, error)
  }

  @Test func `an invitation of nobody is unreachable on a CommServer that lives`() async throws {
    let relay = try await server()
    let key = SeededRandom.key(2).publicKey.hex
    let (summary, error) = await run(
      Invitation(token: "t", publicKey: key, url: relay.url), ["HS-0*", "PR-009*", "CHUM-0*"])
    #expect(summary.exitCode == 3 && summary.ran == 0)
    #expect(summary.count(.skipped) > 20)
    #expect(error?.contains("no good handshake") == true)
    await relay.stop(grace: 500)
  }

  @Test func `a peer that answers with random bytes is unreachable, too`() async throws {
    let relay = try await server()
    let url = try #require(WebSocketURL(relay.url))
    var random = SystemRandom()
    let key = Identity.create(url: relay.url, random: &random, box: SodiumBox()).instanceKey
    let babbler = Task {
      while !Task.isCancelled {
        let host = try await LiveHost(url, key: key, trust: .system)
        try await host.waitForHandover(seconds: 20)
        host.client.send(binary: [UInt8](repeating: 0x5A, count: 88))
        host.client.close(CloseBody(code: 1_000, reason: "Close called."))
      }
    }
    let (summary, error) = await run(
      Invitation(token: "t", publicKey: key.publicKey.hex, url: relay.url), ["HS-0*", "PR-009*"])
    #expect(summary.exitCode == 3 && summary.ran == 0)
    #expect(error?.contains("no good handshake") == true)
    babbler.cancel()
    await relay.stop(grace: 500)
    _ = await babbler.result
  }

  @Test func `somebody who joins and is no instance is unreachable`() async throws {
    let relay = try await server()
    let url = try #require(WebSocketURL(relay.url))
    var options = LiveTrial.Options()
    options.run.filter = ["HS-0*/invitee*"]
    options.silence = 500
    options.joinTimeout = 20
    var trial = LiveTrial(options)
    var error: String?
    let summary = await trial.invitee(
      server: url,
      join: { invitation, _ in
        guard let client = try? await WebSocketClient.connect(url) else { return }
        let source = SeededRandom.key(4).publicKey.hex
        client.send(
          text: CommServerMessage.communicationRequest(source: source, target: invitation.publicKey).text)
        client.send(binary: [UInt8](repeating: 0x5A, count: 88))
        client.close(CloseBody(code: 1_000, reason: "Close called."))
      },
      done: {},
      { event in
        if case .groupEnded(let group) = event { error = group.error }
      })
    #expect(summary.exitCode == 3 && summary.ran == 0)
    #expect(error?.contains("no good handshake with whoever joined") == true, "\(error ?? "no error")")
    await relay.stop(grace: 500)
  }

  @Test func `results in doubt are lost when the target does not prove that it lives`() async throws {
    let relay = try await server()
    let url = try #require(WebSocketURL(relay.url))
    var trial = LiveTrial(LiveTrial.Options())
    trial.unproven = [trial.run.result("a", "t", [], .inviter, .base, .pass, nil, 0)]
    var told: [Verdict] = []
    let failure = await trial.settle(SeededRandom.key(5).publicKey, url, nil) { event in
      if case .result(let result) = event { told.append(result.verdict) }
    }
    #expect(failure != nil && told == [.skipped] && trial.unproven.isEmpty)
    await relay.stop(grace: 500)
  }

  @Test func `results carry the words of the catalogue`() {
    var options = InstanceRun.Options()
    options.filter = ["HS-003/inviter-good"]
    options.requirement = {
      CaseResult.Requirement(id: $0, level: "MUST", kind: "", severity: "", source: "here", text: "words of \($0)")
    }
    var run = InstanceRun(options)
    var texts: [String] = []
    _ = run.embedded { event in
      if case .result(let result) = event { texts += result.requirements.map(\.text) }
    }
    #expect(texts.contains("words of HS-003") && texts.allSatisfy { $0.hasPrefix("words of ") })
  }
}
