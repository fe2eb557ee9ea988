/// Whichever box was handed in, as one concrete type, so that machines need no type parameter for it.
public struct AnyBox: BoxProvider {
  private let base: any BoxProvider

  /// A box that is one of these already is taken as it is, so that calls go through one door only.
  public init(_ base: any BoxProvider) { self.base = (base as? AnyBox)?.base ?? base }

  public func publicKey(of secret: SecretKey) -> PublicKey { base.publicKey(of: secret) }
  public func agree(theirs: PublicKey, mine: SecretKey) -> SharedKey { base.agree(theirs: theirs, mine: mine) }
  public func seal(_ plain: [UInt8], nonce: Nonce, key: SharedKey) -> [UInt8] {
    base.seal(plain, nonce: nonce, key: key)
  }
  public func open(_ box: [UInt8], nonce: Nonce, key: SharedKey) -> [UInt8]? {
    base.open(box, nonce: nonce, key: key)
  }
  public func isLowOrder(_ key: PublicKey) -> Bool { base.isLowOrder(key) }
}

/// An X25519 key with both halves at hand: computing the public one costs a scalar multiplication.
public struct KeyPair: Sendable {
  public let secret: SecretKey
  public let publicKey: PublicKey

  public init(secret: SecretKey, box: some BoxProvider) {
    self.secret = secret
    publicKey = box.publicKey(of: secret)
  }
}
