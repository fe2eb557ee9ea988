/// A recipe: the ordered rules of one object type (microdata.md 2).
public struct Recipe: Sendable, Equatable {
  /// The type name, as it stands in `$type$` and in the header.
  public let name: OneText
  public let rules: [Rule]
  /// Kept as it was given; the codec does not look at it.
  public let crdtConfig: OneValue?

  public init(name: OneText, rules: [Rule], crdtConfig: OneValue? = nil) {
    self.name = name
    self.rules = rules
    self.crdtConfig = crdtConfig
  }

  /// True when objects of the type have an ID object: some own rule says `isId: true`.
  public var isVersioned: Bool { rules.contains { $0.isId == .literalTrue } }

  /// The itemprops of the ID rules in order.
  public var idProperties: [OneText] { rules.filter(\.isId.isTruthy).map(\.itemprop) }
}

/// One property of a type.
public struct Rule: Sendable, Equatable {
  public let itemprop: OneText
  /// The type written in the rule; nil means `string`, unless the rule inherits one.
  public let itemtype: ItemType?
  public let optional: Truth
  public let isId: Truth
  public let inheritFrom: Inheritance?

  public init(
    _ itemprop: OneText, _ itemtype: ItemType? = nil, optional: Truth = .absent, isId: Truth = .absent,
    inheritFrom: Inheritance? = nil
  ) {
    self.itemprop = itemprop
    self.itemtype = itemtype
    self.optional = optional
    self.isId = isId
    self.inheritFrom = inheritFrom
  }

  /// What a flag says. The reference compares some flags with `true` and takes others by truthiness.
  public enum Truth: Sendable, Equatable {
    case absent, literalTrue, truthy, falsy
    public var isTruthy: Bool { self == .literalTrue || self == .truthy }
  }
}

/// Where a rule takes the fields from that it does not have itself.
public struct Inheritance: Sendable, Equatable {
  /// `Recipe.itemprop`; further parts are ignored by the reference.
  public let path: OneText
  public let extract: Extract?

  public enum Extract: String, Sendable {
    case collectionItemType = "CollectionItemType"
    case mapItemType = "MapItemType"
  }

  public init(_ path: OneText, extract: Extract? = nil) {
    self.path = path
    self.extract = extract
  }
}

/// The type of a value.
public indirect enum ItemType: Sendable, Equatable {
  case string(RegexpSource?)
  case integer(Bounds)
  case number(Bounds)
  case boolean
  case stringifiable
  case reference(ReferenceKind, allowedTypes: [OneText])
  case map(key: ItemType, value: ItemType)
  case list(ListKind, item: ItemType)
  case object([Rule])

  /// `min` and `max`, which the codec never enforces.
  public struct Bounds: Sendable, Equatable {
    public let min: Double?
    public let max: Double?
    public init(min: Double? = nil, max: Double? = nil) {
      self.min = min
      self.max = max
    }
  }

  public enum ReferenceKind: String, Sendable, CaseIterable {
    case object = "referenceToObj"
    case id = "referenceToId"
    case clob = "referenceToClob"
    case blob = "referenceToBlob"

    /// The value of the attribute `data-type`.
    public var linkType: String {
      switch self {
      case .object: "obj"
      case .id: "id"
      case .clob: "clob"
      case .blob: "blob"
      }
    }
  }

  public enum ListKind: String, Sendable, CaseIterable {
    case array, bag, set
    public var tag: String { self == .array ? "ol" : "ul" }
  }

  /// The name of the type in a recipe.
  public var name: String {
    switch self {
    case .string: "string"
    case .integer: "integer"
    case .number: "number"
    case .boolean: "boolean"
    case .stringifiable: "stringifiable"
    case .reference(let kind, _): kind.rawValue
    case .map: "map"
    case .list(let kind, _): kind.rawValue
    case .object: "object"
    }
  }
}

/// An ECMAScript pattern as the recipe gives it.
public struct RegexpSource: Sendable, Equatable {
  public let source: OneText
  public let flags: String
  public init(_ source: OneText, flags: String = "") {
    self.source = source
    self.flags = flags
  }
}
