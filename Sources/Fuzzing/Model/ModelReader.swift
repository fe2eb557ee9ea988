/// The deployed reader, by the letter of microdata.md 8: slow, on UTF-16 units, with copies everywhere.
///
/// It is the model that the codec is compared with. It stands aside (`beyond the model`) above a nesting and an amount
/// of work that only tests of the bounds themselves need.
public struct ModelReader {
  private let recipes: ModelRecipes
  private var budget = 2_000_000
  private static let deepest = 60

  private init(_ recipes: ModelRecipes) { self.recipes = recipes }

  public enum Form: Sendable { case object, id }

  public static func read(
    _ html: [UInt16], as form: Form, expected: [String]? = nil, recipes: ModelRecipes
  ) throws -> ModelValue {
    var reader = ModelReader(recipes)
    return try reader.readDocument(html, form, expected)
  }

  private struct Context {
    let html: [UInt16]
    var pos = 0
  }

  // MARK: the helpers of chapter 1

  private mutating func spend(_ amount: Int) throws {
    budget -= amount
    if budget < 0 { throw ModelFailure.beyondModel }
  }

  private mutating func find(_ s: [UInt16], _ x: [UInt16], _ from: Int) throws -> Int {
    var index = max(0, from)
    try spend(max(1, s.count - index) / 8 + 1)
    while index + x.count <= s.count {
      if s[index] == x[0], s[index..<index + x.count].elementsEqual(x) { return index }
      index += 1
    }
    return -1
  }

  private func starts(_ s: [UInt16], _ x: [UInt16], _ pos: Int) -> Bool {
    pos >= 0 && pos + x.count <= s.count && s[pos..<pos + x.count].elementsEqual(x)
  }

  private func sub(_ s: [UInt16], _ start: Int, _ length: Int) throws -> [UInt16] {
    if start > s.count || length == 0 { return [] }
    if start < 0 || length < 0 { throw ModelFailure("US-SSFMC1") }
    return Array(s[start..<min(start + length, s.count)])
  }

  private mutating func close(_ html: [UInt16], _ from: Int) throws -> Int {
    var depth = 1
    var pos = from
    while true {
      let at = try find(html, [0x3C], pos)
      guard at >= 0 else { throw ModelFailure("M2IH-FET1") }
      pos = at + 1
      depth += pos < html.count && html[pos] == 0x2F ? -1 : 1
      if depth == 0 { return at }
    }
  }

  private func units(_ text: String) -> [UInt16] { Array(text.utf16) }

  // MARK: 8.1

  private mutating func readDocument(_ html: [UInt16], _ form: Form, _ expected: [String]?) throws -> ModelValue {
    let header = units(Self.header(form))
    guard starts(html, header, 0) else { throw ModelFailure("M2O-PH1") }
    var context = Context(html: html, pos: header.count)
    let type = try sub(html, context.pos, try find(html, units("\">"), context.pos) - context.pos)
    guard recipes.knows(type) else { throw ModelFailure("OR-ET1") }
    if let expected, !expected.contains(where: { $0 == "*" || Array($0.utf16) == type }) {
      throw ModelFailure("M2O-PHM1")
    }
    context.pos += type.count + 2
    var members = [ModelValue.Member(units("$type$"), .string(type))]
    let isOwnId = recipes.ownIds(type)
    for (index, rule) in try recipes.topRules(type).enumerated() where form == .object || isOwnId[index] {
      guard let value = try value(rule.type, rule.itemprop, &context, nested: false, depth: 0) else {
        guard rule.isOptionalAtTop else { throw ModelFailure("M2O-PD1") }
        continue
      }
      Self.store(value, rule.itemprop, in: &members)
    }
    guard starts(html, units("</div>"), context.pos) else { throw ModelFailure("M2O-POM1") }
    guard context.pos + 6 >= html.count else { throw ModelFailure("M2O-PCONV2") }
    return .object(members)
  }

  static func header(_ form: Form) -> String {
    form == .id
      ? "<div data-id-object=\"true\" itemscope itemtype=\"//refin.io/" : "<div itemscope itemtype=\"//refin.io/"
  }

  private static func store(_ value: ModelValue, _ name: [UInt16], in members: inout [ModelValue.Member]) {
    if let index = members.firstIndex(where: { $0.name == name }) {
      members[index].value = value
    } else {
      members.append(ModelValue.Member(name, value))
    }
  }

  // MARK: 8.3

  /// Nil is JavaScript's undefined.
  private mutating func value(
    _ type: ModelRecipes.ValueType, _ itemprop: [UInt16], _ context: inout Context, nested: Bool, depth: Int
  ) throws -> ModelValue? {
    guard depth < Self.deepest else { throw ModelFailure.beyondModel }
    try spend(context.html.count / 16 + 1)
    if type.isScalar { return try scalar(type, itemprop, &context, nested) }
    if let link = type.linkType { return try reference(link, itemprop, &context, nested) }
    switch type.name {
    case "array", "bag", "set": return try list(type, itemprop, &context, nested, depth)
    case "map": return try map(type, itemprop, &context, nested, depth)
    case "object": return try object(type, itemprop, &context, depth)
    default: throw ModelFailure.beyondModel
    }
  }

  private mutating func scalar(
    _ type: ModelRecipes.ValueType, _ itemprop: [UInt16], _ context: inout Context, _ nested: Bool
  ) throws -> ModelValue? {
    var raw = context.html
    if !nested {
      let open = units("<span itemprop=\"") + itemprop + units("\">")
      guard starts(context.html, open, context.pos) else { return nil }
      let start = context.pos + open.count
      raw = try sub(context.html, start, try find(context.html, [0x3C], start) - start)
      context.pos += open.count + raw.count + 7
    }
    if type.name == "string", type.hasPattern {
      guard let pattern = type.readingPattern, let matches = pattern.matches(raw) else {
        throw ModelFailure.beyondModel
      }
      guard matches else { throw ModelFailure("M2O-PV3") }
    }
    if raw.isEmpty { return .string([]) }
    switch type.name {
    case "string": return .string(ModelText.unescape(raw))
    case "boolean": return .bool(ModelText.unescape(raw) == units("true"))
    case "stringifiable": return try ModelJSON.parse(ModelText.unescape(raw))
    default: return .number(ModelNumber.value(ModelText.unescape(raw)))
    }
  }

  private mutating func reference(
    _ link: String, _ itemprop: [UInt16], _ context: inout Context, _ nested: Bool
  ) throws -> ModelValue? {
    let open =
      nested
      ? units("<a data-type=\"\(link)\">") : units("<a itemprop=\"") + itemprop + units("\" data-type=\"\(link)\">")
    let start = context.pos + open.count
    let raw = try sub(context.html, start, try find(context.html, [0x3C], start) - start)
    guard starts(context.html, open, context.pos) else { return nil }
    guard ModelText.isHash(raw) else { throw ModelFailure("M2O-PV1") }
    context.pos += open.count + 64 + 4
    return .string(raw)
  }

  private mutating func list(
    _ type: ModelRecipes.ValueType, _ itemprop: [UInt16], _ context: inout Context, _ nested: Bool, _ depth: Int
  ) throws -> ModelValue? {
    let tag = type.name == "array" ? "ol" : "ul"
    let open = nested ? units("<\(tag)>") : units("<\(tag) itemprop=\"") + itemprop + units("\">")
    let empty = open + units("</\(tag)>")
    if starts(context.html, empty, 0) {
      context.pos += empty.count
      return type.name == "set" ? .set([]) : .array([])
    }
    guard starts(context.html, open, context.pos) else { return nil }
    let end = try close(context.html, context.pos + open.count)
    let inner = Array(context.html[(context.pos + open.count)..<end])
    var pieces: [[UInt16]] = []
    var p = 4
    while true {
      let e: Int
      do { e = try close(inner, p) } catch let failure as ModelFailure {
        if failure == .beyondModel { throw failure }
        break
      }
      pieces.append(Array(inner[p..<e]))
      p = e + 9
    }
    context.pos = end + 5
    var items: [ModelValue] = []
    for piece in pieces {
      var inside = Context(html: piece)
      var item = try value(type.item, itemprop, &inside, nested: true, depth: depth + 1) ?? .undefined
      if type.name == "set" { item = item.asSetMember }
      if type.name == "set", items.contains(where: { $0.isSameValueZero(item) }) { continue }
      items.append(item)
    }
    return type.name == "set" ? .set(items) : .array(items)
  }

  private mutating func map(
    _ type: ModelRecipes.ValueType, _ itemprop: [UInt16], _ context: inout Context, _ nested: Bool, _ depth: Int
  ) throws -> ModelValue? {
    let open = nested ? units("<dl>") : units("<dl itemprop=\"") + itemprop + units("\">")
    let empty = open + units("</dl>")
    if starts(context.html, empty, context.pos) {
      context.pos += empty.count
      return .map([])
    }
    guard starts(context.html, open, context.pos) else { return nil }
    let end = try close(context.html, context.pos + open.count)
    let inner = Array(context.html[(context.pos + open.count)..<end])
    var pieces: [[UInt16]] = []
    var p = 0
    while p < inner.count {
      let e = try close(inner, p + 4)
      pieces.append(Array(inner[(p + 4)..<e]))
      p = e + 5
    }
    context.pos = end + 5
    var pairs: [ModelValue.Pair] = []
    for index in stride(from: 0, to: pieces.count, by: 2) {
      var inside = Context(html: pieces[index])
      let key = (try value(type.key, itemprop, &inside, nested: true, depth: depth + 1) ?? .undefined).asSetMember
      var found = ModelValue.undefined
      if index + 1 < pieces.count {
        var inside = Context(html: pieces[index + 1])
        found = try value(type.value, itemprop, &inside, nested: true, depth: depth + 1) ?? .undefined
      } else if !type.value.isScalar {
        throw ModelFailure.typeError
      }
      if let known = pairs.firstIndex(where: { $0.key.isSameValueZero(key) }) {
        pairs[known].value = found
      } else {
        pairs.append(ModelValue.Pair(key, found))
      }
    }
    return .map(pairs)
  }

  private mutating func object(
    _ type: ModelRecipes.ValueType, _ itemprop: [UInt16], _ context: inout Context, _ depth: Int
  ) throws -> ModelValue? {
    var open = units("<div itemprop=\"") + itemprop + units("\">")
    if !starts(context.html, open, context.pos) { open = units("<div>") }
    guard let rules = type.readingRules else { throw ModelFailure.beyondModel }
    let mandatory = rules.filter { !$0.isOptionalNested }
    if starts(context.html, open + units("</div>"), context.pos) {
      guard mandatory.isEmpty else { throw ModelFailure("M2O-EOTFM1") }
      return .object([])
    }
    guard starts(context.html, open, context.pos) else { return nil }
    let end = try close(context.html, context.pos + open.count)
    let inner = Array(context.html[(context.pos + open.count)..<end])
    var members: [ModelValue.Member] = []
    for piece in try children(inner) {
      let at = max(0, try find(piece, units("itemprop"), 0))
      for rule in rules where starts(piece, units("itemprop=\"") + rule.itemprop + units("\""), at) {
        var inside = Context(html: piece)
        let member = try value(rule.type, rule.itemprop, &inside, nested: false, depth: depth + 1) ?? .undefined
        Self.store(member, rule.itemprop, in: &members)
        break
      }
    }
    guard mandatory.allSatisfy({ rule in members.contains { $0.name == rule.itemprop } }) else {
      throw ModelFailure("M2O-EOTFM1")
    }
    context.pos = end + 6
    return .object(members)
  }

  private mutating func children(_ inner: [UInt16]) throws -> [[UInt16]] {
    var pieces: [[UInt16]] = []
    var p = 0
    while p < inner.count {
      let last = try close(inner, p + 1) + 1
      let end = try find(inner, [0x3E], last) + 1
      // No `>`: the reference starts over and over again (S1).
      guard end > 0 else { throw ModelFailure.hang }
      pieces.append(Array(inner[p..<end]))
      p = end
    }
    return pieces
  }
}
