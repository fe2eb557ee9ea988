import Chum
import Foundation
import Instance
import Microdata
import Store
import StoreFiles
import Testing
import Wire

@testable import SyncInstance

/// Complete instances on disks: processes that die, and what the next ones make of it.
@Suite struct DeathTests {
  private final class Folder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("chumgate-\(UUID().uuidString)").path
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    func store(_ name: String) throws -> DirectoryStore { try DirectoryStore(path: "\(path)/\(name)") }
  }

  private func world(_ profile: Profile, _ folder: Folder) throws -> SmallWorld<DirectoryStore> {
    var world = SmallWorld<DirectoryStore>(profile: profile)
    try world.add("alice", profile, store: try folder.store("alice"))
    try world.add("bob", profile, store: try folder.store("bob"))
    world.pair(0, 1)
    world.run(for: 60_000) { $0.isSynchronised }
    return world
  }

  /// A file of the first host, described and offered.
  private func offer(_ size: Int, in world: inout SmallWorld<DirectoryStore>) throws -> ObjectHash {
    let machine = try #require(world.hosts[0].machine)
    var repository = machine.host.repository
    let ticket = try repository.store.beginFile()
    try repository.store.append((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 11) }, to: ticket)
    let blob = try repository.store.finishFile(ticket, kind: .blob, expected: nil).hash
    let descriptor = try repository.storeObject(
      OneObject([
        "$type$": "BlobDescriptor", "data": .reference(blob), "lastModified": 1, "name": "file.bin",
        "size": .number(Double(size)), "type": "application/octet-stream",
      ]))
    world.run(.offer(.object(descriptor)), on: 0)
    return blob
  }

  @Test(arguments: Profile.allCases)
  func `an instance that dies in the middle of a file comes back without an invitation and gets it whole`(
    profile: Profile
  ) throws {
    let folder = try Folder()
    var world = try world(profile, folder)
    let size = 3_000_000
    let blob = try offer(size, in: &world)
    let alice = try #require(world.person(0))
    world.run(.say("before the end", to: alice, attachments: []), on: 1)
    let isUnderWay = world.run(for: 20_000) { world in
      world.hosts[1].machine?.sessions.values.contains {
        $0.chum.transfers.contains { $0.isIncoming && $0.bytes > 500_000 && $0.bytes < size }
      } ?? false
    }
    #expect(isUnderWay)
    world.kill(1)
    try world.revive(1, store: try folder.store("bob"))
    #expect(world.hosts[1].machine?.contacts == [alice])
    let isDone = world.run(for: 120_000) {
      $0.isSynchronised && $0.hosts[1].machine?.host.repository.store.entry(blob) != nil
    }
    #expect(isDone)
    for host in world.hosts {
      let store = try #require(host.machine?.host.repository.store)
      #expect(StoreAudit.integrity(of: store) == [])
      #expect(store.entry(blob)?.size == size)
    }
    #expect(world.texts(0) == ["before the end"])
    let unfinished = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/bob/tmp")
    #expect(unfinished == [])
  }

  @Test(arguments: Profile.allCases)
  func `when both come back, a second synchronisation transfers nothing`(profile: Profile) throws {
    let folder = try Folder()
    var world = try world(profile, folder)
    _ = try offer(200_000, in: &world)
    let bob = try #require(world.person(1))
    world.run(.say("once", to: bob, attachments: []), on: 0)
    world.run(for: 60_000) { $0.isSynchronised && !$0.texts(1).isEmpty }
    let counts = world.hosts.map { $0.machine?.host.repository.store.count }
    for host in [0, 1] { world.kill(host) }
    world.run(for: 10_000)
    for host in [0, 1] {
      world.hosts[host].reports = []
      try world.revive(host, store: try folder.store(host == 0 ? "alice" : "bob"))
    }
    let isDone = world.run(for: 60_000) { $0.isSynchronised }
    #expect(isDone)
    for host in world.hosts {
      let fetched = host.reports.compactMap { if case .roundEnded(_, _, _, let fetched) = $0 { fetched } else { nil } }
      #expect(!fetched.isEmpty && fetched.allSatisfy { $0 == 0 })
      #expect(!host.reports.contains { if case .message = $0 { true } else { false } })
    }
    // The Chum object of the first session is all that the stores may have got.
    let after = world.hosts.map { $0.machine?.host.repository.store.count }
    #expect(after == counts)
  }
}
