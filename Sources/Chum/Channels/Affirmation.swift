import Cryptobox
public import Microdata
public import Store
import WireBytes

/// Who signs: the person and the Ed25519 secret key (64 bytes: seed and public key).
public struct Author: Sendable {
  public let person: ObjectHash
  let secretKey: [UInt8]

  /// Nil unless the key has 64 bytes.
  public init?(person: ObjectHash, secretKey: [UInt8]) {
    guard secretKey.count == 64 else { return nil }
    self.person = person
    self.secretKey = secretKey
  }
}

/// The objects by which a person says that something is right: License, AffirmationCertificate, Signature.
public enum Affirmation {
  /// The licence text of the deployed implementation ([rec: iop-chum]).
  public static let license = OneObject([
    "$type$": "License", "name": "Affirmation",
    "description": "[signature.issuer] affirms that content of [data] is correct.",
  ])

  /// True when the signature is the key's over the certificate: over the text of its hash, as the deployed one signs.
  public static func verifies(_ signature: OneObject, publicKey: [UInt8]) -> Bool {
    guard signature.type == "Signature", let data = signature.hash("data"), let text = signature.text("signature"),
      let bytes = Self.bytes(text), bytes.count == 64, publicKey.count == 32
    else { return false }
    return Ed25519.verify(bytes, of: Array(data.hex.utf8), publicKey: publicKey)
  }

  private static func bytes(_ hex: String) -> [UInt8]? { Hex.decode(hex) }
}

extension Repository {
  /// Writes what affirms an object and gives the hash of the Signature.
  public mutating func affirm(_ object: ObjectHash, by author: Author) throws(RepositoryFailure) -> ObjectHash {
    let license = try storeObject(Affirmation.license)
    let certificate = try storeObject(
      OneObject(["$type$": "AffirmationCertificate", "data": .reference(object), "license": .reference(license)]))
    guard let signature = Ed25519.sign(Array(certificate.hex.utf8), secretKey: author.secretKey) else {
      throw .unsuitable("the key cannot sign")
    }
    return try storeObject(
      OneObject([
        "$type$": "Signature", "issuer": .reference(author.person), "data": .reference(certificate),
        "signature": .text(Hex.encode(signature)),
      ]))
  }
}
