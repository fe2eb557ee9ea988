public import WireBytes

/// The recipes that are known, in order of registration. A codec is compiled from a registry.
public struct RecipeRegistry: Sendable {
  public private(set) var recipes: [Recipe] = []
  private var indices: [OneText: Int] = [:]

  public init() {}

  /// Adds a checked recipe; OR-ADDR1 when its name is taken (MD-077).
  public mutating func add(_ recipe: Recipe) throws(MicrodataError) {
    guard indices[recipe.name] == nil else {
      throw MicrodataError("OR-ADDR1", "a recipe with the name \(Extract.of(recipe.name.string)) is registered already")
    }
    indices[recipe.name] = recipes.count
    recipes.append(recipe)
  }

  /// Checks a recipe in its value form and adds it (microdata.md 2.2).
  public mutating func register(_ value: OneValue) throws(MicrodataError) { try add(try Recipe(checking: value)) }

  public subscript(name: OneText) -> Recipe? { indices[name].map { recipes[$0] } }
  func index(of name: OneText) -> Int? { indices[name] }
}

extension RecipeRegistry {
  /// Loads `one-recipes/1` (recipes.json). Every recipe is checked like one from the wire.
  public init(recipesFile bytes: [UInt8]) throws(RecipesFileError) {
    let json: JSONValue
    do throws(JSONFailure) { json = try JSONValue.parse(bytes, limits: JSONLimits(depth: 256)) } catch {
      throw RecipesFileError(reason: "not JSON: \(error)")
    }
    try self.init(recipesFile: json)
  }

  public init(recipesFile json: JSONValue) throws(RecipesFileError) {
    self.init()
    guard json["format"]?.string == "one-recipes/1", let list = json["recipes"]?.array else {
      throw RecipesFileError(reason: "not a one-recipes/1 file: format and recipes are missing")
    }
    for entry in list {
      let name = entry["name"]?.string ?? "?"
      do throws(MicrodataError) { try register(RecipesFile.recipe(entry)) } catch {
        throw RecipesFileError(reason: "recipe \(name): \(error)")
      }
    }
  }
}

/// A recipes file that cannot be used.
public struct RecipesFileError: Error, Sendable, CustomStringConvertible {
  public let reason: String
  public init(reason: String) { self.reason = reason }
  public var description: String { reason }
}

/// From the JSON of recipes.json to the value form of recipes.
public enum RecipesFile {
  /// The recipe object that an entry of the file describes.
  public static func recipe(_ entry: JSONValue) -> OneValue {
    var object = OneObject(["$type$": "Recipe"])
    if let name = entry["name"]?.string { object.set("name", .string(OneText(name))) }
    if let rules = entry["rules"]?.array { object.set("rule", .array(rules.map(rule))) }
    if let pairs = entry["crdtConfig"]?.array {
      // A map in the recipe; the file lists its pairs.
      object.set(
        "crdtConfig", .map(pairs.map { OneMapEntry(plain($0.array?.first ?? .null), plain($0.array?.last ?? .null)) }))
    }
    return .object(object)
  }

  private static func rule(_ json: JSONValue) -> OneValue {
    guard case .object(let fields) = json else { return plain(json) }
    var object = OneObject()
    // The file fills the type in where the source has none; the recipe's own object is written without it.
    let isExplicit = fields["explicitItemtype"]?.bool != false
    for field in fields.members {
      switch field.name {
      case "explicitItemtype": continue
      case "itemtype": if isExplicit { object.set("itemtype", type(field.value)) }
      default: object.set(OneText(field.name), plain(field.value))
      }
    }
    return .object(object)
  }

  private static func type(_ json: JSONValue) -> OneValue {
    guard case .object(let fields) = json else { return plain(json) }
    var object = OneObject()
    for field in fields.members {
      switch field.name {
      case "regexp":
        let source = OneText(field.value["source"]?.string ?? "")
        object.set("regexp", .regexp(source: source, flags: OneText(field.value["flags"]?.string ?? "")))
      case "allowedTypes": object.set("allowedTypes", .set(field.value.array?.map(plain) ?? []))
      case "key", "value", "item": object.set(OneText(field.name), type(field.value))
      case "rules": object.set("rules", .array(field.value.array?.map(rule) ?? []))
      default: object.set(OneText(field.name), plain(field.value))
      }
    }
    return .object(object)
  }

  private static func plain(_ json: JSONValue) -> OneValue {
    switch json {
    case .null: .null
    case .bool(let value): .bool(value)
    case .number(let value): .number(value)
    case .string(let text): .string(OneText(text))
    case .array(let items): .array(items.map(plain))
    case .object(let object):
      .object(OneObject(unique: object.members.map { .init(OneText($0.name), plain($0.value)) }))
    }
  }
}
