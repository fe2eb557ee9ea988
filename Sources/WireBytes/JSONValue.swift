/// A JSON value as it stood on the wire: member order and doubled names are kept (TR-016).
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  public var string: String? { if case .string(let text) = self { text } else { nil } }
  public var number: Double? { if case .number(let value) = self { value } else { nil } }
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  public var array: [JSONValue]? { if case .array(let items) = self { items } else { nil } }
  public var object: JSONObject? { if case .object(let members) = self { members } else { nil } }

  /// The number as an integer, when it is one that a double holds exactly (|n| ≤ 2^53).
  public var integer: Int? {
    guard case .number(let value) = self, value == value.rounded(), value.magnitude <= 9_007_199_254_740_992 else {
      return nil
    }
    return Int(value)
  }

  /// The name of the kind for error texts: `null`, `boolean`, `number`, `string`, `array`, `object`.
  public var kindName: String {
    switch self {
    case .null: "null"
    case .bool: "boolean"
    case .number: "number"
    case .string: "string"
    case .array: "array"
    case .object: "object"
    }
  }

  /// The member of an object; nil for any other value.
  public subscript(name: String) -> JSONValue? { object?[name] }
}

/// The members of one JSON object in wire order.
public struct JSONObject: Sendable, Equatable {
  public struct Member: Sendable, Equatable {
    public let name: String
    public let value: JSONValue
  }

  public private(set) var members: [Member] = []

  public init() {}

  public init(_ members: KeyValuePairs<String, JSONValue>) {
    self.members = members.map { Member(name: $0.key, value: $0.value) }
  }

  public mutating func append(_ name: String, _ value: JSONValue) { members.append(Member(name: name, value: value)) }

  /// The last member of that name counts, as in the deployed implementation ([rec: fail-first-message]).
  public subscript(name: String) -> JSONValue? { members.last { $0.name == name }?.value }

  public var names: [String] { members.map(\.name) }

  /// True when a name stands twice.
  public var hasDoubledName: Bool {
    guard members.count > 1 else { return false }
    return Set(members.map(\.name)).count != members.count
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .number(Double(value)) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(nilLiteral: ()) { self = .null }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    var object = JSONObject()
    for (name, value) in elements { object.append(name, value) }
    self = .object(object)
  }
}
