/// A value as JavaScript sees it, in the slowest and plainest form; what the model reads and writes.
public indirect enum ModelValue: Sendable, Hashable {
  case undefined, null
  case bool(Bool)
  /// Equal when the bits are, all NaN being one: minus zero is not zero here.
  case number(UInt64)
  case string([UInt16])
  case array([ModelValue])
  case set([ModelValue])
  case map([Pair])
  /// Members by name; their order is no part of the value.
  case object([Member])

  public struct Pair: Sendable, Hashable {
    public var key: ModelValue
    public var value: ModelValue
    public init(_ key: ModelValue, _ value: ModelValue) {
      self.key = key
      self.value = value
    }
  }

  public struct Member: Sendable, Hashable {
    public var name: [UInt16]
    public var value: ModelValue
    public init(_ name: [UInt16], _ value: ModelValue) {
      self.name = name
      self.value = value
    }
  }

  public static func number(_ value: Double) -> ModelValue {
    .number(value.isNaN ? Double.nan.bitPattern : value.bitPattern)
  }

  public static func text(_ text: String) -> ModelValue { .string(Array(text.utf16)) }

  public var double: Double? { if case .number(let bits) = self { Double(bitPattern: bits) } else { nil } }
  public var units: [UInt16]? { if case .string(let units) = self { units } else { nil } }
  public var members: [Member]? { if case .object(let members) = self { members } else { nil } }

  public subscript(name: [UInt16]) -> ModelValue? { members?.first { $0.name == name }?.value }

  /// The same value with each object's members sorted by name, so that `==` ignores their order.
  public var ordered: ModelValue {
    switch self {
    case .array(let items): .array(items.map(\.ordered))
    case .set(let items): .set(items.map(\.ordered))
    case .map(let pairs): .map(pairs.map { Pair($0.key.ordered, $0.value.ordered) })
    case .object(let members):
      .object(members.map { Member($0.name, $0.value.ordered) }.sorted { $0.name.lexicographicallyPrecedes($1.name) })
    default: self
    }
  }

  /// JavaScript's SameValueZero for what the reader makes: scalars by value with 0 = -0, objects never.
  func isSameValueZero(_ other: ModelValue) -> Bool {
    switch (self, other) {
    case (.number(let left), .number(let right)):
      left == right || (Double(bitPattern: left) == 0 && Double(bitPattern: right) == 0)
    case (.string, .string), (.bool, .bool), (.undefined, .undefined), (.null, .null): self == other
    default: false
    }
  }

  /// JavaScript's sets and maps take -0 as 0.
  var asSetMember: ModelValue { double == 0 ? .number(0.0) : self }

  /// A bounded text for reports; the notation is that of the vectors, shortened.
  public var summary: String {
    var out = ""
    summarise(into: &out)
    return out.count > 600 ? out.prefix(600) + "…" : out
  }

  private func summarise(into out: inout String) {
    guard out.utf8.count < 2000 else { return }
    switch self {
    case .undefined: out += "undefined"
    case .null: out += "null"
    case .bool(let value): out += value ? "true" : "false"
    case .number(let bits):
      let value = Double(bitPattern: bits)
      out += value == 0 && value.sign == .minus ? "-0" : ModelNumber.text(value)
    case .string(let units): out += String(decoding: units.prefix(200), as: UTF16.self).debugDescription
    case .array(let items): list("[", items, "]", &out)
    case .set(let items): list("Set[", items, "]", &out)
    case .map(let pairs):
      out += "Map["
      for (index, pair) in pairs.enumerated() {
        out += index > 0 ? ", " : ""
        pair.key.summarise(into: &out)
        out += "→"
        pair.value.summarise(into: &out)
      }
      out += "]"
    case .object(let members):
      out += "{"
      for (index, member) in members.enumerated() {
        out += (index > 0 ? ", " : "") + String(decoding: member.name, as: UTF16.self) + ": "
        member.value.summarise(into: &out)
      }
      out += "}"
    }
  }

  private func list(_ open: String, _ items: [ModelValue], _ close: String, _ out: inout String) {
    out += open
    for (index, item) in items.enumerated() {
      out += index > 0 ? ", " : ""
      item.summarise(into: &out)
    }
    out += close
  }
}

/// How the reference fails: a code of microdata.md 9, an uncoded platform error, or not at all (S1).
public struct ModelFailure: Error, Sendable, Hashable, CustomStringConvertible {
  public let code: String
  public init(_ code: String) { self.code = code }
  public static let syntaxError = ModelFailure("js:SyntaxError")
  public static let typeError = ModelFailure("js:TypeError")
  public static let hang = ModelFailure("hang")
  /// The model gives up: nested too deep for a plain recursive reader, or too much work.
  public static let beyondModel = ModelFailure("beyond the model")
  public var description: String { code }
}
