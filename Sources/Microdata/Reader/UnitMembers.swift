/// What the reference's sets, maps and objects do with members that are the same: by SameValueZero, on nodes.
extension UnitReader {
  /// A set takes the first of the same values, and -0 as 0.
  mutating func makeDistinct(_ container: Int) {
    let repeated = repeats(of: scalars(container, step: 1))
    guard !repeated.isEmpty else { return }
    var kept: [Range<Int>] = []
    var next = 0
    forEachChild(container) { child in
      if next < repeated.count, Int(repeated[next]) == child.lowerBound { next += 1 } else { kept.append(child) }
    }
    rebuild(container, kept)
  }

  /// A map keeps the first place of a key and its last value, and takes the key -0 as 0.
  mutating func keepLastOfKey(_ container: Int) {
    guard let sorted = sortedUnlessAscending(scalars(container, step: 2)) else { return }
    // The value behind a repeated key goes to the first key that is the same.
    var firsts: [UInt32: UInt32] = [:]
    var first = sorted[0]
    for index in sorted.dropFirst() {
      if order(first, index) == 0 { firsts[index] = first } else { first = index }
    }
    guard !firsts.isEmpty else { return }
    var pairs: [(key: Range<Int>, value: Range<Int>)] = []
    var places: [Int: Int] = [:]
    var key: Range<Int>?
    forEachChild(container) { child in
      guard let pending = key else {
        key = child
        return
      }
      key = nil
      if let first = firsts[UInt32(truncatingIfNeeded: pending.lowerBound)], let place = places[Int(first)] {
        pairs[place].value = child
      } else {
        places[pending.lowerBound] = pairs.count
        pairs.append((pending, child))
      }
    }
    rebuild(container, pairs.flatMap { [$0.key, $0.value] })
  }

  /// An object keeps the first place of a name and its last value.
  mutating func keepLastOfName(_ container: Int) {
    var places: [Int32: Int] = [:]
    var kept: [Range<Int>] = []
    forEachChild(container) { child in
      let name = nodes[child.lowerBound].key
      if let place = places[name] {
        kept[place] = child
      } else {
        places[name] = kept.count
        kept.append(child)
      }
    }
    rebuild(container, kept)
  }

  // MARK: children

  private func forEachChild(_ container: Int, _ body: (Range<Int>) -> Void) {
    var index = container + 1
    while index < nodes.count {
      let next = nodes[index].isContainer ? nodes[index].end : index + 1
      body(index..<next)
      index = next
    }
  }

  /// The children, or every second one, that can be the same as others; -0 becomes 0.
  private mutating func scalars(_ container: Int, step: Int) -> [UInt32] {
    var found: [UInt32] = []
    var index = container + 1
    var position = 0
    while index < nodes.count {
      let node = nodes[index]
      if position % step == 0, node.kind != .json, !node.isContainer {
        if node.kind == .number, node.number == 0 { nodes[index] = Node(.number, key: -1, payload: 0) }
        found.append(UInt32(truncatingIfNeeded: index))
      }
      position += 1
      index = node.isContainer ? node.end : index + 1
    }
    return found
  }

  /// Those that are the same as an earlier one, in order.
  private func repeats(of indices: [UInt32]) -> [UInt32] {
    guard let sorted = sortedUnlessAscending(indices) else { return [] }
    var repeated: [UInt32] = []
    for place in 1..<sorted.count where order(sorted[place - 1], sorted[place]) == 0 { repeated.append(sorted[place]) }
    return repeated.sorted()
  }

  /// In order, the same ones by place; nil when they ascend already, so that none are the same.
  private func sortedUnlessAscending(_ indices: [UInt32]) -> [UInt32]? {
    var place = 1
    while place < indices.count, order(indices[place - 1], indices[place]) < 0 { place += 1 }
    guard place < indices.count else { return nil }
    return indices.sorted { left, right in
      let order = order(left, right)
      return order == 0 ? left < right : order < 0
    }
  }

  /// A total order in which only the same values are equal.
  private func order(_ left: UInt32, _ right: UInt32) -> Int {
    let a = nodes[Int(left)]
    let b = nodes[Int(right)]
    guard a.kind == b.kind else { return Int(a.kind.rawValue) - Int(b.kind.rawValue) }
    switch a.kind {
    case .number:
      if a.number.isNaN || b.number.isNaN { return a.number.isNaN == b.number.isNaN ? 0 : a.number.isNaN ? 1 : -1 }
      return a.number == b.number ? 0 : a.number < b.number ? -1 : 1
    case .string:
      return arena.withView { arena in
        WTF8.compare(text(a, arena), text(b, arena))
      }
    default: return 0
    }
  }

  private func text(_ node: Node, _ arena: ByteView) -> ByteView {
    (node.flags & Node.inArena != 0 ? arena : html.view).slice(node.offset, node.offset + node.length)
  }

  /// Puts the children of the last container into another order; those that are not listed go.
  private mutating func rebuild(_ container: Int, _ children: [Range<Int>]) {
    var moved = Buffer<Node>()
    for child in children {
      let shift = container + 1 + moved.count - child.lowerBound
      for index in child {
        let node = nodes[index]
        moved.append(
          node.isContainer
            ? Node(node.kind, key: node.key, flags: node.flags, offset: node.end + shift, length: node.count) : node)
      }
    }
    nodes.truncate(container + 1)
    for index in 0..<moved.count { nodes.append(moved[index]) }
    let node = nodes[container]
    nodes[container] = Node(node.kind, key: node.key, flags: node.flags, offset: nodes.count, length: children.count)
  }
}
