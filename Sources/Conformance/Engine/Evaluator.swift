import Cryptobox
import Scenario
import WireBytes

/// Computes formulas over the variables of one case.
struct Evaluator: Sendable {
  private(set) var variables: [String: Value] = [:]
  /// Rows of tables: computed when they are used, since they may speak of what came before.
  private var rows: [String: Template] = [:]
  private var depth = 0
  var random: SeededRandom
  private let keySeed: [UInt8]

  /// Bytes that one value may have; more is a mistake of the file.
  static let sizeLimit = 128 << 20

  init(seed: UInt64, name: String) {
    let digest = SHA256.hash(Array("\(seed)\n\(name)".utf8))
    random = SeededRandom(seed: digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    keySeed = digest
  }

  mutating func define(_ name: String, row: Template) { rows[name] = row }

  mutating func set(_ path: String, _ value: Value) {
    let parts = path.split(separator: ".")
    guard let first = parts.first else { return }
    var root = variables[String(first)] ?? .record([:])
    root.set(parts.dropFirst(), to: value)
    variables[String(first)] = root
  }

  /// The bytes of the key pair that a text stands for; the same in every run with the same seed.
  func keyBytes(_ name: String) -> [UInt8] { SHA256.hash(keySeed + Array(name.utf8)) }

  // MARK: Templates

  mutating func json(_ template: Template) throws(EvaluationFailure) -> JSONValue {
    switch template {
    case .value(let value): return value
    case .formula(let expression): return try value(expression).json
    case .joined: return .string(try value(template).text)
    case .list(let items):
      var out: [JSONValue] = []
      for item in items { out.append(try json(item)) }
      return .array(out)
    case .object(let members):
      var object = JSONObject()
      for member in members { object.append(member.name, try json(member.value)) }
      return .object(object)
    }
  }

  mutating func value(_ template: Template) throws(EvaluationFailure) -> Value {
    switch template {
    case .value(let json): return Value(json)
    case .formula(let expression): return try value(expression)
    case .joined(let parts):
      var text = ""
      for part in parts {
        switch part {
        case .text(let words): text += words
        case .formula(let expression): text += try value(expression).text
        }
      }
      return .text(text)
    case .list, .object: return .json(try json(template))
    }
  }

  /// Bytes: as they are, or the hex digits of a text.
  mutating func bytes(_ template: Template) throws(EvaluationFailure) -> [UInt8] {
    try Self.bytes(try value(template), "a payload")
  }

  /// A payload: bytes as they are, a text as its UTF-8.
  mutating func payload(_ template: Template) throws(EvaluationFailure) -> [UInt8] {
    switch try value(template) {
    case .bytes(let bytes): return bytes
    case let other: return Array(other.text.utf8)
    }
  }

  static func bytes(_ value: Value, _ what: String) throws(EvaluationFailure) -> [UInt8] {
    switch value {
    case .bytes(let bytes): return bytes
    case .text(let text):
      guard let bytes = Hex.decode(text) else { throw EvaluationFailure("\(what) is no hex text: \(text.prefix(40))") }
      return bytes
    default: throw EvaluationFailure("\(what) is \(value.kind), expected bytes")
    }
  }

  mutating func number(_ expression: Expression, _ what: String) throws(EvaluationFailure) -> Double {
    let value = try value(expression)
    guard case .number(let number) = value, number.isFinite else {
      throw EvaluationFailure("\(what) is \(value.kind), expected a number")
    }
    return number
  }

  // MARK: Formulas

  mutating func value(_ expression: Expression) throws(EvaluationFailure) -> Value {
    switch expression {
    case .number(let number): return .number(number)
    case .text(let text): return .text(text)
    case .truth(let truth): return .truth(truth)
    case .name(let name): return try variable(name)
    case .member(let base, let name):
      let value = try value(base)
      guard let part = value.member(name) else {
        // A message without a member that the case needs is the target's fault.
        if case .json = value {
          throw EvaluationFailure("no member \(name) in \(value.json.compact.prefix(200))", isTargets: true)
        }
        throw EvaluationFailure("no \(name) in \(value.kind)")
      }
      return part
    case .element(let base, let index):
      let list = try value(base)
      let position = try number(index, "an index")
      guard case .json(.array(let items)) = list, let index = Int(exactly: position), items.indices.contains(index)
      else {
        throw EvaluationFailure("no element \(JSONText.number(position)) in \(list.kind)")
      }
      return Value(items[index])
    case .negative(let inner): return .number(-(try number(inner, "an operand")))
    case .binary(let left, let operation, let right): return try binary(left, operation, right)
    case .call(let name, let arguments):
      var values: [Value] = []
      for argument in arguments { values.append(try value(argument)) }
      return try call(name, values)
    }
  }

  private mutating func variable(_ name: String) throws(EvaluationFailure) -> Value {
    if let value = variables[name] { return value }
    guard let row = rows[name] else {
      let known = (Array(variables.keys) + Array(rows.keys)).sorted().joined(separator: ", ")
      throw EvaluationFailure("no variable \(name); there are \(known)")
    }
    depth += 1
    defer { depth -= 1 }
    guard depth < 20 else { throw EvaluationFailure("the variable \(name) speaks of itself") }
    let computed = try value(row)
    // A row may speak of what differs from use to use, but random parts must not change under the case.
    if depth == 1, row.roots.isEmpty { variables[name] = computed }
    return computed
  }

  private mutating func binary(
    _ left: Expression, _ operation: Expression.Operator, _ right: Expression
  ) throws(EvaluationFailure) -> Value {
    switch operation {
    case .and, .or:
      let first = try truth(left)
      if first != (operation == .and) { return .truth(first) }
      return .truth(try truth(right))
    case .equal: return .truth(try value(left).means(try value(right)))
    case .unequal: return .truth(!(try value(left).means(try value(right))))
    case .less: return .truth(try number(left, "an operand") < number(right, "an operand"))
    case .lessOrEqual: return .truth(try number(left, "an operand") <= number(right, "an operand"))
    case .greater: return .truth(try number(left, "an operand") > number(right, "an operand"))
    case .greaterOrEqual: return .truth(try number(left, "an operand") >= number(right, "an operand"))
    case .add: return .number(try number(left, "an operand") + number(right, "an operand"))
    case .subtract: return .number(try number(left, "an operand") - number(right, "an operand"))
    case .multiply: return .number(try number(left, "an operand") * number(right, "an operand"))
    case .divide:
      let divisor = try number(right, "a divisor")
      guard divisor != 0 else { throw EvaluationFailure("division by zero") }
      return .number(try number(left, "an operand") / divisor)
    }
  }

  mutating func truth(_ expression: Expression) throws(EvaluationFailure) -> Bool {
    let value = try value(expression)
    guard case .truth(let truth) = value else { throw EvaluationFailure("\(value.kind), expected a truth") }
    return truth
  }
}
