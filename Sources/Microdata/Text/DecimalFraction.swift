/// Exact arithmetic on `digits / 10^places` where 128 bits suffice, the form of nearly all numbers with a fraction.
struct DecimalFraction {
  let digits: UInt64
  let places: Int
  /// The nearest double, of which `digits · 2^shift` and `mantissa · 10^places` are compared exactly.
  let value: Double
  private let mantissa: UInt64
  private let shift: Int

  static let powers: [UInt64] = [
    1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000,
    100_000_000_000, 1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000,
    10_000_000_000_000_000, 100_000_000_000_000_000, 1_000_000_000_000_000_000,
  ]

  /// Nil when the numbers are too large for this, or a tie or a power of two would have to be decided.
  @inline(__always)
  init?(_ digits: UInt64, places: Int) {
    guard digits > 0, digits < 1 << 57, places > 0, places <= 18 else { return nil }
    let power = DecimalFraction.powers[places]
    // Two roundings: at most one unit in the last place beside the nearest double.
    var guess = Double(digits) / Double(power)
    for _ in 0..<3 {
      let bits = guess.bitPattern
      let shift = 1075 - Int(bits >> 52)
      guard shift > 0, shift <= 70 else { return nil }
      let mantissa = bits & ((1 << 52) - 1) | 1 << 52
      let wanted = UInt128(digits) << UInt128(shift)
      let have = UInt128(mantissa) * UInt128(power)
      // Half a unit in the last place is power / 2.
      let distance = wanted > have ? wanted - have : have - wanted
      // Below a power of two the doubles stand twice as dense.
      if mantissa == 1 << 52 { return nil }
      if distance * 2 < UInt128(power) {
        self.digits = digits
        self.places = places
        self.value = guess
        self.mantissa = mantissa
        self.shift = shift
        return
      }
      if distance * 2 == UInt128(power) { return nil }
      guess = wanted > have ? guess.nextUp : guess.nextDown
    }
    return nil
  }

  /// Whether no shorter text gives the same double and no other of the same length is nearer; nil when a tie
  /// would have to be decided.
  @inline(__always)
  var isShortest: Bool? {
    let power = UInt128(DecimalFraction.powers[places])
    let exact = UInt128(mantissa) * power
    let own = UInt128(digits) << UInt128(shift)
    let distance = own > exact ? own - exact : exact - own
    let half = UInt128(1) << UInt128(shift - 1)
    if distance == half { return nil }
    if distance > half { return false }
    // The nearest text with one digit less is the nearest multiple of ten.
    let whole = UInt64(truncatingIfNeeded: exact >> UInt128(shift))
    let low = whole / 10 * 10
    for candidate in [low, low + 10] {
      let scaled = UInt128(candidate) << UInt128(shift)
      let gap = scaled > exact ? scaled - exact : exact - scaled
      if gap * 2 == power { return nil }
      if gap * 2 < power { return false }
    }
    return true
  }
}
