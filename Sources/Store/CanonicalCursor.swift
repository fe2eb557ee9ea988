/// Reads exact texts one after the other: for the few types that are read at every step and whose canonical form is
/// one pattern. What does not fit is no error; the codec then reads it.
struct CanonicalCursor {
  private let bytes: [UInt8]
  private(set) var index = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { index == bytes.count }

  mutating func take(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard index + count <= bytes.count else { return false }
    let isEqual = text.withUTF8Buffer { buffer in
      var offset = 0
      while offset < count, unsafe buffer[offset] == bytes[index + offset] { offset += 1 }
      return offset == count
    }
    if isEqual { index += count }
    return isEqual
  }

  mutating func hash() -> ObjectHash? {
    guard let hash = ObjectHash(hexAt: index, of: bytes) else { return nil }
    index += 64
    return hash
  }

  /// A whole number without sign or leading zeros, exact as a double.
  mutating func count() -> Double? {
    let start = index
    var value = 0.0
    while index < bytes.count, (0x30...0x39).contains(bytes[index]), index - start < 15 {
      value = value * 10 + Double(bytes[index] - 0x30)
      index += 1
    }
    guard index > start, index - start == 1 || bytes[start] != 0x30 else { return nil }
    return value
  }
}

extension VersionNode {
  /// Reads the canonical text of a node; nil for anything else, also for other spellings of a node.
  init?(canonical content: [UInt8]) {
    var cursor = CanonicalCursor(content)
    guard cursor.take("<div itemscope itemtype=\"//refin.io/VersionNode") else { return nil }
    let shape: Shape
    if cursor.take("Edge\">") {
      shape = .edge
    } else if cursor.take("Change\">") {
      var previous: ObjectHash?
      if cursor.take("<a itemprop=\"prev\" data-type=\"obj\">") {
        guard let hash = cursor.hash(), cursor.take("</a>") else { return nil }
        previous = hash
      }
      shape = .change(previous: previous)
    } else if cursor.take("Merge\"><ul itemprop=\"nodes\">") {
      var nodes: [ObjectHash] = []
      while cursor.take("<li><a data-type=\"obj\">") {
        guard let hash = cursor.hash(), cursor.take("</a></li>") else { return nil }
        nodes.append(hash)
      }
      guard cursor.take("</ul>") else { return nil }
      shape = .merge(nodes: nodes)
    } else {
      return nil
    }
    guard cursor.take("<a itemprop=\"data\" data-type=\"obj\">"), let data = cursor.hash(),
      cursor.take("</a><span itemprop=\"depth\">"), let depth = cursor.count(),
      cursor.take("</span><span itemprop=\"creationTime\">"), let time = cursor.count(), cursor.take("</span></div>"),
      cursor.isAtEnd
    else { return nil }
    self.init(shape, data: data, depth: depth, creationTime: time)
  }
}
