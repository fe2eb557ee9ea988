import Cryptobox
import Foundation
import Microdata
import Store
import StoreFiles
import Testing

/// A directory that is gone when the test ends.
final class Folder {
  let path: String
  init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("chumgate-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// What every backend must do; each test runs over both.
@Suite struct StoreTests {
  enum Backend: String, CaseIterable { case memory, directory }

  private func run(_ backend: Backend, _ body: (inout any EntryStore) throws -> Void) throws {
    switch backend {
    case .memory:
      var store: any EntryStore = MemoryStore()
      try body(&store)
    case .directory:
      let folder = try Folder()
      var store: any EntryStore = try DirectoryStore(path: folder.path)
      try body(&store)
    }
  }

  private let object = Array(
    #"<div itemscope itemtype="//refin.io/PersonName"><span itemprop="name">x</span></div>"#.utf8)

  @Test(arguments: Backend.allCases)
  func `content comes back under its hash, once`(_ backend: Backend) throws {
    try run(backend) { store in
      let (hash, status) = try store.put(object, kind: .object, type: "PersonName")
      #expect(hash == ObjectHash.of(object) && status == .new)
      #expect(try store.put(object, kind: .object, type: "PersonName").1 == .exists)
      #expect(store.entry(hash) == StoredEntry(kind: .object, size: object.count, type: "PersonName"))
      #expect(try store.content(hash) == object)
      #expect(try store.read(hash, from: 5, count: 9) == Array(object[5..<14]))
      #expect(try store.read(hash, from: object.count, count: 9) == [])
      #expect(store.count == 1 && store.knows(hash) && !store.knows(ObjectHash.of([1])))
      try store.commit()
    }
  }

  @Test(arguments: Backend.allCases)
  func `what is missing is said by name`(_ backend: Backend) throws {
    try run(backend) { store in
      let hash = ObjectHash.of([1])
      #expect(throws: StoreFailure(.missing(hash))) { try store.content(hash) }
      #expect(throws: StoreFailure(.missing(hash))) { try store.read(hash, from: 0, count: 1) }
    }
  }

  @Test(arguments: Backend.allCases)
  func `files stream in and out, and a wrong one leaves nothing`(_ backend: Backend) throws {
    try run(backend) { store in
      let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }
      let ticket = try store.beginFile()
      for start in stride(from: 0, to: bytes.count, by: 60_000) {
        try store.append(Array(bytes[start..<min(bytes.count, start + 60_000)]), to: ticket)
      }
      let (hash, status) = try store.finishFile(ticket, kind: .blob, expected: ObjectHash.of(bytes))
      #expect(status == .new && store.entry(hash)?.size == bytes.count)
      #expect(try store.read(hash, from: 199_990, count: 100) == Array(bytes[199_990...]))
      let wrong = try store.beginFile()
      try store.append([1, 2, 3], to: wrong)
      let refused = try store.finishFile(wrong, kind: .blob, expected: hash)
      #expect(refused.status == nil && !store.knows(ObjectHash.of([1, 2, 3])))
      let left = try store.beginFile()
      try store.append([4], to: left)
      store.abandonFile(left)
      #expect(throws: StoreFailure(.noSuchTicket)) { try store.append([5], to: left) }
      let empty = try store.beginFile()
      #expect(try store.finishFile(empty, kind: .blob, expected: nil).hash.hex.hasPrefix("e3b0c44298fc1c14"))
      let again = try store.beginFile()
      try store.append(bytes, to: again)
      #expect(try store.finishFile(again, kind: .clob, expected: nil).status == .exists)
      #expect(store.count == 2)
    }
  }

  @Test(arguments: Backend.allCases)
  func `heads, reverse maps and notes are kept in order`(_ backend: Backend) throws {
    try run(backend) { store in
      let (a, b, c) = (ObjectHash.of([1]), ObjectHash.of([2]), ObjectHash.of([3]))
      try store.setHead(b, of: a)
      try store.setHead(c, of: a)
      #expect(store.head(a) == c && store.head(b) == nil)
      let key = ReverseKey(target: a, type: "Access")
      for hash in [c, b, c] { try store.addReferrer(hash, to: key) }
      #expect(store.referrers(key) == [c, b])
      #expect(store.referrers(ReverseKey(target: a, type: "IdAccess")) == [])
      try store.setNote([1, 2], named: "n")
      try store.setNote([3], named: "n")
      #expect(store.note("n") == [3] && store.note("m") == nil)
      var heads: [ObjectHash] = []
      try store.forEachHead { idHash, node in
        heads += [idHash, node]
        return true
      }
      #expect(heads == [a, c])
    }
  }

  @Test(arguments: Backend.allCases)
  func `entries are listed by hash, as far as one wants`(_ backend: Backend) throws {
    try run(backend) { store in
      for number in 0..<50 { _ = try store.put([UInt8(number)], kind: .blob, type: "") }
      var listed: [ObjectHash] = []
      try store.forEachEntry { hash, _ in
        listed.append(hash)
        return true
      }
      #expect(listed.count == 50 && listed == listed.sorted())
      var few = 0
      try store.forEachEntry { _, _ in
        few += 1
        return few < 3
      }
      #expect(few == 3)
    }
  }

  /// The slow model that cannot be wrong is a dictionary: random operations give the same answers everywhere.
  @Test func `both backends agree over two thousand random operations`() throws {
    let folder = try Folder()
    var memory = MemoryStore()
    let directory = try DirectoryStore(path: folder.path)
    var random = SeededRandom(seed: 7)
    var known: [ObjectHash] = [ObjectHash.of([])]
    for _ in 0..<2_000 {
      let pick = known[Int(random.next() % UInt64(known.count))]
      switch random.next() % 8 {
      case 0, 1, 2:
        let content = [UInt8](repeating: UInt8(truncatingIfNeeded: random.next()), count: Int(random.next() % 40))
        let kind: StoredKind = random.next() % 2 == 0 ? .blob : .object
        let one = try memory.put(content, kind: kind, type: "T")
        let other = try directory.put(content, kind: kind, type: "T")
        #expect(one == other)
        known.append(one.0)
      case 3:
        try memory.setHead(pick, of: known[0])
        try directory.setHead(pick, of: known[0])
      case 4:
        let key = ReverseKey(target: pick, type: "Access")
        try memory.addReferrer(known[0], to: key)
        try directory.addReferrer(known[0], to: key)
        #expect(memory.referrers(key) == directory.referrers(key))
      case 5: if random.next() % 20 == 0 { try directory.commit() }
      default:
        #expect(memory.entry(pick) == directory.entry(pick))
        if memory.knows(pick) { #expect(try memory.content(pick) == directory.content(pick)) }
        #expect(memory.head(pick) == directory.head(pick))
      }
    }
    #expect(memory.count == directory.count)
  }

  @Test func `hashes read exactly 64 lower-case digits and order like their texts`() {
    let good = String(repeating: "0a", count: 32)
    #expect(ObjectHash(hex: good)?.hex == good)
    for text in [
      "", String(good.dropLast()), good + "0", good.uppercased(), String(repeating: "g", count: 64), good + "\n",
    ] {
      #expect(ObjectHash(hex: text) == nil)
    }
    #expect(ObjectHash(bytes: [1]) == nil)
    let hashes = (0..<200).map { ObjectHash.of([UInt8($0)]) }
    #expect(hashes.sorted().map(\.hex) == hashes.map(\.hex).sorted())
    #expect(hashes.allSatisfy { ObjectHash(bytes: $0.bytes) == $0 })
  }
}
