extension UnitReader {
  /// `value` of 8.3; `.undefined` stands for the reference's undefined. The rule is the one whose value this is part of.
  mutating func value(
    _ index: Int32, _ rule: RuleCode, _ context: inout Context, isNested: Bool, depth: Int
  ) throws(MicrodataError) -> OneValue {
    let type = types[index]
    let open = isNested ? type.itemOpen : rule.open
    switch type.kind {
    case .reference:
      guard exploder == nil else { return try explodedReference(type, rule, &context, depth) }
      return try reference(open, rule, &context)
    case .array, .bag, .set: return try list(type, open, rule, &context, depth)
    case .map: return try map(type, open, rule, &context, depth)
    case .object: return try nestedObject(type, rule, &context, depth)
    default:
      // The exploder looks scalars up by their itemprop wherever they stand, and so misses those of lists and maps.
      if exploder != nil, isNested { return .undefined }
      return try scalar(type, open, rule, &context, isNested)
    }
  }

  func checkDepth(_ depth: Int, _ pos: Int) throws(MicrodataError) {
    guard depth <= limits.depth else {
      throw fault(.depth, "nested deeper than \(limits.depth) levels", pos, "fewer levels")
    }
  }

  // MARK: scalars

  private func scalar(
    _ type: TypeCode, _ open: Template, _ rule: RuleCode, _ context: inout Context, _ isNested: Bool
  ) throws(MicrodataError) -> OneValue {
    var low = context.low
    var high = context.high
    if !isNested {
      guard starts(open, context.pos, context.high) else { return .undefined }
      low = context.pos + Int(open.units.count)
      // SUB with the length of a search: nothing behind the end, a failure where no `<` is.
      if let end = html.find(0x3C, low, context.high) {
        high = end
      } else {
        throw fault("US-SSFMC1", "no < behind the value of \(property(rule))", low, "<")
      }
      context.pos = high + 7
    }
    return try convert(type, html.wtf8(low, high), low, rule)
  }

  /// The text of a scalar as a value.
  func convert(_ type: TypeCode, _ raw: [UInt8], _ pos: Int, _ rule: RuleCode) throws(MicrodataError) -> OneValue {
    if type.regexp >= 0 {
      let pair = codec.regexps[Int(type.regexp)]
      let regexp = try pair.reader.get()
      let steps = limits.regexpSteps
      let fits = try raw.withView { (view) throws(MicrodataError) in try regexp.matches(view, steps: steps) }
      guard fits else {
        throw fault(
          "M2O-PV3", "the text of \(property(rule)) does not match", pos,
          "text that matches /\(Extract.of(regexp.source.source.string))/")
      }
    }
    if raw.isEmpty { return .string("") }
    let text = raw.withView { Escaping.unescaped($0) }
    switch type.kind {
    case .boolean: return .bool(text == UnitScalars.trueWord)
    case .integer, .number: return .number(text.withView { NumberText.parse($0) })
    case .json:
      let limit = limits.jsonDepth
      do throws(MicrodataError) {
        return try text.withView { (view) throws(MicrodataError) in try JSONText.value(view, depthLimit: limit) }
      } catch {
        throw fault(error.code, error.text + " in the value of \(property(rule))", pos, error.expected)
      }
    default: return .string(OneText(wtf8: text))
    }
  }

  // MARK: references

  private func reference(_ open: Template, _ rule: RuleCode, _ context: inout Context) throws(MicrodataError)
    -> OneValue
  {
    let start = context.pos + Int(open.units.count)
    // The text is taken before anything says that the element is there at all (A1).
    var end = start
    if start <= context.high {
      guard let found = html.find(0x3C, start, context.high) else {
        throw fault("US-SSFMC1", "no < behind the place of \(property(rule))", min(start, context.high), "<")
      }
      end = found
    }
    guard starts(open, context.pos, context.high) else { return .undefined }
    guard end - start == 64, (start..<end).allSatisfy({ UnitScalars.isHashDigit(html[$0]) }) else {
      throw fault("M2O-PV1", "no hash in \(property(rule))", start, "64 digits 0-9 a-f")
    }
    context.pos = start + 64 + 4
    return .string(OneText(wtf8: html.wtf8(start, end)))
  }

  // MARK: lists

  private mutating func list(
    _ type: TypeCode, _ open: Template, _ rule: RuleCode, _ context: inout Context, _ depth: Int
  ) throws(MicrodataError) -> OneValue {
    try checkDepth(depth, context.pos)
    let length = Int(open.units.count)
    // Asked at the start of the fragment, not at the place.
    if starts(open, context.low, context.high), starts(type.memberClose, context.low + length, context.high) {
      context.pos += length + Int(type.memberClose.units.count)
      return type.kind == .set ? .set([]) : .array([])
    }
    guard starts(open, context.pos, context.high) else { return .undefined }
    let inner = context.pos + length
    let end = try close(inner, context.high)
    var ranges: [(Int, Int)] = []
    var place = inner + 4
    while let itemEnd = closeOrNil(place, end) {
      ranges.append((place, itemEnd))
      place = itemEnd + 9
    }
    context.pos = end + 5
    var items: [OneValue] = []
    items.reserveCapacity(ranges.count)
    for (low, high) in ranges {
      var fragment = Context(low, high)
      items.append(try value(type.item, rule, &fragment, isNested: true, depth: depth + 1))
    }
    return type.kind == .set ? .set(UnitScalars.distinct(items)) : .array(items)
  }

  // MARK: maps

  private mutating func map(
    _ type: TypeCode, _ open: Template, _ rule: RuleCode, _ context: inout Context, _ depth: Int
  ) throws(MicrodataError) -> OneValue {
    try checkDepth(depth, context.pos)
    let length = Int(open.units.count)
    if starts(open, context.pos, context.high), starts(type.memberClose, context.pos + length, context.high) {
      context.pos += length + Int(type.memberClose.units.count)
      return .map([])
    }
    guard starts(open, context.pos, context.high) else { return .undefined }
    let inner = context.pos + length
    let end = try close(inner, context.high)
    var pieces: [(Int, Int)] = []
    var place = inner
    while place < end {
      let pieceEnd = try close(place + 4, end)
      pieces.append((place + 4, pieceEnd))
      place = pieceEnd + 5
    }
    context.pos = end + 5
    var entries: [OneMapEntry] = []
    var index = 0
    while index < pieces.count {
      var fragment = Context(pieces[index].0, pieces[index].1)
      let key = try value(type.key, rule, &fragment, isNested: true, depth: depth + 1)
      var item = OneValue.undefined
      if index + 1 < pieces.count {
        var fragment = Context(pieces[index + 1].0, pieces[index + 1].1)
        item = try value(type.item, rule, &fragment, isNested: true, depth: depth + 1)
      } else if !types[type.item].kind.isScalar {
        throw fault(.typeError, "a key of \(property(rule)) has no value", context.pos, "a value")
      }
      entries.append(OneMapEntry(key, item))
      index += 2
    }
    return .map(UnitScalars.lastWins(entries))
  }

  // MARK: nested objects

  private mutating func nestedObject(
    _ type: TypeCode, _ rule: RuleCode, _ context: inout Context, _ depth: Int
  ) throws(MicrodataError) -> OneValue {
    try checkDepth(depth, context.pos)
    if type.failure >= 0 { throw codec.failures[Int(type.failure)] }
    let open = starts(rule.divOpen, context.pos, context.high) ? rule.divOpen : type.itemOpen
    let length = Int(open.units.count)
    let isHere = starts(open, context.pos, context.high)
    if isHere, starts(type.memberClose, context.pos + length, context.high) {
      try checkMandatory(type, [], context.pos)
      // The reference returns without moving on (A2).
      return .object(OneObject())
    }
    guard isHere else { return .undefined }
    let inner = context.pos + length
    let end = try close(inner, context.high)
    var object = OneObject()
    var stored: Set<Int> = []
    for piece in try pieces(inner, end) {
      guard let found = matchingRule(type, piece.0, piece.1) else { continue }
      let nested = rules[found]
      if nested.failure >= 0 { throw codec.failures[Int(nested.failure)] }
      var fragment = Context(piece.0, piece.1)
      let value = try value(nested.type, nested, &fragment, isNested: false, depth: depth + 1)
      stored.insert(found)
      if codec.names[Int(nested.name)] != "__proto__" { object.set(codec.names[Int(nested.name)], value) }
    }
    try checkMandatory(type, stored, inner)
    context.pos = end + 6
    return .object(object)
  }

  private func checkMandatory(_ type: TypeCode, _ stored: Set<Int>, _ pos: Int) throws(MicrodataError) {
    let missing = type.rules.indices.filter { !rules[$0].isNestedOptional && !stored.contains($0) }
    guard !missing.isEmpty else { return }
    let names = missing.map { property(rules[$0]) }.joined(separator: ", ")
    throw fault("M2O-EOTFM1", "the nested object lacks \(Extract.of(names))", pos, open(rules[missing[0]]))
  }

  /// The children of a nested object: from one `<` to behind the `>` of its end.
  private func pieces(_ inner: Int, _ end: Int) throws(MicrodataError) -> [(Int, Int)] {
    var pieces: [(Int, Int)] = []
    var place = inner
    while place < end {
      let last = try close(place + 1, end) + 1
      guard let bracket = html.find(0x3E, last, end) else {
        // The reference goes back to the start and adds pieces for ever (S1).
        throw fault(.runaway, "the last child's end tag has no >, which the reference never gets over", last, ">")
      }
      pieces.append((place, bracket + 1))
      place = bracket + 1
    }
    return pieces
  }

  /// The first rule whose `itemprop="…"` is the first text `itemprop` of the piece.
  private func matchingRule(_ type: TypeCode, _ low: Int, _ high: Int) -> Int? {
    var place = low
    var from = low
    while let index = html.find(0x69, from, high) {
      if starts(UnitReaderTexts.itemprop, index, high) {
        place = index
        break
      }
      from = index + 1
    }
    return type.rules.indices.first { starts(rules[$0].attribute, place, high) }
  }
}

enum UnitScalars {
  static let trueWord: [UInt8] = Array("true".utf8)

  static func isHashDigit(_ unit: UInt16) -> Bool { unit >= 0x30 && unit <= 0x39 || unit >= 0x61 && unit <= 0x66 }

  /// What SameValueZero compares of a value; nil for values that are never the same.
  private enum Key: Hashable {
    case undefined, null
    case bool(Bool)
    case number(UInt64)
    case string(OneText)
  }

  private static func key(_ value: OneValue) -> Key? {
    switch value {
    case .undefined: .undefined
    case .null: .null
    case .bool(let value): .bool(value)
    case .number(let value): .number(value.isNaN ? Double.nan.bitPattern : value == 0 ? 0 : value.bitPattern)
    case .string(let text): .string(text)
    default: nil
    }
  }

  /// The members of a set: the first of the same values stays.
  static func distinct(_ items: [OneValue]) -> [OneValue] {
    var seen: Set<Key> = []
    return items.filter { item in key(item).map { seen.insert($0).inserted } ?? true }.map(plusZero)
  }

  /// Sets and maps take -0 in as 0.
  private static func plusZero(_ value: OneValue) -> OneValue {
    if case .number(let number) = value, number == 0 { .number(0) } else { value }
  }

  /// The entries of a map: the last value of a key, at the key's first place.
  static func lastWins(_ entries: [OneMapEntry]) -> [OneMapEntry] {
    var places: [Key: Int] = [:]
    var out: [OneMapEntry] = []
    for entry in entries {
      guard let key = key(entry.key) else {
        out.append(entry)
        continue
      }
      if let place = places[key] {
        out[place].value = entry.value
      } else {
        places[key] = out.count
        out.append(OneMapEntry(plusZero(entry.key), entry.value))
      }
    }
    return out
  }
}
