import Microdata

/// One entry of a channel's list, with the time that orders it (chum.md 4.1).
public struct ListEntry: Sendable, Equatable {
  public let hash: ObjectHash
  /// The CreationTime object; what makes two entries the same message.
  public let creation: ObjectHash
  /// Milliseconds since 1970.
  public let timestamp: Double
  public let data: ObjectHash
  public let metadata: [ObjectHash]
  public let previous: ObjectHash?

  /// Newest first; at the same time the greater CreationTime hash first (chum.md 4.2).
  func comesBefore(_ other: ListEntry) -> Bool { (timestamp, creation) > (other.timestamp, other.creation) }
}

extension Repository {
  /// Entries of one list; a longer one is refused instead of filling the memory.
  public static var listLimit: Int { 1_000_000 }

  public func listEntry(_ hash: ObjectHash) throws(RepositoryFailure) -> ListEntry {
    let entry = try object(hash)
    guard entry.type == "LinkedListEntry", let creation = entry.hash("data") else {
      throw .unsuitable("\(hash) is no list entry")
    }
    let time = try object(creation)
    guard time.type == "CreationTime", let timestamp = time.number("timestamp"), let data = time.hash("data") else {
      throw .unsuitable("\(creation) is no creation time")
    }
    return ListEntry(
      hash: hash, creation: creation, timestamp: timestamp.isNaN ? -.infinity : timestamp, data: data,
      metadata: entry.hashes("metadata"), previous: entry.hash("previous"))
  }

  /// The entries from the head backwards, newest first, at most `limit` of them.
  public func list(_ head: ObjectHash?, limit: Int = listLimit) throws(RepositoryFailure) -> [ListEntry] {
    var entries: [ListEntry] = []
    var next = head
    while let hash = next, entries.count < limit {
      let entry = try listEntry(hash)
      entries.append(entry)
      next = entry.previous
    }
    return entries
  }

  /// Writes one entry on top of another.
  mutating func writeEntry(
    creation: ObjectHash, metadata: [ObjectHash], previous: ObjectHash?
  ) throws(RepositoryFailure) -> ObjectHash {
    var object = OneObject(["$type$": "LinkedListEntry", "data": .reference(creation)])
    // An empty bag and none are different bytes; the deployed implementation writes what it was given.
    if !metadata.isEmpty { object.set("metadata", .array(metadata.map(OneValue.reference))) }
    if let previous { object.set("previous", .reference(previous)) }
    return try storeObject(object)
  }

  /// Puts a message into the list at its time and gives the new head; newer entries are written anew (chum.md 4.2).
  public mutating func insert(
    creation: ObjectHash, timestamp: Double, metadata: [ObjectHash], into head: ObjectHash?
  ) throws(RepositoryFailure) -> ObjectHash {
    var newer: [ListEntry] = []
    var base = head
    while let hash = base {
      let entry = try listEntry(hash)
      if entry.creation == creation { return head ?? hash }
      guard (entry.timestamp, entry.creation) > (timestamp, creation) else { break }
      guard newer.count < Self.listLimit else { throw .unsuitable("a list of more than \(Self.listLimit) entries") }
      newer.append(entry)
      base = entry.previous
    }
    var top = try writeEntry(creation: creation, metadata: metadata, previous: base)
    for entry in newer.reversed() {
      top = try writeEntry(creation: entry.creation, metadata: entry.metadata, previous: top)
    }
    return top
  }

  /// Merges two lists; the result depends on the lists alone (chum.md 4.3).
  ///
  /// Walks both newest first until one is used up or the same entry is met on both; what is reached then is the base,
  /// and everything passed is written on top of it, oldest first, each CreationTime once.
  public mutating func mergeLists(
    _ one: ObjectHash?, _ other: ObjectHash?
  ) throws(RepositoryFailure) -> ObjectHash? {
    var left = one
    var right = other
    var passed: [(creation: ObjectHash, metadata: [ObjectHash])] = []
    while let leftHash = left, let rightHash = right, leftHash != rightHash {
      guard passed.count < Self.listLimit else { throw .unsuitable("a list of more than \(Self.listLimit) entries") }
      let leftEntry = try listEntry(leftHash)
      let rightEntry = try listEntry(rightHash)
      if leftEntry.creation == rightEntry.creation {
        let metadata = Set(leftEntry.metadata).union(rightEntry.metadata).sorted()
        passed.append((leftEntry.creation, metadata))
        left = leftEntry.previous
        right = rightEntry.previous
      } else if leftEntry.comesBefore(rightEntry) {
        passed.append((leftEntry.creation, leftEntry.metadata))
        left = leftEntry.previous
      } else {
        passed.append((rightEntry.creation, rightEntry.metadata))
        right = rightEntry.previous
      }
    }
    var top = left ?? right
    for entry in passed.reversed() {
      top = try writeEntry(creation: entry.creation, metadata: entry.metadata, previous: top)
    }
    return top
  }
}
