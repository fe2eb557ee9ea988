import Trace
import Wire
import WireBytes

/// What can be read off microdata without a recipe: enough for rules about single objects.
enum MicrodataGlance {
  static let objectPrefix = Array(#"<div itemscope itemtype="//refin.io/"#.utf8)
  static let idPrefix = Array(#"<div data-id-object="true" itemscope itemtype="//refin.io/"#.utf8)

  /// The type name behind either prefix; nil when the text starts with neither.
  static func type(of text: String) -> String? {
    let bytes = text.utf8
    for prefix in [objectPrefix, idPrefix] where bytes.starts(with: prefix) {
      let rest = bytes.dropFirst(prefix.count)
      guard let end = rest.firstIndex(of: 0x22), rest.distance(from: rest.startIndex, to: end) <= 200 else {
        return nil
      }
      return String(decoding: rest[..<end], as: UTF8.self)
    }
    return nil
  }

  /// Hash and kind of each direct reference, in text order; at most `limit`.
  static func references(in text: String, limit: Int = 100_000) -> [(kind: ObjectKind, hash: String)] {
    let bytes = Array(text.utf8)
    let mark = Array("data-type=\"".utf8)
    var found: [(ObjectKind, String)] = []
    var index = 0
    while index + mark.count < bytes.count, found.count < limit {
      guard bytes[index] == 0x64, bytes[index..<(index + mark.count)].elementsEqual(mark) else {
        index += 1
        continue
      }
      index += mark.count
      guard let quote = bytes[index...].prefix(8).firstIndex(of: 0x22), quote + 66 <= bytes.count,
        bytes[quote + 1] == 0x3E
      else { continue }
      let hash = String(decoding: bytes[(quote + 2)..<(quote + 66)], as: UTF8.self)
      let kind: ObjectKind? =
        switch String(decoding: bytes[index..<quote], as: UTF8.self) {
        case "obj": .object
        case "id": .id
        case "blob": .blob
        case "clob": .clob
        default: nil
        }
      if let kind, isHash(hash) { found.append((kind, hash)) }
      index = quote
    }
    return found
  }
}

/// CHUM-029: content has its address.
struct ContentHasItsHash: Rule {
  static let info = RuleInfo(
    id: "CHUM-029", alsoDecides: ["CHUM-047"], statement: "The SHA-256 of the sent bytes is the requested hash.",
    severity: .critical, reference: "chum.md 5.5", knownDeviation: "F47", sight: .decrypted)
  static let interests: EventSet = .objectSent
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .objectSent(let object) = event.kind, object.sha256 != object.hash else { return }
    report.violation(
      at: event, by: event.sender,
      "\(object.kind.rawValue) \(object.hash.prefix(8))…: the \(object.length) bytes sent hash to \(object.sha256.prefix(8))…"
    )
  }
}

/// CHUM-030: objects look like objects.
struct ObjectsHaveTheirPrefix: Rule {
  static let info = RuleInfo(
    id: "CHUM-030", statement: "An answer of service 6 starts with the object prefix.", severity: .major,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = .objectSent
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .objectSent(let object) = event.kind, object.kind == .object, let text = object.text,
      !text.utf8.starts(with: MicrodataGlance.objectPrefix)
    else { return }
    report.violation(
      at: event, by: event.sender, "object \(object.hash.prefix(8))… starts with \(JSONText.quoted(excerpt(text, 60)))")
  }
}

/// CHUM-031: ID objects look like ID objects.
struct IdObjectsHaveTheirPrefix: Rule {
  static let info = RuleInfo(
    id: "CHUM-031", statement: "An answer of service 7 starts with the ID-object prefix.", severity: .major,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = .objectSent
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .objectSent(let object) = event.kind, object.kind == .id, let text = object.text,
      !text.utf8.starts(with: MicrodataGlance.idPrefix)
    else { return }
    report.violation(
      at: event, by: event.sender,
      "ID object \(object.hash.prefix(8))… starts with \(JSONText.quoted(excerpt(text, 60)))")
  }
}

/// CHUM-037: the type is the announced one.
struct RootTypeMatches: Rule {
  static let info = RuleInfo(
    id: "CHUM-037", statement: "The type of an unversioned, versioned or id root equals the announced one.",
    severity: .major, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.announced, .objectSent]
  private static let capacity = 100_000
  private var types: [[String: (type: String, place: Witness)]] = [[:], [:]]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .announced(.versionNode, _): break
    case .announced(let entry, _):
      guard types[side].count < Self.capacity, types[side][entry.key] == nil else { return }
      types[side][entry.key] = (entry.type, Witness(event, "announced as \(excerpt(entry.type, 40))"))
    case .objectSent(let object):
      guard let text = object.text, let announced = types[side][object.hash], let type = MicrodataGlance.type(of: text),
        type != announced.type
      else { return }
      report.violation(
        at: event, by: event.sender, "root \(object.hash.prefix(8))… is a \(excerpt(type, 40))",
        because: [announced.place])
    default: break
    }
  }
}

/// CHUM-018: version nodes are version nodes.
struct NodesAreVersionNodes: Rule {
  static let info = RuleInfo(
    id: "CHUM-018", statement: "A version node root is a VersionNodeEdge, VersionNodeChange or VersionNodeMerge.",
    severity: .major, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.announced, .objectSent]
  private static let capacity = 100_000
  private var nodes: [Set<String>] = [[], []]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .announced(.versionNode(let node, _, _), _): if nodes[side].count < Self.capacity { nodes[side].insert(node) }
    case .objectSent(let object):
      guard let text = object.text, nodes[side].contains(object.hash) else { return }
      let type = MicrodataGlance.type(of: text) ?? "(none)"
      if !["VersionNodeEdge", "VersionNodeChange", "VersionNodeMerge"].contains(type) {
        report.violation(
          at: event, by: event.sender, "version node \(object.hash.prefix(8))… is a \(excerpt(type, 40))")
      }
    default: break
    }
  }
}

/// CHUM-039: rights do not travel.
struct NoAccessObjectsAreSent: Rule {
  static let info = RuleInfo(
    id: "CHUM-039", alsoDecides: ["CHUM-038"], statement: "No Access, IdAccess or Group object is sent.",
    severity: .major, binding: .strict, reference: "chum.md 5.5", knownDeviation: "F37", sight: .decrypted)
  static let interests: EventSet = .objectSent
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .objectSent(let object) = event.kind, object.kind == .object, let text = object.text,
      let type = MicrodataGlance.type(of: text), ["Access", "IdAccess", "Group"].contains(type)
    else { return }
    report.violation(
      at: event, by: event.sender, "\(type) \(object.hash.prefix(8))… is sent; importers refuse it for ever")
  }
}

/// CHUM-025 and CHUM-027, as far as the object's own text shows.
struct ChildListHoldsReferences: Rule {
  static let info = RuleInfo(
    id: "CHUM-025", alsoDecides: ["CHUM-027"],
    statement: "The child list of an object holds each reference of its text, with its kind.", severity: .major,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.childListed, .childrenListed, .objectSent]
  private static let capacity = 50_000
  private var lists: [[String: [String: ObjectKind]]] = [[:], [:]]
  private var count = [0, 0]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .childListed(let parent, let entry, _):
      guard count[side] < Self.capacity else { return }
      count[side] += 1
      lists[side][parent, default: [:]][entry.hash] = ObjectKind(rawValue: entry.kind.rawValue)
    case .childrenListed(let parent, let entries):
      // An empty list is a list too; it is told apart from none.
      if entries == 0, count[side] < Self.capacity { lists[side][parent] = [:] }
    case .objectSent(let object):
      guard let list = lists[side].removeValue(forKey: object.hash) else { return }
      count[side] -= list.count
      guard count[side] < Self.capacity / 2, let text = object.text, object.sha256 == object.hash else { return }
      for reference in MicrodataGlance.references(in: text) where reference.hash != object.hash {
        guard let kind = list[reference.hash] else {
          return report.violation(
            at: event, by: event.sender,
            "\(object.hash.prefix(8))… refers to \(reference.hash.prefix(8))…, which its list lacks")
        }
        if kind != reference.kind {
          report.violation(
            at: event, by: event.sender,
            "\(reference.hash.prefix(8))… is listed as \(kind.rawValue), the text says \(reference.kind.rawValue)")
        }
      }
    default: break
    }
  }
}

/// CHUM-026: what depends comes first in the list.
struct ChildListIsWellFormed: Rule {
  static let info = RuleInfo(
    id: "CF-035", alsoDecides: ["CHUM-026"],
    statement:
      "An answer of the services 4 and 5 is a string of a JSON array of known kinds and hashes, none repeated.",
    severity: .major, reference: "chum.md 2.5", sight: .decrypted)
  static let interests: EventSet = [.childrenFault, .childListed, .childrenListed]
  private var seen: [Set<String>] = [[], []]
  private static let capacity = 1_000_000
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .childrenFault(let parent, let failure):
      report.violation(at: event, by: event.sender, "children of \(parent.prefix(8))…: \(failure.detail)")
    case .childListed(let parent, let entry, _):
      guard seen[side].count < Self.capacity else { return }
      if !seen[side].insert(entry.hash).inserted {
        report.violation(
          at: event, by: event.sender, "children of \(parent.prefix(8))…: \(entry.hash.prefix(8))… stands twice")
      }
      if entry.hash == parent {
        report.violation(at: event, by: event.sender, "\(parent.prefix(8))… lists itself as child")
      }
    case .childrenListed: seen[side].removeAll()
    default: break
    }
  }
}

/// CHUM-041: what was not announced is not sent.
struct OnlyAnnouncedIsSent: Rule {
  static let info = RuleInfo(
    id: "CHUM-041", alsoDecides: ["CHUM-042"], statement: "An exporter sends only what it announced to this importer.",
    severity: .critical, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = OpenedHashes.interests.union(.objectSent)
  private var opened = OpenedHashes()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .objectSent(let object) = event.kind else { return opened.note(event) }
    let importer = 1 - Int(event.direction.rawValue)
    if opened.kind(of: object.hash, importer: importer) == nil, !opened.overflowed[importer] {
      report.violation(
        at: event, by: event.sender, "\(object.kind.rawValue) \(object.hash.prefix(8))… was never announced")
    }
  }
}
