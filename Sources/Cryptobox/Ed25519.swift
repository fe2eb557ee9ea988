import CSodium

/// Ed25519 signatures in NaCl's form (connection.md 6.2): the secret key is 32 bytes of seed, then the public key.
public enum Ed25519 {
  /// The key pair of a seed of 32 bytes; nil for any other length.
  public static func keyPair(seed: [UInt8]) -> (publicKey: [UInt8], secretKey: [UInt8])? {
    guard seed.count == 32 else { return nil }
    var publicKey = [UInt8](repeating: 0, count: 32)
    var secretKey = [UInt8](repeating: 0, count: 64)
    _ = unsafe crypto_sign_seed_keypair(&publicKey, &secretKey, seed)
    return (publicKey, secretKey)
  }

  /// A detached signature of 64 bytes; nil unless the secret key has 64 bytes.
  public static func sign(_ message: [UInt8], secretKey: [UInt8]) -> [UInt8]? {
    guard secretKey.count == 64 else { return nil }
    var signature = [UInt8](repeating: 0, count: 64)
    _ = unsafe crypto_sign_detached(&signature, nil, message, UInt64(message.count), secretKey)
    return signature
  }

  public static func verify(_ signature: [UInt8], of message: [UInt8], publicKey: [UInt8]) -> Bool {
    guard signature.count == 64, publicKey.count == 32 else { return false }
    return unsafe crypto_sign_verify_detached(signature, message, UInt64(message.count), publicKey) == 0
  }
}

/// Comparison in time that depends on the lengths only; different or zero lengths are unequal (connection.md 2.3).
public func constantTimeEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
  guard one.count == other.count, !one.isEmpty else { return false }
  return unsafe sodium_memcmp(one, other, one.count) == 0
}
