import Glibc

/// Time and memory in proportion to the input (MD-039): one part of an input is repeated until it is large.
///
/// Time is the thread's own CPU time, in ratio between two sizes, so that other load does not count and no absolute
/// figure is needed; only a growth far beyond the growth of the input is a finding, and only when it repeats.
public struct LinearProperties<Codec: CodecUnderTest> {
  let codec: Codec

  public init(_ codec: Codec) { self.codec = codec }

  public static var small: Int { 20_000 }
  public static var factor: Int { 8 }

  /// The ways to make an input large.
  public enum Amplifier: CaseIterable, Sendable {
    case repeatElement, repeatOddElement, nestElement, nestAlike, nestJSON, repeatText, repeatEntity, repeatOpenTag
    case repeatLessThan
  }

  public func check(_ bytes: [UInt8]) throws(Finding) {
    for amplifier in Amplifier.allCases { try check(bytes, amplifier) }
  }

  /// One of the amplifiers, always the same one for the same input.
  public func checkOne(_ bytes: [UInt8]) throws(Finding) {
    let sum = bytes.reduce(0) { $0 &+ Int($1) }
    try check(bytes, Amplifier.allCases[sum % Amplifier.allCases.count])
  }

  /// Levels that a value may have: the codec's default bound (MD-040), and the few of lists and maps inside the last.
  public static var deepest: Int { 272 }

  /// What nests one part in another like it is read at a bounded depth, or refused.
  public func checkDepth(_ bytes: [UInt8]) throws(Finding) {
    guard Self.mayNest(bytes), let long = Self.amplify(bytes, .nestAlike, to: 16_000),
      let value = try? codec.parse(long, ModelReader.Form(of: long), .deployed)
    else { return }
    let depth = codec.model(value).depth
    guard depth <= Self.deepest else {
      throw Finding(.boundedDepth, "a value of \(depth) levels was read, at most \(Self.deepest) are allowed")
    }
  }

  /// A cheap look before the costly one: two start tags of lists or objects with an itemprop.
  private static func mayNest(_ bytes: [UInt8]) -> Bool {
    var seen = 0
    for index in bytes.indices.dropLast(6) where bytes[index] == 0x3C && bytes[index + 3] <= 0x76 {
      // `<ol i`, `<ul i`, `<dl i` and `<div i`.
      let behind = bytes[index + 3] == 0x20 ? index + 4 : index + 5
      if bytes[index + 1] != 0x2F, bytes[behind] == 0x69, bytes[behind - 1] == 0x20 { seen += 1 }
    }
    return seen > 1
  }

  public func check(_ bytes: [UInt8], _ amplifier: Amplifier) throws(Finding) {
    guard let short = Self.amplify(bytes, amplifier, to: Self.small),
      let long = Self.amplify(bytes, amplifier, to: Self.small * Self.factor)
    else { return }
    let profiles: [(String, ([UInt8]) -> Void)] = [
      ("deployed", { _ = try? codec.parse($0, ModelReader.Form(of: $0), .deployed) }),
      ("strict", { _ = try? codec.validate($0, ModelReader.Form(of: $0)) }),
      ("extractId", { _ = try? codec.extractId($0) }),
    ]
    for (name, run) in profiles {
      var ratio = Double.infinity
      var slowest = 0
      // A ratio that is once small is small: noise only makes it larger.
      for _ in 0..<4 where ratio > 3 * Double(Self.factor) {
        let one = Self.time { run(short) }
        let other = Self.time { run(long) }
        slowest = other
        // Below 20 ms for 160 kB nothing is wrong, whatever the ratio.
        ratio = other < 20_000_000 ? 0 : Double(other) / Double(max(one, 1))
      }
      guard ratio <= 3 * Double(Self.factor) else {
        throw Finding(
          .linearTime,
          "\(name) of \(amplifier) takes \(slowest / 1_000_000) ms for \(long.count) bytes, "
            + "\(Int(ratio)) times that of \(short.count) bytes")
      }
    }
  }

  private static func time(_ body: () -> Void) -> Int {
    let start = now()
    body()
    return now() - start
  }

  /// The thread's CPU time in nanoseconds.
  private static func now() -> Int {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }

  /// The input with one of its parts repeated until it has about `size` bytes; nil when it has no such part.
  static func amplify(_ bytes: [UInt8], _ amplifier: Amplifier, to size: Int) -> [UInt8]? {
    var spans = MarkupSpans()
    spans.scan(bytes)
    var out = bytes
    func fill(_ piece: [UInt8], at place: Int, copies: Int? = nil) {
      guard !piece.isEmpty else { return }
      let copies = copies ?? max(1, size / piece.count)
      out.splice(place..<place, Array([[UInt8]](repeating: piece, count: copies).joined()))
    }
    /// As many pieces behind as before, so that what was balanced stays so; the last place goes first.
    func wrap(_ before: Range<Int>, at start: Int, _ behind: Range<Int>, at end: Int) {
      let copies = max(1, size / max(before.count + behind.count, 1))
      fill(Array(bytes[behind]), at: end, copies: copies)
      fill(Array(bytes[before]), at: start, copies: copies)
    }
    let part = spans.elements.last { $0.parent >= 0 }
    let text = spans.texts.last
    switch amplifier {
    case .repeatElement:
      guard let part else { return nil }
      fill(Array(bytes[part.outer]), at: part.outer.upperBound)
    case .repeatOddElement:
      // `</LI>` for `</li>`: the walk along the canonical form ends here, the reader that skips end tags goes on.
      guard let part else { return nil }
      let end = part.inner.upperBound..<part.outer.upperBound
      let odd = bytes[end].map { $0 >= 0x61 && $0 <= 0x7A ? $0 & 0xDF : $0 }
      fill(Array(bytes[part.outer.lowerBound..<end.lowerBound]) + odd, at: part.outer.upperBound)
    case .nestElement:
      guard let part else { return nil }
      wrap(
        part.outer.lowerBound..<part.inner.lowerBound, at: part.inner.lowerBound,
        part.inner.upperBound..<part.outer.upperBound, at: part.inner.upperBound)
    case .nestAlike:
      // A part inside of one with the same start tag: what lies between them is repeated around it.
      for (index, inner) in spans.elements.enumerated().reversed() {
        var parent = inner.parent
        while parent >= 0 {
          let outer = spans.elements[parent]
          if bytes[outer.outer.lowerBound..<outer.inner.lowerBound]
            == bytes[inner.outer.lowerBound..<inner.inner.lowerBound], index != parent
          {
            wrap(
              outer.outer.lowerBound..<inner.outer.lowerBound, at: outer.outer.lowerBound,
              inner.outer.upperBound..<outer.outer.upperBound, at: outer.outer.upperBound)
            return out
          }
          parent = outer.parent
        }
      }
      return nil
    case .nestJSON:
      guard let text else { return nil }
      out.splice(
        text, Array(String(repeating: "[", count: size / 2).utf8) + Array(String(repeating: "]", count: size / 2).utf8))
    case .repeatText:
      guard let text else { return nil }
      fill(Array(bytes[text]), at: text.upperBound)
    case .repeatEntity:
      guard let text else { return nil }
      fill(Array("&amp;lt;".utf8), at: text.upperBound)
    case .repeatOpenTag:
      guard let part else { return nil }
      fill(Array(bytes[part.outer.lowerBound..<part.inner.lowerBound]), at: part.inner.lowerBound)
    case .repeatLessThan:
      guard let text else { return nil }
      fill(Array("<".utf8), at: text.upperBound)
    }
    return out
  }
}

extension ModelValue {
  /// Levels of lists, maps and objects; 0 for a scalar.
  var depth: Int {
    switch self {
    case .array(let items), .set(let items): 1 + (items.map(\.depth).max() ?? 0)
    case .map(let pairs): 1 + (pairs.map { max($0.key.depth, $0.value.depth) }.max() ?? 0)
    case .object(let members): 1 + (members.map(\.value.depth).max() ?? 0)
    default: 0
    }
  }
}
