public import Cryptobox

/// Proof that somebody holds a secret key: 64 random bytes go out in a box, their complement comes back in another.
///
/// The CommServer asks listeners so with their registered key (connection.md 2.3), peers ask each other so with their
/// person keys (4.3). The complement exists because the box key is the same in both directions: without it the
/// challenge could be sent back as the answer.
public enum ComplementProof {
  /// Bytes of a challenge.
  public static let contentLength = 64
  /// Bytes of a challenge or response on the wire: nonce, tag, content.
  public static let messageLength = 24 + boxOverhead + contentLength

  /// `nonce ‖ box`: how static keys seal anything in this protocol.
  public static func seal(_ plain: [UInt8], nonce: Nonce, key: SharedKey, box: some BoxProvider) -> [UInt8] {
    nonce.bytes + box.seal(plain, nonce: nonce, key: key)
  }

  /// Opens `nonce ‖ box`. Fails for fewer than 24 bytes and for a tag that does not fit.
  public static func open(
    _ message: [UInt8], key: SharedKey, section: String, box: some BoxProvider
  ) throws(WireFailure) -> [UInt8] {
    guard let nonce = Nonce(bytes: message.prefix(24)) else {
      throw WireFailure("box.short-nonce", section, "\(message.count) bytes, the nonce alone has 24")
    }
    guard let plain = box.open(Array(message.dropFirst(24)), nonce: nonce, key: key) else {
      throw WireFailure("box.not-opened", section, "a box of \(message.count) bytes does not open with this key")
    }
    return plain
  }

  /// Every bit inverted.
  public static func complement(_ bytes: [UInt8]) -> [UInt8] { bytes.map { ~$0 } }
}

/// The side that asks for the proof; the state is the challenge that is out.
public struct ProofChallenger: Sendable {
  private let content: [UInt8]
  private let key: SharedKey
  private let section: String
  /// The challenge as it goes out, 104 bytes.
  public let message: [UInt8]

  /// Draws 64 bytes of content, then a nonce of 24.
  public init(key: SharedKey, section: String, box: some BoxProvider, random: inout some RandomSource) {
    let content = random.bytes(ComplementProof.contentLength)
    self.init(content: content, nonce: random.nonce(), key: key, section: section, box: box)
  }

  public init(content: [UInt8], nonce: Nonce, key: SharedKey, section: String, box: some BoxProvider) {
    self.content = content
    self.key = key
    self.section = section
    message = ComplementProof.seal(content, nonce: nonce, key: key, box: box)
  }

  /// Returns when the response proves the key, and fails otherwise. The comparison takes constant time.
  public func verify(_ response: [UInt8], box: some BoxProvider) throws(WireFailure) {
    let plain = try ComplementProof.open(response, key: key, section: section, box: box)
    guard constantTimeEqual(plain, ComplementProof.complement(content)) else {
      throw WireFailure("proof.not-the-complement", section, "the response opens to something else")
    }
  }
}

/// The side that proves.
public enum ProofResponder {
  /// The response to a challenge. Deployed answers whatever opens; strict only a challenge of exactly 104 bytes, so that
  /// nobody can have other boxes opened and sealed again (LS-004, ATK-10; `vec:oracle_demo`).
  public static func answer(
    _ challenge: [UInt8], nonce: Nonce, key: SharedKey, section: String, box: some BoxProvider, profile: Profile
  ) throws(WireFailure) -> [UInt8] {
    if profile == .strict, challenge.count != ComplementProof.messageLength {
      throw WireFailure(
        "proof.wrong-length", section, "\(challenge.count) bytes, a challenge has \(ComplementProof.messageLength)")
    }
    let plain = try ComplementProof.open(challenge, key: key, section: section, box: box)
    return ComplementProof.seal(ComplementProof.complement(plain), nonce: nonce, key: key, box: box)
  }
}
