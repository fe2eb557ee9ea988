import Microdata
import Testing

@Suite("microdata.md 2: recipes")
struct RecipeTests {
  private static func recipe(_ rule: OneValue) -> OneValue { ["$type$": "Recipe", "name": "T", "rule": [rule]] }
  private static func typed(_ type: OneValue) -> OneValue { recipe(["itemprop": "p", "itemtype": type]) }

  static let faults: [(String, OneValue)] = [
    ("URC-ERCP1", "x"), ("URC-ERCP1", nil), ("URC-ERCP2", ["name": "T", "rule": []]),
    ("URC-ERCP2", ["$type$": "X", "name": "T"]),
    ("URC-ERCP3", ["$type$": "Recipe", "name": "", "rule": []]),
    ("URC-ERCP3", ["$type$": "Recipe", "name": "a.b", "rule": []]),
    ("URC-ERCP3", ["$type$": "Recipe", "name": "a b", "rule": []]),
    ("URC-ERCP3", ["$type$": "Recipe", "name": "a\"", "rule": []]),
    ("URC-ERCP3", ["$type$": "Recipe", "name": "a<", "rule": []]),
    ("URC-ERCP3", ["$type$": "Recipe", "name": 5, "rule": []]),
    ("URC-ERCP4", ["$type$": "Recipe", "name": "T"]), ("URC-ERECI1", recipe("x")),
    ("URC-ERECI2", typed(["type": "object", "rules": [["itemprop": "a", "isId": true]]])),
    ("URC-ERECI3", recipe(["itemprop": "p", "extra": 1])), ("URC-ERECI4", recipe(["optional": true])),
    ("URC-ERECI8", recipe(["itemprop": "a.b"])), ("URC-ERECI8", recipe(["itemprop": "a b"])),
    ("URC-ERECI8", recipe(["itemprop": "<"])),
    ("URC-ERECI19", typed(["type": "nope"])), ("URC-ERECI19", typed(["x": 1])),
    ("URC-ERECI30-A", typed(["type": "integer", "min": 5, "max": 5])),
    ("URC-ERECI30-C", typed(["type": "number", "min": 5, "max": 1])),
    ("URC-ERECI30-B", typed(["type": "integer", "min": 1.5])),
    ("URC-ERECI30-D", typed(["type": "number", "max": "x"])),
    ("URC-ERECI30-D", typed(["type": "number", "max": .number(.nan)])),
    ("URC-ERECI14", typed(["type": "referenceToObj"])),
    ("URC-ERECI14", typed(["type": "referenceToId", "allowedTypes": .set([5])])),
    ("URC-ERECI31", typed(["type": "map", "key": ["type": "string"]])),
    (
      "URC-ERECI31",
      typed(["type": "map", "key": ["type": "bag", "item": ["type": "string"]], "value": ["type": "string"]])
    ),
    ("URC-ERECI31", typed(["type": "bag"])), ("URC-ERECI33", typed(["type": "boolean", "x": 1])),
    ("URC-ERECI23", typed(["type": "object", "rules": []])), ("URC-ERECI23", typed(["type": "object"])),
    ("URC-CIT1", typed(["type": "object", "rules": [["itemprop": "a"], ["itemprop": "a"]]])),
    ("URC-ERECI24", typed(["type": "object", "rules": [["itemprop": "a"]], "isId": true])),
    ("URC-ERECI27", recipe(["itemprop": "p", "inheritFrom": "nodot"])),
    ("URC-ERECI28", recipe(["itemprop": "p", "inheritFrom": ["rule": "A.b"]])),
    ("js:SyntaxError", typed(["type": "string", "regexp": "("])),
    ("js:TypeError", typed(["type": "object", "rules": .undefined])),
  ]

  @Test("a faulty recipe is refused with its code (MD-076)", arguments: faults)
  func refuses(_ code: String, _ value: OneValue) {
    do {
      _ = try Recipe(checking: value)
      Issue.record("taken: \(value)")
    } catch { #expect(error.code.rawValue == code) }
  }

  @Test("what is legal is taken: odd names, doubled top-level itemprops, empty itemprops")
  func takes() throws {
    for value: OneValue in [
      ["$type$": "Recipe", "name": "A&B'C", "rule": []], Self.recipe(["itemprop": ""]),
      Self.recipe(["itemprop": "q\"q"]),
      ["$type$": "Recipe", "name": "T", "rule": [["itemprop": "a"], ["itemprop": "a"]]],
      Self.typed(["type": "referenceToObj", "allowedTypes": ["*"]]),
      Self.recipe(["itemprop": "p", "optional": "yes", "inheritFrom": "Nowhere.at"]),
    ] { #expect(throws: Never.self) { try Recipe(checking: value) } }
  }

  @Test("a name is registered once (MD-077)")
  func onlyOnce() throws {
    var registry = RecipeRegistry()
    try registry.register(Self.recipe(["itemprop": "a"]))
    do {
      try registry.register(Self.recipe(["itemprop": "b"]))
      Issue.record("registered twice")
    } catch { #expect(error.code == "OR-ADDR1") }
  }

  @Test("a recipe that went over the wire is a recipe again, without the flags of its regexps (MD-078)")
  func overTheWire() throws {
    let codec = try Fixture.codec.get()
    let written: OneValue = [
      "$type$": "Recipe", "name": "Wire",
      "rule": [
        ["itemprop": "a", "itemtype": ["type": "string", "regexp": .regexp(source: "^x$", flags: "i")], "isId": true],
        ["itemprop": "b", "itemtype": ["type": "referenceToId", "allowedTypes": .set(["Person"])], "optional": true],
      ],
    ]
    let read = try codec.parse(try codec.serialise(written)).value
    let recipe = try Recipe(checking: read)
    #expect(recipe.rules[0].itemtype == .string(RegexpSource("^x$")))
    #expect(recipe.rules[1].itemtype == .reference(.id, allowedTypes: ["Person"]))
    #expect(recipe.isVersioned)
    #expect(recipe.idProperties == ["a"])
  }

  @Test("inheritance that leads nowhere is found when its rule is reached (2.1)")
  func brokenInheritance() throws {
    var registry = RecipeRegistry()
    try registry.register([
      "$type$": "Recipe", "name": "Broken",
      "rule": [
        ["itemprop": "first"], ["itemprop": "lost", "inheritFrom": "Nobody.x"],
      ],
    ])
    try registry.register([
      "$type$": "Recipe", "name": "Half", "rule": [["itemprop": "lost", "inheritFrom": "Half.nothing"]],
    ])
    try registry.register([
      "$type$": "Recipe", "name": "Loop",
      "rule": [["itemprop": "a", "inheritFrom": "Loop.b"], ["itemprop": "b", "inheritFrom": "Loop.a"]],
    ])
    let codec = try MicrodataCodec(registry)
    func code(_ value: OneValue) -> MicrodataCode? {
      do throws(MicrodataError) {
        _ = try codec.serialise(value)
        return nil
      } catch { return error.code }
    }
    #expect(code(["$type$": "Broken"]) == "O2M-RTYC2")
    #expect(code(["$type$": "Broken", "first": "x", "lost": "y"]) == "OR-GR1")
    #expect(code(["$type$": "Half", "lost": "y"]) == "OR-GR01")
    #expect(code(["$type$": "Loop", "a": "y", "b": "z"]) == .rangeError)
  }

  @Test("min, max and allowedTypes bind neither side (MD-020, MD-038)")
  func unenforced() throws {
    let codec = try Fixture.codec.get()
    let object: OneValue = ["$type$": "Lab$IntRange", "i": 4000]
    #expect(try codec.parse(try codec.serialise(object)).value == object)
  }

  @Test("itemprops of the language's own neither change type nor prototype in strict (MD-079)")
  func hostileNames() throws {
    var registry = RecipeRegistry()
    try registry.register(["$type$": "Recipe", "name": "H", "rule": [["itemprop": "__proto__"]]])
    try registry.register(["$type$": "Recipe", "name": "K", "rule": [["itemprop": "$type$"]]])
    let codec = try MicrodataCodec(registry)
    let proto = Array("<div itemscope itemtype=\"//refin.io/H\"><span itemprop=\"__proto__\">x</span></div>".utf8)
    #expect(try codec.parse(proto).value == ["$type$": "H"])
    #expect(try codec.parse(proto, profile: .strict).value == .object(OneObject(["$type$": "H", "__proto__": "x"])))
    let type = Array("<div itemscope itemtype=\"//refin.io/K\"><span itemprop=\"$type$\">Person</span></div>".utf8)
    #expect(try codec.parse(type).value == ["$type$": "Person"])
    #expect(throws: MicrodataError.self) { try codec.parse(type, profile: .strict) }
  }
}
