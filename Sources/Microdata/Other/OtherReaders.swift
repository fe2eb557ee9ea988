extension MicrodataCodec {
  /// Sorted JSON of an object or ID object with `$type$` (microdata.md 11). The deployed reader takes no end tag and any
  /// text behind it; `strict` reads the whole.
  public func json(
    _ bytes: [UInt8], expected: ExpectedType = .any, profile: MicrodataProfile = .deployed,
    limits: MicrodataLimits = .standard
  ) throws(MicrodataError) -> OneText {
    let mark = Array("data-id-object".utf8)
    let form: ObjectForm = bytes.dropFirst(5).starts(with: mark) ? .idObject : .object
    if profile == .strict {
      let document = try parse(bytes, form: form, expected: expected, profile: .strict, limits: limits)
      return try MicrodataCodec.sortedJSON(document.value, limits: limits)
    }
    let kind = bytes.withView { WTF8.kind($0) }
    let source = kind.isValid ? bytes : WTF8.repaired(bytes)
    let document: OneDocument = try source.withView { (view) throws(MicrodataError) in
      var reader = UnitReader(self, UnitText(view, isASCII: kind == .ascii), limits)
      let recipe = try reader.unfinished(form, expected)
      return try reader.document(source, recipe: recipe, isFromMemory: false)
    }
    return try MicrodataCodec.sortedJSON(document.value, limits: limits)
  }

  /// What kind of file the bytes are (microdata.md 11): `CLOB`, a type name, or a type name and ` [ID]`.
  ///
  /// The type need not be known. Throws UO-TFM1 for an empty name, US-SSFMC1 for a header without an end.
  public static func peekType(_ bytes: [UInt8]) throws(MicrodataError) -> OneText {
    let isObject = bytes.starts(with: CanonicalReader.objectHeader)
    guard isObject || bytes.starts(with: CanonicalReader.idHeader) else { return "CLOB" }
    let start = isObject ? CanonicalReader.objectHeader.count : CanonicalReader.idHeader.count
    let name: OneText = try bytes.withView { (view) throws(MicrodataError) in
      var from = start
      while let quote = view.find(0x22, from: from) {
        if view[quote + 1] == 0x3E { return OneText(view.slice(start, quote)) }
        from = quote + 1
      }
      throw MicrodataError("US-SSFMC1", "the header has no end", offset: start, expected: "\">")
    }
    guard !name.isEmpty else {
      throw MicrodataError("UO-TFM1", "the header names no type", offset: start, expected: "a type name")
    }
    return isObject ? name : name + " [ID]"
  }
}

extension UnitReader {
  /// Steps 2 to 6 of 8.1 only: the index of the recipe.
  mutating func unfinished(_ form: ObjectForm, _ expected: ExpectedType) throws(MicrodataError) -> Int {
    var context = Context(UnitText.start, html.end)
    let recipe = try header(form, expected, &context)
    try members(recipe, form, &context)
    return recipe
  }
}
