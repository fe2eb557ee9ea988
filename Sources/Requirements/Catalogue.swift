/// Every requirement of the documents, by id.
public struct Catalogue: Sendable {
  /// In the order of the documents.
  public private(set) var requirements: [Requirement] = []
  private var index: [RequirementID: Int] = [:]

  /// Why a table of requirements cannot be read, and where.
  public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
    public let file: String
    public let line: Int
    public let reason: String
    public var description: String { "\(file):\(line): \(reason)" }
  }

  private static let columns = ["id", "level", "kind", "who", "severity", "document", "section", "text"]

  public init() {}

  /// Adds the rows of one CSV file whose first row names the columns; `file` stands in errors only.
  public mutating func add(csv text: String, file: String) throws(Failure) {
    let rows = CSV.rows(text)
    guard let header = rows.first, header.fields == Self.columns else {
      throw Failure(file: file, line: 1, reason: "the first row must be \(Self.columns.joined(separator: ","))")
    }
    for row in rows.dropFirst() { try add(row.fields, at: row.line, of: file) }
  }

  private mutating func add(_ fields: [String], at line: Int, of file: String) throws(Failure) {
    func fault(_ reason: String) -> Failure { Failure(file: file, line: line, reason: reason) }
    guard fields.count == Self.columns.count else {
      throw fault("\(fields.count) columns, expected \(Self.columns.count)")
    }
    guard let id = RequirementID(fields[0]) else { throw fault("\(fields[0]) is not an id such as CS-014") }
    guard index[id] == nil else { throw fault("\(id) stands twice") }
    guard let level = Requirement.Level(rawValue: fields[1]) else { throw fault("unknown level \(fields[1])") }
    guard let kind = Requirement.Kind(rawValue: fields[2]) else { throw fault("unknown kind \(fields[2])") }
    guard let who = Requirement.Role(rawValue: fields[3]) else { throw fault("unknown role \(fields[3])") }
    var severity: Requirement.Severity?
    if !fields[4].isEmpty {
      severity = Requirement.Severity(rawValue: fields[4])
      guard severity != nil else { throw fault("unknown severity \(fields[4])") }
    }
    guard !fields[7].isEmpty else { throw fault("\(id) has no text") }
    index[id] = requirements.count
    requirements.append(
      Requirement(
        id: id, level: level, kind: kind, who: who, severity: severity, document: fields[5], section: fields[6],
        text: fields[7]))
  }

  public subscript(id: RequirementID) -> Requirement? { index[id].map { requirements[$0] } }

  /// Ids that look alike, for an error text: the same family, or the same number.
  public func similar(to id: String) -> [RequirementID] {
    let family = id.prefix { $0 != "-" }
    let number = id.drop { $0 != "-" }
    return requirements.map(\.id).filter { $0.family == family || $0.text.hasSuffix(number) && !number.isEmpty }
      .prefix(8).map { $0 }
  }
}
