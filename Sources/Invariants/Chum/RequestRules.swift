import Trace
import Wire
import WireBytes

/// What an exporter opened to an importer on a connection: roots and children, with the kind of each.
///
/// Holds at most 200,000 hashes a direction; beyond it `overflowed` says that absence proves nothing any more.
struct OpenedHashes: Sendable {
  private static let capacity = 200_000
  private var kinds: [[String: ObjectKind]] = [[:], [:]]
  private(set) var overflowed = [false, false]

  static let interests: EventSet = [.announced, .childListed]

  /// The importer is the side opposite to the one that sends the list.
  mutating func note(_ event: Event) {
    let importer = 1 - Int(event.direction.rawValue)
    switch event.kind {
    case .announced(let entry, _):
      switch entry {
      case .unversioned(let hash, _), .versionNode(let hash, _, _): add(hash, .object, importer)
      case .id(let idHash, _): add(idHash, .id, importer)
      case .versioned(let hash, let idHash, _):
        add(hash, .object, importer)
        add(idHash, .id, importer)
      }
    case .childListed(_, let entry, _):
      let kind: ObjectKind =
        switch entry.kind {
        case .object: .object
        case .id: .id
        case .blob: .blob
        case .clob: .clob
        }
      add(entry.hash, kind, importer)
    default: break
    }
  }

  func kind(of hash: String, importer: Int) -> ObjectKind? { kinds[importer][hash] }

  private mutating func add(_ hash: String, _ kind: ObjectKind, _ importer: Int) {
    if kinds[importer].count < Self.capacity { kinds[importer][hash] = kind } else { overflowed[importer] = true }
  }
}

/// CHUM-020: nobody guesses hashes.
struct OnlyAnnouncedIsRequested: Rule {
  static let info = RuleInfo(
    id: "CHUM-020", statement: "An importer requests only hashes that were announced to it as root or child.",
    severity: .critical, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = OpenedHashes.interests.union(.requested)
  private var opened = OpenedHashes()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .requested(let id, let service, let args) = event.kind else { return opened.note(event) }
    let side = Int(event.direction.rawValue)
    guard (4...8).contains(service), let hash = args?.first?.string, isHash(hash), !opened.overflowed[side] else {
      return
    }
    if opened.kind(of: hash, importer: side) == nil {
      report.violation(
        at: event, by: event.sender,
        "request \(id) of service \(service) for \(hash.prefix(8))…, which was not announced")
    }
  }
}

/// CHUM-028: each kind has its service.
struct RightServiceForTheKind: Rule {
  static let info = RuleInfo(
    id: "CHUM-028", statement: "Blobs and clobs are requested with service 8, ids with 5 and 7, objects with 4 and 6.",
    severity: .major, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = OpenedHashes.interests.union(.requested)
  private var opened = OpenedHashes()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .requested(let id, let service, let args) = event.kind else { return opened.note(event) }
    let side = Int(event.direction.rawValue)
    guard (4...8).contains(service), let hash = args?.first?.string, let kind = opened.kind(of: hash, importer: side)
    else { return }
    let encoding = (args?.count ?? 0) > 1 ? args?[1].string : nil
    let fits: Bool =
      switch kind {
      case .object: service == 4 || service == 6
      case .id: service == 5 || service == 7
      case .blob: service == 8 && (encoding == nil || encoding == ChumMessage.undefined)
      case .clob: service == 8 && encoding == "utf8"
      }
    if !fits {
      report.violation(
        at: event, by: event.sender, "request \(id): service \(service) for the \(kind.rawValue) \(hash.prefix(8))…")
    }
  }
}

/// Arguments as chapter 2.2 lists them.
struct ArgumentsAreHashes: Rule {
  static let info = RuleInfo(
    id: "ARGS-001", alsoDecides: ["CF-030"],
    statement: "The services 4 to 8 get a hash of 64 lower-case digits; service 8 also the encoding utf8 or none.",
    severity: .minor, reference: "chum.md 2.2", sight: .decrypted)
  static let interests: EventSet = .requested
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .requested(let id, let service, let args) = event.kind, (4...8).contains(service) else { return }
    guard let hash = args?.first?.string, isHash(hash) else {
      let sent = args?.first?.compact ?? "nothing"
      return report.violation(
        at: event, by: event.sender, "request \(id) of service \(service) for \(excerpt(sent, 70)), no hash")
    }
    if service == 8, let args, args.count > 1, args[1] != .string("utf8"), args[1] != .string(ChumMessage.undefined) {
      report.violation(at: event, by: event.sender, "request \(id) wants encoding \(excerpt(args[1].compact, 30))")
    }
  }
}

/// CHUM-074: no storm.
struct OneAttemptARound: Rule {
  static let info = RuleInfo(
    id: "CHUM-074", statement: "Within a round no object is requested twice.", severity: .minor,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.objectRequested, .roundStarted]
  private static let capacity = 200_000
  private var seen: [[String: Witness]] = [[:], [:]]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .roundStarted: seen[side].removeAll()
    case .objectRequested(let kind, let hash, _):
      let key = kind.rawValue + hash
      if let place = seen[side][key] {
        report.violation(
          at: event, by: event.sender, "\(kind.rawValue) \(hash.prefix(8))… a second time in this round",
          because: [place])
      } else if seen[side].count < Self.capacity {
        seen[side][key] = Witness(event, "the first request")
      }
    default: break
    }
  }
}

/// CHUM-023: dependencies first.
struct ChildrenBeforeParent: Rule {
  static let info = RuleInfo(
    id: "CHUM-023", statement: "When an object is requested, its listed children are known or were requested before.",
    severity: .major, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.childListed, .objectRequested]
  private static let capacity = 50_000
  private var children: [[String: [String]]] = [[:], [:]]
  private var count = [0, 0]
  private var requested: [Set<String>] = [[], []]
  /// Children that count as known because their parent was requested without them.
  private var assumed: [[String: Witness]] = [[:], [:]]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .childListed(let parent, let entry, _):
      let importer = 1 - side
      guard count[importer] < Self.capacity else { return }
      count[importer] += 1
      children[importer][parent, default: []].append(entry.hash)
    case .objectRequested(let kind, let hash, _):
      if let place = assumed[side].removeValue(forKey: hash) {
        report.violation(
          at: event, by: event.sender, "child \(hash.prefix(8))… requested after its parent", because: [place])
      }
      if requested[side].count < Self.capacity { requested[side].insert(hash) }
      guard kind == .object || kind == .id, let list = children[side].removeValue(forKey: hash) else { return }
      count[side] -= list.count
      for child in list where !requested[side].contains(child) && assumed[side].count < Self.capacity {
        assumed[side][child] = Witness(event, "request of the parent \(hash.prefix(8))…")
      }
    default: break
    }
  }
}

/// CHUM-084: not with oneself.
struct NotWithOneself: Rule {
  static let info = RuleInfo(
    id: "CHUM-084", alsoDecides: ["HS-018", "PA-020"],
    statement: "The two ends of a connection are different instances.",
    severity: .minor, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = .peer
  private var instance: [(id: String, place: Witness)?] = [nil, nil]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .peer(.instanceIdObject(let name, let owner)) = event.kind else { return }
    let side = Int(event.direction.rawValue)
    let id = name + "\n" + owner
    if let other = instance[1 - side], other.id == id {
      report.violation(
        at: event, by: event.sender, "both ends are instance \(excerpt(name, 40))", because: [other.place])
    }
    instance[side] = (id, Witness(event, "the other instance"))
  }
}
