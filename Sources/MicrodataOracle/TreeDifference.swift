/// One place where two trees of the same bytes disagree.
public struct TreeDifference: Sendable, Equatable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    case name(ours: String, theirs: String)
    case text(ours: String, theirs: String)
    case attribute(name: String, ours: String?, theirs: String?)
    case missing(String)
    case surplus(String)
  }
  /// From the outer element to the place, such as `div/ul[itemprop=person]/li[2]/text()`.
  public let path: String
  /// The byte of the source where our node starts; nil when only libxml2 has one.
  public let offset: Int?
  public let kind: Kind

  public var description: String {
    let place = offset.map { " (byte \($0))" } ?? ""
    let what =
      switch kind {
      case .name(let ours, let theirs): "is \(ours), libxml2 reads \(theirs)"
      case .text(let ours, let theirs): "text is \(ours), libxml2 reads \(theirs)"
      case .attribute(let name, let ours, let theirs):
        "attribute \(name) is \(ours ?? "absent"), libxml2 reads \(theirs ?? "none")"
      case .missing(let what): "\(what) is missing in libxml2's tree"
      case .surplus(let what): "libxml2 has \(what) here"
      }
    return "\(path)\(place): \(what)"
  }
}

/// Compares names, attributes in their order, and text of two trees; stops after `limit` differences.
struct TreeComparison {
  let ours: MarkupTree
  let theirs: MarkupTree
  /// Attribute values of ours that hold an ampersand may read otherwise on the other side.
  let toleratesAmpersands: Bool
  let limit: Int
  private(set) var differences: [TreeDifference] = []

  init(_ ours: MarkupTree, _ theirs: MarkupTree, toleratesAmpersands: Bool = false, limit: Int = 8) {
    self.ours = ours
    self.theirs = theirs
    self.toleratesAmpersands = toleratesAmpersands
    self.limit = limit
    compare()
  }

  private mutating func compare() {
    // Equal shapes walk in step; the first unequal shape is told and its subtree skipped on both sides.
    var left = 0
    var right = 0
    var ends: [(left: Int, right: Int)] = [(ours.nodes.count, theirs.nodes.count)]
    while let end = ends.last, differences.count < limit {
      if left >= end.left || right >= end.right {
        if left < end.left { add(.missing(label(ours, left)), at: left) }
        if right < end.right { add(.surplus(label(theirs, right)), at: max(0, left - 1)) }
        (left, right) = end
        ends.removeLast()
        continue
      }
      let node = ours.nodes[left]
      let other = theirs.nodes[right]
      guard node.kind == other.kind, compareContent(left, right) else {
        left = node.subtreeEnd
        right = other.subtreeEnd
        continue
      }
      if node.kind == .element {
        compareAttributes(left, right)
        ends.append((node.subtreeEnd, other.subtreeEnd))
      }
      left += 1
      right += 1
    }
  }

  private mutating func compareContent(_ left: Int, _ right: Int) -> Bool {
    let node = ours.nodes[left]
    let other = theirs.nodes[right]
    let mine = ours.bytes(node.content)
    let theirs = theirs.bytes(other.content)
    if mine == theirs { return true }
    if node.kind == .text {
      let shared = zip(mine, theirs).prefix { $0 == $1 }.count
      add(.text(ours: extract(mine, shared), theirs: extract(theirs, shared)), at: left)
    } else {
      add(.name(ours: label(ours, left), theirs: label(self.theirs, right)), at: left)
    }
    return false
  }

  private mutating func compareAttributes(_ left: Int, _ right: Int) {
    let mine = ours.attributes[ours.nodes[left].attributes]
    let others = theirs.attributes[theirs.nodes[right].attributes]
    for position in 0..<max(mine.count, others.count) {
      let one = position < mine.count ? mine[mine.startIndex + position] : nil
      let other = position < others.count ? others[others.startIndex + position] : nil
      if let one, let other, ours.bytes(one.name) == theirs.bytes(other.name) {
        let value = ours.bytes(one.value)
        if value == theirs.bytes(other.value) || (toleratesAmpersands && value.contains(0x26)) { continue }
        add(
          .attribute(
            name: ours.string(one.name), ours: extract(value, 0), theirs: extract(theirs.bytes(other.value), 0)),
          at: left)
        continue
      }
      if let one {
        add(.attribute(name: ours.string(one.name), ours: ours.string(one.value), theirs: nil), at: left)
      }
      if let other {
        add(.attribute(name: theirs.string(other.name), ours: nil, theirs: theirs.string(other.value)), at: left)
      }
    }
  }

  private mutating func add(_ kind: TreeDifference.Kind, at node: Int) {
    let offset = ours.nodes.indices.contains(node) ? ours.nodes[node].offset : nil
    differences.append(TreeDifference(path: ours.path(to: node), offset: offset, kind: kind))
  }

  private func label(_ tree: MarkupTree, _ index: Int) -> String {
    switch tree.nodes[index].kind {
    case .element: "<\(tree.string(tree.nodes[index].content))>"
    case .text: "text \(extract(tree.bytes(tree.nodes[index].content), 0))"
    case .foreign: "a comment or instruction \(tree.string(tree.nodes[index].content))"
    }
  }

  /// A bounded piece of a text around the first byte that differs.
  private func extract(_ text: ArraySlice<UInt8>, _ shared: Int) -> String {
    let start = text.startIndex + max(0, shared - 12)
    let piece = text[min(start, text.endIndex)...].prefix(40)
    let quoted = String(decoding: piece, as: UTF8.self).debugDescription
    return (start > text.startIndex ? "…" : "") + quoted + (piece.endIndex < text.endIndex ? "…" : "")
  }
}

extension MarkupTree {
  /// The way from the outer element to a node, with itemprops and positions.
  func path(to node: Int) -> String {
    var parts: [String] = []
    var index = 0
    while index < nodes.count, index <= node {
      guard node < nodes[index].subtreeEnd else {
        index = nodes[index].subtreeEnd
        continue
      }
      parts.append(step(index))
      index += 1
    }
    return parts.isEmpty ? "document" : parts.joined(separator: "/")
  }

  private func step(_ index: Int) -> String {
    guard nodes[index].kind == .element else { return "text()" }
    let name = string(nodes[index].content)
    for attribute in attributes[nodes[index].attributes] where string(attribute.name) == "itemprop" {
      return "\(name)[itemprop=\(string(attribute.value))]"
    }
    guard let position = positionAmongSiblings(index) else { return name }
    return "\(name)[\(position)]"
  }

  private func positionAmongSiblings(_ index: Int) -> Int? {
    guard let parent = nodes[..<index].lastIndex(where: { $0.subtreeEnd > index && $0.kind == .element }) else {
      return nil
    }
    var position = 0
    var child = parent + 1
    while child <= index {
      position += 1
      child = nodes[child].subtreeEnd
    }
    return position
  }
}
