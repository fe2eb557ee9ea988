/// The deployed writer, by the letter of microdata.md 3.2 and 10.
public enum ModelWriter {
  public static func write(_ value: ModelValue, as form: ModelReader.Form, recipes: ModelRecipes) throws -> [UInt16] {
    guard case .object(let members) = value else {
      switch value {
      case .array, .set, .map: throw ModelFailure("OR-GR1")
      default: throw ModelFailure("O2M-CONV")
      }
    }
    let type = value[Array("$type$".utf16)]?.units ?? []
    guard recipes.knows(type) else { throw ModelFailure("OR-GR1") }
    let isOwnId = recipes.ownIds(type)
    if form == .id, !isOwnId.contains(true) { throw ModelFailure("O2M-COBJ1") }
    let rules = try recipes.topRules(type)
    var out = Array(ModelReader.header(form).utf16) + type + Array("\">".utf16)
    for (index, rule) in rules.enumerated() where form == .object || isOwnId[index] {
      let member = value[rule.itemprop] ?? .undefined
      if member == .undefined || member == .null {
        // The lookup finds the function that every JavaScript object inherits (B6).
        if member == .undefined, value[rule.itemprop] == nil, inherited.contains(rule.itemprop) {
          throw rule.type.name == "string" ? ModelFailure("O2M-RTYC1") : ModelFailure.beyondModel
        }
        guard rule.isOptionalAtTop else { throw ModelFailure("O2M-RTYC2") }
        continue
      }
      if ["array", "bag"].contains(rule.type.name) {
        guard case .array = member else { throw ModelFailure("O2M-CVAL4") }
      }
      out += try convert(member, rule.type, rule.itemprop)
    }
    if form == .object {
      let known = Set(rules.map(\.itemprop) + [Array("$type$".utf16), Array("$versionHash$".utf16)])
      if members.contains(where: { !known.contains($0.name) }) { throw ModelFailure("O2M-COBJ2") }
    }
    return out + Array("</div>".utf16)
  }

  static let inherited = Set(
    ["toString", "constructor", "valueOf", "hasOwnProperty", "isPrototypeOf", "toLocaleString"].map { Array($0.utf16) })

  /// The markup of one value; without an itemprop it is an item, and scalars stand bare.
  private static func convert(
    _ value: ModelValue, _ type: ModelRecipes.ValueType, _ itemprop: [UInt16]?
  ) throws -> [UInt16] {
    let wrongType = ModelFailure("O2M-RTYC1")
    func element(_ tag: String, _ content: [UInt16], _ more: String = "") -> [UInt16] {
      var out = Array("<\(tag)".utf16)
      if let itemprop { out += Array(" itemprop=\"".utf16) + itemprop + [0x22] }
      return out + Array(more.utf16) + [0x3E] + content + Array("</\(tag)>".utf16)
    }
    if type.isScalar {
      let text = try scalar(value, type)
      return itemprop == nil ? text : element("span", text)
    }
    if let link = type.linkType {
      guard case .string(let units) = value, ModelText.isHash(units) else { throw ModelFailure("O2M-RTYC4") }
      return element("a", units, " data-type=\"\(link)\"")
    }
    switch (type.name, value) {
    case ("array", .array(let items)): return element("ol", try items.flatMap { try listItem($0, type.item) })
    case ("bag", .array(let items)), ("set", .set(let items)):
      return element("ul", Array(try items.map { try listItem($0, type.item) }.sorted(by: ModelJSON.isBefore).joined()))
    case ("map", .map(let pairs)):
      var content: [UInt16] = []
      for pair in pairs {
        content += Array("<dt>".utf16) + (try convert(pair.key, type.key, nil)) + Array("</dt><dd>".utf16)
        content += try convert(pair.value, type.value, nil) + Array("</dd>".utf16)
      }
      return element("dl", content)
    case ("object", .object), ("object", .array), ("object", .set), ("object", .map):
      return element("div", try members(value, type))
    default: throw wrongType
    }
  }

  private static func members(_ value: ModelValue, _ type: ModelRecipes.ValueType) throws -> [UInt16] {
    var out: [UInt16] = []
    for rule in type.writingRules {
      guard let member = value[rule.itemprop] else {
        guard rule.isOptionalNested else { throw ModelFailure("O2M-RTYC2") }
        continue
      }
      if member == .undefined, rule.isOptionalNested { continue }
      out += try convert(member, rule.type, rule.itemprop)
    }
    return out
  }

  private static func listItem(_ value: ModelValue, _ type: ModelRecipes.ValueType) throws -> [UInt16] {
    Array("<li>".utf16) + (try convert(value, type, nil)) + Array("</li>".utf16)
  }

  private static func scalar(_ value: ModelValue, _ type: ModelRecipes.ValueType) throws -> [UInt16] {
    switch (type.name, value) {
    case ("string", .string(let units)):
      if type.hasPattern {
        guard let pattern = type.pattern, let matches = pattern.matches(units) else { throw ModelFailure.beyondModel }
        guard matches else { throw ModelFailure("O2M-RTYC3") }
      }
      return ModelText.escape(units)
    case ("integer", .number(let bits)):
      let number = Double(bitPattern: bits)
      guard number.isFinite, number == number.rounded(.towardZero) else { throw ModelFailure("O2M-RTYC1") }
      return Array(ModelNumber.text(number).utf16)
    case ("number", .number(let bits)):
      let number = Double(bitPattern: bits)
      return Array((number.isFinite ? ModelNumber.text(number) : "null").utf16)
    case ("boolean", .bool(let value)): return Array((value ? "true" : "false").utf16)
    case ("stringifiable", _): return ModelText.escape(ModelJSON.text(value))
    default: throw ModelFailure("O2M-RTYC1")
    }
  }
}
