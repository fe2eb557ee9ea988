/// The fragmentation layer's marks and the sender's side of it (connection.md 3.5).
public enum Fragmentation {
  public static let chunkSize = 65_536
  public static let startText = "fragmentation_start_string"
  public static let startBinary = "fragmentation_start_binary"
  public static let end = "fragmentation_end"

  public enum Piece: Sendable, Equatable {
    case text(String)
    case binary([UInt8])
  }

  /// One `x` for each mark that the text starts with, in the reference's order.
  public static func escape(_ text: String) -> String {
    var text = text
    for mark in [startBinary, startText, end] where text.startsInBytes(with: mark) { text += "x" }
    return text
  }

  /// The reverse: drops the last unit once for each mark that the text starts with.
  public static func unescape(_ text: String) -> String {
    var text = text
    for mark in [end, startText, startBinary] where text.startsInBytes(with: mark) { text = text.droppingLastUnit() }
    return text
  }

  /// True when the deployed sender cuts this text up: a quarter of the chunk size in UTF-16 units, or more.
  public static func mustSplit(_ text: String, chunkSize: Int = chunkSize) -> Bool {
    text.utf16.count >= chunkSize / 4
  }

  /// The messages that carry a text: itself, escaped, or mark, pieces, mark.
  public static func split(text: String, chunkSize: Int = chunkSize) -> [Piece] {
    guard mustSplit(text, chunkSize: chunkSize) else { return [.text(escape(text))] }
    return [.text(startText)] + pieces(Array(text.utf8), chunkSize) + [.text(end)]
  }

  public static func split(bytes: [UInt8], chunkSize: Int = chunkSize) -> [Piece] {
    guard bytes.count > chunkSize else { return [.binary(bytes)] }
    return [.text(startBinary)] + pieces(bytes, chunkSize) + [.text(end)]
  }

  private static func pieces(_ bytes: [UInt8], _ chunkSize: Int) -> [Piece] {
    stride(from: 0, to: bytes.count, by: chunkSize).map { start in
      .binary(Array(bytes[start..<min(start + chunkSize, bytes.count)]))
    }
  }
}

/// The receiver's side: takes decrypted messages (keep-alives already out), gives whole ones.
public struct Reassembler: Sendable {
  public enum Message: Sendable, Equatable {
    case text(String)
    case binary([UInt8])

    public var length: Int {
      switch self {
      case .text(let text): text.utf8.count
      case .binary(let bytes): bytes.count
      }
    }
  }

  public enum Output: Sendable, Equatable {
    /// A mark or a piece was taken.
    case nothing
    /// A whole message; `fragments` is the number of pieces, nil for one that came whole.
    case message(Message, fragments: Int?)
  }

  private enum State: Sendable {
    case idle
    case open(isText: Bool, bytes: [UInt8], pieces: Int)
  }

  private static let section = "connection.md 3.5"
  private let profile: Profile
  private let maximum: Int
  /// Pieces without content cost counters but no memory; a bound keeps them from going on for ever (FR-013).
  private static let emptyPieces = 1_000_000
  private var state = State.idle

  /// `maximum` bounds the assembled bytes (FR-010: 64 MiB by default).
  public init(profile: Profile = .deployed, maximum: Int = 64 << 20) {
    self.profile = profile
    self.maximum = maximum
  }

  /// True between a start mark and its end.
  public var isOpen: Bool { if case .open = state { true } else { false } }

  /// After a failure the connection is to be closed; the open message is discarded.
  public mutating func receive(_ message: Message) throws(WireFailure) -> Output {
    switch (state, message) {
    case (.idle, .text(Fragmentation.startText)): return begin(isText: true)
    case (.idle, .text(Fragmentation.startBinary)): return begin(isText: false)
    case (.idle, .text(Fragmentation.end)):
      throw WireFailure("fragmentation.end-without-start", Self.section, "end mark without a start")
    case (.idle, .text(let text)): return .message(.text(Fragmentation.unescape(text)), fragments: nil)
    case (.idle, .binary): return .message(message, fragments: nil)
    case (.open(let isText, let bytes, let pieces), .text(Fragmentation.end)):
      state = .idle
      return .message(isText ? .text(lenientText(bytes)) : .binary(bytes), fragments: pieces)
    case (.open, .text(let text)):
      state = .idle
      let isStart = text == Fragmentation.startText || text == Fragmentation.startBinary
      throw WireFailure(
        isStart ? "fragmentation.start-within-start" : "fragmentation.text-within", Self.section,
        "a text inside a fragmented message: \(excerpt(text, 40))")
    case (.open, .binary(let piece)): return try take(piece)
    }
  }

  private mutating func begin(isText: Bool) -> Output {
    state = .open(isText: isText, bytes: [], pieces: 0)
    return .nothing
  }

  private mutating func take(_ piece: [UInt8]) throws(WireFailure) -> Output {
    guard case .open(let isText, var bytes, let pieces) = state else { return .nothing }
    // Leaving the state without its array keeps the append below from copying everything.
    state = .idle
    guard bytes.count + piece.count <= maximum, pieces < Self.emptyPieces else {
      throw WireFailure(
        "fragmentation.too-large", Self.section, "more than \(maximum) bytes or \(Self.emptyPieces) pieces")
    }
    bytes += piece
    state = .open(isText: isText, bytes: bytes, pieces: pieces + 1)
    return .nothing
  }
}
