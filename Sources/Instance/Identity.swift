public import Cryptobox
public import Wire
import WireBytes

/// One person on one device with all four key pairs (connection.md 6.2): what this instance is to others.
public struct Identity: Sendable {
  public let personEmail: String
  public let instanceName: String
  /// Where this identity is to be reached; nil for one that only dials.
  public let url: String?
  public let personKey: KeyPair
  public let instanceKey: KeyPair
  /// Ed25519 in NaCl's form, 64 bytes: seed, then public half.
  let personSignSecret: [UInt8]
  let instanceSignSecret: [UInt8]
  public let personSignKey: String
  public let instanceSignKey: String
  public let personId: String
  public let instanceId: String

  /// A new identity. Draws, in this order: 64 bytes for each name that is not given, 32 for each of the person's and the
  /// instance's box key, 32 of seed for each sign key.
  public static func create(
    url: String?, personEmail: String? = nil, instanceName: String? = nil, random: inout some RandomSource,
    box: some BoxProvider
  ) -> Identity {
    let email = personEmail ?? TokenAlphabet.draw(random: &random)
    let name = instanceName ?? TokenAlphabet.draw(random: &random)
    let personKey = KeyPair(secret: random.secretKey(), box: box)
    let instanceKey = KeyPair(secret: random.secretKey(), box: box)
    let personSign = Ed25519.keyPair(seed: random.bytes(32)) ?? ([], [])
    let instanceSign = Ed25519.keyPair(seed: random.bytes(32)) ?? ([], [])
    return Identity(
      personEmail: email, instanceName: name, url: url, personKey: personKey, instanceKey: instanceKey,
      personSign: (personSign.secretKey, Hex.encode(personSign.publicKey)),
      instanceSign: (instanceSign.secretKey, Hex.encode(instanceSign.publicKey)))
  }

  /// Reads a secret file's content. The public halves are computed; strict files are checked by `IdentityFile.parse`.
  public init(_ file: IdentityFile, box: some BoxProvider) throws(WireFailure) {
    func fault(_ detail: String) -> WireFailure { WireFailure("identity.not-usable", "connection.md 6.2", detail) }
    guard let person = file.personKeySecret.flatMap({ SecretKey(hex: $0) }),
      let instance = file.instanceKeySecret.flatMap({ SecretKey(hex: $0) })
    else { throw fault("a secret file with keys of 32 bytes is needed") }
    guard let personSign = file.personSignKeySecret.flatMap({ Hex.decode($0) }), personSign.count == 64,
      let instanceSign = file.instanceSignKeySecret.flatMap({ Hex.decode($0) }), instanceSign.count == 64
    else { throw fault("a sign key has not 64 bytes") }
    self.init(
      personEmail: file.personEmail, instanceName: file.instanceName, url: file.url,
      personKey: KeyPair(secret: person, box: box), instanceKey: KeyPair(secret: instance, box: box),
      personSign: (personSign, file.personSignKeyPublic), instanceSign: (instanceSign, file.instanceSignKeyPublic))
  }

  private init(
    personEmail: String, instanceName: String, url: String?, personKey: KeyPair, instanceKey: KeyPair,
    personSign: (secret: [UInt8], publicKey: String), instanceSign: (secret: [UInt8], publicKey: String)
  ) {
    self.personEmail = personEmail
    self.instanceName = instanceName
    self.url = url
    self.personKey = personKey
    self.instanceKey = instanceKey
    personSignSecret = personSign.secret
    instanceSignSecret = instanceSign.secret
    personSignKey = personSign.publicKey
    instanceSignKey = instanceSign.publicKey
    personId = IdHash.person(email: personEmail)
    instanceId = IdHash.instance(name: instanceName, owner: personId)
  }

  /// What others may have: the file, and the `identity` message of a pairing.
  public var publicFile: IdentityFile { file(secrets: nil) }

  /// Everything; for a file that only its owner can read (IDF-008).
  public var secretFile: IdentityFile {
    file(
      secrets: IdentityFile.Secrets(
        personKey: Hex.encode(personKey.secret.exposedBytes), instanceKey: Hex.encode(instanceKey.secret.exposedBytes),
        personSignKey: Hex.encode(personSignSecret), instanceSignKey: Hex.encode(instanceSignSecret)))
  }

  private func file(secrets: IdentityFile.Secrets?) -> IdentityFile {
    IdentityFile(
      personEmail: personEmail, instanceName: instanceName, personKeyPublic: personKey.publicKey.hex,
      personSignKeyPublic: personSignKey, instanceKeyPublic: instanceKey.publicKey.hex,
      instanceSignKeyPublic: instanceSignKey, url: url, secrets: secrets)
  }
}

/// The identities of this device: usually one, after an Internet-of-Me request also those of other persons.
public struct Keychain: Sendable {
  public private(set) var identities: [Identity] = []

  public init(_ identities: [Identity] = []) { self.identities = identities }

  public mutating func add(_ identity: Identity) { identities.append(identity) }

  public func identity(person: String) -> Identity? { identities.first { $0.personId == person } }
  public func identity(instanceKey: PublicKey) -> Identity? {
    identities.first { $0.instanceKey.publicKey == instanceKey }
  }

  /// True for any key that this device can prove (HS-018).
  public func owns(_ key: PublicKey) -> Bool {
    identities.contains { $0.instanceKey.publicKey == key || $0.personKey.publicKey == key }
  }
}
