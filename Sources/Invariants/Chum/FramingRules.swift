import Trace
import Wire

/// When a request may have been swallowed by the start of the CHUM (chum.md 1.2, F11).
struct StartRace: Sendable {
  /// A request this close behind its control text arrives in the same burst: [rec: chum-burst] lost four of five
  /// that came within 1 ms, and none of those that came 3 ms later.
  private static let burst = 5.0
  private(set) var text: [Place?] = [nil, nil]

  mutating func note(_ event: Event) {
    if case .controlText = event.kind, text[event.side] == nil { text[event.side] = Place(event) }
  }

  func mayLose(_ event: Event) -> Bool {
    guard let text = text[event.side] else { return true }
    return event.time - text.time <= Self.burst
  }
}

/// FRM-001: no request is forgotten.
struct RequestsAreAnswered: Rule {
  static let info = RuleInfo(
    id: "FRM-001", alsoDecides: ["CF-015"],
    statement: "Every request gets one terminal answer unless the connection closes first.", severity: .major,
    reference: "chum.md 5.4", knownDeviation: "F11", sight: .decrypted)
  static let interests: EventSet = [.controlText, .requested, .requestedBadly, .closed]
  /// The reference answers within milliseconds; a request that waits this long is lost.
  private static let patience = 2_000.0
  private var race = StartRace()
  /// Requests that the start may have swallowed; only the first few of a connection can be.
  private var swallowable: [Set<Int>] = [[], []]
  private var isJudged = false
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .requested(let id, _, _), .requestedBadly(let id, _):
      if race.mayLose(event), swallowable[event.side].count < 64 { swallowable[event.side].insert(id) }
    case .closed: judge(event.time, &report)
    default: race.note(event)
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    guard !isJudged else { return }
    isJudged = true
    for side in 0...1 {
      for request in report.leg.openRequests(askedBy: side) where now - request.place.time > Self.patience {
        let mayBeLost = swallowable[side].contains(request.id)
        report.violation(
          at: request.place, by: speaker(1 - side),
          "request \(request.id) of service \(request.service) has no answer in \(Int(now - request.place.time)) ms",
          weight: mayBeLost ? .possible : .proven, deviation: mayBeLost ? "F11" : nil)
      }
    }
  }
}

/// CHUM-004: what comes right behind the control text is not lost.
struct NoRequestIsLostAtTheStart: Rule {
  static let info = RuleInfo(
    id: "CHUM-004", alsoDecides: ["PR-030", "CF-003"],
    statement: "A request that follows the control text is answered, even when both arrive in the same read.",
    severity: .major, binding: .strict, reference: "chum.md 5.5", knownDeviation: "F11", sight: .decrypted)
  static let interests: EventSet = [.controlText, .requested, .responded, .closed]
  private var race = StartRace()
  private var open: [[Int: Place]] = [[:], [:]]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .requested(let id, _, _):
      guard race.mayLose(event), open[side].count < 64 else { return }
      open[side][id] = Place(event)
    case .responded(let id, _): open[1 - side][id] = nil
    case .closed: judge(event.time, &report)
    default: race.note(event)
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    for side in 0...1 {
      for (id, place) in open[side].sorted(by: { $0.key < $1.key }) where now - place.time > 300 {
        report.violation(
          at: place, by: speaker(1 - side), "request \(id) came with the control text and was lost",
          because: race.text[side].map { [Witness($0, "the control text")] } ?? [], deviation: "F11")
      }
      open[side].removeAll()
    }
  }
}

/// FRM-015: answers come in time.
struct AnswersComeInTime: Rule {
  static let info = RuleInfo(
    id: "FRM-015", statement: "Every request is answered within 30 s.", severity: .minor, binding: .deployment,
    reference: "chum.md 5.4", sight: .decrypted)
  static let interests: EventSet = .answers
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let request = report.leg.request, event.time - request.place.time > 30_000 else { return }
    report.violation(
      at: event, by: event.sender, "answered after \(Int(event.time - request.place.time)) ms",
      because: [request.witness])
  }
}

/// FRM-002 and FRM-005: no answer without a question.
struct NoUnsolicitedAnswer: Rule {
  static let info = RuleInfo(
    id: "FRM-002", partlyDecides: ["FRM-005"],
    statement: "An answer or chunk carries the id of an open request of the other side.",
    severity: .critical, reference: "chum.md 5.4", sight: .decrypted)
  static let interests: EventSet = [.responded, .streamEnded, .chunk]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard report.leg.request == nil, !report.leg.requestsOverflowed else { return }
    let id: Int
    switch event.kind {
    case .responded(let answered, _), .streamEnded(let answered, _), .chunk(let answered, _): id = answered
    default: return
    }
    let own = report.leg.ownRequest
    report.violation(
      at: event, by: event.sender,
      own == nil ? "answer \(id) without an open request" : "answers its own request \(id)",
      because: [own?.witness].compactMap { $0 }, also: own == nil ? [] : ["FRM-005"])
  }
}

/// A stop for a stream that nobody asked for.
struct StopNamesAStream: Rule {
  static let info = RuleInfo(
    id: "STOP-001", statement: "write-stream-error carries the id of a request that its sender has made.",
    severity: .minor, reference: "chum.md 1.3.2", sight: .decrypted)
  static let interests: EventSet = [.streamStopped, .requested, .requestedBadly]
  private var highest = [-1, -1]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .requested(let id, _, _), .requestedBadly(let id, _): highest[event.side] = max(highest[event.side], id)
    case .streamStopped(let id):
      // The end of the stream may cross the stop, so a request that is over already is no fault.
      if id > highest[event.side] {
        report.violation(at: event, by: event.sender, "stops stream \(id), which it never asked for")
      }
    default: break
    }
  }
}

/// FRM-003: ids count up.
struct IdsCountUp: Rule {
  static let info = RuleInfo(
    id: "FRM-003", alsoDecides: ["CF-011"], statement: "The n-th request of a peer on a connection has id n − 1.",
    severity: .minor, reference: "chum.md 5.4", sight: .decrypted)
  static let interests: EventSet = [.requested, .requestedBadly]
  private var next = (0, 0)
  private var last: (Place?, Place?) = (nil, nil)
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .requested(let id, _, _) = event.kind else {
      guard case .requestedBadly(let id, _) = event.kind else { return }
      return note(id, event, &report)
    }
    note(id, event, &report)
  }

  private mutating func note(_ id: Int, _ event: Event, _ report: inout Reporter) {
    let isClient = event.direction == .fromClient
    let due = isClient ? next.0 : next.1
    if id != due {
      let before = isClient ? last.0 : last.1
      report.violation(
        at: event, by: event.sender, "id \(id), due was \(due)",
        because: before.map { [Witness($0, "the request before, id \(due - 1)")] } ?? [])
    }
    // After a gap the count goes on from what came, so that one gap is one finding.
    let following = id < Int.max ? id + 1 : id
    if isClient {
      next.0 = following
      last.0 = Place(event)
    } else {
      next.1 = following
      last.1 = Place(event)
    }
  }
}

/// FRM-004: an open id is taken.
struct OpenIdsAreNotReused: Rule {
  static let info = RuleInfo(
    id: "FRM-004", statement: "A peer never sends a request whose id is still open.", severity: .major,
    reference: "chum.md 5.4", sight: .decrypted)
  static let interests: EventSet = [.requested, .requestedBadly]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let earlier = report.leg.ownRequest else { return }
    report.violation(at: event, by: event.sender, "id \(earlier.id) is still open", because: [earlier.witness])
  }
}

/// FRM-012: nothing that fails classification.
struct NoInvalidMessages: Rule {
  static let info = RuleInfo(
    id: "FRM-012", partlyDecides: ["CF-012"], statement: "No message of an established CHUM fails classification.",
    severity: .minor,
    reference: "chum.md 5.4", sight: .decrypted)
  static let interests: EventSet = [.invalidMessage, .requestedBadly]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .invalidMessage(let failure): report.violation(at: event, by: event.sender, failure.detail)
    case .requestedBadly(let id, _):
      report.violation(at: event, by: event.sender, "args of request \(id) is no array", also: ["CF-012"])
    default: break
    }
  }
}

/// FRM-014: only services that exist.
struct OnlyKnownServices: Rule {
  static let info = RuleInfo(
    id: "FRM-014", statement: "Only the services 1, 2, 4 to 8 and 10 are called.", severity: .info,
    reference: "chum.md 5.4", sight: .decrypted)
  static let interests: EventSet = [.requested, .requestedBadly]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .requested(let id, let service, _), .requestedBadly(let id, let service):
      switch service {
      case 1, 2, 4...8, 10: return
      default: report.violation(at: event, by: event.sender, "request \(id) calls service \(service)")
      }
    default: break
    }
  }
}
