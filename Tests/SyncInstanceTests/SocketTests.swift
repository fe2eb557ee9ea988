import Chum
import CommServer
import Cryptobox
import Foundation
import Instance
import Invariants
import Microdata
import Network
import Recording
import Replay
import Store
import SyncInstance
import Synchronization
import Testing
import Trace
import Wire
import WireBytes

/// Two complete instances over a CommServer on loopback.
@Suite(.serialized) struct SocketTests {
  private typealias Driver = MachineDriver<SyncInstance<MemoryStore>>

  private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var bytes: [UInt8] { Array(lines.withLock { $0.joined() }.utf8) }
  }

  private struct Party {
    let driver: Driver
    let identity: Identity
    let record: Lines
    let keys: Lines
    let log: Lines
  }

  private func party(
    _ url: String, _ profile: Profile, epoch: Double, store: MemoryStore = MemoryStore(), identity: Identity? = nil
  ) throws -> Party {
    var random = SystemRandom()
    let identity = identity ?? Identity.create(url: url, random: &random, box: SodiumBox())
    var settings = SyncSettings(profile: profile)
    settings.instance.broker = .off
    settings.instance.redialDelay = 300
    settings.instance.storeDelay = 0
    settings.pollInterval = 200
    settings.affirmsIoM = true
    let repository = Repository(
      store: store, codec: try MicrodataObjectCodec.standard(profile == .strict ? .strict : .deployed))
    let machine = try SyncInstance(
      settings, keychain: Keychain([identity]), repository: repository, epoch: epoch, box: SodiumBox())
    let (record, keys, log) = (Lines(), Lines(), Lines())
    var options = Driver.Options()
    options.record = { record.add($0) }
    options.keyLog = { keys.add($0) }
    options.clockStart = Date().timeIntervalSince1970 * 1_000 - epoch
    options.tap = { output, now, _ in
      guard case .log(_, let fact) = output else { return true }
      let event = LogEvent(peer: identity.instanceId, fact)
      log.add(JSONValue.object(event.json(time: now)).compact + "\n")
      return false
    }
    return Party(driver: Driver(machine, options: options), identity: identity, record: record, keys: keys, log: log)
  }

  /// Reads what is told until it fits.
  private func wait<Found>(_ party: Party, for find: (SyncOutput) -> Found?) async -> Found? {
    for await output in party.driver.reports { if let found = find(output) { return found } }
    return nil
  }

  private func isListening(_ party: Party) async {
    _ = await wait(party) { if case .connection(.listener(_, .listening)) = $0 { true } else { nil } }
  }

  private func pair(_ alice: Party, _ bob: Party, mode: Invitation.Mode) async throws {
    await alice.driver.start()
    await isListening(alice)
    await alice.driver.command(.instance(.invite(InvitationRequest(mode: mode))))
    let invitation = try #require(
      await wait(alice) { if case .connection(.invitationCreated(let made, _, _)) = $0 { made } else { nil } })
    await bob.driver.start()
    await isListening(bob)
    await bob.driver.command(.instance(.join(invitation, JoinOptions(mode: mode))))
  }

  @Test(arguments: Profile.allCases)
  func `over sockets: pairing, IoM, chat both ways, a file, and the recording with both logs replays without a failure`(
    profile: Profile
  ) async throws {
    let epoch = (Date().timeIntervalSince1970 * 1_000).rounded()
    var server = CommServerSettings(profile: profile)
    server.socketsPerSecond = nil
    server.requestsPerMinute = nil
    let relay = try await RelayServer(ServerOptions(settings: server))
    let alice = try party(relay.url, profile, epoch: epoch)
    let bob = try party(relay.url, profile, epoch: epoch)
    let size = 2_000_000
    let (blob, descriptor) = try await alice.driver.with { machine, _ in
      let ticket = try machine.host.repository.store.beginFile()
      let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 9) }
      try machine.host.repository.store.append(content, to: ticket)
      let blob = try machine.host.repository.store.finishFile(ticket, kind: .blob, expected: nil).hash
      let object = OneObject([
        "$type$": "BlobDescriptor", "data": .reference(blob), "lastModified": 1, "name": "file.bin",
        "size": .number(Double(size)), "type": "application/octet-stream",
      ])
      return (blob, try machine.host.repository.storeObject(object))
    }
    try await pair(alice, bob, mode: .iom)
    await alice.driver.command(.offer(.object(descriptor)))
    let toBob = try #require(ObjectHash(hex: bob.identity.personId))
    let toAlice = try #require(ObjectHash(hex: alice.identity.personId))
    _ = await wait(bob) { if case .sync(.file(let line)) = $0, line.blob == blob { true } else { nil } }
    await alice.driver.command(.say("Hello Bob", to: toBob, attachments: []))
    let heard = await wait(bob) { if case .sync(.message(let line)) = $0, !line.isOwn { line.text } else { nil } }
    #expect(heard == "Hello Bob")
    await bob.driver.command(.say("Hi Alice", to: toAlice, attachments: []))
    let answer = await wait(alice) { if case .sync(.message(let line)) = $0, !line.isOwn { line.text } else { nil } }
    #expect(answer == "Hi Alice")
    let stored = await bob.driver.with { machine, _ in machine.host.repository.store.entry(blob)?.size }
    #expect(stored == size)
    let complete = await bob.driver.with { machine, _ in machine.completeRequests.count }
    #expect(complete == 1)
    // The next round of both fetches nothing.
    for party in [alice, bob] {
      let quiet = await wait(party) {
        if case .sync(.roundEnded(_, _, _, let fetched)) = $0, fetched == 0 { true } else { nil }
      }
      #expect(quiet == true)
    }
    for party in [alice, bob] { await party.driver.stop() }
    await relay.stop(grace: 500)
    try judge(alice, logs: [alice, bob], profile)
  }

  private func judge(_ party: Party, logs: [Party], _ profile: Profile) throws {
    let head = #"{"type":"header","format":"one-ws-recording/1","chum":{"pollInterval":200}}"# + "\n"
    var options = SessionReader<MemorySource>.Options()
    options.keyLogs = [(name: "keys", bytes: party.keys.bytes)]
    var judge = try SessionJudge(
      file: "session", source: MemorySource(Array(head.utf8) + party.record.bytes), options: options,
      logs: logs.map { (name: $0.identity.personId, source: MemorySource($0.log.bytes)) })
    let verdict = try judge.run()
    let found = verdict.findings.filter { $0.level(.deployed) == .failure }
    #expect(found.map { "\($0.rule.id) line \($0.line): \($0)" } == [])
    #expect(verdict.openedFrames > 50 && verdict.openedFrames == verdict.encryptedFrames)
  }

  @Test func `an instance that comes back on its store reconnects without an invitation and fetches nothing again`()
    async throws
  {
    let epoch = (Date().timeIntervalSince1970 * 1_000).rounded()
    var server = CommServerSettings(profile: .strict)
    server.socketsPerSecond = nil
    server.requestsPerMinute = nil
    let relay = try await RelayServer(ServerOptions(settings: server))
    let alice = try party(relay.url, .strict, epoch: epoch)
    let bob = try party(relay.url, .strict, epoch: epoch)
    try await pair(alice, bob, mode: .iop)
    let toAlice = try #require(ObjectHash(hex: alice.identity.personId))
    _ = await wait(bob) { if case .sync(.contact) = $0 { true } else { nil } }
    await bob.driver.command(.say("once", to: toAlice, attachments: []))
    _ = await wait(alice) { if case .sync(.message(let line)) = $0, !line.isOwn { true } else { nil } }
    await bob.driver.stop()
    let store = await bob.driver.with { machine, _ in machine.host.repository.store }
    let again = try party(relay.url, .strict, epoch: epoch, store: store, identity: bob.identity)
    await again.driver.start()
    let fetched = await wait(again) { if case .sync(.roundEnded(_, _, _, let fetched)) = $0 { fetched } else { nil } }
    #expect(fetched == 0)
    for party in [alice, again] { await party.driver.stop() }
    await relay.stop(grace: 500)
  }
}
