/// One demand of the documents, as a row of the catalogue (Fixtures/Spec).
public struct Requirement: Sendable, Equatable {
  /// Stable name such as `CS-014`.
  public let id: RequirementID
  public let level: Level
  public let kind: Kind
  public let who: Role
  /// Nil where the documents rate nothing.
  public let severity: Severity?
  /// File name of the document, such as `connection.md`.
  public let document: String
  public let section: String
  /// The demand: what happens, a colon, what must be observed.
  public let text: String

  public enum Level: String, Sendable, CaseIterable {
    case must = "MUST"
    case mustNot = "MUST NOT"
    case should = "SHOULD"
    /// A temporal rule of chum.md chapter 5, without a level of its own.
    case rule
  }

  /// How the deployed implementation stands to a demand (connection.md 8, chum.md 5, microdata.md 18).
  public enum Kind: String, Sendable, CaseIterable {
    case base = "B"
    case compatible = "C"
    case hardening = "H"
    case strict = "S"
    case extended = "X"
    case deployment = "D"

    /// True when a deployed implementation may break it without being incompatible.
    public var isHardening: Bool {
      switch self {
      case .hardening, .strict, .deployment: true
      case .base, .compatible, .extended: false
      }
    }

    public var name: String {
      switch self {
      case .base: "base"
      case .compatible: "compatible"
      case .hardening: "hardening"
      case .strict: "strict"
      case .extended: "extension"
      case .deployment: "deployment"
      }
    }
  }

  public enum Role: String, Sendable, CaseIterable {
    case server, listener, requester, acceptor, either, peer, importer, exporter, connection, instance, codec, reader
    case writer
  }

  public enum Severity: String, Sendable, CaseIterable {
    case critical = "C"
    case high = "H"
    case medium = "M"
    case low = "L"

    public var name: String {
      switch self {
      case .critical: "critical"
      case .high: "high"
      case .medium: "medium"
      case .low: "low"
      }
    }
  }
}

/// The stable name of a requirement: capital letters, a hyphen, digits.
public struct RequirementID: Sendable, Hashable, Comparable, CustomStringConvertible {
  public let text: String

  /// Nil unless the text has the form `CS-014`.
  public init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, (1...8).contains(parts[0].utf8.count), (1...4).contains(parts[1].utf8.count),
      parts[0].utf8.allSatisfy({ (0x41...0x5A).contains($0) }), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) })
    else { return nil }
    self.text = text
  }

  /// The letters before the hyphen.
  public var family: String { String(text.prefix { $0 != "-" }) }
  public var description: String { text }
  public static func < (one: RequirementID, other: RequirementID) -> Bool { one.text < other.text }
}
