extension RuleBook {
  /// Rules of chum.md 5.4, 5.5 and 5.8.
  static let chum: [any Rule.Type] = []
}
