/// What a document holds, shared by its copies: the input, the arena of replaced texts and the nodes.
final class DocumentContent: Sendable {
  let codec: MicrodataCodec
  let source: [UInt8]
  // Written before the content is made, only read afterwards, freed with it.
  nonisolated(unsafe) let arena: OwnedBytes<UInt8>
  nonisolated(unsafe) let nodes: OwnedBytes<Node>
  /// Names of members that no recipe of the codec has.
  let extraNames: [OneText]
  let others: [OneValue]
  /// Index of the recipe when the document came from the reader; its root then has no member `$type$`.
  let recipe: Int?
  let isKnownCanonical: Bool
  /// True when the texts can hold lone surrogates: they came from memory, not from bytes.
  let isFromMemory: Bool

  init(
    _ codec: MicrodataCodec, source: [UInt8], arena: OwnedBytes<UInt8>, nodes: OwnedBytes<Node>,
    extraNames: [OneText] = [], others: [OneValue] = [], recipe: Int? = nil, isKnownCanonical: Bool = false,
    isFromMemory: Bool
  ) {
    self.codec = codec
    self.source = source
    unsafe self.arena = arena
    unsafe self.nodes = nodes
    self.extraNames = extraNames
    self.others = others
    self.recipe = recipe
    self.isKnownCanonical = isKnownCanonical
    self.isFromMemory = isFromMemory
  }

  deinit {
    unsafe arena.release()
    unsafe nodes.release()
  }
}

/// A document's nodes and texts for one walk.
struct DocumentView {
  let content: DocumentContent
  let nodes: OwnedBytes<Node>
  let source: ByteView
  let arena: ByteView

  init(_ content: DocumentContent, _ source: ByteView) {
    self.content = content
    self.source = source
    unsafe nodes = content.nodes
    unsafe arena = content.arena.view
  }

  @inline(__always)
  func text(_ node: Node) -> ByteView {
    let base = node.flags & Node.inArena != 0 ? arena : source
    return base.slice(node.offset, node.offset &+ node.length)
  }

  /// The index behind the node and its children.
  @inline(__always)
  func next(_ index: Int) -> Int {
    let node = nodes[index]
    return node.isContainer ? node.end : index &+ 1
  }

  func name(_ key: Int32) -> OneText {
    let known = content.codec.names.count
    if key < 0 { return "" }
    return Int(key) < known ? content.codec.names[Int(key)] : content.extraNames[Int(key) - known]
  }

  /// The value at an index, which moves behind it.
  func tree(_ index: inout Int) -> OneValue {
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
    case .string: return .string(OneText(text(node)))
    case .json: return json(text(node))
    case .other: return content.others[node.offset]
    case .array, .set:
      var items: [OneValue] = []
      items.reserveCapacity(node.count)
      while index < node.end { items.append(tree(&index)) }
      return node.kind == .array ? .array(items) : .set(items)
    case .map:
      var entries: [OneMapEntry] = []
      entries.reserveCapacity(node.count / 2)
      while index < node.end {
        let key = tree(&index)
        entries.append(OneMapEntry(key, tree(&index)))
      }
      return .map(entries)
    case .object:
      var members: [OneObject.Member] = []
      members.reserveCapacity(node.count + 1)
      if isRoot, let recipe = content.recipe {
        members.append(.init("$type$", .string(content.codec.typeName(recipe))))
      }
      while index < node.end {
        let name = self.name(nodes[index].key)
        members.append(.init(name, tree(&index)))
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
