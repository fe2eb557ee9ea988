/// Compiles recipes into the tables of a codec.
struct ProgramCompiler {
  /// How nested rules are taken (microdata.md 2.1).
  enum Mode {
    /// The reader resolves every rule when it reaches it.
    case reader
    /// The writer's first level: nested rules with `inheritFrom` are resolved once.
    case walk
    /// Inside of an inherited type the writer resolves nothing more.
    case raw
  }

  let registry: RecipeRegistry
  var types: [TypeCode] = []
  var rules: [RuleCode] = []
  var bytes: [UInt8] = []
  var units: [UInt16] = []
  var names: [OneText] = []
  var regexps: [RegexpPair] = []
  var failures: [MicrodataError] = []
  var allowedTypes: [[OneText]] = []
  var recipes: [RecipeCode] = []
  private var nameIndices: [OneText: Int32] = [:]
  private var templates: [OneText: Template] = [:]
  private var inheritedTypes: [TypeKey: Int32] = [:]
  /// The strict program follows the writer's rules and asks what the reader makes of them.
  private var isStrict = false

  private struct TypeKey: Hashable {
    let recipe: Int
    let rule: Int
    let itemLevels: Int
  }

  /// A rule with its inheritance taken in.
  struct Resolved {
    var itemprop: OneText
    var optional: Rule.Truth
    var type: Source

    enum Source {
      case inline(ItemType)
      /// The type written in a top-level rule of a recipe, then the item type of it, so many times.
      case of(recipe: Int, rule: Int, itemLevels: Int)
    }
  }

  init(_ registry: RecipeRegistry) { self.registry = registry }

  mutating func compile() throws(MicrodataError) {
    _ = nameIndex("$type$")
    _ = nameIndex("$versionHash$")
    for recipe in registry.recipes { try compile(recipe) }
    // The writer copies texts sixteen bytes at a time.
    bytes += [UInt8](repeating: 0, count: 16)
  }

  private mutating func compile(_ recipe: Recipe) throws(MicrodataError) {
    let nameStart = bytes.count
    bytes += recipe.name.bytes
    var code = RecipeCode(isVersioned: recipe.isVersioned)
    code.name = Stretch(nameStart, recipe.name.bytes.count)
    let itemprops = recipe.rules.map(\.itemprop)
    let isDoubled = Set(itemprops).count != itemprops.count
    let isUnsafe = itemprops.contains { $0 == "$type$" || $0 == "__proto__" }
    code.isIrregular = isDoubled || isUnsafe
    code.isHostile = isDoubled || itemprops.contains("$type$")
    isStrict = false
    let reader = try recipe.rules.map { (rule) throws(MicrodataError) in try top(rule, .reader) }
    let writer = try recipe.rules.map { (rule) throws(MicrodataError) in try top(rule, .walk) }
    isStrict = true
    let strict = try recipe.rules.map { (rule) throws(MicrodataError) in try top(rule, .walk) }
    isStrict = false
    let isId = recipe.rules.map(\.isId.isTruthy)
    func idRules(_ all: [RuleCode]) -> [RuleCode] { zip(all, isId).filter(\.1).map(\.0) }
    code.reader = add(reader)
    code.readerId = add(idRules(reader))
    code.writer = add(writer)
    code.writerId = add(idRules(writer))
    code.strict = add(strict)
    code.strictId = add(idRules(strict))
    recipes.append(code)
  }

  private mutating func add(_ list: [RuleCode]) -> Stretch {
    let start = rules.count
    rules += list
    return Stretch(start, list.count)
  }

  private mutating func top(_ rule: Rule, _ mode: Mode) throws(MicrodataError) -> RuleCode {
    if mode == .reader { return try self.rule(rule, .reader) }
    // With a type and without inheritance the writer walks the type; else it takes one step and walks no further.
    return try self.rule(rule, rule.itemtype != nil && rule.inheritFrom == nil ? .walk : .raw, resolves: true)
  }

  /// Compiles one rule. `resolves` says whether its own inheritance counts; nested types go on in `mode`.
  private mutating func rule(_ rule: Rule, _ mode: Mode, resolves: Bool = true) throws(MicrodataError) -> RuleCode {
    let resolved: Resolved
    var failure: Int32 = -1
    if resolves {
      do throws(MicrodataError) { resolved = try simple(rule) } catch {
        failure = Int32(failures.count)
        failures.append(error)
        resolved = Resolved(itemprop: rule.itemprop, optional: rule.optional, type: .inline(.string(nil)))
      }
    } else {
      resolved = Resolved(
        itemprop: rule.itemprop, optional: rule.optional, type: .inline(rule.itemtype ?? .string(nil)))
    }
    var type = try self.type(resolved.type, mode)
    if isStrict, !resolves, rule.itemtype == nil, rule.inheritFrom != nil { type = try vetoed(rule, type) }
    var code = RuleCode(
      type: type, name: nameIndex(resolved.itemprop), isOptional: resolved.optional == .literalTrue,
      isNestedOptional: resolved.optional.isTruthy)
    code.failure = failure
    code.open = template(opening(itemType(resolved.type), resolved.itemprop))
    code.divOpen = template("<div itemprop=\"" + resolved.itemprop + "\">")
    code.attribute = template("itemprop=\"" + resolved.itemprop + "\"")
    return code
  }

  /// Where the writer sees a string and the reader an inherited type, only what both read alike is canonical (B3).
  private mutating func vetoed(_ rule: Rule, _ string: Int32) throws(MicrodataError) -> Int32 {
    guard let read = try? simple(rule) else { return string }
    let kind = types[Int(try type(read.type, .reader))].kind
    if kind == .string { return string }
    return addType(TypeCode(kind: kind.isScalar ? .emptyOnly : .never), open: "", close: "", memberClose: "</span>")
  }

  private func opening(_ type: ItemType, _ itemprop: OneText) -> OneText {
    switch type {
    case .reference(let kind, _): "<a itemprop=\"" + itemprop + "\" data-type=\"" + OneText(kind.linkType) + "\">"
    case .list(let kind, _): "<" + OneText(kind.tag) + " itemprop=\"" + itemprop + "\">"
    case .map: "<dl itemprop=\"" + itemprop + "\">"
    case .object: "<div itemprop=\"" + itemprop + "\">"
    default: "<span itemprop=\"" + itemprop + "\">"
    }
  }

  /// The written type behind a source.
  private func itemType(_ source: Resolved.Source) -> ItemType {
    switch source {
    case .inline(let type): return type
    case .of(let recipe, let rule, let levels):
      var type = registry.recipes[recipe].rules[rule].itemtype ?? .string(nil)
      for _ in 0..<levels { if case .list(_, let item) = type { type = item } }
      return type
    }
  }

  /// `simple(r)` of microdata.md 2.1.
  func simple(_ rule: Rule, depth: Int = 0) throws(MicrodataError) -> Resolved {
    guard let inheritance = rule.inheritFrom else {
      return Resolved(itemprop: rule.itemprop, optional: rule.optional, type: .inline(rule.itemtype ?? .string(nil)))
    }
    guard depth < 64 else { throw MicrodataError(.rangeError, "rules inherit from each other without end") }
    let parts = inheritance.path.bytes.split(separator: 0x2E, omittingEmptySubsequences: false)
    let recipeName = OneText(wtf8: Array(parts[0]))
    guard let recipe = registry.index(of: recipeName) else {
      throw MicrodataError("OR-GR1", "no recipe for the type \(Extract.of(recipeName.string))")
    }
    let target = parts.count > 1 ? OneText(wtf8: Array(parts[1])) : ""
    guard let index = registry.recipes[recipe].rules.firstIndex(where: { $0.itemprop == target }) else {
      throw MicrodataError(
        "OR-GR01", "the recipe \(Extract.of(recipeName.string)) has no rule \(Extract.of(inheritance.path.string))")
    }
    let targetRule = registry.recipes[recipe].rules[index]
    var resolved = try simple(targetRule, depth: depth + 1)
    if targetRule.inheritFrom == nil { resolved.type = .of(recipe: recipe, rule: index, itemLevels: 0) }
    if let own = rule.itemtype { resolved.type = .inline(own) }
    if let extract = inheritance.extract, case .list(_, let item) = itemType(resolved.type) {
      if extract == .mapItemType { throw MicrodataError("OR-RSRI2", "MapItemType of a list") }
      switch resolved.type {
      case .inline: resolved.type = .inline(item)
      case .of(let recipe, let rule, let levels):
        resolved.type = .of(recipe: recipe, rule: rule, itemLevels: levels + 1)
      }
    }
    resolved.itemprop = rule.itemprop
    if rule.optional != .absent { resolved.optional = rule.optional }
    return resolved
  }

  private mutating func type(_ source: Resolved.Source, _ mode: Mode) throws(MicrodataError) -> Int32 {
    guard case .of(let recipe, let rule, let levels) = source else { return try type(itemType(source), mode) }
    guard mode == .reader else { return try type(itemType(source), .raw) }
    // What the reader inherits may contain itself: the entry exists before its content is compiled.
    let key = TypeKey(recipe: recipe, rule: rule, itemLevels: levels)
    if let known = inheritedTypes[key] { return known }
    let index = Int32(types.count)
    inheritedTypes[key] = index
    types.append(TypeCode(kind: .string))
    let written = try type(itemType(source), mode)
    types[Int(index)] = types[Int(written)]
    return index
  }

  private mutating func type(_ type: ItemType, _ mode: Mode) throws(MicrodataError) -> Int32 {
    switch type {
    case .string(let source):
      var code = TypeCode(kind: .string)
      if let source {
        code.regexp = Int32(regexps.count)
        regexps.append(try RegexpPair(source))
      }
      return addType(code, open: "", close: "", memberClose: "</span>")
    case .integer: return addScalar(.integer)
    case .number: return addScalar(.number)
    case .boolean: return addScalar(.boolean)
    case .stringifiable: return addScalar(.json)
    case .reference(let kind, let allowedTypes):
      var code = TypeCode(kind: .reference)
      code.link = kind
      code.allowedTypes = Int32(self.allowedTypes.count)
      self.allowedTypes.append(allowedTypes)
      return addType(
        code, open: "<a data-type=\"" + OneText(kind.linkType) + "\">", close: "</a>",
        memberClose: "</a>")
    case .list(let kind, let item):
      var code = TypeCode(kind: kind == .array ? .array : kind == .bag ? .bag : .set)
      code.item = try self.type(item, mode)
      return addType(code, open: OneText("<\(kind.tag)>"), close: OneText("</\(kind.tag)>"), memberClose: nil)
    case .map(let key, let value):
      var code = TypeCode(kind: .map)
      code.key = try self.type(key, mode)
      code.item = try self.type(value, mode)
      return addType(code, open: "<dl>", close: "</dl>", memberClose: nil)
    case .object(let nested):
      var code = TypeCode(kind: .object)
      let list = try nested.map { (nested) throws(MicrodataError) in try nestedRule(nested, mode) }
      code.rules = add(list)
      code.isIrregular = nested.contains { $0.itemprop.bytes.contains(0x22) || $0.itemprop == "__proto__" }
      code.failure = list.first { $0.failure >= 0 }?.failure ?? -1
      return addType(code, open: "<div>", close: "</div>", memberClose: nil)
    }
  }

  private mutating func nestedRule(_ nested: Rule, _ mode: Mode) throws(MicrodataError) -> RuleCode {
    switch mode {
    case .reader: try rule(nested, .reader)
    case .walk: try rule(nested, nested.inheritFrom == nil ? .walk : .raw)
    case .raw: try rule(nested, .raw, resolves: false)
    }
  }

  private mutating func addScalar(_ kind: TypeKind) -> Int32 {
    addType(TypeCode(kind: kind), open: "", close: "", memberClose: "</span>")
  }

  private mutating func addType(_ code: TypeCode, open: OneText, close: OneText, memberClose: OneText?) -> Int32 {
    var code = code
    code.itemOpen = template(open)
    code.itemClose = template(close)
    code.memberClose = template(memberClose ?? close)
    types.append(code)
    return Int32(types.count - 1)
  }

  private mutating func nameIndex(_ name: OneText) -> Int32 {
    if let known = nameIndices[name] { return known }
    let index = Int32(names.count)
    names.append(name)
    nameIndices[name] = index
    return index
  }

  private mutating func template(_ text: OneText) -> Template {
    if let known = templates[text] { return known }
    var template = Template()
    template.bytes = Stretch(bytes.count, text.bytes.count)
    bytes += text.bytes
    let textUnits = text.utf16
    template.units = Stretch(units.count, textUnits.count)
    units += textUnits
    templates[text] = template
    return template
  }
}

func + (left: OneText, right: OneText) -> OneText { OneText(wtf8: left.bytes + right.bytes) }
