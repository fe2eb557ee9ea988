import Microdata

/// Reads the compact notation of `StandardRecipes`. The text is ours; what does not fit ends the reading.
struct RecipeText {
  private let bytes: [UInt8]
  private var index = 0

  init(_ text: String) { bytes = Array(text.utf8) }

  mutating func recipe() -> Recipe? {
    guard let name = word(), take("{"), let rules = rules() else { return nil }
    var lists: [OneMapEntry] = []
    for (rule, isList) in rules where isList {
      lists.append(OneMapEntry(.string(rule.itemprop), "LinkedListCrdtAlgorithm"))
    }
    return Recipe(name: OneText(name), rules: rules.map(\.rule), crdtConfig: lists.isEmpty ? nil : .map(lists))
  }

  /// The rules up to and with the closing brace.
  private mutating func rules() -> [(rule: Rule, isList: Bool)]? {
    var rules: [(Rule, Bool)] = []
    while let name = word() {
      var isId = false
      var isOptional = false
      var isList = false
      if take("*") { isId = true }
      if take("?") { isOptional = true }
      if take("+") { isList = true }
      guard take(":"), let type = type() else { return nil }
      rules.append(
        (
          Rule(
            OneText(name), type, optional: isOptional ? .literalTrue : .absent, isId: isId ? .literalTrue : .absent),
          isList
        ))
      if !take(";") { break }
    }
    return take("}") ? rules : nil
  }

  private mutating func type() -> ItemType? {
    if take("->") {
      let names = names()
      switch names {
      case ["BLOB"]: return .reference(.blob, allowedTypes: [])
      case ["CLOB"]: return .reference(.clob, allowedTypes: [])
      default: return .reference(.object, allowedTypes: names)
      }
    }
    if take("=>") { return .reference(.id, allowedTypes: names()) }
    if take("{") { return rules().map { .object($0.map(\.rule)) } }
    switch word() {
    case "string": return .string(regexp())
    case "number": return .number(.init())
    case "integer": return .integer(.init())
    case "boolean": return .boolean
    case "stringifiable": return .stringifiable
    case "map":
      guard take("<"), let key = type(), take(","), let value = type(), take(">") else { return nil }
      return .map(key: key, value: value)
    case let name?:
      guard let kind = ItemType.ListKind(rawValue: name), take("<"), let item = type(), take(">") else { return nil }
      return .list(kind, item: item)
    case nil: return nil
    }
  }

  private mutating func names() -> [OneText] {
    var names: [OneText] = []
    repeat {
      if take("*") { names.append("*") } else if let name = word() { names.append(OneText(name)) }
    } while take("|")
    return names
  }

  /// A pattern between slashes that are followed by `;`, `>` or the end of the rules, since patterns hold slashes too.
  private mutating func regexp() -> RegexpSource? {
    guard index < bytes.count, bytes[index] == 0x2F else { return nil }
    let start = index + 1
    var end = start
    while end + 1 < bytes.count {
      if bytes[end] == 0x2F, bytes[end - 1] == 0x24 { break }
      end += 1
    }
    index = end + 1
    return RegexpSource(OneText(String(decoding: bytes[start..<end], as: UTF8.self)))
  }

  private mutating func word() -> String? {
    skip()
    let start = index
    while index < bytes.count {
      switch bytes[index] {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x24: index += 1
      default: return index > start ? String(decoding: bytes[start..<index], as: UTF8.self) : nil
      }
    }
    return index > start ? String(decoding: bytes[start..<index], as: UTF8.self) : nil
  }

  private mutating func take(_ text: StaticString) -> Bool {
    skip()
    let wanted = Array(text.description.utf8)
    guard index + wanted.count <= bytes.count, bytes[index..<index + wanted.count].elementsEqual(wanted) else {
      return false
    }
    index += wanted.count
    return true
  }

  private mutating func skip() {
    while index < bytes.count, bytes[index] == 0x20 || bytes[index] == 0x0A { index += 1 }
  }
}
