import Chum
import Cryptobox
import Microdata
import Store
import Testing
import Wire
import WireBytes

/// Channels, topics and the access they need (chum.md 4).
@Suite struct ChannelTests {
  private func updates(_ events: [ChannelEvent]) -> [ChannelUpdate] {
    events.compactMap { if case .updated(let update) = $0 { update } else { nil } }
  }

  @Test(arguments: Profile.allCases)
  func `updated fires on messages, not on creation, here and there`(_ profile: Profile) throws {
    var (alice, bob) = (try TestPeer("alice", profile), try TestPeer("bob", profile))
    try alice.meet(bob)
    let (channel, _) = try alice.channels.createOneToOne(
      alice.person, bob.person, rights: &alice.rights, in: &alice.host.repository, now: 1)
    let created = try alice.observe()
    #expect(updates(created).isEmpty)
    #expect(created.contains { if case .visible(channel, _) = $0 { true } else { false } })
    sync(&alice, &bob)
    let arrived = try bob.observe()
    #expect(updates(arrived).isEmpty && bob.channels.registry == [channel])
    // Creating it again writes nothing.
    #expect(
      try alice.channels.create(
        ChannelKey(id: OneToOneId(alice.person, bob.person).text), in: &alice.host.repository, now: 2
      ).isNew == false)
    try alice.append(chat("hi", from: alice.person), to: channel, now: 10)
    let own = try #require(updates(try alice.observe()).first)
    #expect(own.entries.count == 1 && own.earliestChange == 10 && own.origin == .local && own.entries[0].isNew)
    sync(&alice, &bob)
    let foreign = try #require(updates(try bob.observe()).first)
    #expect(foreign.entries.map(\.entry.creation) == own.entries.map(\.entry.creation))
    #expect(foreign.origin == .chum)
  }

  @Test(arguments: Profile.allCases)
  func `a one-to-one channel is granted to both at creation and visible before the first message`(_ profile: Profile)
    throws
  {
    var (alice, bob) = (try TestPeer("alice", profile), try TestPeer("bob", profile))
    try alice.meet(bob)
    let (channel, topic) = try alice.channels.createOneToOne(
      alice.person, bob.person, rights: &alice.rights, in: &alice.host.repository, now: 1)
    for subject in [Subject.id(channel), .object(topic)] {
      let grant = try #require(alice.host.repository.currentGrant(subject))
      #expect(Set(grant.persons) == [alice.person, bob.person] && grant.groups.isEmpty)
    }
    sync(&alice, &bob)
    _ = try bob.observe()
    #expect(bob.channels.registry.contains(channel) && bob.knows(topic))
    #expect(alice.rights.records.allSatisfy { $0.component == GrantAuthority.standardName && !$0.isDuplicate })
  }

  /// The planted fault: a manager that waits for "updated" leaves the other side blind until a message comes.
  @Test func `a grant at the first message only is caught`() throws {
    var (alice, bob) = (try TestPeer("alice", .strict), try TestPeer("bob", .strict))
    try alice.meet(bob)
    let id = OneToOneId(alice.person, bob.person)
    let channel = try alice.channels.create(ChannelKey(id: id.text), in: &alice.host.repository, now: 1).channel
    _ = try alice.observe()
    sync(&alice, &bob)
    _ = try bob.observe()
    // CHN-006 and CHN-007: no grant before the first message, nothing visible.
    #expect(alice.host.repository.currentGrant(.id(channel)) == nil)
    #expect(!bob.channels.registry.contains(channel))
  }

  @Test func `a group channel is granted to the own identities at its first update, once`() throws {
    var alice = try TestPeer("alice", .strict)
    let group = try alice.version(
      ["$type$": "Group", "name": "IoM", "person": .array([.reference(alice.person)])], now: 1)
    alice.rights = LeuteAccessRights(ownGroup: group)
    let (channel, topic) = try alice.channels.createGroup(
      id: "team", name: "Team", owner: alice.person, in: &alice.host.repository, now: 1)
    _ = try alice.observe()
    #expect(alice.host.repository.currentGrant(.id(channel)) == nil)
    for index in 0..<3 {
      try alice.append(chat("\(index)", from: alice.person), to: channel, now: Double(10 + index))
      _ = try alice.observe()
    }
    #expect(alice.host.repository.currentGrant(.id(channel))?.groups == [group])
    // With the channel goes the Topic that names it (CHN-015), and nothing twice.
    #expect(alice.host.repository.currentGrant(.object(topic))?.groups == [group])
    #expect(alice.rights.records.count == 2)
    // Without a configured group an empty grant is not written.
    var bob = try TestPeer("bob", .strict)
    let (other, _) = try bob.channels.createGroup(id: "team", name: "T", in: &bob.host.repository, now: 1)
    _ = try bob.observe()
    try bob.append(chat("x", from: bob.person), to: other, now: 2)
    _ = try bob.observe()
    #expect(bob.rights.records.isEmpty)
  }

  @Test(arguments: Profile.allCases)
  func `both write at once and end with the same messages in the same order`(_ profile: Profile) throws {
    var (alice, bob) = (try TestPeer("alice", profile), try TestPeer("bob", profile))
    try alice.meet(bob)
    try bob.meet(alice)
    let (channel, _) = try alice.channels.createOneToOne(
      alice.person, bob.person, rights: &alice.rights, in: &alice.host.repository, now: 1)
    _ = try bob.channels.createOneToOne(
      bob.person, alice.person, rights: &bob.rights, in: &bob.host.repository, now: 2)
    _ = try (alice.observe(), bob.observe())
    for time in 0..<6 {
      try alice.append(chat("a\(time)", from: alice.person), to: channel, now: Double(100 + 2 * time))
      try bob.append(chat("b\(time)", from: bob.person), to: channel, now: Double(101 + 2 * time))
      _ = try (alice.observe(), bob.observe())
      if time == 2 { sync(&alice, &bob) }
      _ = try (alice.observe(), bob.observe())
    }
    let link = sync(&alice, &bob)
    _ = try (alice.observe(), bob.observe())
    #expect(link.sessionA.errors.isEmpty && link.sessionB.errors.isEmpty)
    let one = try alice.channels.entries(of: channel, in: alice.host.repository)
    let other = try bob.channels.entries(of: channel, in: bob.host.repository)
    #expect(one.count == 12 && one.map(\.creation) == other.map(\.creation))
    #expect(one.map(\.hash) == other.map(\.hash))
    #expect(one.map(\.timestamp) == (100...111).reversed().map(Double.init))
    #expect(alice.data(channel) == bob.data(channel))
  }

  @Test func `an older message goes to its place and everything newer is told as moved, not as new`() throws {
    var alice = try TestPeer("alice", .strict)
    let (channel, _) = try alice.channels.createGroup(id: "c", name: "c", in: &alice.host.repository, now: 1)
    _ = try alice.observe()
    for time in [10.0, 30, 20] {
      try alice.append(chat("\(time)", from: alice.person), to: channel, timestamp: time, now: 100)
    }
    let last = try #require(updates(try alice.observe()).last)
    #expect(last.entries.map(\.entry.timestamp) == [30, 20])
    #expect(last.entries.map(\.isNew) == [false, true])
    #expect(last.earliestChange == 20)
    #expect(throws: RepositoryFailure.self) {
      try alice.append(chat("x", from: alice.person), to: ObjectHash.of([1]), now: 1)
    }
  }

  @Test func `ids of one-to-one topics are exact`() {
    let (a, b) = (ObjectHash.of([1]), ObjectHash.of([2]))
    let id = OneToOneId(a, b)
    #expect(id == OneToOneId(b, a) && OneToOneId(id.text) == id)
    for text in [
      "\(id.second)<->\(id.first)", "\(a)<->", "<->", "x<->y", id.text + " ", id.text.uppercased(), "\(a)<->\(a)",
      "\(a)-><-\(b)",
    ] {
      #expect(OneToOneId(text) == nil)
    }
  }

  /// AT-29, CHN-017: a Topic that names somebody else's channel must not lead to a grant.
  @Test func `a received topic is believed only when id, channel and sender agree`() throws {
    for trust in [LeuteAccessRights.TopicTrust.strict, .deployed] {
      var (victim, mallory) = (try TestPeer("victim", .strict), try TestPeer("mallory", .strict))
      try victim.meet(mallory)
      victim.rights = LeuteAccessRights(profile: trust)
      let secret = try victim.channels.create(
        ChannelKey(id: "diary", owner: victim.person), in: &victim.host.repository, now: 1
      ).channel
      let id = OneToOneId(victim.person, mallory.person)
      let forged = try victim.store(Topic(id: id.text, name: nil, channel: secret).object)
      let granted = try victim.rights.topicArrived(forged, from: mallory.person, in: &victim.host.repository, now: 2)
      // The deployed component is a confused deputy (F45).
      #expect(granted == (trust == .deployed))
      #expect(
        victim.host.repository.isGranted(.id(secret), to: mallory.person, policy: .evaluated) == (trust == .deployed))
      let channel = try victim.channels.create(ChannelKey(id: id.text), in: &victim.host.repository, now: 3).channel
      let honest = try victim.store(Topic(id: id.text, name: nil, channel: channel).object)
      let stranger = ObjectHash.of([9])
      #expect(
        try victim.rights.topicArrived(honest, from: stranger, in: &victim.host.repository, now: 4)
          == (trust == .deployed))
      #expect(try victim.rights.topicArrived(honest, from: mallory.person, in: &victim.host.repository, now: 5))
      #expect(victim.host.repository.isGranted(.id(channel), to: mallory.person, policy: .evaluated))
      mallory.host.accessible = AccessibleSets()
    }
  }

  @Test(arguments: Profile.allCases)
  func `an IoM request travels as the grandchild of its signature and is complete with both`(_ profile: Profile) throws
  {
    var (alice, bob) = (try TestPeer("alice", profile), try TestPeer("bob", profile))
    try alice.meet(bob)
    try bob.meet(alice)
    let seeds = [[UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32)]
    let pairs = try seeds.map { try #require(Ed25519.keyPair(seed: $0)) }
    let keys = [alice.person: pairs[0].publicKey, bob.person: pairs[1].publicKey]
    let request = IoMRequest(
      timestamp: 5, initiator: alice.person, mainId: alice.person, alternateId: bob.person, mode: .full)
    let author = try #require(Author(person: alice.person, secretKey: pairs[0].secretKey))
    let (hash, first) = try alice.rights.affirm(request, by: author, in: &alice.host.repository, now: 6)
    sync(&alice, &bob)
    #expect(bob.knows(hash) && bob.knows(first))
    #expect(IoMRequest(try bob.host.repository.object(hash)) == request)
    #expect(!bob.host.repository.isComplete(hash, signatures: [first], keys: keys))
    let other = try #require(Author(person: bob.person, secretKey: pairs[1].secretKey))
    let (again, second) = try bob.rights.affirm(request, by: other, in: &bob.host.repository, now: 7)
    #expect(again == hash)
    sync(&alice, &bob)
    #expect(alice.host.repository.isComplete(hash, signatures: [first, second], keys: keys))
    #expect(
      !alice.host.repository.isComplete(
        hash, signatures: [first, second], keys: [alice.person: keys[bob.person] ?? []]))
  }

  /// Signatures, certificates and licences of the recordings verify with the recorded keys.
  @Test func `recorded affirmations verify as ours do`() throws {
    var verified = 0
    for recording in try RecordedChum.names.map({ try RecordedChum($0) })
    where !recording.legs.contains(where: \.isByHand) {
      let keys = (recording.header["keys"]?["ed25519"]?.array ?? []).compactMap {
        $0["pub"]?.string.flatMap { Hex.decode($0) }
      }
      let codec = try MicrodataObjectCodec.standard(.strict)
      for content in recording.pool.values where ObjectHead.type(content) == "Signature" {
        let signature = try codec.read(content, as: .object)
        #expect(keys.contains { Affirmation.verifies(signature, publicKey: $0) }, "\(recording.name)")
        verified += 1
      }
      for content in recording.pool.values where ObjectHead.type(content) == "License" {
        #expect(try codec.write(Affirmation.license, as: .object) == content)
      }
    }
    #expect(verified > 5)
  }
}
