import WireBytes

/// What is wrong with an event of an instance log.
public struct LogFailure: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String
  init(_ description: String) { self.description = description }
}

/// The members of one log line, read by name. `null`, and `$__undefined$` of the wire, count as missing.
struct LogFields {
  let name: String
  let object: JSONObject
  /// The recording's start in ms since 1970; times larger than a recording can be long are related to it.
  let epoch: Double?

  /// From this many ms on a time is one since 1970 (March 1973), not since a recording's start (three years).
  static let firstWall = 1e11

  private func fault(_ key: String, _ what: String) -> LogFailure { LogFailure("\(name): \(key) \(what)") }

  func value(_ key: String) -> JSONValue? {
    guard let value = object[key], value != .null, value.string != "$__undefined$" else { return nil }
    return value
  }

  func text(_ key: String) throws(LogFailure) -> String {
    guard let text = try optionalText(key) else { throw fault(key, "is missing") }
    return text
  }

  func optionalText(_ key: String) throws(LogFailure) -> String? {
    guard let value = value(key) else { return nil }
    guard let text = value.string else { throw fault(key, "is a JSON \(value.kindName), not a string") }
    return text
  }

  func flag(_ key: String) throws(LogFailure) -> Bool? {
    guard let value = value(key) else { return nil }
    guard let flag = value.bool else { throw fault(key, "is a JSON \(value.kindName), not a boolean") }
    return flag
  }

  func number(_ key: String) throws(LogFailure) -> Double? {
    guard let value = value(key) else { return nil }
    guard let number = value.number, number.isFinite, number.magnitude < 1e16 else {
      throw fault(key, "is not a number below 10^16")
    }
    return number
  }

  func integer(_ key: String) throws(LogFailure) -> Int? {
    guard let value = value(key) else { return nil }
    guard let number = value.integer else { throw fault(key, "is not an integer") }
    return number
  }

  /// A moment in ms of the recording; nil for one since 1970 when the recording's start is not known.
  func time(_ key: String) throws(LogFailure) -> Double? {
    guard let number = try number(key) else { return nil }
    guard number >= Self.firstWall else { return number }
    return epoch.map { number - $0 }
  }

  func texts(_ key: String) throws(LogFailure) -> [String]? {
    guard let value = value(key) else { return nil }
    guard let texts = Self.texts(value) else { throw fault(key, "is not a list of strings") }
    return texts
  }

  static func texts(_ value: JSONValue) -> [String]? {
    guard let items = value.array else { return nil }
    let texts = items.compactMap(\.string)
    return texts.count == items.count ? texts : nil
  }

  func members(_ key: String) throws(LogFailure) -> [JSONObject.Member] {
    guard let value = value(key) else { return [] }
    guard let object = value.object else { throw fault(key, "is a JSON \(value.kindName), not an object") }
    return object.members
  }

  func items(_ key: String) throws(LogFailure) -> [JSONValue] {
    guard let value = value(key) else { return [] }
    guard let items = value.array else { throw fault(key, "is a JSON \(value.kindName), not a list") }
    return items
  }

  func kind(_ key: String) throws(LogFailure) -> ObjectKind {
    let text = try text(key)
    guard let kind = ObjectKind(rawValue: text) else {
      throw fault(key, "is \(JSONText.quoted(String(text.prefix(40)))): none of object, id, blob, clob")
    }
    return kind
  }

  /// True and false by two words; a third word is a fault.
  func either(_ key: String, _ yes: String, _ no: String) throws(LogFailure) -> Bool? {
    guard let text = try optionalText(key) else { return nil }
    if text == yes { return true }
    if text == no { return false }
    throw fault(key, "is neither \(yes) nor \(no)")
  }

  /// A list of entries; each is an object, or only the hash of the LinkedListEntry.
  func entries(_ key: String) throws(LogFailure) -> [LogEntry]? {
    guard value(key) != nil else { return nil }
    var out: [LogEntry] = []
    for item in try items(key) {
      if let hash = item.string {
        out.append(LogEntry(entry: hash))
      } else if let object = item.object {
        out.append(try LogFields(name: "\(name): an entry of \(key)", object: object, epoch: nil).entry())
      } else {
        throw fault(key, "holds a JSON \(item.kindName), not an entry")
      }
    }
    return out
  }

  func entry() throws(LogFailure) -> LogEntry {
    LogEntry(
      entry: try optionalText("entry"), creationTime: try optionalText("creationTime"),
      timestamp: try number("timestamp"), data: try optionalText("data"))
  }

  func within(_ key: String, _ value: JSONValue) throws(LogFailure) -> LogFields {
    guard let object = value.object else { throw fault(key, "holds a JSON \(value.kindName), not an object") }
    return LogFields(name: "\(name): \(key)", object: object, epoch: epoch)
  }
}
