import Trace
import Wire
import WireBytes

/// CHUM-032: the error that the troubleshooting list names.
struct NoMalformedMicrodata: Rule {
  static let info = RuleInfo(
    id: "CHUM-032", statement: "No error text and no close reason contains M2O-PH1.", severity: .major,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.responded, .closed]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .responded(let id, .error(_, let message, let code)):
      if code == "M2O-PH1" || contains(message ?? "", "M2O-PH1") {
        report.violation(at: event, by: event.sender, "answer \(id): \(excerpt(message ?? "M2O-PH1"))")
      }
    case .closed(_, let reason, false):
      if contains(reason, "M2O-PH1") { report.violation(at: event, by: event.sender, excerpt(reason, 123)) }
    default: break
    }
  }
}

/// CHUM-045: errors do not carry content.
struct ErrorsCarryNoContent: Rule {
  static let info = RuleInfo(
    id: "CHUM-045", alsoDecides: ["CF-049"], statement: "No error text carries object content.", severity: .major,
    binding: .strict,
    reference: "chum.md 5.5", knownDeviation: "F23", sight: .decrypted)
  static let interests: EventSet = .responded
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .responded(let id, .error(_, let message?, _)) = event.kind, contains(message, "<div") else { return }
    report.violation(
      at: event, by: event.sender, "answer \(id): \(excerpt(message))",
      deviation: contains(message, "M2O-") ? "F23" : nil)
  }
}

/// CHUM-046: nor places of the machine.
struct ErrorsCarryNoPaths: Rule {
  static let info = RuleInfo(
    id: "CHUM-046", alsoDecides: ["CF-049"], statement: "No error text carries a path or a stack trace.",
    severity: .minor, binding: .strict,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = .responded
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .responded(let id, .error(_, let message?, _)) = event.kind else { return }
    if contains(message, "node_modules") || contains(message, "file://") || contains(message, "    at ")
      || contains(message, "/home/")
    {
      report.violation(at: event, by: event.sender, "answer \(id): \(excerpt(message))")
    }
  }
}

/// CHUM-043: refusals do not tell what exists.
struct RefusalsAreUniform: Rule {
  static let info = RuleInfo(
    id: "CHUM-043", alsoDecides: ["CF-038"],
    statement: "Refusals of hashes that were not announced have one code a service.",
    severity: .critical,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = .refused
  private var codes: [[Int: (code: String, place: Witness)]] = [[:], [:]]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    guard case .refused(let service, _, let code) = event.kind, let code, code != "UNKNOWN-SERVICE",
      code != "CES-GBL2", report.leg.key != nil, report.leg.kind == nil, !report.leg.hashesOverflowed[1 - side]
    else { return }
    guard let first = codes[side][service] else {
      codes[side][service] = (code, Witness(event, "refused with \(excerpt(code, 30))"))
      return
    }
    if first.code != code {
      report.violation(
        at: event, by: event.sender, "service \(service) refuses with \(excerpt(code, 30)) here", because: [first.place]
      )
    }
  }
}

/// CHUM-085: answers have a bound.
struct AnswersAreBounded: Rule {
  static let info = RuleInfo(
    id: "CHUM-085", statement: "No text answer is larger than 64 MiB.", severity: .major, binding: .strict,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = .responded
  private static let limit = 64 << 20
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .responded(let id, .data(_, let bytes)) = event.kind, bytes > Self.limit else { return }
    report.violation(at: event, by: event.sender, "answer \(id) has \(bytes) bytes")
  }
}

/// CHUM-075: the reason tells the truth.
struct CloseReasonIsTrue: Rule {
  static let info = RuleInfo(
    id: "CHUM-075", alsoDecides: ["CF-074"],
    statement: "A close reason names a version mismatch after one, and a normal end after none that failed.",
    severity: .minor, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.versionRejected, .rootsFault, .closed, .controlText]
  /// Why the importer at a side cannot have ended normally.
  private var failed: [Witness?] = [nil, nil]
  private var rejected = false
  private var started = false
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .versionRejected:
      rejected = true
      failed[1 - side] = failed[1 - side] ?? Witness(event, "the version that ends its session")
    case .rootsFault: failed[1 - side] = failed[1 - side] ?? Witness(event, "the list that ends its session")
    case .controlText: started = true
    case .closed(_, let reason, false):
      if started, !rejected, contains(reason, "CS-MISMATCH") {
        report.violation(
          at: event, by: event.sender, "no version was refused on this connection: \(excerpt(reason, 100))")
      }
      if let failure = failed[side], contains(reason, "Chum ended ["), contains(reason, "normally") {
        report.violation(
          at: event, by: event.sender, "the session did not end normally: \(excerpt(reason, 100))", because: [failure])
      }
    default: break
    }
  }
}
