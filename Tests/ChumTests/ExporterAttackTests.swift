import Chum
import Microdata
import Store
import Testing
import Wire
import WireBytes

/// Attacks on the exporter (chum.md 8.2) in both profiles.
@Suite struct ExporterAttackTests {
  private func peers(_ profile: Profile) throws -> (TestPeer, TestPeer) {
    var alice = try TestPeer("alice", profile)
    let mallory = try TestPeer("mallory", profile)
    try alice.meet(mallory)
    return (alice, mallory)
  }

  @Test(arguments: Profile.allCases)
  func `AT-40, AT-41: what was not named in this session is refused alike, existing or not`(_ profile: Profile) throws {
    var (alice, mallory) = try peers(profile)
    let open = try alice.store(personName("open"))
    let secret = try alice.store(personName("secret"))
    try alice.grant(.object(open), to: mallory.person)
    var asker = Asker(alice, remote: mallory)
    #expect(asker.code(6, .hash(open)) == "CES-GO1")
    _ = asker.text(2)
    #expect(asker.text(6, .hash(open)) != nil)
    let missing = ObjectHash.of([1])
    for (service, code) in [(4, "CES-GOC1"), (5, "CES-GIDOC1"), (6, "CES-GO1"), (7, "CES-GIDO1"), (8, "CES-GBL1")] {
      #expect(asker.code(service, .hash(secret)) == code)
      #expect(asker.code(service, .hash(missing)) == code)
    }
  }

  @Test(arguments: Profile.allCases)
  func `AT-43: a name that is no hash is told so before anything else`(_ profile: Profile) throws {
    let (alice, mallory) = try peers(profile)
    var asker = Asker(alice, remote: mallory)
    let hash = alice.person.hex
    let bad: [JSONValue] = [
      "../../x", .string(hash.uppercased()), .string(String(hash.dropLast())), .string(hash + "0"),
      .string(hash + "\n"), .string(String(repeating: "٣", count: 64)), 5, .null, .array([.string(hash)]),
      .object(JSONObject(["a": 1])), .string(ChumMessage.undefined),
    ]
    for value in bad {
      for service in [4, 6, 8] { #expect(asker.code(service, value) == "UTC-EHASH") }
      for service in [5, 7] { #expect(asker.code(service, value) == "UTC-EIDHASH") }
    }
    #expect(asker.code(6) == "UTC-EHASH")
  }

  @Test(arguments: Profile.allCases)
  func `AT-44, F5: a revoked object is served on by the deployed exporter only`(_ profile: Profile) throws {
    var (alice, mallory) = try peers(profile)
    let object = try alice.store(personName("x"))
    let time = try alice.store(["$type$": "CreationTime", "timestamp": 1, "data": .reference(object)])
    try alice.grant(.object(time), to: mallory.person)
    var asker = Asker(alice, remote: mallory)
    _ = asker.text(2)
    _ = asker.text(4, .hash(time))
    try asker.peer.revoke(.object(time))
    #expect(asker.text(2) == "[]")
    #expect((asker.text(6, .hash(time)) != nil) == (profile == .deployed))
    #expect((asker.text(6, .hash(object)) != nil) == (profile == .deployed))
  }

  @Test func `AT-45, AT-57: the set of a person lives as long as one of the sessions`() throws {
    var (alice, mallory) = try peers(.deployed)
    let object = try alice.store(personName("x"))
    try alice.grant(.object(object), to: mallory.person)
    var first = Asker(alice, remote: mallory)
    _ = first.text(2)
    // A second session of the same person shares the set, and keeps it when the first ends.
    var second = Asker(first.peer, remote: mallory)
    #expect(second.text(6, .hash(object)) != nil)
    first.session.connectionClosed(at: 1, host: &second.peer.host)
    #expect(second.text(6, .hash(object)) != nil)
    second.session.connectionClosed(at: 2, host: &second.peer.host)
    var third = Asker(second.peer, remote: mallory)
    #expect(third.code(6, .hash(object)) == "CES-GO1")
  }

  @Test(arguments: Profile.allCases)
  func `CHUM-042: what was named to one person is refused to another`(_ profile: Profile) throws {
    var (alice, mallory) = try peers(profile)
    let carol = try TestPeer("carol", profile)
    try alice.meet(carol)
    let object = try alice.store(personName("x"))
    try alice.grant(.object(object), to: carol.person)
    var one = Asker(alice, remote: carol)
    _ = one.text(2)
    var other = Asker(one.peer, remote: mallory)
    #expect(other.text(2) == "[]")
    #expect(other.code(6, .hash(object)) == "CES-GO1")
  }

  @Test func `AT-48: a child list above the limit is an error, not a flood`() throws {
    var (alice, mallory) = try peers(.strict)
    let leaves = try (0..<50).map { try alice.store(personName("\($0)")) }
    let message = try alice.store([
      "$type$": "ChatMessage", "text": "x", "attachments": .array(leaves.map(OneValue.reference)),
      "sender": .reference(alice.person),
    ])
    try alice.grant(.object(message), to: mallory.person)
    var asker = Asker(alice, remote: mallory) { $0.limits.children = 20 }
    _ = asker.text(2)
    #expect(asker.code(4, .hash(message)) == "CES-LIMIT")
  }

  /// A descriptor whose file has that many bytes, granted and opened.
  private func file(_ size: Int, _ profile: Profile, _ configure: (inout ChumConfiguration) -> Void = { _ in }) throws
    -> (Asker, ObjectHash)
  {
    var (alice, mallory) = try peers(profile)
    let blob = try alice.file((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) })
    let descriptor = try alice.store([
      "$type$": "BlobDescriptor", "data": .reference(blob), "lastModified": 1, "name": "n", "size": 1, "type": "t",
    ])
    try alice.grant(.object(descriptor), to: mallory.person)
    var asker = Asker(alice, remote: mallory, configure: configure)
    _ = asker.text(2)
    _ = asker.text(4, .hash(descriptor))
    return (asker, blob)
  }

  @Test(arguments: Profile.allCases, [0, 1, 100, 65_528, 65_529, 150_000])
  func `CF-080: every BLOB goes out in chunks with an id and at least one byte`(_ profile: Profile, _ size: Int) throws
  {
    var (asker, blob) = try file(size, profile)
    let answers = asker.ask(8, .hash(blob), .string(ChumMessage.undefined))
    let chunks = asker.chunks.values.first ?? []
    #expect(chunks.allSatisfy { !$0.isEmpty && $0.count <= (profile == .strict ? 65_528 : 65_536) })
    #expect(chunks.map(\.count).reduce(0, +) == size)
    guard case .streamEnd? = answers.last else {
      Issue.record("no stream end")
      return
    }
  }

  @Test func `AT-49, CF-028: a stream that reuses a running id is refused`() throws {
    var (asker, blob) = try file(2_000_000, .strict)
    asker.send(ChumMessage.request(id: 500, service: 8, args: [.hash(blob)]).text)
    asker.send(ChumMessage.request(id: 500, service: 8, args: [.hash(blob)]).text)
    guard case .error(500, _, _, "WSRQ-CRSTH1"?)? = asker.answers.last else {
      Issue.record("\(asker.answers.suffix(2))")
      return
    }
  }

  @Test(arguments: Profile.allCases)
  func `AT-50, CF-031: a reader that does not read pauses the stream`(_ profile: Profile) throws {
    var (asker, blob) = try file(5_000_000, profile)
    asker.ask(8, .hash(blob))
    func bytes() -> Int { asker.chunks.values.joined().map(\.count).reduce(0, +) }
    let first = bytes()
    #expect(first <= 262_144 + 65_536 && first > 0)
    asker.advance(by: 50, unsent: 300_000)
    asker.advance(by: 60, unsent: 9_000)
    #expect(bytes() == first)
    asker.advance(by: 100, unsent: 100)
    #expect(bytes() > first)
  }

  @Test(arguments: Profile.allCases)
  func `AT-51, CF-027: a stream stops when its caller says so, and only then`(_ profile: Profile) throws {
    var (asker, blob) = try file(5_000_000, profile)
    asker.send(ChumMessage.request(id: 77, service: 8, args: [.hash(blob)]).text)
    asker.send(ChumMessage.writeStreamError(id: 12_345).text)
    asker.send(#"{"type":"write-stream-error"}"#)
    #expect(asker.session.deadline != nil)
    asker.send(ChumMessage.writeStreamError(id: 77).text)
    #expect(asker.answers.last == .streamError(id: 77, text: "Error while reading the file stream"))
    let count = asker.chunks[77]?.count
    asker.advance(by: 1_000)
    #expect(asker.chunks[77]?.count == count)
  }

  @Test func `CF-030: more streams than the limit are refused`() throws {
    var (asker, blob) = try file(5_000_000, .strict)
    for _ in 0..<16 { asker.ask(8, .hash(blob)) }
    #expect(asker.code(8, .hash(blob)) == "CES-LIMIT")
  }

  @Test(arguments: Profile.allCases)
  func `AT-52, CF-042: an object goes out through service 8 only from the deployed exporter`(_ profile: Profile) throws
  {
    var (alice, mallory) = try peers(profile)
    let object = try alice.store(personName("x"))
    try alice.grant(.object(object), to: mallory.person)
    var asker = Asker(alice, remote: mallory)
    _ = asker.text(2)
    #expect((asker.code(8, .hash(object)) == nil) == (profile == .deployed))
    #expect((asker.code(8, .hash(object), "utf8") == nil) == (profile == .deployed))
    for encoding: JSONValue in ["base64", .null] { #expect(asker.code(8, .hash(object), encoding) == "CES-GBL2") }
  }

  @Test(arguments: Profile.allCases)
  func `AT-53, CF-049: errors hold content only in profile deployed`(_ profile: Profile) throws {
    var (asker, blob) = try file(50, profile)
    let person = asker.peer.person
    _ = person
    guard case .error(_, _, let message?, "M2O-PH1"?)? = asker.ask(4, .hash(blob)).first else {
      Issue.record("no M2O-PH1")
      return
    }
    #expect(message.hasSuffix("(isIdObj is false)") == (profile == .strict))
  }

  @Test(arguments: Profile.allCases)
  func `AT-54, CF-016: unknown services are told apart by code, whole numbers count`(_ profile: Profile) throws {
    let (alice, mallory) = try peers(profile)
    var asker = Asker(alice, remote: mallory)
    for service in [0, -1, 3, 9, 11, 12, 13, 14, 15, 16, 99, 1 << 31] {
      #expect(asker.code(service) == "UNKNOWN-SERVICE")
    }
    asker.send(#"{"requestId":900,"type":"request","serviceId":1.0}"#)
    #expect(asker.answers.last == .data(id: 900, 8))
    asker.send(#"{"requestId":-7,"type":"request","serviceId":1,"args":[]}"#)
    #expect(asker.answers.last == .data(id: -7, 8))
    asker.send(#"{"requestId":901,"type":"request","serviceId":1,"args":null}"#)
    guard case .error(901, "TypeError"?, _, nil)? = asker.answers.last else {
      Issue.record("\(String(describing: asker.answers.last))")
      return
    }
  }

  @Test(arguments: Profile.allCases)
  func `AT-55: a million arguments are an answer, not a flood`(_ profile: Profile) throws {
    let (alice, mallory) = try peers(profile)
    var asker = Asker(alice, remote: mallory)
    let args = [JSONValue](repeating: 1, count: 500_000)
    asker.send(ChumMessage.request(id: 1, service: 1, args: args).text)
    #expect(asker.answers.last == .data(id: 1, 8))
    asker.send(#"{"requestId":2,"type":"request","serviceId":1,"args":\#(String(repeating: "[", count: 10_000))"#)
    #expect(asker.closeReason == nil)
  }

  @Test(arguments: Profile.allCases)
  func `AT-56, CF-050: after FIN nothing is served`(_ profile: Profile) throws {
    let (alice, mallory) = try peers(profile)
    var asker = Asker(alice, remote: mallory) { $0.imports = true }
    #expect(asker.ask(10).first == .data(id: 0, .string(ChumMessage.undefined)))
    for service in [1, 2, 6, 10] { #expect(asker.code(service) == "UNKNOWN-SERVICE") }
  }

  @Test(arguments: Profile.allCases)
  func `AT-58, F40: an unreadable grant stops the deployed list and costs strict one root`(_ profile: Profile) throws {
    let kinds: [(String, (inout TestPeer) throws -> Subject)] = [
      ("M2O-PH1", { .object($0.person) }), ("SB-READ2", { _ in .object(ObjectHash.of([1])) }),
      ("M2O-PH1", { .object(try $0.file([1, 2, 3])) }), ("M2O-PH1", { .id(try $0.store(personName("y"))) }),
      ("SB-READ2", { _ in .id(ObjectHash.of([2])) }),
    ]
    for (code, make) in kinds {
      var (alice, mallory) = try peers(profile)
      let good = try alice.store(personName("good"))
      try alice.grant(.object(good), to: mallory.person)
      let subject = try make(&alice)
      // Only an authority that checks nothing writes such a grant at all.
      #expect(throws: GrantFailure.self) { try alice.grant(subject, to: mallory.person) }
      let loose = GrantAuthority(rule: .anyone, checksSubjects: false)
      _ = try loose.grant(
        GrantRequest(subject, persons: [mallory.person]), by: "anybody", in: &alice.host.repository, now: 0)
      var asker = Asker(alice, remote: mallory)
      if profile == .deployed {
        #expect(asker.code(2) == code)
      } else {
        #expect(asker.text(2)?.contains(good.hex) == true)
        #expect(asker.session.takeLogs().contains { if case .grantUnreadable = $0 { true } else { false } })
      }
    }
  }

  @Test func `CF-047, AT-23: fourteen merges with shared history are walked in linear time`() throws {
    var alice = try TestPeer("alice", .strict)
    let idHash = try alice.version(person("a@x", name: "0"), now: 0)
    let data = try #require(alice.data(idHash))
    var heads = [
      try alice.host.repository.storeNode(VersionNode(.edge, data: data, depth: 0, creationTime: 1)),
      try alice.host.repository.storeNode(VersionNode(.edge, data: data, depth: 0, creationTime: 2)),
    ]
    for level in 1...40 {
      heads = try (0..<2).map { side in
        try alice.host.repository.storeNode(
          VersionNode(
            .merge(nodes: heads.sorted()), data: data, depth: Double(level), creationTime: Double(10 * level + side)))
      }
    }
    let strict = try alice.host.repository.announcedNodes(of: heads[0], includingMerges: true)
    #expect(strict.count == 2 + 39 * 2 + 1)
    #expect(try alice.host.repository.announcedNodes(of: heads[0], includingMerges: false).count == 2)
    // Older nodes stand before newer ones.
    let places = Dictionary(uniqueKeysWithValues: strict.enumerated().map { ($1, $0) })
    for node in strict {
      for earlier in try alice.host.repository.versionNode(node).predecessors {
        #expect(try #require(places[earlier]) < places[node] ?? 0)
      }
    }
  }

  @Test func `CF-052: strict neither lists nor serves access objects as children`() throws {
    for profile in Profile.allCases {
      var (alice, mallory) = try peers(profile)
      let object = try alice.store(personName("x"))
      try alice.grant(.object(object), to: alice.person)
      let access = try #require(alice.data(alice.host.repository.grantIdHash(.object(object))))
      let time = try alice.store(["$type$": "CreationTime", "timestamp": 1, "data": .reference(access)])
      try alice.grant(.object(time), to: mallory.person)
      var asker = Asker(alice, remote: mallory)
      _ = asker.text(2)
      #expect(asker.text(4, .hash(time))?.contains(access.hex) == (profile == .deployed))
      #expect((asker.code(6, .hash(access)) == nil) == (profile == .deployed))
    }
  }
}
