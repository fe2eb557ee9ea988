extension UnitReader {
  mutating func scalar(
    _ type: TypeCode, _ open: Template, _ rule: RuleCode, _ key: Int32, _ context: inout Context, _ isNested: Bool
  ) throws(MicrodataError) -> Bool {
    var low = context.low
    var high = context.high
    if !isNested {
      guard starts(open, context.pos, context.high) else { return false }
      low = behind(open, context.pos)
      // SUB with the length of a search: nothing behind the end, a failure where no `<` is.
      guard let end = html.find(0x3C, low, context.high) else {
        throw fault("US-SSFMC1", "no < behind the value of \(property(rule))", low, "<")
      }
      high = end
      context.pos = html.advance(high, 7)
    }
    try convert(type, low, high, rule, key)
    return true
  }

  /// Where a text stands: in the input, or in the arena when it had to be changed.
  private struct Found {
    var isInArena = false
    var start: Int
    var length: Int
  }

  /// The text of a scalar as a value.
  private mutating func convert(
    _ type: TypeCode, _ low: Place, _ high: Place, _ rule: RuleCode, _ key: Int32
  ) throws(MicrodataError) {
    let raw = try text(low, high)
    if type.regexp >= 0 {
      let regexp = try codec.regexps[Int(type.regexp)].reader.get()
      let steps = limits.regexpSteps
      let fits = try withText(raw) { (view) throws(MicrodataError) in try regexp.matches(view, steps: steps) }
      guard fits else {
        throw fault(
          "M2O-PV3", "the text of \(property(rule)) does not match", low,
          "text that matches /\(Extract.of(regexp.source.source.string))/")
      }
    }
    let text = try unescaped(raw)
    if text.length == 0 {
      nodes.append(Node(.string, key: key, flags: 0, offset: 0, length: 0))
      return
    }
    switch type.kind {
    case .boolean:
      let isTrue = withText(text) { view in UnitReaderTexts.trueWord.withView { view.equals($0) } }
      nodes.append(Node(isTrue ? .true : .false, key: key))
    case .integer, .number:
      nodes.append(Node(.number, key: key, payload: withText(text) { NumberText.parse($0) }.bitPattern))
    case .json: try json(text, low, rule, key)
    default: append(text, .string, key)
    }
  }

  private mutating func append(_ text: Found, _ kind: NodeKind, _ key: Int32, flags: UInt8 = 0) {
    nodes.append(
      Node(
        kind, key: key, flags: flags | (text.isInArena ? Node.inArena : 0), offset: text.start, length: text.length))
  }

  private mutating func json(_ text: Found, _ place: Place, _ rule: RuleCode, _ key: Int32) throws(MicrodataError) {
    let limit = limits.jsonDepth
    let verdict = withText(text) { JSONScanner.check($0, depthLimit: limit) }
    if verdict.isJSON, withText(text, { JSONText.isContainer($0) }) {
      append(text, .json, key, flags: verdict == .canonical ? Node.isCanonical : 0)
      return
    }
    let value: OneValue
    do throws(MicrodataError) {
      value = try withText(text) { (view) throws(MicrodataError) in try JSONText.value(view, depthLimit: limit) }
    } catch {
      throw fault(error.code, error.text + " in the value of \(property(rule))", place, error.expected)
    }
    switch value {
    case .null: nodes.append(Node(.null, key: key))
    case .bool(let value): nodes.append(Node(value ? .true : .false, key: key))
    case .number(let value): nodes.append(Node(.number, key: key, payload: value.bitPattern))
    case .string(let string):
      append(Found(isInArena: true, start: arena.count, length: string.bytes.count), .string, key)
      arena.append(string.bytes)
      if string.hasLoneSurrogate { hasLoneSurrogates = true }
    default: append(text, .json, key)
    }
  }

  // MARK: texts

  /// The text between two places; copied only when it begins inside of a scalar.
  private mutating func text(_ low: Place, _ high: Place) throws(MicrodataError) -> Found {
    guard low.isInsideScalar, low < high else {
      return Found(start: min(low.byte, high.byte), length: max(high.byte - low.byte, 0))
    }
    hasLoneSurrogates = true
    var bytes: [UInt8] = []
    html.append(low, high, to: &bytes)
    return try kept(bytes)
  }

  /// The text with its entities replaced, if it has any.
  private mutating func unescaped(_ text: Found) throws(MicrodataError) -> Found {
    guard let replaced = withText(text, { $0.find(0x26, from: 0) == nil ? nil : Escaping.unescaped($0) }) else {
      return text
    }
    return try kept(replaced)
  }

  private mutating func kept(_ bytes: [UInt8]) throws(MicrodataError) -> Found {
    guard arena.count + bytes.count <= limits.bytes else {
      throw MicrodataError(.size, "the texts have more than \(limits.bytes) bytes")
    }
    let found = Found(isInArena: true, start: arena.count, length: bytes.count)
    arena.append(bytes)
    return found
  }

  private func withText<Result, Failure: Error>(
    _ text: Found, _ body: (ByteView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard text.isInArena else { return try body(html.view.slice(text.start, text.start + text.length)) }
    return try arena.withView { (view) throws(Failure) in try body(view.slice(text.start, text.start + text.length)) }
  }
}
