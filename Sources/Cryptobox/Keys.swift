import CSodium
import WireBytes

/// An X25519 public key, 32 bytes.
public struct PublicKey: Sendable, Hashable, CustomStringConvertible {
  public let bytes: [UInt8]

  /// Nil unless there are exactly 32 bytes.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    self.bytes = Array(bytes)
  }

  /// Nil unless the text is 64 hex digits of either case.
  public init?(hex: String) {
    guard hex.utf8.count == 64, let bytes = Hex.decode(hex) else { return nil }
    self.bytes = bytes
  }

  public var hex: String { Hex.encode(bytes) }
  public var description: String { hex }

  /// True for a point of small order: agreeing with it gives the same key to everybody (connection.md 2.3, SEC-02).
  public var isLowOrder: Bool {
    var scalar = [UInt8](repeating: 0, count: 32)
    // Clamping makes any scalar a multiple of eight, so one product tells for all of them.
    scalar[0] = 8
    var product = [UInt8](repeating: 0, count: 32)
    _ = unsafe crypto_scalarmult(&product, scalar, bytes)
    return product.allSatisfy { $0 == 0 }
  }
}

/// An X25519 secret key as stored (unclamped), 32 bytes.
public struct SecretKey: Sendable {
  let storage: SecretBytes

  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    storage = SecretBytes(bytes)
  }

  public init?(hex: String) {
    guard hex.utf8.count == 64, let bytes = Hex.decode(hex) else { return nil }
    self.init(bytes: bytes)
  }

  /// The public half, computed by libsodium.
  public var publicKey: PublicKey { SodiumBox().publicKey(of: self) }

  /// A copy of the bytes for files that hold secrets; the copy is not wiped.
  public var exposedBytes: [UInt8] { storage.copy }
}

/// A symmetric key of 32 bytes: a box key of two static keys, or a session key.
public struct SharedKey: Sendable, Hashable {
  let storage: SecretBytes

  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    storage = SecretBytes(bytes)
  }

  public init?(hex: String) {
    guard hex.utf8.count == 64, let bytes = Hex.decode(hex) else { return nil }
    self.init(bytes: bytes)
  }

  /// A copy of the bytes for key logs and tests; the copy is not wiped.
  public var exposedBytes: [UInt8] { storage.copy }

  /// SHA-256 of the key in hex: tells keys apart without giving them away.
  public var fingerprint: String { SHA256.hex(storage.copy) }

  public static func == (one: SharedKey, other: SharedKey) -> Bool { one.storage.isEqual(other.storage) }
  public func hash(into hasher: inout Hasher) { hasher.combine(storage.copy) }
}

/// The 24 bytes of an XSalsa20 nonce.
public struct Nonce: Sendable, Hashable {
  public let bytes: [UInt8]

  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 24 else { return nil }
    self.bytes = Array(bytes)
  }

  /// Sixteen zero bytes, then the counter in big-endian order (connection.md 3.3).
  public init(counter: UInt64) {
    var bytes = [UInt8](repeating: 0, count: 24)
    for position in 0..<8 { bytes[16 + position] = UInt8(truncatingIfNeeded: counter >> UInt64(56 - 8 * position)) }
    self.bytes = bytes
  }
}
