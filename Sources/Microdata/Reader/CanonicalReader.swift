/// Walks bytes of the canonical form in one pass: every tag is compared with the exact text that the program expects.
///
/// In strict mode it is the strict reader and says where and why bytes are not canonical. In deployed mode it only
/// tries: it gives up as soon as the text leaves the canonical frame or meets one of the reader's ambiguities, and the
/// reader of units (microdata.md 8) decides. Where it accepts, both give the same value.
struct CanonicalReader: ~Copyable {
  let codec: MicrodataCodec
  let view: ByteView
  let limits: MicrodataLimits
  let isStrict: Bool
  let wantsValues: Bool
  let types: Table<TypeCode>
  let rules: Table<RuleCode>
  let texts: Table<UInt8>
  var pos = 0
  var nodes = Buffer<Node>()
  var arena = Buffer<UInt8>()
  var recipe: Int?
  /// False once a text was taken that the writer would write differently.
  var isCanonical = true
  var failure = CanonicalFailure()
  /// How many sets and map keys are open: whether their texts are canonical says whether their members differ.
  var distinctDepth = 0
  /// True while it counts whether texts are what the writer writes.
  var tracksForm: Bool { isStrict || distinctDepth > 0 }
  /// True while a scalar member of the object itself is read.
  var isTopMember = false

  static let objectHeader: [UInt8] = Array("<div itemscope itemtype=\"//refin.io/".utf8)
  static let idHeader: [UInt8] = Array("<div data-id-object=\"true\" itemscope itemtype=\"//refin.io/".utf8)

  init(_ codec: MicrodataCodec, _ view: ByteView, _ limits: MicrodataLimits, isStrict: Bool, wantsValues: Bool) {
    self.codec = codec
    self.view = view
    self.limits = limits
    self.isStrict = isStrict
    self.wantsValues = wantsValues
    unsafe types = codec.types
    unsafe rules = codec.rules
    unsafe texts = codec.bytes
  }

  mutating func fail(_ reason: CanonicalFailure.Reason, rule: Int = -1, at offset: Int? = nil) -> Bool {
    failure.reason = reason
    if rule >= 0 || failure.rule < 0 { failure.rule = rule }
    failure.offset = offset ?? pos
    return false
  }

  /// Reads the whole input; false when it deviates.
  mutating func read(_ form: ObjectForm, _ expected: ExpectedType) -> Bool {
    let header = form == .object ? CanonicalReader.objectHeader : CanonicalReader.idHeader
    guard header.withView({ view.has($0, at: 0) }) else { return fail(.header(form)) }
    pos = header.count
    guard let quote = typeEnd() else { return fail(.headerEnd) }
    guard let found = codec.recipe(named: view.slice(pos, quote)) else { return fail(.unknownType(quote)) }
    recipe = found
    if expected != .any, !expected.takes(codec.typeName(found)) { return fail(.unexpectedType(expected)) }
    pos = quote + 2
    let code = unsafe codec.recipes[found]
    if isStrict ? code.isHostile : code.isIrregular { return fail(.hostileRecipe) }
    let stretch =
      form == .object ? (isStrict ? code.strict : code.reader) : (isStrict ? code.strictId : code.readerId)
    if isStrict, form == .idObject, stretch.indices.isEmpty { return fail(.header(form)) }
    if wantsValues {
      nodes.reserve(Node.room(for: view.count))
      nodes.append(Node(.object, key: -1))
    }
    var members = 0
    for index in stretch.indices {
      let rule = rules[index]
      if rule.failure >= 0 { return fail(.inheritance(Int(rule.failure)), rule: index) }
      let open = texts.view(rule.open.bytes)
      guard view.has(open, at: pos) else {
        guard rule.isOptional else { return fail(.mandatory, rule: index) }
        if !isStrict, types[rule.type].kind == .reference, isInGap(rule) { return fail(.gap, rule: index) }
        continue
      }
      failure.rule = index
      pos &+= open.count
      guard member(rule) else { return false }
      members &+= 1
    }
    guard tag(0x3E_7669_642F_3C, 6) else { return fail(.objectEnd) }
    guard pos == view.count else { return fail(.trailing) }
    if wantsValues { nodes[0] = Node(.object, key: -1, flags: 0, offset: nodes.count, length: members) }
    return true
  }

  /// The index of the `">` that ends the header.
  private func typeEnd() -> Int? {
    var from = pos
    while let index = view.find(0x22, from: from) {
      if view[index + 1] == 0x3E { return index }
      from = index + 1
    }
    return nil
  }

  /// Up to eight letters, first letter lowest, and moves behind them.
  @inline(__always)
  mutating func tag(_ letters: UInt64, _ length: Int) -> Bool {
    let there: UInt64
    if pos &+ 8 <= view.count {
      there = view.word(pos) & (UInt64.max >> UInt64(64 &- length &* 8))
    } else {
      var gathered: UInt64 = 0
      for offset in 0..<length { gathered |= UInt64(view[pos &+ offset]) << UInt64(offset &* 8) }
      there = gathered
    }
    guard there == letters else { return false }
    pos &+= length
    return true
  }

  /// A1: the deployed reader fails on an absent optional reference when its probe lands in the last end tag. Whether it
  /// does depends on code units, which a document has at least a third as many of as bytes.
  private func isInGap(_ rule: RuleCode) -> Bool {
    let rest = view.count - pos
    let length = Int(rule.open.units.count)
    guard rest <= (length + 6) * 3 else { return false }
    let gap = WTF8.unitCount(view.slice(pos, view.count)) - length
    return gap >= 0 && gap <= 5
  }

  /// The content of a member of the object itself and its end tag; `pos` stands behind the opening tag.
  @inline(__always)
  private mutating func member(_ rule: RuleCode) -> Bool {
    let type = types[rule.type]
    isTopMember = type.kind.isScalar
    if isTopMember {
      guard scalar(rule.type, rule.name) else { return false }
      return tag(0x3E6E_6170_732F_3C, 7) || fail(.closing)
    }
    if type.kind == .object, !isStrict, tagStands(0x3E_7669_642F_3C, 6) {
      // A2: the deployed reader does not move behind an empty object here.
      return fail(.emptyObject)
    }
    guard content(rule.type, rule.name, 1) else { return false }
    let close = texts.view(type.memberClose.bytes)
    guard view.has(close, at: pos) else { return fail(.closing) }
    pos &+= close.count
    return true
  }

  @inline(__always)
  func tagStands(_ letters: UInt64, _ length: Int) -> Bool {
    view.word(pos) & (UInt64.max >> UInt64(64 &- length &* 8)) == letters
  }

  /// A value inside of a list or map, with the tags around it.
  @inline(__always)
  mutating func item(_ index: Int32, _ depth: Int) -> Bool {
    let type = types[index]
    if type.kind.isScalar { return scalar(index, -1) }
    let open = texts.view(type.itemOpen.bytes)
    guard view.has(open, at: pos) else { return fail(.opening) }
    pos &+= open.count
    guard content(index, -1, depth) else { return false }
    let close = texts.view(type.itemClose.bytes)
    guard view.has(close, at: pos) else { return fail(.closing) }
    pos &+= close.count
    return true
  }

  /// What stands between the tags of a value that is no scalar.
  @inline(__always)
  mutating func content(_ type: Int32, _ key: Int32, _ depth: Int) -> Bool {
    switch types[type].kind {
    case .reference: return reference(key)
    case .emptyOnly:
      guard view[pos] == 0x3C else { return fail(.veto) }
      if wantsValues { nodes.append(Node(.string, key: key, flags: 0, offset: pos, length: 0)) }
      return true
    case .never: return fail(.veto)
    default:
      guard depth <= limits.depth else { return fail(.depth) }
      switch types[type].kind {
      case .map: return map(type, key, depth)
      case .object: return object(type, key, depth)
      default: return list(type, key, depth)
      }
    }
  }

  @inline(__always)
  private mutating func reference(_ key: Int32) -> Bool {
    guard view.isHash(at: pos) else { return fail(.reference) }
    if wantsValues { nodes.append(Node(.string, key: key, flags: 0, offset: pos, length: 64)) }
    pos &+= 64
    return true
  }
}
