import Wire
import WireBytes

/// Contents that are not what they should be, under their own hashes.
extension ProbeShelf {
  /// An object that nothing refers to.
  var bait: String { Self.hash(Array(Self.name("bait").utf8)) }

  /// The answer with more roots than anybody has.
  var manyRoots: String {
    var entries = roots
    for number in 0..<12_000 {
      let digits = String(number, radix: 16)
      let hash = String(repeating: "0", count: 64 - digits.count) + digits
      entries.append(.unversioned(hash: hash, type: "PersonName"))
    }
    return RootEntry.encodeList(entries)
  }

  /// What the next round brings for a history: a third version.
  mutating func addVersion() {
    let third = add(Self.person("subject@example.org", "Third"))
    let node = add(Self.change(third, previous: subject, depth: "2", time: 3))
    children[node] = [third, subject].map { ChildEntry(kind: .object, hash: $0) } + (children[subject] ?? [])
    roots.append(.versionNode(node: node, dataIdHash: idHash, dataType: "Person"))
    dependency = subject
    subject = node
  }

  mutating func spoil(_ misbehaviour: ChumMisbehaviour) {
    let someone = String(repeating: "7", count: 64)
    switch misbehaviour {
    case .childrenBait: add(Self.name("bait"))
    case .objectOtherForm: replaceSubject((contents[subject] ?? "").switchedForm)
    case .contentNotMicrodata: replaceSubject("hello")
    case .contentEmpty: replaceSubject("")
    case .contentTrailingNewline: replaceSubject(Self.name("nl") + "\n")
    case .contentUnknownType: replaceSubject(Self.head("NoSuchType") + Self.span("name", "x") + "</div>")
    case .contentMissingProperty: replaceSubject(Self.head("PersonName") + "</div>")
    case .contentExtraProperty:
      replaceSubject(Self.head("PersonName") + Self.span("name", "p") + Self.span("zzz", "1") + "</div>")
    case .contentUnescaped: replaceSubject(Self.name("a<b"))
    case .contentOtherOrder: replaceOrder()
    case .contentEntity: replaceSubject(Self.name("a&quot;b"))
    case .contentUnbalanced: replaceSubject(Self.head("PersonName") + Self.span("name", "x"))
    case .contentNumberSpelling: replaceSubject(Self.creationTime(dependency, "05"))
    case .contentAccess:
      let grant = Self.head("Access") + Self.link("object", "obj", innocent)
      replaceSubject(
        grant + Self.list("person", "id", [someone]) + Self.list("group", "id", []) + "</div>", type: "Access")
    case .contentIdAccess:
      let grant = Self.head("IdAccess") + Self.link("id", "id", someone)
      replaceSubject(
        grant + Self.list("person", "id", [someone]) + Self.list("group", "id", []) + "</div>", type: "IdAccess")
    case .contentGroup:
      replaceSubject(
        Self.head("Group") + Self.span("name", "evil") + Self.list("person", "id", [someone]) + "</div>", type: "Group")
    case .contentRecipe: replaceSubject(Self.recipe, type: "Recipe")
    case .contentOtherType: replaceSubject(Self.name("no descriptor"), type: "BlobDescriptor")
    case .contentForeignIdHash:
      replaceSubject(Self.person("somebody.else@example.org", "Sub"))
    case .contentIdWithMore:
      replaceSubject(Self.idHead("Person") + Self.span("email", "s@x") + Self.span("name", "n") + "</div>")
    case .childAccess:
      replaceChild(Self.head("Group") + Self.span("name", "g") + Self.list("person", "id", []) + "</div>")
    case .childUnlisted: children[subject] = []
    case .fileZeroLength:
      dependency = add(file: [])
      let old = subject
      replaceSubject(Self.descriptor(dependency, size: 0))
      children[old] = nil
      children[subject] = [ChildEntry(kind: .blob, hash: dependency)]
    default: spoilNodes(misbehaviour)
    }
  }

  private mutating func replaceOrder() {
    let body = Self.span("timestamp", "5")
    replaceSubject(Self.head("CreationTime") + Self.link("data", "obj", dependency) + body + "</div>")
  }

  /// Another child in the place of the dependency.
  private mutating func replaceChild(_ text: String) {
    dependency = add(text)
    replaceSubject(Self.creationTime(dependency, "5"))
    children[subject] = [ChildEntry(kind: .object, hash: dependency)]
  }

  // MARK: Version nodes

  private mutating func spoilNodes(_ misbehaviour: ChumMisbehaviour) {
    let second = children[subject]?.first?.hash ?? ""
    func replaceNode(_ text: String, _ shelf: inout ProbeShelf) { shelf.replaceSubject(text) }
    switch misbehaviour {
    case .nodeForeignData:
      let foreign = add(Self.person("somebody.else@example.org", "Foreign"))
      let old = children[subject] ?? []
      replaceNode(Self.change(foreign, previous: dependency, depth: "1", time: 2), &self)
      children[subject] = [ChildEntry(kind: .object, hash: foreign)] + old.dropFirst()
    case .nodeOtherType:
      roots = roots.map { root in
        guard case .versionNode(subject, let idHash, _) = root else { return root }
        return .versionNode(node: subject, dataIdHash: idHash, dataType: "Group")
      }
    case .nodeIsNone: replaceNode(Self.name("no node"), &self)
    case .nodeNegativeDepth: replaceNode(Self.change(second, previous: dependency, depth: "-1", time: 2), &self)
    case .nodeFractionDepth: replaceNode(Self.change(second, previous: dependency, depth: "1.5", time: 2), &self)
    case .nodeGreatestDepth:
      replaceNode(Self.change(second, previous: dependency, depth: "9007199254740992", time: 2), &self)
    case .nodeOfTheFuture:
      replaceNode(Self.change(second, previous: dependency, depth: "1", time: 4_102_444_800_000), &self)
    case .nodeMissingPrevious:
      let missing = String(repeating: "9", count: 64)
      replaceNode(Self.change(second, previous: missing, depth: "1", time: 2), &self)
      children[subject] = [ChildEntry(kind: .object, hash: second)]
    case .nodeBranches: addBranch()
    case .nodeChangeOnly: roots.removeAll { $0.key == dependency }
    default: break
    }
  }

  /// A second leaf beside the subject, of the same depth.
  private mutating func addBranch() {
    let branch = add(Self.person("subject@example.org", "Branch"))
    let node = add(Self.change(branch, previous: dependency, depth: "1", time: 9))
    let below = (children[subject] ?? []).dropFirst()
    children[node] = [ChildEntry(kind: .object, hash: branch)] + below
    let place = (roots.firstIndex { $0.key == subject } ?? roots.count - 1) + 1
    roots.insert(.versionNode(node: node, dataIdHash: idHash, dataType: "Person"), at: place)
    innocentNode = node
  }

  private static let recipe =
    head("Recipe") + span("name", "Pushed") + #"<ol itemprop="rule"><li><div>"# + span("itemprop", "x")
    + "</div></li></ol></div>"
}
