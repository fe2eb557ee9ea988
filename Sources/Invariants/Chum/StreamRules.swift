import Trace
import Wire

/// FRM-006: one kind of chunk a stream.
struct StreamsHaveOneShape: Rule {
  static let info = RuleInfo(
    id: "FRM-006", alsoDecides: ["CF-026"],
    statement: "A text stream names its encoding in the first chunk only; text and binary chunks are never mixed.",
    severity: .major, reference: "chum.md 5.4", sight: .decrypted)
  static let interests: EventSet = [.chunk, .streamEnded]
  private static let capacity = 65_536
  private var isText: [[Int: (Bool, Place)]] = [[:], [:]]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .streamEnded(let id, _): isText[side][id] = nil
    case .chunk(let id, let chunk):
      let textual = if case .text = chunk { true } else { false }
      if let (first, start) = isText[side][id] {
        let place = Witness(start, "first chunk of stream \(id)")
        if first != textual {
          report.violation(at: event, by: event.sender, "stream \(id) mixes text and binary", because: [place])
        }
        if case .text(_, let encoding?) = chunk {
          report.violation(
            at: event, by: event.sender, "stream \(id) names encoding \(excerpt(encoding, 20)) again", because: [place])
        }
        return
      }
      if case .text(_, let encoding) = chunk, encoding != "utf8", encoding != "base64" {
        report.violation(
          at: event, by: event.sender, "first chunk of stream \(id) has encoding \(excerpt(encoding ?? "(absent)", 20))"
        )
      }
      if isText[side].count < Self.capacity {
        isText[side][id] = (textual, Place(event))
      }
    default: break
    }
  }
}

/// FRM-007: what begins, ends.
struct StreamsEnd: Rule {
  static let info = RuleInfo(
    id: "FRM-007", statement: "After its first chunk a stream ends or fails, unless the connection closes.",
    severity: .major, reference: "chum.md 5.4", sight: .decrypted)
  static let interests: EventSet = [.chunk, .streamEnded, .closed]
  private static let capacity = 65_536
  private var open: [[Int: Place]] = [[:], [:]]
  private var closedAt: Double?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .streamEnded(let id, _): open[side][id] = nil
    case .chunk(let id, _):
      if open[side][id] != nil || open[side].count < Self.capacity { open[side][id] = Place(event) }
    case .closed: closedAt = closedAt ?? event.time
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    let now = closedAt ?? end.time
    for (side, streams) in open.enumerated() {
      for (id, place) in streams.sorted(by: { $0.key < $1.key }) where now - place.time > 3_000 {
        report.violation(at: place, by: speaker(side), "stream \(id) never ended")
      }
    }
  }
}

/// FRM-008: nothing behind the end.
struct NothingBehindTheEnd: Rule {
  static let info = RuleInfo(
    id: "FRM-008", statement: "No chunk follows the end of its stream.", severity: .major, reference: "chum.md 5.4",
    sight: .decrypted)
  static let interests: EventSet = [.chunk, .streamEnded, .requested]
  private static let capacity = 4_096
  private var ended: [[Int: Place]] = [[:], [:]]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .requested(let id, _, _): if !ended[1 - side].isEmpty { ended[1 - side][id] = nil }
    case .streamEnded(let id, _):
      if ended[side].count >= Self.capacity { ended[side].removeAll() }
      ended[side][id] = Place(event)
    case .chunk(let id, _):
      if let place = ended[side][id] {
        report.violation(
          at: event, by: event.sender, "chunk behind the end of stream \(id)",
          because: [Witness(place, "the end of stream \(id)")])
      }
    default: break
    }
  }
}

/// FRM-009: binary messages carry an id.
struct BinaryMessagesCarryAnId: Rule {
  static let info = RuleInfo(
    id: "FRM-009", alsoDecides: ["CF-022"],
    statement: "A binary message of CHUM has eight bytes or more and begins with a request id.",
    severity: .major, reference: "chum.md 5.4", knownDeviation: "F47", sight: .decrypted)
  static let interests: EventSet = .invalidChunk
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .invalidChunk(let length, let failure) = event.kind else { return }
    report.violation(at: event, by: event.sender, failure.detail, deviation: length == 0 ? "F47" : nil)
  }
}

/// FRM-010: streams answer service 8 only.
struct StreamsAnswerService8: Rule {
  static let info = RuleInfo(
    id: "FRM-010", statement: "Stream answers occur only for requests of service 8.", severity: .critical,
    reference: "chum.md 5.4", sight: .decrypted)
  static let interests: EventSet = [.chunk, .streamEnded]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let request = report.leg.request, request.service != 8 else { return }
    report.violation(
      at: event, by: event.sender, "a stream for service \(request.service)", because: [request.witness])
  }
}

/// FRM-011: who is told to stop, stops.
struct StoppedStreamsStop: Rule {
  static let info = RuleInfo(
    id: "FRM-011", alsoDecides: ["CF-027"], statement: "A stopped stream ends within 5 s.", severity: .minor,
    reference: "chum.md 5.4", sight: .decrypted)
  static let interests: EventSet = [.streamStopped, .streamEnded, .closed]
  private static let capacity = 4_096
  private var stopped: [[Int: Witness]] = [[:], [:]]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .streamStopped(let id):
      if stopped[side].count < Self.capacity { stopped[side][id] = Witness(event, "stop of stream \(id)") }
    case .streamEnded(let id, _):
      if let place = stopped[1 - side].removeValue(forKey: id) { judge(id, place, event.time, side, &report) }
    case .closed: judgeAll(event.time, &report)
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judgeAll(end.time, &report) }

  private mutating func judgeAll(_ now: Double, _ report: inout Reporter) {
    for side in 0...1 {
      for (id, place) in stopped[side] { judge(id, place, now, 1 - side, &report) }
      stopped[side].removeAll()
    }
  }

  private func judge(_ id: Int, _ place: Witness, _ now: Double, _ callee: Int, _ report: inout Reporter) {
    guard now - place.time > 5_000 else { return }
    report.violation(
      at: place, by: speaker(callee), "stream \(id) went on for \(Int(now - place.time)) ms")
  }
}

/// F47: a BLOB chunk has data in it.
struct ChunksCarryData: Rule {
  static let info = RuleInfo(
    id: "CF-080", statement: "Every BLOB chunk is eight bytes of id and at least one byte of data.", severity: .major,
    binding: .strict, reference: "chum.md 6.2", knownDeviation: "F47", sight: .decrypted)
  static let interests: EventSet = .chunk
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .chunk(let id, .binary(length: 0)) = event.kind else { return }
    report.violation(at: event, by: event.sender, "a chunk of stream \(id) without data")
  }
}
