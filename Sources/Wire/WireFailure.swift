/// What is wrong with a message, and which chapter says so. Peers and files cause it; it is never a trap.
public struct WireFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// Short stable name such as `commserver.unknown-command`.
  public let code: String
  /// Document and chapter, such as `connection.md 2.2`.
  public let section: String
  public let detail: String

  public init(_ code: String, _ section: String, _ detail: String) {
    self.code = code
    self.section = section
    self.detail = detail
  }

  public var description: String { "\(code): \(detail) (\(section))" }
}

/// The two readings of everything (design.md): what the real implementation does, and what a safe one does.
public enum Profile: String, Sendable, CaseIterable {
  /// Byte for byte the behaviour of the real implementation, quirks included.
  case deployed
  /// Canonical form only, hardened limits.
  case strict
}

/// A text cut to a readable length for messages to people.
public func excerpt(_ text: String, _ limit: Int = 80) -> String {
  text.count <= limit ? text : text.prefix(limit) + "…"
}
