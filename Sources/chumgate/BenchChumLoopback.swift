import Chum
import ChumBench
import CommServer
import Cryptobox
import Foundation
import Instance
import Microdata
import Network
import Store
import StoreFiles
import SyncInstance
import Wire
import WireBytes

/// Two complete instances and a CommServer on loopback in this process: encryption, framing and sockets included.
struct ChumLoopbackBenchmark {
  let profile: Profile
  let objects: Int
  let blob: Int
  /// A directory for the receiver's store on disk; nil leaves that measurement out.
  let folder: String?

  func run(progress: (String) -> Void) async throws -> [JSONValue] {
    var results = [try await objects(into: MemoryStore(), progress)]
    if let folder {
      let store = try InstanceStore(path: "\(folder)/\(profile.rawValue)-loopback")
      results.append(try await objects(into: store, progress))
    }
    return results + [try await file(progress)]
  }

  private func objects<S: EntryStore & SendableMetatype>(into store: sending S, _ progress: (String) -> Void)
    async throws -> JSONValue
  {
    progress("\(profile.rawValue): \(objects) objects over loopback into \(S.self)")
    let (time, stored) = try await transfer(into: store) { repository, group in
      let authority = GrantAuthority(checksSubjects: false)
      for number in 0..<objects {
        let hash = try repository.storeObject(OneObject(["$type$": "PersonName", "name": .text("object \(number)")]))
        let request = GrantRequest(.object(hash), groups: [group])
        _ = try authority.grant(request, by: GrantAuthority.standardName, in: &repository, now: 1)
      }
    }
    guard stored >= objects else { throw Exit.usage("bench chum: \(stored) of \(objects) objects arrived") }
    return [
      "what": .string("objects over loopback, each a root, into \(S.self)"), "profile": .string(profile.rawValue),
      "objects": .number(Double(objects)), "seconds": .rounded(time.real),
      "processorSeconds": .rounded(time.processor), "objectsPerSecond": .rounded(Double(objects) / time.real),
      "objectsPerProcessorSecond": .rounded(Double(objects) / time.processor),
    ]
  }

  private func file(_ progress: (String) -> Void) async throws -> JSONValue {
    progress("\(profile.rawValue): a BLOB of \(blob >> 20) MiB over loopback")
    let before = Resident.restart()
    let (blobTime, _) = try await transfer(into: MemoryStore(fileLimit: 4 << 30)) { repository, group in
      let ticket = try repository.store.beginFile()
      let piece = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
      var left = blob
      while left > 0 {
        try repository.store.append(left < piece.count ? Array(piece[..<left]) : piece, to: ticket)
        left -= piece.count
      }
      let hash = try repository.store.finishFile(ticket, kind: .blob, expected: nil).hash
      let descriptor = try repository.storeObject(
        OneObject([
          "$type$": "BlobDescriptor", "data": .reference(hash), "lastModified": 1, "name": "bench",
          "size": .number(Double(blob)), "type": "application/octet-stream",
        ]))
      _ = try GrantAuthority(checksSubjects: false).grant(
        GrantRequest(.object(descriptor), groups: [group]), by: GrantAuthority.standardName, in: &repository, now: 1)
    }
    return [
      "what": "one BLOB over loopback", "profile": .string(profile.rawValue), "bytes": .number(Double(blob)),
      "seconds": .rounded(blobTime.real), "processorSeconds": .rounded(blobTime.processor),
      "MBPerSecond": .rounded(Double(blob) / 1e6 / blobTime.real),
      "MBPerProcessorSecond": .rounded(Double(blob) / 1e6 / blobTime.processor),
      // Both stores are in this process's memory; what goes beyond twice the BLOB was on its way.
      "peakGrowthMiB": .rounded(Double(Resident.peak - before) / 1_048_576),
    ]
  }

  /// From the start of CHUM to the end of the receiver's first round; the receiver's entries afterwards.
  private func transfer<S: EntryStore & SendableMetatype>(
    into store: sending S, _ fill: (inout Repository<MemoryStore>, ObjectHash) throws -> Void
  ) async throws -> (BenchTime, Int) {
    var server = CommServerSettings(profile: profile)
    server.socketsPerSecond = nil
    server.requestsPerMinute = nil
    let relay = try await RelayServer(ServerOptions(settings: server))
    var random = SystemRandom()
    let alice = Identity.create(url: relay.url, personEmail: "alice@bench", random: &random, box: SodiumBox())
    let bob = Identity.create(url: relay.url, personEmail: "bob@bench", random: &random, box: SodiumBox())
    let codec = try MicrodataObjectCodec.standard(profile == .strict ? .strict : .deployed)
    var repository = Repository(store: MemoryStore(fileLimit: 4 << 30), codec: codec)
    guard let person = ObjectHash(hex: bob.personId) else { throw Exit.usage("bench chum: no person") }
    let friends = OneObject(["$type$": "Group", "name": "friends", "person": .array([.reference(person)])])
    let group = try repository.storeVersion(friends, now: 1).idHash
    try fill(&repository, group)
    _ = repository.takeEvents()
    let sender = try driver(alice, repository)
    let receiver = try driver(bob, Repository(store: store, codec: codec))
    repository = Repository(store: MemoryStore(), codec: codec)
    await sender.start()
    for await output in sender.reports { if case .connection(.listener(_, .listening)) = output { break } }
    await receiver.start()
    for await output in receiver.reports { if case .connection(.listener(_, .listening)) = output { break } }
    await sender.command(.instance(.addPeer(bob.publicFile)))
    await receiver.command(.instance(.addPeer(alice.publicFile)))
    var start = BenchTime.now
    for await output in receiver.reports {
      if case .sync(.started) = output { start = BenchTime.now }
      if case .sync(.roundEnded) = output { break }
    }
    let time = BenchTime.now - start
    let count = await receiver.with { machine, _ in machine.host.repository.store.count }
    await receiver.stop()
    await sender.stop()
    await relay.stop(grace: 500)
    return (time, count)
  }

  private func driver<S: EntryStore & SendableMetatype>(
    _ identity: Identity, _ repository: sending Repository<S>
  ) throws -> MachineDriver<SyncInstance<S>> {
    var settings = SyncSettings(profile: profile)
    settings.instance.broker = .off
    settings.groupPolicy = .evaluated
    settings.opensTopics = false
    settings.sharesProfile = false
    settings.writesLog = false
    let machine = try SyncInstance(
      settings, keychain: Keychain([identity]), repository: repository, epoch: 1_800_000_000_000, box: SodiumBox())
    var options = MachineDriver<SyncInstance<S>>.Options()
    options.tap = { output, _, _ in if case .sync(.received) = output { false } else { true } }
    return MachineDriver(machine, options: options)
  }
}
