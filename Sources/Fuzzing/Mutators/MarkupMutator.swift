/// The mutator of all markup targets: bytes, structure, and values that are edited and written anew.
public struct MarkupMutator {
  private let recipes: ModelRecipes
  private let tokens: [[UInt8]]
  private let names: [[UInt8]]
  private var spans = MarkupSpans()
  /// How often a mutation starts from a value: once in so many.
  public var valueEditOneIn = 24

  public init(recipes: ModelRecipes) {
    self.recipes = recipes
    tokens = FuzzDictionary.tokens(recipes)
    names = FuzzDictionary.names(recipes)
  }

  /// Changes the bytes in place; at most `limit` bytes afterwards. The same seed makes the same change.
  public mutating func mutate(_ bytes: inout [UInt8], limit: Int, seed: UInt64) {
    var random = SplitMix64(seed: seed)
    if bytes.isEmpty || random.below(valueEditOneIn) == 0 {
      if let fresh = editedValue(bytes, &random), !fresh.isEmpty { bytes = fresh }
      // Half of these stay canonical; the others break one thing.
      if random.below(2) == 0 {
        if bytes.count > limit { bytes.removeLast(bytes.count - limit) }
        return
      }
    }
    repeat {
      if random.below(3) == 0 {
        let operators = ByteMutator.allCases
        operators[random.below(operators.count)].apply(to: &bytes, tokens: tokens, &random)
      } else {
        spans.scan(bytes)
        let operators = StructureMutator.allCases
        for _ in 0..<4 {
          if operators[random.below(operators.count)].apply(to: &bytes, spans: spans, names: names, &random) { break }
        }
      }
    } while random.below(3) == 0
    if bytes.count > limit { bytes.removeLast(bytes.count - limit) }
  }

  /// The text's value with one member made anew, written again; or a new object when the text has no value.
  private func editedValue(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8]? {
    var choices = Choices(seed: random.next(), limit: 256)
    var generator = ObjectGenerator(recipes, budget: 4 + random.below(24))
    let text = Array(String(decoding: bytes, as: UTF8.self).utf16)
    let form: ModelReader.Form = text.count > 5 && text[5] == 0x64 ? .id : .object
    var value: ModelValue?
    if bytes.count < 4000, random.below(4) != 0, let old = try? ModelReader.read(text, as: form, recipes: recipes) {
      value = generator.edited(old, &choices)
    } else {
      value = generator.object(&choices)
    }
    guard let value, let written = try? ModelWriter.write(value, as: form, recipes: recipes) else {
      guard let value, let written = try? ModelWriter.write(value, as: .object, recipes: recipes) else { return nil }
      return Array(String(decoding: written, as: UTF16.self).utf8)
    }
    return Array(String(decoding: written, as: UTF16.self).utf8)
  }
}

extension ObjectGenerator {
  /// The object with one top-level member made anew, taken out or put in.
  mutating func edited(_ value: ModelValue, _ choices: inout Choices) -> ModelValue? {
    guard case .object(var members) = value, let type = value[Array("$type$".utf16)]?.units,
      let rules = try? recipes.topRules(type), !rules.isEmpty
    else { return nil }
    let rule = rules[choices.below(rules.count)]
    let place = members.firstIndex { $0.name == rule.itemprop }
    if rule.isOptionalAtTop, let place, choices.oneIn(4) {
      members.remove(at: place)
      return .object(members)
    }
    guard let fresh = self.value(of: rule.type, &choices, depth: 0) else { return value }
    if let place { members[place].value = fresh } else { members.append(ModelValue.Member(rule.itemprop, fresh)) }
    return .object(members)
  }
}
