/// Reads formulas. Positions in errors are those of the scalar that the formula stands in.
struct ExpressionParser {
  private let text: [UInt8]
  private let place: Place
  private var index = 0
  private var depth = 0

  static let depthLimit = 60

  init(_ text: String, at place: Place) {
    self.text = Array(text.utf8)
    self.place = place
  }

  static func parse(_ text: String, at place: Place) throws(ScenarioFailure) -> Expression {
    var parser = ExpressionParser(text, at: place)
    let expression = try parser.expression(0)
    parser.skipBlanks()
    guard parser.index == parser.text.count else { throw parser.failure("an operator or the end of the formula") }
    return expression
  }

  private func failure(_ expected: String) -> ScenarioFailure {
    let rest = String(decoding: text[min(index, text.count)...].prefix(24), as: UTF8.self)
    let here = Place(file: place.file, line: place.line, column: place.column + index)
    return ScenarioFailure(here, expected: expected, found: rest.isEmpty ? "the end of the formula" : "\"\(rest)\"")
  }

  private mutating func skipBlanks() {
    while index < text.count, text[index] == 0x20 || text[index] == 0x0A || text[index] == 0x09 { index += 1 }
  }

  private mutating func takeOperator(_ atLeast: Int) -> Expression.Operator? {
    skipBlanks()
    let rest = String(decoding: text[index...].prefix(2), as: UTF8.self)
    let candidates = Expression.Operator.allCases.sorted { $0.rawValue.count > $1.rawValue.count }
    guard let found = candidates.first(where: { rest.hasPrefix($0.rawValue) }), found.strength >= atLeast else {
      return nil
    }
    index += found.rawValue.utf8.count
    return found
  }

  private mutating func expression(_ strength: Int) throws(ScenarioFailure) -> Expression {
    depth += 1
    defer { depth -= 1 }
    guard depth < Self.depthLimit else { throw failure("a formula of at most \(Self.depthLimit) levels") }
    var left = try operand()
    while let found = takeOperator(strength) { left = .binary(left, found, try expression(found.strength + 1)) }
    return left
  }

  private mutating func operand() throws(ScenarioFailure) -> Expression {
    skipBlanks()
    guard index < text.count else { throw failure("a value") }
    var value: Expression
    switch text[index] {
    case 0x2D:
      index += 1
      depth += 1
      defer { depth -= 1 }
      guard depth < Self.depthLimit else { throw failure("a formula of at most \(Self.depthLimit) levels") }
      return .negative(try operand())
    case 0x28:
      index += 1
      value = try expression(0)
      try take(0x29)
    case 0x30...0x39: value = try number()
    case 0x27, 0x22: value = try quoted()
    case let byte where isLetter(byte): value = try named()
    default: throw failure("a value")
    }
    while index < text.count {
      if text[index] == 0x2E {
        index += 1
        value = .member(value, try word())
      } else if text[index] == 0x5B {
        index += 1
        value = .element(value, try expression(0))
        try take(0x5D)
      } else {
        break
      }
    }
    return value
  }

  private mutating func take(_ byte: UInt8) throws(ScenarioFailure) {
    skipBlanks()
    guard index < text.count, text[index] == byte else {
      throw failure("\"\(String(decoding: [byte], as: UTF8.self))\"")
    }
    index += 1
  }

  private func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
  }

  private mutating func word() throws(ScenarioFailure) -> String {
    let start = index
    while index < text.count, isLetter(text[index]) || index > start && (0x30...0x39).contains(text[index]) {
      index += 1
    }
    guard index > start else { throw failure("a name") }
    return String(decoding: text[start..<index], as: UTF8.self)
  }

  private mutating func number() throws(ScenarioFailure) -> Expression {
    let start = index
    while index < text.count, (0x30...0x39).contains(text[index]) || text[index] == 0x2E { index += 1 }
    guard let value = Double(String(decoding: text[start..<index], as: UTF8.self)) else {
      index = start
      throw failure("a number")
    }
    let behind = index
    skipBlanks()
    guard index < text.count, isLetter(text[index]) else {
      index = behind
      return .number(value)
    }
    switch try word() {
    case "ms": return .number(value)
    case "s": return .number(value * 1000)
    case "min": return .number(value * 60_000)
    default:
      index = behind
      throw failure("a unit: ms, s or min")
    }
  }

  private mutating func quoted() throws(ScenarioFailure) -> Expression {
    let mark = text[index]
    let start = index + 1
    guard let end = text[start...].firstIndex(of: mark) else { throw failure("the closing quote") }
    index = end + 1
    return .text(String(decoding: text[start..<end], as: UTF8.self))
  }

  private mutating func named() throws(ScenarioFailure) -> Expression {
    let start = index
    let name = try word()
    if name == "true" || name == "false" { return .truth(name == "true") }
    guard index < text.count, text[index] == 0x28 else { return .name(name) }
    guard let entry = FunctionTable[name] else {
      index = start
      throw failure("a function: " + FunctionTable.entries.map(\.name).joined(separator: ", "))
    }
    index += 1
    var arguments: [Expression] = []
    skipBlanks()
    while index < text.count, text[index] != 0x29 {
      arguments.append(try expression(0))
      skipBlanks()
      if index < text.count, text[index] == 0x2C { index += 1 } else { break }
    }
    try take(0x29)
    guard entry.arguments.contains(arguments.count) else {
      index = start
      let counts = entry.arguments
      let wanted = counts.count == 1 ? "\(counts.lowerBound)" : "\(counts.lowerBound) to \(counts.upperBound)"
      throw failure("\(wanted) arguments of \(name), not \(arguments.count)")
    }
    return .call(name, arguments)
  }
}
