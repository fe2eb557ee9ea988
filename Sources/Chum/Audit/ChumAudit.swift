import Microdata
public import Store
import Wire
import WireBytes

/// Something that must not happen between two of our machines, by the rule of chum.md 5 that it breaks.
public struct AuditFinding: Sendable, Hashable, CustomStringConvertible {
  public let rule: String
  public let text: String

  public init(_ rule: String, _ text: String) {
    self.rule = rule
    self.text = text
  }

  public var description: String { "\(rule): \(text)" }
}

/// Watches what one exporter sends to one person, beside the exporter's own store: it knows what the wire cannot show.
///
/// It recomputes what may be offered from the grants in force, so it is for tests, worlds and self-checks, not for
/// live traffic. Findings are bounded.
public struct ChumAudit: Sendable {
  public private(set) var findings: [AuditFinding] = []
  private var asked: [Int: (service: Int, hash: ObjectHash?)] = [:]
  private let policy: GroupPolicy
  private let person: ObjectHash
  private let isStrict: Bool
  private static let findingLimit = 1_000

  /// `person` is the one that receives; `isStrict` also holds the exporter to the rules of profile S.
  public init(person: ObjectHash, policy: GroupPolicy, isStrict: Bool) {
    self.person = person
    self.policy = policy
    self.isStrict = isStrict
  }

  private mutating func find(_ rule: String, _ text: String) {
    if findings.count < Self.findingLimit { findings.append(AuditFinding(rule, text)) }
  }

  /// A text that the receiver sent to the exporter.
  mutating func request(_ text: String) {
    guard case .request(let id, let service, let args)? = try? ChumMessage.decode(text) else { return }
    asked[id] = (service, args?.first?.string.flatMap { ObjectHash(hex: $0) })
  }

  /// A text that the exporter sent, with its repository as it is at that moment.
  mutating func answer<S: EntryStore>(_ text: String, _ repository: Repository<S>) {
    guard let message = try? ChumMessage.decode(text) else { return }
    switch message {
    case .data(let id, .string(let content)): data(id, content, repository)
    case .error(let id, _, let message, _):
      if asked.removeValue(forKey: id) != nil, message?.contains("M2O-PH1") == true {
        find("CHUM-032", "an error text holds M2O-PH1")
      }
    case .streamEnd(let id):
      if let hash = asked.removeValue(forKey: id)?.hash { mayHave(hash, repository) }
    default: break
    }
  }

  private mutating func data<S: EntryStore>(_ id: Int, _ content: String, _ repository: Repository<S>) {
    guard let (service, hash) = asked.removeValue(forKey: id) else { return }
    switch service {
    case 2: roots(content, repository)
    case 6, 7:
      guard let hash else { return }
      let bytes = Array(content.utf8)
      if ObjectHash.of(bytes) != hash { find("CHUM-029", "\(hash.short) was answered with other bytes") }
      if service == 6, ObjectHead.form(bytes) != .object { find("CHUM-030", "\(hash.short) is no object") }
      if service == 7, ObjectHead.form(bytes) != .idObject { find("CHUM-031", "\(hash.short) is no ID object") }
      if let type = ObjectHead.type(bytes), isStrict, ["Access", "IdAccess", "Group"].contains(type) {
        find("CHUM-039", "a \(type) object was sent")
      }
      mayHave(hash, repository)
    default: break
    }
  }

  private mutating func roots<S: EntryStore>(_ text: String, _ repository: Repository<S>) {
    guard let entries = try? RootEntry.decodeList(text) else { return find("CHUM-014", "the root list is none") }
    var seen: Set<String> = []
    var ids: Set<String> = []
    for entry in entries {
      if !seen.insert("\(entry.kindName) \(entry.key)").inserted { find("CHUM-015", "\(entry.key.prefix(8)) twice") }
      guard let hash = ObjectHash(hex: entry.key) else {
        find("CHUM-014", "\(entry.key.prefix(20)) is no hash")
        continue
      }
      let subject: Subject
      switch entry {
      case .unversioned, .versioned: subject = .object(hash)
      case .id:
        subject = .id(hash)
        ids.insert(entry.key)
      case .versionNode(_, let idHash, _):
        guard let id = ObjectHash(hex: idHash) else {
          find("CHUM-014", "a node without an ID hash")
          continue
        }
        subject = .id(id)
        if !ids.contains(idHash) { find("CHUM-016", "a node stands before its id entry") }
      }
      if !repository.isGranted(subject, to: person, policy: policy) {
        find("CHUM-012", "\(subject) is announced without a grant")
      }
    }
    let list = try? RootList(for: person, in: repository, policy: policy, profile: isStrict ? .strict : .deployed)
    for root in list?.roots ?? [] where !seen.contains("\(root.entry.kindName) \(root.entry.key)") {
      find("CHUM-013", "\(root.entry.kindName) \(root.hash.short) is granted and not announced")
    }
  }

  /// Rule CHUM-040: what is sent is reached from a root that is granted now.
  private mutating func mayHave<S: EntryStore>(_ hash: ObjectHash, _ repository: Repository<S>) {
    guard isStrict else { return }
    guard let list = try? RootList(for: person, in: repository, policy: policy, profile: .strict) else { return }
    for root in list.roots {
      if root.hash == hash { return }
      if let children = try? ChildList(of: root.hash, in: repository.store, limit: 1_000_000),
        children.children.contains(where: { $0.hash == hash })
      {
        return
      }
    }
    for (opened, _) in list.opened where opened == hash { return }
    find("CHUM-040", "\(hash.short) was sent and is not offered")
  }
}
