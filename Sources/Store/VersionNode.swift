public import Microdata

/// One node of a version history: an unversioned object that the graph is made of (microdata.md 7, chum.md 2.8).
public struct VersionNode: Sendable, Equatable {
  public enum Shape: Sendable, Equatable {
    /// The start of a history.
    case edge
    /// A later version; without `prev` it is a start too.
    case change(previous: ObjectHash?)
    case merge(nodes: [ObjectHash])
  }
  public let shape: Shape
  /// The hash of the version itself.
  public let data: ObjectHash
  public let depth: Double
  /// Milliseconds since 1970.
  public let creationTime: Double

  public init(_ shape: Shape, data: ObjectHash, depth: Double, creationTime: Double) {
    self.shape = shape
    self.data = data
    self.depth = depth
    self.creationTime = creationTime
  }

  public static let types: Set<String> = ["VersionNodeEdge", "VersionNodeChange", "VersionNodeMerge"]

  public var type: String {
    switch shape {
    case .edge: "VersionNodeEdge"
    case .change: "VersionNodeChange"
    case .merge: "VersionNodeMerge"
    }
  }

  /// The nodes that this one follows.
  public var predecessors: [ObjectHash] {
    switch shape {
    case .edge: []
    case .change(let previous): previous.map { [$0] } ?? []
    case .merge(let nodes): nodes
    }
  }

  /// Reads a node; nil when the object is none.
  public init?(_ object: OneObject) {
    guard let data = object.hash("data"), case .number(let depth)? = object["depth"],
      case .number(let creationTime)? = object["creationTime"]
    else { return nil }
    let shape: Shape
    switch object.type?.string {
    case "VersionNodeEdge": shape = .edge
    case "VersionNodeChange": shape = .change(previous: object.hash("prev"))
    case "VersionNodeMerge": shape = .merge(nodes: object.hashes("nodes"))
    default: return nil
    }
    self.init(shape, data: data, depth: depth, creationTime: creationTime)
  }

  public var object: OneObject {
    var object = OneObject(["$type$": .string(OneText(type))])
    switch shape {
    case .edge: break
    case .change(let previous): if let previous { object.set("prev", .reference(previous)) }
    case .merge(let nodes): object.set("nodes", .set(nodes.map(OneValue.reference)))
    }
    object.set("data", .reference(data))
    object.set("depth", .number(depth))
    object.set("creationTime", .number(creationTime))
    return object
  }
}

extension OneValue {
  public static func reference(_ hash: ObjectHash) -> OneValue { .string(OneText(hash.hex)) }
  public static func text(_ text: String) -> OneValue { .string(OneText(text)) }

  /// The hash of a reference value.
  public var hash: ObjectHash? {
    guard case .string(let text) = self else { return nil }
    return ObjectHash(hex: text.string)
  }

  /// The elements of a list of any kind; nil for other values.
  public var elements: [OneValue]? {
    switch self {
    case .array(let items), .set(let items): items
    default: nil
    }
  }
}

extension OneObject {
  public func hash(_ name: OneText) -> ObjectHash? { self[name]?.hash }
  /// The hashes of a list of references; what is none is left out.
  public func hashes(_ name: OneText) -> [ObjectHash] { self[name]?.elements?.compactMap(\.hash) ?? [] }
  public func text(_ name: OneText) -> String? { if case .string(let text)? = self[name] { text.string } else { nil } }
  public func number(_ name: OneText) -> Double? { if case .number(let value)? = self[name] { value } else { nil } }
}
