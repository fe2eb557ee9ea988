public import CommServer
public import Wire
public import WireBytes

/// Settings of the embedded server by the names that scenario files use; the same names are variables in formulas.
public enum ServerSettings {
  /// Why a setting cannot be used.
  public struct Failure: Error, Sendable, CustomStringConvertible {
    public let description: String
  }

  private enum Member: Sendable {
    case time(any WritableKeyPath<CommServerSettings, Double> & Sendable)
    case optionalTime(any WritableKeyPath<CommServerSettings, Double?> & Sendable)
    case count(any WritableKeyPath<CommServerSettings, Int> & Sendable)
    case optionalCount(any WritableKeyPath<CommServerSettings, Int?> & Sendable)
    case truth(any WritableKeyPath<CommServerSettings, Bool> & Sendable)
  }

  private static let members: [String: Member] = [
    "pingInterval": .time(\.pingInterval),
    "pongTimeout": .time(\.pongTimeout),
    "firstMessageTimeout": .optionalTime(\.firstMessageTimeout),
    "responseTimeout": .optionalTime(\.responseTimeout),
    "relayIdleTimeout": .optionalTime(\.relayIdleTimeout),
    "clearMessageLimit": .optionalCount(\.clearMessageLimit),
    "sparesPerKey": .optionalCount(\.sparesPerKey),
    "connections": .optionalCount(\.connections),
    "socketsPerSecond": .optionalCount(\.socketsPerSecond),
    "requestsPerMinute": .optionalCount(\.requestsPerMinute),
    "pongsPerSecond": .optionalCount(\.pongsPerSecond),
    "earlyMessages": .count(\.earlyMessages),
    "invitations": .truth(\.invitations),
    "invitationAnswerTimeout": .time(\.invitationLimits.answerTimeout),
    "invitationLifetime": .time(\.invitationLimits.longestLifetime),
    "invitationsPerKey": .count(\.invitationLimits.perKey),
    "failedConnectsPerMinute": .count(\.invitationLimits.failuresPerMinute),
  ]

  public static var names: [String] { members.keys.sorted() }

  /// Those that are times or counts: what a user may tell of a server by a number.
  public static var numbers: [String] {
    members.filter { if case .truth = $0.value { false } else { true } }.keys.sorted()
  }

  /// Sets one member; `null` means without limit where that is possible.
  public static func set(_ name: String, _ value: JSONValue, in settings: inout CommServerSettings) throws(Failure) {
    guard let member = members[name] else {
      throw Failure(description: "no setting \(name); there are \(names.joined(separator: ", "))")
    }
    func fault(_ wanted: String) -> Failure {
      Failure(description: "\(name) is a \(value.kindName), expected \(wanted)")
    }
    switch member {
    case .time(let path):
      guard let number = value.number, number >= 0 else { throw fault("ms") }
      settings[keyPath: path] = number
    case .optionalTime(let path):
      guard value == .null || value.number ?? -1 >= 0 else { throw fault("ms or null") }
      settings[keyPath: path] = value.number
    case .count(let path):
      guard let count = value.integer, count >= 0 else { throw fault("a count") }
      settings[keyPath: path] = count
    case .optionalCount(let path):
      guard value == .null || value.integer ?? -1 >= 0 else { throw fault("a count or null") }
      settings[keyPath: path] = value.integer
    case .truth(let path):
      guard let truth = value.bool else { throw fault("true or false") }
      settings[keyPath: path] = truth
    }
  }

  /// The settings as variables of the scenario language, with `profile`.
  public static func facts(_ settings: CommServerSettings) -> [String: Value] {
    // Other cases do not come from the same address when a case has a server of its own.
    var facts: [String: Value] = ["profile": .text(settings.profile.rawValue), "sharesAddress": .truth(false)]
    // Where there is no limit, cases ask for the one of connection.md 8 and find it missing.
    let assumed = CommServerSettings(profile: .strict)
    for (name, member) in members {
      facts[name] =
        switch member {
        case .time(let path): .number(settings[keyPath: path])
        case .optionalTime(let path): (settings[keyPath: path] ?? assumed[keyPath: path]).map { .number($0) } ?? .null
        case .count(let path): .number(Double(settings[keyPath: path]))
        case .optionalCount(let path):
          (settings[keyPath: path] ?? assumed[keyPath: path]).map { .number(Double($0)) } ?? .null
        case .truth(let path): .truth(settings[keyPath: path])
        }
    }
    return facts
  }

  /// What a case assumes of a server that does not tell: the numbers of connection.md 8.
  public static func assumed(_ profile: Profile) -> [String: Value] {
    var settings = CommServerSettings(profile: .strict)
    settings.profile = profile
    return facts(settings)
  }
}
