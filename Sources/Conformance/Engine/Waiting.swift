import Scenario
import WebSocketWire
import WireBytes

/// The waits of fibers: whether what they wait for has come.
extension CaseMachine {
  /// True while no time runs for the target, since a connection of the case is kept back.
  func isSuspended(_ fiber: Fiber) -> Bool { !held.isEmpty && fiber.wait?.isForTarget == true }

  /// All connections are being made again: what the target owes is due later by the time that it could not know of.
  mutating func resumeTime() {
    for id in order {
      guard var fiber = fibers[id], let wait = fiber.wait, wait.isForTarget else { continue }
      let delay = now - max(heldSince, fiber.waitingSince)
      fiber.deadline = fiber.deadline.map { $0 + delay }
      switch wait {
      case .accepting(let accept, let step, var window):
        window.latest += delay
        fiber.wait = .accepting(accept, step, window)
      case .expecting(let expectation, let step, var window, let probe):
        window.latest += delay
        fiber.wait = .expecting(expectation, step, window, probe: probe)
      case .opening, .elapsing, .joining: break
      }
      fibers[id] = fiber
    }
  }

  /// True when the fiber may go on; a failure ends the case.
  mutating func resume(_ fiber: inout Fiber) -> Bool {
    switch fiber.wait {
    case nil: return true
    case .joining: return (fibers[fiber.id]?.children ?? 0) == 0
    case .elapsing: return now >= (fiber.deadline ?? now)
    case .opening(let name, let step): return opened(name, step, fiber.deadline ?? now)
    case .accepting(let accept, let step, let window): return accepted(accept, step, window)
    case .expecting(let expectation, let step, var window, let probe):
      do throws(EvaluationFailure) {
        let isMet = try met(expectation, step, &window, probe)
        fiber.wait = .expecting(expectation, step, window, probe: probe)
        fiber.deadline = window.latest
        return isMet
      } catch {
        fail(
          error.isTargets ? .behaviour : .error, step.place, expectation.actors.first, "a pattern that can be computed",
          error.reason)
        return false
      }
    }
  }

  private mutating func opened(_ name: String, _ step: Step, _ deadline: Double) -> Bool {
    guard let actor = actors[name] else { return true }
    let expected = actor.request.status.map { $0 == 101 ? "an open WebSocket" : "HTTP status \($0)" } ?? "any answer"
    if actor.request.isBare, actor.phase == .bare { return true }
    if let status = actor.status, actor.failure == nil {
      if let wanted = actor.request.status, status != wanted {
        fail(.behaviour, step.place, name, expected, "HTTP status \(status)")
      }
      return !isDone
    }
    if let failure = actor.failure {
      if actor.request.status == nil { return true }
      fail(.behaviour, step.place, name, expected, failure)
      return false
    }
    guard held.isEmpty, now >= deadline else { return false }
    fail(.behaviour, step.place, name, expected, "nothing within \(time(budget.answer))")
    return false
  }

  private mutating func accepted(_ accept: AcceptStep, _ step: Step, _ window: Fiber.Window) -> Bool {
    if accept.isNone {
      guard incoming.isEmpty else {
        fail(.behaviour, step.place, nil, "no new connection", "one after \(time(now - window.start))")
        return false
      }
      return now >= window.latest
    }
    guard !incoming.isEmpty else {
      if held.isEmpty, now >= window.latest {
        fail(
          .behaviour, step.place, accept.actor, "a new connection", "none within \(time(window.latest - window.start))")
      }
      return false
    }
    if let earliest = window.earliest, now < earliest {
      fail(
        .behaviour, step.place, accept.actor, "a new connection not before \(time(earliest - window.start))",
        "one after \(time(now - window.start))")
      return false
    }
    let link = incoming.removeFirst()
    var request = OpenStep(actor: accept.actor)
    request.isBare = !accept.upgrades
    add(accept.actor, isServer: true, request: request, link: link)
    log(accept.actor, .note, "accepted")
    actors[accept.actor]?.phase = accept.upgrades ? .upgrading : .bare
    if let bytes = unclaimed.removeValue(forKey: link) { receive(bytes, accept.actor) }
    return true
  }

  func time(_ milliseconds: Double) -> String {
    milliseconds < 1_000
      ? "\(JSONText.number((milliseconds * 10).rounded() / 10)) ms"
      : "\(JSONText.number((milliseconds / 10).rounded() / 100)) s"
  }

  // MARK: Expectations

  mutating func begin(_ expectation: Expectation, _ step: Step, _ fiber: inout Fiber) throws(EvaluationFailure) {
    let isClose = expectation.alternatives.contains { if case .closed = $0.kind { true } else { false } }
    var window = try window(
      expectation.timing, isClose ? budget.close : budget.answer, isNegative: expectation.isNegative)
    var probe: Int?
    if expectation.isNegative, expectation.timing.within == nil, let name = expectation.actors.first {
      probe = sendProbe(name)
      if actors[name]?.answeredProbes.contains(probe ?? -1) == true { window.settling = true }
    }
    fiber.wait = .expecting(expectation, step, window, probe: probe)
    fiber.deadline = window.latest
  }

  private mutating func sendProbe(_ name: String) -> Int? {
    guard let actor = actors[name], actor.phase == .open, !actor.endpoint.sentClose else { return nil }
    actors[name]?.probes += 1
    actors[name]?.endpoint.sendPing(Array("\(Actor.probeMark)\(actor.probes)".utf8))
    return actor.probes
  }

  private func inbox(_ name: String) -> [Actor.Received] { name == "target" ? reports : actors[name]?.inbox ?? [] }

  private mutating func removeFirst(_ name: String) {
    if name == "target" {
      reports.removeFirst()
    } else {
      actors[name]?.inbox.removeFirst()
    }
  }

  private mutating func met(
    _ expectation: Expectation, _ step: Step, _ window: inout Fiber.Window, _ probe: Int?
  ) throws(EvaluationFailure) -> Bool {
    for name in expectation.actors {
      while let first = inbox(name).first, try matches(first.item, expectation.ignored) != nil { removeFirst(name) }
    }
    if expectation.isNegative { return try stays(expectation, step, &window, probe, expectation.actors[0]) }
    // Of several actors the one whose event came first decides.
    let candidates = expectation.actors.compactMap { name in inbox(name).first.map { (name: name, first: $0) } }
    guard let (name, first) = candidates.min(by: { $0.first.time < $1.first.time }) else {
      if held.isEmpty, now >= window.latest { missing(expectation, step, window) }
      return false
    }
    if let earliest = window.earliest, first.time < earliest {
      fail(
        .behaviour, step.place, name, "\(expectation.phrase), not before \(time(earliest - window.start))",
        "\(first.item.phrase) after \(time(first.time - window.start))")
      return false
    }
    return try judge(first, expectation, step, name)
  }

  private mutating func missing(_ expectation: Expectation, _ step: Step, _ window: Fiber.Window) {
    let name = expectation.actors.count == 1 ? expectation.actors[0] : nil
    var found = "nothing within \(time(window.latest - window.start))"
    if let name, let taken = actors[name]?.taken {
      found = "nothing more; the connection had already ended with \(taken.phrase)"
    }
    if let name, let failure = actors[name]?.failure { found = failure }
    fail(
      .behaviour, step.place, name ?? expectation.actors.joined(separator: " or "), expectation.phrase, found)
  }

  private mutating func judge(
    _ first: Actor.Received, _ expectation: Expectation, _ step: Step, _ name: String
  ) throws(EvaluationFailure) -> Bool {
    if let alternative = try matches(first.item, expectation.alternatives) {
      take(first, name, alternative, expectation)
      return true
    }
    if let alternative = try matches(first.item, expectation.tolerated) {
      take(first, name, alternative, expectation)
      fail(.tolerated, step.place, name, expectation.phrase, first.item.phrase)
      return true
    }
    let wantsClose = expectation.alternatives.contains { if case .closed = $0.kind { true } else { false } }
    switch first.item {
    case .closed where wantsClose, .lost where wantsClose:
      take(first, name, nil, expectation)
      fail(.close, step.place, name, expectation.phrase, first.item.phrase)
      return true
    default: break
    }
    var found = first.item.phrase
    if expectation.alternatives.count == 1, let detail = try detail(first.item, expectation.alternatives[0]),
      !detail.isEmpty
    {
      found += " (\(detail))"
    }
    fail(.behaviour, step.place, name, expectation.phrase, found)
    return false
  }

  private mutating func take(
    _ first: Actor.Received, _ name: String, _ alternative: Alternative?, _ expectation: Expectation
  ) {
    removeFirst(name)
    switch first.item {
    case .closed, .lost, .fault: actors[name]?.taken = first.item
    default: break
    }
    guard let save = expectation.save else { return }
    if let label = alternative?.name { return evaluator.set(save, .text(label)) }
    switch first.item {
    case .message(.text(let text)): evaluator.set(save, (try? JSONValue.parse(text)).map { Value($0) } ?? .text(text))
    case .head(let head): evaluator.set(save, Value(head))
    case .message(.binary(let bytes)), .pong(let bytes): evaluator.set(save, .bytes(bytes))
    case .closed(let info):
      evaluator.set(
        save,
        .record([
          "code": .number(Double(info.code ?? 1005)), "reason": .text(String(decoding: info.reason, as: UTF8.self)),
        ]))
    case .lost: evaluator.set(save, .record(["code": .number(1006), "reason": .text("")]))
    case .fault(let fault): evaluator.set(save, .text("\(fault)"))
    }
  }

  /// The waits for nothing: silence for a time, or until a WebSocket ping came back and the dust has settled.
  private mutating func stays(
    _ expectation: Expectation, _ step: Step, _ window: inout Fiber.Window, _ probe: Int?, _ name: String
  ) throws(EvaluationFailure) -> Bool {
    let allowsMessages = expectation.alternatives.contains { if case .open = $0.kind { true } else { false } }
    for received in inbox(name) {
      if case .message = received.item, allowsMessages { continue }
      if case .pong = received.item, allowsMessages { continue }
      fail(.behaviour, step.place, name, expectation.phrase, received.item.phrase)
      return false
    }
    if expectation.timing.within != nil { return now >= window.latest }
    guard let probe, actors[name]?.phase == .open else {
      if name == "target" { return true }
      fail(.behaviour, step.place, name, expectation.phrase, "a connection that has already ended")
      return false
    }
    if !window.settling, actors[name]?.answeredProbes.contains(probe) == true {
      window.settling = true
      window.latest = now + budget.settle
    }
    guard now >= window.latest else { return false }
    if window.settling { return true }
    fail(.behaviour, step.place, name, expectation.phrase, "no answer to a WebSocket ping")
    return false
  }

  /// Nil when both are the same; a long one is told by lengths and the first place that differs.
  private static func difference(_ found: [UInt8], _ wanted: [UInt8]) -> String? {
    if found == wanted { return nil }
    guard found.count > 100 || wanted.count > 100 else { return "" }
    var place = 0
    while place < min(found.count, wanted.count), found[place] == wanted[place] { place += 1 }
    return "\(found.count) bytes, expected \(wanted.count), different from byte \(place) on"
  }

  private mutating func matches(_ item: Actor.Item, _ alternatives: [Alternative]) throws(EvaluationFailure)
    -> Alternative?
  {
    for alternative in alternatives where try detail(item, alternative) == nil { return alternative }
    return nil
  }

  /// Nil when the item is what the alternative describes; otherwise why not, empty when it is of another kind.
  private mutating func detail(_ item: Actor.Item, _ alternative: Alternative) throws(EvaluationFailure) -> String? {
    switch (item, alternative.kind) {
    case (.message, .anyMessage): return nil
    case (.message(.text(let text)), .json(let pattern)):
      guard let value = try? JSONValue.parse(text) else { return "not JSON" }
      return try evaluator.mismatch(value, pattern)
    case (.message(.text(let text)), .text(let pattern)): return try evaluator.mismatch(.string(text), pattern)
    case (.message(.binary(let bytes)), .binary(.equal(let template))):
      return Self.difference(bytes, try Evaluator.bytes(try evaluator.value(template), "the expected bytes"))
    case (.message(.text(let text)), .text(.equal(let template))):
      return Self.difference(Array(text.utf8), Array(try evaluator.value(template).text.utf8))
    case (.message(.binary(let bytes)), .binary(let pattern)):
      return try evaluator.mismatch(.string(Hex.encode(bytes)), pattern)
    case (.pong(let bytes), .pong(let pattern)):
      return try evaluator.mismatch(.string(String(decoding: bytes, as: UTF8.self)), pattern)
    case (.head(let head), .head(let pattern)): return try evaluator.mismatch(head, pattern)
    case (.closed(let info), .closed(let close)):
      let code = Int(info.code ?? 1005)
      if !close.codes.isEmpty, !close.codes.contains(code) { return "code \(code)" }
      guard let reason = close.reason else { return nil }
      return try evaluator.mismatch(.string(String(decoding: info.reason, as: UTF8.self)), reason, at: "reason")
    case (.lost, .closed(let close)): return close.allowsLoss ? nil : "no close frame"
    case (.lost, .lost): return nil
    default: return "another kind of event"
    }
  }
}

extension Expectation {
  /// True when it waits for something not to happen.
  var isNegative: Bool {
    alternatives.contains { $0.kind.isNegative }
  }

  var phrase: String { alternatives.map(\.phrase).joined(separator: ", or ") }
}
