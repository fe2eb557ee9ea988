/// An object as the reader built it: a flat list of nodes over the input's own bytes.
///
/// Texts are slices of the input, or of an arena where entities were replaced; the JSON of a stringifiable is checked
/// while reading and becomes values when asked for. `value` gives the whole as a tree.
public struct OneDocument: Sendable {
  let codec: MicrodataCodec
  let source: [UInt8]
  let arena: [UInt8]
  let nodes: [Node]
  /// Names of members that no recipe of the codec has.
  let extraNames: [OneText]
  let others: [OneValue]
  /// Index of the recipe when the document came from the reader; its root then has no member `$type$`.
  let recipe: Int?
  /// True when the reader saw canonical bytes only. It is a hint: false says nothing.
  public let isKnownCanonical: Bool

  /// The recipe's name, or the value of `$type$` when it is a string.
  public var type: OneText? {
    if let recipe { return codec.typeName(recipe) }
    if case .object(let object) = value { return object.type }
    return nil
  }

  /// The whole object as a tree of values, JSON decoded.
  public var value: OneValue {
    var index = 0
    return source.withView { source in
      arena.withView { arena in tree(&index, source, arena) }
    }
  }

  /// One member of the root; nil when it is missing.
  public subscript(name: OneText) -> OneValue? {
    guard let root = nodes.first, root.kind == .object else { return nil }
    if name == "$type$", let recipe { return .string(codec.typeName(recipe)) }
    var index = 1
    while index < root.end {
      if self.name(nodes[index].key) == name {
        return source.withView { source in arena.withView { arena in tree(&index, source, arena) } }
      }
      index = next(index)
    }
    return nil
  }

  /// Bytes that the document holds beyond the input itself.
  public var overhead: Int { arena.count + nodes.count * MemoryLayout<Node>.stride }

  func name(_ key: Int32) -> OneText {
    let known = codec.names.count
    if key < 0 { return "" }
    return Int(key) < known ? codec.names[Int(key)] : extraNames[Int(key) - known]
  }

  /// The index behind the node and its children.
  func next(_ index: Int) -> Int { nodes[index].isContainer ? nodes[index].end : index + 1 }

  func view(_ node: Node, _ source: ByteView, _ arena: ByteView) -> ByteView {
    let base = node.flags & Node.inArena != 0 ? arena : source
    return base.slice(node.offset, node.offset + node.length)
  }

  func tree(_ index: inout Int, _ source: ByteView, _ arena: ByteView) -> OneValue {
    let node = nodes[index]
    let isRoot = index == 0
    index += 1
    switch node.kind {
    case .undefined: return .undefined
    case .null: return .null
    case .false: return .bool(false)
    case .true: return .bool(true)
    case .number: return .number(node.number)
    case .date: return .date(node.number)
    case .string: return .string(OneText(view(node, source, arena)))
    case .json: return json(view(node, source, arena))
    case .other: return others[node.offset]
    case .array, .set:
      var items: [OneValue] = []
      items.reserveCapacity(node.count)
      while index < node.end { items.append(tree(&index, source, arena)) }
      return node.kind == .array ? .array(items) : .set(items)
    case .map:
      var entries: [OneMapEntry] = []
      entries.reserveCapacity(node.count / 2)
      while index < node.end {
        let key = tree(&index, source, arena)
        entries.append(OneMapEntry(key, tree(&index, source, arena)))
      }
      return .map(entries)
    case .object:
      var members: [OneObject.Member] = []
      members.reserveCapacity(node.count + 1)
      if isRoot, let recipe { members.append(.init("$type$", .string(codec.typeName(recipe)))) }
      while index < node.end {
        let name = self.name(nodes[index].key)
        members.append(.init(name, tree(&index, source, arena)))
      }
      return .object(OneObject(unique: members))
    }
  }

  /// The text was checked by the reader with the same bound of depth, or stands for text that no JSON reader takes.
  private func json(_ view: ByteView) -> OneValue {
    do throws(MicrodataError) { return try JSONText.value(view, depthLimit: .max) } catch {
      return RawKeyJSON.value(view) ?? .undefined
    }
  }
}
