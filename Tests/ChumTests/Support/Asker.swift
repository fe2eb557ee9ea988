import Chum
import Store
import Wire
import WireBytes

/// A hand-driven importer opposite our session (chum.md 8.2).
struct Asker {
  var peer: TestPeer
  let remote: TestPeer
  var session: ChumSession
  private(set) var now = 0
  private(set) var closeReason: String?
  /// Chunks of binary streams by request id.
  private(set) var chunks: [Int: [[UInt8]]] = [:]
  private(set) var answers: [ChumMessage] = []
  private var nextId = 0

  init(_ peer: TestPeer, remote: TestPeer, starts: Bool = true, configure: (inout ChumConfiguration) -> Void = { _ in })
  {
    self.peer = peer
    self.remote = remote
    var configuration = peer.configuration(with: remote)
    configuration.imports = false
    configuration.start = .buffered
    configuration.groupPolicy = .evaluated
    configure(&configuration)
    session = ChumSession(configuration)
    if starts {
      take(session.start(at: 0, host: &self.peer.host))
      take(session.receive(text: ChumMessage.controlText, at: 0, host: &self.peer.host))
      answers = []
    }
  }

  mutating func take(_ actions: [ChumAction]) {
    for action in actions {
      switch action {
      case .sendText(let text): if let message = try? ChumMessage.decode(text) { answers.append(message) }
      case .sendBinary(let bytes):
        if let chunk = try? ChumBinaryChunk.decode(bytes), let id = chunk.request {
          chunks[id, default: []].append(chunk.data)
        }
      case .sendEmptyFragments: break
      case .close(let reason): closeReason = closeReason ?? reason
      }
    }
  }

  mutating func send(_ text: String) { take(session.receive(text: text, at: now, host: &peer.host)) }

  mutating func advance(by time: Int, unsent: Int = 0) {
    now += time
    take(session.advance(to: now, unsent: unsent, host: &peer.host))
  }

  /// Asks and gives the answers that came at once.
  @discardableResult
  mutating func ask(_ service: Int, _ args: JSONValue...) -> [ChumMessage] {
    let before = answers.count
    send(ChumMessage.request(id: nextId, service: service, args: args).text)
    nextId += 1
    return Array(answers[before...])
  }

  /// The code of the only answer, an error.
  mutating func code(_ service: Int, _ args: JSONValue...) -> String? {
    let before = answers.count
    send(ChumMessage.request(id: nextId, service: service, args: args).text)
    nextId += 1
    guard answers.count == before + 1, case .error(_, _, _, let code) = answers[before] else { return nil }
    return code
  }

  /// The text of the only answer, data.
  mutating func text(_ service: Int, _ args: JSONValue...) -> String? {
    let before = answers.count
    send(ChumMessage.request(id: nextId, service: service, args: args).text)
    nextId += 1
    guard answers.count == before + 1, case .data(_, .string(let text)) = answers[before] else { return nil }
    return text
  }
}

extension JSONValue {
  static func hash(_ hash: ObjectHash) -> JSONValue { .string(hash.hex) }
}
