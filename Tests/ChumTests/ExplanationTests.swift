import Chum
import Microdata
import Store
import Testing
import Wire

/// `chumgate store why`: the reason is the real one.
@Suite struct ExplanationTests {
  private func explain(
    _ hash: ObjectHash, _ peer: TestPeer, for person: ObjectHash, _ policy: GroupPolicy = .evaluated
  ) -> AccessExplanation {
    AccessExplanation(of: hash, for: person, in: peer.host.repository, policy: policy)
  }

  @Test func `a way is told with grant, component and path`() throws {
    var (alice, bob) = (try TestPeer("alice", .strict), try TestPeer("bob", .strict))
    try alice.meet(bob)
    let (channel, topic) = try alice.channels.createOneToOne(
      alice.person, bob.person, rights: &alice.rights, in: &alice.host.repository, now: 1)
    _ = try alice.observe()
    try alice.append(chat("hi", from: alice.person), to: channel, now: 2)
    let message = try #require(try alice.channels.entries(of: channel, in: alice.host.repository).first?.data)
    let answer = explain(message, alice, for: bob.person)
    let way = try #require(answer.ways.first)
    #expect(way.component == "LeuteAccessRightsManager" && way.grant.grant.subject == .id(channel))
    #expect(way.path.first == channel && way.path.last == message && way.path.count > 3)
    #expect(answer.obstacles == [])
    let direct = try #require(explain(topic, alice, for: bob.person).ways.first)
    #expect(direct.path == [topic])
    bob.host.accessible = AccessibleSets()
  }

  @Test func `every obstacle is told for what it is`() throws {
    var (alice, bob) = (try TestPeer("alice", .strict), try TestPeer("bob", .strict))
    try alice.meet(bob)
    let object = try alice.store(personName("x"))
    let other = try alice.store(personName("other"))
    #expect(explain(ObjectHash.of([1]), alice, for: bob.person).obstacles == [.notStored])
    #expect(explain(object, alice, for: bob.person).obstacles == [.noGrants])
    try alice.grant(.object(other), to: bob.person)
    #expect(explain(object, alice, for: bob.person).obstacles == [.notReached(roots: 1)])
    try alice.grant(.object(object), to: bob.person)
    try alice.revoke(.object(object))
    #expect(explain(object, alice, for: bob.person).obstacles == [.revoked(.object(object))])
    let group = try alice.version(
      ["$type$": "Group", "name": "g", "person": .array([.reference(bob.person)])], now: 1)
    _ = try alice.request(GrantRequest(.object(object), groups: [group]))
    #expect(explain(object, alice, for: bob.person).ways.first?.grant.group == group)
    #expect(
      explain(object, alice, for: bob.person, .ignored).obstacles.contains(.onlyByIgnoredGroup(group: group)))
    let grant = try #require(alice.data(alice.host.repository.grantIdHash(.object(object))))
    #expect(explain(grant, alice, for: bob.person).obstacles.contains(.refusedType("Access")))
    let loose = GrantAuthority(rule: .anyone, checksSubjects: false)
    let missing = Subject.object(ObjectHash.of([7]))
    _ = try loose.grant(GrantRequest(missing, persons: [bob.person]), by: "x", in: &alice.host.repository, now: 0)
    let broken = explain(grant, alice, for: bob.person).obstacles
    #expect(broken.contains(.unreadable(missing, "not stored")))
    bob.host.accessible = AccessibleSets()
  }
}
