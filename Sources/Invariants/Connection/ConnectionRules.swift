extension RuleBook {
  /// Rules of connection.md 1–6 and chum.md 5.9.
  static let connection: [any Rule.Type] = []
}
