import Chum
import Foundation
import Microdata
import Store
import StoreFiles
import Testing
import Wire

/// Sessions over the store on disk: what a kill in the middle of a transfer leaves, and what the next session makes of it.
@Suite struct DirectorySyncTests {
  private func receiver(_ path: String, _ profile: Profile) throws -> Repository<DirectoryStore> {
    Repository(
      store: try DirectoryStore(path: path),
      codec: try MicrodataObjectCodec.standard(profile == .strict ? .strict : .deployed))
  }

  @Test(arguments: Profile.allCases)
  func `a receiver that dies at any message converges after its restart and loses nothing`(_ profile: Profile) throws {
    var (alice, bob) = (try TestPeer("alice", profile), try TestPeer("bob", profile))
    try alice.meet(bob)
    let blob = try alice.file((0..<400_000).map { UInt8(truncatingIfNeeded: $0) })
    let descriptor = try alice.store([
      "$type$": "BlobDescriptor", "data": .reference(blob), "lastModified": 1, "name": "f", "size": 1, "type": "t",
    ])
    try alice.grant(.object(descriptor), to: bob.person)
    let (channel, _) = try alice.channels.createOneToOne(
      alice.person, bob.person, rights: &alice.rights, in: &alice.host.repository, now: 1)
    _ = try alice.observe()
    for number in 0..<5 {
      try alice.append(chat("\(number)", from: alice.person), to: channel, now: Double(10 + number))
      _ = try alice.observe()
    }
    var one = alice.configuration(with: bob)
    let other = bob.configuration(with: alice)
    one.imports = false
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("chumgate-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var acknowledged: Set<ObjectHash> = []
    for deaths in [3, 7, 12, 16, 25, 40, 70] {
      // The link goes away in the middle of everything: no close, no commit, as when the process is killed.
      var link = ChumLink(a: alice.host, one, b: ChumHost(try receiver(folder, profile)), other)
      nonisolated(unsafe) var left = deaths
      link.wire = { _, message in
        left -= 1
        return left > 0 ? [message] : []
      }
      link.start()
      link.run(until: 500)
      for case .received(let reference, _) in link.logsB { acknowledged.insert(reference.hash) }
    }
    let before = try receiver(folder, profile)
    for hash in acknowledged { #expect(before.store.knows(hash)) }
    #expect(StoreAudit.integrity(of: before.store) == [])
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/tmp") == [])
    var link = ChumLink(a: alice.host, one, b: ChumHost(before), other)
    link.start()
    link.run(until: 20_000)
    #expect(link.sessionB.errors == [] && link.closeReason == nil)
    let findings = StoreAudit.convergence(
      from: link.a.repository, to: link.b.repository, person: bob.person, policy: .evaluated, profile: profile)
    #expect(findings == [])
    #expect(StoreAudit.dangling(in: link.b.repository.store).isEmpty == true)
    // The next session has nothing to fetch.
    let messages = link.logsB.compactMap {
      if case .roundEnded(let round, let fetched) = $0 { (round, fetched) } else { nil }
    }
    #expect(messages.count > 2 && messages.dropFirst().allSatisfy { $0.1 == 0 })
  }
}
