public import Microdata
import WireBytes

/// A file of `one-microdata-vectors/1`, read into questions (microdata.md 15).
public struct VectorFile: Sendable {
  public enum Kind: String, Sendable, CaseIterable {
    case valid
    case serializeErrors = "serialize-errors"
    case invalid, hostile, numbers
    case textToNumber = "text-to-number"
    case stringify, escape, implode
    case explodeInvalid = "explode-invalid"
    /// `one-recipes/1`: the recipes' own objects.
    case recipes
  }

  public let kind: Kind
  public let vectors: [Vector]

  /// Reads a file's bytes. The kind comes from `meta.file`, else from the file's name.
  public init(_ bytes: [UInt8], name: String) throws(VectorFormatError) {
    let json: JSONValue
    do throws(JSONFailure) { json = try JSONValue.parse(bytes, limits: JSONLimits(depth: 600)) } catch {
      throw VectorFormatError(reason: "not JSON: \(error)")
    }
    if json["format"]?.string == "one-recipes/1" {
      kind = .recipes
      vectors = try RecipeVectors.read(json)
      return
    }
    guard json["meta"]?["format"]?.string == "one-microdata-vectors/1", let list = json["vectors"]?.array else {
      throw VectorFormatError(reason: "not a one-microdata-vectors/1 file")
    }
    kind = try VectorFile.kind(json["meta"]?["file"]?.string, name)
    var vectors: [Vector] = []
    vectors.reserveCapacity(list.count)
    for (index, entry) in list.enumerated() {
      do throws(VectorFormatError) { vectors.append(try VectorFile.vector(entry, kind)) } catch {
        throw VectorFormatError(reason: "vector \(entry["id"]?.string ?? "\(index)"): \(error)")
      }
    }
    self.vectors = vectors
  }

  private static func kind(_ meta: String?, _ name: String) throws(VectorFormatError) -> Kind {
    for candidate in [meta ?? "", name] {
      var stem = candidate.split(separator: "/").last.map(String.init) ?? ""
      if stem.hasSuffix(".json") { stem.removeLast(5) }
      for prefix in ["dev-", "heldout-", "microdata-"] where stem.hasPrefix(prefix) {
        stem.removeFirst(prefix.count)
      }
      if let kind = Kind(rawValue: stem), kind != .recipes { return kind }
    }
    throw VectorFormatError(reason: "cannot tell what kind of vectors these are: \(meta ?? name)")
  }

  private static func vector(_ entry: JSONValue, _ kind: Kind) throws(VectorFormatError) -> Vector {
    switch kind {
    case .valid: try ObjectVectors.valid(entry)
    case .serializeErrors: try ObjectVectors.serializeError(entry)
    case .invalid, .hostile: try ObjectVectors.input(entry)
    case .numbers: try ScalarVectors.number(entry)
    case .textToNumber: try ScalarVectors.textToNumber(entry)
    case .stringify: try ScalarVectors.stringify(entry)
    case .escape: try ScalarVectors.escape(entry)
    case .implode: try GraphVectors.implode(entry)
    case .explodeInvalid: try GraphVectors.explodeInvalid(entry)
    case .recipes: throw VectorFormatError(reason: "recipes have a file of their own")
    }
  }
}

/// Reading fields of a vector.
struct Fields {
  let entry: JSONValue
  let id: String

  init(_ entry: JSONValue) throws(VectorFormatError) {
    self.entry = entry
    guard let id = entry["id"]?.string else { throw VectorFormatError(reason: "no id") }
    self.id = id
  }

  func json(_ name: String) throws(VectorFormatError) -> JSONValue {
    guard let value = entry[name] else { throw VectorFormatError(reason: "no field \(name)") }
    return value
  }

  func string(_ name: String) throws(VectorFormatError) -> String {
    guard let text = try json(name).string else { throw VectorFormatError(reason: "\(name) is no string") }
    return text
  }

  func text(_ name: String) throws(VectorFormatError) -> OneText { try OneValue.text(try json(name)) }
  func value(_ name: String) throws(VectorFormatError) -> OneValue { try OneValue(vector: try json(name)) }

  /// A field that is a text or `{error}`.
  static func textOrError(_ json: JSONValue) throws(VectorFormatError) -> CodecExpectation {
    if let code = json["error"]?.string { return .error(code) }
    return .text(try OneValue.text(json))
  }
}
