import CSQLite
import Cryptobox
import Glibc
public import Store

/// A store in a directory: one file an entry, named by its hash, and an index in SQLite.
///
/// An entry is written under a passing name and renamed. `commit` makes the files durable first, then their folders,
/// then the index; only then is anything acknowledged. So a kill at any moment leaves at most whole files that the
/// index does not list (they are taken over when they are stored again) and passing files (swept at the next opening):
/// never half an entry, never an index line without its file. Files stream; none is held whole in memory.
public final class DirectoryStore: EntryStore {
  private struct OpenFile {
    let path: String
    let file: Int32
    let digest: StreamDigest
  }

  private let files: DirectoryFiles
  let index: SQLiteIndex
  private let isReadOnly: Bool
  /// A lock that the kernel drops when the process dies: one writer a directory.
  private let lock: Int32
  private var open: [FileTicket: OpenFile] = [:]
  private var nextTicket = 0
  /// Entries renamed since the last commit: their descriptors wait for `fsync`.
  private var unsynced: [(file: Int32, folder: String)] = []
  /// Entries of the open transaction are read back from here when the index is asked often.
  private var recent: [ObjectHash: StoredEntry] = [:]

  /// Descriptors that may wait for the next commit.
  private static let unsyncedLimit = 128
  /// From so many files on, one call for all is cheaper, although it also waits for what other programs wrote.
  private static let syncsTogether = 8
  private static let recentLimit = 200_000
  /// Bytes of an object or ID object that is read whole.
  private static let contentLimit = 256 << 20

  /// Opens or makes the store; `readOnly` neither makes nor locks anything.
  public init(path: String, readOnly: Bool = false) throws(StoreFailure) {
    files = DirectoryFiles(root: path)
    isReadOnly = readOnly
    if readOnly {
      lock = -1
      index = try SQLiteIndex(path: "\(path)/index.sqlite", isReadOnly: true)
      return
    }
    try files.prepare()
    lock = unsafe Glibc.open("\(path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw DirectoryFiles.failure("open the lock", path) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      close(lock)
      throw StoreFailure(.device("another process writes to \(path)"))
    }
    files.sweepTemporaries()
    index = try SQLiteIndex(path: "\(path)/index.sqlite", isReadOnly: false)
  }

  deinit {
    for item in unsynced { close(item.file) }
    for file in open.values {
      close(file.file)
      unsafe unlink(file.path)
    }
    if lock >= 0 { close(lock) }
  }

  // MARK: Entries

  public func entry(_ hash: ObjectHash) -> StoredEntry? {
    if let known = recent[hash] { return known }
    var found: StoredEntry?
    try? index.query("SELECT kind, size, type FROM entry WHERE hash = ?", .hash(hash)) { row in
      found = Self.entry(row, 0)
      return false
    }
    return found
  }

  static func entry(_ row: borrowing SQLiteIndex.Row, _ first: Int32) -> StoredEntry? {
    guard let kind = UInt8(exactly: row.integer(first)).flatMap(StoredKind.init) else { return nil }
    return StoredEntry(kind: kind, size: row.integer(first + 1), type: row.text(first + 2))
  }

  public func content(_ hash: ObjectHash) throws(StoreFailure) -> [UInt8] {
    guard let entry = entry(hash) else { throw StoreFailure(.missing(hash)) }
    guard entry.size <= Self.contentLimit else { throw StoreFailure(.tooLarge(limit: Self.contentLimit)) }
    let content = try files.read(hash, from: 0, count: entry.size)
    guard content.count == entry.size, ObjectHash.of(content) == hash else { throw StoreFailure(.damaged(hash)) }
    return content
  }

  public func read(_ hash: ObjectHash, from offset: Int, count: Int) throws(StoreFailure) -> [UInt8] {
    guard let entry = entry(hash) else { throw StoreFailure(.missing(hash)) }
    guard offset >= 0, offset < entry.size else { return [] }
    let wanted = min(count, entry.size - offset)
    let bytes = try files.read(hash, from: offset, count: wanted)
    guard bytes.count == wanted else { throw StoreFailure(.damaged(hash)) }
    return bytes
  }

  public func put(
    _ content: [UInt8], kind: StoredKind, type: String
  ) throws(StoreFailure) -> (ObjectHash, StoreStatus) {
    let hash = ObjectHash.of(content)
    if entry(hash) != nil { return (hash, .exists) }
    nextTicket += 1
    let path = files.temporaryPath(nextTicket)
    let file = try files.create(path)
    do throws(StoreFailure) { try files.write(content, to: file) } catch {
      close(file)
      unsafe unlink(path)
      throw error
    }
    try name(path, file, hash, StoredEntry(kind: kind, size: content.count, type: type))
    return (hash, .new)
  }

  /// Renames a written file and lists it; the descriptor waits for the commit.
  private func name(_ path: String, _ file: Int32, _ hash: ObjectHash, _ entry: StoredEntry) throws(StoreFailure) {
    guard unsafe rename(path, files.path(hash)) == 0 else {
      let failure = DirectoryFiles.failure("name", files.path(hash))
      close(file)
      unsafe unlink(path)
      throw failure
    }
    unsynced.append((file, files.folder(hash)))
    try index.begin()
    try index.run(
      "INSERT OR IGNORE INTO entry(hash, kind, size, type) VALUES(?, ?, ?, ?)", .hash(hash),
      .integer(Int(entry.kind.rawValue)), .integer(entry.size), .text(entry.type))
    if recent.count >= Self.recentLimit { recent.removeAll(keepingCapacity: true) }
    recent[hash] = entry
    // Descriptors are few; syncing early changes nothing of what is acknowledged when.
    if unsynced.count >= Self.unsyncedLimit { syncFiles() }
  }

  private func syncFiles() {
    // Many files one by one cost a turn of the journal each; one call for the file system takes them with their folders.
    let isDone = unsynced.count >= Self.syncsTogether && syncfs(unsynced[0].file) == 0
    for item in unsynced {
      if !isDone { fdatasync(item.file) }
      close(item.file)
    }
    if !isDone { for folder in Set(unsynced.map(\.folder)) { files.sync(folder: folder) } }
    unsynced.removeAll(keepingCapacity: true)
  }

  public func commit() throws(StoreFailure) {
    syncFiles()
    try index.commit()
  }

  // MARK: Streams

  public func beginFile() throws(StoreFailure) -> FileTicket {
    nextTicket += 1
    let ticket = FileTicket(number: nextTicket)
    let path = files.temporaryPath(nextTicket)
    open[ticket] = OpenFile(path: path, file: try files.create(path), digest: StreamDigest())
    return ticket
  }

  public func append(_ bytes: [UInt8], to ticket: FileTicket) throws(StoreFailure) {
    guard let file = open[ticket] else { throw StoreFailure(.noSuchTicket) }
    file.digest.update(bytes)
    try files.write(bytes, to: file.file)
  }

  public func finishFile(
    _ ticket: FileTicket, kind: StoredKind, expected: ObjectHash?
  ) throws(StoreFailure) -> (hash: ObjectHash, status: StoreStatus?) {
    guard let file = open.removeValue(forKey: ticket) else { throw StoreFailure(.noSuchTicket) }
    let size = file.digest.length
    guard let hash = ObjectHash(hex: file.digest.finish()) else { throw StoreFailure(.noSuchTicket) }
    if let expected, expected != hash {
      discard(file)
      return (hash, nil)
    }
    if entry(hash) != nil {
      discard(file)
      return (hash, .exists)
    }
    try name(file.path, file.file, hash, StoredEntry(kind: kind, size: size, type: ""))
    return (hash, .new)
  }

  public func abandonFile(_ ticket: FileTicket) {
    if let file = open.removeValue(forKey: ticket) { discard(file) }
  }

  private func discard(_ file: OpenFile) {
    close(file.file)
    unsafe unlink(file.path)
  }
}
