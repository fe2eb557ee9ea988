import Cryptobox

/// A store in memory: a value, so that a simulation copies, compares and rewinds it. `commit` has nothing to do.
public struct MemoryStore: EntryStore, Sendable {
  private struct Item: Sendable {
    let entry: StoredEntry
    let content: [UInt8]
  }

  private var items: [ObjectHash: Item] = [:]
  private var open: [FileTicket: [UInt8]] = [:]
  private var heads: [ObjectHash: ObjectHash] = [:]
  private var reverse: [ReverseKey: [ObjectHash]] = [:]
  /// The same lines for the question whether one is there: a person may have a hundred thousand grants.
  private var reverseLines: [ReverseKey: Set<ObjectHash>] = [:]
  private var notes: [String: [UInt8]] = [:]
  private var nextTicket = 0
  /// Bytes that one open file may hold; memory has no disk behind it.
  private let fileLimit: Int

  public init(fileLimit: Int = 1 << 30) { self.fileLimit = fileLimit }

  public var count: Int { items.count }
  /// Files that were begun and neither finished nor abandoned.
  public var openFileCount: Int { open.count }

  public func entry(_ hash: ObjectHash) -> StoredEntry? { items[hash]?.entry }

  public func content(_ hash: ObjectHash) throws(StoreFailure) -> [UInt8] {
    guard let item = items[hash] else { throw StoreFailure(.missing(hash)) }
    return item.content
  }

  public func read(_ hash: ObjectHash, from offset: Int, count: Int) throws(StoreFailure) -> [UInt8] {
    guard let content = items[hash]?.content else { throw StoreFailure(.missing(hash)) }
    guard offset >= 0, offset < content.count, count > 0 else { return [] }
    return Array(content[offset..<min(content.count, offset + count)])
  }

  public mutating func put(
    _ content: [UInt8], kind: StoredKind, type: String
  ) throws(StoreFailure) -> (ObjectHash, StoreStatus) {
    let hash = ObjectHash.of(content)
    guard items[hash] == nil else { return (hash, .exists) }
    items[hash] = Item(entry: StoredEntry(kind: kind, size: content.count, type: type), content: content)
    return (hash, .new)
  }

  public mutating func beginFile() throws(StoreFailure) -> FileTicket {
    nextTicket += 1
    let ticket = FileTicket(number: nextTicket)
    open[ticket] = []
    return ticket
  }

  public mutating func append(_ bytes: [UInt8], to ticket: FileTicket) throws(StoreFailure) {
    guard let size = open[ticket]?.count else { throw StoreFailure(.noSuchTicket) }
    guard size + bytes.count <= fileLimit else { throw StoreFailure(.tooLarge(limit: fileLimit)) }
    open[ticket]?.append(contentsOf: bytes)
  }

  public mutating func finishFile(
    _ ticket: FileTicket, kind: StoredKind, expected: ObjectHash?
  ) throws(StoreFailure) -> (hash: ObjectHash, status: StoreStatus?) {
    guard let content = open.removeValue(forKey: ticket) else { throw StoreFailure(.noSuchTicket) }
    let hash = ObjectHash.of(content)
    if let expected, expected != hash { return (hash, nil) }
    return try put(content, kind: kind, type: "")
  }

  public mutating func abandonFile(_ ticket: FileTicket) { open[ticket] = nil }

  /// What a crash does: files that were not finished are gone. `halves` are names under which a broken store would
  /// find the pieces again; only self-tests give any.
  public mutating func crash(halves: [ObjectHash] = []) {
    for (name, ticket) in zip(halves, open.keys.sorted { $0.number < $1.number }) {
      let content = open[ticket] ?? []
      items[name] = Item(entry: StoredEntry(kind: .blob, size: content.count, type: ""), content: content)
    }
    open = [:]
  }

  public func head(_ idHash: ObjectHash) -> ObjectHash? { heads[idHash] }
  public mutating func setHead(_ node: ObjectHash, of idHash: ObjectHash) throws(StoreFailure) { heads[idHash] = node }

  public func referrers(_ key: ReverseKey) -> [ObjectHash] { reverse[key] ?? [] }

  public mutating func addReferrer(_ referrer: ObjectHash, to key: ReverseKey) throws(StoreFailure) {
    guard reverseLines[key, default: []].insert(referrer).inserted else { return }
    reverse[key, default: []].append(referrer)
  }

  /// Puts the lines of a map in another order: what the deployed implementation's file system does by chance.
  public mutating func reorderReferrers(_ key: ReverseKey, _ lines: [ObjectHash]) {
    guard let old = reverse[key], Set(old) == Set(lines) else { return }
    reverse[key] = lines
  }

  public func note(_ name: String) -> [UInt8]? { notes[name] }
  public mutating func setNote(_ content: [UInt8], named name: String) throws(StoreFailure) { notes[name] = content }

  public mutating func commit() throws(StoreFailure) {}

  public func forEachEntry(_ body: (ObjectHash, StoredEntry) -> Bool) throws(StoreFailure) {
    for hash in items.keys.sorted() {
      guard let item = items[hash], body(hash, item.entry) else { return }
    }
  }

  public func forEachHead(_ body: (ObjectHash, ObjectHash) -> Bool) throws(StoreFailure) {
    for idHash in heads.keys.sorted() {
      guard let node = heads[idHash], body(idHash, node) else { return }
    }
  }
}
