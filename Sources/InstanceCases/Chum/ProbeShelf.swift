import Cryptobox
import Instance
public import Wire
import WireBytes

/// What a played exporter offers: texts and bytes under names, which need not be what they claim.
///
/// Everything is written by hand here, so that the gate's own store and exporter are not what judges the target.
public struct ProbeShelf: Sendable {
  /// What kind of root the case is about.
  public enum Subject: String, Sendable, CaseIterable {
    /// A PersonName.
    case unversioned
    /// One version of a Person, by an Access grant.
    case versioned
    /// The ID object of a Person without a version.
    case id
    /// The history of a Person: an edge and a change.
    case nodes
    /// A BlobDescriptor and its BLOB of 150 bytes.
    case blob
    /// A Chum object and its CLOB.
    case clob
    /// A CreationTime and the PersonName that it refers to.
    case nested
  }

  public var roots: [RootEntry] = []
  public var children: [String: [ChildEntry]] = [:]
  public var contents: [String: String] = [:]
  public var files: [String: [UInt8]] = [:]
  /// The hash that the case is about, and under it the file or child.
  public var subject = ""
  public var dependency = ""
  /// A root that is fine, named after the subject; with version nodes, the node of another history too.
  public var innocent = ""
  public var innocentNode = ""
  /// The ID hash of the subject, if it has one.
  public var idHash = ""

  public init(_ kind: Subject) {
    addSubject(kind)
    innocent = add(Self.name("innocent"))
    roots.append(.unversioned(hash: innocent, type: "PersonName"))
    if kind == .nodes {
      let person = Self.person("innocent@example.org", "Inno")
      let data = add(person)
      let idHash = add(Self.personId("innocent@example.org"))
      innocentNode = add(Self.edge(data, depth: "0", time: 4))
      children[innocentNode] = [ChildEntry(kind: .object, hash: data)]
      roots.append(.id(idHash: idHash, type: "Person"))
      roots.append(.versionNode(node: innocentNode, dataIdHash: idHash, dataType: "Person"))
    }
  }

  private mutating func addSubject(_ kind: Subject) {
    switch kind {
    case .unversioned:
      subject = add(Self.name("subject"))
      roots.append(.unversioned(hash: subject, type: "PersonName"))
    case .versioned:
      subject = add(Self.person("subject@example.org", "Sub"))
      idHash = add(Self.personId("subject@example.org"))
      roots.append(.versioned(hash: subject, idHash: idHash, type: "Person"))
    case .id:
      subject = add(Self.personId("subject@example.org"))
      idHash = subject
      roots.append(.id(idHash: subject, type: "Person"))
    case .nodes: addHistory()
    case .blob:
      dependency = add(file: Self.bytes(150))
      subject = add(Self.descriptor(dependency, size: 150))
      children[subject] = [ChildEntry(kind: .blob, hash: dependency)]
      roots.append(.unversioned(hash: subject, type: "BlobDescriptor"))
    case .clob:
      dependency = add(file: Array(String(repeating: "größer € als ", count: 40).utf8))
      subject = add(Self.chum(clob: dependency))
      idHash = add(Self.chumId)
      children[subject] = [ChildEntry(kind: .clob, hash: dependency)]
      roots.append(.versioned(hash: subject, idHash: idHash, type: "Chum"))
    case .nested:
      dependency = add(Self.name("dependency"))
      subject = add(Self.creationTime(dependency, "5"))
      children[subject] = [ChildEntry(kind: .object, hash: dependency)]
      roots.append(.unversioned(hash: subject, type: "CreationTime"))
    }
  }

  private mutating func addHistory() {
    let first = add(Self.person("subject@example.org", "First"))
    let second = add(Self.person("subject@example.org", "Second"))
    idHash = add(Self.personId("subject@example.org"))
    dependency = add(Self.edge(first, depth: "0", time: 1))
    subject = add(Self.change(second, previous: dependency, depth: "1", time: 2))
    children[dependency] = [ChildEntry(kind: .object, hash: first)]
    // Those that depend come before what they depend on (chum.md 2.5).
    children[subject] = [second, dependency, first].map { ChildEntry(kind: .object, hash: $0) }
    roots.append(.id(idHash: idHash, type: "Person"))
    for node in [dependency, subject] {
      roots.append(.versionNode(node: node, dataIdHash: idHash, dataType: "Person"))
    }
  }

  /// What is announced as an ID object, by a root or as a child.
  var idHashes: Set<String> {
    var found: Set<String> = []
    for root in roots {
      switch root {
      case .id(let idHash, _), .versioned(_, let idHash, _): found.insert(idHash)
      case .unversioned, .versionNode: break
      }
    }
    for child in children.values.joined() where child.kind == .id { found.insert(child.hash) }
    return found
  }

  // MARK: Adding

  /// Puts a text under its own hash.
  @discardableResult
  public mutating func add(_ text: String) -> String {
    let hash = Self.hash(Array(text.utf8))
    contents[hash] = text
    return hash
  }

  public mutating func add(file: [UInt8]) -> String {
    let hash = Self.hash(file)
    files[hash] = file
    return hash
  }

  /// Another content in the place of the subject's, under its own hash; children stay those of the subject.
  public mutating func replaceSubject(_ text: String, type: String? = nil) {
    let old = subject
    subject = add(text)
    if let known = children[old] { children[subject] = known }
    roots = roots.map { root in
      guard root.key == old else { return root }
      switch root {
      case .unversioned(_, let name): return .unversioned(hash: subject, type: type ?? name)
      case .versioned(_, let idHash, let name): return .versioned(hash: subject, idHash: idHash, type: type ?? name)
      case .id(_, let name): return .id(idHash: subject, type: type ?? name)
      case .versionNode(_, let idHash, let name):
        return .versionNode(node: subject, dataIdHash: idHash, dataType: type ?? name)
      }
    }
  }

  static func hash(_ bytes: [UInt8]) -> String { Hex.encode(SHA256.hash(bytes)) }

  /// Bytes that are no text.
  static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) } }
}

/// Canonical texts of the types that the cases use (microdata.md 16).
extension ProbeShelf {
  static func head(_ type: String) -> String { #"<div itemscope itemtype="//refin.io/\#(type)">"# }
  static func idHead(_ type: String) -> String {
    #"<div data-id-object="true" itemscope itemtype="//refin.io/\#(type)">"#
  }
  static func span(_ name: String, _ value: String) -> String { #"<span itemprop="\#(name)">\#(value)</span>"# }
  static func link(_ name: String, _ kind: String, _ hash: String) -> String {
    #"<a itemprop="\#(name)" data-type="\#(kind)">\#(hash)</a>"#
  }
  static func list(_ name: String, _ kind: String, _ hashes: [String]) -> String {
    let items = hashes.sorted().map { #"<li><a data-type="\#(kind)">\#($0)</a></li>"# }
    return #"<ul itemprop="\#(name)">\#(items.joined())</ul>"#
  }

  static func name(_ text: String) -> String { head("PersonName") + span("name", text) + "</div>" }
  static func personId(_ email: String) -> String { idHead("Person") + span("email", email) + "</div>" }
  static func person(_ email: String, _ name: String) -> String {
    head("Person") + span("email", email) + span("name", name) + "</div>"
  }
  static func descriptor(_ blob: String, size: Int, name: String = "picture.png") -> String {
    head("BlobDescriptor") + link("data", "blob", blob) + span("lastModified", "1") + span("name", name)
      + span("size", "\(size)") + span("type", "image/png") + "</div>"
  }
  static func creationTime(_ data: String, _ time: String) -> String {
    head("CreationTime") + span("timestamp", time) + link("data", "obj", data) + "</div>"
  }
  static func edge(_ data: String, depth: String, time: Int) -> String {
    head("VersionNodeEdge") + link("data", "obj", data) + span("depth", depth) + span("creationTime", "\(time)")
      + "</div>"
  }
  static func change(_ data: String, previous: String, depth: String, time: Int) -> String {
    head("VersionNodeChange") + link("prev", "obj", previous) + link("data", "obj", data) + span("depth", depth)
      + span("creationTime", "\(time)") + "</div>"
  }

  private static let chumNames = "<li>Alpha</li><li>Beta</li>"
  private static let chumPersons =
    "<li>\(String(repeating: "1", count: 64))</li><li>\(String(repeating: "2", count: 64))</li>"
  private static let chumKey =
    span("name", "file") + #"<ol itemprop="instance">\#(chumNames)</ol><ol itemprop="person">\#(chumPersons)</ol>"#
  static let chumId = idHead("Chum") + chumKey + "</div>"
  static func chum(clob: String) -> String {
    head("Chum") + chumKey + span("highestRemoteTimestamp", "0") + list("AtoBObjects", "obj", [])
      + list("AtoBIdObjects", "id", []) + list("AtoBBlob", "blob", []) + list("AtoBClob", "clob", [clob])
      + list("BtoAObjects", "obj", []) + list("BtoAIdObjects", "id", []) + list("BtoABlob", "blob", [])
      + list("BtoAClob", "clob", []) + span("BtoAExists", "0") + "</div>"
  }
}
