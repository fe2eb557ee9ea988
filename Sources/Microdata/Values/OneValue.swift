/// A value of the reference's language with every distinction that the format can show (microdata.md 15).
///
/// A *missing* member is one that an object does not list; `undefined` and `null` are values of their own. Numbers keep
/// -0, NaN and the infinities. Sets and maps keep the order of insertion.
public enum OneValue: Sendable {
  case undefined
  case null
  case bool(Bool)
  case number(Double)
  case string(OneText)
  case array([OneValue])
  case set([OneValue])
  case map([OneMapEntry])
  case object(OneObject)
  /// A point of time in ms since 1970; NaN is the invalid date. Only inside `stringifiable`.
  case date(Double)
  /// Only inside `stringifiable` (and as recipes carry it).
  case regexp(source: OneText, flags: OneText)
  /// What exists in memory of a JavaScript program only: the writer meets it in objects that it must refuse.
  case function(OneText)
  case symbol(OneText)
  case bigint(OneText)
}

/// One pair of a map.
public struct OneMapEntry: Sendable {
  public var key: OneValue
  public var value: OneValue

  public init(_ key: OneValue, _ value: OneValue) {
    self.key = key
    self.value = value
  }
}

/// A plain object: members in order of insertion, names unique. `$type$` is a member like others.
public struct OneObject: Sendable {
  public struct Member: Sendable {
    public var name: OneText
    public var value: OneValue

    public init(_ name: OneText, _ value: OneValue) {
      self.name = name
      self.value = value
    }
  }

  public private(set) var members: [Member]

  public init() { members = [] }

  /// The names must be unique; `set` keeps that by itself.
  public init(unique members: [Member]) { self.members = members }

  /// A later pair of the same name replaces the value and keeps the place.
  public init(_ pairs: KeyValuePairs<OneText, OneValue>) {
    members = []
    for (name, value) in pairs { set(name, value) }
  }

  /// The member's value; nil when it is missing.
  public subscript(name: OneText) -> OneValue? { members.first { $0.name == name }?.value }

  /// Replaces the member's value at its place, or appends it.
  public mutating func set(_ name: OneText, _ value: OneValue) {
    if let index = members.firstIndex(where: { $0.name == name }) {
      members[index].value = value
    } else {
      members.append(Member(name, value))
    }
  }

  public mutating func remove(_ name: OneText) { members.removeAll { $0.name == name } }

  /// The value of `$type$` when it is a string.
  public var type: OneText? { if case .string(let type)? = self["$type$"] { type } else { nil } }
}

extension OneValue: Equatable {
  /// Deep equality as the vectors mean it: order of members ignored, order of sets and maps counted, numbers by
  /// SameValue (NaN equals NaN, -0 differs from 0).
  public static func == (left: OneValue, right: OneValue) -> Bool {
    switch (left, right) {
    case (.undefined, .undefined), (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.number(let a), .number(let b)), (.date(let a), .date(let b)): sameNumber(a, b)
    case (.string(let a), .string(let b)), (.function(let a), .function(let b)), (.symbol(let a), .symbol(let b)),
      (.bigint(let a), .bigint(let b)):
      a == b
    case (.array(let a), .array(let b)), (.set(let a), .set(let b)): a == b
    case (.map(let a), .map(let b)):
      a.count == b.count && zip(a, b).allSatisfy { $0.key == $1.key && $0.value == $1.value }
    case (.object(let a), .object(let b)): a == b
    case (.regexp(let a, let aFlags), .regexp(let b, let bFlags)): a == b && aFlags == bFlags
    default: false
    }
  }

  private static func sameNumber(_ a: Double, _ b: Double) -> Bool {
    a.isNaN ? b.isNaN : a == b && a.sign == b.sign
  }

  /// SameValueZero, by which sets and maps find their members: containers are never the same.
  public func isSameValueZero(_ other: OneValue) -> Bool {
    switch (self, other) {
    case (.undefined, .undefined), (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.number(let a), .number(let b)): a == b || a.isNaN && b.isNaN
    case (.string(let a), .string(let b)), (.bigint(let a), .bigint(let b)): a == b
    default: false
    }
  }
}

extension OneObject: Equatable {
  public static func == (left: OneObject, right: OneObject) -> Bool {
    guard left.members.count == right.members.count else { return false }
    if left.members.count <= 8 {
      return left.members.allSatisfy { member in right[member.name].map { $0 == member.value } ?? false }
    }
    var values: [OneText: OneValue] = [:]
    for member in right.members { values[member.name] = member.value }
    return left.members.allSatisfy { member in values[member.name].map { $0 == member.value } ?? false }
  }
}

extension OneValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .string(OneText(value)) }
  public init(integerLiteral value: Int) { self = .number(Double(value)) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(nilLiteral: ()) { self = .null }
  public init(arrayLiteral elements: OneValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (OneText, OneValue)...) {
    var object = OneObject()
    for (name, value) in elements { object.set(name, value) }
    self = .object(object)
  }
}
