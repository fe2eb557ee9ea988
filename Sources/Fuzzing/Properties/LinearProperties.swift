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
    case repeatElement, nestElement, nestAlike, nestJSON, repeatText, repeatEntity, repeatOpenTag, repeatLessThan
  }

  public func check(_ bytes: [UInt8]) throws(Finding) {
    for amplifier in Amplifier.allCases { try check(bytes, amplifier) }
  }

  /// One of the amplifiers, always the same one for the same input.
  public func checkOne(_ bytes: [UInt8]) throws(Finding) {
    let sum = bytes.reduce(0) { $0 &+ Int($1) }
    try check(bytes, Amplifier.allCases[sum % Amplifier.allCases.count])
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
    func fill(_ piece: [UInt8], at place: Int) {
      guard !piece.isEmpty else { return }
      let copies = max(1, size / piece.count)
      out.splice(place..<place, Array([[UInt8]](repeating: piece, count: copies).joined()))
    }
    let part = spans.elements.last { $0.parent >= 0 }
    let text = spans.texts.last
    switch amplifier {
    case .repeatElement:
      guard let part else { return nil }
      fill(Array(bytes[part.outer]), at: part.outer.upperBound)
    case .nestElement:
      guard let part else { return nil }
      fill(Array(bytes[part.inner.upperBound..<part.outer.upperBound]), at: part.inner.upperBound)
      fill(Array(bytes[part.outer.lowerBound..<part.inner.lowerBound]), at: part.inner.lowerBound)
    case .nestAlike:
      // A part inside of one with the same start tag: what lies between them is repeated around it.
      for (index, inner) in spans.elements.enumerated().reversed() {
        var parent = inner.parent
        while parent >= 0 {
          let outer = spans.elements[parent]
          if bytes[outer.outer.lowerBound..<outer.inner.lowerBound]
            == bytes[inner.outer.lowerBound..<inner.inner.lowerBound], index != parent
          {
            fill(Array(bytes[inner.outer.upperBound..<outer.outer.upperBound]), at: outer.outer.upperBound)
            fill(Array(bytes[outer.outer.lowerBound..<inner.outer.lowerBound]), at: outer.outer.lowerBound)
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
