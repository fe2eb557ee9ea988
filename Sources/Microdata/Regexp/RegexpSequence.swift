/// The shape of most patterns of recipes, `^[class]{n}…$`, matched without any machine.
struct RegexpSequence: Sendable {
  private struct Part {
    /// Which ASCII characters fit: two words of 64 bits.
    let low: UInt64
    let high: UInt64
    let min: Int
    let max: Int
  }

  private let parts: [Part]
  private let fixed: Int

  /// Nil when the pattern has another shape: anything but single characters and sets, of which at most one repeats a
  /// varying number of times.
  init?(_ node: RegexpNode, flags: RegexpFlags) {
    guard !flags.ignoresCase, !flags.isMultiline, case .sequence(let terms) = node, terms.count >= 3,
      case .lineStart? = terms.first, case .lineEnd? = terms.last
    else { return nil }
    var parts: [Part] = []
    for term in terms.dropFirst().dropLast() {
      switch term {
      case .repetition(let body, let min, let max, _, _):
        guard let part = RegexpSequence.part(body, min, max ?? Int.max >> 1) else { return nil }
        parts.append(part)
      default:
        guard let part = RegexpSequence.part(term, 1, 1) else { return nil }
        parts.append(part)
      }
    }
    guard parts.count(where: { $0.min != $0.max }) <= 1 else { return nil }
    self.parts = parts
    fixed = parts.reduce(0) { $0 + $1.min }
  }

  private static func part(_ node: RegexpNode, _ min: Int, _ max: Int) -> Part? {
    var low: UInt64 = 0
    var high: UInt64 = 0
    switch node {
    case .character(let unit):
      guard unit < 128 else { return nil }
      if unit < 64 { low = 1 << UInt64(unit) } else { high = 1 << UInt64(unit - 64) }
    case .set(let set):
      for unit: UInt32 in 0..<128 where set.contains(unit) {
        if unit < 64 { low |= 1 << UInt64(unit) } else { high |= 1 << UInt64(unit - 64) }
      }
    default: return nil
    }
    guard min < 1 << 30 else { return nil }
    return Part(low: low, high: high, min: min, max: max)
  }

  /// The answer for ASCII text; nil when the text has other characters.
  func matches(_ view: ByteView) -> Bool? {
    let spare = view.count - fixed
    var index = 0
    var fits = spare >= 0
    for part in parts {
      let count = part.min == part.max ? part.min : part.min + max(spare, 0)
      if count > part.max { fits = false }
      let end = min(index + count, view.count)
      while index < end {
        let byte = view[index]
        if byte >= 128 { return nil }
        let bits = byte < 64 ? part.low : part.high
        if bits >> UInt64(byte & 63) & 1 == 0 { fits = false }
        index &+= 1
      }
    }
    while index < view.count {
      if view[index] >= 128 { return nil }
      index &+= 1
    }
    return fits && index == view.count && spare >= 0 && total(view.count)
  }

  /// Without a varying part the length must be exactly the fixed one.
  private func total(_ count: Int) -> Bool { parts.contains { $0.min != $0.max } || count == fixed }
}
