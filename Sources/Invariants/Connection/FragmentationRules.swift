import Trace
import Wire

/// FR-001 and FR-002: texts are cut exactly when they must be.
struct TextsAreCutAtTheLimit: Rule {
  static let info = RuleInfo(
    id: "FR-002", alsoDecides: ["FR-001"],
    statement: "A text is fragmented if and only if it has 16,384 UTF-16 units or more.", severity: .major,
    reference: "connection.md 3.5", sight: .decrypted)
  static let interests: EventSet = .plain
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .plain(.text(let text), let fragments) = event.kind else { return }
    // Fewer bytes than units is impossible, so short texts need no counting.
    if fragments == nil, text.utf8.count < Fragmentation.chunkSize / 4 { return }
    if Fragmentation.mustSplit(text) != (fragments != nil) {
      report.violation(
        at: event, by: event.sender,
        "a text of \(text.utf16.count) units came \(fragments == nil ? "whole" : "in \(fragments ?? 0) pieces")")
    }
  }
}

/// FR-003 and FR-004: the same for bytes.
struct BytesAreCutAtTheLimit: Rule {
  static let info = RuleInfo(
    id: "FR-004", alsoDecides: ["FR-003"],
    statement: "A binary message is fragmented if and only if it has more than 65,536 bytes.", severity: .major,
    reference: "connection.md 3.5", knownDeviation: "F47", sight: .decrypted)
  static let interests: EventSet = .plain
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .plain(.binary(let bytes), let fragments) = event.kind else { return }
    if (bytes.count > Fragmentation.chunkSize) != (fragments != nil) {
      report.violation(
        at: event, by: event.sender,
        "a binary message of \(bytes.count) bytes came \(fragments == nil ? "whole" : "in \(fragments ?? 0) pieces")",
        deviation: bytes.isEmpty && fragments == 0 ? "F47" : nil)
    }
  }
}

/// FR-007: marks in their order.
struct MarksInOrder: Rule {
  static let info = RuleInfo(
    id: "FR-007",
    statement: "Between start and end there are only pieces; no end without start, no start within start.",
    severity: .major, reference: "connection.md 3.5", sight: .decrypted)
  static let interests: EventSet = [.fragmentFault, .fragment]
  private var start: [Witness?] = [nil, nil]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .fragment(.startText), .fragment(.startBinary): start[side] = Witness(event, "the start mark")
    case .fragment(.end): start[side] = nil
    case .fragmentFault(let failure):
      report.violation(at: event, by: event.sender, failure.detail, because: [start[side]].compactMap { $0 })
    default: break
    }
  }
}

/// FR-009: pieces have their size. Receivers take any; the real sender fills all but the last.
struct PiecesAreFull: Rule {
  static let info = RuleInfo(
    id: "FR-009", statement: "No piece has more than 65,536 bytes, and none but the last has fewer.", severity: .minor,
    reference: "connection.md 3.5", sight: .decrypted)
  static let interests: EventSet = .fragment
  private var short: [Witness?] = [nil, nil]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    guard case .fragment(let mark) = event.kind else { return }
    guard case .piece(let length) = mark else {
      short[side] = nil
      return
    }
    if length > Fragmentation.chunkSize {
      report.violation(at: event, by: event.sender, "a piece of \(length) bytes", also: ["FR-002"])
    } else if let earlier = short[side] {
      report.violation(
        at: event, by: event.sender, "a piece behind a short one", because: [earlier], weight: .remark)
    }
    short[side] = length < Fragmentation.chunkSize ? Witness(event, "a piece of \(length) bytes") : nil
  }
}
