import WireBytes

/// Reading of one JSON object with typed failures that name the member.
struct JSONMessage {
  let object: JSONObject
  let area: String
  let section: String
  let profile: Profile

  /// Bounds of a message: deeper or larger texts are refused before they cost anything (TR-017).
  static let limits = JSONLimits(depth: 32, values: 100_000)

  init(_ text: String, area: String, section: String, profile: Profile) throws(WireFailure) {
    let value: JSONValue
    do throws(JSONFailure) {
      value = try JSONValue.parse(text, limits: Self.limits)
    } catch {
      throw WireFailure("\(area).not-json", section, "not JSON: \(error)")
    }
    guard case .object(let object) = value else {
      throw WireFailure("\(area).not-an-object", section, "a JSON \(value.kindName), not an object")
    }
    try self.init(object, area: area, section: section, profile: profile)
  }

  init(_ object: JSONObject, area: String, section: String, profile: Profile) throws(WireFailure) {
    if profile == .strict, object.hasDoubledName {
      throw WireFailure("\(area).doubled-member", "connection.md 8.1", "a member stands twice")
    }
    self.object = object
    self.area = area
    self.section = section
    self.profile = profile
  }

  func string(_ name: String) throws(WireFailure) -> String {
    guard let value = object[name] else { throw fault("missing-member", "\(name) is missing") }
    guard let text = value.string else {
      throw fault("wrong-type", "\(name) is a JSON \(value.kindName), not a string")
    }
    return text
  }

  func number(_ name: String) throws(WireFailure) -> Double {
    guard let value = object[name] else { throw fault("missing-member", "\(name) is missing") }
    guard let number = value.number else {
      throw fault("wrong-type", "\(name) is a JSON \(value.kindName), not a number")
    }
    return number
  }

  func member(_ name: String) throws(WireFailure) -> JSONMessage {
    guard let value = object[name] else { throw fault("missing-member", "\(name) is missing") }
    guard let inner = value.object else {
      throw fault("wrong-type", "\(name) is a JSON \(value.kindName), not an object")
    }
    return try JSONMessage(inner, area: area, section: section, profile: profile)
  }

  /// A hex text; strict wants exactly 64 digits of either case where a key stands.
  func key(_ name: String) throws(WireFailure) -> String {
    let text = try string(name)
    if profile == .strict, text.utf8.count != 64 || !Hex.isHex(text) {
      throw fault("not-a-key", "\(name) is not 64 hex digits")
    }
    return text
  }

  func fault(_ code: String, _ detail: String) -> WireFailure { WireFailure("\(area).\(code)", section, detail) }
}
