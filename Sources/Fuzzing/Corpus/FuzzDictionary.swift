/// The words of the markup: tags, attributes, names and texts that recipes make likely.
public enum FuzzDictionary {
  /// Names of types and itemprops, as they stand in the markup.
  static func names(_ recipes: ModelRecipes) -> [[UInt8]] {
    var seen = Set<[UInt8]>()
    var out: [[UInt8]] = []
    func add(_ name: [UInt8]) { if seen.insert(name).inserted { out.append(name) } }
    for type in recipes.names {
      add(Array(type.utf8))
      for rule in (try? recipes.topRules(Array(type.utf16))) ?? [] {
        add(Array(String(decoding: rule.itemprop, as: UTF16.self).utf8))
      }
    }
    return out
  }

  static func tokens(_ recipes: ModelRecipes) -> [[UInt8]] {
    let fixed = [
      "<div itemscope itemtype=\"//refin.io/", "<div data-id-object=\"true\" itemscope itemtype=\"//refin.io/", "\">",
      "</div>",
      "</span>", "</a>", "</li>", "</ul>", "</ol>", "</dl>", "</dt>", "</dd>", "<li>", "<ul>", "<ol>", "<dl>", "<dt>",
      "<dd>",
      "<div>", "<a data-type=\"obj\">", "<a data-type=\"id\">", "<a data-type=\"clob\">", "<a data-type=\"blob\">",
      "\" data-type=\"", "itemprop=\"", " itemprop=\"", "&amp;", "&lt;", "&gt;", "&quot;", "&amp;lt;", "&#60;", "null",
      "true",
      "false", "NaN", "Infinity", "-0", "1e21", "0x", "{\"", "\":", "[]", "{}", "\\u0000", "\\ud800", "__proto__",
      "$type$",
      "<li></li>", "</li><li>", "</dd><dt>", "</dt><dd>", "<!--", "-->", "]]>", "<b>", "</b>",
      String(repeating: "0123456789abcdef", count: 4),
    ].map { Array($0.utf8) }
    return fixed + members(recipes)
  }

  /// The opening tags of all members of all recipes.
  private static func members(_ recipes: ModelRecipes) -> [[UInt8]] {
    var seen = Set<String>()
    for type in recipes.names {
      for rule in (try? recipes.topRules(Array(type.utf16))) ?? [] {
        let name = String(decoding: rule.itemprop, as: UTF16.self)
        seen.insert(tag(name, rule.type))
        for nested in rule.type.readingRules ?? [] {
          seen.insert(tag(String(decoding: nested.itemprop, as: UTF16.self), nested.type))
        }
      }
    }
    return seen.sorted().map { Array($0.utf8) }
  }

  private static func tag(_ name: String, _ type: ModelRecipes.ValueType) -> String {
    if let link = type.linkType { return "<a itemprop=\"\(name)\" data-type=\"\(link)\">" }
    let element =
      switch type.name {
      case "array": "ol"
      case "bag", "set": "ul"
      case "map": "dl"
      case "object": "div"
      default: "span"
      }
    return "<\(element) itemprop=\"\(name)\">"
  }

  /// A libFuzzer dictionary; made by `chumgate fuzz microdata`, never by hand.
  public static func file(_ recipes: ModelRecipes) -> String {
    var out = "# Generated from the recipes by `chumgate fuzz microdata --write-dictionary`.\n"
    for token in tokens(recipes) + names(recipes) where !token.isEmpty && token.count < 64 {
      out += "\""
      for byte in token {
        switch byte {
        case 0x22, 0x5C: out += "\\" + String(Unicode.Scalar(byte))
        case 0x20..<0x7F: out += String(Unicode.Scalar(byte))
        default: out += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
      }
      out += "\"\n"
    }
    return out
  }
}
