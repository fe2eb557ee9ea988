import Cryptobox
import Wire
import WireBytes

/// Reads the messages before the relay state, with the checks and the order of checks of each profile.
struct ClearMessageReader: Sendable {
  let settings: CommServerSettings

  enum First: Sendable {
    case register(key: PublicKey)
    case request(Request)
    case invitation(InvitationID, source: PublicKey)
  }

  enum OnSpare: Sendable {
    case pong
    case stray
    case invitation(JSONObject, command: String)
  }

  private var isStrict: Bool { settings.profile == .strict }
  private func has(_ fault: Fault) -> Bool { settings.faults.contains(fault) }

  // MARK: First message

  func first(_ message: Connection.Message) throws(CloseCause) -> First {
    let value = try parse(message)
    guard let object = value.object, let command = object["command"]?.string else { throw .notClientMessage }
    try checkForm(object, text: message)
    switch command {
    case "register":
      guard let key = object["publicKey"] else { throw .notClientMessage }
      return .register(key: try registrationKey(key))
    case "communication_request":
      var request = try self.request(object)
      if case .text(let text) = message { request.original = text }
      return .request(request)
    case "invitation_connect" where settings.invitations: return try connect(object)
    case "authentication_response" where object["response"] != nil: throw .unexpectedMessage
    case "comm_pong": throw .unexpectedMessage
    default: throw .notClientMessage
    }
  }

  /// The key of a registration: any hex text is read leniently by the deployed server, and what is no text has no
  /// length in JavaScript (observed.md 2).
  private func registrationKey(_ value: JSONValue) throws(CloseCause) -> PublicKey {
    if isStrict, !has(.acceptsNonHexKey), !has(.acceptsOtherKeyLengths) {
      guard let text = value.string, let key = PublicKey(hex: text) else { throw .notAKey }
      if !has(.acceptsLowOrderKey), key.isLowOrder { throw .lowOrderKey }
      return key
    }
    var bytes = try lenientBytes(value)
    if has(.acceptsOtherKeyLengths) {
      bytes = Array((bytes + [UInt8](repeating: 0, count: 32)).prefix(32))
    }
    guard let key = PublicKey(bytes: bytes) else { throw .notAKey }
    return key
  }

  private func request(_ object: JSONObject) throws(CloseCause) -> Request {
    guard let source = object["sourcePublicKey"]?.string, let target = object["targetPublicKey"]?.string,
      Hex.isHex(source), Hex.isHex(target)
    else { throw .notClientMessage }
    let request = Request(
      sourceText: source, targetText: target, source: PublicKey(hex: source), target: PublicKey(hex: target))
    guard isStrict else { return request }
    if !has(.burnsSpareOnBadSource), request.source == nil { throw .notAKey }
    if request.target == nil { throw .notAKey }
    if !has(.acceptsLowOrderSource), request.source?.isLowOrder == true { throw .lowOrderKey }
    if !has(.splicesToItself), request.source == request.target { throw .selfRequest }
    return request
  }

  private func connect(_ object: JSONObject) throws(CloseCause) -> First {
    guard let id = object["invitationId"]?.string.flatMap({ InvitationID(hex: $0) }),
      let source = object["sourcePublicKey"]?.string.flatMap({ PublicKey(hex: $0) }), !source.isLowOrder
    else { throw .invitation(.malformed) }
    return .invitation(id, source: source)
  }

  // MARK: Response

  /// The bytes of an authentication_response.
  func response(_ message: Connection.Message) throws(CloseCause) -> [UInt8] {
    let value = try parse(message)
    guard let object = value.object, let command = object["command"] else { throw .unexpectedType("undefined") }
    try checkForm(object, text: message)
    guard command.string == "authentication_response" else {
      throw .unexpectedType(excerpt(command.string ?? command.compact, 60))
    }
    guard let response = object["response"] else { throw .wrongMembers }
    if has(.refusesUpperCaseResponse), let text = response.string, text != text.lowercased() { throw .oddHex }
    if isStrict {
      guard let bytes = response.string.flatMap({ Hex.decode($0) }) else { throw .oddHex }
      return bytes
    }
    return try lenientBytes(response)
  }

  // MARK: On a registered socket

  func onSpare(_ message: Connection.Message) -> OnSpare {
    guard case .text(let text) = message, text.utf8.count <= settings.clearMessageLimit ?? .max,
      case .object(let object)? = try? JSONValue.parse(text, limits: limits), let command = object["command"]?.string
    else { return .stray }
    if command == "pong" { return .pong }
    let known = ["invitation_create", "invitation_revoke", "invitation_accept", "invitation_reject"]
    if settings.invitations, known.contains(command) { return .invitation(object, command: command) }
    return .stray
  }

  // MARK: Parts

  private var limits: JSONLimits {
    JSONLimits(depth: isStrict && !has(.ignoresDeepJSON) ? 32 : 256, values: isStrict ? 1_000 : 100_000)
  }

  private func parse(_ message: Connection.Message) throws(CloseCause) -> JSONValue {
    let text: String
    switch message {
    case .text(let whole): text = whole
    case .binary(let bytes):
      guard has(.readsBinaryAsText) else { throw .notText }
      text = String(decoding: bytes, as: UTF8.self)
    }
    if let limit = settings.clearMessageLimit, !has(.parsesLongMessages), text.utf8.count > limit { throw .tooLong }
    let value: JSONValue
    do throws(JSONFailure) { value = try JSONValue.parse(text, limits: limits) } catch {
      // The real text is the JavaScript engine's; ours names the same place in other words.
      throw .notJSON(text.isEmpty ? "Unexpected end of JSON input" : "\(error)")
    }
    if value == .null { throw .readOfNull("command") }
    if has(.firstMemberWins), let object = value.object {
      var turned = JSONObject()
      for member in object.members.reversed() { turned.append(member.name, member.value) }
      return .object(turned)
    }
    return value
  }

  /// What strict refuses in any object, and what some planted faults refuse.
  private func checkForm(_ object: JSONObject, text: Connection.Message) throws(CloseCause) {
    if isStrict, !has(.firstMemberWins), object.hasDoubledName { throw .notClientMessage }
    guard !settings.faults.isEmpty else { return }
    if has(.wantsCommandFirst), object.names.first != "command" { throw .notClientMessage }
    if has(.refusesWhiteSpace), case .text(let text) = text, JSONValue.object(object).compact != text {
      throw .notClientMessage
    }
    let known: Set<String> = [
      "command", "publicKey", "response", "sourcePublicKey", "targetPublicKey", "invitationId",
    ]
    if has(.refusesUnknownMembers), !known.isSuperset(of: object.names) { throw .notClientMessage }
  }

  /// JavaScript's reading of hex: null has no properties, everything else that is no text has no even length.
  private func lenientBytes(_ value: JSONValue) throws(CloseCause) -> [UInt8] {
    if value == .null { throw .readOfNull("length") }
    guard let text = value.string, let bytes = Hex.decodeLeniently(text) else { throw .oddHex }
    return bytes
  }
}
