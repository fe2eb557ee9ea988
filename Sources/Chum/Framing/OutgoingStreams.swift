import Store
import Wire

/// The files that are on their way to the peer, read piece by piece and paused when the socket is full (chum.md 1.3.8).
struct OutgoingStreams: Sendable {
  struct Stream: Sendable {
    let id: Int
    let hash: ObjectHash
    let isText: Bool
    var offset = 0
    /// Bytes of a character that the last piece ended in.
    var carry: [UInt8] = []
    var isFirst = true
  }

  private(set) var streams: [Stream] = []
  private var next = 0
  /// Set while the socket's buffer is too full; the time to look again.
  private(set) var pausedUntil: Int?

  /// Unsent bytes above which streams pause, below which they go on, and how often that is looked at.
  static let highWater = 262_144
  static let lowWater = 8_192
  static let lookAgain = 100

  var deadline: Int? { streams.isEmpty ? nil : pausedUntil ?? 0 }
  func contains(_ id: Int) -> Bool { streams.contains { $0.id == id } }
  var count: Int { streams.count }

  mutating func add(_ id: Int, _ hash: ObjectHash, isText: Bool) {
    streams.append(Stream(id: id, hash: hash, isText: isText))
  }

  mutating func remove(_ id: Int) -> Bool {
    guard let index = streams.firstIndex(where: { $0.id == id }) else { return false }
    streams.remove(at: index)
    return true
  }

  enum Piece {
    case text(id: Int, chunk: String, encoding: String?)
    case binary(id: Int, [UInt8])
    case ended(Stream)
    case broken(Stream)
  }

  /// The next piece of the stream whose turn it is; nil when there is nothing to send now.
  mutating func pull<S: EntryStore>(
    _ now: Int, unsent: Int, chunkSize: Int, _ store: S
  ) -> Piece? {
    guard !streams.isEmpty else {
      pausedUntil = nil
      return nil
    }
    if unsent > Self.highWater || (pausedUntil != nil && unsent >= Self.lowWater) {
      pausedUntil = now + Self.lookAgain
      return nil
    }
    pausedUntil = nil
    next = next >= streams.count ? 0 : next
    var stream = streams[next]
    let bytes: [UInt8]
    do throws(StoreFailure) { bytes = try store.read(stream.hash, from: stream.offset, count: chunkSize) } catch {
      streams.remove(at: next)
      return .broken(stream)
    }
    guard !bytes.isEmpty || !stream.carry.isEmpty else {
      streams.remove(at: next)
      return .ended(stream)
    }
    stream.offset += bytes.count
    let piece: Piece
    if stream.isText {
      let (whole, rest) = UTF8Cut.cut(stream.carry + bytes, atEnd: bytes.isEmpty)
      stream.carry = rest
      piece = .text(
        id: stream.id, chunk: String(decoding: whole, as: UTF8.self), encoding: stream.isFirst ? "utf8" : nil)
    } else {
      piece = .binary(id: stream.id, bytes)
    }
    stream.isFirst = false
    streams[next] = stream
    next += 1
    return piece
  }
}

/// Cuts UTF-8 at character boundaries (CF-025).
enum UTF8Cut {
  /// The bytes up to the last whole character, and the beginning of the character behind it.
  static func cut(_ bytes: [UInt8], atEnd: Bool) -> (whole: [UInt8], rest: [UInt8]) {
    if atEnd { return (bytes, []) }
    var start = bytes.count
    while start > 0, bytes.count - start < 3, bytes[start - 1] & 0xC0 == 0x80 { start -= 1 }
    guard start > 0 else { return (bytes, []) }
    let lead = bytes[start - 1]
    let length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1
    guard bytes.count - (start - 1) < length else { return (bytes, []) }
    return (Array(bytes[..<(start - 1)]), Array(bytes[(start - 1)...]))
  }
}
