extension MicrodataCodec {
  /// Writes an object as the reference does, byte for byte (microdata.md 3).
  ///
  /// - Parameters:
  ///   - form: `idObject` writes the ID object: the ID properties under the other header.
  ///   - profile: `strict` refuses to write what cannot be read back (18.10).
  /// - Returns: UTF-8; a lone surrogate of the value is U+FFFD in it.
  /// - Throws: the code of the first check that fails (3.2).
  public func serialise(
    _ value: OneValue, form: ObjectForm = .object, profile: MicrodataProfile = .deployed,
    limits: MicrodataLimits = .standard
  ) throws(MicrodataError) -> [UInt8] {
    WTF8.utf8(try text(value, form: form, profile: profile, limits: limits).bytes)
  }

  /// Writes a document that this or another codec has read.
  public func serialise(
    _ document: OneDocument, form: ObjectForm = .object, profile: MicrodataProfile = .deployed,
    limits: MicrodataLimits = .standard
  ) throws(MicrodataError) -> [UInt8] {
    let bytes = try written(document, form, profile, limits)
    // Only texts from memory can have surrogates of their own.
    return document.content.isFromMemory ? WTF8.utf8(bytes) : bytes
  }

  /// The text in memory, before it becomes bytes: lone surrogates of the value still stand in it.
  public func text(
    _ value: OneValue, form: ObjectForm = .object, profile: MicrodataProfile = .deployed,
    limits: MicrodataLimits = .standard
  ) throws(MicrodataError) -> OneText {
    let document = try DocumentBuilder.document(value, self, limits)
    return OneText(wtf8: try written(document, form, profile, limits))
  }

  /// The text in memory of a document.
  public func text(
    _ document: OneDocument, form: ObjectForm = .object, profile: MicrodataProfile = .deployed,
    limits: MicrodataLimits = .standard
  ) throws(MicrodataError) -> OneText {
    OneText(wtf8: try written(document, form, profile, limits))
  }

  private func written(
    _ document: OneDocument, _ form: ObjectForm, _ profile: MicrodataProfile, _ limits: MicrodataLimits
  ) throws(MicrodataError) -> [UInt8] {
    var content = document.content
    if content.codec !== self { content = try DocumentBuilder.document(document.value, self, limits).content }
    // Written straight into the array; what turns out longer than expected goes through memory of its own.
    let expected = unsafe content.source.count + content.arena.count / 4 + content.nodes.count * 16 / 8 + 256
    let capacity = unsafe content.recipe == nil ? content.arena.count + content.nodes.count * 32 + 512 : expected
    var failure: MicrodataError?
    var longer: [UInt8]?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { memory, count in
      content.source.withView { source in
        var writer = unsafe DocumentWriter(
          DocumentView(content, source), self, profile, limits, into: Buffer(borrowing: memory))
        do throws(MicrodataError) { try writer.write(form) } catch {
          failure = error
          return
        }
        if writer.out.isBorrowed { count = writer.out.count } else { longer = writer.out.array }
      }
    }
    if let failure { throw failure }
    return longer ?? bytes
  }

  /// The sorted JSON of a stringifiable, before escaping (microdata.md 5).
  public static func sortedJSON(
    _ value: OneValue, profile: MicrodataProfile = .deployed, limits: MicrodataLimits = .standard
  ) throws(MicrodataError) -> OneText {
    OneText(wtf8: try SortedJSON.text(value, profile: profile, limits: limits))
  }

  /// Reads the (unescaped) JSON text of a stringifiable.
  public static func parseJSON(_ text: OneText, limits: MicrodataLimits = .standard) throws(MicrodataError) -> OneValue
  {
    let limit = limits.jsonDepth
    return try text.bytes.withView { (view) throws(MicrodataError) in try JSONText.value(view, depthLimit: limit) }
  }

  /// ECMAScript's text of a number; nil for NaN and the infinities, which are written as `null`.
  public static func numberText(_ value: Double) -> String? { value.isFinite ? NumberText.text(value) : nil }

  /// ECMAScript `Number(text)`.
  public static func number(_ text: OneText) -> Double { text.bytes.withView { NumberText.parse($0) } }
}
