import WireBytes

/// What an explosion has to remember while the reader of units walks through imploded text.
final class Exploder {
  /// What the reader found, in order: the inner objects before those that refer to them.
  private(set) var files: [(file: StoredFile, hash: String, idHash: String?)] = []
  /// The imploded text; the objects that were read share its bytes.
  var source: [UInt8] = []
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
  func keep(_ object: OneDocument) throws(MicrodataError) -> (hash: String, idHash: String?) {
    let bytes = try codec.serialise(object, limits: limits)
    var idHash: String?
    if let type = object.type, codec.registry[type]?.isVersioned == true {
      idHash = hash(try codec.serialise(object, form: .idObject, limits: limits))
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
      let root: String = try text.bytes.withView { (view) throws(MicrodataError) in
        var reader = UnitReader(self, UnitText(view, isASCII: kind == .ascii), limits)
        reader.exploder = exploder
        return try reader.explodedRoot(text.bytes, expected, exploder)
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
  mutating func explodedRoot(
    _ source: [UInt8], _ expected: ExpectedType, _ exploder: Exploder
  ) throws(MicrodataError) -> String {
    exploder.source = source
    var context = Context(UnitText.start, html.end)
    guard starts(CanonicalReader.objectHeader, context.pos, html.end) else {
      throw fault("MEX-PH1", "no header of an object", context.pos, "<div itemscope itemtype=\"//refin.io/")
    }
    let object = try explodedMembers(expected, &context, exploder)
    guard starts(UnitReaderTexts.objectEnd, context.pos, context.high) else {
      throw fault("MEX-PO1", "the object does not end here", context.pos, "</div>")
    }
    context.pos = html.advance(context.pos, 6)
    guard context.pos >= html.end else {
      throw fault("MEX-PO2", "text behind the object", context.pos, "the end of the input")
    }
    return try exploder.keep(object).hash
  }

  /// The object whose header stands at the place; the place ends before `</div>`.
  private mutating func explodedMembers(
    _ expected: ExpectedType, _ context: inout Context, _ exploder: Exploder
  ) throws(MicrodataError) -> OneDocument {
    let name = Place(byte: context.pos.byte + CanonicalReader.objectHeader.count)
    let recipe = try typeName(name, expected, "MEX-PHD1", &context)
    // An object of its own: a reader of its own.
    var reader = UnitReader(codec, html, limits)
    reader.exploder = exploder
    reader.explosionDepth = explosionDepth
    try reader.members(recipe, .object, &context)
    return try reader.document(exploder.source, recipe: recipe, isFromMemory: true)
  }

  /// A reference in its imploded form: what it holds is kept, its hash is the value.
  mutating func explodedReference(
    _ type: TypeCode, _ rule: RuleCode, _ key: Int32, _ context: inout Context, _ depth: Int
  ) throws(MicrodataError) -> Bool {
    guard let exploder else { return false }
    let open = Array("<span ".utf8)
    guard starts(open, context.pos, context.high) else { return false }
    let attribute = Place(byte: context.pos.byte + open.count)
    guard starts(rule.attribute, attribute, context.high), html[behind(rule.attribute, attribute)] == 0x20 else {
      return false
    }
    context.pos = html.advance(behind(rule.attribute, attribute), 1)
    guard let hash = try quoted("data-hash=\"", &context, "MEX-PHA1", "UTC-EHASH", isOptional: false) else {
      return false
    }
    let idHash = try quoted(" data-id-hash=\"", &context, "UTC-EIDHASH", "UTC-EIDHASH", isOptional: true)
    context.pos = html.advance(context.pos, 1)
    let value: String
    switch type.link {
    case .object, .id: value = try explodedObject(type, hash, idHash, rule, &context, exploder, depth)
    case .clob, .blob: value = try explodedContent(type.link, rule, &context, exploder)
    }
    nodes.append(Node(.string, key: key, flags: Node.inArena, offset: arena.count, length: value.utf8.count))
    arena.append(Array(value.utf8))
    return true
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
    let start = Place(byte: context.pos.byte + text.count)
    let end = html.advance(start, 64)
    guard html[end] == 0x22, end < context.high else {
      throw fault(missing, "no 64 digits in quotes", start, "64 digits and a quote")
    }
    guard html.view.isHash(at: start.byte) else {
      throw fault(wrong, "no hash", start, "64 digits 0-9 a-f")
    }
    context.pos = html.advance(end, 1)
    return String(decoding: html.view.slice(start.byte, end.byte).array, as: UTF8.self)
  }

  private mutating func explodedObject(
    _ type: TypeCode, _ hash: String, _ idHash: String?, _ rule: RuleCode, _ context: inout Context,
    _ exploder: Exploder, _ depth: Int
  ) throws(MicrodataError) -> String {
    explosionDepth += depth
    defer { explosionDepth -= depth }
    try checkDepth(1, context.pos)
    guard starts(CanonicalReader.objectHeader, context.pos, context.high) else {
      throw fault("MEX-PIH2", "no object in \(property(rule))", context.pos, "<div itemscope itemtype=\"//refin.io/")
    }
    let allowed = type.allowedTypes >= 0 ? codec.allowedTypes[Int(type.allowedTypes)] : []
    let object = try explodedMembers(.oneOf(allowed), &context, exploder)
    guard starts(UnitReaderTexts.objectEnd, context.pos, context.high) else {
      throw fault("MEX-PIO1", "the inner object does not end here", context.pos, "</div>")
    }
    context.pos = html.advance(context.pos, 6)
    let kept = try exploder.keep(object)
    if kept.hash != hash || idHash != nil && idHash != kept.idHash {
      throw fault(
        "MEX-PIO2", "the inner object of \(property(rule)) has the hash \(kept.hash)", context.pos, hash)
    }
    if type.link == .id, idHash == nil {
      throw fault("MEX-PIO3", "\(property(rule)) has no data-id-hash", context.pos, "data-id-hash")
    }
    try closeSpan(&context)
    if type.link == .id, let id = kept.idHash { return id }
    return kept.hash
  }

  private func closeSpan(_ context: inout Context) throws(MicrodataError) {
    guard starts(Array("</span>".utf8), context.pos, context.high) else {
      throw fault("MEX-PIO4", "the reference does not end here", context.pos, "</span>")
    }
    context.pos = html.advance(context.pos, 7)
  }

  private func explodedContent(
    _ link: ItemType.ReferenceKind, _ rule: RuleCode, _ context: inout Context, _ exploder: Exploder
  ) throws(MicrodataError) -> String {
    guard let end = html.find(0x3C, context.pos, context.high) else {
      throw fault("US-SSFMC1", "no < behind the content of \(property(rule))", context.pos, "<")
    }
    var raw: [UInt8] = []
    html.append(context.pos, end, to: &raw)
    context.pos = end
    try closeSpan(&context)
    let file: StoredFile =
      link == .clob
      ? .clob(OneText(wtf8: raw).unescaped) : .blob(Base64.decode(String(decoding: raw, as: UTF8.self)) ?? [])
    return exploder.keep(file)
  }
}
