public import Cryptobox
public import WireBytes

/// The first line of a session (`one-ws-recording/1`, INDEX.md): what was recorded, with which keys.
public struct RecordingHeader: Sendable {
  public struct StaticKey: Sendable {
    public let role: String
    public let publicKey: PublicKey
    public let secretKey: SecretKey
  }

  public var name: String?
  public var description: String?
  public var implementation: JSONValue?
  /// When the recording began, in ms since 1970.
  public var started: Double?
  /// Milliseconds, from the CommServer's settings.
  public var pingInterval: Double?
  public var pongTimeout: Double?
  /// Milliseconds between two rounds of CHUM, from `chum`.
  public var pollInterval: Double?
  public var staticKeys: [StaticKey] = []
  public var sharedKeys: [SharedKey] = []

  public init() {}

  /// Reads the header line; every member but `type` and `format` may be missing.
  public init(_ value: JSONValue, limits: RecordingLimits = RecordingLimits()) throws(RecordingFailure) {
    guard case .object(let header) = value else {
      throw RecordingFailure(line: 1, "the header is a JSON \(value.kindName), not an object")
    }
    guard header["type"]?.string == "header" else {
      throw RecordingFailure(line: 1, "the first line has no \"type\":\"header\": not a one-ws-recording/1")
    }
    guard header["format"]?.string == "one-ws-recording/1" else {
      let format = header["format"]?.string.map { "\"\($0.prefix(60))\"" } ?? "missing"
      throw RecordingFailure(line: 1, "format is \(format); this version reads one-ws-recording/1")
    }
    name = header["name"]?.string
    description = header["description"]?.string
    implementation = header["implementation"]
    started = header["started"]?.string.flatMap { ISODate.seconds($0) }.map { $0 * 1_000 }
    pingInterval = try Self.milliseconds(header["commServer"]?["pingInterval"], "commServer.pingInterval")
    pollInterval = try Self.milliseconds(header["chum"]?["pollInterval"], "chum.pollInterval")
    pongTimeout = try Self.milliseconds(header["commServer"]?["pongTimeout"], "commServer.pongTimeout")
    guard let keys = header["keys"], keys != .null else { return }
    guard keys.object != nil else { throw RecordingFailure(line: 1, "keys is a JSON \(keys.kindName), not an object") }
    try readStaticKeys(keys["x25519"], limits)
    try readSharedKeys(keys["sharedKeys"], limits)
  }

  private static func milliseconds(_ value: JSONValue?, _ name: String) throws(RecordingFailure) -> Double? {
    guard let value, value != .null else { return nil }
    guard let number = value.number, number.isFinite, number > 0, number <= 86_400_000 else {
      throw RecordingFailure(line: 1, "\(name) is not a time in ms between 0 and a day")
    }
    return number
  }

  private mutating func readStaticKeys(_ value: JSONValue?, _ limits: RecordingLimits) throws(RecordingFailure) {
    let entries = try Self.list(value, "keys.x25519", limits)
    for (index, entry) in entries.enumerated() {
      guard let publicText = entry["pub"]?.string, let secretText = entry["sec"]?.string else {
        throw RecordingFailure(line: 1, "keys.x25519[\(index)] has no pub and sec strings")
      }
      guard let publicKey = PublicKey(hex: publicText), let secretKey = SecretKey(hex: secretText) else {
        throw RecordingFailure(line: 1, "keys.x25519[\(index)]: pub and sec must be 64 hex digits each")
      }
      let role = entry["role"]?.string ?? "?"
      staticKeys.append(StaticKey(role: role, publicKey: publicKey, secretKey: secretKey))
    }
  }

  private mutating func readSharedKeys(_ value: JSONValue?, _ limits: RecordingLimits) throws(RecordingFailure) {
    let entries = try Self.list(value, "keys.sharedKeys", limits)
    for (index, entry) in entries.enumerated() {
      guard let key = entry["key"]?.string.flatMap({ SharedKey(hex: $0) }) else {
        throw RecordingFailure(line: 1, "keys.sharedKeys[\(index)].key must be 64 hex digits")
      }
      sharedKeys.append(key)
    }
  }

  private static func list(
    _ value: JSONValue?, _ name: String, _ limits: RecordingLimits
  ) throws(RecordingFailure) -> [JSONValue] {
    guard let value, value != .null else { return [] }
    guard let entries = value.array else { throw RecordingFailure(line: 1, "\(name) is not an array") }
    guard entries.count <= limits.keys else {
      throw RecordingFailure(line: 1, "\(name) has more than \(limits.keys) entries")
    }
    return entries
  }
}
