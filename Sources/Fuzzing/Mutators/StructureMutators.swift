/// Mutations of the markup's structure: each breaks one thing that microdata.md 8 or 13 speaks of.
public enum StructureMutator: String, CaseIterable, Sendable {
  case deleteElement, duplicateElement, swapSiblings, reverseSiblings, wrapElement, unwrapElement, emptyElement
  case misspellEndTag, shortenEndTag, dropEndTagBracket, renameBothTags, upperCaseTag, changeTagKind
  case textBefore, textAfter, unknownChild, secondReference, comment
  case changeItemprop, dropItemprop, swapAttributes, spaceInTag, changeLinkType
  case changeText, escapeText, unescapeText, emptyText, spaceText
  case breakHash, changeHeaderForm, changeType, trailingText, cutAtTag, nestDeeply, splitList

  /// Applies to an element chosen at random; false when the text has no place for it.
  func apply(
    to bytes: inout [UInt8], spans: MarkupSpans, names: [[UInt8]], _ random: inout SplitMix64
  ) -> Bool {
    let elements = spans.elements
    guard !elements.isEmpty else { return false }
    let chosen = elements[random.below(elements.count)]
    let outer = chosen.outer
    let endTag = chosen.inner.upperBound..<outer.upperBound
    let startTag = outer.lowerBound..<chosen.inner.lowerBound
    switch self {
    case .deleteElement: bytes.splice(outer, [])
    case .duplicateElement: bytes.splice(outer.upperBound..<outer.upperBound, Array(bytes[outer]))
    case .swapSiblings, .reverseSiblings: return swap(&bytes, spans, &random)
    case .wrapElement:
      let wraps = [("<div>", "</div>"), ("<li>", "</li>"), ("<ul>", "</ul>"), ("<b>", "</b>"), ("<dd>", "</dd>")]
      let (open, close) = wraps[random.below(wraps.count)]
      bytes.splice(outer.upperBound..<outer.upperBound, Array(close.utf8))
      bytes.splice(outer.lowerBound..<outer.lowerBound, Array(open.utf8))
    case .unwrapElement:
      bytes.splice(endTag, [])
      bytes.splice(startTag, [])
    case .emptyElement: bytes.splice(chosen.inner, [])
    case .misspellEndTag:
      guard endTag.count > 3 else { return false }
      let at = endTag.lowerBound + 1 + random.below(endTag.count - 1)
      bytes[at] = ByteMutator.interesting[random.below(16)]
    case .shortenEndTag:
      guard endTag.count > 2 else { return false }
      bytes.splice(endTag.lowerBound + 2..<endTag.lowerBound + 3, random.below(2) == 0 ? [] : Array("xx".utf8))
    case .dropEndTagBracket:
      guard endTag.count > 2 else { return false }
      bytes.splice(endTag.upperBound - 1..<endTag.upperBound, [])
    case .renameBothTags, .changeTagKind:
      let kinds = ["span", "div", "ul", "ol", "dl", "a", "li", "dt", "dd", "b"].map { Array($0.utf8) }
      rename(&bytes, chosen, kinds[random.below(kinds.count)], both: self == .renameBothTags)
    case .upperCaseTag:
      let tag = random.below(2) == 0 ? startTag : endTag
      for index in tag where (0x61...0x7A).contains(bytes[index]) { bytes[index] -= 0x20 }
    case .textBefore: bytes.splice(outer.lowerBound..<outer.lowerBound, text(&random))
    case .textAfter: bytes.splice(outer.upperBound..<outer.upperBound, text(&random))
    case .unknownChild:
      bytes.splice(endTag.lowerBound..<endTag.lowerBound, Array("<span itemprop=\"zz\">1</span>".utf8))
    case .secondReference:
      let hash = String(repeating: "0a", count: 32)
      bytes.splice(endTag.lowerBound..<endTag.lowerBound, Array("<a data-type=\"obj\">\(hash)</a>".utf8))
    case .comment: bytes.splice(startTag.upperBound..<startTag.upperBound, Array("<!-- x -->".utf8))
    default: return applyToText(&bytes, spans, chosen, names, &random)
    }
    return true
  }

  /// The mutations of attributes, texts and the header.
  private func applyToText(
    _ bytes: inout [UInt8], _ spans: MarkupSpans, _ chosen: MarkupSpans.Element, _ names: [[UInt8]],
    _ random: inout SplitMix64
  ) -> Bool {
    let startTag = chosen.outer.lowerBound..<chosen.inner.lowerBound
    switch self {
    case .changeItemprop, .dropItemprop, .swapAttributes, .changeLinkType:
      return attribute(&bytes, startTag, names, &random)
    case .spaceInTag:
      let at = startTag.lowerBound + 1 + random.below(startTag.count)
      bytes.splice(at..<at, CollectionOfOne([0x20, 0x0A, 0x09, 0x2F][random.below(4)]))
    case .changeText, .escapeText, .unescapeText, .emptyText, .spaceText, .breakHash:
      guard !spans.texts.isEmpty else { return false }
      return changeText(&bytes, spans.texts[random.below(spans.texts.count)], &random)
    case .changeHeaderForm:
      let id = Array(" data-id-object=\"true\"".utf8)
      if let found = bytes.firstRange(of: id) { bytes.splice(found, []) } else { bytes.splice(4..<4, id) }
    case .changeType:
      guard let header = bytes.firstRange(of: Array("//refin.io/".utf8)), !names.isEmpty else { return false }
      let end = bytes[header.upperBound...].firstIndex(of: 0x22) ?? bytes.count
      bytes.splice(header.upperBound..<end, names[random.below(names.count)])
    case .trailingText: bytes += text(&random)
    case .cutAtTag: bytes.splice(chosen.inner.lowerBound..<bytes.count, [])
    case .nestDeeply:
      let depth = 1 + random.below(300)
      guard depth * 9 < 4000 else { return false }
      bytes.splice(
        chosen.inner.upperBound..<chosen.inner.upperBound, Array(String(repeating: "</li>", count: depth).utf8))
      bytes.splice(
        chosen.inner.lowerBound..<chosen.inner.lowerBound, Array(String(repeating: "<li>", count: depth).utf8))
    case .splitList: bytes.splice(chosen.inner.upperBound..<chosen.inner.upperBound, Array("</li><li>".utf8))
    default: return false
    }
    return true
  }

  private func swap(_ bytes: inout [UInt8], _ spans: MarkupSpans, _ random: inout SplitMix64) -> Bool {
    let elements = spans.elements
    let start = random.below(elements.count)
    for offset in 0..<elements.count {
      let first = elements[(start + offset) % elements.count]
      guard
        let second = elements.first(where: {
          $0.parent == first.parent && $0.outer.lowerBound >= first.outer.upperBound
            && (self == .swapSiblings || $0.outer.lowerBound > first.outer.upperBound)
        })
      else { continue }
      let one = Array(bytes[first.outer])
      let other = Array(bytes[second.outer])
      bytes.splice(second.outer, one)
      bytes.splice(first.outer, other)
      return true
    }
    return false
  }

  private func rename(_ bytes: inout [UInt8], _ element: MarkupSpans.Element, _ name: [UInt8], both: Bool) {
    func nameRange(_ start: Int) -> Range<Int> {
      let end = bytes[start...].firstIndex { $0 == 0x20 || $0 == 0x3E } ?? start
      return start..<end
    }
    if both, element.outer.upperBound - element.inner.upperBound > 2 {
      bytes.splice(nameRange(element.inner.upperBound + 2), name)
    }
    bytes.splice(nameRange(element.outer.lowerBound + 1), name)
  }

  private func attribute(
    _ bytes: inout [UInt8], _ tag: Range<Int>, _ names: [[UInt8]], _ random: inout SplitMix64
  ) -> Bool {
    if self == .changeLinkType {
      guard let found = bytes.firstRange(of: Array("data-type=\"".utf8), from: random.below(2) * tag.lowerBound) else {
        return false
      }
      let end = bytes[found.upperBound...].firstIndex(of: 0x22) ?? bytes.count
      bytes.splice(found.upperBound..<end, Array(["obj", "id", "clob", "blob", "x"][random.below(5)].utf8))
      return true
    }
    guard let found = bytes.firstRange(of: Array(" itemprop=\"".utf8), from: tag.lowerBound) else { return false }
    let end = bytes[found.upperBound...].firstIndex(of: 0x22) ?? bytes.count
    switch self {
    case .dropItemprop: bytes.splice(found.lowerBound..<end + 1, [])
    case .swapAttributes: bytes.splice(found.lowerBound..<found.lowerBound, Array(" class=\"x\"".utf8))
    default: if !names.isEmpty { bytes.splice(found.upperBound..<end, names[random.below(names.count)]) }
    }
    return true
  }

  private func changeText(_ bytes: inout [UInt8], _ range: Range<Int>, _ random: inout SplitMix64) -> Bool {
    switch self {
    case .emptyText: bytes.splice(range, [])
    case .spaceText:
      let spaces = [" ", "\n", "\r", "\u{A0}", "\u{FEFF}"]
      bytes.splice(range.lowerBound..<range.lowerBound, Array(spaces[random.below(spaces.count)].utf8))
    case .escapeText:
      let entities = ["&amp;", "&lt;", "&gt;", "&quot;", "&#60;", "&amp;lt;", "&"]
      let at = range.lowerBound + random.below(range.count + 1)
      bytes.splice(at..<at, Array(entities[random.below(entities.count)].utf8))
    case .unescapeText:
      guard let entity = bytes[range].firstIndex(of: 0x26) else { return false }
      bytes.splice(entity..<min(entity + 4, range.upperBound), CollectionOfOne([0x3E, 0x26, 0x22][random.below(3)]))
    case .breakHash:
      guard range.count >= 64 else { return false }
      let edits: [[UInt8]] = [[], [0x61, 0x61], [0x41], [0x67], [0x0A]]
      let at = range.lowerBound + random.below(range.count)
      bytes.splice(at..<at + 1, edits[random.below(edits.count)])
    default: bytes.splice(range, text(&random))
    }
    return true
  }

  private static let texts: [[UInt8]] = [
    "x", "", "01", "1.0", "1", "-0", "0x10", "1e3", "+1", " 1", "null", "NaN", "true", "TRUE", "{\"b\":1,\"a\":2}",
    "{\"a\": 1}",
    "[1,1.0]", "\"\\u0041\"", "{\"a\":1,\"a\":2}", "undefined", "a&b", "&#38;", ">", "xxxx", "xxxxx", "\n", "é",
    "e\u{301}",
  ].map { Array($0.utf8) }

  private func text(_ random: inout SplitMix64) -> [UInt8] { Self.texts[random.below(Self.texts.count)] }
}
