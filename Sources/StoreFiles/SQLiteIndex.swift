import CSQLite
import Store

/// The index of a directory store: one SQLite database in WAL mode, the only importer of SQLite.
///
/// The system's libsqlite3 is used as it is, not GRDB: ten statements need no query builder, and GRDB would bring
/// Foundation and a minute of build time. What is committed here survives a kill and a power cut (synchronous=FULL).
@safe final class SQLiteIndex {
  private let database: OpaquePointer
  private var statements: [String: OpaquePointer] = unsafe [:]
  private var isOpen = false

  init(path: String, isReadOnly: Bool) throws(StoreFailure) {
    var handle: OpaquePointer?
    let flags = isReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
    let result = unsafe sqlite3_open_v2(path, &handle, flags | SQLITE_OPEN_NOMUTEX, nil)
    guard result == SQLITE_OK, let handle = unsafe handle else {
      if let handle = unsafe handle { unsafe sqlite3_close_v2(handle) }
      throw StoreFailure(.device("the index \(path) cannot be opened (SQLite \(result))"))
    }
    unsafe database = handle
    _ = unsafe sqlite3_busy_timeout(database, 5_000)
    if isReadOnly { return }
    for statement in Self.schema { try execute(statement) }
  }

  deinit {
    while let (_, statement) = unsafe statements.popFirst() { unsafe sqlite3_finalize(statement) }
    unsafe sqlite3_close_v2(database)
  }

  private static let schema = [
    "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA temp_store=MEMORY", "PRAGMA cache_size=-16384",
    "CREATE TABLE IF NOT EXISTS entry(hash BLOB PRIMARY KEY, kind INTEGER NOT NULL, size INTEGER NOT NULL, "
      + "type TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS head(id BLOB PRIMARY KEY, node BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS reverse(number INTEGER PRIMARY KEY, target BLOB NOT NULL, type TEXT NOT NULL, "
      + "referrer BLOB NOT NULL, UNIQUE(target, type, referrer))",
    "CREATE TABLE IF NOT EXISTS note(name TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID",
  ]

  // MARK: Transactions

  /// Opens the transaction that collects writes until `commit`.
  func begin() throws(StoreFailure) {
    guard !isOpen else { return }
    try execute("BEGIN IMMEDIATE")
    isOpen = true
  }

  func commit() throws(StoreFailure) {
    guard isOpen else { return }
    try execute("COMMIT")
    isOpen = false
  }

  var hasOpenTransaction: Bool { isOpen }

  // MARK: Statements

  enum Value {
    case hash(ObjectHash)
    case bytes([UInt8])
    case integer(Int)
    case text(String)
  }

  func run(_ sql: String, _ values: Value...) throws(StoreFailure) {
    let statement = try unsafe prepared(sql, values)
    let result = unsafe sqlite3_step(statement)
    _ = unsafe sqlite3_reset(statement)
    guard result == SQLITE_DONE || result == SQLITE_ROW else { throw failure(sql) }
  }

  /// Calls the body for every row until it returns false.
  func query(_ sql: String, _ values: Value..., row: (borrowing Row) -> Bool) throws(StoreFailure) {
    let statement = try unsafe prepared(sql, values)
    defer { _ = unsafe sqlite3_reset(statement) }
    while true {
      switch unsafe sqlite3_step(statement) {
      case SQLITE_ROW: if !row(unsafe Row(statement: statement)) { return }
      case SQLITE_DONE: return
      default: throw failure(sql)
      }
    }
  }

  /// One row, valid inside the body only.
  @safe struct Row: ~Copyable {
    fileprivate let statement: OpaquePointer

    fileprivate init(statement: OpaquePointer) { unsafe self.statement = unsafe statement }

    func integer(_ column: Int32) -> Int { unsafe Int(sqlite3_column_int64(statement, column)) }

    func bytes(_ column: Int32) -> [UInt8] {
      let count = unsafe Int(sqlite3_column_bytes(statement, column))
      guard count > 0, let start = unsafe sqlite3_column_blob(statement, column) else { return [] }
      return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    func hash(_ column: Int32) -> ObjectHash? { ObjectHash(bytes: bytes(column)) }
    func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }
  }

  private func prepared(_ sql: String, _ values: [Value]) throws(StoreFailure) -> OpaquePointer {
    let statement: OpaquePointer
    if let known = unsafe statements[sql] {
      unsafe statement = known
    } else {
      var made: OpaquePointer?
      guard unsafe sqlite3_prepare_v2(database, sql, -1, &made, nil) == SQLITE_OK, let made = unsafe made else {
        throw failure(sql)
      }
      unsafe statements[sql] = made
      unsafe statement = made
    }
    for (index, value) in values.enumerated() {
      let position = Int32(index + 1)
      switch value {
      case .hash(let hash):
        let bytes = hash.bytes
        _ = unsafe chumgate_bind_blob(statement, position, bytes, Int32(bytes.count))
      case .bytes(let bytes): _ = unsafe chumgate_bind_blob(statement, position, bytes, Int32(clamping: bytes.count))
      case .integer(let number): _ = unsafe sqlite3_bind_int64(statement, position, Int64(number))
      case .text(let text): _ = unsafe chumgate_bind_text(statement, position, text)
      }
    }
    return unsafe statement
  }

  private func execute(_ sql: String) throws(StoreFailure) {
    guard unsafe sqlite3_exec(database, sql, nil, nil, nil) == SQLITE_OK else { throw failure(sql) }
  }

  private func failure(_ sql: String) -> StoreFailure {
    let text = unsafe String(cString: sqlite3_errmsg(database))
    return StoreFailure(.device("the index refused “\(sql.prefix(40))”: \(text)"))
  }
}
