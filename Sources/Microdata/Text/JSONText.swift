/// Reads the text of a stringifiable into a value: RFC 8259, a doubled key keeps its first place and its last value.
struct JSONText {
  private let view: ByteView
  private let depthLimit: Int
  private var index = 0

  /// Throws `js:SyntaxError` with the offset in the text, or CGM-JSONDEPTH.
  static func value(_ view: ByteView, depthLimit: Int) throws(MicrodataError) -> OneValue {
    var reader = JSONText(view: view, depthLimit: depthLimit)
    reader.skipSpace()
    let value = try reader.value(0)
    reader.skipSpace()
    guard reader.index == view.count else { throw reader.fault("text behind the value") }
    return value
  }

  /// Whether text that is JSON says null.
  static func isNull(_ view: ByteView) -> Bool { first(view) == 0x6E }

  /// Whether text that is JSON is an object or an array.
  static func isContainer(_ view: ByteView) -> Bool { first(view) == 0x7B || first(view) == 0x5B }

  /// The first byte behind white space; 0 in an empty text.
  private static func first(_ view: ByteView) -> UInt8 {
    var index = 0
    while view[index] == 0x20 || view[index] == 0x0A || view[index] == 0x0D || view[index] == 0x09 { index += 1 }
    return view[index]
  }

  private init(view: ByteView, depthLimit: Int) {
    self.view = view
    self.depthLimit = depthLimit
  }

  private func fault(_ reason: String) -> MicrodataError {
    MicrodataError(.syntaxError, "not JSON: \(reason)", offset: index, expected: "JSON text")
  }

  private mutating func skipSpace() {
    while view[index] == 0x20 || view[index] == 0x0A || view[index] == 0x0D || view[index] == 0x09 { index += 1 }
  }

  private mutating func value(_ depth: Int) throws(MicrodataError) -> OneValue {
    guard index < view.count else { throw fault("the text ends inside a value") }
    switch view[index] {
    case 0x22: return .string(try string())
    case 0x7B, 0x5B:
      guard depth < depthLimit else {
        throw MicrodataError(.jsonDepth, "JSON nested deeper than \(depthLimit) levels", offset: index)
      }
      return view[index] == 0x7B ? try object(depth) : try array(depth)
    case 0x74: return try word(0x6575_7274, 4, .bool(true))
    case 0x66: return try word(0x65_736C_6166, 5, .bool(false))
    case 0x6E: return try word(0x6C6C_756E, 4, .null)
    default:
      let start = index
      guard JSONText.skipNumber(view, &index) else { throw fault("unexpected byte") }
      return .number(NumberText.decimal(view.slice(start, index)))
    }
  }

  /// Letters, first letter lowest.
  private mutating func word(_ letters: UInt64, _ length: Int, _ value: OneValue) throws(MicrodataError) -> OneValue {
    for offset in 0..<length where view[index + offset] != UInt8(truncatingIfNeeded: letters >> UInt64(offset * 8)) {
      throw fault("unexpected byte")
    }
    index += length
    return value
  }

  private mutating func array(_ depth: Int) throws(MicrodataError) -> OneValue {
    var items: [OneValue] = []
    index += 1
    skipSpace()
    if view[index] == 0x5D {
      index += 1
      return .array(items)
    }
    while true {
      skipSpace()
      items.append(try value(depth + 1))
      skipSpace()
      if view[index] == 0x5D { break }
      guard view[index] == 0x2C else { throw fault("expected , or ]") }
      index += 1
    }
    index += 1
    return .array(items)
  }

  private mutating func object(_ depth: Int) throws(MicrodataError) -> OneValue {
    var members: [OneObject.Member] = []
    // Few members are searched one by one, many through a table.
    var places: [OneText: Int]?
    index += 1
    skipSpace()
    if view[index] == 0x7D {
      index += 1
      return .object(OneObject())
    }
    while true {
      skipSpace()
      guard view[index] == 0x22 else { throw fault("expected a key") }
      let key = try string()
      skipSpace()
      guard view[index] == 0x3A else { throw fault("expected :") }
      index += 1
      skipSpace()
      let member = try value(depth + 1)
      if places == nil, members.count == 12 {
        places = Dictionary(uniqueKeysWithValues: members.enumerated().map { ($0.element.name, $0.offset) })
      }
      if let place = places.map({ $0[key] }) ?? members.firstIndex(where: { $0.name == key }) {
        members[place].value = member
      } else {
        places?[key] = members.count
        members.append(OneObject.Member(key, member))
      }
      skipSpace()
      if view[index] == 0x7D { break }
      guard view[index] == 0x2C else { throw fault("expected , or }") }
      index += 1
    }
    index += 1
    return .object(OneObject(unique: members))
  }

  private mutating func string() throws(MicrodataError) -> OneText {
    index += 1
    let start = index
    index = view.findInJSONString(from: start)
    if view[index] == 0x22 {
      index += 1
      return OneText(view.slice(start, index - 1))
    }
    var out = view.slice(start, index).array
    var needsPairing = false
    while index < view.count {
      let byte = view[index]
      switch byte {
      case 0x22:
        index += 1
        // Halves of a pair that came in different spellings are one scalar.
        return needsPairing ? OneText(utf16: WTF8.units(out)) : OneText(wtf8: out)
      case 0x5C: needsPairing = try escape(&out) || needsPairing
      case 0..<0x20: throw fault("control character in a string")
      default:
        out.append(byte)
        index += 1
      }
    }
    throw fault("the text ends inside a string")
  }

  /// True when the escape was a surrogate.
  private mutating func escape(_ out: inout [UInt8]) throws(MicrodataError) -> Bool {
    let letter = view[index + 1]
    switch letter {
    case 0x22, 0x5C, 0x2F: out.append(letter)
    case 0x62: out.append(0x08)
    case 0x66: out.append(0x0C)
    case 0x6E: out.append(0x0A)
    case 0x72: out.append(0x0D)
    case 0x74: out.append(0x09)
    case 0x75:
      guard let unit = JSONText.unit(view, index + 2) else { throw fault("bad escape") }
      WTF8.append(unit, to: &out)
      index += 6
      return unit & 0xF800 == 0xD800
    default: throw fault("bad escape")
    }
    index += 2
    return false
  }

  /// Four hex digits at `start`.
  static func unit(_ view: ByteView, _ start: Int) -> UInt32? {
    var value: UInt32 = 0
    for index in start..<start + 4 {
      let byte = view[index]
      switch byte {
      case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
      case 0x41...0x46: value = value << 4 | UInt32(byte - 0x37)
      case 0x61...0x66: value = value << 4 | UInt32(byte - 0x57)
      default: return nil
      }
    }
    return value
  }

  /// Moves behind a JSON number; false when there is none.
  static func skipNumber(_ view: ByteView, _ index: inout Int) -> Bool {
    if view[index] == 0x2D { index &+= 1 }
    let first = view[index]
    guard first &- 0x30 <= 9 else { return false }
    index &+= 1
    if first != 0x30 { while view[index] &- 0x30 <= 9 { index &+= 1 } }
    if view[index] == 0x2E {
      index &+= 1
      guard view[index] &- 0x30 <= 9 else { return false }
      while view[index] &- 0x30 <= 9 { index &+= 1 }
    }
    if view[index] | 0x20 == 0x65 {
      index &+= 1
      if view[index] == 0x2B || view[index] == 0x2D { index &+= 1 }
      guard view[index] &- 0x30 <= 9 else { return false }
      while view[index] &- 0x30 <= 9 { index &+= 1 }
    }
    return true
  }
}
