import Chum
import Cryptobox
import Instance
import Microdata
import Store
import Testing
import Wire

@testable import SyncInstance

@Suite struct CompleteInstanceTests {
  private func pair(_ profile: Profile, mode: Invitation.Mode = .iop) throws -> SmallWorld<MemoryStore> {
    var world = SmallWorld<MemoryStore>(profile: profile)
    try world.add("alice", profile, store: MemoryStore())
    try world.add("bob", profile, store: MemoryStore()) { $0.affirmsIoM = true }
    world.pair(0, 1, mode: mode)
    return world
  }

  @Test(arguments: Profile.allCases)
  func `after a pairing both store the other's profile, certified, and CHUM runs to the end`(
    profile: Profile
  ) throws {
    var world = try pair(profile)
    let isDone = world.run(for: 60_000) { $0.isSynchronised }
    #expect(isDone)
    for host in [0, 1] {
      let machine = try #require(world.hosts[host].machine)
      let other = try #require(world.person(1 - host))
      #expect(machine.contacts == [other])
      let troubles = world.hosts[host].reports.filter { if case .trouble = $0 { true } else { false } }
      #expect(troubles.isEmpty)
      // The one-to-one channel is there on both sides, granted to both, before any message.
      let id = OneToOneId(try #require(world.person(0)), try #require(world.person(1)))
      let channel = try ChannelKey(id: id.text).idHash(machine.host.repository.codec)
      #expect(machine.channels.registry.contains(channel))
      #expect(machine.host.repository.currentGrant(.id(channel))?.persons == id.persons)
      #expect(StoreAudit.integrity(of: machine.host.repository.store).isEmpty)
      #expect(StoreAudit.dangling(in: machine.host.repository.store).isEmpty)
    }
  }

  @Test(arguments: Profile.allCases)
  func `messages go both ways and both channels end with the same data`(profile: Profile) throws {
    var world = try pair(profile)
    world.run(for: 60_000) { $0.isSynchronised }
    let alice = try #require(world.person(0))
    let bob = try #require(world.person(1))
    world.run(.say("Hello Bob", to: bob, attachments: []), on: 0)
    world.run(.say("Hi Alice", to: alice, attachments: []), on: 1)
    let isDone = world.run(for: 60_000) { $0.texts(0).count >= 2 && $0.texts(1).count >= 2 && $0.isSynchronised }
    #expect(isDone)
    #expect(Set(world.texts(0)) == ["Hello Bob", "Hi Alice"])
    #expect(Set(world.texts(1)) == ["Hello Bob", "Hi Alice"])
    let channel = try ChannelKey(id: OneToOneId(alice, bob).text).idHash(SmallWorld<MemoryStore>.codec(profile))
    let versions = world.hosts.map { $0.machine?.host.repository.currentVersion(channel) }
    #expect(versions[0] != nil)
    #expect(versions[0] == versions[1])
  }

  @Test(arguments: Profile.allCases)
  func `an Internet-of-Me pairing is complete when both have affirmed`(profile: Profile) throws {
    var world = try pair(profile, mode: .iom)
    func isComplete(_ host: SmallWorld<MemoryStore>.Host) -> Bool {
      host.reports.contains { if case .iomComplete = $0 { true } else { false } }
    }
    let isDone = world.run(for: 60_000) { $0.hosts.allSatisfy(isComplete) }
    #expect(isDone)
  }

  @Test(arguments: Profile.allCases)
  func `what is granted while a session runs comes with the next round`(profile: Profile) throws {
    var world = try pair(profile)
    world.run(for: 60_000) { $0.isSynchronised }
    let object = OneObject(["$type$": "PersonName", "name": "new"])
    let hash = try #require(try world.hosts[0].machine?.host.repository.storeObject(object))
    world.run(.offer(.object(hash)), on: 0)
    let before = world.now
    let isDone = world.run(for: 20_000) { $0.hosts[1].machine?.host.repository.store.knows(hash) ?? false }
    #expect(isDone)
    #expect(world.now - before < 6_000)
  }
}
