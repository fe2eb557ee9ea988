/// Reads and writes the objects of a set of recipes, compiled once into programs of exact texts.
///
/// A codec is immutable and may be used from any thread. Input and output are bytes in UTF-8.
public final class MicrodataCodec: Sendable {
  /// The recipes that it was compiled from.
  public let registry: RecipeRegistry
  let names: [OneText]
  let nameIndices: [OneText: Int32]
  let regexps: [RegexpPair]
  let failures: [MicrodataError]
  let allowedTypes: [[OneText]]
  // The tables are written once here and freed with the codec; in between they are only read.
  nonisolated(unsafe) let types: Table<TypeCode>
  nonisolated(unsafe) let rules: Table<RuleCode>
  nonisolated(unsafe) let recipes: Table<RecipeCode>
  nonisolated(unsafe) let bytes: Table<UInt8>
  nonisolated(unsafe) let units: Table<UInt16>
  private nonisolated(unsafe) let buckets: Table<Int32>

  /// Compiles the recipes. Inheritance that cannot be resolved is no error here: it is thrown when a rule is reached.
  public init(_ registry: RecipeRegistry) throws(MicrodataError) {
    var compiler = ProgramCompiler(registry)
    try compiler.compile()
    self.registry = registry
    names = compiler.names
    var indices: [OneText: Int32] = [:]
    for (index, name) in compiler.names.enumerated() { indices[name] = Int32(index) }
    nameIndices = indices
    regexps = compiler.regexps
    failures = compiler.failures
    allowedTypes = compiler.allowedTypes
    unsafe types = Table(compiler.types)
    unsafe rules = Table(compiler.rules)
    unsafe recipes = Table(compiler.recipes)
    unsafe bytes = Table(compiler.bytes)
    unsafe units = Table(compiler.units)
    unsafe buckets = Table(MicrodataCodec.buckets(registry))
  }

  deinit {
    unsafe types.free()
    unsafe rules.free()
    unsafe recipes.free()
    unsafe bytes.free()
    unsafe units.free()
    unsafe buckets.free()
  }

  /// The name of a type by its index.
  func typeName(_ recipe: Int) -> OneText { registry.recipes[recipe].name }

  /// The recipe of exactly this name; nil when there is none.
  @inline(__always)
  func recipe(named name: ByteView) -> Int? {
    let mask = unsafe buckets.count - 1
    var slot = MicrodataCodec.hash(name) & mask
    while true {
      let index = unsafe buckets[slot]
      if index < 0 { return nil }
      if unsafe bytes.view(recipes[index].name).equals(name) { return Int(index) }
      slot = (slot + 1) & mask
    }
  }

  /// Names come from recipes, so nobody gains from collisions.
  @inline(__always)
  private static func hash(_ view: ByteView) -> Int {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in 0..<view.count { hash = (hash ^ UInt64(view[index])) &* 0x0000_0100_0000_01B3 }
    return Int(truncatingIfNeeded: hash >> 17 & 0x3FFF_FFFF)
  }

  private static func buckets(_ registry: RecipeRegistry) -> [Int32] {
    var size = 16
    while size < registry.recipes.count * 4 { size *= 2 }
    var table = [Int32](repeating: -1, count: size)
    for (index, recipe) in registry.recipes.enumerated() {
      var slot = recipe.name.bytes.withView { hash($0) } & (size - 1)
      while table[slot] >= 0 { slot = (slot + 1) & (size - 1) }
      table[slot] = Int32(index)
    }
    return table
  }
}

/// Which types a caller of the reader takes (microdata.md 8).
public enum ExpectedType: Sendable, Equatable {
  /// `*`.
  case any
  /// One of these; a `*` among them takes all.
  case oneOf([OneText])

  public static func only(_ name: OneText) -> ExpectedType { name == "*" ? .any : .oneOf([name]) }

  func takes(_ name: OneText) -> Bool {
    switch self {
    case .any: true
    case .oneOf(let names): names.contains(name) || names.contains("*")
    }
  }

  var text: String {
    switch self {
    case .any: "*"
    case .oneOf(let names): names.map(\.string).joined(separator: ", ")
    }
  }
}

/// Which of the two forms of an object the bytes are.
public enum ObjectForm: Sendable, Equatable {
  case object
  /// The ID object, with `data-id-object="true"` in its header.
  case idObject
}
