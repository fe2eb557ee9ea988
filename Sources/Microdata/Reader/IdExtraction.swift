extension UnitReader {
  /// The ID object's text cut out of an object's text (microdata.md 10); nil for a type without ID properties.
  ///
  /// It searches the text and parses nothing: an earlier nested member of the same name and tag is taken for the
  /// property, and what follows a wrong end tag goes along.
  func extractId(_ expected: ExpectedType) throws(MicrodataError) -> [UInt8]? {
    var context = Context(UnitText.start, html.end)
    let recipe = try header(.object, expected, &context)
    guard unsafe codec.recipes[recipe].isVersioned else { return nil }
    var out: [UInt8] = Array("<div data-id-object=\"true\" ".utf8)
    html.append(Place(byte: 5), context.pos, to: &out)
    var from = context.pos
    for (rule, code) in idRules(recipe) {
      if code.failure >= 0 { throw codec.failures[Int(code.failure)] }
      let tag = tag(rule, types[code.type].kind)
      let search = Array("<\(tag) ".utf8) + texts.view(code.attribute.bytes).array
      guard let found = find(search, from) else {
        if rule.optional == .literalTrue { continue }
        throw fault(
          "M2IH-XID1", "the ID property \(property(code)) is not there", from,
          String(decoding: search, as: UTF8.self))
      }
      from = found
      let end = try close(Place(byte: found.byte + search.count), html.end)
      html.append(found, min(html.advance(end, tag.utf8.count + 3), html.end), to: &out)
    }
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

  private func find(_ text: [UInt8], _ start: Place) -> Place? {
    var from = start
    while let index = html.find(0x3C, from, html.end) {
      if starts(text, index, html.end) { return index }
      from = Place(byte: index.byte + 1)
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
    let found: [UInt8]? = try text.bytes.withView { (view) throws(MicrodataError) in
      let reader = UnitReader(self, UnitText(view, isASCII: kind == .ascii), limits)
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
