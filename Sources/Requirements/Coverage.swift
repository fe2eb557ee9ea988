/// Why a requirement has no case yet (Fixtures/Spec/uncovered.csv).
public struct CoverageGap: Sendable, Equatable {
  public enum Reason: String, Sendable, CaseIterable {
    /// Nothing outside the implementation can tell, for instance constant time.
    case notObservable = "not-observable"
    /// Needs a live instance as target.
    case needsInstance = "needs-instance"
    /// Decided by the rules of replay over recordings.
    case byReplay = "by-replay"
    /// Decided by the codec's own tests and vectors.
    case byCodec = "by-codec"
    /// Observable, but only with load or memory measurement.
    case byMeasurement = "by-measurement"
    case later

    public var phrase: String {
      switch self {
      case .notObservable: "not observable"
      case .needsInstance: "needs an instance"
      case .byReplay: "judged by replay"
      case .byCodec: "judged by codec tests"
      case .byMeasurement: "judged by measurement"
      case .later: "later"
      }
    }
  }
  public let reason: Reason
  public let note: String
}

/// Explanations for requirements without a case: by id, or `FAMILY-*` for a whole family.
public struct CoverageGaps: Sendable {
  private var exact: [RequirementID: CoverageGap] = [:]
  private var families: [String: CoverageGap] = [:]

  public init() {}

  /// Reads `id,reason,note` rows.
  public init(csv text: String, file: String) throws(Catalogue.Failure) {
    let rows = CSV.rows(text)
    guard rows.first?.fields == ["id", "reason", "note"] else {
      throw Catalogue.Failure(file: file, line: 1, reason: "the first row must be id,reason,note")
    }
    for row in rows.dropFirst() {
      func fault(_ reason: String) -> Catalogue.Failure { .init(file: file, line: row.line, reason: reason) }
      guard row.fields.count == 3 else { throw fault("\(row.fields.count) columns, expected 3") }
      guard let reason = CoverageGap.Reason(rawValue: row.fields[1]) else {
        throw fault(
          "unknown reason \(row.fields[1]); one of \(CoverageGap.Reason.allCases.map(\.rawValue).joined(separator: ", "))"
        )
      }
      let gap = CoverageGap(reason: reason, note: row.fields[2])
      if row.fields[0].hasSuffix("-*") {
        families[String(row.fields[0].dropLast(2))] = gap
      } else if let id = RequirementID(row.fields[0]) {
        exact[id] = gap
      } else {
        throw fault("\(row.fields[0]) is neither an id nor FAMILY-*")
      }
    }
  }

  public subscript(id: RequirementID) -> CoverageGap? { exact[id] ?? families[id.family] }

  /// The ids that are explained one by one, so that a test can find entries that have become wrong.
  public var explainedIDs: [RequirementID] { exact.keys.sorted() }
}
