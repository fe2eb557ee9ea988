extension MicrodataCodec {
  /// Reads the bytes of an object (microdata.md 8).
  ///
  /// - Parameters:
  ///   - bytes: UTF-8. `deployed` replaces ill-formed parts by U+FFFD first, as the platform does; `strict` refuses them.
  ///   - expected: the types that the caller takes, else M2O-PHM1.
  ///   - profile: `deployed` reads what the reference reads, quirks included; `strict` only canonical bytes.
  /// - Throws: the code of the first check that fails, with the byte offset and what was expected there.
  public func parse(
    _ bytes: [UInt8], expected: ExpectedType = .any, profile: MicrodataProfile = .deployed,
    limits: MicrodataLimits = .standard
  ) throws(MicrodataError) -> OneDocument {
    try parse(bytes, form: .object, expected: expected, profile: profile, limits: limits)
  }

  /// Reads the bytes of an ID object.
  public func parseId(
    _ bytes: [UInt8], expected: ExpectedType = .any, profile: MicrodataProfile = .deployed,
    limits: MicrodataLimits = .standard
  ) throws(MicrodataError) -> OneDocument {
    try parse(bytes, form: .idObject, expected: expected, profile: profile, limits: limits)
  }

  /// Reads either form.
  public func parse(
    _ bytes: [UInt8], form: ObjectForm, expected: ExpectedType = .any, profile: MicrodataProfile = .deployed,
    limits: MicrodataLimits = .standard
  ) throws(MicrodataError) -> OneDocument {
    let input = try checked(bytes, profile, limits)
    do { return try read(input.bytes, input.kind, form, expected, profile, limits, isFromMemory: false) } catch {
      throw MicrodataError(
        error.code, error.text, offset: error.offset.map { min($0, bytes.count) }, expected: error.expected)
    }
  }

  /// Reads a text that may hold lone surrogates, as only memory can (`strict` refuses those).
  public func parse(
    _ text: OneText, form: ObjectForm, expected: ExpectedType = .any, profile: MicrodataProfile = .deployed,
    limits: MicrodataLimits = .standard
  ) throws(MicrodataError) -> OneDocument {
    if profile == .strict {
      return try parse(text.bytes, form: form, expected: expected, profile: profile, limits: limits)
    }
    let kind = text.bytes.withView { WTF8.kind($0, allowingSurrogates: true) }
    return try read(text.bytes, kind, form, expected, profile, limits, isFromMemory: true)
  }

  /// Refuses bytes that are not canonical; builds no values (18.10).
  public func validate(
    _ bytes: [UInt8], form: ObjectForm = .object, expected: ExpectedType = .any, limits: MicrodataLimits = .standard
  ) throws(MicrodataError) {
    let input = try checked(bytes, .strict, limits)
    let failure: MicrodataError? = input.bytes.withView { view in
      var reader = CanonicalReader(self, view, limits, isStrict: true, wantsValues: false)
      return reader.read(form, expected) ? nil : reader.error
    }
    if let failure { throw failure }
  }

  private func checked(_ bytes: [UInt8], _ profile: MicrodataProfile, _ limits: MicrodataLimits)
    throws(MicrodataError) -> (bytes: [UInt8], kind: WTF8.Kind)
  {
    guard bytes.count <= limits.bytes else {
      throw MicrodataError(.size, "the input has \(bytes.count) bytes, more than \(limits.bytes)")
    }
    let kind = bytes.withView { WTF8.kind($0) }
    guard case .invalid(let offset) = kind else { return (bytes, kind) }
    guard profile == .deployed else {
      throw MicrodataError(.notUTF8, "the input is not UTF-8", offset: offset, expected: "UTF-8")
    }
    return (WTF8.repaired(bytes), .utf8)
  }

  private func read(
    _ bytes: [UInt8], _ kind: WTF8.Kind, _ form: ObjectForm, _ expected: ExpectedType, _ profile: MicrodataProfile,
    _ limits: MicrodataLimits, isFromMemory: Bool
  ) throws(MicrodataError) -> OneDocument {
    var failure: MicrodataError?
    let quick: OneDocument? = bytes.withView { view in
      var reader = CanonicalReader(self, view, limits, isStrict: profile == .strict, wantsValues: true)
      if reader.read(form, expected) {
        return OneDocument(
          content: DocumentContent(
            self, source: bytes, arena: reader.arena.take(), nodes: reader.nodes.take(), recipe: reader.recipe,
            isKnownCanonical: profile == .strict, isFromMemory: isFromMemory))
      }
      // Text that is canonical down to the bound is too deep for the other reader, too.
      if profile == .strict || reader.isTooDeep { failure = reader.error }
      return nil
    }
    if let quick { return quick }
    if let failure { throw failure }
    return try bytes.withView { (view) throws(MicrodataError) in
      var reader = UnitReader(self, UnitText(view, isASCII: kind == .ascii), limits)
      let recipe = try reader.object(form, expected)
      return try reader.document(bytes, recipe: recipe, isFromMemory: isFromMemory)
    }
  }
}
