import WireBytes

/// The textual shortcut to the ID form, by the letter of microdata.md 10.
enum ModelExtract {
  static func extractId(_ html: [UInt16], recipes: ModelRecipes) -> Result<[UInt16]?, ModelFailure> {
    do { return .success(try extract(html, recipes)) } catch let failure as ModelFailure {
      return .failure(failure)
    } catch {
      return .failure(.beyondModel)
    }
  }

  private static func extract(_ html: [UInt16], _ recipes: ModelRecipes) throws -> [UInt16]? {
    let header = Array(ModelReader.header(.object).utf16)
    guard html.starts(with: header) else { throw ModelFailure("M2O-PH1") }
    guard let end = find(html, Array("\">".utf16), header.count) else { throw ModelFailure("US-SSFMC1") }
    let type = Array(html[header.count..<end])
    guard recipes.knows(type) else { throw ModelFailure("OR-ET1") }
    guard recipes.isVersioned(type) else { return nil }
    var out = Array("<div data-id-object=\"true\" ".utf16) + html[5..<end + 2]
    var from = end + 2
    let own = recipes.ownIds(type)
    for (index, rule) in try recipes.topRules(type).enumerated() where own[index] {
      let ownType = recipes.ownRule(type, index)["itemtype"]?["type"]?.string ?? "string"
      let tag =
        switch ownType {
        case "bag", "set": "ul"
        case "array": "ol"
        case "map": "dl"
        default: rule.type.linkType != nil ? "a" : "span"
        }
      let search = Array("<\(tag) itemprop=\"".utf16) + rule.itemprop + [0x22]
      guard let found = find(html, search, from) else {
        if recipes.ownRule(type, index)["optional"] == .bool(true) { continue }
        throw ModelFailure("M2IH-XID1")
      }
      from = found
      guard let last = close(html, found + search.count) else { throw ModelFailure("M2IH-FET1") }
      out += html[found..<min(html.count, last + tag.utf16.count + 3)]
    }
    return out + Array("</div>".utf16)
  }

  private static func find(_ s: [UInt16], _ x: [UInt16], _ from: Int) -> Int? {
    var index = from
    while index + x.count <= s.count {
      if s[index] == x[0], s[index..<index + x.count].elementsEqual(x) { return index }
      index += 1
    }
    return nil
  }

  private static func close(_ html: [UInt16], _ from: Int) -> Int? {
    var depth = 1
    var pos = from
    while let at = html[min(pos, html.count)...].firstIndex(of: 0x3C) {
      pos = at + 1
      depth += pos < html.count && html[pos] == 0x2F ? -1 : 1
      if depth == 0 { return at }
    }
    return nil
  }
}
