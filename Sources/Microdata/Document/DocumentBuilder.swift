/// Flattens a tree of values into a document, so that there is one writer.
struct DocumentBuilder: ~Copyable {
  private let codec: MicrodataCodec
  private let limits: MicrodataLimits
  private var arena = Buffer<UInt8>()
  private var nodes = Buffer<Node>()
  private var extraNames: [OneText] = []
  private var extraIndices: [OneText: Int32] = [:]
  private var others: [OneValue] = []
  private var known: [OneText: Int32] { codec.nameIndices }

  private init(_ codec: MicrodataCodec, _ limits: MicrodataLimits) {
    self.codec = codec
    self.limits = limits
  }

  /// Throws CGM-DEPTH for values nested deeper than structure and JSON together may be, CGM-SIZE for more than 2 GiB.
  static func document(_ value: OneValue, _ codec: MicrodataCodec, _ limits: MicrodataLimits) throws(MicrodataError)
    -> OneDocument
  {
    var builder = DocumentBuilder(codec, limits)
    try builder.add(value, key: -1, depth: 0)
    return OneDocument(
      content: DocumentContent(
        codec, source: [], arena: builder.arena.take(), nodes: builder.nodes.take(), extraNames: builder.extraNames,
        others: builder.others, isFromMemory: true))
  }

  private mutating func key(_ name: OneText) -> Int32 {
    if let index = known[name] { return index }
    if let index = extraIndices[name] { return index }
    let index = Int32(truncatingIfNeeded: codec.names.count + extraNames.count)
    extraNames.append(name)
    extraIndices[name] = index
    return index
  }

  private mutating func add(_ value: OneValue, key: Int32, depth: Int) throws(MicrodataError) {
    guard depth <= limits.depth + limits.jsonDepth else {
      throw MicrodataError(.depth, "values nested deeper than \(limits.depth + limits.jsonDepth) levels")
    }
    switch value {
    case .undefined: nodes.append(Node(.undefined, key: key))
    case .null: nodes.append(Node(.null, key: key))
    case .bool(let value): nodes.append(Node(value ? .true : .false, key: key))
    case .number(let value): nodes.append(Node(.number, key: key, payload: value.bitPattern))
    case .date(let ms): nodes.append(Node(.date, key: key, payload: ms.bitPattern))
    case .string(let text):
      guard arena.count + text.bytes.count <= limits.bytes else {
        throw MicrodataError(.size, "the texts have more than \(limits.bytes) bytes")
      }
      nodes.append(
        Node(.string, key: key, flags: Node.inArena, offset: arena.count, length: text.bytes.count))
      arena.append(text.bytes)
    case .regexp, .function, .symbol, .bigint:
      nodes.append(Node(.other, key: key, flags: 0, offset: others.count, length: 0))
      others.append(value)
    case .array(let items):
      try container(.array, key, items.count) { (builder) throws(MicrodataError) in
        for item in items { try builder.add(item, key: -1, depth: depth + 1) }
      }
    case .set(let items):
      try container(.set, key, items.count) { (builder) throws(MicrodataError) in
        for item in items { try builder.add(item, key: -1, depth: depth + 1) }
      }
    case .map(let entries):
      try container(.map, key, entries.count * 2) { (builder) throws(MicrodataError) in
        for entry in entries {
          try builder.add(entry.key, key: -1, depth: depth + 1)
          try builder.add(entry.value, key: -1, depth: depth + 1)
        }
      }
    case .object(let object):
      try container(.object, key, object.members.count) { (builder) throws(MicrodataError) in
        for member in object.members {
          let key = builder.key(member.name)
          try builder.add(member.value, key: key, depth: depth + 1)
        }
      }
    }
  }

  private mutating func container(
    _ kind: NodeKind, _ key: Int32, _ count: Int,
    _ children: (inout DocumentBuilder) throws(MicrodataError) -> Void
  ) throws(MicrodataError) {
    let index = nodes.count
    nodes.append(Node(kind, key: key))
    try children(&self)
    guard nodes.count <= limits.bytes else { throw MicrodataError(.size, "more than \(limits.bytes) values") }
    nodes[index] = Node(kind, key: key, flags: 0, offset: nodes.count, length: count)
  }
}
