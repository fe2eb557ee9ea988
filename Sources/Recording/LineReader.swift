import Glibc

/// Where the bytes of a recording come from, piece by piece.
public protocol ByteSource {
  /// The next piece; empty at the end.
  mutating func next() throws(RecordingFailure) -> [UInt8]
}

/// Bytes that are in memory already.
public struct MemorySource: ByteSource {
  private var bytes: [UInt8]?
  public init(_ bytes: [UInt8]) { self.bytes = bytes }
  public mutating func next() -> [UInt8] {
    defer { bytes = nil }
    return bytes ?? []
  }
}

/// A file, pipe or standard input, read in pieces of 256 KiB. A file called `*.har` gives the session that
/// ``HARImport`` makes of it; that alone is read as a whole.
public final class FileSource: ByteSource {
  private let descriptor: Int32
  private let path: String
  /// Size in bytes for progress; nil for pipes.
  public let size: Int?
  public private(set) var position = 0
  private var imported: [UInt8]?

  /// Opens the file; `-` is standard input.
  public init(path: String) throws(RecordingFailure) {
    self.path = path
    descriptor = path == "-" ? dup(STDIN_FILENO) : unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw RecordingFailure(line: 0, "cannot open: \(Self.errorText())") }
    var status = stat()
    if unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      close(descriptor)
      throw RecordingFailure(line: 0, "is a directory")
    }
    size = status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
    guard path.lowercased().hasSuffix(".har") else { return }
    var archive: [UInt8] = []
    while true {
      let piece = try next()
      if piece.isEmpty { break }
      archive += piece
      guard archive.count <= 1 << 30 else { throw RecordingFailure(line: 0, "an archive of more than 1 GiB") }
    }
    imported = try HARImport.session(archive)
  }

  deinit { close(descriptor) }

  public func next() throws(RecordingFailure) -> [UInt8] {
    if let whole = imported {
      imported = []
      return whole
    }
    let descriptor = descriptor
    var got = 0
    let piece = unsafe [UInt8](unsafeUninitializedCapacity: 256 << 10) { buffer, count in
      repeat { got = unsafe read(descriptor, buffer.baseAddress, buffer.count) } while got < 0 && errno == EINTR
      count = max(got, 0)
    }
    guard got >= 0 else { throw RecordingFailure(line: 0, "cannot read: \(Self.errorText())") }
    position += got
    return piece
  }

  private static func errorText() -> String { unsafe String(cString: strerror(errno)) }
}

/// Cuts a byte source into lines; holds one line and one piece at most.
public struct LineReader<Source: ByteSource> {
  public private(set) var source: Source
  private let limit: Int
  private var piece: [UInt8] = []
  private var index = 0
  /// Number of the line that `next` returned last, from 1.
  public private(set) var number = 0
  /// True when the line returned last had no line end behind it.
  public private(set) var lastLineIsOpen = false

  public init(_ source: Source, limit: Int) {
    self.source = source
    self.limit = limit
  }

  /// The next line without its end; nil behind the last one.
  public mutating func next() throws(RecordingFailure) -> [UInt8]? {
    var line: [UInt8] = []
    var started = false
    while true {
      if index == piece.count {
        piece = try source.next()
        index = 0
        if piece.isEmpty {
          guard started else { return nil }
          lastLineIsOpen = true
          return trimmed(line)
        }
      }
      if !started {
        started = true
        number += 1
      }
      let end = piece[index...].firstIndex(of: 0x0A)
      let stop = end ?? piece.count
      guard line.count + (stop - index) <= limit else {
        throw RecordingFailure(line: number, "longer than \(limit) bytes")
      }
      line.append(contentsOf: piece[index..<stop])
      index = stop
      if end != nil {
        index += 1
        return trimmed(line)
      }
    }
  }

  private func trimmed(_ line: [UInt8]) -> [UInt8] {
    line.last == 0x0D ? Array(line.dropLast()) : line
  }
}
