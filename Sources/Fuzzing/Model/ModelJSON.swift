/// JSON of stringifiable values by the letter of microdata.md 5, on UTF-16 units.
enum ModelJSON {
  static func parse(_ text: [UInt16]) throws -> ModelValue {
    var parser = Parser(units: text)
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.index == text.count else { throw ModelFailure.syntaxError }
    return value
  }

  private struct Parser {
    let units: [UInt16]
    var index = 0

    private func peek() -> UInt16? { index < units.count ? units[index] : nil }

    mutating func skipSpace() {
      while let unit = peek(), [0x20, 0x09, 0x0A, 0x0D].contains(unit) { index += 1 }
    }

    private mutating func take(_ character: Character) -> Bool {
      guard peek() == character.utf16.first else { return false }
      index += 1
      return true
    }

    private mutating func word(_ text: String, _ value: ModelValue) throws -> ModelValue {
      for character in text where !take(character) { throw ModelFailure.syntaxError }
      return value
    }

    mutating func value(depth: Int) throws -> ModelValue {
      guard depth < 100 else { throw ModelFailure.beyondModel }
      skipSpace()
      switch peek() {
      case 0x7B: return try object(depth)
      case 0x5B: return try array(depth)
      case 0x22: return .string(try string())
      case 0x74: return try word("true", .bool(true))
      case 0x66: return try word("false", .bool(false))
      case 0x6E: return try word("null", .null)
      default: return try number()
      }
    }

    private mutating func object(_ depth: Int) throws -> ModelValue {
      index += 1
      var members: [ModelValue.Member] = []
      skipSpace()
      if take("}") { return .object([]) }
      repeat {
        skipSpace()
        guard peek() == 0x22 else { throw ModelFailure.syntaxError }
        let name = try string()
        skipSpace()
        guard take(":") else { throw ModelFailure.syntaxError }
        let value = try value(depth: depth + 1)
        if let known = members.firstIndex(where: { $0.name == name }) {
          members[known].value = value
        } else {
          members.append(ModelValue.Member(name, value))
        }
        skipSpace()
      } while take(",")
      guard take("}") else { throw ModelFailure.syntaxError }
      return .object(members)
    }

    private mutating func array(_ depth: Int) throws -> ModelValue {
      index += 1
      var items: [ModelValue] = []
      skipSpace()
      if take("]") { return .array([]) }
      repeat {
        items.append(try value(depth: depth + 1))
        skipSpace()
      } while take(",")
      guard take("]") else { throw ModelFailure.syntaxError }
      return .array(items)
    }

    private mutating func string() throws -> [UInt16] {
      index += 1
      var out: [UInt16] = []
      while let unit = peek() {
        index += 1
        switch unit {
        case 0x22: return out
        case 0..<0x20: throw ModelFailure.syntaxError
        case 0x5C: out.append(try escaped())
        default: out.append(unit)
        }
      }
      throw ModelFailure.syntaxError
    }

    private mutating func escaped() throws -> UInt16 {
      guard let letter = peek() else { throw ModelFailure.syntaxError }
      index += 1
      switch letter {
      case 0x22, 0x5C, 0x2F: return letter
      case 0x62: return 0x08
      case 0x66: return 0x0C
      case 0x6E: return 0x0A
      case 0x72: return 0x0D
      case 0x74: return 0x09
      case 0x75:
        var unit: UInt16 = 0
        for _ in 0..<4 {
          guard let digit = peek().flatMap({ UInt8(exactly: $0) }),
            let value = Character(Unicode.Scalar(digit)).hexDigitValue
          else { throw ModelFailure.syntaxError }
          unit = unit << 4 | UInt16(value)
          index += 1
        }
        return unit
      default: throw ModelFailure.syntaxError
      }
    }

    private mutating func digits() -> Int {
      let start = index
      while let unit = peek(), (0x30...0x39).contains(unit) { index += 1 }
      return index - start
    }

    private mutating func number() throws -> ModelValue {
      let start = index
      _ = take("-")
      let first = index
      let whole = digits()
      guard whole > 0, whole == 1 || units[first] != 0x30 else { throw ModelFailure.syntaxError }
      if take(".") { guard digits() > 0 else { throw ModelFailure.syntaxError } }
      if take("e") || take("E") {
        _ = take("+") || take("-")
        guard digits() > 0 else { throw ModelFailure.syntaxError }
      }
      return .number(ModelNumber.value(Array(units[start..<index])))
    }
  }
}

extension ModelJSON {
  /// The sorted JSON of plain values; keys raw between quotes (C1).
  static func text(_ value: ModelValue) -> [UInt16] {
    switch value {
    case .undefined: return Array("undefined".utf16)
    case .null: return Array("null".utf16)
    case .bool(let value): return Array((value ? "true" : "false").utf16)
    case .number(let bits):
      let value = Double(bitPattern: bits)
      return Array((value.isFinite ? ModelNumber.text(value) : "null").utf16)
    case .string(let units): return quote(units)
    case .array(let items): return list(items.map { $0 == .undefined ? Array("null".utf16) : text($0) })
    case .set(let items):
      return list(items.map { $0 == .undefined ? Array("null".utf16) : text($0) }.sorted(by: isBefore))
    case .map(let pairs): return list(pairs.map { text(.array([$0.key, $0.value])) }.sorted(by: isBefore))
    case .object(let members):
      var out = Array("{".utf16)
      let kept = members.filter { $0.value != .undefined }.sorted { isBefore($0.name, $1.name) }
      for (index, member) in kept.enumerated() {
        if index > 0 { out.append(0x2C) }
        out += [0x22] + member.name + [0x22, 0x3A] + text(member.value)
      }
      return out + [0x7D]
    }
  }

  static func isBefore(_ left: [UInt16], _ right: [UInt16]) -> Bool { left.lexicographicallyPrecedes(right) }

  private static func list(_ items: [[UInt16]]) -> [UInt16] { [0x5B] + items.joined(separator: [0x2C]) + [0x5D] }

  private static func quote(_ units: [UInt16]) -> [UInt16] {
    var out: [UInt16] = [0x22]
    for (index, unit) in units.enumerated() {
      let isPaired =
        unit & 0xFC00 == 0xD800
        ? index + 1 < units.count && units[index + 1] & 0xFC00 == 0xDC00
        : index > 0 && units[index - 1] & 0xFC00 == 0xD800
      switch unit {
      case 0x22: out += Array("\\\"".utf16)
      case 0x5C: out += Array("\\\\".utf16)
      case 0x08: out += Array("\\b".utf16)
      case 0x09: out += Array("\\t".utf16)
      case 0x0A: out += Array("\\n".utf16)
      case 0x0C: out += Array("\\f".utf16)
      case 0x0D: out += Array("\\r".utf16)
      case 0..<0x20: out += Array(("\\u00" + (unit < 16 ? "0" : "") + String(unit, radix: 16)).utf16)
      case 0xD800...0xDFFF where !isPaired: out += Array(("\\u" + String(unit, radix: 16)).utf16)
      default: out.append(unit)
      }
    }
    return out + [0x22]
  }
}
