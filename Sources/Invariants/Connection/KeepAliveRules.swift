import Trace
import Wire

/// KA-101: a silent side pulses. Without keys too: a frame is a sign of life whatever it holds.
struct PulseWhenSilent: Rule {
  static let info = RuleInfo(
    id: "KA-101", statement: "Whoever sent nothing for 20 s on an encrypted connection sends keepalive.",
    severity: .major, reference: "connection.md 3.4")
  static let interests: EventSet = EventSet.sealedFrames.union([.encrypted, .unencryptedText, .closed])
  private var client: Place?
  private var remote: Place?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .encrypted:
      client = Place(event)
      remote = client
    case .closed(let code, _, let echo):
      // Who closes in words lives; any other end may be that of a peer that is lost, and was given up as it should be.
      let living = echo || code == 1006 ? nil : event.direction
      judgeBoth(event.time, living: living, &report)
    default:
      if event.direction == .fromClient {
        if client != nil {
          judge(client, .client, event.time, &report)
          client = Place(event)
        }
      } else if remote != nil {
        judge(remote, .remote, event.time, &report)
        remote = Place(event)
      }
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judgeBoth(end.time, living: nil, &report) }

  private mutating func judgeBoth(_ now: Double, living: Direction?, _ report: inout Reporter) {
    judge(client, .client, now, &report, weight: living == .fromClient ? .proven : .possible)
    judge(remote, .remote, now, &report, weight: living == .fromServer ? .proven : .possible)
    client = nil
    remote = nil
  }

  private func judge(
    _ place: Place?, _ who: Culprit, _ now: Double, _ report: inout Reporter, weight: Weight = .proven
  ) {
    guard let place else { return }
    let gap = now - place.time
    if gap > KeepAlive.sendAfter + SessionFacts.tolerance(KeepAlive.sendAfter) {
      report.violation(at: place, by: who, "nothing sent for \(Int(gap)) ms behind this", weight: weight)
    }
  }
}

/// KA-103: no pulse without need.
struct PulseIsNotEarly: Rule {
  static let info = RuleInfo(
    id: "KA-103", statement: "No keepalive within 20 s of another message in the same direction.", severity: .minor,
    reference: "connection.md 3.4", sight: .decrypted)
  static let interests: EventSet = [.encrypted, .frame, .keepalive]
  private var last: (Place?, Place?) = (nil, nil)
  private var before: (Place?, Place?) = (nil, nil)
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let isClient = event.direction == .fromClient
    switch event.kind {
    case .encrypted: last = (Place(event), Place(event))
    case .frame:
      // A pulse is itself a frame, so the frame before the last one counts.
      if isClient {
        before.0 = last.0
        last.0 = Place(event)
      } else {
        before.1 = last.1
        last.1 = Place(event)
      }
    case .keepalive:
      guard let before = isClient ? before.0 : before.1 else { return }
      let gap = event.time - before.time
      if gap < KeepAlive.sendAfter - SessionFacts.tolerance(KeepAlive.sendAfter) {
        report.violation(
          at: event, by: event.sender, "keepalive after only \(Int(gap)) ms",
          because: [Witness(before, "the message before")])
      }
    default: break
    }
  }
}

/// KA-102: a dead peer is given up.
struct DeadPeerIsGivenUp: Rule {
  static let info = RuleInfo(
    id: "KA-102", statement: "Whoever received nothing for 25 s on an encrypted connection closes it.",
    severity: .major, reference: "connection.md 3.4")
  static let interests: EventSet = EventSet.sealedFrames.union([.encrypted, .closed])
  private var received: Place?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .encrypted: received = Place(event)
    case .closed:
      judge(event.time, &report)
      received = nil
    default:
      guard event.direction == .fromServer, received != nil else { return }
      judge(event.time, &report)
      received = Place(event)
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private func judge(_ now: Double, _ report: inout Reporter) {
    guard let received else { return }
    let gap = now - received.time
    if gap > KeepAlive.giveUpAfter + SessionFacts.tolerance(KeepAlive.giveUpAfter) {
      report.violation(at: received, by: .client, "nothing received for \(Int(gap)) ms behind this, and still open")
    }
  }
}

/// KA-109: a step that never comes.
struct MissingStepIsClosed: Rule {
  static let info = RuleInfo(
    id: "KA-109", statement: "A connection whose establishment or pairing stands still for 30 s is closed.",
    severity: .major, binding: .strict, reference: "connection.md 8.5", knownDeviation: "connection.md 4.3",
    sight: .decrypted)
  static let interests: EventSet = [
    .peer, .peerFault, .personProof, .controlText, .requested, .application, .closed,
  ]
  private var last: Witness?
  private var instances = [false, false]
  private var isPairing = false
  private var isJudged = false
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard !isJudged else { return }
    switch event.kind {
    case .closed:
      judge(event.time, &report)
    case .controlText, .requested, .application:
      judge(event.time, &report)
      isJudged = true
    default:
      if case .peer(.connectionGroup(let name)) = event.kind { isPairing = name == "pairing" }
      if case .peer(.instanceIdObject) = event.kind { instances[event.side] = true }
      if last != nil { judge(event.time, &report) }
      guard !isJudged else { return }
      last = Witness(event, "the last step")
      // With both instances known the group's own protocol has the word; only pairing goes on with steps.
      if instances[0] && instances[1], !isPairing { isJudged = true }
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    if !end.closed { judge(end.time, &report) }
  }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    guard !isJudged, let last, now - last.time > 33_000 else { return }
    isJudged = true
    report.violation(
      at: last, by: .client, "nothing followed for \(Int(now - last.time)) ms, and the connection stays open",
      deviation: Self.info.knownDeviation)
  }
}
