public import WireBytes

/// One entry of an answer to GET_ACCESSIBLE_ROOTS (chum.md 2.4).
public enum RootEntry: Sendable, Equatable {
  case unversioned(hash: String, type: String)
  case versioned(hash: String, idHash: String, type: String)
  case id(idHash: String, type: String)
  case versionNode(node: String, dataIdHash: String, dataType: String)

  private static let section = "chum.md 2.4"

  /// Reads the JSON text that stands, as a string, in the answer. Hashes are not looked at: rules do that.
  public static func decodeList(_ json: String) throws(WireFailure) -> [RootEntry] {
    var entries: [RootEntry] = []
    for value in try jsonArray(json, area: "roots", section: section) {
      entries.append(try RootEntry(value))
    }
    return entries
  }

  init(_ value: JSONValue) throws(WireFailure) {
    guard case .object(let object) = value else {
      throw WireFailure("roots.not-an-object", Self.section, "an entry is a JSON \(value.kindName)")
    }
    func text(_ name: String) throws(WireFailure) -> String {
      guard let text = object[name]?.string else {
        throw WireFailure("roots.missing-member", Self.section, "an entry without a text \(name)")
      }
      return text
    }
    switch object["type"]?.string {
    case "unversioned": self = .unversioned(hash: try text("hash"), type: try text("oneType"))
    case "versioned":
      self = .versioned(hash: try text("hash"), idHash: try text("idHash"), type: try text("oneType"))
    case "id": self = .id(idHash: try text("idHash"), type: try text("oneType"))
    case "version_node":
      self = .versionNode(
        node: try text("node"), dataIdHash: try text("dataIdHash"), dataType: try text("dataType"))
    case let other:
      throw WireFailure("roots.unknown-type", Self.section, "unknown entry type \(excerpt(other ?? "(none)", 40))")
    }
  }

  /// The hash under which the entry opens access: `hash`, `idHash` or `node`.
  public var key: String {
    switch self {
    case .unversioned(let hash, _), .versioned(let hash, _, _): hash
    case .id(let idHash, _): idHash
    case .versionNode(let node, _, _): node
    }
  }

  public var kindName: String {
    switch self {
    case .unversioned: "unversioned"
    case .versioned: "versioned"
    case .id: "id"
    case .versionNode: "version_node"
    }
  }

  /// The announced type of the object (of the data, for a version node).
  public var type: String {
    switch self {
    case .unversioned(_, let type), .versioned(_, _, let type), .id(_, let type), .versionNode(_, _, let type): type
    }
  }

  public var json: JSONValue {
    switch self {
    case .unversioned(let hash, let type):
      ["type": "unversioned", "hash": .string(hash), "oneType": .string(type)]
    case .versioned(let hash, let idHash, let type):
      ["type": "versioned", "hash": .string(hash), "idHash": .string(idHash), "oneType": .string(type)]
    case .id(let idHash, let type): ["type": "id", "idHash": .string(idHash), "oneType": .string(type)]
    case .versionNode(let node, let dataIdHash, let dataType):
      [
        "type": "version_node", "node": .string(node), "dataIdHash": .string(dataIdHash),
        "dataType": .string(dataType),
      ]
    }
  }

  public static func encodeList(_ entries: [RootEntry]) -> String { JSONValue.array(entries.map(\.json)).compact }
}

/// One entry of an answer to GET_OBJECT_CHILDREN or GET_ID_OBJECT_CHILDREN (chum.md 2.5).
public struct ChildEntry: Sendable, Equatable {
  public enum Kind: String, Sendable { case object, id, blob, clob }
  public let kind: Kind
  public let hash: String

  public init(kind: Kind, hash: String) {
    self.kind = kind
    self.hash = hash
  }

  /// Reads the JSON text that stands, as a string, in the answer, with the importer's checks DC-PC1 … DC-PC4.
  public static func decodeList(_ json: String) throws(WireFailure) -> [ChildEntry] {
    let section = "chum.md 2.5"
    var entries: [ChildEntry] = []
    for value in try jsonArray(json, area: "children", section: section) {
      guard case .object(let object) = value, let name = object["type"]?.string, let hash = object["hash"]?.string
      else {
        throw WireFailure("children.not-an-entry", section, "an entry without type and hash texts")
      }
      guard let kind = Kind(rawValue: name) else {
        throw WireFailure("children.unknown-type", section, "unknown entry type \(excerpt(name, 40))")
      }
      guard Hex.isHash(hash) else {
        throw WireFailure("children.not-a-hash", section, "\(excerpt(hash, 70)) is not 64 lower-case hex digits")
      }
      entries.append(ChildEntry(kind: kind, hash: hash))
    }
    return entries
  }

  public static func encodeList(_ entries: [ChildEntry]) -> String {
    JSONValue.array(entries.map { ["type": .string($0.kind.rawValue), "hash": .string($0.hash)] }).compact
  }
}

private func jsonArray(_ text: String, area: String, section: String) throws(WireFailure) -> [JSONValue] {
  let value: JSONValue
  do throws(JSONFailure) {
    value = try JSONValue.parse(text, limits: JSONLimits(depth: 16, values: 8_000_000))
  } catch {
    throw WireFailure("\(area).not-json", section, "not JSON: \(error)")
  }
  guard let items = value.array else {
    throw WireFailure("\(area).not-an-array", section, "a JSON \(value.kindName), not an array")
  }
  return items
}
