import Store
import Wire

/// The texts of root and child lists as both implementations write them, read and written without a JSON tree.
///
/// Lists are complete in every round and grow with histories, so they are most of what a session says. A list that is
/// written otherwise is no error here: the general reader takes it.
enum ListText {
  private static let kinds: [(ChildEntry.Kind, [UInt8])] = [
    (.object, Array(#"{"type":"object","hash":""#.utf8)), (.id, Array(#"{"type":"id","hash":""#.utf8)),
    (.blob, Array(#"{"type":"blob","hash":""#.utf8)), (.clob, Array(#"{"type":"clob","hash":""#.utf8)),
  ]

  static func children(_ children: [Reference]) -> String {
    var out: [UInt8] = []
    out.reserveCapacity(2 + children.count * 94)
    out.append(0x5B)
    for (index, child) in children.enumerated() {
      if index > 0 { out.append(0x2C) }
      for (kind, text) in kinds where kind == child.kind { out += text }
      child.hash.appendHex(to: &out)
      out += [0x22, 0x7D]
    }
    out.append(0x5D)
    return String(decoding: out, as: UTF8.self)
  }

  /// Nil when the text is not exactly of the form that is written here.
  static func readChildren(_ text: String, limit: Int) -> [Reference]? {
    var reader = Reader(text)
    guard reader.take(0x5B) else { return nil }
    var children: [Reference] = []
    if reader.take(0x5D) { return reader.isAtEnd ? children : nil }
    repeat {
      guard children.count < limit, let kind = kinds.first(where: { reader.take($0.1) })?.0, let hash = reader.hash(),
        reader.take(0x22), reader.take(0x7D)
      else { return nil }
      children.append(Reference(kind: kind, hash: hash))
    } while reader.take(0x2C)
    return reader.take(0x5D) && reader.isAtEnd ? children : nil
  }

  private static let unversioned = Array(#"{"type":"unversioned","hash":""#.utf8)
  private static let versioned = Array(#"{"type":"versioned","hash":""#.utf8)
  private static let id = Array(#"{"type":"id","idHash":""#.utf8)
  private static let node = Array(#"{"type":"version_node","node":""#.utf8)
  private static let idHash = Array(#"","idHash":""#.utf8)
  private static let dataIdHash = Array(#"","dataIdHash":""#.utf8)
  private static let oneType = Array(#"","oneType":""#.utf8)
  private static let dataType = Array(#"","dataType":""#.utf8)

  /// Nil when the text is not exactly what the deployed exporter writes.
  static func readRoots(_ text: String, limit: Int) -> [RootItem]? {
    var reader = Reader(text)
    guard reader.take(0x5B) else { return nil }
    var items: [RootItem] = []
    if reader.take(0x5D) { return reader.isAtEnd ? items : nil }
    repeat {
      guard items.count < limit, let item = root(&reader) else { return nil }
      items.append(item)
    } while reader.take(0x2C)
    return reader.take(0x5D) && reader.isAtEnd ? items : nil
  }

  private static func root(_ reader: inout Reader) -> RootItem? {
    if reader.take(unversioned) {
      guard let hash = reader.hashText(), reader.take(oneType), let type = reader.name() else { return nil }
      return RootItem(kind: .unversioned, hash: hash, type: type)
    }
    if reader.take(id) {
      guard let hash = reader.hashText(), reader.take(oneType), let type = reader.name() else { return nil }
      return RootItem(kind: .id, hash: hash, type: type)
    }
    if reader.take(node) {
      guard let hash = reader.hashText(), reader.take(dataIdHash), let idHash = reader.hashText(),
        reader.take(dataType),
        let type = reader.name()
      else { return nil }
      return RootItem(kind: .versionNode(dataIdHash: idHash), hash: hash, type: type)
    }
    guard reader.take(versioned), let hash = reader.hashText(), reader.take(idHash), let idHash = reader.hashText(),
      reader.take(oneType), let type = reader.name()
    else { return nil }
    return RootItem(kind: .versioned(idHash: idHash), hash: hash, type: type)
  }

  private struct Reader {
    private let bytes: [UInt8]
    private var index = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    var isAtEnd: Bool { index == bytes.count }

    mutating func take(_ byte: UInt8) -> Bool {
      guard index < bytes.count, bytes[index] == byte else { return false }
      index += 1
      return true
    }

    mutating func take(_ text: [UInt8]) -> Bool {
      guard index + text.count <= bytes.count else { return false }
      for offset in text.indices where bytes[index + offset] != text[offset] { return false }
      index += text.count
      return true
    }

    mutating func hash() -> ObjectHash? {
      guard let hash = ObjectHash(hexAt: index, of: bytes) else { return nil }
      index += 64
      return hash
    }

    mutating func hashText() -> String? {
      let start = index
      guard hash() != nil else { return nil }
      return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    /// A type name without anything that JSON would escape, up to the end of its entry.
    mutating func name() -> String? {
      let start = index
      while index < bytes.count, bytes[index] > 0x20, bytes[index] < 0x7F, bytes[index] != 0x22, bytes[index] != 0x5C {
        index += 1
      }
      guard index > start else { return nil }
      let name = String(decoding: bytes[start..<index], as: UTF8.self)
      return take(0x22) && take(0x7D) ? name : nil
    }
  }
}
