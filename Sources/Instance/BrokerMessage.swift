import Wire
import WireBytes

/// The messages of X-INV/1 that a client sends and gets (connection.md 7.2). The token itself is in none (XI-021).
enum BrokerMessage: Sendable, Equatable {
  case create(invitationId: String, expiresIn: Double)
  case stored(invitationId: String, expiresIn: Double)
  case revoke(invitationId: String)
  case revoked(invitationId: String)
  case connect(invitationId: String, source: String)
  case request(invitationId: String, requestId: String, source: String)
  case accept(requestId: String)
  case reject(requestId: String)
  case accepted(invitationId: String, target: String)
  case error(code: String)

  static let extensionName = "invitation/1"

  /// Nil for everything that is none of these messages.
  static func decode(_ text: String) -> BrokerMessage? {
    guard text.utf8.count <= 4_096,
      case .object(let object)? = try? JSONValue.parse(text, limits: JSONLimits(depth: 8, values: 100)),
      let command = object["command"]?.string
    else { return nil }
    func word(_ name: String) -> String? { object[name]?.string }
    switch command {
    case "invitation_stored":
      guard let id = word("invitationId"), let left = object["expiresIn"]?.number else { return nil }
      return .stored(invitationId: id, expiresIn: left)
    case "invitation_revoked": return word("invitationId").map { .revoked(invitationId: $0) }
    case "invitation_request":
      guard let id = word("invitationId"), let request = word("requestId"), let source = word("sourcePublicKey"),
        Hex.isHex(request), request.utf8.count == 32
      else { return nil }
      return .request(invitationId: id, requestId: request, source: source)
    case "invitation_accepted":
      guard let id = word("invitationId"), let target = word("targetPublicKey") else { return nil }
      return .accepted(invitationId: id, target: target)
    case "invitation_error": return word("code").map { .error(code: String($0.prefix(40))) }
    default: return nil
    }
  }

  /// True when an `authentication_success` offers the extension.
  static func isOffered(in success: String) -> Bool {
    guard let value = try? JSONValue.parse(success, limits: JSONLimits(depth: 8, values: 200)) else { return false }
    return value["extensions"]?.array?.contains(.string(extensionName)) ?? false
  }

  var text: String {
    let value: JSONValue =
      switch self {
      case .create(let id, let left):
        ["command": "invitation_create", "invitationId": .string(id), "expiresIn": .number(left)]
      case .stored(let id, let left):
        ["command": "invitation_stored", "invitationId": .string(id), "expiresIn": .number(left)]
      case .revoke(let id): ["command": "invitation_revoke", "invitationId": .string(id)]
      case .revoked(let id): ["command": "invitation_revoked", "invitationId": .string(id)]
      case .connect(let id, let source):
        ["command": "invitation_connect", "invitationId": .string(id), "sourcePublicKey": .string(source)]
      case .request(let id, let request, let source):
        [
          "command": "invitation_request", "invitationId": .string(id), "requestId": .string(request),
          "sourcePublicKey": .string(source),
        ]
      case .accept(let request): ["command": "invitation_accept", "requestId": .string(request)]
      case .reject(let request): ["command": "invitation_reject", "requestId": .string(request)]
      case .accepted(let id, let target):
        ["command": "invitation_accepted", "invitationId": .string(id), "targetPublicKey": .string(target)]
      case .error(let code): ["command": "invitation_error", "code": .string(code)]
      }
    return value.compact
  }
}
