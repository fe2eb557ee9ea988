/// Why bytes are not markup of the grammar, and at which byte.
public struct MarkupFailure: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Reason: Sendable, Equatable {
    case expected(String)
    case wrongEndTag(expected: String)
    case bareAmpersand, bareGreaterThan
    case textOutsideRoot
    case unclosed(String)
    case notUTF8
  }
  public let reason: Reason
  public let offset: Int

  public var description: String {
    let what =
      switch reason {
      case .expected(let what): "expected \(what)"
      case .wrongEndTag(let name): "expected </\(name)>"
      case .bareAmpersand: "an & that starts none of &amp; &lt; &gt;"
      case .bareGreaterThan: "a bare > in text"
      case .textOutsideRoot: "text outside the one outer element"
      case .unclosed(let name): "<\(name)> is never closed"
      case .notUTF8: "not UTF-8"
      }
    return "\(what) at byte \(offset)"
  }
}

/// Reads the grammar of microdata.md 3.1 without any recipe: one element, exact tags, three entities.
///
/// It shares no code with the codec, so that a fault of the codec's scanner cannot hide here. An attribute value ends at
/// the first quote that a space or `>` follows: itemprops may contain quotes, but neither of those.
public struct MarkupReader {
  private let bytes: [UInt8]
  private var index = 0
  private var tree = MarkupTree()

  private init(_ bytes: [UInt8]) {
    self.bytes = bytes
    tree.nodes.reserveCapacity(16)
    tree.storage.reserveCapacity(bytes.count)
  }

  public static func read(_ bytes: [UInt8]) throws(MarkupFailure) -> MarkupTree {
    var reader = MarkupReader(bytes)
    try reader.readDocument()
    return reader.tree
  }

  private mutating func readDocument() throws(MarkupFailure) {
    if let bad = firstInvalidUTF8(bytes) { throw MarkupFailure(reason: .notUTF8, offset: bad) }
    guard index < bytes.count, bytes[index] == 0x3C else { throw expected("<") }
    repeat {
      guard index < bytes.count else { throw unclosed() }
      if bytes[index] != 0x3C {
        try readText()
      } else if index + 1 < bytes.count, bytes[index + 1] == 0x2F {
        try readEndTag()
      } else {
        try readStartTag()
      }
    } while tree.depth > 0
    guard index == bytes.count else { throw MarkupFailure(reason: .textOutsideRoot, offset: index) }
  }

  private mutating func readStartTag() throws(MarkupFailure) {
    let start = index
    index += 1
    let name = try readName("an element's name")
    tree.openElement(bytes[name], at: start)
    while index < bytes.count, bytes[index] == 0x20 {
      let attributeStart = index + 1
      index += 1
      let attribute = try readName("an attribute's name")
      guard index + 1 < bytes.count, bytes[index] == 0x3D, bytes[index + 1] == 0x22 else {
        tree.addAttribute(bytes[attribute], [], at: attributeStart)
        continue
      }
      index += 2
      let valueStart = index
      while !(index + 1 < bytes.count && bytes[index] == 0x22 && (bytes[index + 1] == 0x20 || bytes[index + 1] == 0x3E))
      {
        guard index < bytes.count, bytes[index] != 0x3C, bytes[index] != 0x3E else {
          throw expected("\" behind a value")
        }
        index += 1
      }
      tree.addAttribute(bytes[attribute], bytes[valueStart..<index], at: attributeStart)
      index += 1
    }
    guard index < bytes.count, bytes[index] == 0x3E else { throw expected(">") }
    index += 1
  }

  private mutating func readEndTag() throws(MarkupFailure) {
    let start = index
    index += 2
    guard let name = tree.openName else { throw expected("an open element") }
    guard bytes[index...].starts(with: name), index + name.count < bytes.count, bytes[index + name.count] == 0x3E else {
      throw MarkupFailure(reason: .wrongEndTag(expected: String(decoding: name, as: UTF8.self)), offset: start)
    }
    index += name.count + 1
    tree.closeElement()
  }

  private mutating func readText() throws(MarkupFailure) {
    let start = index
    while index < bytes.count, bytes[index] != 0x3C {
      let runStart = index
      while index < bytes.count, bytes[index] != 0x3C, bytes[index] != 0x26, bytes[index] != 0x3E { index += 1 }
      tree.addText(bytes[runStart..<index], at: start)
      guard index < bytes.count, bytes[index] != 0x3C else { continue }
      guard bytes[index] == 0x26 else { throw MarkupFailure(reason: .bareGreaterThan, offset: index) }
      let rest = bytes[index...].prefix(5)
      if rest.elementsEqual("&amp;".utf8) {
        tree.addText(CollectionOfOne(0x26), at: start)
        index += 5
      } else if rest.prefix(4).elementsEqual("&lt;".utf8) {
        tree.addText(CollectionOfOne(0x3C), at: start)
        index += 4
      } else if rest.prefix(4).elementsEqual("&gt;".utf8) {
        tree.addText(CollectionOfOne(0x3E), at: start)
        index += 4
      } else {
        throw MarkupFailure(reason: .bareAmpersand, offset: index)
      }
    }
  }

  private mutating func readName(_ what: String) throws(MarkupFailure) -> Range<Int> {
    let start = index
    while index < bytes.count, isNameByte(bytes[index]) { index += 1 }
    guard index > start else { throw expected(what) }
    return start..<index
  }

  private func isNameByte(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || byte == 0x2D }

  private func expected(_ what: String) -> MarkupFailure { MarkupFailure(reason: .expected(what), offset: index) }

  private func unclosed() -> MarkupFailure {
    let name = tree.openName.map { String(decoding: $0, as: UTF8.self) } ?? ""
    return MarkupFailure(reason: .unclosed(name), offset: index)
  }
}

/// The first byte that does not belong to well-formed UTF-8 (no surrogates, no overlong forms); nil when all do.
func firstInvalidUTF8(_ bytes: [UInt8]) -> Int? {
  var index = 0
  while index < bytes.count {
    let lead = bytes[index]
    if lead < 0x80 {
      index += 1
      continue
    }
    let (length, low, high): (Int, UInt8, UInt8) =
      switch lead {
      case 0xC2...0xDF: (2, 0x80, 0xBF)
      case 0xE0: (3, 0xA0, 0xBF)
      case 0xED: (3, 0x80, 0x9F)
      case 0xE1...0xEF: (3, 0x80, 0xBF)
      case 0xF0: (4, 0x90, 0xBF)
      case 0xF1...0xF3: (4, 0x80, 0xBF)
      case 0xF4: (4, 0x80, 0x8F)
      default: (0, 0, 0)
      }
    guard length > 0, index + length <= bytes.count, bytes[index + 1] >= low, bytes[index + 1] <= high else {
      return index
    }
    for position in index + 2..<max(index + 2, index + length) where bytes[position] & 0xC0 != 0x80 { return index }
    index += length
  }
  return nil
}
