/// A file of a ONE store: an object or ID object as microdata, a text, or bytes.
public enum StoredFile: Sendable, Equatable {
  case object([UInt8])
  case clob(OneText)
  case blob([UInt8])

  /// The bytes whose SHA-256 is the file's name.
  public var bytes: [UInt8] {
    switch self {
    case .object(let bytes), .blob(let bytes): bytes
    case .clob(let text): WTF8.utf8(text.bytes)
    }
  }
}

/// Where implode finds files and explode puts them. Hashes are lower-case hex SHA-256.
///
/// The codec brings no hash of its own: `hash` is the store's.
public protocol ObjectStore {
  func file(_ hash: String) -> StoredFile?
  /// The hash of the version that stands for an ID hash, the current one unless the store means another.
  func version(ofId idHash: String) -> String?
  /// Keeps a file under its hash; `idHash` is nil for files without an ID object.
  mutating func store(_ file: StoredFile, hash: String, idHash: String?)
  /// Lower-case hex SHA-256.
  func hash(_ bytes: [UInt8]) -> String
}
