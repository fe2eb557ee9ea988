extension UnitReader {
  /// The ID object's text cut out of an object's text (microdata.md 10); nil for a type without ID properties.
  ///
  /// It searches the text and parses nothing: an earlier nested member of the same name and tag is taken for the
  /// property, and what follows a wrong end tag goes along.
  mutating func extractId(_ expected: ExpectedType) throws(MicrodataError) -> [UInt8]? {
    var context = Context(0, html.count)
    let recipe = try header(.object, expected, &context)
    guard unsafe codec.recipes[recipe].isVersioned else { return nil }
    var out: [UInt8] = Array("<div data-id-object=\"true\" ".utf8)
    var pieces: [(Int, Int)] = [(5, context.pos)]
    var from = context.pos
    for (rule, code) in idRules(recipe) {
      if code.failure >= 0 { throw codec.failures[Int(code.failure)] }
      let tag = tag(rule, types[code.type].kind)
      let search = OneText("<\(tag) ") + OneText(utf16: code.attribute.units.indices.map { texts[$0] })
      guard let found = find(search.utf16, from) else {
        if rule.optional == .literalTrue { continue }
        throw fault(
          "M2IH-XID1", "the ID property \(property(code)) is not there", from, search.string)
      }
      from = found
      let end = try close(found + search.utf16.count, html.count)
      pieces.append((found, end + tag.utf8.count + 3))
    }
    var units: [UInt16] = []
    for piece in pieces { for index in piece.0..<min(piece.1, html.count) { units.append(html[index]) } }
    out += OneText(utf16: units).bytes
    out += UnitReaderTexts.objectEnd
    return out
  }

  /// The own ID rules of a recipe beside their compiled forms.
  private func idRules(_ recipe: Int) -> [(Rule, RuleCode)] {
    let own = codec.registry.recipes[recipe].rules.filter(\.isId.isTruthy)
    let codes = unsafe codec.recipes[recipe].readerId.indices.map { rules[$0] }
    return Array(zip(own, codes))
  }

  /// The rule's own type counts for lists and maps, the resolved one for references.
  private func tag(_ rule: Rule, _ resolved: TypeKind) -> String {
    switch rule.itemtype {
    case .list(let kind, _): kind.tag
    case .map: "dl"
    default: resolved == .reference ? "a" : "span"
    }
  }

  private func find(_ text: [UInt16], _ start: Int) -> Int? {
    var from = start
    search: while let index = html.find(0x3C, from, html.count) {
      from = index + 1
      guard index + text.count <= html.count else { return nil }
      for offset in 1..<text.count where html[index + offset] != text[offset] { continue search }
      return index
    }
    return nil
  }
}

extension MicrodataCodec {
  /// The bytes of the ID object of an object given as bytes, by the reference's textual shortcut (microdata.md 10);
  /// nil when the type has no ID properties.
  ///
  /// In the strict profile the object must be canonical, and its ID object is written from what was read, so that the
  /// two can never differ (MD-049).
  public func extractId(
    _ bytes: [UInt8], expected: ExpectedType = .any, profile: MicrodataProfile = .deployed,
    limits: MicrodataLimits = .standard
  ) throws(MicrodataError) -> [UInt8]? {
    if profile == .strict {
      let document = try parse(bytes, expected: expected, profile: .strict, limits: limits)
      guard let recipe = document.content.recipe, unsafe recipes[recipe].isVersioned else { return nil }
      return try serialise(document, form: .idObject, profile: .deployed, limits: limits)
    }
    guard bytes.count <= limits.bytes else {
      throw MicrodataError(.size, "the input has \(bytes.count) bytes, more than \(limits.bytes)")
    }
    let repaired = bytes.withView({ WTF8.kind($0) }).isValid ? bytes : WTF8.repaired(bytes)
    return try extractId(OneText(wtf8: repaired), expected: expected, limits: limits).map { WTF8.utf8($0.bytes) }
  }

  /// The same for a text that may hold lone surrogates.
  public func extractId(
    _ text: OneText, expected: ExpectedType = .any, limits: MicrodataLimits = .standard
  ) throws(MicrodataError) -> OneText? {
    let kind = text.bytes.withView { WTF8.kind($0, allowingSurrogates: true) }
    let found: [UInt8]? = try UnitInput.run(text.bytes, kind) { (source) throws(MicrodataError) in
      var reader = UnitReader(self, source, limits)
      return try reader.extractId(expected)
    } units: { (source) throws(MicrodataError) in
      var reader = UnitReader(self, source, limits)
      return try reader.extractId(expected)
    }
    return found.map { OneText(wtf8: $0) }
  }

  /// The bytes whose hash is the ID hash of a stored object: an ID object is its own (microdata.md 10).
  public func idObjectBytes(ofStored bytes: [UInt8], limits: MicrodataLimits = .standard) throws(MicrodataError)
    -> [UInt8]?
  {
    let mark = Array("<div data-id-object=\"true\"".utf8)
    return bytes.starts(with: mark) ? bytes : try extractId(bytes, limits: limits)
  }
}

extension WTF8.Kind {
  var isValid: Bool { if case .invalid = self { false } else { true } }
}
