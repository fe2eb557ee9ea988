extension Recipe {
  /// Checks a recipe in the order of microdata.md 2.2 and takes it in; the first fault is thrown with its code.
  ///
  /// The value is a recipe as memory or as Recipe microdata has it: allowed types may be a set or an array, a regexp a
  /// regexp or its bare source (whose flags are lost, MD-078).
  public init(checking value: OneValue) throws(MicrodataError) {
    guard case .object(let object) = value else {
      throw MicrodataError("URC-ERCP1", "the recipe is not an object")
    }
    guard object["$type$"] == .string("Recipe") else {
      throw MicrodataError("URC-ERCP2", "$type$ is not Recipe")
    }
    guard case .string(let name)? = object["name"], RecipeCheck.isName(name) else {
      throw MicrodataError("URC-ERCP3", "the name is not a usable type name")
    }
    guard case .array(let items)? = object["rule"] else {
      throw MicrodataError("URC-ERCP4", "rule is not an array")
    }
    var rules: [Rule] = []
    for (index, item) in items.enumerated() {
      do throws(MicrodataError) { rules.append(try RecipeCheck.rule(item, isNested: false)) } catch {
        if error.code.isPlatform { throw error }
        let recipe = Extract.of(SortedJSON.lossyText(value))
        throw MicrodataError(
          error.code, "rule \(index): \(error.text);\n  Recipe: \(recipe)", expected: error.expected)
      }
    }
    let crdt = object["crdtConfig"]
    self.init(name: name, rules: rules, crdtConfig: crdt == .undefined ? nil : crdt)
  }
}

/// The checks of one rule and of one type.
enum RecipeCheck {
  static func isName(_ name: OneText) -> Bool {
    guard !name.isEmpty, !name.hasLoneSurrogate else { return false }
    return isItemprop(name) && name.bytes.allSatisfy { $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }
  }

  /// No `<`, `>`, `.` and no white space; everything else is legal in an itemprop, the empty text too.
  static func isItemprop(_ name: OneText) -> Bool {
    name.bytes.withView { view in
      var index = 0
      while index < view.count {
        let (scalar, length) = WTF8.decode(view, index)
        if scalar == 0x3C || scalar == 0x3E || scalar == 0x2E || NumberText.isSpace(scalar) { return false }
        index += length
      }
      return true
    }
  }

  private static let fields: Set<String> = ["itemprop", "optional", "isId", "itemtype", "inheritFrom"]

  static func rule(_ value: OneValue, isNested: Bool, depth: Int = 0) throws(MicrodataError) -> Rule {
    guard depth < 64 else { throw MicrodataError(.depth, "rules nested deeper than 64 levels") }
    guard case .object(let object) = value else { throw MicrodataError("URC-ERECI1", "the rule is not an object") }
    if isNested, object["isId"] != nil { throw MicrodataError("URC-ERECI2", "a nested rule has isId") }
    if let extra = object.members.first(where: { !fields.contains($0.name.string) }) {
      throw MicrodataError("URC-ERECI3", "the rule has the unknown field \(Extract.of(extra.name.string))")
    }
    guard case .string(let itemprop)? = object["itemprop"] else {
      throw MicrodataError("URC-ERECI4", "the rule has no itemprop")
    }
    guard isItemprop(itemprop) else {
      throw MicrodataError(
        "URC-ERECI8", "the itemprop \(Extract.of(itemprop.string)) has characters that are not allowed")
    }
    var itemtype: ItemType?
    if let given = object["itemtype"], given != .undefined { itemtype = try type(given, depth: depth) }
    return Rule(
      itemprop, itemtype, optional: truth(object["optional"]), isId: truth(object["isId"]),
      inheritFrom: try inheritance(object["inheritFrom"]))
  }

  private static func truth(_ value: OneValue?) -> Rule.Truth {
    switch value {
    case nil: .absent
    case .bool(let value): value ? .literalTrue : .falsy
    case .undefined, .null: .falsy
    case .number(let value): value == 0 || value.isNaN ? .falsy : .truthy
    case .string(let text): text.isEmpty ? .falsy : .truthy
    default: .truthy
    }
  }

  private static func inheritance(_ value: OneValue?) throws(MicrodataError) -> Inheritance? {
    switch value {
    case nil, .undefined: return nil
    case .string(let path):
      guard path.bytes.contains(0x2E) else {
        throw MicrodataError("URC-ERECI27", "inheritFrom \(Extract.of(path.string)) names no rule of a recipe")
      }
      return Inheritance(path)
    case .object(let object):
      guard case .string(let path)? = object["rule"], path.bytes.contains(0x2E), object.members.count == 2,
        case .string(let how)? = object["extract"], let extract = Inheritance.Extract(rawValue: how.string)
      else { throw MicrodataError("URC-ERECI28", "inheritFrom needs rule and extract") }
      return Inheritance(path, extract: extract)
    default: throw MicrodataError("URC-ERECI28", "inheritFrom is neither a text nor an object")
    }
  }

  static func type(_ value: OneValue, depth: Int) throws(MicrodataError) -> ItemType {
    guard depth < 64 else { throw MicrodataError(.depth, "types nested deeper than 64 levels") }
    guard case .object(let object) = value else {
      throw value == .null
        ? MicrodataError(.typeError, "the itemtype is null")
        : MicrodataError("URC-ERECI19", "the itemtype is not an object")
    }
    guard case .string(let name)? = object["type"] else {
      throw MicrodataError("URC-ERECI19", "the itemtype has no type")
    }
    switch name.string {
    case "string": return .string(try regexp(object["regexp"]))
    case "integer": return .integer(try bounds(object, isInteger: true))
    case "number": return .number(try bounds(object, isInteger: false))
    case "boolean": return try bare(.boolean, object)
    case "stringifiable": return try bare(.stringifiable, object)
    case "referenceToClob": return try bare(.reference(.clob, allowedTypes: []), object)
    case "referenceToBlob": return try bare(.reference(.blob, allowedTypes: []), object)
    case "referenceToObj": return .reference(.object, allowedTypes: try allowedTypes(object))
    case "referenceToId": return .reference(.id, allowedTypes: try allowedTypes(object))
    case "map":
      guard let key = object["key"], let value = object["value"] else { throw incomplete("a map needs key and value") }
      let keyType = try type(key, depth: depth + 1)
      switch keyType {
      case .list, .map, .object, .stringifiable: throw incomplete("a map key cannot be \(keyType.name)")
      default: break
      }
      return .map(key: keyType, value: try type(value, depth: depth + 1))
    case "bag", "array", "set":
      guard let item = object["item"], item != .undefined else { throw incomplete("\(name) needs item") }
      return .list(ItemType.ListKind(rawValue: name.string) ?? .array, item: try type(item, depth: depth + 1))
    case "object": return .object(try rules(object, depth: depth))
    default: throw MicrodataError("URC-ERECI19", "unknown type \(Extract.of(name.string))")
    }
  }

  private static func incomplete(_ text: String) -> MicrodataError { MicrodataError("URC-ERECI31", text) }

  private static func bare(_ type: ItemType, _ object: OneObject) throws(MicrodataError) -> ItemType {
    guard object.members.count == 1 else {
      throw MicrodataError("URC-ERECI33", "\(type.name) takes no further fields")
    }
    return type
  }

  private static func rules(_ object: OneObject, depth: Int) throws(MicrodataError) -> [Rule] {
    if case .undefined? = object["rules"] { throw MicrodataError(.typeError, "the rules are undefined") }
    guard case .array(let items)? = object["rules"], !items.isEmpty else {
      throw MicrodataError("URC-ERECI23", "the nested rules are not a filled array")
    }
    if object["isId"] != nil { throw MicrodataError("URC-ERECI24", "an itemtype has rules and isId") }
    var rules: [Rule] = []
    var names: Set<OneText> = []
    for item in items {
      let rule = try Self.rule(item, isNested: true, depth: depth + 1)
      guard names.insert(rule.itemprop).inserted else {
        throw MicrodataError("URC-CIT1", "the itemprop \(Extract.of(rule.itemprop.string)) stands twice")
      }
      rules.append(rule)
    }
    return rules
  }

  private static func bounds(_ object: OneObject, isInteger: Bool) throws(MicrodataError) -> ItemType.Bounds {
    func bound(_ name: OneText) throws(MicrodataError) -> Double? {
      switch object[name] {
      case nil, .undefined: return nil
      case .number(let value) where !value.isNaN:
        if isInteger, value != value.rounded(.towardZero) || value.isInfinite {
          throw MicrodataError("URC-ERECI30-B", "\(name) of an integer is not integral")
        }
        return value
      default: throw MicrodataError("URC-ERECI30-D", "\(name) is not a number")
      }
    }
    let bounds = ItemType.Bounds(min: try bound("min"), max: try bound("max"))
    if let min = bounds.min, let max = bounds.max, max <= min {
      throw MicrodataError(isInteger ? "URC-ERECI30-A" : "URC-ERECI30-C", "max is not above min")
    }
    return bounds
  }

  private static func allowedTypes(_ object: OneObject) throws(MicrodataError) -> [OneText] {
    let items: [OneValue]
    switch object["allowedTypes"] {
    case .set(let values), .array(let values): items = values
    default: throw MicrodataError("URC-ERECI14", "allowedTypes is not a set of type names")
    }
    var names: [OneText] = []
    for item in items {
      guard case .string(let name) = item else {
        throw MicrodataError("URC-ERECI14", "allowedTypes has a member that is not a type name")
      }
      names.append(name)
    }
    return names
  }

  private static func regexp(_ value: OneValue?) throws(MicrodataError) -> RegexpSource? {
    let source: RegexpSource
    switch value {
    case nil, .undefined: return nil
    case .regexp(let text, let flags): source = RegexpSource(text, flags: flags.string)
    case .string(let text): source = RegexpSource(text)
    default: throw MicrodataError(.typeError, "the regexp is neither a regexp nor a text")
    }
    _ = try Regexp(source)
    return source
  }
}

/// Bounded extracts for messages (MD-041).
enum Extract {
  static let limit = 160

  static func of(_ text: String) -> String {
    text.utf8.count <= limit ? text : String(text.prefix(limit)) + "…"
  }

  static func of(_ view: ByteView) -> String {
    let text = String(decoding: view.slice(0, limit).array, as: UTF8.self)
    return view.count <= limit ? text : text + "…"
  }
}
