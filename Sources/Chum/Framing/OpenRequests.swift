public import Store

/// One of our requests without an answer.
struct OpenRequest: Sendable {
  let service: Int
  let purpose: ImportCall.Purpose
  let file: (kind: StoredKind, expected: ObjectHash)?
  /// Nil: it may wait for ever.
  var deadline: Int?
  /// The file that its stream is written to, once a chunk came.
  var ticket: FileTicket?
  /// The kind of chunks that came, and for text the encoding of the first.
  var chunks: ChunkKind?
  var bytes = 0

  enum ChunkKind: Sendable, Equatable {
    case text(isBase64: Bool)
    case binary
  }
}

/// Our requests on one connection, numbered from 0 (chum.md 1.3.3).
struct OpenRequests: Sendable {
  private(set) var nextId = 0
  private var open: [Int: OpenRequest] = [:]

  mutating func add(_ request: OpenRequest) -> Int {
    defer { nextId += 1 }
    open[nextId] = request
    return nextId
  }

  subscript(id: Int) -> OpenRequest? {
    get { open[id] }
    set { open[id] = newValue }
  }

  mutating func remove(_ id: Int) -> OpenRequest? { open.removeValue(forKey: id) }

  /// Earlier requests for the version: one answer is enough, and those that were lost never get theirs.
  mutating func forgetVersionRequests() {
    open = open.filter { if case .version = $0.value.purpose { false } else { true } }
  }

  mutating func takeAll() -> [OpenRequest] {
    defer { open = [:] }
    return open.keys.sorted().compactMap { open[$0] }
  }

  var isEmpty: Bool { open.isEmpty }
  /// Files that are coming in.
  var transfers: [FileTransfer] {
    open.keys.sorted().compactMap { id in
      guard let request = open[id], let file = request.file, request.bytes > 0 else { return nil }
      return FileTransfer(hash: file.expected, isIncoming: true, bytes: request.bytes)
    }
  }
  var firstDeadline: Int? { open.values.compactMap(\.deadline).min() }
  /// The oldest request that a stream may answer.
  var oldestFile: Int? { open.filter { $0.value.service == 8 }.keys.min() }
}

/// The counters of chum.md 1.3.9.
public struct ChumStatistics: Sendable, Equatable {
  public var requestsSentTotal = 0
  /// Valid requests and write-stream errors.
  public var requestsReceivedTotal = 0
  public var requestsReceivedInvalid = 0

  public init() {}
}

/// A file on its way, for progress displays.
public struct FileTransfer: Sendable, Equatable {
  public let hash: ObjectHash
  public let isIncoming: Bool
  public let bytes: Int
}
