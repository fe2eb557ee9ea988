import Microdata

/// The algorithms of chum.md 2.10 over two branches of one versioned object.
struct PropertyMerge<Store: EntryStore> {
  let older: Branch
  let newer: Branch
  var repository: Repository<Store>

  /// How deep references are merged instead of chosen between.
  private static var depthLimit: Int { 8 }

  mutating func run() throws(RepositoryFailure) -> OneObject {
    guard let type = older.leaf.type, type == newer.leaf.type, let recipe = repository.codec.recipe(type.string) else {
      throw .unsuitable("two versions of different or unknown types")
    }
    var result = OneObject(["$type$": .string(type)])
    for rule in recipe.rules {
      let name = rule.itemprop
      if let value = try merged(rule, isList: recipe.usesLinkedList(name), type: type.string) {
        result.set(name, value)
      }
    }
    return result
  }

  private mutating func merged(_ rule: Rule, isList: Bool, type: String) throws(RepositoryFailure) -> OneValue? {
    let name = rule.itemprop
    let old = Self.present(older.leaf[name])
    let new = Self.present(newer.leaf[name])
    if old == new { return old }
    if isList, let list = try linkedList(old?.hash, new?.hash) { return .reference(list) }
    guard let old, let new else { return optional(old, new, name) }
    switch rule.itemtype {
    case .list: return set(old, new, name)
    case .map: return map(old, new)
    case .reference(.object, _):
      if let one = old.hash, let other = new.hash, let merged = try objects(one, other, depth: 0) {
        return .reference(merged)
      }
      return register(old, new, name)
    default: return register(old, new, name)
    }
  }

  private static func present(_ value: OneValue?) -> OneValue? {
    switch value {
    case .undefined?, .null?, nil: nil
    case let value?: value
    }
  }

  /// Last writer wins; at the same time the greater data hash, so that both peers choose alike.
  private func register(_ old: OneValue?, _ new: OneValue?, _ name: OneText) -> OneValue? {
    (older.lastChange(name), older.data) < (newer.lastChange(name), newer.data) ? new : old
  }

  /// A value that one branch does not have: kept, unless that branch dropped it later than the other wrote it.
  private func optional(_ old: OneValue?, _ new: OneValue?, _ name: OneText) -> OneValue? {
    let (holder, lacking) = old == nil ? (newer, older) : (older, newer)
    let value = old ?? new
    let hadIt = lacking.versions.contains { $0.object[name] != nil && $0.object[name] != .undefined }
    if hadIt, lacking.lastChange(name) > holder.lastChange(name) { return nil }
    return value
  }

  /// Union with removals: an element that one branch dropped stays away unless the other wrote it later.
  private func set(_ old: OneValue, _ new: OneValue, _ name: OneText) -> OneValue {
    var items: [OneValue] = []
    func keep(_ element: OneValue, other: Branch, mine: Branch) {
      guard !items.contains(element) else { return }
      if other.removed(element, from: name), let written = mine.lastPresence(element, in: name),
        let dropped = other.versions.last?.time, dropped > written
      {
        return
      }
      items.append(element)
    }
    for element in Branch.elements(old) { keep(element, other: newer, mine: older) }
    for element in Branch.elements(new) { keep(element, other: older, mine: newer) }
    if case .set = old { return .set(items) }
    return .array(items)
  }

  /// By entry; where both have a key, the newer leaf's value.
  private func map(_ old: OneValue, _ new: OneValue) -> OneValue {
    guard case .map(let one) = old, case .map(let other) = new else { return new }
    var entries = one
    for entry in other {
      if let index = entries.firstIndex(where: { $0.key.isSameValueZero(entry.key) }) {
        entries[index].value = entry.value
      } else {
        entries.append(entry)
      }
    }
    return .map(entries)
  }

  /// Merges two referenced objects of one unversioned type; nil when only choosing is possible.
  private mutating func objects(
    _ one: ObjectHash, _ other: ObjectHash, depth: Int
  ) throws(RepositoryFailure) -> ObjectHash? {
    guard depth < Self.depthLimit, let left = try? repository.object(one), let right = try? repository.object(other),
      let type = left.type, type == right.type, let recipe = repository.codec.recipe(type.string), !recipe.isVersioned,
      !VersionNode.types.contains(type.string)
    else { return nil }
    var result = OneObject(["$type$": .string(type)])
    for rule in recipe.rules {
      let old = Self.present(left[rule.itemprop])
      let new = Self.present(right[rule.itemprop])
      guard let old, let new, old != new else {
        if let value = old ?? new { result.set(rule.itemprop, value) }
        continue
      }
      switch rule.itemtype {
      case .list:
        var items = Branch.elements(old)
        for item in Branch.elements(new) where !items.contains(item) { items.append(item) }
        if case .set = old { result.set(rule.itemprop, .set(items)) } else { result.set(rule.itemprop, .array(items)) }
      case .map: result.set(rule.itemprop, map(old, new))
      case .reference(.object, _):
        if let a = old.hash, let b = new.hash, let merged = try objects(a, b, depth: depth + 1) {
          result.set(rule.itemprop, .reference(merged))
        } else {
          result.set(rule.itemprop, new)
        }
      default: result.set(rule.itemprop, new)
      }
    }
    return try repository.storeObject(result, origin: .chum)
  }

  private mutating func linkedList(
    _ one: ObjectHash?, _ other: ObjectHash?
  ) throws(RepositoryFailure) -> ObjectHash? {
    try repository.mergeLists(one, other)
  }
}

extension Recipe {
  /// True when the recipe's configuration names the linked-list algorithm for the property.
  ///
  /// Recipes write `property` or `property#type`; dumps of them give the pairs as a map, an object or a list of pairs.
  func usesLinkedList(_ name: OneText) -> Bool {
    let pairs: [(OneValue, OneValue)]
    switch crdtConfig {
    case .map(let entries)?: pairs = entries.map { ($0.key, $0.value) }
    case .object(let object)?: pairs = object.members.map { (.string($0.name), $0.value) }
    case .array(let items)?:
      pairs = items.compactMap { item in item.elements.flatMap { $0.count == 2 ? ($0[0], $0[1]) : nil } }
    default: return false
    }
    return pairs.contains { key, value in
      guard case .string(let text) = key, value == "LinkedListCrdtAlgorithm" else { return false }
      return text == name || text.string.hasPrefix(name.string + "#")
    }
  }
}
