public import Microdata
public import Store

/// What a grant is about: one concrete object, or an ID hash with all its versions (chum.md 3.1).
public enum Subject: Hashable, Sendable, CustomStringConvertible {
  case object(ObjectHash)
  case id(ObjectHash)

  public var hash: ObjectHash {
    switch self {
    case .object(let hash), .id(let hash): hash
    }
  }

  /// The type of the grant object.
  public var grantType: String {
    switch self {
    case .object: "Access"
    case .id: "IdAccess"
    }
  }

  var property: OneText {
    switch self {
    case .object: "object"
    case .id: "id"
    }
  }

  public var description: String {
    switch self {
    case .object(let hash): "object \(hash)"
    case .id(let hash): "id \(hash)"
    }
  }
}

/// The latest version of an Access or IdAccess object.
public struct Grant: Sendable, Equatable {
  public let subject: Subject
  /// ID hashes of Person objects, without repetitions, ascending.
  public let persons: [ObjectHash]
  /// ID hashes of Group objects, without repetitions, ascending.
  public let groups: [ObjectHash]

  public init(_ subject: Subject, persons: some Sequence<ObjectHash> = [], groups: some Sequence<ObjectHash> = []) {
    self.subject = subject
    self.persons = Set(persons).sorted()
    self.groups = Set(groups).sorted()
  }

  init?(_ object: OneObject) { self.init(reading: object) }

  /// Reads an Access or IdAccess object; nil when the object is neither.
  public init?(reading object: OneObject) {
    switch object.type?.string {
    case "Access":
      guard let hash = object.hash("object") else { return nil }
      self.init(.object(hash), persons: object.hashes("person"), groups: object.hashes("group"))
    case "IdAccess":
      guard let hash = object.hash("id") else { return nil }
      self.init(.id(hash), persons: object.hashes("person"), groups: object.hashes("group"))
    default: return nil
    }
  }

  public var object: OneObject {
    OneObject([
      "$type$": .text(subject.grantType), subject.property: .reference(subject.hash),
      "person": .array(persons.map(OneValue.reference)), "group": .array(groups.map(OneValue.reference)),
    ])
  }

  /// Nobody is named: what a revocation leaves.
  public var isEmpty: Bool { persons.isEmpty && groups.isEmpty }
}

/// Whether grants to groups count (chum.md 3.5). It is said in the session's log which policy ran (ACC-016).
public enum GroupPolicy: Sendable {
  /// Groups count: the seed and all application code rely on it.
  case evaluated
  /// What the published packages do: without a filter, groups are left out entirely (F1).
  case ignored
  /// Asked about each Access hash, each IdAccess hash and each Group ID hash, with the type name.
  case filter(@Sendable (ObjectHash, String) -> Bool)

  public var name: String {
    switch self {
    case .evaluated: "evaluated"
    case .ignored: "ignored"
    case .filter: "filter"
    }
  }
}
