import Wire
import WireBytes

/// Planted faults that refuse what everybody must accept: unknown members, white space, upper case.
enum Overstrict {
  static let defects: Set<Defect> = [.refusesUnknownMembers, .refusesWhiteSpace, .refusesUpperCase]

  /// The message, or something malformed in its place.
  static func bent(_ message: WireMessage, _ defects: Set<Defect>) -> WireMessage {
    guard case .text(let text) = message else { return message }
    let canonical: String
    if let known = try? CommServerMessage.decode(text) {
      canonical = known.text
    } else if let known = try? PeerMessage.decode(text) {
      canonical = known.text
    } else {
      return message
    }
    let isRefused =
      defects.contains(.refusesUnknownMembers) && members(text) > members(canonical)
      || defects.contains(.refusesWhiteSpace) && text.contains { $0 == " " || $0 == "\n" }
      || defects.contains(.refusesUpperCase) && canonical.lowercased() != canonical && canonical.contains("Key")
    return isRefused ? .text("{") : message
  }

  private static func members(_ text: String) -> Int { (try? JSONValue.parse(text)).map(members) ?? 0 }

  private static func members(_ value: JSONValue) -> Int {
    guard case .object(let object) = value else { return 0 }
    return object.members.reduce(0) { $0 + 1 + members($1.value) }
  }
}
