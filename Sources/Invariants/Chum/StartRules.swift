import Trace
import Wire
import WireBytes

/// CHUM-001: the control text comes first, once.
struct OneControlText: Rule {
  static let info = RuleInfo(
    id: "CHUM-001", alsoDecides: ["PR-028", "CF-001"],
    statement: "Each side sends its control text once, before its first request.", severity: .major,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.controlText, .requested]
  private var text: [Place?] = [nil, nil]
  private var judged = [false, false]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .controlText:
      if let first = text[side] {
        report.violation(
          at: event, by: event.sender, "a second control text", because: [Witness(first, "the first one")])
      } else {
        text[side] = Place(event)
      }
    case .requested(let id, _, _):
      guard !judged[side] else { return }
      judged[side] = true
      if text[side] == nil { report.violation(at: event, by: event.sender, "request \(id) before any control text") }
    default: break
    }
  }
}

/// CHUM-002: its spelling.
struct ControlTextIsExact: Rule {
  static let info = RuleInfo(
    id: "CHUM-002", statement: "The control text is exactly synchronisation.",
    severity: .minor, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = .controlText
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .controlText(let text) = event.kind, text != ChumMessage.controlText else { return }
    report.violation(at: event, by: event.sender, "control text \(JSONText.quoted(excerpt(text, 40)))")
  }
}

/// CHUM-003: nobody starts alone.
struct StartAfterBothTexts: Rule {
  static let info = RuleInfo(
    id: "CHUM-003",
    statement: "The first request comes after the other side's control text, or any message in its place, has arrived.",
    severity: .major, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.controlText, .requested, .requestedBadly, .invalidMessage, .responded]
  private var seen = [false, false]
  private var judged = [false, false]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    guard !judged[0] || !judged[1] else { return }
    if case .requested(let id, _, _) = event.kind, !judged[side] {
      judged[side] = true
      // A recorder between the ends sees cause before effect, on either end's connection.
      if !seen[1 - side] {
        report.violation(at: event, by: event.sender, "request \(id) before the other side's control text")
      }
    }
    seen[side] = true
  }
}

/// CHUM-009: who has not proved itself gets no CHUM.
struct ChumAfterEstablishment: Rule {
  static let info = RuleInfo(
    id: "CHUM-009",
    statement: "A side starts CHUM only after both persons were proved and both instances exchanged in group chum.",
    severity: .critical, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.peer, .personProof, .requested, .controlText]
  private var group: String?
  private var responses = [false, false]
  private var instances = [false, false]
  private var bad: Witness?
  private var judged = [false, false]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .peer(.connectionGroup(let name)): group = name
    case .peer(.instanceIdObject): instances[side] = true
    case .personProof(let proof) where proof.step == .response:
      responses[side] = proof.outcome == .good || proof.outcome == .unknown
      if !responses[side] { bad = Witness(event, "the proof that failed") }
    case .requested, .controlText:
      guard !judged[side] else { return }
      judged[side] = true
      let other = 1 - side
      let why: String? =
        group != "chum" && group != "pairing"
        ? "group is \(excerpt(group ?? "(none)", 20))"
        : !responses[other]
          ? "the other person is not proved" : !instances[other] ? "the other instance is unknown" : nil
      // The control text may go out before the other's instance came in; a request may not.
      guard let why else { return }
      if case .controlText = event.kind, !instances[other] {
        judged[side] = false
        return
      }
      report.violation(at: event, by: event.sender, "CHUM starts although \(why)", because: [bad].compactMap { $0 })
    default: break
    }
  }
}

/// CHUM-005: the version is asked first.
struct VersionFirst: Rule {
  static let info = RuleInfo(
    id: "CHUM-005", alsoDecides: ["CF-006"],
    statement: "The first request is service 1, and no other follows before it was answered with 8.",
    severity: .major, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.requested, .versionAgreed]
  private var agreed = [false, false]
  private var judged = [false, false]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .versionAgreed: agreed[1 - side] = true
    case .requested(let id, let service, _):
      if service != 1, !agreed[side], !judged[side] {
        judged[side] = true
        report.violation(
          at: event, by: event.sender, "request \(id) of service \(service) before the version was agreed")
      }
    default: break
    }
  }
}

/// CHUM-006: the version is 8.
struct VersionIs8: Rule {
  static let info = RuleInfo(
    id: "CHUM-006", alsoDecides: ["CF-005"], statement: "The answer to service 1 is the JSON number 8.",
    severity: .major, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = .versionRejected
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .versionRejected(let value) = event.kind else { return }
    report.violation(at: event, by: event.sender, "version is \(excerpt(value.compact, 40)), expected 8")
  }
}

/// CHUM-007: a mismatch is the end.
struct MismatchEndsSession: Rule {
  static let info = RuleInfo(
    id: "CHUM-007", alsoDecides: ["CF-007"],
    statement: "After another version the importer asks nothing more and the connection closes.",
    severity: .major, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.versionRejected, .requested, .closed]
  private var rejected: [Witness?] = [nil, nil]
  private var closed = false
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .versionRejected: rejected[1 - side] = Witness(event, "the other version")
    case .requested(let id, _, _):
      guard let place = rejected[side] else { return }
      report.violation(at: event, by: event.sender, "request \(id) after the mismatch", because: [place])
    case .closed: closed = true
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    for (side, place) in rejected.enumerated() {
      guard let place, !closed, end.time - place.time > 2_000 else { continue }
      report.violation(at: place, by: speaker(side), "the importer did not close")
    }
  }
}

/// CHUM-008: repeats have manners.
struct VersionRetriesArePolite: Rule {
  static let info = RuleInfo(
    id: "CHUM-008", alsoDecides: ["CF-008"],
    statement: "Repeats of service 1 are at least 300 ms apart and at most 15.", severity: .minor,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = .requested
  private var last: [Witness?] = [nil, nil]
  private var count = [0, 0]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .requested(_, 1, _) = event.kind else { return }
    let side = event.side
    count[side] += 1
    // Timers of the sender and of the recorder differ by a few ms.
    if let place = last[side], event.time - place.time < 270 {
      report.violation(
        at: event, by: event.sender, "asked again after \(Int(event.time - place.time)) ms", because: [place])
    }
    if count[side] == 17 {
      report.violation(
        at: event, by: event.sender, "the 17th request of the version", because: [last[side]].compactMap { $0 })
    }
    last[side] = Witness(event, "the request before")
  }
}

/// CHUM-082: both sides import.
struct SyncIsSymmetric: Rule {
  static let info = RuleInfo(
    id: "CHUM-082", alsoDecides: ["CHUM-081", "CF-073"],
    statement: "When both sides agreed on the version, both ask for the roots within 5 s.", severity: .major,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.versionAgreed, .roundStarted, .closed]
  private var agreed: [Witness?] = [nil, nil]
  private var started = [false, false]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .versionAgreed:
      if !started[1 - side] { agreed[1 - side] = agreed[1 - side] ?? Witness(event, "the version is agreed") }
    case .roundStarted:
      started[side] = true
      agreed[side] = nil
    case .closed: judge(event.time, &report)
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    for side in 0...1 {
      if let place = agreed[side], now - place.time > 5_500 {
        report.violation(
          at: place, by: speaker(side), "no roots request in \(Int(now - place.time)) ms")
      }
      agreed[side] = nil
    }
  }
}

/// CF-009: only an unknown service is asked for again.
struct OtherVersionErrorsEnd: Rule {
  static let info = RuleInfo(
    id: "CF-009", statement: "Service 1 is not called again after an error other than UNKNOWN-SERVICE.",
    severity: .minor, reference: "chum.md 6.1", sight: .decrypted)
  static let interests: EventSet = [.responded, .requested]
  private var error: [Witness?] = [nil, nil]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .responded(_, .error(_, _, let code)):
      if report.leg.request?.service == 1, code != "UNKNOWN-SERVICE" {
        error[1 - side] = error[1 - side] ?? Witness(event, "the error \(excerpt(code ?? "without a code", 30))")
      }
    case .requested(let id, 1, _):
      guard let place = error[side] else { return }
      error[side] = nil
      report.violation(at: event, by: event.sender, "request \(id) asks for the version again", because: [place])
    default: break
    }
  }
}
