extension CanonicalReader {
  /// `<li>…</li>` until something else stands there.
  mutating func list(_ typeIndex: Int32, _ key: Int32, _ depth: Int) -> Bool {
    let type = types[typeIndex]
    let kind: NodeKind = type.kind == .set ? .set : .array
    let index = nodes.count
    if wantsValues { nodes.append(Node(kind, key: key)) }
    let itemKind = types[type.item].kind
    let wasCanonical = isCanonical
    isCanonical = true
    let ordered = isStrict ? type.kind != .array : type.kind == .set
    let first = pos
    var isAscending = true
    var previous = 0..<0
    var count = 0
    if type.kind == .set { distinctDepth &+= 1 }
    while tag(0x3E69_6C3C, 4) {
      let start = pos &- 4
      guard item(type.item, depth &+ 1) else { return false }
      guard tag(0x3E69_6C2F_3C, 5) else { return fail(.closing) }
      if ordered {
        if count > 0, isAscending, !follows(previous, start..<pos, type.kind == .set, itemKind) {
          if isStrict { return false }
          isAscending = false
        }
        previous = start..<pos
      }
      count &+= 1
    }
    if type.kind == .set { distinctDepth &-= 1 }
    // Two spellings of one value would be one member of the set.
    if type.kind == .set, !isCanonical { return fail(.order) }
    if !isAscending {
      // The deployed reader takes any order, but doubles are one member; only texts without tags are told apart here.
      guard itemKind.isScalar, !hasDoubles(first) else { return fail(.double) }
    }
    isCanonical = isCanonical && wasCanonical
    if wantsValues { nodes[index] = Node(kind, key: key, flags: 0, offset: nodes.count, length: count) }
    return true
  }

  /// Bags ascend, sets too and without doubles, unless the doubles are values that are never the same (MD-095).
  private mutating func follows(_ previous: Range<Int>, _ next: Range<Int>, _ isSet: Bool, _ kind: TypeKind) -> Bool {
    let before = view.slice(previous.lowerBound, previous.upperBound)
    let order = WTF8.compare(before, view.slice(next.lowerBound, next.upperBound))
    if order < 0 || order == 0 && !isSet { return true }
    if order == 0 {
      let first = before[4]
      let isContainer = kind == .json ? first == 0x7B || first == 0x5B : !kind.isScalar && kind != .reference
      if isContainer { return true }
    }
    return fail(order == 0 ? .double : .order, at: next.lowerBound)
  }

  /// `<dt>…</dt><dd>…</dd>` until something else stands there.
  mutating func map(_ typeIndex: Int32, _ key: Int32, _ depth: Int) -> Bool {
    let type = types[typeIndex]
    let index = nodes.count
    if wantsValues { nodes.append(Node(.map, key: key)) }
    let keyKind = types[type.key].kind
    let wasCanonical = isCanonical
    var areKeysCanonical = true
    // Four bytes a key; where a key ends is found again when it matters.
    var keys: [UInt32] = []
    while tag(0x3E74_643C, 4) {
      let start = pos
      isCanonical = true
      distinctDepth &+= 1
      guard item(type.key, depth &+ 1) else { return false }
      distinctDepth &-= 1
      areKeysCanonical = areKeysCanonical && isCanonical
      keys.append(UInt32(truncatingIfNeeded: start))
      guard tag(0x3E74_642F_3C, 5) else { return fail(.closing) }
      guard tag(0x3E64_643C, 4) else { return fail(.opening) }
      isCanonical = wasCanonical
      guard item(type.item, depth &+ 1) else { return false }
      guard tag(0x3E64_642F_3C, 5) else { return fail(.closing) }
    }
    if !areKeysCanonical { return fail(.double) }
    if keyKind.isScalar || keyKind == .reference, let double = doubled(&keys, keyKind) {
      return fail(.double, at: double)
    }
    if wantsValues { nodes[index] = Node(.map, key: key, flags: 0, offset: nodes.count, length: keys.count &* 2) }
    return true
  }

  /// Whether a list of scalars that begins at `first` and ends at the place has an item twice.
  private func hasDoubles(_ first: Int) -> Bool {
    var starts: [UInt32] = []
    var start = first + 4
    while start < pos, let end = view.find(0x3C, from: start) {
      starts.append(UInt32(truncatingIfNeeded: start))
      start = end + 9
    }
    return doubled(&starts, .string) != nil
  }

  /// The place of a text that stands twice among scalars or references. Texts that ascend are compared once, others
  /// are sorted first.
  private func doubled(_ starts: inout [UInt32], _ kind: TypeKind) -> Int? {
    var index = 1
    while index < starts.count, WTF8.compare(text(starts[index - 1], kind), text(starts[index], kind)) < 0 {
      index += 1
    }
    if index >= starts.count { return nil }
    starts.sort { WTF8.compare(text($0, kind), text($1, kind)) < 0 }
    for index in 1..<starts.count where text(starts[index - 1], kind).equals(text(starts[index], kind)) {
      return Int(max(starts[index - 1], starts[index]))
    }
    return nil
  }

  /// The text of a scalar that begins here, or a reference with its opening tag.
  private func text(_ start: UInt32, _ kind: TypeKind) -> ByteView {
    let from = Int(start)
    let behindTag = kind == .reference ? (view.find(0x3E, from: from) ?? from) : from
    return view.slice(from, view.find(0x3C, from: behindTag) ?? view.count)
  }

  /// The members of a nested object in the order of its rules.
  mutating func object(_ typeIndex: Int32, _ key: Int32, _ depth: Int) -> Bool {
    let type = types[typeIndex]
    if type.failure >= 0 { return fail(.inheritance(Int(type.failure))) }
    if !isStrict, type.isIrregular { return fail(.hostileRecipe) }
    let index = nodes.count
    if wantsValues { nodes.append(Node(.object, key: key)) }
    let outer = failure.rule
    var members = 0
    for rule in type.rules.indices {
      let code = rules[rule]
      let open = texts.view(code.open.bytes)
      guard view.has(open, at: pos) else {
        guard code.isNestedOptional else { return fail(.nestedMandatory, rule: rule) }
        continue
      }
      failure.rule = rule
      pos &+= open.count
      guard nestedMember(code, depth) else { return false }
      members &+= 1
    }
    failure.rule = outer
    if wantsValues { nodes[index] = Node(.object, key: key, flags: 0, offset: nodes.count, length: members) }
    return true
  }

  @inline(__always)
  private mutating func nestedMember(_ rule: RuleCode, _ depth: Int) -> Bool {
    let type = types[rule.type]
    if type.kind.isScalar {
      guard scalar(rule.type, rule.name) else { return false }
      return tag(0x3E6E_6170_732F_3C, 7) || fail(.closing)
    }
    guard content(rule.type, rule.name, depth &+ 1) else { return false }
    let close = texts.view(type.memberClose.bytes)
    guard view.has(close, at: pos) else { return fail(.closing) }
    pos &+= close.count
    return true
  }
}
