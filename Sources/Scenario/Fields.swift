import Requirements

/// The members of one mapping, checked against its form.
public struct Fields {
  public let place: Place
  public let form: Form
  private let members: [Tree.Member]

  /// `extra` allows names that the form does not know, as the variables of a table row.
  public init(_ tree: Tree, _ form: Form, extra: Bool = false) throws(ScenarioFailure) {
    guard case .map(let members, let place) = tree else {
      throw ScenarioFailure(tree.place, expected: "a mapping for \(form.name)", found: tree.kind)
    }
    let known = form.fields.map(\.name)
    if !extra {
      for member in members where !known.contains(member.name) {
        throw ScenarioFailure(
          member.place, expected: "one of \(known.joined(separator: ", ")) in \(form.name)", found: "\"\(member.name)\""
        )
      }
    }
    for field in form.fields where field.isRequired && !members.contains(where: { $0.name == field.name }) {
      throw ScenarioFailure(place, expected: "\"\(field.name)\" in \(form.name): \(field.says)", found: tree.kind)
    }
    self.place = place
    self.form = form
    self.members = members
  }

  public subscript(name: String) -> Tree? { members.first { $0.name == name }?.value }

  public func place(of name: String) -> Place { members.first { $0.name == name }?.place ?? place }

  /// The members that the form does not know.
  var others: [Tree.Member] {
    let known = Set(form.fields.map(\.name))
    return members.filter { !known.contains($0.name) }
  }

  public func text(_ name: String) throws(ScenarioFailure) -> String? {
    guard let tree = self[name] else { return nil }
    return try Fields.text(tree, name)
  }

  static func text(_ tree: Tree, _ name: String) throws(ScenarioFailure) -> String {
    guard case .scalar(let text, _, let place) = tree else {
      throw ScenarioFailure(tree.place, expected: "a text for \(name)", found: tree.kind)
    }
    guard !text.isEmpty else { throw ScenarioFailure(place, expected: "a text for \(name)", found: "nothing") }
    return text
  }

  public func requiredText(_ name: String) throws(ScenarioFailure) -> String {
    guard let text = try text(name) else {
      throw ScenarioFailure(place, expected: "\"\(name)\" in \(form.name)", found: "none")
    }
    return text
  }

  /// A name of letters, digits, `-` and `_`.
  public func word(_ name: String) throws(ScenarioFailure) -> String? {
    guard let tree = self[name] else { return nil }
    return try Fields.word(tree, name)
  }

  public func requiredWord(_ name: String) throws(ScenarioFailure) -> String {
    guard let word = try word(name) else {
      throw ScenarioFailure(place, expected: "\"\(name)\" in \(form.name)", found: "none")
    }
    return word
  }

  static func word(_ tree: Tree, _ name: String) throws(ScenarioFailure) -> String {
    let word = try text(tree, name)
    let isWord = word.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
        || [0x2D, 0x5F, 0x2E, 0x2F].contains($0)
    }
    guard isWord, word.utf8.count <= 120 else {
      throw ScenarioFailure(tree.place, expected: "a word of letters, digits, - _ . / for \(name)", found: tree.kind)
    }
    return word
  }

  /// One word or a list of words.
  public func words(_ name: String) throws(ScenarioFailure) -> [String] {
    guard let tree = self[name] else { return [] }
    guard case .list(let items, _) = tree else { return [try Fields.word(tree, name)] }
    var words: [String] = []
    for item in items { words.append(try Fields.word(item, name)) }
    return words
  }

  public func truth(_ name: String) throws(ScenarioFailure) -> Bool? {
    guard let tree = self[name] else { return nil }
    guard case .scalar(let text, true, _) = tree, text == "true" || text == "false" else {
      throw ScenarioFailure(tree.place, expected: "true or false for \(name)", found: tree.kind)
    }
    return text == "true"
  }

  func integer(_ name: String, _ range: ClosedRange<Int>) throws(ScenarioFailure) -> Int? {
    guard let tree = self[name] else { return nil }
    guard case .scalar(let text, true, _) = tree, let value = Int(text), range.contains(value) else {
      throw ScenarioFailure(
        tree.place, expected: "a whole number from \(range.lowerBound) to \(range.upperBound) for \(name)",
        found: tree.kind)
    }
    return value
  }

  func formula(_ name: String) throws(ScenarioFailure) -> Expression? {
    guard let tree = self[name] else { return nil }
    return try Fields.formula(tree, name)
  }

  /// A formula stands bare; `${…}` around it does no harm.
  static func formula(_ tree: Tree, _ name: String) throws(ScenarioFailure) -> Expression {
    var text = try text(tree, name)
    var place = tree.place
    if text.hasPrefix("${"), text.hasSuffix("}") {
      text = String(text.dropFirst(2).dropLast())
      place = Place(file: place.file, line: place.line, column: place.column + 2)
    }
    return try ExpressionParser.parse(text, at: place)
  }

  func template(_ name: String) throws(ScenarioFailure) -> Template? {
    guard let tree = self[name] else { return nil }
    return try Template(tree)
  }

  public func list(_ name: String) throws(ScenarioFailure) -> [Tree] {
    guard let tree = self[name] else { return [] }
    guard case .list(let items, _) = tree else {
      throw ScenarioFailure(tree.place, expected: "a list for \(name)", found: tree.kind)
    }
    return items
  }

  func timing() throws(ScenarioFailure) -> Timing {
    var timing = Timing()
    timing.within = try formula("within")
    timing.after = try formula("after")
    timing.since = try word("since")
    return timing
  }

  func choice<Value: RawRepresentable & CaseIterable>(_ name: String, _ type: Value.Type) throws(ScenarioFailure)
    -> Value?
  where Value.RawValue == String {
    guard let tree = self[name] else { return nil }
    let word = try Fields.word(tree, name)
    guard let value = Value(rawValue: word) else {
      let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
      throw ScenarioFailure(tree.place, expected: "one of \(known) for \(name)", found: tree.kind)
    }
    return value
  }
}
