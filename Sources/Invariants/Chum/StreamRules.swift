import Trace
import Wire

/// FRM-006: one kind of chunk a stream.
struct StreamsHaveOneShape: Rule {
  static let info = RuleInfo(
    id: "FRM-006",
    statement: "A text stream names its encoding in the first chunk only; text and binary chunks are never mixed.",
    severity: .major, reference: "chum.md 5.4", sight: .decrypted)
  static let interests: EventSet = [.chunk, .streamEnded]
  private static let capacity = 65_536
  private var isText: [[Int: (Bool, Witness)]] = [[:], [:]]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .streamEnded(let id, _): isText[side][id] = nil
    case .chunk(let id, let chunk):
      let textual = if case .text = chunk { true } else { false }
      if let (first, place) = isText[side][id] {
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
        isText[side][id] = (textual, Witness(event, "first chunk of stream \(id)"))
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
  static let interests: EventSet = [.chunk, .streamEnded]
  private static let capacity = 65_536
  private var open: [[Int: Witness]] = [[:], [:]]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .streamEnded(let id, _): open[side][id] = nil
    case .chunk(let id, _):
      if open[side][id] != nil || open[side].count < Self.capacity { open[side][id] = Witness(event, "the last chunk") }
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    for (side, streams) in open.enumerated() {
      for (id, place) in streams.sorted(by: { $0.key < $1.key }) where end.time - place.time > 3_000 {
        report.violation(at: place, by: side == 0 ? .client : .remote, "stream \(id) never ended")
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
  private var ended: [[Int: Witness]] = [[:], [:]]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .requested(let id, _, _): ended[1 - side][id] = nil
    case .streamEnded(let id, _):
      if ended[side].count >= Self.capacity { ended[side].removeAll() }
      ended[side][id] = Witness(event, "the end of stream \(id)")
    case .chunk(let id, _):
      if let place = ended[side][id] {
        report.violation(at: event, by: event.sender, "chunk behind the end of stream \(id)", because: [place])
      }
    default: break
    }
  }
}

/// FRM-009: binary messages carry an id.
struct BinaryMessagesCarryAnId: Rule {
  static let info = RuleInfo(
    id: "FRM-009", statement: "A binary message of CHUM has eight bytes or more and begins with a request id.",
    severity: .major, reference: "chum.md 5.4", knownDeviation: "F47", sight: .decrypted)
  static let interests: EventSet = .invalidChunk
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .invalidChunk(_, let failure) = event.kind else { return }
    report.violation(at: event, by: event.sender, failure.detail)
  }
}

/// FRM-010: streams answer service 8 only.
struct StreamsAnswerService8: Rule {
  static let info = RuleInfo(
    id: "FRM-010", statement: "Stream answers occur only for requests of service 8.", severity: .critical,
    reference: "chum.md 5.4", sight: .decrypted)
  static let interests: EventSet = OpenRequests.interests.union(.chunk)
  private var open = OpenRequests()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .chunk(let id, _), .streamEnded(let id, _):
      if let request = open.request(for: id, answeredBy: event.direction), request.service != 8 {
        report.violation(
          at: event, by: event.sender, "a stream for service \(request.service)", because: [request.place])
      }
    default: break
    }
    open.note(event)
  }
}

/// FRM-011: who is told to stop, stops.
struct StoppedStreamsStop: Rule {
  static let info = RuleInfo(
    id: "FRM-011", statement: "A stopped stream ends within 5 s.", severity: .minor, reference: "chum.md 5.4",
    sight: .decrypted)
  static let interests: EventSet = [.streamStopped, .streamEnded, .closed]
  private static let capacity = 4_096
  private var stopped: [[Int: Witness]] = [[:], [:]]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = Int(event.direction.rawValue)
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
      at: place, by: callee == 0 ? .client : .remote, "stream \(id) went on for \(Int(now - place.time)) ms")
  }
}
