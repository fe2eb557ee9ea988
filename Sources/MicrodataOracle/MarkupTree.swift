/// Elements, attributes and text of one document in preorder: what two readers of the same bytes must agree on.
///
/// Everything lies in three flat arrays, so that building and comparing cost no allocation per node and a document of
/// any depth needs no recursion. Adjacent text is one node; empty text is none.
public struct MarkupTree: Sendable {
  public enum Kind: Sendable, Equatable {
    case element, text
    /// A comment, processing instruction, entity reference or anything else that microdata never contains.
    case foreign
  }

  public struct Node: Sendable {
    public internal(set) var kind: Kind
    /// The element's name or the text, in `storage`.
    public internal(set) var content: Range<Int>
    public internal(set) var attributes: Range<Int>
    /// The index behind the last descendant.
    public internal(set) var subtreeEnd: Int
    /// Where the node starts in the source; nil when the reader does not tell.
    public internal(set) var offset: Int?
  }

  public struct Attribute: Sendable {
    public internal(set) var name: Range<Int>
    public internal(set) var value: Range<Int>
    public internal(set) var offset: Int?
  }

  public internal(set) var nodes: [Node] = []
  public internal(set) var attributes: [Attribute] = []
  var storage: [UInt8] = []
  private var open: [Int] = []
  /// How many nodes there were when an element was closed last: a text node in front of that cannot grow any more.
  private var lastClosed = 0

  public init() {}

  /// The name of an element, or the text of a text node, as bytes.
  public func bytes(_ range: Range<Int>) -> ArraySlice<UInt8> { storage[range] }

  public func string(_ range: Range<Int>) -> String { String(decoding: storage[range], as: UTF8.self) }

  /// The node's children, in order.
  public func children(of parent: Int) -> [Int] {
    guard nodes.indices.contains(parent) else { return [] }
    var found: [Int] = []
    var index = parent + 1
    while index < nodes[parent].subtreeEnd {
      found.append(index)
      index = nodes[index].subtreeEnd
    }
    return found
  }

  /// How many elements are open: zero for a finished tree.
  public var depth: Int { open.count }

  /// The name of the innermost open element.
  var openName: ArraySlice<UInt8>? { open.last.map { storage[nodes[$0].content] } }

  /// Opens an element; what is added next is its.
  public mutating func openElement(_ name: some Collection<UInt8>, at offset: Int?) {
    let start = storage.count
    storage.append(contentsOf: name)
    open.append(nodes.count)
    nodes.append(
      Node(
        kind: .element, content: start..<storage.count, attributes: attributes.count..<attributes.count,
        subtreeEnd: nodes.count + 1, offset: offset))
  }

  /// Adds an attribute to the element opened last; ignored when none is.
  public mutating func addAttribute(_ name: some Collection<UInt8>, _ value: some Collection<UInt8>, at offset: Int?) {
    guard let last = nodes.indices.last, nodes[last].kind == .element else { return }
    let start = storage.count
    storage.append(contentsOf: name)
    let middle = storage.count
    storage.append(contentsOf: value)
    attributes.append(Attribute(name: start..<middle, value: middle..<storage.count, offset: offset))
    nodes[last].attributes = nodes[last].attributes.lowerBound..<attributes.count
  }

  /// Adds text; it joins a text in front of it.
  public mutating func addText(_ text: some Collection<UInt8>, at offset: Int?) {
    guard !text.isEmpty else { return }
    if let last = nodes.indices.last, nodes[last].kind == .text, lastClosed <= last {
      storage.append(contentsOf: text)
      nodes[last].content = nodes[last].content.lowerBound..<storage.count
      return
    }
    let start = storage.count
    storage.append(contentsOf: text)
    append(.text, start..<storage.count, offset)
  }

  mutating func addForeign(_ name: some Collection<UInt8>, at offset: Int?) {
    let start = storage.count
    storage.append(contentsOf: name)
    append(.foreign, start..<storage.count, offset)
  }

  /// Closes the innermost open element; nothing happens when none is.
  public mutating func closeElement() {
    guard let index = open.popLast() else { return }
    nodes[index].subtreeEnd = nodes.count
    lastClosed = nodes.count
  }

  private mutating func append(_ kind: Kind, _ content: Range<Int>, _ offset: Int?) {
    nodes.append(
      Node(
        kind: kind, content: content, attributes: attributes.count..<attributes.count, subtreeEnd: nodes.count + 1,
        offset: offset))
  }
}
