/// The text of a stringifiable: sorted JSON as the reference writes it, raw keys included (microdata.md 5).
struct SortedJSON {
  private var depth = 0
  private let depthLimit: Int
  private let isStrict: Bool
  private(set) var out: [UInt8] = []

  private init(depthLimit: Int, isStrict: Bool) {
    self.depthLimit = depthLimit
    self.isStrict = isStrict
  }

  /// The JSON of a value; `undefined` as the whole value is the text `undefined`.
  static func text(_ value: OneValue, profile: MicrodataProfile, limits: MicrodataLimits) throws(MicrodataError)
    -> [UInt8]
  {
    var writer = SortedJSON(depthLimit: limits.jsonDepth, isStrict: profile == .strict)
    switch value {
    case .undefined:
      try writer.refuseIfStrict("undefined is not JSON")
      writer.put("undefined")
    case .symbol: throw MicrodataError("USS-STR4", "a symbol cannot be written as JSON")
    default: try writer.write(value)
    }
    return writer.out
  }

  /// For messages: never fails, cut where it is too deep.
  static func lossyText(_ value: OneValue) -> String {
    do throws(MicrodataError) {
      let bytes = try text(value, profile: .deployed, limits: MicrodataLimits(jsonDepth: 64))
      return String(decoding: WTF8.utf8(bytes), as: UTF8.self)
    } catch { return "(\(error.code))" }
  }

  private mutating func put(_ text: StaticString) {
    unsafe out.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private func refuseIfStrict(_ reason: String) throws(MicrodataError) {
    if isStrict { throw MicrodataError(.notWritable, "strict: \(reason)") }
  }

  private mutating func write(_ value: OneValue) throws(MicrodataError) {
    switch value {
    case .undefined, .null: put("null")
    case .bool(let value): put(value ? "true" : "false")
    case .number(let value):
      if value.isFinite {
        NumberText.append(value, to: &out)
      } else {
        try refuseIfStrict("\(value) is not JSON")
        put("null")
      }
    case .string(let text): quote(text)
    case .array(let items): try array(items)
    case .set(let items): try sorted(items) { (writer, item) throws(MicrodataError) in try writer.write(item) }
    case .map(let entries):
      try sorted(entries) { (writer, entry) throws(MicrodataError) in try writer.array([entry.key, entry.value]) }
    case .object(let object): try members(object)
    case .date(let ms): ISODate.append(ms, to: &out)
    case .regexp(let source, _): quote(source)
    case .function(let text):
      try refuseIfStrict("a function is not JSON")
      put("[FUNCTION] ")
      out += text.bytes
    case .symbol: throw MicrodataError("USS-STR4", "a symbol cannot be written as JSON")
    case .bigint: throw MicrodataError(.typeError, "a BigInt cannot be written as JSON")
    }
  }

  private mutating func enter() throws(MicrodataError) {
    depth += 1
    guard depth <= depthLimit else {
      throw MicrodataError(.jsonDepth, "JSON nested deeper than \(depthLimit) levels")
    }
  }

  private mutating func array(_ items: [OneValue]) throws(MicrodataError) {
    try enter()
    out.append(0x5B)
    for (index, item) in items.enumerated() {
      if index > 0 { out.append(0x2C) }
      try write(item)
    }
    out.append(0x5D)
    depth -= 1
  }

  /// Sets and maps: the members' texts, sorted by code unit.
  private mutating func sorted<Item>(
    _ items: [Item], _ write: (inout SortedJSON, Item) throws(MicrodataError) -> Void
  ) throws(MicrodataError) {
    try enter()
    out.append(0x5B)
    let start = out.count
    var ends: [Int] = []
    for item in items {
      try write(&self, item)
      ends.append(out.count)
    }
    ItemSorter.sort(&out, from: start, ends: ends, separator: 0x2C)
    out.append(0x5D)
    depth -= 1
  }

  private mutating func members(_ object: OneObject) throws(MicrodataError) {
    if case .function? = object["toJSON"] {
      throw MicrodataError(.notWritable, "the object has a toJSON function, which only JavaScript can run")
    }
    try enter()
    var members = object.members.filter { member in
      switch member.value {
      case .undefined, .symbol: false
      default: true
      }
    }
    members.sort { $0.name < $1.name }
    out.append(0x7B)
    for (index, member) in members.enumerated() {
      if index > 0 { out.append(0x2C) }
      if isStrict, needsEscaping(member.name) {
        try refuseIfStrict("the key \(Extract.of(member.name.string)) needs escaping")
      }
      out.append(0x22)
      out += member.name.bytes
      put("\":")
      try write(member.value)
    }
    out.append(0x7D)
    depth -= 1
  }

  private func needsEscaping(_ key: OneText) -> Bool {
    key.hasLoneSurrogate || key.bytes.contains { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }
  }

  private mutating func quote(_ text: OneText) { SortedJSON.quote(text.bytes, to: &out) }

  private static let hex: [UInt8] = Array("0123456789abcdef".utf8)

  /// A JSON string with the escapes of JSON.stringify, lone surrogates among them.
  static func quote(_ bytes: [UInt8], to out: inout [UInt8]) {
    out.append(0x22)
    bytes.withView { view in
      var start = 0
      var index = 0
      while index < view.count {
        let byte = view[index]
        let isLone = byte == 0xED && view[index + 1] >= 0xA0
        guard byte < 0x20 || byte == 0x22 || byte == 0x5C || isLone else {
          index += 1
          continue
        }
        view.slice(start, index).append(to: &out)
        out.append(0x5C)
        switch byte {
        case 0x22, 0x5C: out.append(byte)
        case 0x08: out.append(0x62)
        case 0x09: out.append(0x74)
        case 0x0A: out.append(0x6E)
        case 0x0C: out.append(0x66)
        case 0x0D: out.append(0x72)
        default:
          let unit = isLone ? WTF8.decode(view, index).scalar : UInt32(byte)
          out.append(0x75)
          for shift: UInt32 in [12, 8, 4, 0] { out.append(hex[Int(unit >> shift & 15)]) }
          if isLone { index += 2 }
        }
        index += 1
        start = index
      }
      view.slice(start, view.count).append(to: &out)
    }
    out.append(0x22)
  }
}

/// ISO-8601 in UTC with milliseconds, in quotes, as `Date.toISOString` gives it.
enum ISODate {
  static func append(_ ms: Double, to out: inout [UInt8]) {
    guard ms.isFinite, ms.magnitude <= 8.64e15 else {
      out += Array("\"null\"".utf8)
      return
    }
    let total = Int64(ms.rounded(.towardZero))
    let days = Int64((Double(total) / 86_400_000).rounded(.down))
    let rest = total - days * 86_400_000
    // Days to a civil date, eras of 400 years.
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * month + 2) / 5 + 1
    let civilMonth = month < 10 ? month + 3 : month - 9
    let year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0)
    out.append(0x22)
    if (0...9999).contains(year) {
      pad(year, 4, &out)
    } else {
      out.append(year < 0 ? 0x2D : 0x2B)
      pad(abs(year), 6, &out)
    }
    for (mark, value, width) in [
      (UInt8(0x2D), civilMonth, 2), (0x2D, day, 2), (0x54, rest / 3_600_000, 2), (0x3A, rest / 60_000 % 60, 2),
      (0x3A, rest / 1000 % 60, 2), (0x2E, rest % 1000, 3),
    ] {
      out.append(mark)
      pad(value, width, &out)
    }
    out += [0x5A, 0x22]
  }

  private static func pad(_ value: Int64, _ width: Int, _ out: inout [UInt8]) {
    let digits = Array(String(value).utf8)
    for _ in 0..<max(width - digits.count, 0) { out.append(0x30) }
    out += digits
  }
}
