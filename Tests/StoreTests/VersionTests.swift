import Foundation
import Microdata
import Store
import Testing

/// Version histories and merges (chum.md 2.9, 2.10, 4.3).
@Suite struct VersionTests {
  private func repository() throws -> Repository<MemoryStore> {
    Repository(store: MemoryStore(), codec: try MicrodataObjectCodec.standard(.strict))
  }

  private func person(_ name: String?) -> OneObject {
    var object = OneObject(["$type$": "Person", "email": "a@x"])
    if let name { object.set("name", .text(name)) }
    return object
  }

  private func leute(_ others: [ObjectHash], me: ObjectHash) -> OneObject {
    OneObject([
      "$type$": "Leute", "appId": "one.leute", "me": .reference(me), "other": .array(others.map(OneValue.reference)),
      "group": .array([]),
    ])
  }

  @Test func `versions make an edge, then changes; the same data makes nothing`() throws {
    var repository = try repository()
    let (idHash, _, first) = try repository.storeVersion(person("one"), now: 10)
    #expect(first == .new)
    #expect(try repository.storeVersion(person("one"), now: 20).status == .exists)
    try repository.storeVersion(person("two"), now: 30)
    let head = try #require(repository.store.head(idHash))
    let node = try repository.versionNode(head)
    #expect(node.depth == 1 && node.creationTime == 30)
    guard case .change(let previous?) = node.shape else {
      Issue.record("no change")
      return
    }
    #expect(try repository.versionNode(previous).shape == .edge)
    let events = repository.takeEvents().count { if case .versionStored = $0 { true } else { false } }
    #expect(events == 2 && repository.takeEvents().isEmpty)
  }

  /// A node of another peer with this data, stored here but not in the history.
  private func foreign(
    _ object: OneObject, at time: Double, _ repository: inout Repository<MemoryStore>
  ) throws -> ObjectHash {
    let data = try repository.storeObject(object)
    return try repository.storeNode(VersionNode(.edge, data: data, depth: 0, creationTime: time))
  }

  @Test(arguments: [true, false])
  func `without a head a node is adopted, itself or as an edge of our own`(_ adopts: Bool) throws {
    var repository = try repository()
    let data = try repository.storeObject(person("x"))
    let edge = try repository.storeNode(VersionNode(.edge, data: data, depth: 0, creationTime: 1))
    let change = try repository.storeNode(
      VersionNode(.change(previous: edge), data: data, depth: 1, creationTime: 2))
    let idHash = try #require(try repository.idHash(of: repository.store.content(data)))
    #expect(try repository.mergeVersion(change, idHash: idHash, adoptsRemoteNode: adopts) != .unchanged)
    #expect((repository.store.head(idHash) == change) == adopts)
    #expect(try repository.mergeVersion(change, idHash: idHash, adoptsRemoteNode: adopts) == .unchanged)
  }

  @Test func `a head that precedes the new node moves forward, one that follows it stays`() throws {
    var repository = try repository()
    let (idHash, _, _) = try repository.storeVersion(person("one"), now: 1)
    let old = try #require(repository.store.head(idHash))
    let data = try repository.storeObject(person("two"))
    let next = try repository.storeNode(VersionNode(.change(previous: old), data: data, depth: 1, creationTime: 2))
    // F46: the deployed write does not replace the head; ours must.
    #expect(try repository.mergeVersion(next, idHash: idHash, adoptsRemoteNode: true) == .adopted(next))
    #expect(try repository.mergeVersion(old, idHash: idHash, adoptsRemoteNode: true) == .unchanged)
    #expect(repository.store.head(idHash) == next)
  }

  @Test func `registers take the later writer, on both sides`() throws {
    var data: Set<ObjectHash> = []
    for (mine, theirs) in [
      ((person("one"), 10.0), (person("two"), 20.0)), ((person("two"), 20.0), (person("one"), 10.0)),
    ] {
      var repository = try repository()
      let (idHash, _, _) = try repository.storeVersion(mine.0, now: mine.1)
      let node = try foreign(theirs.0, at: theirs.1, &repository)
      _ = try repository.mergeVersion(node, idHash: idHash, adoptsRemoteNode: false)
      let current = try #require(repository.currentVersion(idHash))
      #expect(try repository.object(current).text("name") == "two")
      data.insert(current)
    }
    #expect(data.count == 1)
  }

  @Test func `an optional value that one side lacks is kept, unless it was dropped later`() throws {
    var repository = try repository()
    let (idHash, _, _) = try repository.storeVersion(person(nil), now: 10)
    _ = try repository.mergeVersion(
      try foreign(person("new"), at: 5, &repository), idHash: idHash, adoptsRemoteNode: false)
    #expect(try repository.object(#require(repository.currentVersion(idHash))).text("name") == "new")
    var other = try self.repository()
    try other.storeVersion(person("old"), now: 1)
    try other.storeVersion(person(nil), now: 30)
    _ = try other.mergeVersion(
      try foreign(person("old"), at: 20, &other), idHash: idHash, adoptsRemoteNode: false)
    #expect(try other.object(#require(other.currentVersion(idHash))).text("name") == nil)
  }

  @Test func `sets unite, and what was removed stays away`() throws {
    var repository = try repository()
    let (a, b, c) = (ObjectHash.of([1]), ObjectHash.of([2]), ObjectHash.of([3]))
    let (idHash, _, _) = try repository.storeVersion(leute([a, b], me: a), now: 1)
    try repository.storeVersion(leute([b], me: a), now: 30)
    _ = try repository.mergeVersion(
      try foreign(leute([a, b, c], me: a), at: 20, &repository), idHash: idHash, adoptsRemoteNode: false)
    let merged = try repository.object(#require(repository.currentVersion(idHash)))
    #expect(Set(merged.hashes("other")) == [b, c])
  }

  @Test func `merge nodes depend on the two nodes alone`() throws {
    var hashes: Set<ObjectHash> = []
    for swapped in [false, true] {
      var repository = try repository()
      let one = try foreign(leute([ObjectHash.of([1])], me: ObjectHash.of([9])), at: 10, &repository)
      let other = try foreign(leute([ObjectHash.of([2])], me: ObjectHash.of([9])), at: 20, &repository)
      let idHash = try #require(
        try repository.idHash(of: repository.store.content(repository.versionNode(one).data)))
      for node in swapped ? [other, one] : [one, other] {
        _ = try repository.mergeVersion(node, idHash: idHash, adoptsRemoteNode: true)
      }
      hashes.insert(try #require(repository.store.head(idHash)))
    }
    #expect(hashes.count == 1)
  }

  private func message(_ text: String, at time: Double, _ repository: inout Repository<MemoryStore>) throws
    -> ObjectHash
  {
    let data = try repository.storeObject(OneObject(["$type$": "PersonName", "name": .text(text)]))
    return try repository.storeObject(
      OneObject(["$type$": "CreationTime", "timestamp": .number(time), "data": .reference(data)]))
  }

  @Test func `lists merge by time, each message once, the same from either side`() throws {
    var repository = try repository()
    var times: [Double: ObjectHash] = [:]
    for time in [1.0, 2, 3, 4, 5, 6, 7] { times[time] = try message("\(time)", at: time, &repository) }
    func list(_ wanted: [Double]) throws -> ObjectHash? {
      var head: ObjectHash?
      for time in wanted {
        head = try repository.insert(creation: try #require(times[time]), timestamp: time, metadata: [], into: head)
      }
      return head
    }
    let cases: [([Double], [Double])] = [
      ([1, 2], [3]), ([1, 3, 5], [1, 2, 4]), ([], [1]), ([1, 2, 3], [1, 2, 3, 4]), ([7, 1], [6, 2]), ([5], [5]),
      ([1, 2, 4, 6], [1, 3, 5, 7]),
    ]
    for (one, other) in cases {
      let (a, b) = (try list(one), try list(other))
      let merged = try repository.mergeLists(a, b)
      #expect(try repository.mergeLists(b, a) == merged)
      #expect(try repository.list(merged).map(\.timestamp) == Set(one + other).sorted(by: >))
      #expect(try repository.mergeLists(merged, a) == merged)
      #expect(try repository.mergeLists(b, merged) == merged)
    }
  }

  @Test func `the standard recipes are those of the recipe file`() throws {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Fixtures/Vectors/recipes.json")
    let file = try RecipeRegistry(recipesFile: [UInt8](try Data(contentsOf: url)))
    let own = StandardRecipes.registry.recipes
    #expect(own.count == 46)
    for recipe in own {
      let theirs = try #require(file[recipe.name])
      #expect(recipe.rules.count == theirs.rules.count, "\(recipe.name)")
      for (one, other) in zip(recipe.rules, theirs.rules) {
        #expect(one.itemprop == other.itemprop && one.isId == other.isId && one.optional == other.optional)
        #expect(one.itemtype == Self.filled(other.itemtype), "\(recipe.name).\(one.itemprop)")
      }
      // What the list of a channel is merged with is said in both.
      #expect((recipe.name == "ChannelInfo") == (recipe.crdtConfig != nil))
    }
  }

  /// The file leaves a type out where it is `string`, also inside.
  private static func filled(_ type: ItemType?) -> ItemType? {
    switch type {
    case nil: .string(nil)
    case .object(let rules)?:
      .object(
        rules.map { Rule($0.itemprop, filled($0.itemtype), optional: $0.optional, isId: $0.isId) })
    case .list(let kind, let item)?: .list(kind, item: filled(item) ?? item)
    case let type?: type
    }
  }
}
