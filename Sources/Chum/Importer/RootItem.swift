import Store
import Wire
import WireBytes

/// One entry of a received root list, before anybody believes it.
///
/// The deployed importer looks at nothing but `type` (F7), so names stay texts here; a text that is no hash is never
/// known and never a file name.
struct RootItem: Sendable, Equatable {
  enum Kind: Sendable, Equatable {
    case unversioned
    case versioned(idHash: String)
    case id
    case versionNode(dataIdHash: String)
  }
  let kind: Kind
  /// `hash`, `idHash` or `node`.
  let hash: String
  /// `oneType` or `dataType`.
  let type: String
}

/// Reads root lists as the importer of each profile does (chum.md 2.4, 2.11.2).
enum RootListReader {
  /// The entries that can be worked on, and the faults of the others.
  struct Outcome {
    var items: [RootItem] = []
    var dropped: [SyncError] = []
  }

  static func read(_ answer: JSONValue, _ profile: Profile, _ limits: ChumLimits) throws(SyncError) -> Outcome {
    guard case .string(let text) = answer, text != ChumMessage.undefined else {
      throw SyncError(code: "DAH-PAO1", "Expected string, found \(JavaScript.json(answer))")
    }
    if let items = ListText.readRoots(text, limit: limits.roots) {
      return Outcome(items: profile == .strict ? withoutRepetitions(items) : items)
    }
    let value = try JavaScript.parse(text, values: limits.roots * 4 + 16)
    guard case .array(let entries) = value else {
      throw SyncError(code: "DAH-PAO2", "Expected array, found \(JavaScript.json(value))")
    }
    guard entries.count <= limits.roots else {
      throw SyncError(code: "CHUM-ROOTS", "\(entries.count) roots, more than \(limits.roots)")
    }
    var outcome = Outcome()
    outcome.items.reserveCapacity(entries.count)
    for entry in entries {
      let item: RootItem
      do throws(SyncError) { item = try read(entry, profile) } catch {
        // One unknown type ends the deployed session; every other fault costs one entry.
        if profile == .deployed, error.code == "DAH-PAO3" { throw error }
        outcome.dropped.append(error)
        continue
      }
      outcome.items.append(item)
    }
    if profile == .strict { outcome.items = withoutRepetitions(outcome.items) }
    return outcome
  }

  /// A repeated root is worked on once a round (AT-15).
  private static func withoutRepetitions(_ items: [RootItem]) -> [RootItem] {
    var ids: Set<String> = []
    var objects: Set<String> = []
    return items.filter { $0.kind == .id ? ids.insert($0.hash).inserted : objects.insert($0.hash).inserted }
  }

  private static func read(_ entry: JSONValue, _ profile: Profile) throws(SyncError) -> RootItem {
    func hash(_ name: String) throws(SyncError) -> String {
      guard let text = entry[name]?.string, text != ChumMessage.undefined else {
        throw SyncError(name: "TypeError", message: "A root without \(name)", code: nil)
      }
      guard profile == .deployed || Hex.isHash(text) else {
        throw SyncError(code: "CHUM-ROOT-HASH", "\(name) is not 64 lower-case hex digits")
      }
      return text
    }
    func type(_ name: String) throws(SyncError) -> String {
      let text = entry[name]?.string ?? ""
      guard profile == .deployed || !text.isEmpty else { throw SyncError(code: "CHUM-ROOT-TYPE", "\(name) is missing") }
      return text
    }
    switch entry["type"]?.string {
    case "unversioned": return RootItem(kind: .unversioned, hash: try hash("hash"), type: try type("oneType"))
    case "versioned":
      return RootItem(
        kind: .versioned(idHash: try hash("idHash")), hash: try hash("hash"), type: try type("oneType"))
    case "id": return RootItem(kind: .id, hash: try hash("idHash"), type: try type("oneType"))
    case "version_node":
      return RootItem(
        kind: .versionNode(dataIdHash: try hash("dataIdHash")), hash: try hash("node"), type: try type("dataType"))
    default:
      let found = entry["type"].map { JavaScript.text($0) } ?? "undefined"
      throw SyncError(code: "DAH-PAO3", "Expected unversioned, versioned or id, found \(excerpt(found, 80))")
    }
  }
}

/// Reads child lists: DC-PC1 to DC-PC4 (chum.md 2.5).
enum ChildListReader {
  static func read(_ answer: JSONValue, _ limits: ChumLimits) throws(SyncError) -> [Reference] {
    guard case .string(let text) = answer, text != ChumMessage.undefined else {
      throw SyncError(code: "DC-PC1", "Expected string, found \(JavaScript.json(answer))")
    }
    if let children = ListText.readChildren(text, limit: limits.children) { return children }
    let value = try JavaScript.parse(text, values: limits.children * 3 + 16)
    guard case .array(let entries) = value else {
      throw SyncError(code: "DC-PC2", "Expected array, found \(JavaScript.json(value))")
    }
    guard entries.count <= limits.children else {
      throw SyncError(code: "CHUM-CHILDREN", "\(entries.count) children, more than \(limits.children)")
    }
    var children: [Reference] = []
    children.reserveCapacity(entries.count)
    for entry in entries {
      guard let kind = entry["type"]?.string.flatMap(ChildEntry.Kind.init(rawValue:)) else {
        let found = entry["type"].map { JavaScript.text($0) } ?? "undefined"
        throw SyncError(code: "DC-PC3", "Expected blob, clob, id or object found \(excerpt(found, 80))")
      }
      guard let hash = entry["hash"]?.string.flatMap({ ObjectHash(hex: $0) }) else {
        throw SyncError(code: "DC-PC4", "Expected a hash, found \(JavaScript.json(entry["hash"] ?? .null))")
      }
      children.append(Reference(kind: kind, hash: hash))
    }
    return children
  }
}

extension JavaScript {
  /// A value as an error text shows it, cut to a readable length.
  static func json(_ value: JSONValue) -> String {
    value == .string(ChumMessage.undefined) ? "undefined" : excerpt(value.compact, 200)
  }

  /// JSON inside a text; the error is the one that the deployed platform raises.
  static func parse(_ text: String, values: Int) throws(SyncError) -> JSONValue {
    do throws(JSONFailure) {
      return try JSONValue.parse(text, limits: JSONLimits(depth: 64, values: max(16, values)))
    } catch {
      let message: String
      if let place = text.utf8.dropFirst(error.offset).first {
        let token = String(decoding: [place], as: UTF8.self)
        message = "Unexpected token '\(token)', \"\(excerpt(text, 40))\" is not valid JSON"
      } else {
        message = "Unexpected end of JSON input"
      }
      throw SyncError(name: "SyntaxError", message: message, code: nil)
    }
  }
}
