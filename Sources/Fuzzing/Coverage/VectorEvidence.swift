public import WireBytes

/// Vectors that would notice a breach of a requirement: a question about a file's entries, counted and never typed.
public struct VectorEvidence: Sendable {
  public let requirement: Int
  /// The file's name between `microdata-` and `.json`; `recipes` for recipes.json.
  public let file: String
  let isOne: @Sendable (JSONValue) -> Bool

  /// How many entries of the file are such vectors.
  public func count(_ json: JSONValue) -> Int {
    (json[file == "recipes" ? "recipes" : "vectors"]?.array ?? []).count(where: isOne)
  }

  static let all: [VectorEvidence] = writer + reader + ids + numbers + strings + graphs + hazards

  private static func of(
    _ requirement: Int, _ file: String, _ isOne: @escaping @Sendable (JSONValue) -> Bool
  ) -> VectorEvidence {
    VectorEvidence(requirement: requirement, file: file, isOne: isOne)
  }

  private static func text(_ vector: JSONValue, _ name: String) -> String { vector[name]?.string ?? "" }

  private static func type(_ vector: JSONValue, _ prefix: String) -> Bool { text(vector, "type").hasPrefix(prefix) }

  private static func writes(_ requirement: Int, _ pieces: [String]) -> VectorEvidence {
    of(requirement, "valid") { vector in pieces.contains { text(vector, "microdata").contains($0) } }
  }

  private static func refuses(_ requirement: Int, _ code: String) -> VectorEvidence {
    of(requirement, "serialize-errors") { text($0, "serializeError") == code }
  }

  private static func fails(_ requirement: Int, _ file: String, _ codes: [String]) -> VectorEvidence {
    of(requirement, file) { vector in codes.contains(vector["result"]?["error"]?.string ?? "") }
  }

  private static func accepts(_ requirement: Int, _ file: String, type: String = "") -> VectorEvidence {
    of(requirement, file) { vector in
      vector["result"]?["object"] != nil && vector["canonical"] == false
        && text(vector, "input").contains("//refin.io/" + type)
    }
  }

  private static let writer: [VectorEvidence] = [
    of(1, "valid") { $0["microdata"] != nil },
    of(2, "valid") { $0["idMicrodata"] != nil },
    of(3, "valid") { vector in
      // The first two members stand in the markup the other way round.
      let names = (vector["object"]?.object?.names ?? []).filter { !$0.hasPrefix("$") }
      let markup = Array(text(vector, "microdata").utf8)
      guard names.count > 1, let one = markup.firstRange(of: Array("itemprop=\"\(names[0])\"".utf8)),
        let other = markup.firstRange(of: Array("itemprop=\"\(names[1])\"".utf8))
      else { return false }
      return other.lowerBound < one.lowerBound
    },
    of(4, "valid") { vector in
      vector["object"]?.object?.members.contains { $0.value == .null || $0.value["$undef"] != nil } ?? false
    },
    writes(5, ["></ul>", "></ol>", "></dl>"]),
    refuses(6, "O2M-RTYC2"), refuses(7, "O2M-RTYC1"), refuses(8, "O2M-CVAL4"), refuses(9, "O2M-RTYC4"),
    refuses(10, "O2M-RTYC3"), refuses(11, "O2M-COBJ2"), refuses(12, "O2M-CONV"),
    of(12, "valid") { text($0, "idError") == "O2M-COBJ1" },
    of(13, "valid") { text($0, "microdata").contains("<ul") && text($0, "microdata").contains("</li><li>") },
    of(14, "valid") { text($0, "microdata").contains("<ol") && text($0, "microdata").contains("</li><li>") },
    of(14, "valid") { text($0, "microdata").contains("</dd><dt>") },
    of(15, "valid") { vector in
      let items = text(vector, "microdata").split(separator: "<li>").map(String.init)
      return zip(items, items.dropFirst()).contains { $0 == $1 }
    },
    of(16, "valid") { text($0, "microdata").contains("<div itemprop=") || text($0, "microdata").contains("<li><div>") },
    of(17, "valid") { type($0, "Lab$A&B") || type($0, "Lab$Names") },
    of(18, "valid") { type($0, "Lab$Inherit") || type($0, "Lab$Recursive") },
    of(19, "serialize-errors") { $0["jsOnlyValue"] != true },
    of(20, "valid") { type($0, "Lab$IntRange") },
    of(21, "valid") { $0["bytes"] != nil && $0["hash"] != nil },
  ]

  private static let reader: [VectorEvidence] = [
    fails(22, "invalid", ["M2O-PH1"]), fails(22, "hostile", ["M2O-PH1"]), fails(23, "hostile", ["US-SSFMC1"]),
    fails(24, "invalid", ["OR-ET1"]), fails(25, "hostile", ["M2O-PHM1"]), fails(26, "invalid", ["M2O-PD1"]),
    fails(27, "invalid", ["M2O-PD1", "M2O-POM1"]), fails(28, "invalid", ["M2O-PCONV2"]),
    of(29, "invalid") { $0["result"]?["error"] != nil }, of(29, "hostile") { $0["result"]?["error"] != nil },
    fails(30, "invalid", ["M2O-PV1"]), fails(31, "invalid", ["M2IH-FET1"]),
    of(32, "invalid") { vector in
      vector["result"]?["object"] != nil && text(vector, "input").contains("\"></span>")
    },
    accepts(33, "hostile", type: "Lab$Bool"), accepts(34, "hostile", type: "Lab$Set"),
    accepts(35, "hostile", type: "Lab$Map"), fails(36, "invalid", ["M2O-EOTFM1"]),
    of(37, "valid") { $0["parse"]?["equalsInput"] == true }, accepts(38, "invalid"),
    of(96, "valid") { $0["parse"]?["stable"] == true },
  ]

  private static let ids: [VectorEvidence] = [
    of(42, "valid") { $0["idHash"] != nil },
    of(43, "invalid") { text($0, "api") == "id" && $0["result"]?["error"]?.string == "M2O-POM1" },
    of(44, "valid") { type($0, "Lab$InheritId") },
    of(45, "valid") { type($0, "Lab$IdAllOpt") && !text($0, "idMicrodata").contains("itemprop=\"a\"") },
    of(46, "valid") { text($0, "extractId") == "same" }, of(46, "valid") { $0["extractId"]?["microdata"] != nil },
    of(47, "valid") { $0["extractId"]?["error"] != nil }, of(49, "invalid") { $0["idHashesAgree"] == false },
    of(71, "valid") { $0["hash"] != nil },
    of(72, "implode") { vector in
      vector["files"]?.object?.members.contains { ["clob", "blob"].contains($0.value["kind"]?.string ?? "") } ?? false
    },
    of(74, "recipes") { $0["recipeObject"]?["hash"] != nil },
  ]

  private static let numbers: [VectorEvidence] = [
    of(50, "numbers") { text($0, "text") != "null" },
    of(51, "numbers") { text($0, "bits") == "8000000000000000" && text($0, "text") == "0" },
    of(52, "numbers") { text($0, "text") == "null" },
    of(53, "numbers") { $0["isInteger"] == true && text($0, "text").contains("e+") },
    of(54, "text-to-number") { $0["bits"] != nil }, accepts(55, "hostile", type: "Lab$Num"),
  ]

  private static let strings: [VectorEvidence] = [
    of(56, "stringify") { text($0, "json").hasPrefix("{") && text($0, "json").contains(",") },
    of(57, "stringify") { text($0, "json").contains("\\u00") || text($0, "json").contains("\\ud") },
    of(58, "stringify") { text($0, "reparsesToSameJson") == "js:SyntaxError" },
    of(59, "stringify") { ($0["value"]?.compact ?? "").contains("$undef") && text($0, "json").contains("null") },
    of(60, "stringify") { vector in
      let value = vector["value"]?.compact ?? ""
      return ["\"$map\"", "\"$set\"", "\"$date\"", "\"$regexp\""].contains { value.contains($0) }
    },
    fails(62, "hostile", ["js:SyntaxError"]),
    of(64, "escape") { text($0, "escaped") != text($0, "raw") },
    of(65, "escape") { text($0, "unescaped") != text($0, "raw") },
    writes(66, ["\r", "\u{0}", "\u{FEFF}"]),
    of(67, "valid") { Array(text($0, "microdata").unicodeScalars).contains { (0x300...0x36F).contains($0.value) } },
    of(68, "valid") { ($0["object"]?.compact ?? "").contains("$utf16") },
    of(69, "valid") { $0["parse"]?["error"]?.string == "M2O-PV3" },
  ]

  private static let graphs: [VectorEvidence] = [
    of(80, "implode") { $0["imploded"] != nil }, of(81, "implode") { $0["exploded"]?["sameHash"] == true },
    of(82, "explode-invalid") { $0["result"]?["error"] != nil },
    of(83, "implode") { $0["exploded"]?["error"]?.string == "MEX-PHD1" },
    fails(84, "explode-invalid", ["MEX-PIO2"]),
  ]

  private static let hazards: [VectorEvidence] = [
    of(79, "valid") { type($0, "Lab$Proto") },
    of(87, "valid") { $0["parse"]?["error"]?.string == "US-SSFMC1" },
    of(89, "valid") { $0["parse"]?["error"]?.string == "M2O-POM1" },
    of(92, "valid") { $0["parse"]?["equalsInput"] == false },
    accepts(93, "invalid"), accepts(93, "hostile"), accepts(94, "invalid"), accepts(94, "hostile"),
    of(97, "hostile") { $0["result"]?["hang"] != nil },
    of(98, "hostile") { ($0["result"]?["object"]?.compact ?? "").contains("$undef") },
    of(100, "valid") { $0["xml"]?["html_2_9_14"] != nil },
  ]
}
