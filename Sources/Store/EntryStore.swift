/// What a stored entry is. Objects and ID objects are told apart by their first bytes, files by who stored them.
public enum StoredKind: UInt8, Sendable, CaseIterable {
  case object = 0
  case idObject = 1
  case blob = 2
  case clob = 3

  public var name: String {
    switch self {
    case .object: "object"
    case .idObject: "id"
    case .blob: "blob"
    case .clob: "clob"
    }
  }
}

/// One entry of the inventory.
public struct StoredEntry: Sendable, Equatable {
  public let kind: StoredKind
  /// Bytes of the content.
  public let size: Int
  /// The ONE type; empty for files.
  public let type: String

  public init(kind: StoredKind, size: Int, type: String) {
    self.kind = kind
    self.size = size
    self.type = type
  }
}

public enum StoreStatus: String, Sendable { case new, exists }

/// A reverse map: who of type `type` refers to a hash (chum.md 3.3). Lines are never removed.
public struct ReverseKey: Hashable, Sendable {
  public let target: ObjectHash
  /// The type of the referring objects, such as `Access`.
  public let type: String

  public init(target: ObjectHash, type: String) {
    self.target = target
    self.type = type
  }
}

/// A file that is being written; it has no name until it is finished.
public struct FileTicket: Hashable, Sendable {
  public let number: Int
  public init(number: Int) { self.number = number }
}

/// Where an instance keeps what it knows: content-addressed, append-only (CHUM-049).
///
/// Every call is synchronous and returns a value. What was written is acknowledged when `commit` returns: a kill at any
/// moment loses nothing that was acknowledged and never leaves half an entry. The caller has checked what it stores;
/// the store computes names itself and believes nobody.
public protocol EntryStore {
  /// The entry of that name; nil when it is not known.
  func entry(_ hash: ObjectHash) -> StoredEntry?
  /// The whole content of an object or ID object.
  func content(_ hash: ObjectHash) throws(StoreFailure) -> [UInt8]
  /// At most `count` bytes of any entry from `offset`; empty behind its end.
  func read(_ hash: ObjectHash, from offset: Int, count: Int) throws(StoreFailure) -> [UInt8]
  /// Takes an object or ID object in under the hash of its bytes.
  mutating func put(_ content: [UInt8], kind: StoredKind, type: String) throws(StoreFailure) -> (
    ObjectHash, StoreStatus
  )

  /// Opens a file of unknown length and name.
  mutating func beginFile() throws(StoreFailure) -> FileTicket
  mutating func append(_ bytes: [UInt8], to ticket: FileTicket) throws(StoreFailure)
  /// Names the file by its content. With `expected`, a file of another hash is thrown away and reported.
  mutating func finishFile(
    _ ticket: FileTicket, kind: StoredKind, expected: ObjectHash?
  ) throws(StoreFailure) -> (hash: ObjectHash, status: StoreStatus?)
  /// Removes an unfinished file without a trace.
  mutating func abandonFile(_ ticket: FileTicket)

  /// The version node that is current for an ID hash.
  func head(_ idHash: ObjectHash) -> ObjectHash?
  mutating func setHead(_ node: ObjectHash, of idHash: ObjectHash) throws(StoreFailure)

  func referrers(_ key: ReverseKey) -> [ObjectHash]
  /// Adds a line unless it is there.
  mutating func addReferrer(_ referrer: ObjectHash, to key: ReverseKey) throws(StoreFailure)

  /// Notes of the instance beside its objects: grants with their component, registries. Small.
  func note(_ name: String) -> [UInt8]?
  mutating func setNote(_ content: [UInt8], named name: String) throws(StoreFailure)

  /// Makes everything since the last call durable.
  mutating func commit() throws(StoreFailure)

  /// Calls the body for every entry, ordered by hash; stops when it returns false.
  func forEachEntry(_ body: (ObjectHash, StoredEntry) -> Bool) throws(StoreFailure)
  func forEachHead(_ body: (_ idHash: ObjectHash, _ node: ObjectHash) -> Bool) throws(StoreFailure)
  var count: Int { get }
}

extension EntryStore {
  /// `known(h)` of chum.md 2.8.
  public func knows(_ hash: ObjectHash) -> Bool { entry(hash) != nil }
}

/// Why the store could not do it.
public struct StoreFailure: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Reason: Sendable, Equatable {
    case missing(ObjectHash)
    /// The content does not hash to its name any more, or is another kind than asked for.
    case damaged(ObjectHash)
    case noSuchTicket
    case tooLarge(limit: Int)
    /// The operating system or the index said no.
    case device(String)
  }
  public let reason: Reason
  public init(_ reason: Reason) { self.reason = reason }

  public var description: String {
    switch reason {
    case .missing(let hash): "not stored: \(hash)"
    case .damaged(let hash): "damaged: \(hash)"
    case .noSuchTicket: "no such open file"
    case .tooLarge(let limit): "more than \(limit) bytes"
    case .device(let text): text
    }
  }
}
