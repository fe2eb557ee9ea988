public import WireBytes

/// The vectors' value encoding (microdata.md 15), both ways, independent of the codec's own.
public enum ModelEncoding {
  /// Nil for what only JavaScript has: functions, symbols, big integers, dates, regular expressions.
  public static func value(_ json: JSONValue) -> ModelValue? {
    switch json {
    case .null: return .null
    case .bool(let value): return .bool(value)
    case .number(let value): return .number(value)
    case .string(let text): return .text(text)
    case .array(let items): return all(items).map(ModelValue.array)
    case .object(let object):
      if let special = object.members.first, object.members.count == 1, special.name.hasPrefix("$"),
        special.name != "$type$", special.name != "$versionHash$"
      {
        return tagged(special.name, special.value)
      }
      var members: [ModelValue.Member] = []
      for member in object.members {
        guard let value = value(member.value) else { return nil }
        members.append(ModelValue.Member(Array(member.name.utf16), value))
      }
      return .object(members)
    }
  }

  /// A whole text, which may be ill-formed.
  public static func units(_ json: JSONValue) -> [UInt16]? { value(json)?.units }

  private static func all(_ items: [JSONValue]) -> [ModelValue]? {
    let values = items.compactMap(value)
    return values.count == items.count ? values : nil
  }

  private static func tagged(_ tag: String, _ json: JSONValue) -> ModelValue? {
    switch tag {
    case "$undef": return .undefined
    case "$n":
      switch json.string {
      case "-0": return .number(-0.0)
      case "NaN": return .number(.nan)
      case let text?: return .number(ModelNumber.value(Array(text.utf16)))
      default: return nil
      }
    case "$utf16":
      let digits = Array((json.string ?? "").utf8)
      guard digits.count.isMultiple(of: 4) else { return nil }
      return .string(
        stride(from: 0, to: digits.count, by: 4).compactMap {
          UInt16(String(decoding: digits[$0..<$0 + 4], as: UTF8.self), radix: 16)
        })
    case "$set": return all(json.array ?? []).map(ModelValue.set)
    case "$map":
      let pairs = (json.array ?? []).compactMap { pair -> ModelValue.Pair? in
        guard let parts = pair.array, parts.count == 2, let key = value(parts[0]), let value = value(parts[1]) else {
          return nil
        }
        return ModelValue.Pair(key, value)
      }
      return pairs.count == json.array?.count ? .map(pairs) : nil
    case "$obj":
      let members = (json.array ?? []).compactMap { pair -> ModelValue.Member? in
        guard let parts = pair.array, parts.count == 2, let name = units(parts[0]), let value = value(parts[1]) else {
          return nil
        }
        return ModelValue.Member(name, value)
      }
      return members.count == json.array?.count ? .object(members) : nil
    default: return nil
    }
  }

  public static func json(_ value: ModelValue) -> JSONValue {
    switch value {
    case .undefined: return ["$undef": true]
    case .null: return .null
    case .bool(let value): return .bool(value)
    case .number(let bits):
      let number = Double(bitPattern: bits)
      return ["$n": .string(number == 0 && number.sign == .minus ? "-0" : ModelNumber.text(number))]
    case .string(let units): return text(units)
    case .array(let items): return .array(items.map(json))
    case .set(let items): return ["$set": .array(items.map(json))]
    case .map(let pairs): return ["$map": .array(pairs.map { .array([json($0.key), json($0.value)]) })]
    case .object(let members):
      let names = members.map { String(decoding: $0.name, as: UTF16.self) }
      let isPlain = zip(names, members).allSatisfy { name, member in
        Array(name.utf16) == member.name && name != "__proto__"
          && (!name.hasPrefix("$") || name == "$type$" || name == "$versionHash$")
      }
      guard isPlain else {
        return ["$obj": .array(members.map { .array([text($0.name), json($0.value)]) })]
      }
      var object = JSONObject()
      for (name, member) in zip(names, members) { object.append(name, json(member.value)) }
      return .object(object)
    }
  }

  /// A text as JSON: a string, or the hex of its units when it is ill-formed.
  public static func text(_ units: [UInt16]) -> JSONValue {
    let text = String(decoding: units, as: UTF16.self)
    if Array(text.utf16) == units { return .string(text) }
    let digits = units.map { unit in
      let hex = String(unit, radix: 16)
      return String(repeating: "0", count: 4 - hex.count) + hex
    }
    return ["$utf16": .string(digits.joined())]
  }
}
