/// Reads ECMAScript pattern text, with the web's leniency (Annex B) where flag u is not set.
struct RegexpParser {
  private let units: [UInt32]
  private let isUnicode: Bool
  private var index = 0
  private(set) var captureCount = 1
  private var depth = 0
  private var groupNames: [String: Int] = [:]
  private let totalCaptures: Int
  private let hasNames: Bool

  init(_ source: OneText, isUnicode: Bool) {
    self.isUnicode = isUnicode
    units = source.bytes.withView { view in
      guard isUnicode else { return WTF8.units(view).map { UInt32($0) } }
      var out: [UInt32] = []
      var position = 0
      while position < view.count {
        let (scalar, length) = WTF8.decode(view, position)
        out.append(scalar)
        position += length
      }
      return out
    }
    (totalCaptures, hasNames, groupNames) = RegexpParser.captures(units)
  }

  /// Counts the capturing groups ahead of parsing, since a reference may stand before its group.
  private static func captures(_ units: [UInt32]) -> (Int, Bool, [String: Int]) {
    var count = 0
    var names: [String: Int] = [:]
    var inClass = false
    var position = 0
    while position < units.count {
      switch units[position] {
      case 0x5C: position += 1
      case 0x5B: inClass = true
      case 0x5D: inClass = false
      case 0x28 where !inClass:
        let next = position + 1 < units.count ? units[position + 1] : 0
        if next != 0x3F {
          count += 1
        } else if position + 3 < units.count, units[position + 2] == 0x3C, units[position + 3] != 0x3D,
          units[position + 3] != 0x21
        {
          count += 1
          var end = position + 3
          while end < units.count, units[end] != 0x3E { end += 1 }
          names[text(units[min(position + 3, end)..<end])] = count
        }
      default: break
      }
      position += 1
    }
    return (count, !names.isEmpty, names)
  }

  private static func text(_ units: ArraySlice<UInt32>) -> String {
    var out: [UInt8] = []
    for unit in units { WTF8.append(unit, to: &out) }
    return String(decoding: out, as: UTF8.self)
  }

  mutating func parse() throws(MicrodataError) -> RegexpNode {
    let node = try alternatives()
    guard index == units.count else { throw fault("unmatched )") }
    return node
  }

  private var next: UInt32? { index < units.count ? units[index] : nil }

  private func fault(_ reason: String) -> MicrodataError {
    MicrodataError(.syntaxError, "bad regular expression: \(reason) at unit \(index)")
  }

  private mutating func take(_ unit: UInt32) -> Bool {
    guard next == unit else { return false }
    index += 1
    return true
  }

  private mutating func alternatives() throws(MicrodataError) -> RegexpNode {
    depth += 1
    defer { depth -= 1 }
    guard depth < 100 else { throw MicrodataError(.regexpSteps, "groups nested deeper than 100 levels") }
    var all = [try sequence()]
    while take(0x7C) { all.append(try sequence()) }
    return all.count == 1 ? all[0] : .alternatives(all)
  }

  private mutating func sequence() throws(MicrodataError) -> RegexpNode {
    var terms: [RegexpNode] = []
    while let unit = next, unit != 0x7C, unit != 0x29 { terms.append(try term()) }
    return terms.count == 1 ? terms[0] : .sequence(terms)
  }

  private mutating func term() throws(MicrodataError) -> RegexpNode {
    let firstCapture = captureCount
    guard let unit = next else { return .empty }
    index += 1
    let atom: RegexpNode
    switch unit {
    case 0x5E: return .lineStart
    case 0x24: return .lineEnd
    case 0x28:
      let (node, isQuantifiable) = try group()
      if !isQuantifiable { return node }
      atom = node
    case 0x2E: atom = .any
    case 0x5B: atom = .set(try characterClass())
    case 0x5C:
      if take(0x62) { return .wordBoundary(isNegated: false) }
      if take(0x42) { return .wordBoundary(isNegated: true) }
      atom = try escape()
    case 0x2A, 0x2B, 0x3F: throw fault("nothing to repeat")
    case 0x7B:
      if isUnicode { throw fault("nothing to repeat") }
      index -= 1
      if try bounds() != nil { throw fault("nothing to repeat") }
      index += 1
      atom = .character(unit)
    case 0x5D, 0x7D:
      if isUnicode { throw fault("lone bracket") }
      atom = .character(unit)
    default: atom = .character(unit)
    }
    return try quantified(atom, firstCapture)
  }

  private mutating func quantified(_ atom: RegexpNode, _ firstCapture: Int) throws(MicrodataError) -> RegexpNode {
    let min: Int
    let max: Int?
    switch next {
    case 0x2A: (min, max) = (0, nil)
    case 0x2B: (min, max) = (1, nil)
    case 0x3F: (min, max) = (0, 1)
    case 0x7B:
      guard let bounds = try bounds() else {
        if isUnicode { throw fault("incomplete quantifier") }
        return atom
      }
      (min, max) = bounds
      index -= 1
    default: return atom
    }
    index += 1
    let isGreedy = !take(0x3F)
    return .repetition(atom, min: min, max: max, isGreedy: isGreedy, captures: firstCapture..<captureCount)
  }

  /// `{n}`, `{n,}`, `{n,m}` at the index; nil (and the index kept) when the brace is a literal one.
  private mutating func bounds() throws(MicrodataError) -> (Int, Int?)? {
    let start = index
    index += 1
    guard let min = number() else {
      index = start
      return nil
    }
    var max: Int? = min
    if take(0x2C) { max = number() }
    guard take(0x7D) else {
      index = start
      return nil
    }
    if let max, max < min { throw fault("numbers out of order in quantifier") }
    return (min, max)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let unit = next, unit >= 0x30, unit <= 0x39 {
      value = Swift.min((value ?? 0) * 10 + Int(unit - 0x30), 1 << 40)
      index += 1
    }
    return value
  }

  private mutating func group() throws(MicrodataError) -> (RegexpNode, isQuantifiable: Bool) {
    var capture: Int?
    var look: (isBehind: Bool, isNegated: Bool)?
    if take(0x3F) {
      let kind = next
      index += 1
      switch kind {
      case 0x3A: break
      case 0x3D: look = (false, false)
      case 0x21: look = (false, true)
      case 0x3C:
        if take(0x3D) {
          look = (true, false)
        } else if take(0x21) {
          look = (true, true)
        } else {
          _ = try name()
          capture = captureCount
        }
      default: throw fault("invalid group")
      }
    } else {
      capture = captureCount
    }
    if capture != nil { captureCount += 1 }
    let body = try alternatives()
    guard take(0x29) else { throw fault("unterminated group") }
    if let look {
      return (.look(body, isBehind: look.isBehind, isNegated: look.isNegated), !look.isBehind && !isUnicode)
    }
    return (capture.map { .group(body, capture: $0) } ?? body, true)
  }

  private mutating func name() throws(MicrodataError) -> String {
    let start = index
    while let unit = next, unit != 0x3E { index += 1 }
    let name = RegexpParser.text(units[start..<index])
    guard take(0x3E), !name.isEmpty else { throw fault("invalid group name") }
    return name
  }

  private mutating func escape() throws(MicrodataError) -> RegexpNode {
    guard let unit = next else { throw fault("\\ at end of pattern") }
    if let set = classEscape(unit) {
      index += 1
      return .set(set)
    }
    if unit == 0x6B, hasNames || isUnicode {
      index += 1
      guard take(0x3C), let capture = groupNames[try name()] else { throw fault("invalid named reference") }
      return .backReference(capture)
    }
    if unit >= 0x31, unit <= 0x39 {
      let start = index
      if let value = number(), value <= totalCaptures { return .backReference(value) }
      index = start
      if isUnicode { throw fault("invalid escape") }
      if unit >= 0x38 {
        index += 1
        return .character(unit)
      }
    }
    return .character(try characterEscape(inClass: false))
  }

  private func classEscape(_ unit: UInt32) -> CharacterSet? {
    switch unit {
    case 0x64: .digits
    case 0x44: CharacterSet.digits.negated()
    case 0x77: .word
    case 0x57: CharacterSet.word.negated()
    case 0x73: .space
    case 0x53: CharacterSet.space.negated()
    default: nil
    }
  }

  /// One character escape; the index stands behind the backslash.
  private mutating func characterEscape(inClass: Bool) throws(MicrodataError) -> UInt32 {
    guard let unit = next else { throw fault("\\ at end of pattern") }
    index += 1
    switch unit {
    case 0x66: return 0x0C
    case 0x6E: return 0x0A
    case 0x72: return 0x0D
    case 0x74: return 0x09
    case 0x76: return 0x0B
    case 0x62 where inClass: return 0x08
    case 0x30...0x37 where !isUnicode: return octal(unit)
    case 0x30 where !(next.map { $0 >= 0x30 && $0 <= 0x39 } ?? false): return 0
    case 0x63:
      if let letter = next, letter | 0x20 >= 0x61, letter | 0x20 <= 0x7A {
        index += 1
        return letter % 32
      }
      if isUnicode { throw fault("invalid unicode escape") }
      index -= 1
      return 0x5C
    case 0x78:
      if let value = hex(2) { return value }
      if isUnicode { throw fault("invalid escape") }
      return unit
    case 0x75:
      if let value = unicodeEscape() { return value }
      if isUnicode { throw fault("invalid unicode escape") }
      return unit
    case 0x70, 0x50:
      if isUnicode { throw MicrodataError(.regexpSteps, "property escapes are not supported") }
      return unit
    default:
      let isSyntax = "^$\\.*+?()[]{}|/".unicodeScalars.contains { $0.value == unit }
      if isUnicode, !isSyntax, !(inClass && unit == 0x2D) { throw fault("invalid escape") }
      return unit
    }
  }

  private mutating func octal(_ first: UInt32) -> UInt32 {
    var value = first - 0x30
    var digits = 1
    while digits < 3, let unit = next, unit >= 0x30, unit <= 0x37, value * 8 + unit - 0x30 <= 0xFF {
      value = value * 8 + unit - 0x30
      index += 1
      digits += 1
    }
    return value
  }

  private mutating func hex(_ digits: Int) -> UInt32? {
    guard index + digits <= units.count else { return nil }
    var value: UInt32 = 0
    for unit in units[index..<index + digits] {
      guard let digit = hexDigit(unit) else { return nil }
      value = value << 4 | digit
    }
    index += digits
    return value
  }

  private func hexDigit(_ unit: UInt32) -> UInt32? {
    switch unit {
    case 0x30...0x39: unit - 0x30
    case 0x41...0x46: unit - 0x37
    case 0x61...0x66: unit - 0x57
    default: nil
    }
  }

  private mutating func unicodeEscape() -> UInt32? {
    let start = index
    if isUnicode, take(0x7B) {
      var value: UInt32 = 0
      var digits = 0
      while let unit = next, let digit = hexDigit(unit), value <= 0x10FFFF {
        value = value << 4 | digit
        index += 1
        digits += 1
      }
      if digits > 0, value <= 0x10FFFF, take(0x7D) { return value }
      index = start
      return nil
    }
    guard let value = hex(4) else { return nil }
    if isUnicode, value & 0xFC00 == 0xD800, index + 1 < units.count, units[index] == 0x5C, units[index + 1] == 0x75 {
      let behind = index
      index += 2
      if let low = hex(4), low & 0xFC00 == 0xDC00 { return 0x10000 + (value & 0x3FF) << 10 + (low & 0x3FF) }
      index = behind
    }
    return value
  }

  private mutating func characterClass() throws(MicrodataError) -> CharacterSet {
    var set = CharacterSet()
    set.isNegated = take(0x5E)
    while true {
      guard let unit = next else { throw fault("unterminated character class") }
      if unit == 0x5D {
        index += 1
        return set
      }
      let from = try classAtom(&set)
      guard next == 0x2D, index + 1 < units.count, units[index + 1] != 0x5D else {
        if let from { set.insert(from) }
        continue
      }
      index += 1
      let to = try classAtom(&set)
      guard let from, let to else {
        if isUnicode { throw fault("invalid character class") }
        if let from { set.insert(from) }
        if let to { set.insert(to) }
        set.insert(0x2D)
        continue
      }
      guard from <= to else { throw fault("range out of order in character class") }
      set.ranges.append(from...to)
    }
  }

  /// One character of a class; nil when it was a set such as `\d`, which is inserted.
  private mutating func classAtom(_ set: inout CharacterSet) throws(MicrodataError) -> UInt32? {
    guard let unit = next else { throw fault("unterminated character class") }
    index += 1
    guard unit == 0x5C else { return unit }
    if let escaped = next, let escape = classEscape(escaped) {
      index += 1
      set.insert(escape)
      return nil
    }
    return try characterEscape(inClass: true)
  }
}
