import Wire
public import WireBytes

/// One act of a CHUM peer played by hand. Acts come one after the other; only ``ask(_:_:)`` and the waits take time.
public enum ChumAct: Sendable {
  /// A request with the next id; the next act waits for its last answer, three seconds at most.
  case ask(Int, [JSONValue])
  /// A request with the next id; nobody waits.
  case request(Int, [JSONValue])
  /// Any text message.
  case text(String)
  case binary([UInt8])
  /// Milliseconds of world time.
  case wait(Double)
  /// Something happens at the target; only an embedded one can be told to.
  case arrange(@Sendable (inout ChumStock) -> Void)
  /// Closes the connection.
  case close
}

/// What a probe saw of the CHUM of the other side.
public struct ChumSeen: Sendable {
  /// A request of the target.
  public struct Request: Sendable {
    public let time: Double
    public let id: Int
    public let service: Int
    public let args: [JSONValue]?
    public var hash: String { args?.first?.string ?? "" }
  }

  /// What came for one request of the probe.
  public struct Answer: Sendable {
    /// Everything but chunks, in order.
    public var finals: [Final] = []
    public var binaryChunks: [Int] = []
    public var textChunks: [String] = []
    public var encodings: [String?] = []
    public var bytes: [UInt8] = []
    public var lastTime = 0.0
  }

  public enum Final: Sendable, Equatable {
    case data(JSONValue)
    case error(name: String?, message: String?, code: String?)
    case streamEnd
    case streamError
  }

  public internal(set) var requests: [Request] = []
  public internal(set) var answers: [Int: Answer] = [:]
  /// Write-stream errors of the target: it stops our streams.
  public internal(set) var stopped: [Int] = []
  /// Texts of the target that are no message of the protocol.
  public internal(set) var invalid: [String] = []
  /// Binary messages of the target that are shorter than an id.
  public internal(set) var shortBinaries = 0
  /// The script has come to its end, ms.
  public internal(set) var doneAt: Double?

  /// The text of each request as it came, for looks at the spelling.
  public internal(set) var requestTexts: [String] = []

  public func count(_ service: Int) -> Int { requests.count { $0.service == service } }
  /// How often the target asked for a hash by any of the services 4 to 8.
  public func asked(_ hash: String) -> Int { requests.count { $0.service >= 4 && $0.hash == hash } }
  /// How often it asked for the content.
  public func fetched(_ hash: String) -> Int { requests.count { $0.service >= 6 && $0.hash == hash } }

  // MARK: Answers to the probe's requests

  public func data(_ id: Int) -> JSONValue? {
    for case .data(let value) in answers[id]?.finals ?? [] { return value }
    return nil
  }

  public func code(_ id: Int) -> String? {
    for case .error(_, _, let code) in answers[id]?.finals ?? [] { return code ?? "none" }
    return nil
  }

  public func errorText(_ id: Int) -> String? {
    for case .error(_, let text, _) in answers[id]?.finals ?? [] { return text ?? "" }
    return nil
  }

  /// The content of a stream that ended well.
  public func file(_ id: Int) -> [UInt8]? {
    guard let answer = answers[id], answer.finals == [.streamEnd] else { return nil }
    return answer.bytes
  }

  /// What came for a request, for a person.
  public func words(_ id: Int) -> String {
    guard let answer = answers[id] else { return "no answer to \(id)" }
    let finals = answer.finals.map { final in
      switch final {
      case .data(let value): "data \(excerpt(value.compact, 80))"
      case .error(_, let message, let code): "error \(code ?? "-") \(excerpt(message ?? "", 60))"
      case .streamEnd: "stream end behind \(answer.bytes.count) bytes"
      case .streamError: "stream error behind \(answer.bytes.count) bytes"
      }
    }
    return finals.isEmpty ? "no last answer to \(id)" : finals.joined(separator: ", ")
  }
}
