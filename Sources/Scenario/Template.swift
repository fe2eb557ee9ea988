public import WireBytes

/// A JSON value in which texts may hold formulas: `${…}`.
public indirect enum Template: Sendable, Equatable {
  case value(JSONValue)
  /// The whole text is one formula, so that its value keeps its type.
  case formula(Expression)
  case joined([Part])
  case list([Template])
  case object([Member])

  public enum Part: Sendable, Equatable {
    case text(String)
    case formula(Expression)
  }

  public struct Member: Sendable, Equatable {
    public let name: String
    public let value: Template
    public init(_ name: String, _ value: Template) {
      self.name = name
      self.value = value
    }
  }

  /// The variables that its formulas start from.
  public var roots: Set<String> {
    switch self {
    case .value: []
    case .formula(let expression): expression.roots
    case .joined(let parts):
      parts.reduce(into: []) { if case .formula(let expression) = $1 { $0.formUnion(expression.roots) } }
    case .list(let items): items.reduce(into: []) { $0.formUnion($1.roots) }
    case .object(let members): members.reduce(into: []) { $0.formUnion($1.value.roots) }
    }
  }

  init(_ tree: Tree) throws(ScenarioFailure) {
    switch tree {
    case .scalar(let text, let isPlain, let place):
      if isPlain, let value = Self.plain(text) {
        self = .value(value)
      } else {
        self = try Self.interpolated(text, place)
      }
    case .list(let items, _):
      var parts: [Template] = []
      for item in items { parts.append(try Template(item)) }
      self = .list(parts)
    case .map(let members, _):
      var parts: [Member] = []
      for member in members { parts.append(Member(member.name, try Template(member.value))) }
      self = .object(parts)
    }
  }

  /// What an unquoted scalar means when it is no text (YAML 1.2, core schema, decimal numbers only).
  static func plain(_ text: String) -> JSONValue? {
    switch text {
    case "", "~", "null": return .null
    case "true": return .bool(true)
    case "false": return .bool(false)
    default:
      guard let first = text.utf8.first, (0x30...0x39).contains(first) || first == 0x2D,
        text.utf8.allSatisfy({ (0x30...0x39).contains($0) || [0x2D, 0x2B, 0x2E, 0x65, 0x45].contains($0) }),
        let number = Double(text), number.isFinite
      else { return nil }
      return .number(number)
    }
  }

  static func interpolated(_ text: String, _ place: Place) throws(ScenarioFailure) -> Template {
    guard text.contains("${") else { return .value(.string(text)) }
    var parts: [Part] = []
    var rest = Substring(text)
    while let open = rest.range(of: "${") {
      if open.lowerBound > rest.startIndex { parts.append(.text(String(rest[..<open.lowerBound]))) }
      guard let close = closing(rest[open.upperBound...]) else {
        throw ScenarioFailure(place, expected: "} behind the formula", found: "the end of the text")
      }
      let offset = text.utf8.distance(from: text.startIndex, to: open.upperBound)
      let here = Place(file: place.file, line: place.line, column: place.column + offset)
      parts.append(.formula(try ExpressionParser.parse(String(rest[open.upperBound..<close]), at: here)))
      rest = rest[rest.index(after: close)...]
    }
    if parts.count == 1, rest.isEmpty, case .formula(let expression) = parts[0] { return .formula(expression) }
    if !rest.isEmpty { parts.append(.text(String(rest))) }
    return .joined(parts)
  }

  private static func closing(_ text: Substring) -> Substring.Index? {
    var quote: Character?
    for index in text.indices {
      let character = text[index]
      if let open = quote {
        if character == open { quote = nil }
      } else if character == "'" || character == "\"" {
        quote = character
      } else if character == "}" {
        return index
      }
    }
    return nil
  }
}

extension Substring {
  fileprivate func range(of mark: String) -> Range<Substring.Index>? {
    let units = Array(mark.utf8)
    var index = utf8.startIndex
    while index < utf8.endIndex {
      if utf8[index...].starts(with: units) { return index..<utf8.index(index, offsetBy: units.count) }
      index = utf8.index(after: index)
    }
    return nil
  }
}
