/// The deployed reader, step by step as microdata.md 8 describes it, over code units.
///
/// It walks the recipe, not the markup: end tags are skipped unseen, list items found by counting, and so on. Where the
/// reference would not come back (S1) or overflow its stack (S2), it throws. Values become nodes at once.
struct UnitReader: ~Copyable {
  typealias Place = UnitText.Place

  /// A fragment of the input and the place in it.
  struct Context {
    let low: Place
    let high: Place
    var pos: Place

    init(_ low: Place, _ high: Place) {
      self.low = low
      self.high = high
      pos = low
    }
  }

  let codec: MicrodataCodec
  let html: UnitText
  let limits: MicrodataLimits
  let types: Table<TypeCode>
  let rules: Table<RuleCode>
  let texts: Table<UInt8>
  var nodes = Buffer<Node>()
  var arena = Buffer<UInt8>()
  /// True once a text began inside of a scalar.
  var hasLoneSurrogates = false
  /// Explosion replaces the reading of references (microdata.md 12).
  var exploder: Exploder?
  /// Imploded objects open around the place.
  var explosionDepth = 0

  init(_ codec: MicrodataCodec, _ html: UnitText, _ limits: MicrodataLimits) {
    self.codec = codec
    self.html = html
    self.limits = limits
    unsafe types = codec.types
    unsafe rules = codec.rules
    unsafe texts = codec.bytes
  }

  /// Steps 2 to 8 of 8.1: the index of the recipe; the nodes hold the object.
  mutating func object(_ form: ObjectForm, _ expected: ExpectedType) throws(MicrodataError) -> Int {
    var context = Context(UnitText.start, html.end)
    let recipe = try header(form, expected, &context)
    nodes.reserve(Node.room(for: html.view.count))
    try members(recipe, form, &context)
    guard starts(UnitReaderTexts.objectEnd, context.pos, context.high) else {
      throw fault("M2O-POM1", "the object does not end here", context.pos, "</div>")
    }
    context.pos = html.advance(context.pos, 6)
    guard context.pos >= html.end else {
      throw fault(
        "M2O-PCONV2", "\(html.unitsBehind(context.pos)) characters behind the object", context.pos,
        "the end of the input")
    }
    return recipe
  }

  /// Steps 2 to 5: the index of the recipe; the place moves behind `">`.
  func header(_ form: ObjectForm, _ expected: ExpectedType, _ context: inout Context) throws(MicrodataError) -> Int {
    let header = form == .object ? CanonicalReader.objectHeader : CanonicalReader.idHeader
    guard starts(header, UnitText.start, html.end) else {
      let kind = form == .object ? "object" : "ID object"
      throw fault(
        "M2O-PH1", "no header of an \(kind)", UnitText.start, String(decoding: header, as: UTF8.self))
    }
    return try typeName(Place(byte: header.count), expected, "M2O-PHM1", &context)
  }

  /// The type whose name begins at `start`, checked; the place moves behind `">`.
  func typeName(
    _ start: Place, _ expected: ExpectedType, _ unexpected: MicrodataCode, _ context: inout Context
  ) throws(MicrodataError) -> Int {
    guard let end = headerEnd(start) else { throw fault("US-SSFMC1", "the header has no end", start, "\">") }
    let name = OneText(html.view.slice(start.byte, end.byte))
    guard let recipe = name.bytes.withView({ codec.recipe(named: $0) }) else {
      throw fault(
        "OR-ET1", "no recipe for the type \(Extract.of(name.string))", start, "the name of a known recipe")
    }
    guard expected.takes(name) else {
      throw fault(
        unexpected, "the type is \(Extract.of(name.string))", start, "type \(Extract.of(expected.text))")
    }
    context.pos = html.advance(end, 2)
    return recipe
  }

  private func headerEnd(_ start: Place) -> Place? {
    var from = start
    while let index = html.find(0x22, from, html.end) {
      from = html.advance(index, 1)
      if html[from] == 0x3E { return index }
    }
    return nil
  }

  /// Step 6: the members in the order of the rules, as one object node.
  mutating func members(_ recipe: Int, _ form: ObjectForm, _ context: inout Context) throws(MicrodataError) {
    let code = unsafe codec.recipes[recipe]
    let root = nodes.count
    var count = 0
    nodes.append(Node(.object, key: -1))
    for index in (form == .object ? code.reader : code.readerId).indices {
      let rule = rules[index]
      if rule.failure >= 0 { throw codec.failures[Int(rule.failure)] }
      let start = nodes.count
      guard try value(rule.type, rule, rule.name, &context, isNested: false, depth: 1) else {
        guard rule.isOptional else {
          throw fault(
            exploder == nil ? "M2O-PD1" : "MEX-PD1", "the mandatory property \(property(rule)) is not here",
            context.pos, open(rule))
        }
        continue
      }
      if isPrototype(rule) { nodes.truncate(start) } else { count += 1 }
    }
    nodes[root] = Node(.object, key: -1, flags: 0, offset: nodes.count, length: count)
  }

  /// Setting __proto__ gives the object a prototype, but no member (B6).
  func isPrototype(_ rule: RuleCode) -> Bool { codec.names[Int(rule.name)] == "__proto__" }

  /// What was read as a document over the input; the reader is empty afterwards.
  mutating func document(_ source: [UInt8], recipe: Int, isFromMemory: Bool) throws(MicrodataError) -> OneDocument {
    let document = OneDocument(
      content: DocumentContent(
        codec, source: source, arena: arena.take(), nodes: nodes.take(), recipe: recipe,
        isFromMemory: isFromMemory || hasLoneSurrogates))
    guard unsafe codec.recipes[recipe].isIrregular else { return document }
    // Itemprops like `$type$`, or one that stands twice: a later member takes the place of an earlier one.
    var object = OneObject()
    if case .object(let read) = document.value { for member in read.members { object.set(member.name, member.value) } }
    return try DocumentBuilder.document(.object(object), codec, limits)
  }

  // MARK: helpers

  @inline(__always)
  func starts(_ text: [UInt8], _ place: Place, _ high: Place) -> Bool { text.withView { html.has($0, place, high) } }

  @inline(__always)
  func starts(_ template: Template, _ place: Place, _ high: Place) -> Bool {
    html.has(texts.view(template.bytes), place, high)
  }

  /// Behind a template that stands at the place.
  @inline(__always)
  func behind(_ template: Template, _ place: Place) -> Place { Place(byte: place.byte &+ Int(template.bytes.count)) }

  /// CLOSE of 8.2 inside of the fragment that ends at `high`.
  func close(_ start: Place, _ high: Place) throws(MicrodataError) -> Place {
    guard let index = closeOrNil(start, high) else {
      throw fault("M2IH-FET1", "no matching end tag", min(start, high), "an end tag")
    }
    return index
  }

  @inline(__always)
  func closeOrNil(_ start: Place, _ high: Place) -> Place? {
    var depth = 1
    var from = start
    while let index = html.find(0x3C, from, high) {
      from = Place(byte: index.byte &+ 1)
      if from < high, html[from] == 0x2F { depth -= 1 } else { depth += 1 }
      if depth == 0 { return index }
    }
    return nil
  }

  func fault(_ code: MicrodataCode, _ text: String, _ place: Place, _ expected: String? = nil) -> MicrodataError {
    let near = Extract.of(html.view.slice(place.byte, place.byte + 48))
    return MicrodataError(code, "\(text); found \(near)", offset: min(place.byte, html.view.count), expected: expected)
  }

  func property(_ rule: RuleCode) -> String { Extract.of(codec.names[Int(rule.name)].string) }

  func open(_ rule: RuleCode) -> String { String(decoding: texts.view(rule.open.bytes).array, as: UTF8.self) }
}

enum UnitReaderTexts {
  static let objectEnd: [UInt8] = Array("</div>".utf8)
  static let trueWord: [UInt8] = Array("true".utf8)
  static let itemprop: [UInt8] = Array("itemprop".utf8)
}
