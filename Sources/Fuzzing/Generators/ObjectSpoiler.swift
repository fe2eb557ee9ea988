extension ObjectGenerator {
  /// The object with one thing wrong, such as the writer must refuse; sometimes what is wrong does not matter.
  mutating func spoiled(_ object: ModelValue, _ choices: inout Choices) -> ModelValue {
    guard case .object(var members) = object, !members.isEmpty else { return object }
    let place = choices.below(members.count)
    switch choices.below(8) {
    case 0: members.remove(at: place)
    case 1: members[place].value = .null
    case 2: members[place].value = .undefined
    case 3: members.append(ModelValue.Member(Array("zz".utf16), .text("surplus")))
    case 4: members[place].value = members[place].value.asOtherCollection
    case 5: if let units = members[place].value.units { members[place].value = .string(units + [0x0A]) }
    case 6: members[place].value = members[place].value.withSpoiledPart(Self.wrong(&choices), &choices)
    default: members[place].value = Self.wrong(&choices)
    }
    return .object(members)
  }

  /// A value that fits few types.
  private static func wrong(_ choices: inout Choices) -> ModelValue {
    switch choices.below(10) {
    case 0: .null
    case 1: .undefined
    case 2: .bool(true)
    case 3: .number(1.5)
    case 4: .number(Double.nan)
    case 5: .text("x")
    case 6: .array([.text("x")])
    case 7: .set([.number(1.0)])
    case 8: .map([ModelValue.Pair(.text("k"), .text("v"))])
    default: .object([ModelValue.Member(Array("k".utf16), .text("v"))])
    }
  }
}

extension ModelValue {
  /// An array for a set and the reverse; other values stay.
  fileprivate var asOtherCollection: ModelValue {
    switch self {
    case .array(let items): .set(items)
    case .set(let items): .array(items)
    case .map(let pairs): .object(pairs.compactMap { pair in pair.key.units.map { Member($0, pair.value) } })
    case .object: .array([self])
    default: self
    }
  }

  /// The same value with something inside of it replaced, at any depth.
  fileprivate func withSpoiledPart(_ wrong: ModelValue, _ choices: inout Choices) -> ModelValue {
    func part(_ value: ModelValue, _ choices: inout Choices) -> ModelValue {
      choices.oneIn(2) ? value.withSpoiledPart(wrong, &choices) : wrong
    }
    switch self {
    case .array(var items):
      guard !items.isEmpty else { return .array([wrong]) }
      let place = choices.below(items.count)
      items[place] = part(items[place], &choices)
      return .array(items)
    case .set(var items):
      guard !items.isEmpty else { return .set([wrong]) }
      let place = choices.below(items.count)
      items[place] = part(items[place], &choices)
      return .set(items)
    case .map(var pairs):
      guard !pairs.isEmpty else { return .map([Pair(wrong, wrong)]) }
      let place = choices.below(pairs.count)
      if choices.oneIn(2) { pairs[place].key = wrong } else { pairs[place].value = part(pairs[place].value, &choices) }
      return .map(pairs)
    case .object(var members):
      guard !members.isEmpty else { return self }
      let place = choices.below(members.count)
      if choices.oneIn(4) {
        members.remove(at: place)
      } else {
        members[place].value = part(members[place].value, &choices)
      }
      return .object(members)
    default: return wrong
    }
  }
}
