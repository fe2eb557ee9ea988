import Trace
import Wire

/// A request that waits for its answer.
struct OpenRequest: Sendable {
  let service: Int
  let place: Witness
}

/// The requests of both directions of a connection that have no terminal answer yet.
///
/// Holds at most 65,536 a direction; when more are open, `overflowed` says that silence proves nothing any more.
struct OpenRequests: Sendable {
  private static let capacity = 65_536
  private var open: [[Int: OpenRequest]] = [[:], [:]]
  private(set) var overflowed = false

  /// Takes requests in, and takes out what an answer ends. Gives the request that ended.
  @discardableResult
  mutating func note(_ event: Event) -> OpenRequest? {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .requested(let id, let service, _), .requestedBadly(let id, let service):
      if open[side].count >= Self.capacity {
        overflowed = true
      } else {
        open[side][id] = OpenRequest(service: service, place: Witness(event, "request \(id), service \(service)"))
      }
      return nil
    case .responded(let id, _), .streamEnded(let id, _): return open[1 - side].removeValue(forKey: id)
    default: return nil
    }
  }

  /// The request that an answer event belongs to.
  func request(for id: Int, answeredBy direction: Direction) -> OpenRequest? { open[1 - Int(direction.rawValue)][id] }
  func isOpen(_ id: Int, askedBy direction: Direction) -> OpenRequest? { open[Int(direction.rawValue)][id] }
  func all(askedBy direction: Direction) -> [Int: OpenRequest] { open[Int(direction.rawValue)] }

  static let interests: EventSet = [.requested, .requestedBadly, .responded, .streamEnded]
}

/// FRM-001: no request is forgotten.
struct RequestsAreAnswered: Rule {
  static let info = RuleInfo(
    id: "FRM-001",
    statement: "Every request gets one terminal answer unless the connection closes first.", severity: .major,
    reference: "chum.md 5.4", knownDeviation: "F11", sight: .decrypted)
  static let interests: EventSet = OpenRequests.interests.union(.closed)
  /// The reference answers within milliseconds; a request that waits this long while others are answered is lost.
  private static let patience = 2_000.0
  private var open = OpenRequests()
  private var ended = false
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    if case .closed = event.kind {
      if !ended { judge(event.time, &report) }
      ended = true
    } else {
      open.note(event)
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    if !ended { judge(end.time, &report) }
  }

  private func judge(_ now: Double, _ report: inout Reporter) {
    for direction in Direction.allCases {
      for (id, request) in open.all(askedBy: direction).sorted(by: { $0.key < $1.key })
      where now - request.place.time > Self.patience {
        let culprit: Culprit = direction == .fromClient ? .remote : .client
        report.violation(
          at: request.place, by: culprit,
          "request \(id) of service \(request.service) has no answer in \(Int(now - request.place.time)) ms")
      }
    }
  }
}

/// CHUM-004: what comes right behind the control text is not lost.
struct NoRequestIsLostAtTheStart: Rule {
  static let info = RuleInfo(
    id: "CHUM-004", alsoDecides: ["PR-030"],
    statement: "A request that follows the control text is answered, even when both arrive in the same read.",
    severity: .major, binding: .strict, reference: "chum.md 5.5", knownDeviation: "F11", sight: .decrypted)
  static let interests: EventSet = [.controlText, .requested, .responded, .closed]
  /// A request this close behind the control text arrives in the same burst.
  private static let burst = 20.0
  private var text: [Witness?] = [nil, nil]
  private var open: [[Int: Witness]] = [[:], [:]]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .controlText: text[side] = text[side] ?? Witness(event, "the control text")
    case .requested(let id, _, _):
      guard let text = text[side], event.time - text.time <= Self.burst, open[side].count < 64 else { return }
      open[side][id] = Witness(event, "request \(id)")
    case .responded(let id, _): open[1 - side][id] = nil
    case .closed: judge(event.time, &report)
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    for side in 0...1 {
      for (id, place) in open[side].sorted(by: { $0.key < $1.key }) where now - place.time > 300 {
        report.violation(
          at: place, by: side == 0 ? .remote : .client, "request \(id) came with the control text and was lost",
          because: [text[side]].compactMap { $0 })
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
  static let interests: EventSet = OpenRequests.interests
  private var open = OpenRequests()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let request = open.note(event), event.time - request.place.time > 30_000 else { return }
    report.violation(
      at: event, by: event.sender, "answered after \(Int(event.time - request.place.time)) ms", because: [request.place]
    )
  }
}

/// FRM-002 and FRM-005: no answer without a question.
struct NoUnsolicitedAnswer: Rule {
  static let info = RuleInfo(
    id: "FRM-002", alsoDecides: ["FRM-005"],
    statement: "An answer or chunk carries the id of an open request of the other side.", severity: .critical,
    reference: "chum.md 5.4", sight: .decrypted)
  static let interests: EventSet = OpenRequests.interests.union([.chunk])
  private var open = OpenRequests()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let id: Int
    switch event.kind {
    case .responded(let answered, _), .streamEnded(let answered, _), .chunk(let answered, _): id = answered
    default:
      open.note(event)
      return
    }
    if open.request(for: id, answeredBy: event.direction) == nil, !open.overflowed {
      let own = open.isOpen(id, askedBy: event.direction)
      report.violation(
        at: event, by: event.sender,
        own == nil ? "answer \(id) without an open request" : "answers its own request \(id)",
        because: [own?.place].compactMap { $0 })
    }
    open.note(event)
  }
}

/// FRM-003: ids count up.
struct IdsCountUp: Rule {
  static let info = RuleInfo(
    id: "FRM-003", statement: "The n-th request of a peer on a connection has id n − 1.", severity: .minor,
    reference: "chum.md 5.4", sight: .decrypted)
  static let interests: EventSet = [.requested, .requestedBadly]
  private var next = [0, 0]
  private var last: [Witness?] = [nil, nil]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .requested(let id, _, _), .requestedBadly(let id, _):
      if id != next[side] {
        report.violation(
          at: event, by: event.sender, "id \(id), due was \(next[side])", because: [last[side]].compactMap { $0 })
      }
      // After a gap the count goes on from what came, so that one gap is one finding.
      next[side] = id < Int.max ? id + 1 : id
      last[side] = Witness(event, "the request before, id \(id)")
    default: break
    }
  }
}

/// FRM-004: an open id is taken.
struct OpenIdsAreNotReused: Rule {
  static let info = RuleInfo(
    id: "FRM-004", statement: "A peer never sends a request whose id is still open.", severity: .major,
    reference: "chum.md 5.4", sight: .decrypted)
  static let interests: EventSet = OpenRequests.interests
  private var open = OpenRequests()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .requested(let id, _, _), .requestedBadly(let id, _):
      if let earlier = open.isOpen(id, askedBy: event.direction) {
        report.violation(at: event, by: event.sender, "id \(id) is still open", because: [earlier.place])
      }
    default: break
    }
    open.note(event)
  }
}

/// FRM-012: nothing that fails classification.
struct NoInvalidMessages: Rule {
  static let info = RuleInfo(
    id: "FRM-012", alsoDecides: ["PLG-004"], statement: "No message of an established CHUM fails classification.",
    severity: .minor, reference: "chum.md 5.4", sight: .decrypted)
  static let interests: EventSet = [.invalidMessage, .requestedBadly]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .invalidMessage(let failure): report.violation(at: event, by: event.sender, failure.detail)
    case .requestedBadly(let id, _): report.violation(at: event, by: event.sender, "args of request \(id) is no array")
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
      if ![1, 2, 4, 5, 6, 7, 8, 10].contains(service) {
        report.violation(at: event, by: event.sender, "request \(id) calls service \(service)")
      }
    default: break
    }
  }
}
