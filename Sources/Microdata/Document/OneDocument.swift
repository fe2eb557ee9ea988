/// An object as the reader built it: a flat list of nodes over the input's own bytes.
///
/// Texts are slices of the input, or of an arena where entities were replaced; the JSON of a stringifiable is checked
/// while reading and becomes values when asked for. `value` gives the whole as a tree.
public struct OneDocument: Sendable {
  let content: DocumentContent

  /// The recipe's name, or the value of `$type$` when it is a string.
  public var type: OneText? {
    if let recipe = content.recipe { return content.codec.typeName(recipe) }
    if case .string(let name)? = self["$type$"] { return name }
    return nil
  }

  /// The whole object as a tree of values, JSON decoded.
  public var value: OneValue {
    var index = 0
    return content.source.withView { source in DocumentView(content, source).tree(&index) }
  }

  /// One member of the root; nil when it is missing.
  public subscript(name: OneText) -> OneValue? {
    if name == "$type$", let recipe = content.recipe { return .string(content.codec.typeName(recipe)) }
    return content.source.withView { source in
      let view = DocumentView(content, source)
      guard view.nodes.count > 0, view.nodes[0].kind == .object else { return nil }
      var index = 1
      while index < view.nodes[0].end {
        if view.name(view.nodes[index].key) == name { return view.tree(&index) }
        index = view.next(index)
      }
      return nil
    }
  }

  /// True when the reader saw canonical bytes only. It is a hint: false says nothing.
  public var isKnownCanonical: Bool { content.isKnownCanonical }

  /// Bytes that the document holds beyond the input itself.
  public var overhead: Int { unsafe content.arena.count + content.nodes.count * MemoryLayout<Node>.stride }

  /// How many values the document has.
  public var nodeCount: Int { unsafe content.nodes.count }
}
