extension DocumentWriter {
  /// `conv` of 3.2: the content of a value, without the tags of its member or item.
  mutating func content(_ typeIndex: Int32, _ rule: RuleCode, _ index: Int, _ depth: Int) throws(MicrodataError) {
    let type = types[typeIndex]
    let node = nodes[index]
    switch type.kind {
    case .string:
      guard node.kind == .string else { throw wrong(type, rule, index) }
      let text = document.text(node)
      if type.regexp >= 0 { try test(type, rule, text) }
      if profile == .strict, WTF8.firstLoneSurrogate(text) != nil {
        throw MicrodataError(.notWritable, "strict: \(property(rule)) has a lone surrogate")
      }
      out.appendEscaped(text)
    case .integer, .number: try number(type, rule, node, index)
    case .boolean:
      switch node.kind {
      case .true: out.put(0x6575_7274, 4)
      case .false: out.put(0x65_736C_6166, 5)
      default: throw wrong(type, rule, index)
      }
    case .json: try json(node, index)
    case .reference:
      guard node.kind == .string else { throw notAHash(rule, index) }
      let text = document.text(node)
      guard text.count == 64, text.isHash(at: 0) else {
        throw notAHash(rule, index)
      }
      out.append(text)
    case .array, .bag, .set: try list(type, rule, node, index, depth)
    case .map: try map(type, rule, node, index, depth)
    case .object: try object(type, rule, node, index, depth)
    case .emptyOnly, .never: throw wrong(type, rule, index)
    }
  }

  private func wrong(_ type: TypeCode, _ rule: RuleCode, _ index: Int) -> MicrodataError {
    // Building the message fails in the reference when the value is a symbol.
    if let error = symbolError(index) { return error }
    return MicrodataError(
      "O2M-RTYC1", "the value of \(property(rule)) is no \(type.kind): \(shown(index))", expected: "\(type.kind)")
  }

  private func notAHash(_ rule: RuleCode, _ index: Int) -> MicrodataError {
    if let error = symbolError(index) { return error }
    return MicrodataError(
      "O2M-RTYC4", "the value of \(property(rule)) is no hash: \(shown(index))", expected: "64 digits 0-9 a-f")
  }

  private func symbolError(_ index: Int) -> MicrodataError? {
    let node = nodes[index]
    guard node.kind == .other, case .symbol = document.content.others[node.offset] else { return nil }
    return MicrodataError(.typeError, "a symbol cannot be shown in a message")
  }

  private func test(_ type: TypeCode, _ rule: RuleCode, _ text: ByteView) throws(MicrodataError) {
    let regexp = codec.regexps[Int(type.regexp)].writer
    guard try regexp.matches(text, steps: limits.regexpSteps) else {
      throw MicrodataError(
        "O2M-RTYC3", "the text of \(property(rule)) does not match: \(Extract.of(text))",
        expected: "text that matches /\(Extract.of(regexp.source.source.string))/")
    }
  }

  private mutating func number(_ type: TypeCode, _ rule: RuleCode, _ node: Node, _ index: Int) throws(MicrodataError) {
    guard node.kind == .number else { throw wrong(type, rule, index) }
    let value = node.number
    if value.isFinite {
      if type.kind == .integer, value != value.rounded(.towardZero) { throw wrong(type, rule, index) }
      NumberText.append(value, to: &out)
      return
    }
    if type.kind == .integer { throw wrong(type, rule, index) }
    if profile == .strict { throw MicrodataError(.notWritable, "strict: \(property(rule)) is \(value)") }
    out.put(0x6C6C_756E, 4)
  }

  private mutating func json(_ node: Node, _ index: Int) throws(MicrodataError) {
    if node.kind == .json, node.flags & Node.isCanonical != 0 {
      out.appendEscaped(document.text(node))
      return
    }
    var place = index
    let value = document.tree(&place)
    let text = try SortedJSON.text(value, profile: profile, limits: limits)
    text.withView { out.appendEscaped($0) }
  }

  private func checkDepth(_ depth: Int) throws(MicrodataError) {
    guard depth <= limits.depth else {
      throw MicrodataError(.depth, "nested deeper than \(limits.depth) levels", expected: "fewer levels")
    }
  }

  private mutating func list(
    _ type: TypeCode, _ rule: RuleCode, _ node: Node, _ index: Int, _ depth: Int
  ) throws(MicrodataError) {
    guard node.kind == (type.kind == .set ? .set : .array) else { throw wrong(type, rule, index) }
    try checkDepth(depth)
    let isSorted = type.kind != .array
    let start = out.count
    var ends = Buffer<Int>()
    if isSorted { ends.reserve(node.count) }
    var child = index + 1
    while child < node.end {
      out.put(0x3E69_6C3C, 4)
      try item(type.item, rule, child, depth)
      out.put(0x3E_696C_2F3C, 5)
      if isSorted { ends.append(out.count) }
      child = document.next(child)
    }
    if isSorted { ItemSorter.sort(&out, from: start, ends: ends) }
  }

  @inline(__always)
  private mutating func item(_ index: Int32, _ rule: RuleCode, _ node: Int, _ depth: Int) throws(MicrodataError) {
    let type = types[index]
    if !type.kind.isScalar { out.appendPadded(texts.view(type.itemOpen.bytes)) }
    try content(index, rule, node, depth + 1)
    if !type.kind.isScalar { out.appendPadded(texts.view(type.itemClose.bytes)) }
  }

  private mutating func map(
    _ type: TypeCode, _ rule: RuleCode, _ node: Node, _ index: Int, _ depth: Int
  ) throws(MicrodataError) {
    guard node.kind == .map else { throw wrong(type, rule, index) }
    try checkDepth(depth)
    var child = index + 1
    while child < node.end {
      out.put(0x3E74_643C, 4)
      try item(type.key, rule, child, depth)
      out.put(0x3E_7464_2F3C, 5)
      out.put(0x3E64_643C, 4)
      child = document.next(child)
      try item(type.item, rule, child, depth)
      out.put(0x3E_6464_2F3C, 5)
      child = document.next(child)
    }
  }

  /// A nested object: own members in the order of the rules, the others dropped without a word.
  private mutating func object(
    _ type: TypeCode, _ rule: RuleCode, _ node: Node, _ index: Int, _ depth: Int
  ) throws(MicrodataError) {
    guard node.isContainer || node.kind == .date || isRegexp(node) else { throw wrong(type, rule, index) }
    try checkDepth(depth)
    if type.failure >= 0 { throw codec.failures[Int(type.failure)] }
    var next = index + 1
    for nested in type.rules.indices {
      let code = rules[nested]
      let found = find(code.name, in: index, from: &next)
      guard let found else {
        guard code.isNestedOptional else {
          throw MicrodataError(
            "O2M-RTYC2", "the mandatory property \(property(code)) of a nested object is missing", expected: open(code))
        }
        continue
      }
      if nodes[found].kind == .undefined, code.isNestedOptional { continue }
      try memberContent(code, found, isTop: false, depth: depth + 1)
    }
  }

  private func isRegexp(_ node: Node) -> Bool {
    guard node.kind == .other, case .regexp = document.content.others[node.offset] else { return false }
    return true
  }
}
