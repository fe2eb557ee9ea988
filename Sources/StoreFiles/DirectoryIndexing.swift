public import Store

extension DirectoryStore {
  public func head(_ idHash: ObjectHash) -> ObjectHash? {
    var node: ObjectHash?
    try? index.query("SELECT node FROM head WHERE id = ?", .hash(idHash)) { row in
      node = row.hash(0)
      return false
    }
    return node
  }

  public func setHead(_ node: ObjectHash, of idHash: ObjectHash) throws(StoreFailure) {
    try index.begin()
    try index.run("INSERT OR REPLACE INTO head(id, node) VALUES(?, ?)", .hash(idHash), .hash(node))
  }

  public func referrers(_ key: ReverseKey) -> [ObjectHash] {
    var lines: [ObjectHash] = []
    try? index.query(
      "SELECT referrer FROM reverse WHERE target = ? AND type = ? ORDER BY number", .hash(key.target), .text(key.type)
    ) { row in
      if let hash = row.hash(0) { lines.append(hash) }
      return true
    }
    return lines
  }

  public func addReferrer(_ referrer: ObjectHash, to key: ReverseKey) throws(StoreFailure) {
    try index.begin()
    try index.run(
      "INSERT OR IGNORE INTO reverse(target, type, referrer) VALUES(?, ?, ?)", .hash(key.target), .text(key.type),
      .hash(referrer))
  }

  public func note(_ name: String) -> [UInt8]? {
    var content: [UInt8]?
    try? index.query("SELECT content FROM note WHERE name = ?", .text(name)) { row in
      content = row.bytes(0)
      return false
    }
    return content
  }

  public func setNote(_ content: [UInt8], named name: String) throws(StoreFailure) {
    try index.begin()
    try index.run("INSERT OR REPLACE INTO note(name, content) VALUES(?, ?)", .text(name), .bytes(content))
  }

  public func forEachEntry(_ body: (ObjectHash, StoredEntry) -> Bool) throws(StoreFailure) {
    try index.query("SELECT hash, kind, size, type FROM entry ORDER BY hash") { row in
      guard let hash = row.hash(0), let entry = Self.entry(row, 1) else { return true }
      return body(hash, entry)
    }
  }

  public func forEachHead(_ body: (ObjectHash, ObjectHash) -> Bool) throws(StoreFailure) {
    try index.query("SELECT id, node FROM head ORDER BY id") { row in
      guard let idHash = row.hash(0), let node = row.hash(1) else { return true }
      return body(idHash, node)
    }
  }

  public var count: Int {
    var count = 0
    try? index.query("SELECT count(*) FROM entry") { row in
      count = row.integer(0)
      return false
    }
    return count
  }
}
