/// The large documents of the benchmark, made anew from a seed: the shapes and sizes of the corpus on which the
/// reference was measured, with other random digits.
public enum PerfCorpus {
  public static let names = ["large-access-bag", "large-objects", "large-strings-set", "large-one-string"]

  /// The bytes of one document; nil for a name that is not among `names`.
  public static func document(_ name: String) -> [UInt8]? {
    var hex = HexStream(seed: 20_261_122)
    switch name {
    case "large-access-bag": return accessBag(&hex)
    case "large-objects": return objects(&hex)
    case "large-strings-set": return stringsSet(&hex)
    case "large-one-string":
      let sentence = "The quick &lt;brown&gt; fox &amp; \"dog\" é日本 "
      return wrap("Lab$Str", "<span itemprop=\"s\">" + String(repeating: sentence, count: 120_000) + "</span>")
    default: return nil
    }
  }

  /// Digits that look random and are always the same (SplitMix64).
  struct HexStream {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
      return mixed ^ mixed >> 31
    }

    mutating func digits(_ count: Int) -> String {
      var text = ""
      while text.utf8.count < count {
        let word = String(next(), radix: 16)
        text += String(repeating: "0", count: 16 - word.utf8.count) + word
      }
      return String(text.prefix(count))
    }
  }

  private static func wrap(_ type: String, _ content: String) -> [UInt8] {
    Array("<div itemscope itemtype=\"//refin.io/\(type)\">\(content)</div>".utf8)
  }

  private static func accessBag(_ hex: inout HexStream) -> [UInt8] {
    let object = hex.digits(64)
    let hashes = (0..<55_000).map { _ in hex.digits(64) }.sorted()
    var text = "<a itemprop=\"object\" data-type=\"obj\">\(object)</a><ul itemprop=\"person\">"
    for hash in hashes { text += "<li><a data-type=\"id\">\(hash)</a></li>" }
    return wrap("Access", text + "</ul><ul itemprop=\"group\"></ul>")
  }

  private static func objects(_ hex: inout HexStream) -> [UInt8] {
    var text = "<ol itemprop=\"o\">"
    for index in 0..<30_000 {
      text += "<li><div><span itemprop=\"x\">value &lt;\(index)&gt; &amp; \(hex.digits(16))</span>"
      text +=
        "<span itemprop=\"y\">\(index)</span><ul itemprop=\"z\"><li>a\(index)</li><li>b\(index)</li></ul></div></li>"
    }
    return wrap("Lab$Arr", text + "</ol>")
  }

  private static func stringsSet(_ hex: inout HexStream) -> [UInt8] {
    let items = (0..<100_000).map { "s\($0) &lt;&amp;&gt; \(hex.digits(24))</li>" }
    var text = "<ul itemprop=\"s\">"
    for item in items.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) { text += "<li>" + item }
    return wrap("Lab$Set", text + "</ul>")
  }
}
