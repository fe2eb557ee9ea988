import CSodium

/// The box operations that the protocol machines need; handed in, so that simulation can do without the real ones.
public protocol BoxProvider: Sendable {
  func publicKey(of secret: SecretKey) -> PublicKey
  /// HSalsa20 over X25519: `crypto_box_beforenm`. Low-order points are not refused here; the profile decides.
  func agree(theirs: PublicKey, mine: SecretKey) -> SharedKey
  /// XSalsa20-Poly1305, 16-byte tag first: `crypto_secretbox_easy`.
  func seal(_ plain: [UInt8], nonce: Nonce, key: SharedKey) -> [UInt8]
  /// Nil when the tag does not fit.
  func open(_ box: [UInt8], nonce: Nonce, key: SharedKey) -> [UInt8]?
  /// True for a key that leads to the same shared key with everybody (connection.md 2.3, ATK-02).
  func isLowOrder(_ key: PublicKey) -> Bool
}

extension BoxProvider {
  public func isLowOrder(_ key: PublicKey) -> Bool { key.isLowOrder }
}

/// Bytes that a box is longer than its content.
public let boxOverhead = 16

/// The real box, by libsodium.
public struct SodiumBox: BoxProvider {
  /// `sodium_init` picks the fast implementations for this processor; it must run once before anything else.
  private static let initialised = sodium_init() >= 0

  public init() { precondition(Self.initialised, "libsodium cannot start") }

  public func publicKey(of secret: SecretKey) -> PublicKey {
    var out = [UInt8](repeating: 0, count: 32)
    unsafe secret.storage.withPointer { _ = unsafe crypto_scalarmult_base(&out, $0) }
    return PublicKey(bytes: out)!
  }

  public func agree(theirs: PublicKey, mine: SecretKey) -> SharedKey {
    var product = [UInt8](repeating: 0, count: 32)
    // The product of a low-order point is zero and libsodium then returns -1; TweetNaCl goes on with the zero.
    unsafe mine.storage.withPointer { _ = unsafe crypto_scalarmult(&product, $0, theirs.bytes) }
    var key = [UInt8](repeating: 0, count: 32)
    _ = unsafe crypto_core_hsalsa20(&key, [UInt8](repeating: 0, count: 16), product, nil)
    let shared = SharedKey(bytes: key)!
    unsafe sodium_memzero(&product, 32)
    unsafe sodium_memzero(&key, 32)
    return shared
  }

  public func seal(_ plain: [UInt8], nonce: Nonce, key: SharedKey) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: plain.count + boxOverhead) { buffer, count in
      unsafe key.storage.withPointer { pointer in
        _ = unsafe crypto_secretbox_easy(
          buffer.baseAddress!, plain, UInt64(plain.count), nonce.bytes, pointer)
      }
      count = plain.count + boxOverhead
    }
  }

  public func open(_ box: [UInt8], nonce: Nonce, key: SharedKey) -> [UInt8]? {
    guard box.count >= boxOverhead else { return nil }
    var good = false
    let size = box.count - boxOverhead
    // One byte more, since an empty buffer has no address to hand over.
    let plain = unsafe [UInt8](unsafeUninitializedCapacity: size + 1) { buffer, count in
      good = unsafe key.storage.withPointer { pointer in
        unsafe crypto_secretbox_open_easy(
          buffer.baseAddress!, box, UInt64(box.count), nonce.bytes, pointer) == 0
      }
      count = good ? size : 0
    }
    return good ? plain : nil
  }
}

/// A box of the same sizes without any security, for simulation and fuzzing only.
///
/// Keys agree (both sides get the same one), tampering and wrong nonces are noticed with high probability, and it costs
/// a few nanoseconds: inputs get past the tag that a fuzzer could never forge.
public struct FakeBox: BoxProvider {
  public init() {}

  public func publicKey(of secret: SecretKey) -> PublicKey {
    PublicKey(bytes: secret.storage.copy.map { $0 ^ 0xA5 })!
  }

  public func agree(theirs: PublicKey, mine: SecretKey) -> SharedKey {
    let own = publicKey(of: mine).bytes
    return SharedKey(bytes: zip(own, theirs.bytes).map { $0 ^ $1 })!
  }

  /// Here only the zero key counts as weak; the real test is a multiplication on the curve.
  public func isLowOrder(_ key: PublicKey) -> Bool { key.bytes.allSatisfy { $0 == 0 } }

  public func seal(_ plain: [UInt8], nonce: Nonce, key: SharedKey) -> [UInt8] {
    tag(plain[...], nonce, key) + plain
  }

  public func open(_ box: [UInt8], nonce: Nonce, key: SharedKey) -> [UInt8]? {
    guard box.count >= boxOverhead else { return nil }
    let plain = box[boxOverhead...]
    return tag(plain, nonce, key) == Array(box[0..<boxOverhead]) ? Array(plain) : nil
  }

  /// FNV over words of eight bytes, the rest byte by byte.
  private static func mix(_ bytes: UnsafeBufferPointer<UInt8>, _ sum: inout UInt64) {
    var index = 0
    while index &+ 8 <= bytes.count {
      let word = unsafe UnsafeRawPointer(bytes.baseAddress! + index).loadUnaligned(as: UInt64.self).littleEndian
      sum = (sum ^ word ^ word >> 32) &* 0x100_0000_01B3
      sum ^= sum >> 29
      index &+= 8
    }
    while index < bytes.count {
      sum = unsafe (sum ^ UInt64(bytes[index])) &* 0x100_0000_01B3
      index &+= 1
    }
  }

  private func tag(_ plain: ArraySlice<UInt8>, _ nonce: Nonce, _ key: SharedKey) -> [UInt8] {
    var sum: UInt64 = 0xCBF2_9CE4_8422_2325
    unsafe nonce.bytes.withUnsafeBufferPointer { unsafe Self.mix($0, &sum) }
    unsafe key.storage.withPointer { unsafe Self.mix(UnsafeBufferPointer(start: $0, count: SecretBytes.count), &sum) }
    unsafe plain.withUnsafeBufferPointer { unsafe Self.mix($0, &sum) }
    var out = [UInt8](repeating: 0xFA, count: boxOverhead)
    for position in 0..<8 { out[position] = UInt8(truncatingIfNeeded: sum >> UInt64(8 * position)) }
    return out
  }
}
