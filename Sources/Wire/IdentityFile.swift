import Cryptobox
public import WireBytes

/// An identity, public or secret, as a file and as the `identity` message (connection.md 6.1, 6.2).
public struct IdentityFile: Sendable, Equatable {
  public enum Kind: String, Sendable { case `public`, secret }

  public let kind: Kind
  public let personEmail: String
  public let instanceName: String
  public let personKeyPublic: String
  public let personSignKeyPublic: String
  public let instanceKeyPublic: String
  public let instanceSignKeyPublic: String
  /// CommServer or direct URL; may be absent.
  public let url: String?
  public let personKeySecret: String?
  public let instanceKeySecret: String?
  public let personSignKeySecret: String?
  public let instanceSignKeySecret: String?

  /// Reads a file. Deployed wants even-length hex of any length; strict wants the lengths of chapter 6 and, in secret
  /// files, public halves that belong to the secret ones.
  public static func parse(_ text: String, profile: Profile = .deployed) throws(WireFailure) -> IdentityFile {
    let file = try IdentityFile(
      JSONMessage(text, area: "identity", section: "connection.md 6.1", profile: profile))
    if profile == .strict { try file.checkSecretHalves() }
    return file
  }

  init(_ message: JSONMessage) throws(WireFailure) {
    let type = try message.string("type")
    guard let kind = Kind(rawValue: type) else {
      throw message.fault("unknown-kind", "type is \(JSONText.quoted(excerpt(type, 40))), expected public or secret")
    }
    self.kind = kind
    personEmail = try message.string("personEmail")
    instanceName = try message.string("instanceName")
    personKeyPublic = try Self.key(message, "personKeyPublic")
    personSignKeyPublic = try Self.key(message, "personSignKeyPublic")
    instanceKeyPublic = try Self.key(message, "instanceKeyPublic")
    instanceSignKeyPublic = try Self.key(message, "instanceSignKeyPublic")
    url = message.object["url"] == nil ? nil : try message.string("url")
    let isSecret = kind == .secret
    personKeySecret = isSecret ? try Self.key(message, "personKeySecret") : nil
    instanceKeySecret = isSecret ? try Self.key(message, "instanceKeySecret") : nil
    personSignKeySecret = isSecret ? try Self.key(message, "personSignKeySecret", digits: 128) : nil
    instanceSignKeySecret = isSecret ? try Self.key(message, "instanceSignKeySecret", digits: 128) : nil
  }

  private static func key(_ message: JSONMessage, _ name: String, digits: Int = 64) throws(WireFailure) -> String {
    let text = try message.string(name)
    guard Hex.isHex(text) else { throw message.fault("not-hex", "\(name) is not an even number of hex digits") }
    if message.profile == .strict, text.utf8.count != digits {
      throw message.fault("not-a-key", "\(name) has \(text.utf8.count) hex digits, expected \(digits)")
    }
    return text
  }

  /// IDF-003 and IDF-004: a secret half that does not belong to its public one is refused.
  private func checkSecretHalves() throws(WireFailure) {
    let boxKeys = [("person", personKeySecret, personKeyPublic), ("instance", instanceKeySecret, instanceKeyPublic)]
    for (name, secret, publicKey) in boxKeys {
      guard let secret else { continue }
      guard SecretKey(hex: secret)?.publicKey.hex == publicKey.lowercased() else {
        throw WireFailure(
          "identity.key-mismatch", "connection.md 6.2", "\(name)KeySecret does not belong to \(name)KeyPublic")
      }
    }
    let signKeys = [
      ("person", personSignKeySecret, personSignKeyPublic), ("instance", instanceSignKeySecret, instanceSignKeyPublic),
    ]
    for (name, secret, publicKey) in signKeys {
      guard let secret, let bytes = Hex.decode(secret) else { continue }
      let pair = Ed25519.keyPair(seed: Array(bytes.prefix(32)))
      guard let pair, pair.secretKey == bytes, Hex.encode(pair.publicKey) == publicKey.lowercased() else {
        throw WireFailure(
          "identity.key-mismatch", "connection.md 6.2", "\(name)SignKeySecret does not belong to \(name)SignKeyPublic")
      }
    }
  }

  /// The members in the order of the reference.
  public var json: JSONValue {
    var object = JSONObject(["type": .string(kind.rawValue)])
    let members: [(String, String?)] = [
      ("personEmail", personEmail), ("instanceName", instanceName), ("personKeySecret", personKeySecret),
      ("personKeyPublic", personKeyPublic), ("personSignKeySecret", personSignKeySecret),
      ("personSignKeyPublic", personSignKeyPublic), ("instanceKeySecret", instanceKeySecret),
      ("instanceKeyPublic", instanceKeyPublic), ("instanceSignKeySecret", instanceSignKeySecret),
      ("instanceSignKeyPublic", instanceSignKeyPublic), ("url", url),
    ]
    for (name, value) in members {
      if let value { object.append(name, .string(value)) }
    }
    return .object(object)
  }

  /// The file as the reference writes it: one member a line, four spaces before it.
  public var fileText: String {
    let lines = (json.object?.members ?? []).map { "    \(JSONText.quoted($0.name)): \($0.value.compact)" }
    return "{\n" + lines.joined(separator: ",\n") + "\n}"
  }

  public var personId: String { IdHash.person(email: personEmail) }
  public var instanceId: String { IdHash.instance(name: instanceName, owner: personId) }
}
