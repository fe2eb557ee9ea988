import Microdata
import WireBytes

/// Vectors about graphs of objects: implode, explode-invalid; and the recipes' own objects.
enum GraphVectors {
  static func implode(_ entry: JSONValue) throws(VectorFormatError) -> Vector {
    let fields = try Fields(entry)
    guard let list = try fields.json("files").object else { throw VectorFormatError(reason: "files is no object") }
    var files: [String: VectorFileEntry] = [:]
    for member in list.members { files[member.name] = try file(member.value) }
    let imploded = try fields.text("imploded")
    let exploded = try fields.json("exploded")
    let expectation: CodecExpectation
    if let code = exploded["error"]?.string {
      expectation = .error(code)
    } else if let hash = exploded["hash"]?.string {
      expectation = .rootHash(hash)
    } else {
      throw VectorFormatError(reason: "exploded has no form that is known")
    }
    let root = try fields.string("root")
    guard exploded["sameHash"]?.bool.map({ $0 == (exploded["hash"]?.string == root) }) ?? true else {
      throw VectorFormatError(reason: "sameHash contradicts the hashes")
    }
    return Vector(
      id: fields.id,
      questions: [
        VectorQuestion(.implode(root: root, files: files), [("imploded", .text(imploded))]),
        VectorQuestion(.explode(imploded, .any), [("exploded", expectation)]),
      ], skipped: nil)
  }

  private static func file(_ json: JSONValue) throws(VectorFormatError) -> VectorFileEntry {
    let idHash = json["idHash"]?.string
    switch json["kind"]?.string {
    case "object":
      guard let text = json["microdata"] else { break }
      return VectorFileEntry(file: .object(try OneValue.text(text).utf8Bytes), idHash: idHash)
    case "clob":
      guard let text = json["text"] else { break }
      return VectorFileEntry(file: .clob(try OneValue.text(text)), idHash: nil)
    case "blob":
      guard let bytes = json["base64"]?.string.flatMap(Base64.decode) else { break }
      return VectorFileEntry(file: .blob(bytes), idHash: nil)
    default: break
    }
    throw VectorFormatError(reason: "a file has no form that is known")
  }

  static func explodeInvalid(_ entry: JSONValue) throws(VectorFormatError) -> Vector {
    let fields = try Fields(entry)
    let result = try fields.json("result")
    let expectation: CodecExpectation
    if let code = result["error"]?.string {
      expectation = .error(code)
    } else if let hash = result["hash"]?.string {
      expectation = .rootHash(hash)
    } else {
      expectation = .success
    }
    return Vector(
      id: fields.id,
      questions: [
        VectorQuestion(
          .explode(try fields.text("input"), try ObjectVectors.expectedType(entry["expectedType"])),
          [("result", expectation)])
      ], skipped: nil)
  }
}

/// recipes.json as vectors: each recipe's object, its hash and ID hash (MD-074).
enum RecipeVectors {
  static func read(_ json: JSONValue) throws(VectorFormatError) -> [Vector] {
    guard let recipes = json["recipes"]?.array else { throw VectorFormatError(reason: "no recipes") }
    var vectors: [Vector] = []
    for entry in recipes {
      guard let name = entry["name"]?.string, let object = entry["recipeObject"], let text = object["microdata"],
        let hash = object["hash"]?.string, let idHash = object["idHash"]?.string
      else { throw VectorFormatError(reason: "a recipe without name or recipeObject") }
      let microdata = try OneValue.text(text)
      let value = RecipesFile.recipe(entry)
      vectors.append(
        Vector(
          id: name,
          questions: [
            VectorQuestion(
              .serialise(value, .object),
              [
                ("recipeObject.microdata", .text(microdata)),
                ("recipeObject.hash", .hash(hash, bytes: object["bytes"]?.integer)),
              ]),
            VectorQuestion(.serialise(value, .idObject), [("recipeObject.idHash", .hash(idHash, bytes: nil))]),
            VectorQuestion(.extractId(microdata), [("recipeObject.idHash", .hash(idHash, bytes: nil))]),
            VectorQuestion(
              .reserialise(microdata, .object, .only("Recipe"), as: .object),
              [("recipeObject.microdata", .text(microdata))]),
          ], skipped: nil))
    }
    return vectors
  }
}
