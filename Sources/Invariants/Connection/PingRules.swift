import Trace
import Wire
import WireBytes

extension SessionFacts {
  /// ±10 % or ±500 ms, whichever is larger (connection.md 8).
  static func tolerance(_ interval: Double) -> Double { max(interval * 0.1, 500) }
}

/// KA-001: pings come in time.
struct PingComesInTime: Rule {
  static let info = RuleInfo(
    id: "KA-001", alsoDecides: ["KA-002"],
    statement: "A ping comes pingInterval after authentication_success or the last pong, not before and not later.",
    severity: .major, reference: "connection.md 2.6")
  static let interests: EventSet = [.server, .closed]
  private var interval: Double
  private var since: Place?
  private var sinceSuccess = true
  private var waiting = false
  init(_ facts: SessionFacts) { interval = facts.pingInterval }

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.authenticationSuccess(let stated)):
      interval = stated
      since = Place(event)
    case .server(.pong):
      if since != nil {
        judgeSilence(event.time, &report)
        since = Place(event)
        sinceSuccess = false
      }
      waiting = false
    case .server(.ping) where event.direction == .fromServer: ping(event, &report)
    case .server(.connectionHandover), .closed:
      judgeSilence(event.time, &report)
      since = nil
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    if !end.closed { judgeSilence(end.time, &report) }
  }

  private mutating func ping(_ event: Event, _ report: inout Reporter) {
    defer { waiting = true }
    guard let since else { return }
    let gap = event.time - since.time
    if waiting {
      report.violation(at: event, by: .commServer, "a second ping while one is unanswered", because: [witness(since)])
    } else if gap < interval - SessionFacts.tolerance(interval) || gap < interval / 2 {
      report.violation(
        at: event, by: .commServer, "ping after \(Int(gap)) ms, due at \(JSONText.number(interval))",
        because: [witness(since)])
    } else if gap > interval + SessionFacts.tolerance(interval) {
      report.violation(
        at: event, by: .commServer, "ping only after \(Int(gap)) ms, due at \(JSONText.number(interval))",
        because: [witness(since)])
    }
  }

  /// A stretch without a ping, whatever ended it. Twice the tolerance, since the end is no timer of the server.
  private func judgeSilence(_ now: Double, _ report: inout Reporter) {
    guard !waiting, interval > 0, let since,
      now - since.time > interval + 2 * SessionFacts.tolerance(interval)
    else { return }
    report.violation(at: since, by: .commServer, "no ping for \(Int(now - since.time)) ms behind this")
  }

  private func witness(_ place: Place) -> Witness {
    Witness(place, sinceSuccess ? "registered, pingInterval \(JSONText.number(interval)) ms" : "the last pong")
  }
}

/// KA-007: a ping is answered at once.
struct PongFollowsPing: Rule {
  static let info = RuleInfo(
    id: "KA-007", statement: "A listener answers a ping with a pong within 500 ms.", severity: .major,
    reference: "connection.md 2.6")
  static let interests: EventSet = [.server, .clearFault, .closed]
  private let timeout: Double
  private var open: Place?
  /// Something else that the listener sent behind the ping: it lives, and does not answer.
  private var sign: Witness?
  init(_ facts: SessionFacts) { timeout = facts.pongTimeout }

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.ping) where event.direction == .fromServer:
      if let open {
        report.violation(
          at: open, by: .client, "not answered before the next ping", because: [Witness(event, "the next ping")])
      }
      open = Place(event)
      sign = nil
    case .server(.pong):
      if let open, event.time - open.time > 1_000 {
        report.violation(
          at: event, by: .client, "pong \(Int(event.time - open.time)) ms after the ping",
          because: [Witness(open, "the ping")])
      }
      open = nil
    case .clearFault where event.direction == .fromClient:
      if open != nil { sign = sign ?? Witness(event, "what came instead") }
    case .closed(_, _, let echo): closed(event, echo, &report)
    default: break
    }
  }

  private mutating func closed(_ event: Event, _ echo: Bool, _ report: inout Reporter) {
    guard let open, !echo else { return }
    let gap = event.time - open.time
    // The server's own timer ended the wait; a client that leaves in between owes nothing for half a second.
    let isOverdue = event.direction == .fromServer ? gap > min(0.75 * timeout, 500) : gap > 1_000
    if isOverdue { unanswered(open, "the connection closed \(Int(gap)) ms later", &report) }
    self.open = nil
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    guard let open, !end.closed, end.time - open.time > 1_000 else { return }
    unanswered(open, "not in \(Int(end.time - open.time)) ms", &report)
  }

  /// Without any other sign of life a lost listener looks the same: that only warns, the server's close is its remedy.
  private func unanswered(_ open: Place, _ how: String, _ report: inout Reporter) {
    report.violation(
      at: open, by: .client, sign == nil ? "never answered (a lost listener, perhaps); \(how)" : "not answered; \(how)",
      because: [sign].compactMap { $0 }, weight: sign == nil ? .possible : .proven)
  }
}

/// KA-003: the server gives a silent listener up.
struct SilentListenerIsClosed: Rule {
  static let info = RuleInfo(
    id: "KA-003", statement: "Without a pong the server closes pongTimeout after the ping.", severity: .major,
    reference: "connection.md 2.6")
  static let interests: EventSet = [.server, .closed]
  private let timeout: Double
  private var open: Place?
  init(_ facts: SessionFacts) { timeout = facts.pongTimeout }

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.ping) where event.direction == .fromServer: open = Place(event)
    case .server(.pong), .closed, .server(.connectionHandover): judge(event.time, &report)
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    defer { open = nil }
    guard let open, now - open.time > timeout + SessionFacts.tolerance(timeout) else { return }
    report.violation(at: open, by: .commServer, "unanswered for \(Int(now - open.time)) ms, and not closed")
  }
}

/// KA-005: no handover over an unanswered ping.
struct HandoverWaitsForPong: Rule {
  static let info = RuleInfo(
    id: "KA-005", statement: "connection_handover waits for an outstanding pong.", severity: .major,
    reference: "connection.md 2.5")
  static let interests: EventSet = .server
  private var open: Place?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.ping) where event.direction == .fromServer: open = Place(event)
    case .server(.pong): open = nil
    case .server(.connectionHandover):
      guard let open else { return }
      report.violation(
        at: event, by: .commServer, "handover while a ping is unanswered",
        because: [Witness(open, "the unanswered ping")])
    default: break
    }
  }
}

/// KA-009: after the handover pinging is over.
struct NoPongAfterHandover: Rule {
  static let info = RuleInfo(
    id: "KA-009", statement: "After connection_handover no pong is sent.", severity: .major,
    reference: "connection.md 2.7")
  static let interests: EventSet = .server
  private var handover: Witness?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.connectionHandover): handover = Witness(event, "the handover")
    case .server(.pong):
      guard let handover else { return }
      // A pong that nobody asked for may cross the handover on its way.
      report.violation(
        at: event, by: .client, "pong after the handover", because: [handover],
        weight: event.time - handover.time < 100 ? .possible : .proven)
    default: break
    }
  }
}

/// KA-008: a listener without pings gives the server up.
struct ListenerGivesUpWithoutPings: Rule {
  static let info = RuleInfo(
    id: "KA-008", statement: "A listener that gets no ping for pingInterval + 4 s closes.", severity: .major,
    reference: "connection.md 2.6")
  static let interests: EventSet = [.server, .closed]
  private var interval = 25_000.0
  private var since: Place?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.authenticationSuccess(let stated)):
      interval = stated
      since = Place(event)
    case .server(.ping) where event.direction == .fromServer:
      judge(event.time, &report)
      if interval > 0 { since = Place(event) }
    case .server(.connectionHandover), .closed: judge(event.time, &report)
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    guard let since else { return }
    self.since = nil
    let limit = interval + 4_000
    if interval > 0, now - since.time > limit + SessionFacts.tolerance(limit) {
      report.violation(at: since, by: .client, "no ping for \(Int(now - since.time)) ms behind this, and still open")
    }
  }
}

/// KA-010: pongs nobody asked for have a limit.
struct PongsAreNoFlood: Rule {
  static let info = RuleInfo(
    id: "KA-010", statement: "A listener sends at most ten pongs a second.", severity: .minor, binding: .strict,
    reference: "connection.md 8.5")
  static let interests: EventSet = .server
  private var first: Place?
  private var count = 0
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .server(.pong) = event.kind else { return }
    if let first, event.time - first.time < 1_000 {
      count += 1
      if count == 11 {
        report.violation(
          at: event, by: .client, "the eleventh pong in \(Int(event.time - first.time)) ms",
          because: [Witness(first, "the first of them")])
      }
    } else {
      first = Place(event)
      count = 1
    }
  }
}
