/// Writes a document as the reference does (microdata.md 3), from its nodes and the recipe's program.
struct DocumentWriter: ~Copyable {
  let document: DocumentView
  let codec: MicrodataCodec
  let nodes: OwnedBytes<Node>
  let profile: MicrodataProfile
  let limits: MicrodataLimits
  let types: Table<TypeCode>
  let rules: Table<RuleCode>
  let texts: Table<UInt8>
  var out: Buffer<UInt8>

  init(
    _ document: DocumentView, _ codec: MicrodataCodec, _ profile: MicrodataProfile, _ limits: MicrodataLimits,
    into out: consuming Buffer<UInt8> = Buffer<UInt8>()
  ) {
    self.out = out
    self.document = document
    self.codec = codec
    nodes = document.nodes
    self.profile = profile
    self.limits = limits
    unsafe types = codec.types
    unsafe rules = codec.rules
    unsafe texts = codec.bytes
  }

  /// The steps of `serialise` in 3.2.
  mutating func write(_ form: ObjectForm) throws(MicrodataError) {
    let root = nodes[0]
    guard root.isContainer || isObject(root) else {
      throw MicrodataError("O2M-CONV", "the value is not an object: \(shown(0))")
    }
    let recipe = try recipe(root)
    let code = unsafe codec.recipes[recipe]
    let stretch = form == .object ? code.writer : code.writerId
    if form == .idObject, stretch.count == 0 {
      throw MicrodataError("O2M-COBJ1", "the type \(Extract.of(codec.typeName(recipe).string)) has no ID properties")
    }
    if profile == .strict, code.isHostile {
      throw MicrodataError(.notWritable, "strict: the recipe has itemprops that cannot be read safely")
    }
    out.append(form == .object ? CanonicalReader.objectHeader : CanonicalReader.idHeader)
    out.append(texts.view(code.name))
    out.put(0x3E22, 2)
    var next = 1
    var used = 0
    for index in stretch.indices {
      let rule = rules[index]
      if rule.failure >= 0 { throw codec.failures[Int(rule.failure)] }
      guard let node = find(rule.name, in: 0, from: &next) else {
        try missing(rule, index)
        continue
      }
      used += 1
      try member(rule, index, node)
    }
    out.put(0x3E_7669_642F_3C, 6)
    if form == .object { try checkSurplus(stretch, used) }
  }

  private func isObject(_ node: Node) -> Bool { node.kind == .date || node.kind == .other && isOtherObject(node) }

  /// Regexps and functions are objects of the language, the other ones in the side table are primitives; `typeof` of a
  /// function is not `object`.
  private func isOtherObject(_ node: Node) -> Bool {
    if case .regexp = document.content.others[node.offset] { true } else { false }
  }

  private func recipe(_ root: Node) throws(MicrodataError) -> Int {
    if let recipe = document.content.recipe { return recipe }
    var name: OneText?
    if root.kind == .object {
      var index = 1
      while index < root.end {
        let node = nodes[index]
        if node.kind == .string, document.name(node.key) == "$type$" {
          name = OneText(document.text(node))
          break
        }
        index = document.next(index)
      }
    }
    guard let name, let recipe = name.bytes.withView({ codec.recipe(named: $0) }) else {
      throw MicrodataError("OR-GR1", "no recipe for the type \(Extract.of(name?.string ?? "undefined"))")
    }
    return recipe
  }

  /// The member of a container by its name. Members mostly stand in the order of the rules, so the search begins
  /// behind the last one found.
  @inline(__always)
  func find(_ name: Int32, in container: Int, from next: inout Int) -> Int? {
    let root = nodes[container]
    guard root.kind == .object else { return nil }
    if next < root.end, nodes[next].key == name {
      let found = next
      next = document.next(found)
      return found
    }
    return search(name, container, &next)
  }

  private func search(_ name: Int32, _ container: Int, _ next: inout Int) -> Int? {
    var index = container + 1
    let end = nodes[container].end
    while index < end {
      if nodes[index].key == name {
        next = document.next(index)
        return index
      }
      index = document.next(index)
    }
    return nil
  }

  /// Step 4a for a property that the object does not list itself.
  private mutating func missing(_ rule: RuleCode, _ index: Int) throws(MicrodataError) {
    let name = codec.names[Int(rule.name)]
    if Prototype.members.contains(name.string) {
      // The reference finds the member that every object inherits (B6), a function or, for __proto__, an object.
      try inherited(rule, name)
      return
    }
    guard rule.isOptional else {
      throw MicrodataError(
        "O2M-RTYC2", "the mandatory property \(Extract.of(name.string)) is missing", expected: open(rule))
    }
  }

  private mutating func inherited(_ rule: RuleCode, _ name: OneText) throws(MicrodataError) {
    let kind = types[rule.type].kind
    if kind == .array || kind == .bag { throw notAList(rule, "a function") }
    let function = OneText("function \(name) () { [native code] }")
    let value: OneValue = name == "__proto__" ? .object(OneObject()) : .function(function)
    let document = try DocumentBuilder.document(value, codec, limits)
    let view = DocumentView(document.content, self.document.source)
    var writer = DocumentWriter(view, codec, profile, limits)
    try writer.memberContent(rule, 0, isTop: true)
    out.append(writer.out.array)
  }

  /// Steps 4a to 4c for a property that the object lists.
  @inline(__always)
  private mutating func member(_ rule: RuleCode, _ index: Int, _ node: Int) throws(MicrodataError) {
    let kind = nodes[node].kind
    if kind == .undefined || kind == .null {
      guard rule.isOptional else {
        throw MicrodataError(
          "O2M-RTYC2", "the mandatory property \(property(rule)) is \(kind == .null ? "null" : "undefined")",
          expected: open(rule))
      }
      return
    }
    let type = types[rule.type].kind
    if type == .array || type == .bag, kind != .array { throw notAList(rule, shown(node)) }
    try memberContent(rule, node, isTop: true)
  }

  private func notAList(_ rule: RuleCode, _ shown: String) -> MicrodataError {
    MicrodataError("O2M-CVAL4", "the value of \(property(rule)) is not an array: \(shown)", expected: "an array")
  }

  /// The member's tags and content.
  @inline(__always)
  mutating func memberContent(_ rule: RuleCode, _ node: Int, isTop: Bool, depth: Int = 1) throws(MicrodataError) {
    let type = types[rule.type]
    out.appendPadded(texts.view(rule.open.bytes))
    let start = out.count
    try content(rule.type, rule, node, depth)
    if isTop, profile == .strict, type.kind == .object, out.count == start {
      throw MicrodataError(.notWritable, "strict: the nested object \(property(rule)) is empty (A2)")
    }
    out.appendPadded(texts.view(type.memberClose.bytes))
  }

  /// Step 5: properties that the recipe does not know.
  private func checkSurplus(_ stretch: Stretch, _ used: Int) throws(MicrodataError) {
    let root = nodes[0]
    guard root.kind == .object, root.count > used || document.content.recipe == nil else { return }
    var index = 1
    while index < root.end {
      let key = nodes[index].key
      // The names of the codec begin with $type$ and $versionHash$.
      if key > 1, !stretch.indices.contains(where: { rules[$0].name == key }) {
        throw MicrodataError(
          "O2M-COBJ2", "the recipe does not know the property \(Extract.of(document.name(key).string))",
          expected: "a property of the recipe")
      }
      index = document.next(index)
    }
  }

  func property(_ rule: RuleCode) -> String { Extract.of(codec.names[Int(rule.name)].string) }
  func open(_ rule: RuleCode) -> String { String(decoding: texts.view(rule.open.bytes).array, as: UTF8.self) }

  /// A value for a message.
  func shown(_ node: Int) -> String {
    var index = node
    return Extract.of(SortedJSON.lossyText(document.tree(&index)))
  }
}

/// What every object of the reference's language inherits.
enum Prototype {
  static let members: Set<String> = [
    "toString", "toLocaleString", "valueOf", "constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable",
    "__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__",
  ]
}
