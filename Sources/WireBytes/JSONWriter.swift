extension JSONValue {
  /// Compact text as `JSON.stringify` writes it: no white space, members in their order.
  public var compact: String {
    var out: [UInt8] = []
    write(to: &out)
    return String(decoding: out, as: UTF8.self)
  }

  /// Appends the compact text's UTF-8.
  public func write(to out: inout [UInt8]) {
    switch self {
    case .null: out += Array("null".utf8)
    case .bool(let value): out += Array((value ? "true" : "false").utf8)
    case .number(let value): out += Array(JSONText.number(value).utf8)
    case .string(let text): JSONText.quote(text, to: &out)
    case .array(let items):
      out.append(0x5B)
      for (index, item) in items.enumerated() {
        if index > 0 { out.append(0x2C) }
        item.write(to: &out)
      }
      out.append(0x5D)
    case .object(let object):
      out.append(0x7B)
      for (index, member) in object.members.enumerated() {
        if index > 0 { out.append(0x2C) }
        JSONText.quote(member.name, to: &out)
        out.append(0x3A)
        member.value.write(to: &out)
      }
      out.append(0x7D)
    }
  }
}

/// The primitives of JSON text.
public enum JSONText {
  private static let digits: [UInt8] = Array("0123456789abcdef".utf8)

  /// The number as JSON text; what JSON cannot say (NaN, infinities) is `null`, as in JavaScript.
  public static func number(_ value: Double) -> String {
    guard value.isFinite else { return "null" }
    if value == value.rounded(), value.magnitude < 1e15 { return String(Int(value)) }
    var text = value.description
    if text.hasSuffix(".0") { text.removeLast(2) }
    return text
  }

  /// Appends the string in quotes, escaped as `JSON.stringify` does.
  public static func quote(_ text: String, to out: inout [UInt8]) {
    out.append(0x22)
    for byte in text.utf8 {
      switch byte {
      case 0x22: out += [0x5C, 0x22]
      case 0x5C: out += [0x5C, 0x5C]
      case 0x08: out += [0x5C, 0x62]
      case 0x09: out += [0x5C, 0x74]
      case 0x0A: out += [0x5C, 0x6E]
      case 0x0C: out += [0x5C, 0x66]
      case 0x0D: out += [0x5C, 0x72]
      case 0..<0x20: out += [0x5C, 0x75, 0x30, 0x30, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      default: out.append(byte)
      }
    }
    out.append(0x22)
  }

  public static func quoted(_ text: String) -> String {
    var out: [UInt8] = []
    quote(text, to: &out)
    return String(decoding: out, as: UTF8.self)
  }
}
