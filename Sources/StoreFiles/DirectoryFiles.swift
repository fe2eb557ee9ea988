import Glibc
import Store

/// The files of a directory store: written under a passing name, made durable, then named by their hash.
struct DirectoryFiles {
  let root: String

  func path(_ hash: ObjectHash) -> String {
    let hex = hash.hex
    return "\(root)/objects/\(hex.prefix(2))/\(hex)"
  }

  func folder(_ hash: ObjectHash) -> String { "\(root)/objects/\(hash.hex.prefix(2))" }
  func temporaryPath(_ number: Int) -> String { "\(root)/tmp/\(getpid())-\(number)" }

  func prepare() throws(StoreFailure) {
    for folder in [root, "\(root)/objects", "\(root)/tmp"] { try makeFolder(folder) }
    for first in 0..<256 {
      let name = String(first, radix: 16)
      try makeFolder("\(root)/objects/\(name.count == 1 ? "0" + name : name)")
    }
    sync(folder: "\(root)/objects")
    sync(folder: root)
  }

  private func makeFolder(_ path: String) throws(StoreFailure) {
    guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Self.failure("make the folder", path) }
  }

  /// Removes what earlier runs left unfinished. Nothing there was ever acknowledged.
  func sweepTemporaries() {
    guard let folder = unsafe opendir("\(root)/tmp") else { return }
    defer { unsafe closedir(folder) }
    while let item = unsafe readdir(folder) {
      let name = unsafe withUnsafePointer(to: &item.pointee.d_name) { name in
        unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      // A name carries the process that made it; a living one may still be writing.
      guard name != ".", name != "..", let owner = name.split(separator: "-").first.flatMap({ Int32($0) }) else {
        continue
      }
      if owner != getpid(), kill(owner, 0) == 0 { continue }
      unsafe unlink("\(root)/tmp/\(name)")
    }
  }

  func create(_ path: String) throws(StoreFailure) -> Int32 {
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Self.failure("create", path) }
    return file
  }

  func write(_ bytes: [UInt8], to file: Int32) throws(StoreFailure) {
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.write(file, buffer.baseAddress! + done, buffer.count - done)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Self.failure("write", "a file") }
      done += count
    }
  }

  func read(_ hash: ObjectHash, from offset: Int, count: Int) throws(StoreFailure) -> [UInt8] {
    guard offset >= 0, count > 0 else { return [] }
    let path = path(hash)
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ENOENT { throw StoreFailure(.missing(hash)) }
      throw Self.failure("open", path)
    }
    defer { close(file) }
    var failed = false
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = 0
      while filled < count {
        let got = unsafe pread(file, buffer.baseAddress! + filled, count - filled, off_t(offset + filled))
        if got < 0, errno == EINTR { continue }
        if got < 0 { failed = true }
        guard got > 0 else { return }
        filled += got
      }
    }
    if failed { throw Self.failure("read", path) }
    return bytes
  }

  func sync(folder: String) {
    let file = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard file >= 0 else { return }
    fsync(file)
    close(file)
  }

  static func failure(_ act: String, _ path: String) -> StoreFailure {
    StoreFailure(.device("cannot \(act) \(path): \(unsafe String(cString: strerror(errno)))"))
  }
}
