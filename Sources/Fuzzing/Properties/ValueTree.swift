import MicrodataOracle

/// The tree that a value's markup must have, built from the value by its recipe: no text is written or read.
///
/// It is what libxml2's reading of the bytes is compared with, so that a fault of the codec's reader and an equal fault of
/// its writer cannot hide each other.
struct ValueTree {
  private var tree = MarkupTree()
  private let recipes: ModelRecipes

  /// Nil when the value has no canonical markup (a text read from where no text may be).
  static func build(_ value: ModelValue, _ form: ModelReader.Form, _ recipes: ModelRecipes) -> MarkupTree? {
    var builder = ValueTree(recipes: recipes)
    guard let type = value[Array("$type$".utf16)]?.units, let rules = try? recipes.topRules(type) else { return nil }
    let isOwnId = recipes.ownIds(type)
    builder.open("div", form == .id ? [("data-id-object", "true")] : [])
    builder.tree.addAttribute("itemscope".utf8, [], at: nil)
    builder.tree.addAttribute("itemtype".utf8, ("//refin.io/" + String(decoding: type, as: UTF16.self)).utf8, at: nil)
    for (index, rule) in rules.enumerated() where form == .object || isOwnId[index] {
      guard let member = value[rule.itemprop] else { continue }
      guard builder.add(member, rule.type, rule.itemprop) else { return nil }
    }
    builder.tree.closeElement()
    return builder.tree
  }

  private init(recipes: ModelRecipes) { self.recipes = recipes }

  private mutating func open(_ name: String, _ attributes: [(String, String)] = []) {
    tree.openElement(name.utf8, at: nil)
    for (name, value) in attributes { tree.addAttribute(name.utf8, value.utf8, at: nil) }
  }

  private mutating func text(_ units: [UInt16]) { tree.addText(String(decoding: units, as: UTF16.self).utf8, at: nil) }

  private mutating func add(_ value: ModelValue, _ type: ModelRecipes.ValueType, _ itemprop: [UInt16]?) -> Bool {
    let property = itemprop.map { [("itemprop", String(decoding: $0, as: UTF16.self))] } ?? []
    if type.isScalar {
      guard let text = scalar(value, type) else { return false }
      if itemprop != nil { open("span", property) }
      self.text(text)
      if itemprop != nil { tree.closeElement() }
      return true
    }
    if let link = type.linkType {
      guard case .string(let hash) = value else { return false }
      open("a", property + [("data-type", link)])
      text(hash)
      tree.closeElement()
      return true
    }
    defer { tree.closeElement() }
    switch (type.name, value) {
    case ("array", .array(let items)):
      open("ol", property)
      return addItems(items, type)
    case ("bag", .array(let items)), ("set", .set(let items)):
      open("ul", property)
      return addItems(items, type)
    case ("map", .map(let pairs)):
      open("dl", property)
      for pair in pairs {
        for (name, part, partType) in [("dt", pair.key, type.key), ("dd", pair.value, type.value)] {
          open(name)
          guard add(part, partType, nil) else { return false }
          tree.closeElement()
        }
      }
      return true
    case ("object", .object):
      open("div", property)
      for rule in type.readingRules ?? [] {
        guard let member = value[rule.itemprop] else { continue }
        guard add(member, rule.type, rule.itemprop) else { return false }
      }
      return true
    default:
      open("none")
      return false
    }
  }

  private mutating func addItems(_ items: [ModelValue], _ type: ModelRecipes.ValueType) -> Bool {
    for item in items {
      open("li")
      guard add(item, type.item, nil) else { return false }
      tree.closeElement()
    }
    return true
  }

  private func scalar(_ value: ModelValue, _ type: ModelRecipes.ValueType) -> [UInt16]? {
    switch (type.name, value) {
    case ("string", .string(let units)): units
    case ("integer", .number(let bits)), ("number", .number(let bits)):
      ModelJSON.text(.number(bits))
    case ("boolean", .bool(let value)): Array((value ? "true" : "false").utf16)
    case ("stringifiable", _): ModelJSON.text(value)
    default: nil
    }
  }
}
