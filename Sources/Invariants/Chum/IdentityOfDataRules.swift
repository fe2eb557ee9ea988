import Trace
import Wire

/// What was sent of late on one connection and may be needed to judge what follows; bounded in number and bytes.
struct RecentTexts: Sendable {
  private let capacity: Int
  private let largest: Int
  private var texts: [HashKey: String] = [:]
  private var order: [HashKey] = []
  private var head = 0
  private var bytes = 0

  init(capacity: Int = 1_000, bytes: Int = 1 << 20) {
    self.capacity = capacity
    largest = bytes
  }

  subscript(key: HashKey) -> String? { texts[key] }

  mutating func add(_ key: HashKey, _ text: String) {
    let size = text.utf8.count
    guard size <= largest / 4, texts.updateValue(text, forKey: key) == nil else { return }
    bytes += size
    order.append(key)
    while order.count - head > capacity || bytes > largest {
      if let old = texts.removeValue(forKey: order[head]) { bytes -= old.utf8.count }
      head += 1
    }
    if head > capacity {
      order.removeFirst(head)
      head = 0
    }
  }
}

/// True when each ID property of the ID object stands in the object in the same words.
func hasIdentity(_ object: String, of idObject: String) -> Bool? {
  guard let wanted = try? MicrodataGrammar.members(of: idObject), let found = try? MicrodataGrammar.members(of: object)
  else { return nil }
  return wanted.allSatisfy { found.contains($0) }
}

/// CHUM-035: a version belongs to the ID under which it is announced.
struct VersionHasItsId: Rule {
  static let info = RuleInfo(
    id: "CHUM-035", alsoDecides: ["CF-061"],
    statement: "The ID properties of a versioned root are those of the ID object that it is announced under.",
    severity: .critical, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.announced, .objectSent]
  private static let capacity = 50_000
  private var idOf: [[HashKey: HashKey]] = [[:], [:]]
  private var ids = [RecentTexts(), RecentTexts()]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .announced(.versioned, _):
      guard let key = report.leg.key, let idKey = report.leg.idKey, idOf[side].count < Self.capacity else { return }
      idOf[side][key] = idKey
    case .objectSent(let object):
      guard let key = report.leg.key, let text = object.text, object.sha256 == object.hash else { return }
      if object.kind == .id { return ids[side].add(key, text) }
      guard let idKey = idOf[side][key], let idText = ids[side][idKey], hasIdentity(text, of: idText) == false else {
        return
      }
      report.violation(
        at: event, by: event.sender, "\(object.hash.prefix(8))… has other ID properties than the announced ID object")
    default: break
    }
  }
}

/// CHUM-036: the data of a version node is what the node was announced for.
struct NodeHasItsData: Rule {
  static let info = RuleInfo(
    id: "CHUM-036", alsoDecides: ["CF-059"],
    statement: "The data of an announced version node has the announced type and the ID properties of its ID object.",
    severity: .critical, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.announced, .objectSent]
  private static let capacity = 50_000
  private struct Promise: Sendable {
    let id: HashKey
    let type: String
  }
  private var promises: [[HashKey: Promise]] = [[:], [:]]
  private var ids = [RecentTexts(), RecentTexts()]
  private var objects = [RecentTexts(), RecentTexts()]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .announced(.versionNode(_, _, let type), _):
      guard let key = report.leg.key, let idKey = report.leg.idKey, promises[side].count < Self.capacity,
        promises[side][key] == nil
      else { return }
      promises[side][key] = Promise(id: idKey, type: type)
    case .objectSent(let object):
      guard let key = report.leg.key, let text = object.text, object.sha256 == object.hash else { return }
      if object.kind == .id { return ids[side].add(key, text) }
      if let promise = promises[side][key] {
        judge(object, text, promise, event, &report)
      } else if !promises[side].isEmpty {
        objects[side].add(key, text)
      }
    default: break
    }
  }

  private func judge(
    _ node: SentObject, _ text: String, _ promise: Promise, _ event: Event, _ report: inout Reporter
  ) {
    guard let members = try? MicrodataGrammar.members(of: text),
      let data = members.first(where: { $0.name == "data" }),
      let reference = MicrodataGlance.references(in: data.text).first, let key = HashKey(reference.hash),
      let dataText = objects[event.side][key]
    else { return }
    let type = MicrodataGlance.type(of: dataText) ?? "(none)"
    if type != promise.type {
      return report.violation(
        at: event, by: event.sender,
        "the data of node \(node.hash.prefix(8))… is a \(excerpt(type, 40)), announced was \(excerpt(promise.type, 40))"
      )
    }
    if let idText = ids[event.side][promise.id], hasIdentity(dataText, of: idText) == false {
      report.violation(
        at: event, by: event.sender, "the data of node \(node.hash.prefix(8))… has other ID properties than announced")
    }
  }
}
