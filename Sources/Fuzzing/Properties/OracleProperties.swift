import MicrodataOracle

/// The codec beside libxml2: canonical bytes give the tree that the value's recipe demands (microdata.md 14, MD-100).
public struct OracleProperties<Codec: CodecUnderTest> {
  let codec: Codec
  let recipes: ModelRecipes

  public init(_ codec: Codec, _ recipes: ModelRecipes) {
    self.codec = codec
    self.recipes = recipes
  }

  /// Nothing is compared, and true returned, for bytes that strict refuses: libxml2 says nothing about those.
  public func check(_ bytes: [UInt8]) throws(Finding) {
    let form = ModelReader.Form(of: bytes)
    let value: Codec.Value
    do throws(CodecRefusal) { value = try codec.parse(bytes, form, .strict) } catch { return }
    let tree: MarkupTree
    do throws(MarkupFailure) { tree = try MarkupReader.read(bytes) } catch {
      throw Finding(.grammar, "strict accepts what is not of the grammar: \(error)")
    }
    try compare(bytes, tree, "the grammar's reader")
    // A3's JSON text has no value that could say what the tree is.
    guard let expected = ValueTree.build(codec.model(value), form, recipes), !isExempt(bytes, form) else {
      return
    }
    try compare(bytes, expected, "the value's tree")
  }

  private func compare(_ bytes: [UInt8], _ tree: MarkupTree, _ name: String) throws(Finding) {
    for parser in OracleParser.allCases {
      let report = Oracle.compare(bytes, tree: tree, with: parser)
      guard !report.isFault else {
        throw Finding(
          parser == .html ? .libxml2HTML : .libxml2XML,
          "\(name) and libxml2's \(parser.rawValue) parser differ: \(report.lines.prefix(3).joined(separator: "; "))")
      }
    }
  }

  /// Text that strict accepts though the model does not write it: A3's JSON, `null` in an integer (MD-095).
  private func isExempt(_ bytes: [UInt8], _ form: ModelReader.Form) -> Bool {
    let text = Array(String(decoding: bytes, as: UTF8.self).utf16)
    guard let value = try? ModelReader.read(text, as: form, recipes: recipes) else { return true }
    return (try? ModelWriter.write(value, as: form, recipes: recipes)) != text
  }
}
