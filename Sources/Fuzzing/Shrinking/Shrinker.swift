/// Makes an input that fails smaller while it still fails; a pass keeps its place when it succeeds.
///
/// The order is shortlex: shorter is simpler, then lower bytes, where letters and digits count as lower than the rest.
public struct Shrinker {
  /// What one pass did: how often it tried and how often that still failed.
  public struct PassCount: Sendable, Equatable {
    public let name: String
    public internal(set) var tried = 0
    public internal(set) var kept = 0
  }

  public private(set) var best: [UInt8]
  public private(set) var counts: [PassCount] = []
  /// How many more candidates may be tried; a slow check of a foreign program needs a small number.
  public private(set) var remaining: Int
  private var seen = Set<[UInt8]>()
  private let stillFails: ([UInt8]) -> Bool

  public init(_ input: [UInt8], attempts: Int = 20_000, stillFails: @escaping ([UInt8]) -> Bool) {
    best = input
    remaining = attempts
    self.stillFails = stillFails
    seen.insert(input)
  }

  /// Minimises a choice sequence or any bytes.
  public static func bytes(_ input: [UInt8], attempts: Int = 20_000, stillFails: @escaping ([UInt8]) -> Bool) -> [UInt8]
  {
    var shrinker = Shrinker(input, attempts: attempts, stillFails: stillFails)
    shrinker.run(markup: false)
    return shrinker.best
  }

  /// Minimises a markup text: whole elements first, then bytes.
  public static func markup(_ input: [UInt8], attempts: Int = 20_000, stillFails: @escaping ([UInt8]) -> Bool)
    -> [UInt8]
  {
    var shrinker = Shrinker(input, attempts: attempts, stillFails: stillFails)
    shrinker.run(markup: true)
    return shrinker.best
  }

  /// Runs all passes until none of them finds anything any more.
  public mutating func run(markup: Bool) {
    var before: [UInt8]
    repeat {
      before = best
      if markup {
        pass("delete elements") { $0.editElements { bytes, element in bytes.splice(element.outer, []) } }
        pass("unwrap elements") {
          $0.editElements { bytes, element in
            bytes.splice(element.inner.upperBound..<element.outer.upperBound, [])
            bytes.splice(element.outer.lowerBound..<element.inner.lowerBound, [])
          }
        }
        pass("empty elements") { $0.editElements { bytes, element in bytes.splice(element.inner, []) } }
      }
      pass("delete ranges") { $0.deleteRanges() }
      pass("lower bytes") { $0.lowerBytes() }
      pass("lower pairs") { $0.lowerPairs() }
    } while best != before && remaining > 0
  }

  private mutating func pass(_ name: String, _ body: (inout Shrinker) -> Void) {
    if !counts.contains(where: { $0.name == name }) { counts.append(PassCount(name: name)) }
    current = counts.firstIndex { $0.name == name } ?? 0
    body(&self)
  }

  private var current = 0

  /// Tries a candidate; true when it fails too and is simpler, and then it is the best.
  private mutating func consider(_ candidate: [UInt8]) -> Bool {
    guard remaining > 0, isSimpler(candidate, best), seen.insert(candidate).inserted else { return false }
    remaining -= 1
    counts[current].tried += 1
    guard stillFails(candidate) else { return false }
    counts[current].kept += 1
    best = candidate
    return true
  }

  private func isSimpler(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    if left.count != right.count { return left.count < right.count }
    return left.lexicographicallyPrecedes(right) { Self.rank($0) < Self.rank($1) }
  }

  /// `a`, `0`, space and the other letters and digits are simple; controls and non-ASCII are not.
  private static func rank(_ byte: UInt8) -> Int {
    switch byte {
    case 0x61: 0
    case 0x30: 1
    case 0x62...0x7A, 0x31...0x39: 2 + Int(byte)
    case 0x20...0x7E: 256 + Int(byte)
    default: 512 + Int(byte)
    }
  }

  private mutating func editElements(_ edit: (inout [UInt8], MarkupSpans.Element) -> Void) {
    var spans = MarkupSpans()
    spans.scan(best)
    var index = 0
    while index < spans.elements.count, remaining > 0 {
      var candidate = best
      edit(&candidate, spans.elements[index])
      if consider(candidate) {
        // What stood behind the element has moved to this index.
        spans.scan(best)
      } else {
        index += 1
      }
    }
  }

  private mutating func deleteRanges() {
    var length = max(1, best.count / 2)
    while length >= 1, remaining > 0 {
      var index = 0
      while index < best.count, remaining > 0 {
        var candidate = best
        candidate.splice(index..<index + length, [])
        if !consider(candidate) { index += length > 4 ? max(1, length / 2) : 1 }
      }
      length /= 2
    }
  }

  private mutating func lowerBytes() {
    for index in best.indices where index < best.count {
      let byte = best[index]
      for simpler: UInt8 in [0x61, 0x30, byte / 2, byte &- 1] where Self.rank(simpler) < Self.rank(byte) {
        var candidate = best
        candidate[index] = simpler
        if consider(candidate) { break }
      }
    }
  }

  /// Lowers two equal neighbours at once, where both must stay equal.
  private mutating func lowerPairs() {
    var index = 0
    while index + 1 < best.count, remaining > 0 {
      let byte = best[index]
      if let other = best[(index + 1)...].firstIndex(of: byte), Self.rank(byte) > 1 {
        var candidate = best
        candidate[index] = 0x61
        candidate[other] = 0x61
        _ = consider(candidate)
      }
      index += 1
    }
  }
}
