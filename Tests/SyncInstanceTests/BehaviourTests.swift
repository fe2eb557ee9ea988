import Chum
import Instance
import Microdata
import Store
import Testing
import Trace
import Wire

@testable import SyncInstance

/// What complete instances say to others and write into their logs.
@Suite struct BehaviourTests {
  private func pair(
    _ profile: Profile, configure: (inout SyncSettings) -> Void = { _ in }
  ) throws -> SmallWorld<MemoryStore> {
    var world = SmallWorld<MemoryStore>(profile: profile)
    try world.add("alice", profile, store: MemoryStore(), configure: configure)
    try world.add("bob", profile, store: MemoryStore())
    world.pair(0, 1)
    return world
  }

  @Test(arguments: Profile.allCases)
  func `the log tells of everything that chum.md 5_1 wants from an instance`(profile: Profile) throws {
    var world = try pair(profile)
    world.run(for: 60_000) { $0.isSynchronised }
    let bob = try #require(world.person(1))
    world.run(.say("one", to: bob, attachments: []), on: 0)
    world.run(for: 60_000) { !$0.texts(1).isEmpty && $0.isSynchronised }
    world.run(.instance(.stop), on: 0)
    world.run(for: 1_000)
    let inviter = Set(world.hosts[0].logs.map(\.name))
    let expected: Set = [
      "identityReady", "storeSnapshot", "invitationCreated", "invitationEnded", "personVerified", "pairingAccepted",
      "pluginAttached", "pluginPassed", "handlerGotText", "chumStarted", "chumEnded", "chumStored", "objectStored",
      "headSet", "grantCreated", "groupChanged", "channelCreated", "channelVisible", "topicCreated", "messageAppended",
      "channelUpdated", "firstFullSync",
    ]
    #expect(expected.subtracting(inviter) == [])
    let started = world.hosts[1].logs.compactMap { if case .chumStarted(let start) = $0 { start } else { nil } }
    #expect(started.first?.remotePerson == world.person(0)?.hex)
    #expect(started.first?.groupPolicy == (profile == .deployed ? "ignored" : "evaluated"))
    let grantors = Set(
      world.hosts[0].logs.compactMap { if case .grantCreated(let grant) = $0 { grant.by } else { nil } })
    #expect(grantors == [GrantAuthority.standardName])
    let ended = world.hosts[1].logs.compactMap { if case .chumEnded(let outcome, _) = $0 { outcome } else { nil } }
    #expect(ended == ["normal"])
  }

  @Test(arguments: Profile.allCases)
  func `the log's one-to-one grant stands before the first message, and its update is no import at the author`(
    profile: Profile
  ) throws {
    var world = try pair(profile)
    world.run(for: 60_000) { $0.isSynchronised }
    let bob = try #require(world.person(1))
    world.run(.say("one", to: bob, attachments: []), on: 0)
    world.run(for: 60_000) { !$0.texts(1).isEmpty }
    let logs = world.hosts[0].logs
    let appended = try #require(logs.firstIndex { if case .messageAppended = $0 { true } else { false } })
    guard case .messageAppended(let message) = logs[appended] else { return }
    let granted = logs.firstIndex { fact in
      if case .grantCreated(let grant) = fact {
        grant.subject == message.channel && grant.persons.contains(bob.hex)
      } else {
        false
      }
    }
    #expect(try #require(granted) < appended)
    func imports(_ host: Int) -> [Bool?] {
      world.hosts[host].logs.compactMap { if case .channelUpdated(let update) = $0 { update.isImport } else { nil } }
    }
    #expect(imports(0) == [false])
    #expect(imports(1) == [true])
  }

  @Test func `a peer that has forgotten us refuses with the recorded reason, and says nothing of CHUM`() throws {
    var world = try pair(.deployed)
    world.run(for: 60_000) { $0.isSynchronised }
    world.kill(1)
    world.run(for: 1_000)
    try world.revive(1, store: MemoryStore())
    world.hosts[1].closeReasons = []
    world.run(for: 30_000) { !$0.hosts[1].closeReasons.isEmpty }
    #expect(
      world.hosts[1].closeReasons.first == "Close called: Error: Unable to start chum because you are unknown")
    #expect(world.hosts[1].machine?.sessions.isEmpty == true)
  }

  @Test func `a deployed instance that stops closes with the recorded reason`() throws {
    var world = try pair(.deployed)
    world.run(for: 60_000) { $0.isSynchronised }
    world.hosts[0].closeReasons = []
    world.run(.instance(.stop), on: 0)
    #expect(world.hosts[0].closeReasons.contains("Close called: Corresponding route was stopped"))
  }

  /// [rec: chum-blob]: the published exporter sends nothing for a chunk, and the published importer closes for it.
  @Test func `deployed: an empty chunk ends the session with the recorded reason, and both meet again`() throws {
    var world = try pair(.deployed) { $0.sendsEmptyChunks = true }
    world.run(for: 60_000) { $0.isSynchronised }
    try offerFile(in: &world)
    world.hosts[1].closeReasons = []
    world.run(for: 60_000) { $0.hosts[1].closeReasons.count >= 2 }
    let reason = "Close called: onMsgHandler error: RangeError: Invalid typed array length: 1"
    #expect(world.hosts[1].closeReasons.prefix(2) == [reason, reason])
  }

  @Test func `strict: an empty chunk costs that root only, and the session goes on`() throws {
    var world = try pair(.strict) { $0.sendsEmptyChunks = true }
    world.run(for: 60_000) { $0.isSynchronised }
    try offerFile(in: &world)
    let bob = try #require(world.person(1))
    world.hosts[1].closeReasons = []
    world.run(.say("behind the file", to: bob, attachments: []), on: 0)
    let isHeard = world.run(for: 30_000) { $0.texts(1) == ["behind the file"] }
    #expect(isHeard)
    #expect(world.hosts[1].closeReasons == [])
    #expect(world.hosts[1].reports.contains { if case .rejected = $0 { true } else { false } })
  }

  private func offerFile(in world: inout SmallWorld<MemoryStore>) throws {
    let descriptor = try #require(
      try world.hosts[0].machine.map { machine in
        var repository = machine.host.repository
        let ticket = try repository.store.beginFile()
        try repository.store.append([UInt8](repeating: 7, count: 1_000), to: ticket)
        let blob = try repository.store.finishFile(ticket, kind: .blob, expected: nil).hash
        let hash = try repository.storeObject(
          OneObject([
            "$type$": "BlobDescriptor", "data": .reference(blob), "lastModified": 1, "name": "f", "size": 1_000,
            "type": "t",
          ]))
        return (repository, hash)
      })
    world.hosts[0].machine?.host.repository = descriptor.0
    world.run(.offer(.object(descriptor.1)), on: 0)
  }

  @Test func `two contacts that affirm each other get nothing of the own identities' group`() throws {
    var world = SmallWorld<MemoryStore>(profile: .strict)
    for name in ["alice", "bob", "carol"] { try world.add(name, .strict, store: MemoryStore()) }
    world.pair(0, 1)
    world.run(for: 30_000)
    world.pair(0, 2)
    world.run(for: 30_000)
    #expect(world.hosts[0].machine?.contacts.count == 2)
    let (bob, carol) = (try #require(world.person(1)), try #require(world.person(2)))
    let request = IoMRequest(timestamp: 1, initiator: bob, mainId: bob, alternateId: carol, mode: .full)
    var machine = try #require(world.hosts[0].machine)
    let object = try machine.host.repository.storeObject(request.object)
    for host in [1, 2] {
      let other = try #require(world.hosts[host].machine)
      let identity = try #require(other.core.keychain.identities.first)
      let author = try #require(other.author(identity))
      _ = try machine.host.repository.affirm(object, by: author)
    }
    world.hosts[0].machine = machine
    world.run(for: 6_000)
    #expect(world.hosts[0].machine?.completeRequests == [])
    let group = try #require(world.hosts[0].machine?.rights.ownGroup)
    let alice = try #require(world.person(0))
    #expect(world.hosts[0].machine?.host.repository.members(of: group) == [alice])
  }

  @Test func `another component than the authority is refused, and the log says so`() throws {
    var world = try pair(.strict)
    world.run(for: 60_000) { $0.isSynchronised }
    let object = OneObject(["$type$": "PersonName", "name": "mine"])
    let hash = try #require(try world.hosts[0].machine?.host.repository.storeObject(object))
    let bob = try #require(world.person(1))
    world.run(.grant(GrantRequest(.object(hash), persons: [bob]), by: "CommServerManager"), on: 0)
    #expect(world.hosts[0].machine?.host.repository.currentGrant(.object(hash)) == nil)
    let refused = world.hosts[0].logs.contains { fact in
      if case .grantCreated(let grant) = fact {
        grant.by == "CommServerManager" && grant.status == "refused"
      } else {
        false
      }
    }
    #expect(refused)
    world.run(.grant(GrantRequest(.object(hash), persons: [bob]), by: GrantAuthority.standardName), on: 0)
    let isThere = world.run(for: 10_000) { $0.hosts[1].machine?.host.repository.store.knows(hash) ?? false }
    #expect(isThere)
  }

  @Test(arguments: Profile.allCases)
  func `a grant to everyone reaches the contact where groups count, and nobody as deployed`(profile: Profile) throws {
    var world = try pair(profile)
    world.run(for: 60_000) { $0.isSynchronised }
    let object = OneObject(["$type$": "PersonName", "name": "for all"])
    let hash = try #require(try world.hosts[0].machine?.host.repository.storeObject(object))
    let everyone = try #require(world.hosts[0].machine?.rights.everyoneGroup)
    world.run(.grant(GrantRequest(.object(hash), groups: [everyone]), by: GrantAuthority.standardName), on: 0)
    world.run(for: 15_000)
    #expect(world.hosts[1].machine?.host.repository.store.knows(hash) == (profile == .strict))
  }
}
