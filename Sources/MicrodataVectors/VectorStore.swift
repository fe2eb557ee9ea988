import Cryptobox
public import Microdata

/// A store in memory, as the implode vectors give it.
public struct VectorStore: ObjectStore {
  public private(set) var files: [String: VectorFileEntry]
  private var versions: [String: String] = [:]

  public init(_ files: [String: VectorFileEntry]) {
    self.files = files
    for (hash, entry) in files.sorted(by: { $0.key < $1.key }) {
      if let idHash = entry.idHash { versions[idHash] = hash }
    }
  }

  public func file(_ hash: String) -> StoredFile? { files[hash]?.file }
  public func version(ofId idHash: String) -> String? { versions[idHash] }

  public mutating func store(_ file: StoredFile, hash: String, idHash: String?) {
    files[hash] = VectorFileEntry(file: file, idHash: idHash)
    if let idHash { versions[idHash] = hash }
  }

  public func hash(_ bytes: [UInt8]) -> String { SHA256.hex(bytes) }
}
