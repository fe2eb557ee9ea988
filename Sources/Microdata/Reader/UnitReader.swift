/// The deployed reader, step by step as microdata.md 8 describes it, over code units.
///
/// It walks the recipe, not the markup: end tags are skipped unseen, list items found by counting, and so on. Where the
/// reference would not come back (S1) or overflow its stack (S2), it throws.
struct UnitReader<Unit: FixedWidthInteger & UnsignedInteger> {
  /// A fragment of the input and the place in it.
  struct Context {
    let low: Int
    let high: Int
    var pos: Int

    init(_ low: Int, _ high: Int) {
      self.low = low
      self.high = high
      pos = low
    }
  }

  let codec: MicrodataCodec
  let html: UnitText<Unit>
  let limits: MicrodataLimits
  let types: Table<TypeCode>
  let rules: Table<RuleCode>
  let texts: Table<UInt16>
  /// Explosion replaces the reading of references (microdata.md 12).
  var exploder: Exploder?
  /// Imploded objects open around the place.
  var explosionDepth = 0

  init(_ codec: MicrodataCodec, _ html: UnitText<Unit>, _ limits: MicrodataLimits) {
    self.codec = codec
    self.html = html
    self.limits = limits
    unsafe types = codec.types
    unsafe rules = codec.rules
    unsafe texts = codec.units
  }

  /// Steps 2 to 8 of 8.1.
  mutating func object(_ form: ObjectForm, _ expected: ExpectedType) throws(MicrodataError) -> OneValue {
    var context = Context(0, html.count)
    let recipe = try header(form, expected, &context)
    let object = try members(recipe, form, &context)
    guard starts(end6, context.pos, context.high) else {
      throw fault("M2O-POM1", "the object does not end here", context.pos, "</div>")
    }
    context.pos += 6
    guard context.pos >= html.count else {
      throw fault(
        "M2O-PCONV2", "\(html.count - context.pos) characters behind the object", context.pos, "the end of the input")
    }
    return .object(object)
  }

  /// Steps 2 to 5: the index of the recipe; the place moves behind `">`.
  func header(_ form: ObjectForm, _ expected: ExpectedType, _ context: inout Context) throws(MicrodataError) -> Int {
    let header = form == .object ? CanonicalReader.objectHeader : CanonicalReader.idHeader
    guard starts(header, 0, html.count) else {
      let kind = form == .object ? "object" : "ID object"
      throw fault("M2O-PH1", "no header of an \(kind)", 0, String(decoding: header, as: UTF8.self))
    }
    let start = header.count
    guard let end = headerEnd(start) else { throw fault("US-SSFMC1", "the header has no end", start, "\">") }
    let name = OneText(wtf8: html.wtf8(start, end))
    guard let recipe = name.bytes.withView({ codec.recipe(named: $0) }) else {
      throw fault(
        "OR-ET1", "no recipe for the type \(Extract.of(name.string))", start, "the name of a known recipe")
    }
    guard expected.takes(name) else {
      throw fault(
        "M2O-PHM1", "the type is \(Extract.of(name.string))", start, "type \(Extract.of(expected.text))")
    }
    context.pos = end + 2
    return recipe
  }

  func headerEnd(_ start: Int) -> Int? {
    var from = start
    while let index = html.find(0x22, from, html.count) {
      if html[index + 1] == 0x3E { return index }
      from = index + 1
    }
    return nil
  }

  /// Step 6: the members in the order of the rules.
  mutating func members(_ recipe: Int, _ form: ObjectForm, _ context: inout Context) throws(MicrodataError) -> OneObject
  {
    let code = unsafe codec.recipes[recipe]
    var object = OneObject(unique: [.init("$type$", .string(codec.typeName(recipe)))])
    for index in (form == .object ? code.reader : code.readerId).indices {
      let rule = rules[index]
      if rule.failure >= 0 { throw codec.failures[Int(rule.failure)] }
      let value = try self.value(rule.type, rule, &context, isNested: false, depth: 1)
      if case .undefined = value {
        guard rule.isOptional else {
          throw fault(
            exploder == nil ? "M2O-PD1" : "MEX-PD1", "the mandatory property \(property(rule)) is not here",
            context.pos, open(rule))
        }
        continue
      }
      // Setting __proto__ gives the object a prototype, but no member (B6).
      if codec.names[Int(rule.name)] != "__proto__" { object.set(codec.names[Int(rule.name)], value) }
    }
    return object
  }

  // MARK: helpers

  @inline(__always)
  func starts(_ text: [UInt8], _ index: Int, _ end: Int) -> Bool {
    guard index >= 0, index + text.count <= end else { return false }
    for offset in 0..<text.count where html[index + offset] != UInt16(text[offset]) { return false }
    return true
  }

  @inline(__always)
  func starts(_ template: Template, _ index: Int, _ end: Int) -> Bool {
    let length = Int(template.units.count)
    guard index >= 0, index + length <= end else { return false }
    let from = Int(template.units.start)
    for offset in 0..<length where html[index + offset] != texts[from + offset] { return false }
    return true
  }

  /// CLOSE of 8.2 inside of the fragment that ends at `high`.
  func close(_ start: Int, _ high: Int) throws(MicrodataError) -> Int {
    guard let index = closeOrNil(start, high) else {
      throw fault("M2IH-FET1", "no matching end tag", min(start, high), "an end tag")
    }
    return index
  }

  @inline(__always)
  func closeOrNil(_ start: Int, _ high: Int) -> Int? {
    var depth = 1
    var from = start
    while let index = html.find(0x3C, from, high) {
      from = index + 1
      if from < high, html[from] == 0x2F { depth -= 1 } else { depth += 1 }
      if depth == 0 { return index }
    }
    return nil
  }

  func fault(_ code: MicrodataCode, _ text: String, _ index: Int, _ expected: String? = nil) -> MicrodataError {
    let near = Extract.of(String(decoding: html.wtf8(index, min(index + 48, html.count)), as: UTF8.self))
    return MicrodataError(code, "\(text); found \(near)", offset: min(index, html.count), expected: expected)
  }

  func property(_ rule: RuleCode) -> String { Extract.of(codec.names[Int(rule.name)].string) }

  func open(_ rule: RuleCode) -> String {
    OneText(utf16: rule.open.units.indices.map { texts[$0] }).string
  }

  var end6: [UInt8] { UnitReaderTexts.objectEnd }
}

enum UnitReaderTexts {
  static let objectEnd: [UInt8] = Array("</div>".utf8)
  static let itemprop: [UInt8] = Array("itemprop".utf8)
}
