/// Whole objects of a recipe, and single values of its types, from choices.
public struct ObjectGenerator {
  let recipes: ModelRecipes
  /// Bounds one object: each value costs one, and what is optional stays out when it is spent.
  private var budget: Int

  public init(_ recipes: ModelRecipes, budget: Int = 40) {
    self.recipes = recipes
    self.budget = budget
  }

  /// An object of one of the recipes, such as the writer takes; nil when the recipe cannot be written at all.
  public mutating func object(_ choices: inout Choices) -> ModelValue? {
    object(of: recipes.names[choices.below(recipes.names.count)], &choices)
  }

  public mutating func object(of type: String, _ choices: inout Choices) -> ModelValue? {
    let name = Array(type.utf16)
    guard let rules = try? recipes.topRules(name) else { return nil }
    var members = [ModelValue.Member(Array("$type$".utf16), .string(name))]
    for rule in rules where !members.contains(where: { $0.name == rule.itemprop }) {
      if rule.isOptionalAtTop, budget < 0 || choices.oneIn(2) { continue }
      guard let value = value(of: rule.type, &choices, depth: 0) else {
        if rule.isOptionalAtTop { continue }
        return nil
      }
      if value == .null { continue }
      members.append(ModelValue.Member(rule.itemprop, value))
    }
    return .object(members)
  }

  /// A value of a type; nil when none can be made (a pattern that the model does not know, too deep a nest).
  mutating func value(of type: ModelRecipes.ValueType, _ choices: inout Choices, depth: Int) -> ModelValue? {
    budget -= 1
    guard depth < 12 else { return nil }
    switch type.name {
    case "string":
      guard type.hasPattern else { return .string(ScalarGenerator.string(&choices)) }
      return matching(type, &choices)
    case "integer": return .number(ScalarGenerator.integer(&choices))
    case "number": return .number(ScalarGenerator.number(&choices))
    case "boolean": return .bool(choices.oneIn(2))
    case "stringifiable": return ScalarGenerator.json(&choices)
    case "array", "bag": return items(of: type, &choices, depth).map(ModelValue.array)
    case "set":
      guard let items = items(of: type, &choices, depth) else { return nil }
      var kept: [ModelValue] = []
      for item in items where !kept.contains(where: { $0.isSameValueZero(item) }) { kept.append(item) }
      return .set(kept)
    case "map": return map(of: type, &choices, depth)
    case "object": return nested(type, &choices, depth)
    default: return .string(ScalarGenerator.hash(&choices))
    }
  }

  private mutating func items(
    of type: ModelRecipes.ValueType, _ choices: inout Choices, _ depth: Int
  ) -> [ModelValue]? {
    var items: [ModelValue] = []
    for _ in 0..<(budget < 0 ? 0 : choices.below(5)) {
      guard let item = value(of: type.item, &choices, depth: depth + 1) else { return nil }
      items.append(item)
    }
    return items
  }

  private mutating func map(
    of type: ModelRecipes.ValueType, _ choices: inout Choices, _ depth: Int
  ) -> ModelValue? {
    var pairs: [ModelValue.Pair] = []
    for _ in 0..<(budget < 0 ? 0 : choices.below(4)) {
      guard let key = value(of: type.key, &choices, depth: depth + 1),
        let value = value(of: type.value, &choices, depth: depth + 1)
      else { return nil }
      if !pairs.contains(where: { $0.key.isSameValueZero(key) }) { pairs.append(ModelValue.Pair(key, value)) }
    }
    return .map(pairs)
  }

  private mutating func nested(
    _ type: ModelRecipes.ValueType, _ choices: inout Choices, _ depth: Int
  ) -> ModelValue? {
    var members: [ModelValue.Member] = []
    for rule in type.writingRules where !members.contains(where: { $0.name == rule.itemprop }) {
      if rule.isOptionalNested, budget < 0 || choices.oneIn(2) { continue }
      guard let value = value(of: rule.type, &choices, depth: depth + 1) else {
        if rule.isOptionalNested { continue }
        return nil
      }
      members.append(ModelValue.Member(rule.itemprop, value))
    }
    return .object(members)
  }

  private func matching(_ type: ModelRecipes.ValueType, _ choices: inout Choices) -> ModelValue? {
    guard let pattern = type.pattern else { return nil }
    for _ in 0..<4 {
      let sample = pattern.sample(&choices)
      if pattern.matches(sample) == true { return .string(sample) }
    }
    return nil
  }
}
