/// Every rule there is; a rule that is not listed here does not run.
public enum RuleBook {
  public static let all: [any Rule.Type] = connection + chum + chumLog + access + channels + plugins

  public static func rule(_ id: String) -> (any Rule.Type)? {
    all.first { $0.info.id == id } ?? all.first { $0.info.alsoDecides.contains(id) }
      ?? all.first { $0.info.partlyDecides.contains(id) }
  }

  /// Which requirements the rules decide, as rows of the coverage matrix.
  public static var coverage: [(String, [String])] {
    all.map { ("rule \($0.info.id)", [$0.info.id] + $0.info.alsoDecides + $0.info.partlyDecides) }
  }
}
