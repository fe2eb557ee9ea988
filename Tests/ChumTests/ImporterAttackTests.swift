import Chum
import Microdata
import Store
import Testing
import Wire
import WireBytes

/// Attacks on the importer (chum.md 8.1) in both profiles: what is safe, and what the deployed one does.
@Suite struct ImporterAttackTests {
  private static let fake = String(repeating: "ab", count: 32)
  private func name(_ text: String) -> String {
    #"<div itemscope itemtype="//refin.io/PersonName"><span itemprop="name">\#(text)</span></div>"#
  }

  /// A puppet with one good root behind the bad one, to see that the session goes on.
  private func puppet(
    _ profile: Profile, _ configure: (inout ChumConfiguration) -> Void = { _ in }
  ) throws -> (Puppet, good: String) {
    var puppet = try Puppet(profile, configure: configure)
    let good = puppet.add(name("good"))
    return (puppet, good)
  }

  @Test(arguments: Profile.allCases)
  func `AT-01: an object of another hash is not stored and costs one root`(_ profile: Profile) throws {
    var (puppet, good) = try puppet(profile)
    puppet.add(name("other"), named: Self.fake)
    puppet.announce(.unversioned(hash: Self.fake, type: "PersonName"), .unversioned(hash: good, type: "PersonName"))
    puppet.run()
    #expect(puppet.codes == ["CIEC-FO2"])
    #expect(puppet.knows(good) && puppet.closeReason == nil)
    #expect(!puppet.peer.knows(ObjectHash.of(Array(name("other").utf8))))
  }

  @Test(arguments: Profile.allCases)
  func `AT-02: an ID object of another hash is refused`(_ profile: Profile) throws {
    var (puppet, good) = try puppet(profile)
    puppet.add(IdHash.personMicrodata(email: "x"), named: Self.fake)
    puppet.announce(.id(idHash: Self.fake, type: "Person"), .unversioned(hash: good, type: "PersonName"))
    puppet.run()
    #expect(puppet.codes == ["CIEC-FIDO2"])
    #expect(puppet.knows(good) && !puppet.knows(Self.fake))
  }

  @Test(arguments: Profile.allCases)
  func `AT-03: a BLOB of another hash is stored by the deployed importer only`(_ profile: Profile) throws {
    var (puppet, good) = try puppet(profile)
    let wrong = Array("wrong content".utf8)
    puppet.files[Self.fake] = wrong
    let descriptor = try puppet.add(
      [
        "$type$": "BlobDescriptor", "data": .string(OneText(Self.fake)), "lastModified": 1, "name": "n", "size": 1,
        "type": "t",
      ], children: [ChildEntry(kind: .blob, hash: Self.fake)])
    puppet.announce(
      .unversioned(hash: descriptor, type: "BlobDescriptor"), .unversioned(hash: good, type: "PersonName"))
    puppet.run()
    #expect(puppet.codes == ["CIEC-FBL2"])
    #expect(puppet.knows(good) && !puppet.knows(descriptor))
    #expect(puppet.peer.knows(ObjectHash.of(wrong)) == (profile == .deployed))
    #expect(puppet.peer.host.repository.store.openFileCount == 0)
  }

  @Test(arguments: Profile.allCases, [2, 4, 6])
  func `AT-04: a stream is no answer to another service`(_ profile: Profile, _ service: Int) throws {
    var (puppet, good) = try puppet(profile)
    let content = Array("streamed".utf8)
    puppet.announce(.unversioned(hash: good, type: "PersonName"))
    puppet.reply = { asked, _, id in asked == service ? Puppet.stream(id, content) : nil }
    puppet.run()
    #expect(!puppet.knows(good))
    #expect(puppet.peer.knows(ObjectHash.of(content)) == (profile == .deployed))
    #expect(puppet.peer.host.repository.store.openFileCount == 0)
    #expect((puppet.closeReason != nil) == (service == 2))
  }

  @Test(arguments: Profile.allCases)
  func `AT-05, AT-07: unsolicited chunks are dropped; strict closes after sixteen`(_ profile: Profile) throws {
    var (puppet, _) = try puppet(profile)
    puppet.run()
    let entries = puppet.peer.host.repository.store.count
    for id in [4_711, .nan, .infinity, -1, 1.5, 9_007_199_254_740_993.0] + (0..<12).map({ Double($0 + 100) }) {
      puppet.send(.binary(ChumBinaryChunk(id: id, data: [1, 2, 3]).bytes))
    }
    #expect(puppet.peer.host.repository.store.count == entries)
    #expect(puppet.peer.host.repository.store.openFileCount == 0)
    #expect((puppet.closeReason != nil) == (profile == .strict))
  }

  @Test(arguments: Profile.allCases)
  func `AT-06: a binary message without an id closes the deployed session, strict drops it`(_ profile: Profile) throws {
    for count in 0..<8 {
      var (puppet, _) = try puppet(profile)
      puppet.run()
      puppet.send(.binary([UInt8](repeating: 1, count: count)))
      #expect((puppet.closeReason != nil) == (profile == .deployed))
    }
  }

  @Test func `CF-081: strict takes an empty chunk as the failure of the file and goes on`() throws {
    var (puppet, good) = try puppet(.strict)
    let descriptor = try puppet.add(
      [
        "$type$": "BlobDescriptor", "data": .string(OneText(Self.fake)), "lastModified": 1, "name": "n", "size": 1,
        "type": "t",
      ], children: [ChildEntry(kind: .blob, hash: Self.fake)])
    puppet.reply = { service, _, id in
      service == 8 ? [.binary([]), .text(ChumMessage.streamEnd(id: id).text)] : nil
    }
    puppet.announce(
      .unversioned(hash: descriptor, type: "BlobDescriptor"), .unversioned(hash: good, type: "PersonName"))
    puppet.run()
    #expect(puppet.codes == ["CHUM-CHUNK"])
    #expect(puppet.knows(good) && puppet.closeReason == nil)
  }

  @Test func `AT-08: an endless file is stopped at the limit and leaves nothing`() throws {
    var (puppet, good) = try puppet(.strict) { $0.limits.file = 100_000 }
    let blob = ObjectHash.of([UInt8](repeating: 7, count: 200_000)).hex
    puppet.files[blob] = [UInt8](repeating: 7, count: 200_000)
    let descriptor = try puppet.add(
      [
        "$type$": "BlobDescriptor", "data": .string(OneText(blob)), "lastModified": 1, "name": "n", "size": 1,
        "type": "t",
      ], children: [ChildEntry(kind: .blob, hash: blob)])
    puppet.announce(
      .unversioned(hash: descriptor, type: "BlobDescriptor"), .unversioned(hash: good, type: "PersonName"))
    puppet.run()
    #expect(puppet.codes == ["CHUM-SIZE"])
    #expect(puppet.sent.contains { $0.contains("write-stream-error") })
    #expect(puppet.knows(good) && !puppet.knows(blob))
    #expect(puppet.peer.host.repository.store.openFileCount == 0)
  }

  @Test(arguments: Profile.allCases)
  func `AT-09: silence closes the strict session at its limit; the deployed one waits for ever`(_ profile: Profile)
    throws
  {
    var (puppet, _) = try puppet(profile)
    puppet.reply = { service, _, _ in service == 2 ? [] : nil }
    puppet.run(for: 119_000)
    #expect(puppet.closeReason == nil)
    puppet.run(for: 10_000_000)
    #expect((puppet.closeReason != nil) == (profile == .strict))
  }

  @Test func `AT-10: a root list above the limit ends the session`() throws {
    var (puppet, good) = try puppet(.strict) { $0.limits.roots = 100 }
    let entry = RootEntry.unversioned(hash: good, type: "PersonName")
    puppet.roots = RootEntry.encodeList([RootEntry](repeating: entry, count: 101))
    puppet.run()
    #expect(puppet.closeReason == "Chum ended [1] with error: CHUM-ROOTS")
    #expect(!puppet.knows(good))
  }

  @Test(arguments: Profile.allCases)
  func `AT-11: roots whose names are no hashes never reach the store`(_ profile: Profile) throws {
    var (puppet, good) = try puppet(profile)
    let bad: [JSONValue] = [
      ["type": "unversioned", "hash": "../../etc/passwd", "oneType": "PersonName"],
      ["type": "unversioned", "hash": "", "oneType": "PersonName"],
      ["type": "unversioned", "hash": 5, "oneType": "PersonName"], ["type": "unversioned", "oneType": "PersonName"],
      ["type": "id", "idHash": .string(good.uppercased()), "oneType": "PersonName"],
    ]
    puppet.roots =
      JSONValue.array(bad + [RootEntry.unversioned(hash: good, type: "PersonName").json]).compact
    puppet.run()
    #expect(puppet.knows(good))
    #expect(puppet.codes.count == 5)
    // The deployed importer asks for names that it does not know: the oracle of F7, here without a file system.
    #expect(puppet.asked.contains { $0.name == "../../etc/passwd" } == (profile == .deployed))
  }

  @Test(arguments: Profile.allCases)
  func `AT-12: an unknown root type ends the deployed session and costs strict one entry`(_ profile: Profile) throws {
    var (puppet, good) = try puppet(profile)
    let entry = RootEntry.unversioned(hash: good, type: "PersonName").json
    puppet.roots = JSONValue.array([["type": "zzz", "hash": .string(good)], entry]).compact
    puppet.run()
    #expect(puppet.knows(good) == (profile == .strict))
    #expect((puppet.closeReason != nil) == (profile == .deployed))
  }

  @Test(arguments: Profile.allCases, ["oops", "{}", "", "[[[", "null", "17"])
  func `AT-13, AT-34: a root list that is none ends the session cleanly`(_ profile: Profile, _ text: String) throws {
    var (puppet, _) = try puppet(profile)
    puppet.roots = text
    puppet.run()
    #expect(puppet.closeReason?.hasPrefix("Chum ended [1] with error: ") == true)
  }

  @Test(
    arguments: Profile.allCases,
    [JSONValue.number(7), "8", .null, [8], ["a": 8], .number(1e300), .string(ChumMessage.undefined)])
  func `CF-007: any version but the number 8 ends the session without another request`(
    _ profile: Profile, _ version: JSONValue
  ) throws {
    var (puppet, _) = try puppet(profile)
    puppet.reply = { service, _, id in service == 1 ? [.text(ChumMessage.data(id: id, version).text)] : nil }
    puppet.run()
    #expect(puppet.asked.map(\.service) == [1])
    #expect(puppet.closeReason?.contains("CS-MISMATCH") == true)
  }

  @Test(arguments: Profile.allCases)
  func `CF-008, CF-009: UNKNOWN-SERVICE is repeated fifteen times, anything else not at all`(_ profile: Profile) throws
  {
    for (code, count) in [("UNKNOWN-SERVICE", 16), ("OTHER", 1)] {
      var (puppet, _) = try puppet(profile)
      puppet.reply = { _, _, id in [.text(ChumMessage.error(id: id, name: "E", message: "m", code: code).text)] }
      puppet.run(for: 10_000)
      #expect(puppet.asked.map(\.service) == [Int](repeating: 1, count: count))
      #expect(puppet.closeReason != nil)
    }
  }

  @Test(arguments: Profile.allCases)
  func `AT-14: deep and meaningless messages are counted and dropped`(_ profile: Profile) throws {
    var (puppet, _) = try puppet(profile)
    puppet.run()
    let texts = [
      String(repeating: "[", count: 100_000), "synchronisation", "", "[]", "null", "123", #"{"a":1}"#, "{oops",
      #"{"type":"request","requestId":1.5,"serviceId":1}"#, #"{"type":"request","requestId":"x","serviceId":1}"#,
    ]
    for text in texts { puppet.send(.text(text)) }
    #expect(puppet.session.statistics.requestsReceivedInvalid == texts.count)
    #expect(puppet.closeReason == nil)
    puppet.send(.text(ChumMessage.request(id: 0, service: 1, args: []).text))
    #expect(puppet.sent.last == ChumMessage.data(id: 0, 8).text)
  }

  @Test func `AT-15: strict works on a repeated root once a round`() throws {
    var (puppet, good) = try puppet(.strict)
    let entry = RootEntry.unversioned(hash: Self.fake, type: "PersonName")
    puppet.roots = RootEntry.encodeList(
      [RootEntry](repeating: entry, count: 1_000) + [.unversioned(hash: good, type: "PersonName")])
    puppet.run()
    #expect(puppet.asked.count { $0.name == Self.fake } == 1)
    #expect(puppet.knows(good))
  }

  @Test(arguments: Profile.allCases)
  func `AT-16: an object whose dependency was not listed is stored by the deployed importer only`(_ profile: Profile)
    throws
  {
    var (puppet, good) = try puppet(profile)
    let time = try puppet.add(["$type$": "CreationTime", "timestamp": 1, "data": .string(OneText(Self.fake))])
    puppet.announce(.unversioned(hash: time, type: "CreationTime"), .unversioned(hash: good, type: "PersonName"))
    puppet.run()
    #expect(puppet.knows(time) == (profile == .deployed))
    #expect(puppet.codes == (profile == .deployed ? [] : ["CI-ACO"]))
    #expect(puppet.knows(good))
  }

  @Test(arguments: Profile.allCases)
  func `AT-17: bait among the children is stored as data and recorded by strict`(_ profile: Profile) throws {
    var (puppet, good) = try puppet(profile)
    let bait = puppet.add(name("bait"))
    puppet.children[good] = ChildEntry.encodeList([ChildEntry(kind: .object, hash: bait)])
    puppet.announce(.unversioned(hash: good, type: "PersonName"))
    puppet.run()
    #expect(puppet.knows(good))
    #expect(puppet.codes == (profile == .strict ? ["CHUM-BAIT"] : []))
  }

  @Test func `AT-18: a list that names its parent or repeats itself is refused`() throws {
    var (puppet, good) = try puppet(.strict)
    let own = puppet.add(name("own"))
    puppet.children[own] = ChildEntry.encodeList([ChildEntry(kind: .object, hash: own)])
    let twice = puppet.add(name("twice"))
    puppet.children[twice] = ChildEntry.encodeList(
      [ChildEntry](repeating: ChildEntry(kind: .object, hash: good), count: 2))
    puppet.announce(
      .unversioned(hash: own, type: "PersonName"), .unversioned(hash: twice, type: "PersonName"),
      .unversioned(hash: good, type: "PersonName"))
    puppet.run()
    #expect(puppet.codes == ["CHUM-CHILDREN", "CHUM-CHILDREN"])
    #expect(puppet.knows(good))
  }

  @Test(arguments: Profile.allCases)
  func `AT-19: Access, IdAccess and Group are refused as roots and as children`(_ profile: Profile) throws {
    var (puppet, good) = try puppet(profile)
    let victim = puppet.peer.person
    let objects: [OneObject] = [
      ["$type$": "Group", "name": "evil", "person": .array([.reference(victim)])],
      ["$type$": "Access", "object": .reference(victim), "person": .array([]), "group": .array([])],
      ["$type$": "IdAccess", "id": .reference(victim), "person": .array([]), "group": .array([])],
    ]
    var entries: [RootEntry] = []
    for object in objects {
      let hash = try puppet.add(object)
      entries.append(.unversioned(hash: hash, type: object.type?.string ?? ""))
      let holder = try puppet.add(
        ["$type$": "CreationTime", "timestamp": 1, "data": .string(OneText(hash))],
        children: [ChildEntry(kind: .object, hash: hash)])
      entries.append(.unversioned(hash: holder, type: "CreationTime"))
    }
    entries.append(.unversioned(hash: good, type: "PersonName"))
    puppet.roots = RootEntry.encodeList(entries)
    puppet.run()
    for entry in entries.dropLast() { #expect(!puppet.knows(entry.key)) }
    #expect(puppet.codes == [String](repeating: "CIEC-FO3", count: 6))
    #expect(puppet.knows(good))
    #expect(puppet.peer.host.repository.grants(for: victim, policy: .evaluated).isEmpty)
  }

  @Test(arguments: Profile.allCases)
  func `AT-20: a version under a foreign ID hash is refused by strict`(_ profile: Profile) throws {
    var (puppet, _) = try puppet(profile)
    let version = try puppet.add(person("a@x", name: "n"))
    let foreign = try puppet.add(["$type$": "Person", "email": "b@x"], as: .idObject)
    puppet.announce(.versioned(hash: version, idHash: foreign, type: "Person"))
    puppet.run()
    #expect(puppet.knows(version) == (profile == .deployed))
    #expect(puppet.codes == (profile == .strict ? ["CHUM-ROOT-ID"] : []))
  }

  @Test(arguments: Profile.allCases)
  func `AT-21: a version node with foreign data ends the deployed session and costs strict one root`(_ profile: Profile)
    throws
  {
    var (puppet, _) = try puppet(profile)
    let version = try puppet.add(person("a@x", name: "n"))
    let foreign = try puppet.add(["$type$": "Person", "email": "b@x"], as: .idObject)
    let own = try puppet.add(["$type$": "Person", "email": "a@x"], as: .idObject)
    let node = try puppet.add(
      ["$type$": "VersionNodeEdge", "data": .string(OneText(version)), "depth": 0, "creationTime": 1],
      children: [ChildEntry(kind: .object, hash: version)])
    let good = try puppet.add(
      ["$type$": "VersionNodeEdge", "data": .string(OneText(version)), "depth": 0, "creationTime": 2],
      children: [ChildEntry(kind: .object, hash: version)])
    puppet.announce(
      .id(idHash: foreign, type: "Person"), .versionNode(node: node, dataIdHash: foreign, dataType: "Person"),
      .id(idHash: own, type: "Person"), .versionNode(node: good, dataIdHash: own, dataType: "Person"))
    puppet.run()
    #expect(!puppet.knows(node))
    #expect((puppet.closeReason != nil) == (profile == .deployed))
    #expect(puppet.knows(good) == (profile == .strict))
    let head = ObjectHash(hex: own).flatMap { puppet.peer.host.repository.store.head($0) }
    #expect((head != nil) == (profile == .strict))
  }

  @Test(arguments: [-1, 1.5, 1e300, 9_007_199_254_740_994])
  func `AT-22: strict refuses a depth that is no count`(_ depth: Double) throws {
    var (puppet, _) = try puppet(.strict)
    let version = try puppet.add(person("a@x", name: "n"))
    let own = try puppet.add(["$type$": "Person", "email": "a@x"], as: .idObject)
    let node = try puppet.add(
      ["$type$": "VersionNodeChange", "data": .string(OneText(version)), "depth": .number(depth), "creationTime": 1],
      children: [ChildEntry(kind: .object, hash: version)])
    puppet.announce(.id(idHash: own, type: "Person"), .versionNode(node: node, dataIdHash: own, dataType: "Person"))
    puppet.run()
    #expect(!puppet.knows(node) && puppet.closeReason == nil)
    #expect(puppet.codes == ["CHUM-NODE"])
  }

  @Test(arguments: Profile.allCases)
  func `AT-24, AT-25: unknown types and broken microdata are refused`(_ profile: Profile) throws {
    var (puppet, good) = try puppet(profile)
    let texts = [
      #"<div itemscope itemtype="//refin.io/NoSuchType"></div>"#, name("x") + "\n", "hello",
      #"<div itemscope itemtype="//refin.io/PersonName"></div>"#, name("a<b"),
      #"<div itemscope itemtype="//refin.io/PersonName"><span itemprop="name">x</span><span itemprop="z">1</span></div>"#,
    ]
    let roots = texts.map { RootEntry.unversioned(hash: puppet.add($0), type: "PersonName") }
    puppet.roots = RootEntry.encodeList(roots + [.unversioned(hash: good, type: "PersonName")])
    puppet.run()
    for root in roots { #expect(!puppet.knows(root.key)) }
    #expect(puppet.codes.count == texts.count)
    #expect(puppet.knows(good))
    if profile == .strict {
      // Errors that could reach a peer or a log hold nothing of the content.
      for error in puppet.session.errors { #expect(!error.message.contains("<div")) }
    }
  }

  @Test func `AT-25: strict refuses spellings that the deployed importer stores`() throws {
    for profile in Profile.allCases {
      var (puppet, _) = try puppet(profile)
      let data = puppet.add(name("data"))
      let times = ["01", "1.0", "+1", "0x10", " 1"].map { number in
        puppet.add(
          #"<div itemscope itemtype="//refin.io/CreationTime"><span itemprop="timestamp">"# + number
            + #"</span><a itemprop="data" data-type="obj">\#(data)</a></div>"#,
          children: [ChildEntry(kind: .object, hash: data)])
      }
      puppet.roots = RootEntry.encodeList(times.map { .unversioned(hash: $0, type: "CreationTime") })
      puppet.run()
      for time in times { #expect(puppet.knows(time) == (profile == .deployed)) }
    }
  }

  @Test(arguments: Profile.allCases)
  func `AT-26: a Recipe is stored as data and registers nothing`(_ profile: Profile) throws {
    var (puppet, _) = try puppet(profile)
    let recipe = try puppet.add([
      "$type$": "Recipe", "name": "NoSuchType", "rule": .array([.object(["itemprop": "a"])]),
    ])
    let object = puppet.add(
      #"<div itemscope itemtype="//refin.io/NoSuchType"><span itemprop="a">1</span></div>"#)
    puppet.announce(.unversioned(hash: recipe, type: "Recipe"), .unversioned(hash: object, type: "NoSuchType"))
    puppet.run()
    #expect(puppet.knows(recipe))
    #expect(!puppet.knows(object))
  }

  @Test(arguments: Profile.allCases)
  func `AT-32: data behind chunks takes the stream away`(_ profile: Profile) throws {
    var (puppet, good) = try puppet(profile)
    let text = name("good")
    puppet.announce(.unversioned(hash: good, type: "PersonName"))
    puppet.reply = { service, _, id in
      guard service == 6 else { return nil }
      return [
        .text(ChumMessage.stream(id: id, chunk: "x", encoding: "utf8").text),
        .text(ChumMessage.data(id: id, .string(text)).text),
      ]
    }
    puppet.run()
    #expect(puppet.knows(good) == (profile == .deployed))
    #expect(puppet.peer.host.repository.store.openFileCount == 0)
  }

  @Test(arguments: Profile.allCases)
  func `AT-33, AT-35: service 3 costs nothing, and the absent value is no content`(_ profile: Profile) throws {
    var (puppet, good) = try puppet(profile)
    puppet.objects[good] = ChumMessage.undefined
    puppet.announce(.unversioned(hash: good, type: "PersonName"))
    puppet.run()
    #expect(puppet.codes == ["CIEC-FO1"])
    for id in 0..<100 { puppet.send(.text(ChumMessage.request(id: id, service: 3, args: []).text)) }
    #expect(puppet.sent.suffix(100).allSatisfy { $0.contains("\"type\":\"data\"") })
  }

  @Test(arguments: Profile.allCases)
  func `CF-064: a failed root is tried again in the next round, once`(_ profile: Profile) throws {
    var (puppet, good) = try puppet(profile)
    let text = puppet.objects.removeValue(forKey: good)
    puppet.announce(.unversioned(hash: good, type: "PersonName"))
    puppet.run(for: 4_000)
    #expect(puppet.asked.count { $0.service == 6 } == 1 && !puppet.knows(good))
    puppet.objects[good] = text
    puppet.run(for: 5_000)
    #expect(puppet.asked.count { $0.service == 6 } == 2 && puppet.knows(good))
  }
}
