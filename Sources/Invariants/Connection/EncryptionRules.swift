import Trace
import Wire

/// ENC-010: frames arrive whole and in order.
struct FramesOpenInOrder: Rule {
  static let info = RuleInfo(
    id: "ENC-010",
    alsoDecides: ["ENC-001", "ENC-002", "ENC-003", "ENC-009", "ENC-011", "ENC-012", "ENC-014", "SEC-004"],
    statement: "Every frame opens with the counter due in its direction: no replay, loss, reordering or change.",
    severity: .critical, reference: "connection.md 3.3", sight: .decrypted)
  static let interests: EventSet = [.decryptFailed, .frame]
  private var last: [Witness?] = [nil, nil]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .frame: last[side] = Witness(event, "the last frame that opened in this direction")
    case .decryptFailed(let counter, let length):
      let culprit: Culprit = event.direction == .fromServer && report.remoteIsRecorded ? .path : event.sender
      report.violation(
        at: event, by: culprit, "a frame of \(length) bytes does not open with counter \(counter)",
        because: [last[side]].compactMap { $0 })
    default: break
    }
  }
}

/// ENC-011 at the receiver: a frame that does not open ends the connection.
struct FaultClosesConnection: Rule {
  static let info = RuleInfo(
    id: "SEC-005", alsoDecides: ["ENC-023"],
    statement:
      "After a frame that does not open, or a text on an encrypted connection, the receiver closes within 2 s.",
    severity: .critical, reference: "chum.md 5.9", sight: .decrypted)
  static let interests: EventSet = [.decryptFailed, .unencryptedText, .paddingFault, .fragmentFault, .closed]
  private var fault: (place: Witness, debtor: Direction)?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .closed:
      guard let fault else { return }
      if event.time - fault.place.time > 2_000 {
        report.violation(
          at: event, by: event.sender, "closed only \(Int(event.time - fault.place.time)) ms after the fault",
          because: [fault.place])
      }
      self.fault = nil
    default: if fault == nil { fault = (Witness(event, "the fault"), event.direction.opposite) }
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    guard !end.closed, let fault, end.time - fault.place.time > 2_000 else { return }
    let culprit: Culprit = fault.debtor == .fromClient ? .client : .remote
    report.violation(
      at: fault.place, by: culprit, "the receiver is still connected \(Int(end.time - fault.place.time)) ms later")
  }
}

/// SEC-001: nothing in clear any more.
struct NothingInClear: Rule {
  static let info = RuleInfo(
    id: "SEC-001", alsoDecides: ["ENC-004", "ENC-013"],
    statement: "After both key messages every WebSocket message is binary.", severity: .critical,
    reference: "chum.md 5.9")
  static let interests: EventSet = [.unencryptedText, .encrypted]
  private var start: Witness?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .encrypted: start = Witness(event, "encryption starts")
    case .unencryptedText(let text):
      let culprit: Culprit = event.direction == .fromServer && report.remoteIsRecorded ? .path : event.sender
      report.violation(
        at: event, by: culprit, "text on an encrypted connection: \(excerpt(text, 60))",
        because: [start].compactMap { $0 })
    default: break
    }
  }
}

/// ENC-016: the padding is one.
struct PaddingFits: Rule {
  static let info = RuleInfo(
    id: "ENC-016", alsoDecides: ["ENC-015", "ENC-007"], statement: "The padding of a frame ends within the frame.",
    severity: .major, reference: "connection.md 3.3", sight: .decrypted)
  static let interests: EventSet = .paddingFault
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .paddingFault(let failure) = event.kind else { return }
    report.violation(at: event, by: event.sender, failure.detail)
  }
}

/// ENC-017: no more than eight length bytes.
struct PaddingLengthIsShort: Rule {
  static let info = RuleInfo(
    id: "ENC-017", statement: "A sender uses at most eight length bytes.", severity: .minor, binding: .strict,
    reference: "connection.md 3.3", sight: .decrypted)
  static let interests: EventSet = .frame
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .frame(let frame) = event.kind, frame.lengthBytes > 8 else { return }
    report.violation(at: event, by: event.sender, "\(frame.lengthBytes) length bytes")
  }
}

/// ENC-018: three flag bits have no meaning.
struct ReservedFlagsAreZero: Rule {
  static let info = RuleInfo(
    id: "ENC-018", statement: "The reserved flag bits of a frame are zero.", severity: .minor, binding: .strict,
    reference: "connection.md 3.3", sight: .decrypted)
  static let interests: EventSet = .frame
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .frame(let frame) = event.kind, frame.flags > 1 else { return }
    report.violation(at: event, by: event.sender, "flags \(frame.flags)")
  }
}

/// TR-013: the largest frame that a sender needs.
struct FramesAreBounded: Rule {
  static let info = RuleInfo(
    id: "TR-013", statement: "An encrypted frame has at most 65,808 bytes.", severity: .minor, binding: .strict,
    reference: "connection.md 1.1", sight: .decrypted)
  static let interests: EventSet = .frame
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .frame(let frame) = event.kind, frame.length > 65_808 else { return }
    report.violation(at: event, by: event.sender, "\(frame.length) bytes")
  }
}

/// ENC-008: the padding hides the length only if it is random.
struct PaddingVaries: Rule {
  static let info = RuleInfo(
    id: "ENC-008", statement: "The number of padding bytes varies over 0…255.", severity: .minor, binding: .deployment,
    reference: "connection.md 3.3", sight: .decrypted)
  static let interests: EventSet = .frame
  /// Of 64 uniform draws from 256 values fewer than 16 distinct ones are practically impossible.
  private static let sample = 64
  private var seen: [[UInt64]] = [[0, 0, 0, 0], [0, 0, 0, 0]]
  private var count = [0, 0]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    guard case .frame(let frame) = event.kind, count[side] < Self.sample else { return }
    count[side] += 1
    let r = min(frame.padding, 255)
    seen[side][r >> 6] |= 1 << UInt64(r & 63)
    guard count[side] == Self.sample else { return }
    let distinct = seen[side].reduce(0) { $0 + $1.nonzeroBitCount }
    if distinct < 16 {
      report.violation(at: event, by: event.sender, "\(distinct) different paddings in \(Self.sample) frames")
    }
  }
}

/// KA-101: a silent side pulses.
struct PulseWhenSilent: Rule {
  static let info = RuleInfo(
    id: "KA-101", statement: "Whoever sent nothing for 20 s on an encrypted connection sends keepalive.",
    severity: .major, reference: "connection.md 3.4", sight: .decrypted)
  static let interests: EventSet = [.encrypted, .frame, .closed]
  private var last: [Witness?] = [nil, nil]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .encrypted: last = [Witness(event, "encryption starts"), Witness(event, "encryption starts")]
    case .frame:
      judge(side, event.time, &report)
      last[side] = Witness(event, "the last frame before")
    case .closed:
      judge(0, event.time, &report)
      judge(1, event.time, &report)
      last = [nil, nil]
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    judge(0, end.time, &report)
    judge(1, end.time, &report)
  }

  private mutating func judge(_ side: Int, _ now: Double, _ report: inout Reporter) {
    guard let place = last[side] else { return }
    let gap = now - place.time
    if gap > KeepAlive.sendAfter + SessionFacts.tolerance(KeepAlive.sendAfter) {
      report.violation(at: place, by: side == 0 ? .client : .remote, "nothing sent for \(Int(gap)) ms behind this")
    }
  }
}

/// KA-103: no pulse without need.
struct PulseIsNotEarly: Rule {
  static let info = RuleInfo(
    id: "KA-103", statement: "No keepalive within 20 s of another message in the same direction.", severity: .minor,
    reference: "connection.md 3.4", sight: .decrypted)
  static let interests: EventSet = [.encrypted, .frame, .keepalive]
  private var last: [Witness?] = [nil, nil]
  private var before: [Witness?] = [nil, nil]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .encrypted: last = [Witness(event, "encryption starts"), Witness(event, "encryption starts")]
    case .frame:
      // A pulse is itself a frame, so the frame before the last one counts.
      before[side] = last[side]
      last[side] = Witness(event, "the message before")
    case .keepalive:
      guard let before = before[side] else { return }
      let gap = event.time - before.time
      if gap < KeepAlive.sendAfter - SessionFacts.tolerance(KeepAlive.sendAfter) {
        report.violation(at: event, by: event.sender, "keepalive after only \(Int(gap)) ms", because: [before])
      }
    default: break
    }
  }
}

/// KA-102: a dead peer is given up.
struct DeadPeerIsGivenUp: Rule {
  static let info = RuleInfo(
    id: "KA-102", statement: "Whoever received nothing for 25 s on an encrypted connection closes it.",
    severity: .major, reference: "connection.md 3.4", sight: .decrypted)
  static let interests: EventSet = [.encrypted, .frame, .closed]
  private var received: Witness?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .encrypted: received = Witness(event, "encryption starts")
    case .frame where event.direction == .fromServer:
      judge(event.time, &report)
      received = Witness(event, "the last frame received before")
    case .closed:
      judge(event.time, &report)
      received = nil
    default: break
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
