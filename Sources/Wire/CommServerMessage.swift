import WireBytes

/// The messages M1–M9 of the CommServer protocol (connection.md 2.2), all TEXT JSON.
public enum CommServerMessage: Sendable, Equatable {
  case register(publicKey: String)
  case authenticationRequest(publicKey: String, challenge: String)
  case authenticationResponse(response: String)
  /// `pingInterval` in ms; the deployed client does not look at its value.
  case authenticationSuccess(pingInterval: Double)
  case ping
  case pong
  case connectionHandover
  case communicationRequest(source: String, target: String)
  case communicationReady

  private static let section = "connection.md 2.2"

  /// Reads a message. Deployed ignores unknown members; strict also wants well-formed keys and no doubled member.
  public static func decode(_ text: String, profile: Profile = .deployed) throws(WireFailure) -> CommServerMessage {
    if profile == .strict, text.utf8.count > 4_096 {
      throw WireFailure("commserver.too-long", "connection.md 8.1", "a clear message of more than 4,096 bytes")
    }
    let message = try JSONMessage(text, area: "commserver", section: section, profile: profile)
    let command = try message.string("command")
    switch command {
    case "register": return .register(publicKey: try message.key("publicKey"))
    case "authentication_request":
      return .authenticationRequest(publicKey: try message.key("publicKey"), challenge: try message.string("challenge"))
    case "authentication_response": return .authenticationResponse(response: try message.string("response"))
    case "authentication_success": return .authenticationSuccess(pingInterval: try message.number("pingInterval"))
    case "ping": return .ping
    case "pong": return .pong
    case "connection_handover": return .connectionHandover
    case "communication_request":
      let source = try message.key("sourcePublicKey")
      let target = try message.key("targetPublicKey")
      for (name, key) in [("sourcePublicKey", source), ("targetPublicKey", target)] where !Hex.isHex(key) {
        throw message.fault("not-hex", "\(name) is not an even number of hex digits")
      }
      return .communicationRequest(source: source, target: target)
    case "communication_ready": return .communicationReady
    default: throw message.fault("unknown-command", "unknown command \(JSONText.quoted(excerpt(command, 40)))")
    }
  }

  public var command: String {
    switch self {
    case .register: "register"
    case .authenticationRequest: "authentication_request"
    case .authenticationResponse: "authentication_response"
    case .authenticationSuccess: "authentication_success"
    case .ping: "ping"
    case .pong: "pong"
    case .connectionHandover: "connection_handover"
    case .communicationRequest: "communication_request"
    case .communicationReady: "communication_ready"
    }
  }

  /// The message exactly as the reference writes it.
  public var text: String {
    var object = JSONObject(["command": .string(command)])
    switch self {
    case .register(let key): object.append("publicKey", .string(key))
    case .authenticationRequest(let key, let challenge):
      object.append("publicKey", .string(key))
      object.append("challenge", .string(challenge))
    case .authenticationResponse(let response): object.append("response", .string(response))
    case .authenticationSuccess(let interval): object.append("pingInterval", .number(interval))
    case .communicationRequest(let source, let target):
      object.append("sourcePublicKey", .string(source))
      object.append("targetPublicKey", .string(target))
    case .ping, .pong, .connectionHandover, .communicationReady: break
    }
    return JSONValue.object(object).compact
  }
}
