/// Looks at JSON text without building values: is it JSON, and is it what the sorted JSON writer writes?
struct JSONScanner {
  enum Verdict: Equatable {
    /// Exactly what the writer writes for the value that it says.
    case canonical
    /// RFC 8259 text that the writer writes differently.
    case valid
    case invalid(at: Int)
    case tooDeep(at: Int)

    var isJSON: Bool { self == .canonical || self == .valid }
  }

  private let view: ByteView
  private let depthLimit: Int
  private var index = 0
  private var isCanonical = true
  private var deepAt: Int?
  private var number: [UInt8] = []

  private init(_ view: ByteView, _ depthLimit: Int) {
    self.view = view
    self.depthLimit = depthLimit
  }

  static func check(_ view: ByteView, depthLimit: Int) -> Verdict {
    var scanner = JSONScanner(view, depthLimit)
    scanner.skipSpace()
    guard scanner.value(0) else {
      return scanner.deepAt.map { .tooDeep(at: $0) } ?? .invalid(at: min(scanner.index, view.count))
    }
    scanner.skipSpace()
    guard scanner.index == view.count else { return .invalid(at: scanner.index) }
    return scanner.isCanonical ? .canonical : .valid
  }

  private mutating func skipSpace() {
    while true {
      let byte = view[index]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      isCanonical = false
      index &+= 1
    }
  }

  private mutating func value(_ depth: Int) -> Bool {
    switch view[index] {
    case 0x22: return string()
    case 0x7B: return object(depth)
    case 0x5B: return array(depth)
    case 0x74: return word(0x6575_7274, 4)
    case 0x6E: return word(0x6C6C_756E, 4)
    case 0x66:
      guard view[index &+ 4] == 0x65 else { return false }
      return word(0x736C_6166, 5)
    default: return scanNumber()
    }
  }

  /// Four letters, first letter lowest.
  @inline(__always)
  private mutating func word(_ letters: UInt32, _ length: Int) -> Bool {
    for offset in 0..<4 where view[index &+ offset] != UInt8(truncatingIfNeeded: letters >> UInt32(offset * 8)) {
      return false
    }
    index &+= length
    return true
  }

  private mutating func array(_ depth: Int) -> Bool {
    guard depth < depthLimit else {
      deepAt = index
      return false
    }
    index &+= 1
    skipSpace()
    if view[index] == 0x5D {
      index &+= 1
      return true
    }
    while true {
      skipSpace()
      guard value(depth &+ 1) else { return false }
      skipSpace()
      let byte = view[index]
      index &+= 1
      if byte == 0x5D { return true }
      guard byte == 0x2C else {
        index &-= 1
        return false
      }
    }
  }

  private mutating func object(_ depth: Int) -> Bool {
    guard depth < depthLimit else {
      deepAt = index
      return false
    }
    index &+= 1
    skipSpace()
    if view[index] == 0x7D {
      index &+= 1
      return true
    }
    var previous: (start: Int, end: Int)?
    while true {
      skipSpace()
      guard view[index] == 0x22 else { return false }
      let start = index &+ 1
      guard string(isKey: true) else { return false }
      let end = index &- 1
      // Keys are written raw and sorted; a doubled key is written once.
      if isCanonical, let before = previous, !ascends(before, (start, end)) { isCanonical = false }
      previous = (start, end)
      skipSpace()
      guard view[index] == 0x3A else { return false }
      index &+= 1
      skipSpace()
      guard value(depth &+ 1) else { return false }
      skipSpace()
      let byte = view[index]
      index &+= 1
      if byte == 0x7D { return true }
      guard byte == 0x2C else {
        index &-= 1
        return false
      }
    }
  }

  /// Mostly the first letters decide.
  @inline(__always)
  private func ascends(_ before: (start: Int, end: Int), _ next: (start: Int, end: Int)) -> Bool {
    let a = view[before.start]
    let b = view[next.start]
    if a < b, b < 0x80 { return true }
    return WTF8.compare(view.slice(before.start, before.end), view.slice(next.start, next.end)) < 0
  }

  @inline(__always)
  private mutating func string(isKey: Bool = false) -> Bool {
    index &+= 1
    while true {
      index = view.findInJSONString(from: index)
      let byte = view[index]
      if byte == 0x22 {
        index &+= 1
        return true
      }
      if byte == 0x5C {
        if isKey { isCanonical = false }
        guard escape() else { return false }
        continue
      }
      return false
    }
  }

  /// One escape; only those that the writer writes keep the text canonical.
  private mutating func escape() -> Bool {
    switch view[index &+ 1] {
    case 0x22, 0x5C, 0x62, 0x66, 0x6E, 0x72, 0x74: index &+= 2
    case 0x2F:
      isCanonical = false
      index &+= 2
    case 0x75:
      guard let unit = JSONText.unit(view, index &+ 2) else { return false }
      var isWritten = isLowerCase(index &+ 2)
      switch unit {
      case 0x08, 0x09, 0x0A, 0x0C, 0x0D: isWritten = false
      case 0..<0x20: break
      case 0xD800..<0xDC00:
        // A pair would have been written raw, and so would a raw low surrogate behind it have made one.
        let next = view[index &+ 6] == 0x5C && view[index &+ 7] == 0x75 ? JSONText.unit(view, index &+ 8) : nil
        if let next, next & 0xFC00 == 0xDC00 { isWritten = false }
      case 0xDC00..<0xE000: break
      default: isWritten = false
      }
      if !isWritten { isCanonical = false }
      index &+= 6
    default: return false
    }
    return true
  }

  private func isLowerCase(_ start: Int) -> Bool {
    for offset in start..<start + 4 where view[offset] >= 0x41 && view[offset] <= 0x46 { return false }
    return true
  }

  private mutating func scanNumber() -> Bool {
    let start = index
    guard JSONText.skipNumber(view, &index) else { return false }
    if isCanonical, !NumberText.isCanonical(view.slice(start, index)) { isCanonical = false }
    return true
  }
}
