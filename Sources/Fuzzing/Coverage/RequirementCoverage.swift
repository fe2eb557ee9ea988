public import WireBytes

/// For each requirement MD-nnn what would notice its breach: computed from vectors, properties and tests.
public struct RequirementCoverage: Sendable {
  public struct Row: Sendable {
    public let requirement: Int
    /// File and how many of its vectors, such as `valid 2034`.
    public var vectors: [String] = []
    public var properties: [FuzzProperty] = []
    /// Names of tests that say the requirement's number.
    public var tests: [String] = []
    /// Why nothing here can notice a breach, and who does.
    public var reason: String?

    public var isCovered: Bool { !vectors.isEmpty || !properties.isEmpty || !tests.isEmpty || reason != nil }
    public var id: String { "MD-" + String(repeating: "0", count: 3 - String(requirement).count) + String(requirement) }
  }

  public private(set) var rows: [Row]
  /// Vector evidence that no entry of its file meets: a stale question.
  public private(set) var stale: [String] = []

  /// What a codec alone cannot show.
  static let reasons: [Int: String] = [
    73:
      "a store's duty: the codec hands out hashes; received objects are compared by the instance (CF rules of chum.md)",
    75: "version nodes are built by the instance; the codec only writes them (vectors valid of VersionNode types)",
  ]

  /// - Parameters:
  ///   - files: the vector files by the names of `VectorEvidence.file`.
  ///   - tests: pairs of a test's name and the numbers that it mentions.
  public init(files: [String: JSONValue], tests: [(name: String, requirements: [Int])]) {
    var rows = (1...100).map { Row(requirement: $0) }
    for evidence in VectorEvidence.all {
      let count = files[evidence.file].map(evidence.count) ?? 0
      if count == 0 {
        stale.append("MD-\(evidence.requirement) in \(evidence.file)")
      } else {
        rows[evidence.requirement - 1].vectors.append("\(evidence.file) \(count)")
      }
    }
    for property in FuzzProperty.allCases {
      for requirement in property.requirements { rows[requirement - 1].properties.append(property) }
    }
    for test in tests {
      for requirement in test.requirements where rows.indices.contains(requirement - 1) {
        rows[requirement - 1].tests.append(test.name)
      }
    }
    for (requirement, reason) in Self.reasons { rows[requirement - 1].reason = reason }
    self.rows = rows
  }

  public var gaps: [String] { rows.filter { !$0.isCovered }.map(\.id) }

  /// The table in Markdown, for the documentation.
  public var markdown: String {
    var out = "| requirement | vectors | fuzz properties | tests |\n|---|---|---|---|\n"
    for row in rows {
      let tests = row.tests.sorted().map { $0.replacing("|", with: "\\|") }.joined(separator: "; ")
      let properties = row.properties.map(\.rawValue).joined(separator: ", ")
      let last = row.reason.map { tests.isEmpty ? $0 : "\(tests); \($0)" } ?? tests
      out += "| \(row.id) | \(row.vectors.joined(separator: ", ")) | \(properties) | \(last) |\n"
    }
    return out
  }

  /// The numbers that a text mentions: `MD-064…067`, `MD-010, MD-069`.
  public static func requirements(in text: String) -> [Int] {
    var found: [Int] = []
    var rest = text[...]
    while let range = rest.firstRange(of: "MD-") {
      rest = rest[range.upperBound...]
      guard let first = Int(rest.prefix(3)) else { continue }
      rest = rest.dropFirst(3)
      var last = first
      if rest.hasPrefix("…") { last = Int(rest.dropFirst().drop { !$0.isNumber }.prefix(3)) ?? first }
      found += last >= first && last - first < 100 ? Array(first...last) : [first]
    }
    return found
  }
}
