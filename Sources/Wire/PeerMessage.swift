import WireBytes

/// The JSON messages of connection establishment (P1–P4, P9) and pairing (Q1–Q3), connection.md 4.2 and 5.4.
public enum PeerMessage: Sendable, Equatable {
  case connectionGroup(name: String)
  case sync
  case personIdObject(email: String)
  /// `owner` is a person id; both keys are hex as sent.
  case keysObject(owner: String, publicKey: String, publicSignKey: String)
  case instanceIdObject(name: String, owner: String)
  case authenticationToken(String)
  case identity(IdentityFile)

  /// Reads a message with the checks of the deployed code (connection.md 4.2); strict adds key lengths.
  public static func decode(_ text: String, profile: Profile = .deployed) throws(WireFailure) -> PeerMessage {
    let message = try JSONMessage(text, area: "peer", section: "connection.md 4.2", profile: profile)
    let command = try message.string("command")
    switch command {
    case "connection_group": return .connectionGroup(name: try message.string("connectionGroupName"))
    case "sync": return .sync
    case "person_id_object":
      return .personIdObject(email: try object(message, "Person").string("email"))
    case "keys_object":
      let object = try object(message, "Keys")
      let owner = try hash(object, "owner")
      let publicKey = try object.key("publicKey")
      guard let length = Hex.decodeLeniently(publicKey)?.count, length == 32 else {
        throw message.fault("not-a-key", "publicKey is not 32 bytes of hex")
      }
      return .keysObject(owner: owner, publicKey: publicKey, publicSignKey: try object.key("publicSignKey"))
    case "instance_id_object":
      let object = try object(message, "Instance")
      return .instanceIdObject(name: try object.string("name"), owner: try hash(object, "owner"))
    case "authentication_token": return .authenticationToken(try message.string("token"))
    case "identity":
      let file = try IdentityFile(
        JSONMessage(
          try message.member("obj").object, area: "identity", section: "connection.md 6.1", profile: profile))
      guard file.kind == .public else {
        throw WireFailure("peer.secret-identity", "connection.md 6.1", "an identity of kind secret was sent")
      }
      return .identity(file)
    default: throw message.fault("unknown-command", "unknown command \(JSONText.quoted(excerpt(command, 40)))")
    }
  }

  private static func object(_ message: JSONMessage, _ type: String) throws(WireFailure) -> JSONMessage {
    let object = try message.member("obj")
    let actual = try object.string("$type$")
    guard actual == type else {
      throw message.fault("wrong-object-type", "obj is a \(excerpt(actual, 40)), expected \(type)")
    }
    return object
  }

  private static func hash(_ object: JSONMessage, _ name: String) throws(WireFailure) -> String {
    let text = try object.string(name)
    guard Hex.isHash(text) else { throw object.fault("not-a-hash", "\(name) is not 64 lower-case hex digits") }
    return text
  }

  public var command: String {
    switch self {
    case .connectionGroup: "connection_group"
    case .sync: "sync"
    case .personIdObject: "person_id_object"
    case .keysObject: "keys_object"
    case .instanceIdObject: "instance_id_object"
    case .authenticationToken: "authentication_token"
    case .identity: "identity"
    }
  }

  /// The message exactly as the reference writes it.
  public var text: String {
    var object = JSONObject(["command": .string(command)])
    switch self {
    case .connectionGroup(let name): object.append("connectionGroupName", .string(name))
    case .sync: break
    case .personIdObject(let email): object.append("obj", ["$type$": "Person", "email": .string(email)])
    case .keysObject(let owner, let publicKey, let publicSignKey):
      object.append(
        "obj",
        [
          "$type$": "Keys", "owner": .string(owner), "publicKey": .string(publicKey),
          "publicSignKey": .string(publicSignKey),
        ])
    case .instanceIdObject(let name, let owner):
      object.append("obj", ["$type$": "Instance", "name": .string(name), "owner": .string(owner)])
    case .authenticationToken(let token): object.append("token", .string(token))
    case .identity(let file): object.append("obj", file.json)
    }
    return JSONValue.object(object).compact
  }
}
