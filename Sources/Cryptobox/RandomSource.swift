import CSodium

/// Where keys, nonces and padding come from: always an argument, so that the same seed gives the same bytes.
public protocol RandomSource {
  /// `count` bytes; never fewer.
  mutating func bytes(_ count: Int) -> [UInt8]
}

extension RandomSource {
  /// A fresh secret key of 32 bytes.
  public mutating func secretKey() -> SecretKey { SecretKey(bytes: bytes(32))! }
  /// A fresh nonce of 24 bytes.
  public mutating func nonce() -> Nonce { Nonce(bytes: bytes(24))! }
}

/// The operating system's generator: for everything that meets the outside.
public struct SystemRandom: RandomSource, Sendable {
  public init() {}

  public mutating func bytes(_ count: Int) -> [UInt8] {
    guard count > 0 else { return [] }
    return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      unsafe randombytes_buf(buffer.baseAddress!, count)
      filled = count
    }
  }
}

/// SplitMix64 from a seed: for simulation, fuzzing and tests, and for nothing that must be secret.
public struct SeededRandom: RandomSource, RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  /// A secret key that everybody can make again: for tests and placeholders.
  public static func key(_ seed: UInt64) -> SecretKey {
    var random = SeededRandom(seed: seed)
    return random.secretKey()
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  public mutating func bytes(_ count: Int) -> [UInt8] {
    guard count > 0 else { return [] }
    return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        var word = next()
        for _ in 0..<min(8, count - filled) {
          unsafe (buffer.baseAddress! + filled).initialize(to: UInt8(truncatingIfNeeded: word))
          word >>= 8
          filled += 1
        }
      }
    }
  }
}

/// Bytes that were written down before, so that a recorded side can be played again byte for byte.
public struct ScriptedRandom: RandomSource, Sendable {
  private var script: [UInt8]
  private var position = 0
  /// Bytes that were asked for behind the end of the script; they came out as zero.
  public private(set) var missing = 0

  public init(_ script: [UInt8]) { self.script = script }
  public init(_ pieces: [[UInt8]]) { self.init(Array(pieces.joined())) }

  /// Bytes of the script that nobody asked for yet.
  public var unused: Int { script.count - position }

  public mutating func append(_ bytes: [UInt8]) { script += bytes }

  public mutating func bytes(_ count: Int) -> [UInt8] {
    let end = min(script.count, position + count)
    let taken = Array(script[position..<end])
    position = end
    missing += count - taken.count
    return taken + [UInt8](repeating: 0, count: count - taken.count)
  }
}
