import Trace
import Wire
import WireBytes

/// CHUM-029: content has its address.
struct ContentHasItsHash: Rule {
  static let info = RuleInfo(
    id: "CHUM-029", alsoDecides: ["CF-040"], statement: "The SHA-256 of the sent bytes is the requested hash.",
    severity: .critical, reference: "chum.md 5.5", knownDeviation: "F47", sight: .decrypted)
  static let interests: EventSet = .objectSent
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .objectSent(let object) = event.kind, object.sha256 != object.hash else { return }
    report.violation(
      at: event, by: event.sender,
      "\(object.kind.rawValue) \(object.hash.prefix(8))…: the \(object.length) bytes sent hash to \(object.sha256.prefix(8))…",
      deviation: object.kind == .blob && object.length == 0 ? "F47" : nil)
  }
}

/// CHUM-030: objects look like objects.
struct ObjectsHaveTheirPrefix: Rule {
  static let info = RuleInfo(
    id: "CHUM-030", alsoDecides: ["CF-041"], statement: "An answer of service 6 starts with the object prefix.",
    severity: .major,
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
    id: "CHUM-031", alsoDecides: ["CF-041"], statement: "An answer of service 7 starts with the ID-object prefix.",
    severity: .major,
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

/// CHUM-033: one text an object, as far as it shows without recipes.
struct MicrodataIsCanonical: Rule {
  static let info = RuleInfo(
    id: "CHUM-033", partlyDecides: ["CHUM-034"],
    statement: "A sent object is written in the canonical form, with the members of its type in order.",
    severity: .minor, binding: .strict, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = .objectSent
  /// Larger objects are not read.
  private static let largest = 1 << 20
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .objectSent(let object) = event.kind, let text = object.text, object.length <= Self.largest,
      let type = MicrodataGlance.type(of: text)
    else { return }
    let name = "\(object.kind.rawValue) \(object.hash.prefix(8))…"
    let members: [MicrodataGrammar.Member]
    do throws(MicrodataGrammar.Fault) {
      members = try MicrodataGrammar.members(of: text)
    } catch {
      return report.violation(at: event, by: event.sender, "\(name): \(error.description)")
    }
    let isIdObject = text.utf8.starts(with: MicrodataGlance.idPrefix)
    if let fault = KnownTypes.fault(type: type, members: members.map(\.name), isIdObject: isIdObject) {
      // Another version of the recipes may say otherwise.
      report.violation(
        at: event, by: event.sender, "\(name): \(fault)", weight: .possible, also: isIdObject ? ["CHUM-034"] : [])
    }
  }
}

/// CHUM-037: the type is the announced one.
struct RootTypeMatches: Rule {
  static let info = RuleInfo(
    id: "CHUM-037", statement: "The type of an unversioned, versioned or id root equals the announced one.",
    severity: .major, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.announced, .objectSent]
  private static let capacity = 100_000
  private var types: [[HashKey: (type: String, place: Place)]] = [[:], [:]]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .announced(.versionNode, _): break
    case .announced(let entry, _):
      guard let key = report.leg.key, types[side].count < Self.capacity, types[side][key] == nil else { return }
      types[side][key] = (entry.type, Place(event))
    case .objectSent(let object):
      guard let text = object.text, let key = report.leg.key, let announced = types[side][key],
        let type = MicrodataGlance.type(of: text), type != announced.type
      else { return }
      report.violation(
        at: event, by: event.sender, "root \(object.hash.prefix(8))… is a \(excerpt(type, 40))",
        because: [Witness(announced.place, "announced as \(excerpt(announced.type, 40))")])
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
  private var nodes: [Set<HashKey>] = [[], []]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .announced(.versionNode, _):
      if let key = report.leg.key, nodes[side].count < Self.capacity { nodes[side].insert(key) }
    case .objectSent(let object):
      guard let text = object.text, let key = report.leg.key, nodes[side].contains(key) else { return }
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
    id: "CHUM-039", alsoDecides: ["CF-052"], statement: "No Access, IdAccess or Group object is sent.",
    severity: .major, binding: .strict, reference: "chum.md 5.5", sight: .decrypted)
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

/// CHUM-041: what was not announced is not sent.
struct OnlyAnnouncedIsSent: Rule {
  static let info = RuleInfo(
    id: "CHUM-041", alsoDecides: ["CHUM-042", "CF-037"],
    statement: "An exporter sends only what it announced to this importer.", severity: .critical,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = .objectSent
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .objectSent(let object) = event.kind, report.leg.kind == nil,
      !report.leg.hashesOverflowed[1 - event.side]
    else { return }
    report.violation(
      at: event, by: event.sender, "\(object.kind.rawValue) \(excerpt(object.hash, 8)) was never announced")
  }
}

/// Answers have the form of their service.
struct AnswersHaveTheirForm: Rule {
  static let info = RuleInfo(
    id: "ANSWER-001",
    statement: "Service 6 and 7 answer with a text, service 8 with a stream, service 10 with nothing.",
    severity: .major,
    reference: "chum.md 2.2", sight: .decrypted)
  static let interests: EventSet = .answerFault
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .answerFault(let id, let service, let failure) = event.kind else { return }
    report.violation(at: event, by: event.sender, "answer \(id) of service \(service): \(failure.detail)")
  }
}
