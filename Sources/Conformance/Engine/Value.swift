import Cryptobox
public import WireBytes

/// What a formula of the scenario language gives.
public enum Value: Sendable, Equatable {
  case null
  case truth(Bool)
  /// Durations are ms.
  case number(Double)
  case text(String)
  case bytes([UInt8])
  /// An array or object of a message, its order kept.
  case json(JSONValue)
  /// Variables with parts: a key pair, what an actor has got so far.
  case record([String: Value])

  public init(_ json: JSONValue) {
    switch json {
    case .null: self = .null
    case .bool(let value): self = .truth(value)
    case .number(let value): self = .number(value)
    case .string(let value): self = .text(value)
    case .array, .object: self = .json(json)
    }
  }

  /// The value inside a JSON message; bytes become lower-case hex.
  public var json: JSONValue {
    switch self {
    case .null: return .null
    case .truth(let value): return .bool(value)
    case .number(let value): return .number(value)
    case .text(let value): return .string(value)
    case .bytes(let value): return .string(Hex.encode(value))
    case .json(let value): return value
    case .record(let parts):
      var object = JSONObject()
      for name in parts.keys.sorted() { object.append(name, parts[name]?.json ?? .null) }
      return .object(object)
    }
  }

  /// The value inside a text.
  public var text: String {
    switch self {
    case .text(let value): value
    case .bytes(let value): Hex.encode(value)
    case .json, .record: json.compact
    case .null: "null"
    case .truth(let value): value ? "true" : "false"
    case .number(let value): JSONText.number(value)
    }
  }

  var kind: String {
    switch self {
    case .null: "null"
    case .truth: "a truth"
    case .number: "a number"
    case .text: "a text"
    case .bytes(let bytes): "\(bytes.count) bytes"
    case .json(let value): "a JSON \(value.kindName)"
    case .record(let parts): "a record of \(parts.keys.sorted().joined(separator: ", "))"
    }
  }

  func member(_ name: String) -> Value? {
    switch self {
    case .record(let parts): parts[name]
    case .json(let value): value[name].map { Value($0) }
    default: nil
    }
  }

  /// Sets a part, making records on the way.
  mutating func set(_ path: ArraySlice<Substring>, to value: Value) {
    guard let first = path.first else {
      self = value
      return
    }
    var parts: [String: Value] = [:]
    if case .record(let known) = self { parts = known }
    var inner = parts[String(first)] ?? .record([:])
    inner.set(path.dropFirst(), to: value)
    parts[String(first)] = inner
    self = .record(parts)
  }

  /// Equality as the language has it: bytes and their hex text are the same, in either case.
  func means(_ other: Value) -> Bool {
    switch (self, other) {
    case (.bytes(let one), .text(let two)), (.text(let two), .bytes(let one)):
      two.lowercased() == Hex.encode(one)
    default: self == other
    }
  }
}

/// A formula that cannot be computed: the fault of the file, or of what the target sent.
struct EvaluationFailure: Error, Sendable {
  let reason: String
  /// True when the target's message is to blame, such as a box that does not open.
  let isTargets: Bool

  init(_ reason: String, isTargets: Bool = false) {
    self.reason = reason
    self.isTargets = isTargets
  }
}
