import Chum
import Microdata
import Store
import Wire
import WireBytes

/// A hand-driven exporter opposite our session: it answers with whatever the script says (chum.md 8.1).
struct Puppet {
  typealias Reply = (_ service: Int, _ name: String, _ id: Int) -> [TestLink.Message]?

  var peer: TestPeer
  var session: ChumSession
  /// The complete root list as it travels: the text inside the text.
  var roots = "[]"
  var objects: [String: String] = [:]
  var children: [String: String] = [:]
  var files: [String: [UInt8]] = [:]
  /// Asked before the tables; nil falls back to them.
  var reply: Reply = { _, _, _ in nil }
  private(set) var asked: [(service: Int, name: String)] = []
  private(set) var sent: [String] = []
  private(set) var closeReason: String?
  private(set) var now = 0
  private var started = false

  init(_ profile: Profile, configure: (inout ChumConfiguration) -> Void = { _ in }) throws {
    peer = try TestPeer("victim", profile)
    let mallory = try TestPeer("mallory", profile)
    var configuration = peer.configuration(with: mallory)
    configuration.start = .buffered
    configure(&configuration)
    session = ChumSession(configuration)
  }

  /// Adds an object; its name is its hash unless another is given.
  @discardableResult
  mutating func add(_ text: String, named name: String? = nil, children list: [ChildEntry] = []) -> String {
    let hash = name ?? ObjectHash.of(Array(text.utf8)).hex
    objects[hash] = text
    children[hash] = ChildEntry.encodeList(list)
    return hash
  }

  @discardableResult
  mutating func add(_ object: OneObject, as form: ObjectForm = .object, children list: [ChildEntry] = []) throws
    -> String
  {
    let content = try MicrodataObjectCodec.standard(.deployed).write(object, as: form)
    return add(String(decoding: content, as: UTF8.self), children: list)
  }

  mutating func announce(_ entries: RootEntry...) { roots = RootEntry.encodeList(entries) }

  /// Starts and lets time pass; every request is answered at once.
  mutating func run(for time: Int = 1_000) {
    if !started {
      started = true
      take(session.start(at: now, host: &peer.host))
      take(session.receive(text: ChumMessage.controlText, at: now, host: &peer.host))
    }
    let end = now + time
    while closeReason == nil, let due = session.deadline, due <= end {
      now = max(now, due)
      take(session.advance(to: now, host: &peer.host))
    }
    now = end
  }

  mutating func send(_ message: TestLink.Message) {
    switch message {
    case .text(let text): take(session.receive(text: text, at: now, host: &peer.host))
    case .binary(let bytes): take(session.receive(binary: bytes, at: now, host: &peer.host))
    }
  }

  mutating func close() { session.connectionClosed(at: now, host: &peer.host) }

  private mutating func take(_ actions: [ChumAction]) {
    var queue: [TestLink.Message] = []
    for action in actions {
      switch action {
      case .close(let reason): closeReason = closeReason ?? reason
      case .sendBinary, .sendEmptyFragments: break
      case .sendText(let text):
        sent.append(text)
        guard case .request(let id, let service, let args)? = try? ChumMessage.decode(text) else { continue }
        let name = args?.first?.string ?? ""
        asked.append((service, name))
        queue += reply(service, name, id) ?? table(service, name, id)
      }
    }
    for message in queue where closeReason == nil { send(message) }
  }

  private func table(_ service: Int, _ name: String, _ id: Int) -> [TestLink.Message] {
    func data(_ value: JSONValue) -> [TestLink.Message] { [.text(ChumMessage.data(id: id, value).text)] }
    let refusal = TestLink.Message.text(
      ChumMessage.error(id: id, name: "Error", message: "CES-GO1: no", code: "CES-GO1").text)
    switch service {
    case 1: return data(8)
    case 2: return data(.string(roots))
    case 4, 5: return children[name].map { data(.string($0)) } ?? [refusal]
    case 6, 7: return objects[name].map { data(.string($0)) } ?? [refusal]
    case 8:
      guard let bytes = files[name] else { return [refusal] }
      return Self.stream(id, bytes)
    default: return [refusal]
    }
  }

  static func stream(_ id: Int, _ bytes: [UInt8], chunk size: Int = 65_528) -> [TestLink.Message] {
    var out: [TestLink.Message] = []
    for start in stride(from: 0, to: bytes.count, by: max(1, size)) {
      let data = Array(bytes[start..<min(bytes.count, start + size)])
      out.append(.binary(ChumBinaryChunk(id: Double(id), data: data).bytes))
    }
    return out + [.text(ChumMessage.streamEnd(id: id).text)]
  }

  func knows(_ name: String) -> Bool { ObjectHash(hex: name).map { peer.knows($0) } ?? false }
  var codes: [String] { session.errors.map { $0.code ?? $0.name } }
}
