public import WireBytes

/// The recipes as plain JSON, with inheritance resolved by the letter of microdata.md 2.1.
public final class ModelRecipes {
  /// One rule after `resolve`; its nested rules are resolved when a reader gets there.
  final class Rule {
    let itemprop: [UInt16]
    let isOptionalAtTop: Bool
    let isOptionalNested: Bool
    let type: ValueType

    init(_ json: JSONValue, _ recipes: ModelRecipes) {
      itemprop = Array((json["itemprop"]?.string ?? "").utf16)
      isOptionalAtTop = json["optional"] == .bool(true)
      isOptionalNested =
        switch json["optional"] {
        case .none, .null, .bool(false), .number(0), .string(""): false
        default: true
        }
      type = ValueType(json["itemtype"] ?? ["type": "string"], recipes)
    }
  }

  /// One value type; lists, maps and objects reach their parts lazily, since recipes may contain themselves.
  final class ValueType {
    let name: String
    let pattern: ModelPattern?
    /// The pattern as the reader compiles it: its text unescaped (B2).
    let readingPattern: ModelPattern?
    let hasPattern: Bool
    private let json: JSONValue
    private unowned let recipes: ModelRecipes

    init(_ json: JSONValue, _ recipes: ModelRecipes) {
      self.json = json
      self.recipes = recipes
      name = json["type"]?.string ?? "string"
      hasPattern = json["regexp"] != nil
      let source = json["regexp"]?["source"]?.string ?? ""
      let flags = json["regexp"]?["flags"]?.string ?? ""
      pattern = hasPattern ? ModelPattern(source: source, flags: flags) : nil
      let unescaped = String(decoding: ModelText.unescape(Array(source.utf16)), as: UTF16.self)
      readingPattern = hasPattern ? ModelPattern(source: unescaped, flags: flags) : nil
    }

    lazy var item = ValueType(json["item"] ?? ["type": "string"], recipes)
    lazy var key = ValueType(json["key"] ?? ["type": "string"], recipes)
    lazy var value = ValueType(json["value"] ?? ["type": "string"], recipes)
    /// Nested rules as the reader sees them: resolved again at each level.
    lazy var readingRules: [Rule]? = try? (json["rules"]?.array ?? []).map { Rule(try recipes.resolve($0), recipes) }
    /// Nested rules as the writer sees them: as they are (B3).
    lazy var writingRules: [Rule] = (json["rules"]?.array ?? []).map { Rule($0, recipes) }

    var linkType: String? {
      switch name {
      case "referenceToObj": "obj"
      case "referenceToId": "id"
      case "referenceToClob": "clob"
      case "referenceToBlob": "blob"
      default: nil
      }
    }
    var isScalar: Bool { ["string", "integer", "number", "boolean", "stringifiable"].contains(name) }
  }

  /// By the units of the name: Swift's strings compare by canonical equivalence, the reference's do not (MD-067).
  private let rules: [[UInt16]: [JSONValue]]
  private var resolved: [[UInt16]: [Rule]] = [:]
  public let names: [String]

  /// Takes the `recipes` of recipes.json.
  public init(json: JSONValue) {
    var rules: [[UInt16]: [JSONValue]] = [:]
    var names: [String] = []
    for recipe in json["recipes"]?.array ?? [] {
      guard let name = recipe["name"]?.string else { continue }
      names.append(name)
      rules[Array(name.utf16)] = recipe["rules"]?.array ?? []
    }
    self.rules = rules
    self.names = names
  }

  func knows(_ type: [UInt16]) -> Bool { rules[type] != nil }

  func topRules(_ type: [UInt16]) throws -> [Rule] {
    if let known = resolved[type] { return known }
    let made = try (rules[type] ?? []).map { Rule(try resolve($0), self) }
    resolved[type] = made
    return made
  }

  /// Which of the top rules carry `isId` of their own.
  func ownIds(_ type: [UInt16]) -> [Bool] { (rules[type] ?? []).map { $0["isId"] == .bool(true) } }

  func ownRule(_ type: [UInt16], _ index: Int) -> JSONValue { rules[type]?[index] ?? .null }

  func isVersioned(_ type: [UInt16]) -> Bool { ownIds(type).contains(true) }

  func resolve(_ rule: JSONValue) throws -> JSONValue {
    rule["itemtype"] == nil ? try simple(rule) : try walk(rule, 0)
  }

  private func walk(_ json: JSONValue, _ depth: Int) throws -> JSONValue {
    guard depth < 200 else { throw ModelFailure.beyondModel }
    switch json {
    case .array(let items): return .array(try items.map { try walk($0, depth + 1) })
    case .object(let object):
      if object["inheritFrom"] != nil { return try simple(json) }
      var copy = JSONObject()
      for member in object.members { copy.append(member.name, try walk(member.value, depth + 1)) }
      return .object(copy)
    default: return json
    }
  }

  private func simple(_ rule: JSONValue, _ depth: Int = 0) throws -> JSONValue {
    guard let from = rule["inheritFrom"], let own = rule.object else { return rule }
    guard depth < 50 else { throw ModelFailure.beyondModel }
    let path = (from.string ?? from["rule"]?.string ?? "").split(separator: ".", omittingEmptySubsequences: false)
    guard let first = path.first, let candidates = rules[Array(first.utf16)] else { throw ModelFailure("OR-GR1") }
    let wanted = path.count > 1 ? Array(path[1].utf16) : []
    guard let target = candidates.first(where: { Array(($0["itemprop"]?.string ?? "").utf16) == wanted }) else {
      throw ModelFailure("OR-GR01")
    }
    var merged = JSONObject()
    for member in try simple(target, depth + 1).object?.members ?? [] where own[member.name] == nil {
      merged.append(member.name, member.name == "isId" ? false : member.value)
    }
    for member in own.members where member.name != "inheritFrom" { merged.append(member.name, member.value) }
    guard let extract = from["extract"]?.string, let item = merged["itemtype"]?["item"] else { return .object(merged) }
    guard extract == "CollectionItemType" else { throw ModelFailure("OR-RSRI2") }
    var out = JSONObject()
    for member in merged.members { out.append(member.name, member.name == "itemtype" ? item : member.value) }
    return .object(out)
  }
}

/// Escaping by the letter of microdata.md 6.
enum ModelText {
  static func escape(_ units: [UInt16]) -> [UInt16] {
    replace(replace(replace(units, "&", "&amp;"), "<", "&lt;"), ">", "&gt;")
  }

  static func unescape(_ units: [UInt16]) -> [UInt16] {
    guard units.contains(0x26) else { return units }
    return replace(replace(replace(units, "&gt;", ">"), "&lt;", "<"), "&amp;", "&")
  }

  private static func replace(_ units: [UInt16], _ old: String, _ new: String) -> [UInt16] {
    let old = Array(old.utf16)
    guard units.contains(old[0]) else { return units }
    var out: [UInt16] = []
    var index = 0
    while index < units.count {
      if units[index...].starts(with: old) {
        out += new.utf16
        index += old.count
      } else {
        out.append(units[index])
        index += 1
      }
    }
    return out
  }

  static func isHash(_ units: [UInt16]) -> Bool {
    units.count == 64 && units.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }
}
