import WireBytes

extension Pattern {
  /// Members that begin with `$` are matchers; all else must be equal.
  init(_ tree: Tree, exactly: Bool = false) throws(ScenarioFailure) {
    switch tree {
    case .scalar: self = .equal(try Template(tree))
    case .list(let items, _):
      var patterns: [Pattern] = []
      for item in items { patterns.append(try Pattern(item)) }
      self = .list(patterns)
    case .map(let members, let place):
      if let first = members.first, first.name.hasPrefix("$") {
        guard members.count == 1 else {
          throw ScenarioFailure(place, expected: "one matcher alone", found: tree.kind)
        }
        self = try Self.matcher(first)
        return
      }
      var patterns: [Member] = []
      for member in members {
        guard !member.name.hasPrefix("$") else {
          throw ScenarioFailure(member.place, expected: "a member's name", found: "the matcher \(member.name)")
        }
        patterns.append(Member(name: member.name, pattern: try Pattern(member.value)))
      }
      self = .object(patterns, isExact: exactly)
    }
  }

  static let matcherNames = [
    "$any", "$absent", "$hex", "$type", "$integer", "$oneOf", "$size", "$contains", "$not",
  ]

  private static func matcher(_ member: Tree.Member) throws(ScenarioFailure) -> Pattern {
    let value = member.value
    switch member.name {
    case "$any": return .any
    case "$absent": return .absent
    case "$hex":
      if case .scalar("any", true, _) = value { return .hex(digits: nil) }
      guard case .scalar(let text, true, _) = value, let digits = Int(text), digits >= 0 else {
        throw ScenarioFailure(value.place, expected: "a number of digits, or any", found: value.kind)
      }
      return .hex(digits: digits)
    case "$type":
      let kinds = ["null", "boolean", "number", "string", "array", "object"]
      guard case .scalar(let text, _, _) = value, kinds.contains(text) else {
        throw ScenarioFailure(value.place, expected: "one of \(kinds.joined(separator: ", "))", found: value.kind)
      }
      return .kind(text)
    case "$integer":
      guard case .map = value else { return .integer(min: nil, max: nil) }
      let form = Form(
        name: "$integer",
        fields: [Form.field("min", .formula, "the smallest"), Form.field("max", .formula, "the largest")], says: "")
      let fields = try Fields(value, form)
      return .integer(min: try fields.formula("min"), max: try fields.formula("max"))
    case "$oneOf":
      guard case .list(let items, _) = value else {
        throw ScenarioFailure(value.place, expected: "a list of patterns", found: value.kind)
      }
      var patterns: [Pattern] = []
      for item in items { patterns.append(try Pattern(item)) }
      return .oneOf(patterns)
    case "$size": return .size(try Fields.formula(value, "$size"))
    case "$contains": return .contains(try Template(value))
    case "$not": return .not(try Pattern(value))
    default:
      throw ScenarioFailure(
        member.place, expected: "a matcher: \(matcherNames.joined(separator: ", "))", found: "\"\(member.name)\"")
    }
  }
}

extension ClosePattern {
  init(_ tree: Tree) throws(ScenarioFailure) {
    self.init()
    guard case .map = tree else {
      codes = try Self.codes(tree)
      allowsLoss = Self.isAny(tree)
      return
    }
    let fields = try Fields(tree, Form.closed)
    if let code = fields["code"] { codes = try Self.codes(code) }
    if let reason = fields["reason"] { self.reason = try Pattern(reason) }
    allowsLoss = try fields.truth("lost") ?? false
  }

  private static func isAny(_ tree: Tree) -> Bool {
    if case .scalar("any", _, _) = tree { true } else { false }
  }

  private static func codes(_ tree: Tree) throws(ScenarioFailure) -> [Int] {
    switch tree {
    case .scalar("true", true, _): return [1000]
    case .scalar("any", _, _): return []
    case .scalar("none", _, _): return [1005]
    case .scalar(let text, true, _):
      if let code = Int(text), (0...65_535).contains(code) { return [code] }
    case .list(let items, _):
      var codes: [Int] = []
      for item in items { codes += try Self.codes(item) }
      return codes
    default: break
    }
    throw ScenarioFailure(tree.place, expected: "true, any, none, a close code, or a list of codes", found: tree.kind)
  }
}

extension Alternative {
  /// The alternatives that a mapping names side by side; a mapping normally names one.
  static func read(_ fields: Fields) throws(ScenarioFailure) -> [Alternative] {
    var found: [Alternative] = []
    let name = try fields.word("as")
    let exactly = try fields.truth("exactly") ?? false
    for field in Form.alternative {
      guard let tree = fields[field.name] else { continue }
      switch field.name {
      case "json": found.append(Alternative(.json(try Pattern(tree, exactly: exactly)), name: name))
      case "text": found.append(Alternative(.text(try Pattern(tree)), name: name))
      case "binary": found.append(Alternative(.binary(try Pattern(tree)), name: name))
      case "head": found.append(Alternative(.head(try Pattern(tree)), name: name))
      case "pong": found.append(Alternative(.pong(try Pattern(tree)), name: name))
      case "closed": found.append(Alternative(.closed(try ClosePattern(tree)), name: name))
      case "message":
        guard case .scalar("any", _, _) = tree else {
          throw ScenarioFailure(tree.place, expected: "any", found: tree.kind)
        }
        found.append(Alternative(.anyMessage, name: name))
      case "lost", "open", "nothing":
        guard try fields.truth(field.name) == true else {
          throw ScenarioFailure(tree.place, expected: "true, or no such member", found: tree.kind)
        }
        found.append(Alternative(field.name == "lost" ? .lost : field.name == "open" ? .open : .nothing, name: name))
      default: break
      }
    }
    return found
  }

  static func readList(_ trees: [Tree]) throws(ScenarioFailure) -> [Alternative] {
    let form = Form(name: "an alternative", fields: Form.alternative, says: "")
    var found: [Alternative] = []
    for tree in trees {
      let some = try read(try Fields(tree, form))
      guard some.count == 1 else {
        throw ScenarioFailure(tree.place, expected: "one kind of event in each alternative", found: tree.kind)
      }
      found += some
    }
    return found
  }
}

extension Alternative.Kind {
  /// True when it waits for something not to happen.
  public var isNegative: Bool {
    switch self {
    case .open, .nothing: true
    default: false
    }
  }
}
