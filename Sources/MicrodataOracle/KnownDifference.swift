/// The differences of libxml2 2.9.14 from microdata that section 14 knows; nothing else is tolerated.
///
/// Each is exact: it says what libxml2 makes of the document, and a document to which it applies must come out just so.
public enum KnownDifference: String, Sendable, CaseIterable, Comparable {
  /// XML refuses U+0000–0008, 000B, 000C, 000E–001F, U+FFFE and U+FFFF anywhere.
  case xmlForbiddenCharacter = "XML-CHARACTER"
  /// XML turns CR and CR LF in text into LF.
  case xmlLineEnd = "XML-LINE-END"
  /// XML decodes what looks like an entity in an attribute, and refuses any other `&` there.
  case xmlAmpersandInAttribute = "XML-AMPERSAND"
  /// A quote in an itemprop ends the attribute for XML.
  case xmlQuoteInAttribute = "XML-QUOTE"
  /// HTML drops C0 controls (not TAB, LF, CR), U+FFFE and U+FFFF from text.
  case htmlControlDropped = "HTML-CONTROL"
  /// For HTML a NUL right behind a tag or entity ends the document; any other NUL in text is a space.
  ///
  /// Section 14 says that each NUL ends the document; 2.9.14, given the bytes with their length, does it only there.
  case htmlNULEndsDocument = "HTML-NUL"
  /// HTML decodes what looks like an entity in an attribute.
  case htmlAmpersandInAttribute = "HTML-AMPERSAND"
  /// A quote in an itemprop ends the attribute for HTML.
  case htmlQuoteInAttribute = "HTML-QUOTE"

  public var parser: OracleParser { rawValue.hasPrefix("XML") ? .xml : .html }

  public var statement: String {
    switch self {
    case .xmlForbiddenCharacter: "a character that XML forbids: refused"
    case .xmlLineEnd: "CR and CR LF in text become LF"
    case .xmlAmpersandInAttribute: "& in an attribute: decoded as an entity or refused"
    case .xmlQuoteInAttribute: "a quote in an itemprop: not comparable"
    case .htmlControlDropped: "C0 controls, U+FFFE and U+FFFF vanish from text"
    case .htmlNULEndsDocument: "NUL right behind a tag or entity ends the document, any other becomes a space"
    case .htmlAmpersandInAttribute: "& in an attribute is decoded as an entity"
    case .htmlQuoteInAttribute: "a quote in an itemprop: not comparable"
    }
  }

  public static func < (left: KnownDifference, right: KnownDifference) -> Bool { left.rawValue < right.rawValue }
}

public enum OracleParser: String, Sendable, CaseIterable {
  case html, xml
}

/// What libxml2 is to make of a document, by the grammar's tree and the list of known differences.
struct Prediction {
  var tree: MarkupTree
  var applied: [KnownDifference] = []
  /// The parser must refuse the document.
  var isRefused = false
  /// The parser may refuse it, or decode the attributes that hold an ampersand.
  var mayDecodeAttributes = false
  /// Nothing can be said: the attribute's syntax is broken.
  var isUnjudged = false

  init(_ tree: MarkupTree, of bytes: [UInt8], for parser: OracleParser) {
    self.tree = tree
    let traits = Traits(tree)
    switch parser {
    case .xml: predictXML(traits)
    case .html: predictHTML(traits, bytes)
    }
  }

  private mutating func predictXML(_ traits: Traits) {
    if traits.quoteInAttribute {
      applied.append(.xmlQuoteInAttribute)
      isUnjudged = true
      return
    }
    if traits.forbiddenInText || traits.forbiddenInAttribute {
      applied.append(.xmlForbiddenCharacter)
      isRefused = true
      return
    }
    if traits.ampersandInAttribute {
      applied.append(.xmlAmpersandInAttribute)
      mayDecodeAttributes = true
    }
    if traits.carriageReturn {
      applied.append(.xmlLineEnd)
      tree.rewriteTexts { text in lineEndsAsLF(text) }
    }
  }

  private mutating func predictHTML(_ traits: Traits, _ bytes: [UInt8]) {
    // A NUL or forbidden character in an attribute has no stated effect; it breaks the comparison as a quote does.
    if traits.quoteInAttribute || traits.forbiddenInAttribute {
      applied.append(.htmlQuoteInAttribute)
      isUnjudged = true
      return
    }
    if traits.ampersandInAttribute {
      applied.append(.htmlAmpersandInAttribute)
      mayDecodeAttributes = true
    }
    if traits.hasNUL {
      applied.append(.htmlNULEndsDocument)
      if let ordinal = ordinalOfEndingNUL(bytes) { tree.cut(atNUL: ordinal) }
    }
    if traits.forbiddenBesidesNUL { applied.append(.htmlControlDropped) }
    if traits.forbiddenInText { tree.rewriteTexts { text in asHTMLReads(text) } }
  }
}

/// What a tree contains that a known difference speaks of; one scan of its bytes.
private struct Traits {
  var carriageReturn = false
  var forbiddenInText = false
  var forbiddenBesidesNUL = false
  var forbiddenInAttribute = false
  var ampersandInAttribute = false
  var quoteInAttribute = false
  var hasNUL = false

  init(_ tree: MarkupTree) {
    for attribute in tree.attributes {
      let value = tree.bytes(attribute.value)
      if value.contains(0x26) { ampersandInAttribute = true }
      if value.contains(0x22) { quoteInAttribute = true }
      if forbidden(in: value) != nil { forbiddenInAttribute = true }
    }
    for index in tree.nodes.indices where tree.nodes[index].kind == .text {
      let text = tree.bytes(tree.nodes[index].content)
      if !carriageReturn { carriageReturn = text.contains(0x0D) }
      guard let first = forbidden(in: text) else { continue }
      forbiddenInText = true
      if !hasNUL { hasNUL = text.contains(0) }
      if text[first...].contains(where: { $0 != 0 && isControl($0) }) || hasNoncharacter(text) {
        forbiddenBesidesNUL = true
      }
    }
  }
}

/// A C0 control other than TAB, LF and CR.
private func isControl(_ byte: UInt8) -> Bool { byte < 0x20 && byte != 0x09 && byte != 0x0A && byte != 0x0D }

/// U+FFFE or U+FFFF at this place: EF BF BE, EF BF BF.
private func isNoncharacter(_ text: ArraySlice<UInt8>, _ index: Int) -> Bool {
  text[index] == 0xEF && index + 2 < text.endIndex && text[index + 1] == 0xBF && text[index + 2] >= 0xBE
}

private func hasNoncharacter(_ text: ArraySlice<UInt8>) -> Bool { text.indices.contains { isNoncharacter(text, $0) } }

private func forbidden(in text: ArraySlice<UInt8>) -> Int? {
  text.indices.first { isControl(text[$0]) || isNoncharacter(text, $0) }
}

/// How many NULs stand in front of the one that ends the document for HTML; nil when none does.
private func ordinalOfEndingNUL(_ bytes: [UInt8]) -> Int? {
  var ordinal = 0
  for index in bytes.indices where bytes[index] == 0 {
    let before = bytes[..<index]
    if before.last == 0x3E
      || ["&amp;", "&lt;", "&gt;"].contains(where: { before.suffix($0.utf8.count).elementsEqual($0.utf8) })
    {
      return ordinal
    }
    ordinal += 1
  }
  return nil
}

private func asHTMLReads(_ text: ArraySlice<UInt8>) -> [UInt8] {
  var out: [UInt8] = []
  var index = text.startIndex
  while index < text.endIndex {
    if isNoncharacter(text, index) {
      index += 3
      continue
    }
    if text[index] == 0 {
      out.append(0x20)
    } else if !isControl(text[index]) {
      out.append(text[index])
    }
    index += 1
  }
  return out
}

private func lineEndsAsLF(_ text: ArraySlice<UInt8>) -> [UInt8] {
  var out: [UInt8] = []
  for index in text.indices {
    guard text[index] == 0x0D else {
      out.append(text[index])
      continue
    }
    if index + 1 < text.endIndex, text[index + 1] == 0x0A { continue }
    out.append(0x0A)
  }
  return out
}

extension MarkupTree {
  /// The same tree with each text replaced; a text that becomes empty is no node any more.
  mutating func rewriteTexts(_ rewrite: (ArraySlice<UInt8>) -> [UInt8]) {
    rebuild(upTo: nodes.count) { _, text in rewrite(text) }
  }

  /// The same tree in front of the NUL with so many NULs before it: what follows is gone.
  mutating func cut(atNUL ordinal: Int) {
    var before = 0
    for last in nodes.indices where nodes[last].kind == .text {
      let text = bytes(nodes[last].content)
      for position in text.indices where text[position] == 0 {
        if before == ordinal {
          rebuild(upTo: last + 1) { index, text in Array(index == last ? text[..<position] : text) }
          return
        }
        before += 1
      }
    }
  }

  private mutating func rebuild(upTo end: Int, _ rewrite: (Int, ArraySlice<UInt8>) -> [UInt8]) {
    var copy = MarkupTree()
    var ends: [Int] = []
    for index in 0..<end {
      while let last = ends.last, last <= index {
        copy.closeElement()
        ends.removeLast()
      }
      let node = nodes[index]
      switch node.kind {
      case .text: copy.addText(rewrite(index, bytes(node.content)), at: node.offset)
      case .foreign: copy.addForeign(bytes(node.content), at: node.offset)
      case .element:
        copy.openElement(bytes(node.content), at: node.offset)
        for attribute in attributes[node.attributes] {
          copy.addAttribute(bytes(attribute.name), bytes(attribute.value), at: attribute.offset)
        }
        ends.append(node.subtreeEnd)
      }
    }
    for _ in ends { copy.closeElement() }
    self = copy
  }
}
