import Microdata
import Store
import Wire

/// A memory store that also claims entries whose bytes never travelled.
///
/// A recording shows the bytes that one side lacked. What both sides had is known by name only; where its references
/// matter, a stand-in text holds them, and `PretendCodec` reads it.
struct PretendStore: EntryStore {
  var base = MemoryStore()
  var claimed: [ObjectHash: StoredEntry] = [:]
  var standIns: [ObjectHash: [UInt8]] = [:]

  mutating func claim(_ hash: ObjectHash, _ kind: StoredKind, type: String = "Unknown") {
    guard base.entry(hash) == nil, claimed[hash] == nil else { return }
    claimed[hash] = StoredEntry(kind: kind, size: 0, type: type)
  }

  func entry(_ hash: ObjectHash) -> StoredEntry? { base.entry(hash) ?? claimed[hash] }
  func content(_ hash: ObjectHash) throws(StoreFailure) -> [UInt8] {
    if let text = standIns[hash], base.entry(hash) == nil { return text }
    return try base.content(hash)
  }
  func read(_ hash: ObjectHash, from offset: Int, count: Int) throws(StoreFailure) -> [UInt8] {
    if base.entry(hash) == nil, let size = claimed[hash]?.size {
      return [UInt8](repeating: 0, count: max(0, min(count, size - offset)))
    }
    return try base.read(hash, from: offset, count: count)
  }
  mutating func put(
    _ content: [UInt8], kind: StoredKind, type: String
  ) throws(StoreFailure) -> (ObjectHash, StoreStatus) { try base.put(content, kind: kind, type: type) }
  mutating func beginFile() throws(StoreFailure) -> FileTicket { try base.beginFile() }
  mutating func append(_ bytes: [UInt8], to ticket: FileTicket) throws(StoreFailure) {
    try base.append(bytes, to: ticket)
  }
  mutating func finishFile(
    _ ticket: FileTicket, kind: StoredKind, expected: ObjectHash?
  ) throws(StoreFailure) -> (hash: ObjectHash, status: StoreStatus?) {
    try base.finishFile(ticket, kind: kind, expected: expected)
  }
  mutating func abandonFile(_ ticket: FileTicket) { base.abandonFile(ticket) }
  func head(_ idHash: ObjectHash) -> ObjectHash? { base.head(idHash) }
  mutating func setHead(_ node: ObjectHash, of idHash: ObjectHash) throws(StoreFailure) {
    try base.setHead(node, of: idHash)
  }
  func referrers(_ key: ReverseKey) -> [ObjectHash] { base.referrers(key) }
  mutating func addReferrer(_ referrer: ObjectHash, to key: ReverseKey) throws(StoreFailure) {
    try base.addReferrer(referrer, to: key)
  }
  func note(_ name: String) -> [UInt8]? { base.note(name) }
  mutating func setNote(_ content: [UInt8], named name: String) throws(StoreFailure) {
    try base.setNote(content, named: name)
  }
  mutating func commit() throws(StoreFailure) { try base.commit() }
  func forEachEntry(_ body: (ObjectHash, StoredEntry) -> Bool) throws(StoreFailure) { try base.forEachEntry(body) }
  func forEachHead(_ body: (ObjectHash, ObjectHash) -> Bool) throws(StoreFailure) { try base.forEachHead(body) }
  var count: Int { base.count }
}

/// Stand-in texts: a header, the references in order, and a mark that no real object has.
enum StandIn {
  private static let mark = Array("<stand-in>".utf8)

  static func text(_ type: String, isId: Bool, _ references: [Reference], number: Int = 0) -> [UInt8] {
    var out = isId ? ObjectHead.idPrefix : ObjectHead.objectPrefix
    out += Array("\(type)\">".utf8) + mark + Array("\(number)".utf8)
    for reference in references {
      let kind =
        switch reference.kind {
        case .object: "obj"
        case .id: "id"
        case .blob: "blob"
        case .clob: "clob"
        }
      out += Array("<a itemprop=\"x\" data-type=\"\(kind)\">\(reference.hash)</a>".utf8)
    }
    return out + Array("</div>".utf8)
  }

  static func isOne(_ content: [UInt8]) -> Bool {
    guard let close = content.prefix(120).lastRange(of: mark) else { return false }
    return !close.isEmpty
  }
}

extension ArraySlice<UInt8> {
  fileprivate func lastRange(of pattern: [UInt8]) -> Range<Int>? {
    guard count >= pattern.count else { return nil }
    for start in startIndex...(endIndex - pattern.count)
    where self[start..<start + pattern.count].elementsEqual(pattern) {
      return start..<start + pattern.count
    }
    return nil
  }
}

/// Reads stand-ins of version nodes as nodes, in the order of their references; everything else goes to the real codec.
struct PretendCodec: ObjectCodec {
  let real: MicrodataObjectCodec
  /// ID hashes that recordings name for objects whose bytes they do not show, by stand-in text.
  var idHashes: [[UInt8]: ObjectHash] = [:]

  func read(_ content: [UInt8], as form: ObjectForm) throws(MicrodataError) -> OneObject {
    guard StandIn.isOne(content), let type = ObjectHead.type(content) else { return try real.read(content, as: form) }
    var object = OneObject(["$type$": .text(type)])
    if VersionNode.types.contains(type) {
      let nodes = References.scan(content).map(\.hash)
      object.set("nodes", .set(nodes.map(OneValue.reference)))
      object.set("data", .reference(nodes.first ?? ObjectHash.of(content)))
      object.set("depth", 0)
      object.set("creationTime", 0)
    }
    return object
  }
  func write(_ object: OneObject, as form: ObjectForm) throws(MicrodataError) -> [UInt8] {
    try real.write(object, as: form)
  }
  func idContent(of content: [UInt8]) throws(MicrodataError) -> [UInt8]? {
    StandIn.isOne(content) ? nil : try real.idContent(of: content)
  }
  func idHash(of content: [UInt8]) throws(MicrodataError) -> ObjectHash? {
    StandIn.isOne(content) ? idHashes[content] : try real.idHash(of: content)
  }
  func recipe(_ type: String) -> Recipe? { real.recipe(type) }
}
