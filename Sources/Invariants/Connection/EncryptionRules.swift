import Trace
import Wire
import WireBytes

/// ENC-010: frames arrive whole and in order.
struct FramesOpenInOrder: Rule {
  static let info = RuleInfo(
    id: "ENC-010", alsoDecides: ["SEC-001", "SEC-004"],
    statement: "Every frame opens with the counter due in its direction: no replay, loss, reordering or change.",
    severity: .critical, reference: "connection.md 3.3", sight: .decrypted)
  static let interests: EventSet = [.decryptFailed, .frame, .unencryptedText]
  private var last: [Place?] = [nil, nil]
  /// After one fault the counters of that direction may be out of step: what follows is the same fault.
  private var isBroken = [false, false]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .frame:
      last[side] = Place(event)
      isBroken[side] = false
    case .unencryptedText: isBroken[side] = true
    case .decryptFailed(let counter, let length, let opensWith):
      guard !isBroken[side] else { return }
      isBroken[side] = true
      let (why, ids) = diagnosis(counter, length, opensWith)
      report.violation(
        at: event, by: blame(event, report), "a frame of \(length) bytes does not open with counter \(counter)\(why)",
        because: last[side].map { [Witness($0, "the last frame that opened in this direction")] } ?? [],
        also: Self.info.alsoDecides + ids)
    default: break
    }
  }

  private func diagnosis(_ counter: UInt64, _ length: Int, _ opensWith: UInt64?) -> (String, [String]) {
    if length < 16 { return (": too short for a box", ["ENC-014"]) }
    guard let opensWith else { return (", nor with one near it: changed, or another key", []) }
    if opensWith % 2 != counter % 2 { return (", but with \(opensWith): the other side's own frame, reflected", []) }
    if opensWith < counter { return (", but with \(opensWith): a replay", []) }
    let missing = (opensWith - counter) / 2
    return (", but with \(opensWith): \(missing) frame\(missing == 1 ? "" : "s") before it lost or late", [])
  }
}

/// SEC-001: nothing in clear any more.
struct NothingInClear: Rule {
  static let info = RuleInfo(
    id: "SEC-001", alsoDecides: ["ENC-004"], statement: "After both key messages every WebSocket message is binary.",
    severity: .critical, reference: "chum.md 5.9")
  static let interests: EventSet = [.unencryptedText, .encrypted]
  private var start: Place?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .encrypted: start = Place(event)
    case .unencryptedText(let text):
      report.violation(
        at: event, by: blame(event, report), "text on an encrypted connection: \(excerpt(text, 60))",
        because: start.map { [Witness($0, "encryption starts")] } ?? [])
    default: break
    }
  }
}

/// SEC-002: what is known to be inside must not be seen outside.
struct NoPlaintextInFrames: Rule {
  static let info = RuleInfo(
    id: "SEC-002", statement: "No frame on an encrypted connection shows microdata, a message or the control text.",
    severity: .critical, reference: "chum.md 5.9")
  static let interests: EventSet = .plaintextSeen
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .plaintextSeen(let what) = event.kind else { return }
    report.violation(
      at: event, by: blame(event, report), "the frame holds \(JSONText.quoted(excerpt(what, 60))) in clear")
  }
}

/// ENC-009 to ENC-016 at the receiver: a frame that does not open ends the connection.
struct FaultClosesConnection: Rule {
  static let info = RuleInfo(
    id: "ENC-011",
    statement:
      "After a frame that does not open, or a text on an encrypted connection, the receiver closes within 2 s.",
    severity: .critical, reference: "connection.md 3.3")
  static let interests: EventSet = [.decryptFailed, .unencryptedText, .paddingFault, .fragmentFault, .closed]
  private var fault: (place: Witness, debtor: Culprit, ids: [String])?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .closed: judge(event.time, &report)
    case .decryptFailed(_, let length, _): note(event, length < 16 ? ["ENC-014"] : ["ENC-009", "ENC-010", "ENC-012"])
    case .unencryptedText: note(event, ["ENC-013"])
    case .paddingFault(let failure): note(event, failure.code == "padding.empty" ? ["ENC-015"] : ["ENC-016"])
    case .fragmentFault: note(event, ["FR-007"])
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func note(_ event: Event, _ ids: [String]) {
    if fault == nil { fault = (Witness(event, "the fault"), event.receiver, ids) }
  }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    if let fault, now - fault.place.time > 2_200 {
      report.violation(
        at: fault.place, by: fault.debtor, "not closed for \(Int(now - fault.place.time)) ms after this",
        also: fault.ids)
    }
    fault = nil
  }
}

/// SEC-005: and it says nothing more.
struct FaultSilencesReceiver: Rule {
  static let info = RuleInfo(
    id: "SEC-005", alsoDecides: ["ENC-023"],
    statement: "After a frame that does not open the receiver processes and sends nothing more.", severity: .critical,
    binding: .strict, reference: "chum.md 5.9", knownDeviation: "F48")
  static let interests: EventSet = [.decryptFailed, .unencryptedText, .frame, .keepalive, .closed]
  private var fault: [Witness?] = [nil, nil]
  private var isJudged = false
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .decryptFailed, .unencryptedText:
      if fault[event.side] == nil { fault[event.side] = Witness(event, "the fault") }
    case .closed: isJudged = true
    case .frame:
      // What was on its way already is no answer; a fifth of a second is more than a round trip needs.
      guard !isJudged, let fault = fault[1 - event.side], event.time - fault.time > 200 else { return }
      isJudged = true
      report.violation(
        at: event, by: event.sender, "still sends \(Int(event.time - fault.time)) ms after a frame that did not open",
        because: [fault])
    default: break
    }
  }
}

/// ENC-016: the padding is one.
struct PaddingFits: Rule {
  static let info = RuleInfo(
    id: "ENC-016", alsoDecides: ["ENC-007"], statement: "The padding of a frame ends within the frame.",
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
    reference: "connection.md 1.1")
  static let interests: EventSet = .sealedFrames
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let length: Int
    switch event.kind {
    case .frame(let frame): length = frame.length
    case .decryptFailed(_, let bytes, _), .unreadable(let bytes): length = bytes
    default: return
    }
    if length > 65_808 { report.violation(at: event, by: event.sender, "\(length) bytes") }
  }
}

/// ENC-008: the padding hides the length only if it is random.
struct PaddingVaries: Rule {
  static let info = RuleInfo(
    id: "ENC-008", statement: "The number of padding bytes varies over 0…255.", severity: .minor, binding: .deployment,
    reference: "connection.md 3.3", sight: .decrypted)
  static let interests: EventSet = .frame
  /// Of 64 uniform draws from 256 values fewer than 16 distinct ones are practically impossible.
  private static let sample: UInt8 = 64
  private var seen: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
  private var count: (UInt8, UInt8) = (0, 0)
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let isClient = event.direction == .fromClient
    guard case .frame(let frame) = event.kind, (isClient ? count.0 : count.1) < Self.sample else { return }
    let r = min(frame.padding, 255)
    let bit: UInt64 = 1 << UInt64(r & 63)
    switch (r >> 6, isClient) {
    case (0, true): seen.0 |= bit
    case (1, true): seen.1 |= bit
    case (2, true): seen.2 |= bit
    case (_, true): seen.3 |= bit
    case (0, false): seen.4 |= bit
    case (1, false): seen.5 |= bit
    case (2, false): seen.6 |= bit
    case (_, false): seen.7 |= bit
    }
    if isClient { count.0 += 1 } else { count.1 += 1 }
    guard (isClient ? count.0 : count.1) == Self.sample else { return }
    let words = isClient ? [seen.0, seen.1, seen.2, seen.3] : [seen.4, seen.5, seen.6, seen.7]
    let distinct = words.reduce(0) { $0 + $1.nonzeroBitCount }
    if distinct < 16 {
      report.violation(at: event, by: event.sender, "\(distinct) different paddings in \(Self.sample) frames")
    }
  }
}
