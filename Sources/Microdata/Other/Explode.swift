import WireBytes

/// What an explosion has to remember while the reader of units walks through imploded text.
final class Exploder {
  /// What the reader found, in order: the inner objects before those that refer to them.
  private(set) var files: [(file: StoredFile, hash: String, idHash: String?)] = []
  private let codec: MicrodataCodec
  private let limits: MicrodataLimits
  private let hash: ([UInt8]) -> String
  /// Called for every file at once, before anything is compared (deployed).
  private let storeAtOnce: ((StoredFile, String, String?) -> Void)?

  init(
    _ codec: MicrodataCodec, _ limits: MicrodataLimits, hash: @escaping ([UInt8]) -> String,
    storeAtOnce: ((StoredFile, String, String?) -> Void)?
  ) {
    self.codec = codec
    self.limits = limits
    self.hash = hash
    self.storeAtOnce = storeAtOnce
  }

  /// Writes an object and keeps it; the hash and, for versioned types, the ID hash.
  func keep(_ object: OneObject) throws(MicrodataError) -> (hash: String, idHash: String?) {
    let bytes = try codec.serialise(.object(object), limits: limits)
    var idHash: String?
    if let type = object.type, codec.registry[type]?.isVersioned == true {
      idHash = hash(try codec.serialise(.object(object), form: .idObject, limits: limits))
    }
    return (keep(.object(bytes), idHash: idHash), idHash)
  }

  func keep(_ file: StoredFile, idHash: String? = nil) -> String {
    let name = hash(file.bytes)
    files.append((file, name, idHash))
    storeAtOnce?(file, name, idHash)
    return name
  }
}

extension MicrodataCodec {
  /// Takes imploded text apart, puts every object, CLOB and BLOB into the store, and gives the root's hash
  /// (microdata.md 12).
  ///
  /// `deployed` stores each inner object before its hash is compared, as the reference does; `strict` stores nothing
  /// unless everything fits (MD-084).
  public func explode<Store: ObjectStore>(
    _ bytes: [UInt8], into store: inout Store, expected: ExpectedType = .any,
    profile: MicrodataProfile = .deployed, limits: MicrodataLimits = .standard
  ) throws(MicrodataError) -> String {
    let kind = bytes.withView { WTF8.kind($0) }
    if profile == .strict, !kind.isValid { throw MicrodataError(.notUTF8, "the input is not UTF-8") }
    let source = kind.isValid ? bytes : WTF8.repaired(bytes)
    return try explode(OneText(wtf8: source), into: &store, expected: expected, profile: profile, limits: limits)
  }

  /// The same for a text that may hold lone surrogates.
  public func explode<Store: ObjectStore>(
    _ text: OneText, into store: inout Store, expected: ExpectedType = .any,
    profile: MicrodataProfile = .deployed, limits: MicrodataLimits = .standard
  ) throws(MicrodataError) -> String {
    let hasher = store
    let exploder = Exploder(self, limits, hash: { hasher.hash($0) }, storeAtOnce: nil)
    let kind = text.bytes.withView { WTF8.kind($0, allowingSurrogates: true) }
    do throws(MicrodataError) {
      let root: String = try UnitInput.run(text.bytes, kind) { (source) throws(MicrodataError) in
        var reader = UnitReader(self, source, limits)
        reader.exploder = exploder
        return try reader.explodedRoot(expected, exploder)
      } units: { (source) throws(MicrodataError) in
        var reader = UnitReader(self, source, limits)
        reader.exploder = exploder
        return try reader.explodedRoot(expected, exploder)
      }
      for file in exploder.files { store.store(file.file, hash: file.hash, idHash: file.idHash) }
      return root
    } catch {
      if profile == .deployed {
        for file in exploder.files { store.store(file.file, hash: file.hash, idHash: file.idHash) }
      }
      throw error
    }
  }
}

extension UnitReader {
  mutating func explodedRoot(_ expected: ExpectedType, _ exploder: Exploder) throws(MicrodataError) -> String {
    var context = Context(0, html.count)
    guard starts(CanonicalReader.objectHeader, 0, html.count) else {
      throw fault("MEX-PH1", "no header of an object", 0, "<div itemscope itemtype=\"//refin.io/")
    }
    let object = try explodedMembers(expected, &context)
    guard starts(end6, context.pos, context.high) else {
      throw fault("MEX-PO1", "the object does not end here", context.pos, "</div>")
    }
    context.pos += 6
    guard context.pos >= html.count else {
      throw fault("MEX-PO2", "text behind the object", context.pos, "the end of the input")
    }
    return try exploder.keep(object).hash
  }

  /// The type of the header that stands at the place, checked, and the members; the place ends before `</div>`.
  private mutating func explodedMembers(_ expected: ExpectedType, _ context: inout Context) throws(MicrodataError)
    -> OneObject
  {
    let start = context.pos + CanonicalReader.objectHeader.count
    guard let end = headerEnd(start) else { throw fault("US-SSFMC1", "the header has no end", start, "\">") }
    let name = OneText(wtf8: html.wtf8(start, end))
    guard let recipe = name.bytes.withView({ codec.recipe(named: $0) }) else {
      throw fault("OR-ET1", "no recipe for the type \(Extract.of(name.string))", start, "a known type")
    }
    guard expected.takes(name) else {
      throw fault("MEX-PHD1", "the type \(Extract.of(name.string)) is not allowed here", start, expected.text)
    }
    context.pos = end + 2
    return try members(recipe, .object, &context)
  }

  /// A reference in its imploded form: what it holds is kept, its hash is the value.
  mutating func explodedReference(
    _ type: TypeCode, _ rule: RuleCode, _ context: inout Context, _ depth: Int
  ) throws(MicrodataError) -> OneValue {
    guard let exploder else { return .undefined }
    let open = Array("<span ".utf8)
    let attribute = Int(rule.attribute.units.count)
    guard starts(open, context.pos, context.high), starts(rule.attribute, context.pos + 6, context.high),
      html[context.pos + 6 + attribute] == 0x20
    else { return .undefined }
    context.pos += 7 + attribute
    guard let hash = try quoted("data-hash=\"", &context, "MEX-PHA1", "UTC-EHASH", isOptional: false) else {
      return .undefined
    }
    let idHash = try quoted(" data-id-hash=\"", &context, "UTC-EIDHASH", "UTC-EIDHASH", isOptional: true)
    context.pos += 1
    switch type.link {
    case .object, .id: return try explodedObject(type, hash, idHash, rule, &context, exploder, depth)
    case .clob, .blob: return try explodedContent(type.link, rule, &context, exploder)
    }
  }

  /// `name="` 64 digits `"`; nil when it is optional and not there.
  private func quoted(
    _ name: String, _ context: inout Context, _ missing: MicrodataCode, _ wrong: MicrodataCode, isOptional: Bool
  ) throws(MicrodataError) -> String? {
    let text = Array(name.utf8)
    guard starts(text, context.pos, context.high) else {
      if isOptional { return nil }
      throw fault(missing, "no \(name)", context.pos, name)
    }
    let start = context.pos + text.count
    guard html[start + 64] == 0x22, start + 64 < context.high else {
      throw fault(missing, "no 64 digits in quotes", start, "64 digits and a quote")
    }
    guard (start..<start + 64).allSatisfy({ UnitScalars.isHashDigit(html[$0]) }) else {
      throw fault(wrong, "no hash", start, "64 digits 0-9 a-f")
    }
    context.pos = start + 65
    return String(decoding: html.wtf8(start, start + 64), as: UTF8.self)
  }

  private mutating func explodedObject(
    _ type: TypeCode, _ hash: String, _ idHash: String?, _ rule: RuleCode, _ context: inout Context,
    _ exploder: Exploder, _ depth: Int
  ) throws(MicrodataError) -> OneValue {
    explosionDepth += 1
    defer { explosionDepth -= 1 }
    try checkDepth(depth + explosionDepth, context.pos)
    guard starts(CanonicalReader.objectHeader, context.pos, context.high) else {
      throw fault("MEX-PIH2", "no object in \(property(rule))", context.pos, "<div itemscope itemtype=\"//refin.io/")
    }
    let allowed = type.allowedTypes >= 0 ? codec.allowedTypes[Int(type.allowedTypes)] : []
    let object = try explodedMembers(.oneOf(allowed), &context)
    guard starts(end6, context.pos, context.high) else {
      throw fault("MEX-PIO1", "the inner object does not end here", context.pos, "</div>")
    }
    context.pos += 6
    let kept = try exploder.keep(object)
    if kept.hash != hash || idHash != nil && idHash != kept.idHash {
      throw fault(
        "MEX-PIO2", "the inner object of \(property(rule)) has the hash \(kept.hash)", context.pos, hash)
    }
    if type.link == .id, idHash == nil {
      throw fault("MEX-PIO3", "\(property(rule)) has no data-id-hash", context.pos, "data-id-hash")
    }
    try closeSpan(&context)
    if type.link == .id, let id = kept.idHash { return .string(OneText(id)) }
    return .string(OneText(kept.hash))
  }

  private func closeSpan(_ context: inout Context) throws(MicrodataError) {
    guard starts(Array("</span>".utf8), context.pos, context.high) else {
      throw fault("MEX-PIO4", "the reference does not end here", context.pos, "</span>")
    }
    context.pos += 7
  }

  private func explodedContent(
    _ link: ItemType.ReferenceKind, _ rule: RuleCode, _ context: inout Context, _ exploder: Exploder
  ) throws(MicrodataError) -> OneValue {
    guard let end = html.find(0x3C, context.pos, context.high) else {
      throw fault("US-SSFMC1", "no < behind the content of \(property(rule))", context.pos, "<")
    }
    let raw = html.wtf8(context.pos, end)
    context.pos = end
    try closeSpan(&context)
    let file: StoredFile =
      link == .clob
      ? .clob(OneText(wtf8: raw).unescaped) : .blob(Base64.decode(String(decoding: raw, as: UTF8.self)) ?? [])
    return .string(OneText(exploder.keep(file)))
  }
}
