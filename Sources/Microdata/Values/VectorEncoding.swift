public import WireBytes

extension OneValue {
  /// Reads the vectors' encoding of values (microdata.md 15); throws on a form that it does not know.
  public init(vector json: JSONValue) throws(VectorFormatError) {
    switch json {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .number(let value): self = .number(value)
    case .string(let text): self = .string(OneText(text))
    case .array(let items):
      self = .array(try items.map { (item) throws(VectorFormatError) in try OneValue(vector: item) })
    case .object(let object):
      if let special = try OneValue.special(object) {
        self = special
        return
      }
      var members: [OneObject.Member] = []
      members.reserveCapacity(object.members.count)
      for member in object.members { members.append(.init(OneText(member.name), try OneValue(vector: member.value))) }
      self = .object(OneObject(unique: members))
    }
  }

  private static func special(_ object: JSONObject) throws(VectorFormatError) -> OneValue? {
    guard object.members.count == 1, let member = object.members.first, member.name.utf8.first == 0x24 else {
      return nil
    }
    let json = member.value
    switch member.name {
    case "$n":
      guard let text = json.string, let value = NumberText.parseVector(text) else { throw bad("$n", json) }
      return .number(value)
    case "$undef": return .undefined
    case "$utf16": return .string(try utf16(json))
    case "$set": return .set(try list(json).map { (item) throws(VectorFormatError) in try OneValue(vector: item) })
    case "$map":
      return .map(
        try list(json).map { (pair) throws(VectorFormatError) in
          guard case .array(let parts) = pair, parts.count == 2 else { throw bad("$map", pair) }
          return OneMapEntry(try OneValue(vector: parts[0]), try OneValue(vector: parts[1]))
        })
    case "$date":
      if case .null = json { return .date(.nan) }
      guard let ms = json.number else { throw bad("$date", json) }
      return .date(ms)
    case "$regexp":
      guard case .array(let parts) = json, parts.count == 2 else { throw bad("$regexp", json) }
      return .regexp(source: try text(parts[0]), flags: try text(parts[1]))
    case "$function": return .function(OneText(json.string ?? ""))
    case "$symbol": return .symbol(OneText(json.string ?? ""))
    case "$bigint": return .bigint(OneText(json.string ?? ""))
    case "$obj":
      var result = OneObject()
      for pair in try list(json) {
        guard case .array(let parts) = pair, parts.count == 2 else { throw bad("$obj", pair) }
        result.set(try text(parts[0]), try OneValue(vector: parts[1]))
      }
      return .object(result)
    default: return nil
    }
  }

  /// A whole-text field of a vector: a string, or `{"$utf16":hex}`.
  public static func text(_ json: JSONValue) throws(VectorFormatError) -> OneText {
    guard case .string(let text) = try OneValue(vector: json) else { throw bad("text", json) }
    return text
  }

  private static func list(_ json: JSONValue) throws(VectorFormatError) -> [JSONValue] {
    guard case .array(let items) = json else { throw bad("list", json) }
    return items
  }

  private static func utf16(_ json: JSONValue) throws(VectorFormatError) -> OneText {
    guard let hex = json.string, let bytes = Hex.decode(hex), bytes.count.isMultiple(of: 2) else {
      throw bad("$utf16", json)
    }
    return OneText(
      utf16: stride(from: 0, to: bytes.count, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) })
  }

  private static func bad(_ form: String, _ json: JSONValue) -> VectorFormatError {
    VectorFormatError(reason: "not the encoding of \(form): \(json.compact.prefix(80))")
  }

  /// The vectors' encoding of this value.
  public var vector: JSONValue {
    switch self {
    case .undefined: ["$undef": true]
    case .null: .null
    case .bool(let value): .bool(value)
    case .number(let value): ["$n": .string(NumberText.vectorText(value))]
    case .string(let text): text.vector
    case .array(let items): .array(items.map(\.vector))
    case .set(let items): ["$set": .array(items.map(\.vector))]
    case .map(let entries): ["$map": .array(entries.map { .array([$0.key.vector, $0.value.vector]) })]
    case .object(let object): object.vector
    case .date(let ms): ["$date": ms.isNaN ? .null : .number(ms)]
    case .regexp(let source, let flags): ["$regexp": .array([source.vector, flags.vector])]
    case .function(let text): ["$function": text.isEmpty ? true : .string(text.string)]
    case .symbol(let text): ["$symbol": .string(text.string)]
    case .bigint(let text): ["$bigint": .string(text.string)]
    }
  }
}

extension OneText {
  /// A string, or its code units in hex when it is ill-formed.
  public var vector: JSONValue {
    guard hasLoneSurrogate else { return .string(string) }
    let bytes = utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    return ["$utf16": .string(Hex.encode(bytes))]
  }
}

extension OneObject {
  /// True when a key cannot stand in a JSON object of the encoding.
  public var isEncodedAsPairs: Bool {
    members.contains { member in
      let name = member.name.string
      return name.utf8.first == 0x24 && name != "$type$" && name != "$versionHash$" || name == "__proto__"
        || member.name.hasLoneSurrogate
    }
  }

  /// A JSON object, or `$obj` where a key needs it.
  public var vector: JSONValue {
    if isEncodedAsPairs {
      return ["$obj": .array(members.map { .array([$0.name.vector, $0.value.vector]) })]
    }
    var object = JSONObject()
    for member in members { object.append(member.name.string, member.value.vector) }
    return .object(object)
  }
}

/// JSON that is not the vectors' encoding.
public struct VectorFormatError: Error, Sendable, CustomStringConvertible {
  public let reason: String
  public init(reason: String) { self.reason = reason }
  public var description: String { reason }
}
