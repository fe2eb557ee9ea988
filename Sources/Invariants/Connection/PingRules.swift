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
  private var since: Witness?
  private var waiting = false
  init(_ facts: SessionFacts) { interval = facts.pingInterval }

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.authenticationSuccess(let stated)):
      interval = stated
      since = Witness(event, "registered, pingInterval \(JSONText.number(stated)) ms")
      waiting = false
    case .server(.pong):
      if since != nil { since = Witness(event, "the last pong") }
      waiting = false
    case .server(.ping):
      guard let since else { return }
      let gap = event.time - since.time
      if waiting {
        report.violation(at: event, by: .commServer, "a second ping while one is unanswered", because: [since])
      } else if gap < interval - SessionFacts.tolerance(interval) || gap < interval / 2 {
        report.violation(
          at: event, by: .commServer, "ping after \(Int(gap)) ms, due at \(Int(interval))", because: [since])
      } else if gap > interval + SessionFacts.tolerance(interval) {
        report.violation(at: event, by: .commServer, "ping only after \(Int(gap)) ms", because: [since])
      }
      waiting = true
    case .server(.connectionHandover), .closed: since = nil
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    guard !end.closed, !waiting, let since, end.time - since.time > interval + 2 * SessionFacts.tolerance(interval)
    else {
      return
    }
    report.violation(at: since, by: .commServer, "no ping for \(Int(end.time - since.time)) ms behind this")
  }
}

/// KA-007: a ping is answered at once.
struct PongFollowsPing: Rule {
  static let info = RuleInfo(
    id: "KA-007", statement: "A listener answers a ping with a pong within 500 ms.", severity: .major,
    reference: "connection.md 2.6")
  static let interests: EventSet = [.server, .closed]
  private var open: Witness?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.ping):
      if let open {
        report.violation(
          at: open, by: .client, "not answered before the next ping", because: [Witness(event, "the next ping")])
      }
      open = Witness(event, "the ping")
    case .server(.pong):
      if let open, event.time - open.time > 1_000 {
        report.violation(
          at: event, by: .client, "pong \(Int(event.time - open.time)) ms after the ping", because: [open])
      }
      open = nil
    case .closed:
      guard let open else { return }
      if event.time - open.time > 300 {
        report.violation(
          at: open, by: .client, "never answered; the connection closed \(Int(event.time - open.time)) ms later")
      }
      self.open = nil
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    guard let open, end.time - open.time > 1_000 else { return }
    report.violation(at: open, by: .client, "not answered in \(Int(end.time - open.time)) ms")
  }
}

/// KA-003: the server gives a silent listener up.
struct SilentListenerIsClosed: Rule {
  static let info = RuleInfo(
    id: "KA-003", statement: "Without a pong the server closes pongTimeout after the ping.", severity: .major,
    reference: "connection.md 2.6")
  static let interests: EventSet = [.server, .closed]
  private let timeout: Double
  private var open: Witness?
  init(_ facts: SessionFacts) { timeout = facts.pongTimeout }

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.ping): open = Witness(event, "the ping")
    case .server(.pong): open = nil
    case .closed: judge(event.time, &report)
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    guard let open, now - open.time > timeout + SessionFacts.tolerance(timeout) else { return }
    report.violation(at: open, by: .commServer, "unanswered for \(Int(now - open.time)) ms, and not closed")
    self.open = nil
  }
}

/// KA-005: no handover over an unanswered ping.
struct HandoverWaitsForPong: Rule {
  static let info = RuleInfo(
    id: "KA-005", statement: "connection_handover waits for an outstanding pong.", severity: .major,
    reference: "connection.md 2.5")
  static let interests: EventSet = .server
  private var open: Witness?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.ping): open = Witness(event, "the unanswered ping")
    case .server(.pong): open = nil
    case .server(.connectionHandover):
      guard let open else { return }
      report.violation(at: event, by: .commServer, "handover while a ping is unanswered", because: [open])
    default: break
    }
  }
}

/// KA-009: after the handover pinging is over.
struct NoPongAfterHandover: Rule {
  static let info = RuleInfo(
    id: "KA-009", alsoDecides: ["RL-016"], statement: "After connection_handover no pong is sent.", severity: .major,
    reference: "connection.md 2.7")
  static let interests: EventSet = .server
  private var handover: Witness?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.connectionHandover): handover = Witness(event, "the handover")
    case .server(.pong):
      guard let handover else { return }
      report.violation(at: event, by: .client, "pong after the handover", because: [handover])
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
  private var since: Witness?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.authenticationSuccess(let stated)):
      interval = stated
      since = Witness(event, "registered")
    case .server(.ping): since = Witness(event, "the last ping")
    case .server(.connectionHandover): since = nil
    case .closed: judge(event.time, &report)
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    guard let since else { return }
    let limit = interval + 4_000
    if now - since.time > limit + SessionFacts.tolerance(limit) {
      report.violation(at: since, by: .client, "no ping for \(Int(now - since.time)) ms behind this, and still open")
    }
    self.since = nil
  }
}
