import Yams

/// A YAML document with the place of everything in it.
public indirect enum Tree: Sendable {
  /// `isPlain` tells an unquoted scalar, which alone may mean a number, true, false or null.
  case scalar(String, isPlain: Bool, Place)
  case list([Tree], Place)
  case map([Member], Place)

  public struct Member: Sendable {
    public let name: String
    public let place: Place
    public let value: Tree
  }

  /// Bounds of one file, aliases expanded.
  private static let sizeLimit = 4 << 20
  private static let nodeLimit = 400_000
  private static let depthLimit = 64

  public var place: Place {
    switch self {
    case .scalar(_, _, let place), .list(_, let place), .map(_, let place): place
    }
  }

  /// A word for error texts.
  public var kind: String {
    switch self {
    case .scalar(let text, _, _): text.isEmpty ? "nothing" : "\"\(text.prefix(60))\""
    case .list(let items, _): "a list of \(items.count)"
    case .map(let members, _):
      members.isEmpty ? "an empty mapping" : "a mapping with \(members.prefix(4).map(\.name).joined(separator: ", "))"
    }
  }

  public var isNothing: Bool {
    if case .scalar(let text, let isPlain, _) = self {
      isPlain && (text.isEmpty || text == "null" || text == "~")
    } else {
      false
    }
  }

  /// Reads one YAML document; `file` stands in the places.
  public static func parse(_ yaml: String, file: String) throws(ScenarioFailure) -> Tree {
    let start = Place(file: file, line: 1, column: 1)
    guard yaml.utf8.count <= sizeLimit else {
      throw ScenarioFailure(
        start, expected: "a file of at most \(sizeLimit >> 20) MiB", found: "\(yaml.utf8.count) bytes")
    }
    let root: Node?
    do { root = try Yams.compose(yaml: yaml) } catch let error as YamlError {
      throw failure(error, file)
    } catch {
      throw ScenarioFailure(start, expected: "YAML", found: "\(error)")
    }
    guard let root else { throw ScenarioFailure(start, expected: "a YAML document", found: "nothing") }
    var budget = nodeLimit
    return try convert(root, file, start, 0, &budget)
  }

  private static func convert(
    _ node: Node, _ file: String, _ outer: Place, _ depth: Int, _ budget: inout Int
  ) throws(ScenarioFailure) -> Tree {
    let place = node.mark.map { Place(file: file, line: $0.line, column: $0.column) } ?? outer
    budget -= 1
    guard budget > 0 else {
      throw ScenarioFailure(
        place, expected: "at most \(nodeLimit) values", found: "more, counted with aliases expanded")
    }
    guard depth < depthLimit else {
      throw ScenarioFailure(place, expected: "nesting of at most \(depthLimit) levels", found: "more")
    }
    switch node {
    case .scalar(let scalar):
      return .scalar(scalar.string, isPlain: scalar.style == .plain || scalar.style == .any, place)
    case .sequence(let sequence):
      var items: [Tree] = []
      for item in sequence { items.append(try convert(item, file, place, depth + 1, &budget)) }
      return .list(items, place)
    case .mapping(let mapping):
      var members: [Member] = []
      for (key, value) in mapping {
        let keyPlace = key.mark.map { Place(file: file, line: $0.line, column: $0.column) } ?? place
        guard case .scalar(let name) = key else {
          throw ScenarioFailure(keyPlace, expected: "a word as the name of a member", found: "a list or mapping")
        }
        members.append(
          Member(name: name.string, place: keyPlace, value: try convert(value, file, keyPlace, depth + 1, &budget)))
      }
      return .map(members, place)
    case .alias: throw ScenarioFailure(place, expected: "a value", found: "an alias that stands for nothing")
    }
  }

  private static func failure(_ error: YamlError, _ file: String) -> ScenarioFailure {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return ScenarioFailure(
        Place(file: file, line: mark.line, column: mark.column), expected: "proper YAML",
        found: "a fault: \(problem)")
    case .duplicatedKeysInMapping(let names, let context):
      return ScenarioFailure(
        Place(file: file, line: context.mark.line, column: context.mark.column), expected: "each name once",
        found: "\(names.sorted().joined(separator: ", ")) twice")
    default:
      return ScenarioFailure(
        Place(file: file, line: 1, column: 1), expected: "YAML", found: "\(error)".prefix(120).description)
    }
  }
}
