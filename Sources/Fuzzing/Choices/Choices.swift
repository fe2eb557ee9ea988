/// The decisions that made a case, as bytes: replaying, mutating and shrinking a case is editing this sequence.
///
/// Every sequence is valid. Behind its end each choice is zero, and zero is always the simplest option; so a shorter
/// sequence and a smaller byte both make a simpler case, which is all that the shrinker needs to know.
public struct Choices: Sendable {
  /// The bytes consumed so far, and behind them those not yet used.
  public private(set) var bytes: [UInt8]
  public private(set) var position = 0
  private var generator: SplitMix64?
  private let limit: Int

  /// Replays recorded choices.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    limit = bytes.count
  }

  /// Draws new choices and records them; zeros once `limit` bytes are drawn, so that every case ends.
  public init(seed: UInt64, limit: Int = 4096) {
    bytes = []
    generator = SplitMix64(seed: seed)
    self.limit = limit
  }

  /// What was consumed: replaying just this makes the same case.
  public var consumed: [UInt8] { Array(bytes.prefix(position)) }

  public var isExhausted: Bool { position >= limit }

  @inline(__always)
  public mutating func byte() -> UInt8 {
    if position < bytes.count {
      position += 1
      return bytes[position - 1]
    }
    guard generator != nil, position < limit else { return 0 }
    let drawn = UInt8(truncatingIfNeeded: generator?.next() ?? 0)
    bytes.append(drawn)
    position += 1
    return drawn
  }

  /// A number in `0 ..< bound`; one byte up to 256, two beyond.
  public mutating func below(_ bound: Int) -> Int {
    guard bound > 1 else { return 0 }
    if bound <= 256 { return Int(byte()) % bound }
    return (Int(byte()) << 8 | Int(byte())) % bound
  }

  /// True about once in `n`; false when the choices are exhausted.
  public mutating func oneIn(_ n: Int) -> Bool { below(n) == n - 1 }

  /// An element of a non-empty list, the first being the simplest.
  public mutating func pick<T>(_ options: [T]) -> T { options[below(options.count)] }

  public mutating func word() -> UInt64 {
    var value: UInt64 = 0
    for _ in 0..<8 { value = value << 8 | UInt64(byte()) }
    return value
  }
}
