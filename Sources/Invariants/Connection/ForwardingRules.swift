import Trace
import Wire
import WireBytes

/// RL-008: the relay changes nothing.
struct RelayForwardsUnchanged: Rule {
  static let info = RuleInfo(
    id: "RL-008", statement: "Every relayed message arrives at the other leg with the same type and length, in order.",
    severity: .critical, reference: "connection.md 2.4",
    knownDeviation: "R1", isSessionWide: true)
  static let interests: EventSet = [.wireFrame, .spliced, .closed, .ended, .server]
  /// Messages on their way in one direction of one relay; beyond it that direction is no longer judged.
  private static let capacity = 4_096

  fileprivate struct Frame: Sendable {
    let op: FrameKind
    let length: Int
    /// Sent before the other end spoke: the deployed server may swallow it (R1).
    let isEarly: Bool
    let place: Place
  }
  fileprivate struct Leg: Sendable {
    var partner: Int?
    /// What this leg's client sent and its partner did not get yet.
    var queue: [Frame] = []
    var head = 0
    var gaveUp = false
    var hasRequested = false
    var hasSpoken = false
    var hasLost = false
  }
  private var legs: [Int: Leg] = [:]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.communicationRequest):
      if event.direction == .fromClient { legs[event.leg, default: Leg()].hasRequested = true }
    case .spliced(let requester, let isLate):
      guard legs[requester] != nil else { return }
      legs[event.leg, default: Leg()].partner = requester
      legs[requester]?.partner = event.leg
      if isLate {
        // Both sides have spoken, and what they said has arrived.
        legs[event.leg]?.hasSpoken = true
        legs[requester]?.forget()
      }
    case .wireFrame(let op, let length, let mark): frame(event, op, length, mark, &report)
    case .closed, .ended: if legs[event.leg] != nil { close(event) }
    default: break
    }
  }

  private mutating func close(_ event: Event) {
    // What is still on its way may be lost with the connection; nothing behind a close is judged.
    if let partner = legs.removeValue(forKey: event.leg)?.partner { legs[partner] = nil }
  }

  private mutating func frame(
    _ event: Event, _ op: FrameKind, _ length: Int, _ mark: ProxyMark?, _ report: inout Reporter
  ) {
    // The request is itself a frame; its own event comes behind this one, hence only later frames are looked at.
    guard let leg = legs[event.leg] else { return }
    if event.direction == .fromClient {
      sent(event, op, length, mark, partnerHasSpoken: leg.partner.flatMap { legs[$0]?.hasSpoken } ?? false)
    } else if let partner = leg.partner {
      received(event, op, length, from: partner, &report)
    }
  }

  private mutating func sent(
    _ event: Event, _ op: FrameKind, _ length: Int, _ mark: ProxyMark?, partnerHasSpoken: Bool
  ) {
    guard var leg = legs.removeValue(forKey: event.leg) else { return }
    defer { legs[event.leg] = leg }
    leg.hasSpoken = true
    let copies: Int
    switch mark {
    case nil: copies = 1
    case .dropped: copies = 0
    case .repeated(let times): copies = min(times, 16)
    case .altered, .other: return leg.giveUp()
    }
    let entry = Frame(
      op: op, length: length, isEarly: leg.hasRequested && !partnerHasSpoken, place: Place(event))
    for _ in 0..<copies where !leg.gaveUp {
      if leg.queue.count - leg.head >= Self.capacity { leg.giveUp() } else { leg.queue.append(entry) }
    }
  }

  private mutating func received(
    _ event: Event, _ op: FrameKind, _ length: Int, from partner: Int, _ report: inout Reporter
  ) {
    guard var sender = legs.removeValue(forKey: partner) else { return }
    defer { legs[partner] = sender }
    guard !sender.gaveUp else { return }
    while sender.head < sender.queue.count {
      let next = sender.queue[sender.head]
      sender.head += 1
      if next.op == op, next.length == length { return sender.compact() }
      if next.isEarly {
        swallowed(next, event, &sender, &report)
        continue
      }
      sender.giveUp()
      return report.violation(
        at: event, by: .commServer, "got \(op.rawValue) of \(length) bytes, sent was something else",
        because: [Witness(next.place, "sent: \(next.op.rawValue), \(next.length) bytes")])
    }
    sender.giveUp()
    report.violation(
      at: event, by: .commServer, "\(op.rawValue) of \(length) bytes that the other end did not send", also: ["RL-003"])
  }
}

extension RelayForwardsUnchanged {
  /// RL-012: a frame before the splice that never arrives. The deployed server swallows or forwards them (R1).
  private func swallowed(_ frame: Frame, _ event: Event, _ sender: inout Leg, _ report: inout Reporter) {
    guard !sender.hasLost else { return }
    sender.hasLost = true
    report.violation(
      at: frame.place, by: .commServer, "this frame of \(frame.length) bytes, sent before the splice, never arrives",
      because: [Witness(event, "what arrives instead")], weight: .possible, deviation: "R1", also: ["RL-012"])
  }
}

extension RelayForwardsUnchanged.Leg {
  fileprivate mutating func giveUp() {
    gaveUp = true
    queue = []
    head = 0
  }

  fileprivate mutating func forget() {
    queue.removeAll()
    head = 0
  }

  fileprivate mutating func compact() {
    if head == queue.count {
      queue.removeAll(keepingCapacity: true)
      head = 0
    } else if head > 256, head * 2 > queue.count {
      queue.removeFirst(head)
      head = 0
    }
  }
}

/// RL-009: one end closes, the other learns it.
struct CloseIsPassedOn: Rule {
  static let info = RuleInfo(
    id: "RL-009", statement: "When one leg of a relay closes, the other is closed with code 1000 and the same reason.",
    severity: .major, reference: "connection.md 2.4", isSessionWide: true)
  static let interests: EventSet = [.spliced, .closed, .ended]
  private struct Due: Sendable {
    let code: Int
    let reason: String
    let place: Place

    var witness: Witness { Witness(place, "closed with \(code) \(JSONText.quoted(excerpt(reason)))") }
    var ids: [String] { code == 1006 ? ["RL-010"] : [] }
  }
  private var partner: [Int: Int] = [:]
  private var due: [Int: Due] = [:]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .spliced(let requester, _):
      partner[event.leg] = requester
      partner[requester] = event.leg
    case .closed(let code, let reason, let echo): closed(event, code, reason, echo, &report)
    case .ended:
      partner[event.leg] = nil
      due[event.leg] = nil
    default: break
    }
  }

  private mutating func closed(
    _ event: Event, _ code: Int, _ reason: String, _ echo: Bool, _ report: inout Reporter
  ) {
    if let due = due.removeValue(forKey: event.leg) {
      late(due, event.time, &report)
      // 1005 is the server's own end, 1006 the recorder's word for a lost socket: both tell nothing of the relay.
      if event.direction == .fromServer, !echo, code != 1005, code != 1006 {
        if code != 1000 {
          report.violation(at: event, by: .commServer, "close code \(code)", because: [due.witness], also: due.ids)
        }
        if reason != due.reason {
          report.violation(
            at: event, by: .commServer,
            "reason \(JSONText.quoted(excerpt(reason))), expected \(JSONText.quoted(excerpt(due.reason)))",
            because: [due.witness], also: due.ids)
        }
      }
    }
    if event.direction == .fromClient, !echo, let other = partner[event.leg], partner[other] == event.leg {
      due[other] = Due(code: code, reason: code == 1006 ? "" : reason, place: Place(event))
    }
    partner[event.leg] = nil
  }

  private func late(_ due: Due, _ now: Double, _ report: inout Reporter) {
    if now - due.place.time > 2_200 {
      report.violation(
        at: due.place, by: .commServer, "the other leg was not closed in \(Int(now - due.place.time)) ms",
        also: due.ids)
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    for (_, due) in due.sorted(by: { $0.key < $1.key }) { late(due, end.time, &report) }
  }
}
