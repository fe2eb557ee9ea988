/// What is wrong with a JSON text, and at which byte.
public struct JSONFailure: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Reason: Sendable, Equatable {
    case endOfText
    case unexpectedByte(UInt8)
    case badNumber, badEscape, controlInString, badUTF8, textBehindValue
    case tooDeep(limit: Int)
    case tooManyValues(limit: Int)
  }
  public let reason: Reason
  /// Zero-based byte offset in the text.
  public let offset: Int

  public var description: String {
    let what =
      switch reason {
      case .endOfText: "the text ends inside a value"
      case .unexpectedByte(let byte): "unexpected byte 0x\(String(byte, radix: 16))"
      case .badNumber: "not a JSON number"
      case .badEscape: "bad escape sequence in a string"
      case .controlInString: "control character in a string"
      case .badUTF8: "invalid UTF-8 in a string"
      case .textBehindValue: "text behind the value"
      case .tooDeep(let limit): "nested deeper than \(limit) levels"
      case .tooManyValues(let limit): "more than \(limit) values"
      }
    return "\(what) at byte \(offset)"
  }
}

/// Bounds of one parse; hostile text costs at most this much.
public struct JSONLimits: Sendable {
  public var depth: Int
  public var values: Int
  public init(depth: Int = 64, values: Int = 4_000_000) {
    self.depth = depth
    self.values = values
  }
  public static let standard = JSONLimits()
}

extension JSONValue {
  /// Parses one RFC 8259 text; white space around it is fine, a byte order mark is not.
  public static func parse(_ text: String, limits: JSONLimits = .standard) throws(JSONFailure) -> JSONValue {
    try parse(Array(text.utf8), limits: limits)
  }

  /// Parses one RFC 8259 text. Lone surrogates in escapes become U+FFFD, since they cannot travel in UTF-8.
  public static func parse(_ bytes: [UInt8], limits: JSONLimits = .standard) throws(JSONFailure) -> JSONValue {
    var parser = JSONParser(bytes: bytes, limits: limits)
    return try parser.parseWhole()
  }
}

struct JSONParser {
  let bytes: [UInt8]
  let limits: JSONLimits
  var index = 0
  var valueCount = 0

  init(bytes: [UInt8], limits: JSONLimits) {
    self.bytes = bytes
    self.limits = limits
  }

  mutating func parseWhole() throws(JSONFailure) -> JSONValue {
    let value = try parseValue(depth: 0)
    skipSpace()
    guard index == bytes.count else { throw JSONFailure(reason: .textBehindValue, offset: index) }
    return value
  }

  private mutating func parseValue(depth: Int) throws(JSONFailure) -> JSONValue {
    skipSpace()
    guard index < bytes.count else { throw JSONFailure(reason: .endOfText, offset: index) }
    valueCount += 1
    guard valueCount <= limits.values else {
      throw JSONFailure(reason: .tooManyValues(limit: limits.values), offset: index)
    }
    switch bytes[index] {
    case 0x22: return .string(try parseString())
    case 0x7B: return .object(try parseObject(depth: depth + 1))
    case 0x5B: return .array(try parseArray(depth: depth + 1))
    case 0x74:
      try expect("true")
      return .bool(true)
    case 0x66:
      try expect("false")
      return .bool(false)
    case 0x6E:
      try expect("null")
      return .null
    case 0x2D, 0x30...0x39: return .number(try parseNumber())
    default: throw unexpected()
    }
  }

  private mutating func parseObject(depth: Int) throws(JSONFailure) -> JSONObject {
    guard depth <= limits.depth else { throw JSONFailure(reason: .tooDeep(limit: limits.depth), offset: index) }
    var object = JSONObject()
    index += 1
    skipSpace()
    if peek() == 0x7D {
      index += 1
      return object
    }
    while true {
      skipSpace()
      guard peek() == 0x22 else { throw unexpected() }
      let name = try parseString()
      skipSpace()
      guard peek() == 0x3A else { throw unexpected() }
      index += 1
      object.append(name, try parseValue(depth: depth))
      skipSpace()
      switch peek() {
      case 0x2C: index += 1
      case 0x7D:
        index += 1
        return object
      default: throw unexpected()
      }
    }
  }

  private mutating func parseArray(depth: Int) throws(JSONFailure) -> [JSONValue] {
    guard depth <= limits.depth else { throw JSONFailure(reason: .tooDeep(limit: limits.depth), offset: index) }
    var items: [JSONValue] = []
    index += 1
    skipSpace()
    if peek() == 0x5D {
      index += 1
      return items
    }
    while true {
      items.append(try parseValue(depth: depth))
      skipSpace()
      switch peek() {
      case 0x2C: index += 1
      case 0x5D:
        index += 1
        return items
      default: throw unexpected()
      }
    }
  }

  private mutating func parseNumber() throws(JSONFailure) -> Double {
    let start = index
    if peek() == 0x2D { index += 1 }
    let firstDigit = index
    skipDigits()
    let digits = index - firstDigit
    guard digits > 0, digits == 1 || bytes[firstDigit] != 0x30 else {
      throw JSONFailure(reason: .badNumber, offset: start)
    }
    var isInteger = true
    if peek() == 0x2E {
      isInteger = false
      index += 1
      let fraction = index
      skipDigits()
      guard index > fraction else { throw JSONFailure(reason: .badNumber, offset: start) }
    }
    if let letter = peek(), letter == 0x65 || letter == 0x45 {
      isInteger = false
      index += 1
      if let sign = peek(), sign == 0x2B || sign == 0x2D { index += 1 }
      let exponent = index
      skipDigits()
      guard index > exponent else { throw JSONFailure(reason: .badNumber, offset: start) }
    }
    if isInteger, digits <= 15 {
      var value = 0
      for position in firstDigit..<index { value = value * 10 + Int(bytes[position] - 0x30) }
      // Minus zero is a value of its own in JSON as read by JavaScript.
      return bytes[start] == 0x2D ? -Double(value) : Double(value)
    }
    guard let value = Double(String(decoding: bytes[start..<index], as: UTF8.self)) else {
      throw JSONFailure(reason: .badNumber, offset: start)
    }
    return value
  }

  private mutating func parseString() throws(JSONFailure) -> String {
    let start = index
    index += 1
    let first = index
    while index < bytes.count {
      let byte = bytes[index]
      if byte == 0x22 {
        let text = String(validating: bytes[first..<index], as: UTF8.self)
        guard let text else { throw JSONFailure(reason: .badUTF8, offset: start) }
        index += 1
        return text
      }
      if byte == 0x5C { return try parseEscapedString(start: start, first: first) }
      guard byte >= 0x20 else { throw JSONFailure(reason: .controlInString, offset: index) }
      index += 1
    }
    throw JSONFailure(reason: .endOfText, offset: index)
  }

  private mutating func parseEscapedString(start: Int, first: Int) throws(JSONFailure) -> String {
    var out = Array(bytes[first..<index])
    while index < bytes.count {
      let byte = bytes[index]
      switch byte {
      case 0x22:
        guard let text = String(validating: out, as: UTF8.self) else {
          throw JSONFailure(reason: .badUTF8, offset: start)
        }
        index += 1
        return text
      case 0x5C: try parseEscape(into: &out)
      case 0..<0x20: throw JSONFailure(reason: .controlInString, offset: index)
      default:
        out.append(byte)
        index += 1
      }
    }
    throw JSONFailure(reason: .endOfText, offset: index)
  }

  private mutating func parseEscape(into out: inout [UInt8]) throws(JSONFailure) {
    let start = index
    index += 1
    guard let letter = peek() else { throw JSONFailure(reason: .endOfText, offset: index) }
    index += 1
    switch letter {
    case 0x22, 0x5C, 0x2F: out.append(letter)
    case 0x62: out.append(0x08)
    case 0x66: out.append(0x0C)
    case 0x6E: out.append(0x0A)
    case 0x72: out.append(0x0D)
    case 0x74: out.append(0x09)
    case 0x75:
      var unit = try parseUnit(start)
      var scalar = Unicode.Scalar(0xFFFD as UInt32)!
      if unit & 0xFC00 == 0xD800, index + 1 < bytes.count, bytes[index] == 0x5C, bytes[index + 1] == 0x75 {
        let behind = index
        index += 2
        let low = try parseUnit(start)
        if low & 0xFC00 == 0xDC00 {
          unit = 0x10000 + (unit & 0x3FF) << 10 + (low & 0x3FF)
        } else {
          index = behind
        }
      }
      if let valid = Unicode.Scalar(unit) { scalar = valid }
      out.append(contentsOf: UTF8.encode(scalar)!)
    default: throw JSONFailure(reason: .badEscape, offset: start)
    }
  }

  private mutating func parseUnit(_ start: Int) throws(JSONFailure) -> UInt32 {
    guard index + 4 <= bytes.count else { throw JSONFailure(reason: .endOfText, offset: bytes.count) }
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Hex.value(bytes[index]) else { throw JSONFailure(reason: .badEscape, offset: start) }
      unit = unit << 4 | UInt32(digit)
      index += 1
    }
    return unit
  }

  private mutating func expect(_ word: StaticString) throws(JSONFailure) {
    for position in 0..<word.utf8CodeUnitCount {
      let wanted = unsafe word.utf8Start[position]
      guard index < bytes.count else { throw JSONFailure(reason: .endOfText, offset: index) }
      guard bytes[index] == wanted else { throw unexpected() }
      index += 1
    }
  }

  private func peek() -> UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func skipSpace() {
    while index < bytes.count {
      switch bytes[index] {
      case 0x20, 0x09, 0x0A, 0x0D: index += 1
      default: return
      }
    }
  }

  private mutating func skipDigits() {
    while index < bytes.count, bytes[index] >= 0x30, bytes[index] <= 0x39 { index += 1 }
  }

  private func unexpected() -> JSONFailure {
    index < bytes.count
      ? JSONFailure(reason: .unexpectedByte(bytes[index]), offset: index)
      : JSONFailure(reason: .endOfText, offset: index)
  }
}
