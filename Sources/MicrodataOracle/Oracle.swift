/// What one of libxml2's parsers says about a document of ours.
public struct OracleReport: Sendable {
  /// The plain comparison, before the list of known differences: the words of the vectors' `xml` fields.
  public enum Outcome: String, Sendable {
    case same, different, reject
  }

  public enum Verdict: Sendable {
    /// The trees are the same.
    case same
    /// They differ, exactly as the list of known differences says.
    case known([KnownDifference])
    /// The list says that nothing can be said.
    case unjudged([KnownDifference])
    /// They differ in a way that the list does not know.
    case different([TreeDifference])
    /// libxml2 refuses what it should read.
    case refused(LibXMLFailure)
    /// libxml2 reads what the list says it refuses.
    case notRefused([KnownDifference])
  }

  public let parser: OracleParser
  public let outcome: Outcome
  public let verdict: Verdict

  public var isFault: Bool {
    switch verdict {
    case .same, .known, .unjudged: false
    case .different, .refused, .notRefused: true
    }
  }

  public var lines: [String] {
    switch verdict {
    case .same: ["same tree"]
    case .known(let list): list.map { "known difference \($0.rawValue): \($0.statement)" }
    case .unjudged(let list): list.map { "not judged, \($0.rawValue): \($0.statement)" }
    case .different(let differences): differences.map(\.description)
    case .refused(let failure): [failure.description]
    case .notRefused(let list): list.map { "\($0.rawValue) predicts a refusal, but libxml2 reads the document" }
    }
  }
}

/// libxml2's reading of microdata, compared with the grammar's (microdata.md 14, MD-100).
public enum Oracle {
  /// What libxml2 2.9.14 can take: deeper or longer documents say nothing about the codec.
  public static let longestText = 9_000_000
  public static let deepest = 250

  /// Compares the grammar's tree of these bytes with libxml2's.
  ///
  /// Throws when the bytes are not of the grammar at all; the caller has then nothing to compare.
  public static func compare(_ bytes: [UInt8], with parser: OracleParser) throws(MarkupFailure) -> OracleReport {
    compare(bytes, tree: try MarkupReader.read(bytes), with: parser)
  }

  /// Compares a tree that the caller expects of these bytes with libxml2's.
  public static func compare(_ bytes: [UInt8], tree: MarkupTree, with parser: OracleParser) -> OracleReport {
    var failure: LibXMLFailure?
    let theirs: MarkupTree? =
      switch parser {
      case .html: LibXMLDocument(html: bytes)?.tree() ?? MarkupTree()
      case .xml: LibXMLDocument(xml: patched(bytes), failure: &failure)?.tree()
      }
    return judge(Prediction(tree, of: bytes, for: parser), plain: tree, theirs, failure, parser)
  }

  /// True when the XML parser takes the bytes as they are; canonical microdata never is well-formed.
  public static func isWellFormedXML(_ bytes: [UInt8]) -> Bool {
    var failure: LibXMLFailure?
    return LibXMLDocument(xml: bytes, failure: &failure)?.tree() != nil
  }

  /// The bytes with the first ` itemscope ` given a value, without which no XML parser takes them.
  static func patched(_ bytes: [UInt8]) -> [UInt8] {
    let needle = Array(" itemscope ".utf8)
    // The attribute stands in the outer start tag or nowhere.
    let head = bytes.prefix(while: { $0 != 0x3E })
    guard head.count >= needle.count else { return bytes }
    for start in 0...(head.count - needle.count) where head[start..<start + needle.count].elementsEqual(needle) {
      return bytes[..<start] + Array(" itemscope=\"\" ".utf8) + bytes[(start + needle.count)...]
    }
    return bytes
  }

  private static func judge(
    _ prediction: Prediction, plain: MarkupTree, _ theirs: MarkupTree?, _ failure: LibXMLFailure?,
    _ parser: OracleParser
  ) -> OracleReport {
    guard let theirs else {
      let verdict: OracleReport.Verdict =
        if prediction.isUnjudged {
          .unjudged(prediction.applied)
        } else if prediction.isRefused || prediction.mayDecodeAttributes {
          .known(prediction.applied)
        } else {
          .refused(failure ?? LibXMLFailure.none)
        }
      return OracleReport(parser: parser, outcome: .reject, verdict: verdict)
    }
    let differences = TreeComparison(plain, theirs).differences
    let outcome = differences.isEmpty ? OracleReport.Outcome.same : .different
    if prediction.isUnjudged {
      return OracleReport(parser: parser, outcome: outcome, verdict: .unjudged(prediction.applied))
    }
    if prediction.isRefused {
      return OracleReport(parser: parser, outcome: outcome, verdict: .notRefused(prediction.applied))
    }
    if prediction.applied.isEmpty {
      return OracleReport(
        parser: parser, outcome: outcome, verdict: differences.isEmpty ? .same : .different(differences))
    }
    let remaining = TreeComparison(
      prediction.tree, theirs, toleratesAmpersands: prediction.mayDecodeAttributes
    ).differences
    return OracleReport(
      parser: parser, outcome: outcome, verdict: remaining.isEmpty ? .known(prediction.applied) : .different(remaining))
  }
}
