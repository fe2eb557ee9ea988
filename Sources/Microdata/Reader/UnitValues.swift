extension UnitReader {
  /// `value` of 8.3 as nodes; false, and no node, stands for the reference's undefined. The rule is the one whose value
  /// this is part of.
  mutating func value(
    _ index: Int32, _ rule: RuleCode, _ key: Int32, _ context: inout Context, isNested: Bool, depth: Int
  ) throws(MicrodataError) -> Bool {
    let type = types[index]
    let open = isNested ? type.itemOpen : rule.open
    switch type.kind {
    case .reference:
      guard exploder == nil else { return try explodedReference(type, rule, key, &context, depth) }
      return try reference(open, rule, key, &context)
    case .array, .bag, .set: return try list(type, open, rule, key, &context, depth)
    case .map: return try map(type, open, rule, key, &context, depth)
    case .object: return try nestedObject(type, rule, key, &context, depth)
    default:
      // The exploder looks scalars up by their itemprop wherever they stand, and so misses those of lists and maps.
      if exploder != nil, isNested { return false }
      return try scalar(type, open, rule, key, &context, isNested)
    }
  }

  func checkDepth(_ depth: Int, _ place: Place) throws(MicrodataError) {
    guard depth + explosionDepth <= limits.depth else {
      throw fault(.depth, "nested deeper than \(limits.depth) levels", place, "fewer levels")
    }
  }

  /// A value inside of a container, undefined included.
  private mutating func item(
    _ index: Int32, _ rule: RuleCode, _ low: Place, _ high: Place, _ depth: Int
  ) throws(MicrodataError) {
    var fragment = Context(low, high)
    if try !value(index, rule, -1, &fragment, isNested: true, depth: depth + 1) {
      nodes.append(Node(.undefined, key: -1))
    }
  }

  private mutating func finish(_ kind: NodeKind, _ container: Int, _ count: Int) {
    nodes[container] = Node(kind, key: nodes[container].key, flags: 0, offset: nodes.count, length: count)
  }

  // MARK: references

  private mutating func reference(
    _ open: Template, _ rule: RuleCode, _ key: Int32, _ context: inout Context
  ) throws(MicrodataError) -> Bool {
    let start = html.advance(context.pos, Int(open.units.count))
    // The text is taken before anything says that the element is there at all (A1).
    var end = start
    if start <= context.high {
      guard let found = html.find(0x3C, start, context.high) else {
        throw fault("US-SSFMC1", "no < behind the place of \(property(rule))", min(start, context.high), "<")
      }
      end = found
    }
    guard starts(open, context.pos, context.high) else { return false }
    guard end.byte - start.byte == 64, html.view.isHash(at: start.byte) else {
      throw fault("M2O-PV1", "no hash in \(property(rule))", start, "64 digits 0-9 a-f")
    }
    context.pos = html.advance(end, 4)
    nodes.append(Node(.string, key: key, flags: 0, offset: start.byte, length: 64))
    return true
  }

  // MARK: lists

  private mutating func list(
    _ type: TypeCode, _ open: Template, _ rule: RuleCode, _ key: Int32, _ context: inout Context, _ depth: Int
  ) throws(MicrodataError) -> Bool {
    try checkDepth(depth, context.pos)
    let kind: NodeKind = type.kind == .set ? .set : .array
    let container = nodes.count
    // Asked at the start of the fragment, not at the place.
    if starts(open, context.low, context.high), starts(type.memberClose, behind(open, context.low), context.high) {
      context.pos = html.advance(context.pos, Int(open.units.count + type.memberClose.units.count))
      nodes.append(Node(kind, key: key, flags: 0, offset: container + 1, length: 0))
      return true
    }
    guard starts(open, context.pos, context.high) else { return false }
    let inner = behind(open, context.pos)
    let end = try close(inner, context.high)
    context.pos = html.advance(end, 5)
    nodes.append(Node(kind, key: key))
    var count = 0
    var place = html.advance(inner, 4)
    while let itemEnd = closeOrNil(place, end) {
      try item(type.item, rule, place, itemEnd, depth)
      count += 1
      place = html.advance(itemEnd, 9)
    }
    finish(kind, container, count)
    if kind == .set { makeDistinct(container) }
    return true
  }

  // MARK: maps

  private mutating func map(
    _ type: TypeCode, _ open: Template, _ rule: RuleCode, _ key: Int32, _ context: inout Context, _ depth: Int
  ) throws(MicrodataError) -> Bool {
    try checkDepth(depth, context.pos)
    let container = nodes.count
    if starts(open, context.pos, context.high), starts(type.memberClose, behind(open, context.pos), context.high) {
      context.pos = behind(type.memberClose, behind(open, context.pos))
      nodes.append(Node(.map, key: key, flags: 0, offset: container + 1, length: 0))
      return true
    }
    guard starts(open, context.pos, context.high) else { return false }
    let inner = behind(open, context.pos)
    let end = try close(inner, context.high)
    // All pieces are cut before the first of them is read.
    var place = inner
    while place < end { place = html.advance(try close(html.advance(place, 4), end), 5) }
    context.pos = html.advance(end, 5)
    nodes.append(Node(.map, key: key))
    var count = 0
    place = inner
    while place < end {
      let keyEnd = try close(html.advance(place, 4), end)
      try item(type.key, rule, html.advance(place, 4), keyEnd, depth)
      place = html.advance(keyEnd, 5)
      count += 2
      if place < end {
        let itemEnd = try close(html.advance(place, 4), end)
        try item(type.item, rule, html.advance(place, 4), itemEnd, depth)
        place = html.advance(itemEnd, 5)
      } else if types[type.item].kind.isScalar {
        nodes.append(Node(.undefined, key: -1))
      } else {
        throw fault(.typeError, "a key of \(property(rule)) has no value", context.pos, "a value")
      }
    }
    finish(.map, container, count)
    keepLastOfKey(container)
    return true
  }

  // MARK: nested objects

  private mutating func nestedObject(
    _ type: TypeCode, _ rule: RuleCode, _ key: Int32, _ context: inout Context, _ depth: Int
  ) throws(MicrodataError) -> Bool {
    try checkDepth(depth, context.pos)
    if type.failure >= 0 { throw codec.failures[Int(type.failure)] }
    let open = starts(rule.divOpen, context.pos, context.high) ? rule.divOpen : type.itemOpen
    let isHere = starts(open, context.pos, context.high)
    let container = nodes.count
    if isHere, starts(type.memberClose, behind(open, context.pos), context.high) {
      try checkMandatory(type, [], context.pos)
      // The reference returns without moving on (A2).
      nodes.append(Node(.object, key: key, flags: 0, offset: container + 1, length: 0))
      return true
    }
    guard isHere else { return false }
    let inner = behind(open, context.pos)
    let end = try close(inner, context.high)
    // All pieces are cut before the first of them is read.
    var place = inner
    while place < end { place = try pieceEnd(place, end) }
    nodes.append(Node(.object, key: key))
    var stored: [Int] = []
    var isRepeated = false
    var count = 0
    place = inner
    while place < end {
      let low = place
      place = try pieceEnd(low, end)
      guard let found = matchingRule(type, low, place) else { continue }
      let nested = rules[found]
      if nested.failure >= 0 { throw codec.failures[Int(nested.failure)] }
      var fragment = Context(low, place)
      let start = nodes.count
      if try !value(nested.type, nested, nested.name, &fragment, isNested: false, depth: depth + 1) {
        nodes.append(Node(.undefined, key: nested.name))
      }
      if isPrototype(nested) {
        nodes.truncate(start)
      } else {
        count += 1
        isRepeated = isRepeated || stored.contains { rules[$0].name == nested.name }
      }
      if !stored.contains(found) { stored.append(found) }
    }
    try checkMandatory(type, stored, inner)
    context.pos = html.advance(end, 6)
    finish(.object, container, count)
    if isRepeated { keepLastOfName(container) }
    return true
  }

  private func checkMandatory(_ type: TypeCode, _ stored: [Int], _ place: Place) throws(MicrodataError) {
    let missing = type.rules.indices.filter { !rules[$0].isNestedOptional && !stored.contains($0) }
    guard !missing.isEmpty else { return }
    let names = missing.map { property(rules[$0]) }.joined(separator: ", ")
    throw fault("M2O-EOTFM1", "the nested object lacks \(Extract.of(names))", place, open(rules[missing[0]]))
  }

  /// Where a child of a nested object ends that begins with the `<` at the place: behind the `>` of its end tag.
  private func pieceEnd(_ place: Place, _ end: Place) throws(MicrodataError) -> Place {
    let last = Place(byte: try close(html.advance(place, 1), end).byte + 1)
    guard let bracket = html.find(0x3E, last, end) else {
      // The reference goes back to the start and adds pieces for ever (S1).
      throw fault(.runaway, "the last child's end tag has no >, which the reference never gets over", last, ">")
    }
    return Place(byte: bracket.byte + 1)
  }

  /// The first rule whose `itemprop="…"` is the first text `itemprop` of the piece.
  private func matchingRule(_ type: TypeCode, _ low: Place, _ high: Place) -> Int? {
    var place = low
    var from = low
    while let index = html.find(0x69, from, high) {
      if starts(UnitReaderTexts.itemprop, index, high) {
        place = index
        break
      }
      from = Place(byte: index.byte + 1)
    }
    return type.rules.indices.first { starts(rules[$0].attribute, place, high) }
  }
}
