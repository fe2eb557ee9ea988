/// Figures recorded once on the documents of the corpus, MB/s, each the best of three runs on an idle machine
/// (2 virtual AMD EPYC cores): the reference in node v20.20.2, and libxml2 2.9.14 beside it.
struct ReferenceFigures {
  let parse: Double
  let serialise: Double
  let htmlMemory: Double
  let htmlPush: Double

  static let byName: [String: ReferenceFigures] = [
    "small-keys": .init(parse: 23.8, serialise: 36.7, htmlMemory: 93.6, htmlPush: 106.4),
    "small-person": .init(parse: 204.5, serialise: 220.8, htmlMemory: 87.0, htmlPush: 108.5),
    "medium-access": .init(parse: 52.0, serialise: 109.6, htmlMemory: 105.8, htmlPush: 115.5),
    "medium-mixed": .init(parse: 11.1, serialise: 35.6, htmlMemory: 76.7, htmlPush: 92.0),
    "medium-recipe": .init(parse: 53.7, serialise: 27.7, htmlMemory: 166.1, htmlPush: 178.8),
    "large-access-bag": .init(parse: 63.5, serialise: 57.7, htmlMemory: 108.0, htmlPush: 119.7),
    "large-objects": .init(parse: 7.70, serialise: 55.5, htmlMemory: 73.0, htmlPush: 85.5),
    "large-strings-set": .init(parse: 39.3, serialise: 51.0, htmlMemory: 86.3, htmlPush: 107.2),
    "large-one-string": .init(parse: 76.7, serialise: 70.0, htmlMemory: 122.5, htmlPush: 148.6),
  ]
}

/// What lxbench.c printed for one file, MB/s.
public struct LibXMLFigures: Sendable {
  public let htmlMemory: Double
  public let htmlPush: Double
  public let htmlTree: Double
  public let xml: Double
  public let xmlTree: Double

  /// Reads one row of lxbench's table; nil when it is none.
  public init?(row: String) {
    let cells = row.split(separator: "|").map { $0.trimmingPrefix { $0 == " " } }
    let speeds = cells.compactMap { cell -> Double? in
      guard let end = cell.range(of: " MB/s") else { return nil }
      return Double(cell[..<end.lowerBound])
    }
    guard speeds.count == 5 else { return nil }
    htmlMemory = speeds[0]
    htmlPush = speeds[1]
    htmlTree = speeds[2]
    xml = speeds[3]
    xmlTree = speeds[4]
  }
}

extension Substring {
  fileprivate func range(of text: String) -> Range<Index>? { firstRange(of: text) }
}
