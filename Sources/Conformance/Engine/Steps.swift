import Cryptobox
import Scenario
import WebSocketWire
import WireBytes

/// The beginning of each step. A step that has to wait says so in the fiber.
extension CaseMachine {
  mutating func begin(_ step: Step, _ fiber: inout Fiber) throws(EvaluationFailure) {
    switch step.action {
    case .open(let open):
      add(open.actor, isServer: false, request: open)
      if open.awaits || open.isBare { wait(.opening(open.actor, step), until: now + lag + budget.answer, &fiber) }
    case .accept(let accept):
      let window = try window(accept.timing, budget.close, isNegative: accept.isNone)
      wait(.accepting(accept, step, window), until: window.latest, &fiber)
    case .send(let name, let sendings, let times): try send(name, sendings, times, step)
    case .expect(let expectation): try begin(expectation, step, &fiber)
    case .drop(let name, let reset):
      guard let actor = actors[name], actor.phase != .ended else { return }
      flush()
      log(name, .note, reset ? "TCP reset by the gate" : "TCP ended by the gate")
      actions.append(.end(actor.link, reset: reset))
      actors[name]?.phase = .ended
    case .reading(let name, let isOn):
      guard let actor = actors[name] else { return }
      actions.append(.reading(actor.link, isOn))
    case .set(let assignments):
      for assignment in assignments { evaluator.set(assignment.path, try evaluator.value(assignment.value)) }
    case .check(let expression, let otherwise):
      if !(try evaluator.truth(expression)) { fail(.behaviour, step.place, nil, expression.phrase, otherwise) }
    case .mark(let name): marks[name] = now
    case .elapse(let time, let since):
      let start = since.flatMap { marks[$0] } ?? now
      let end = start + (try evaluator.number(time, "for"))
      if end > now { wait(.elapsing, until: end, &fiber) }
    case .loop(let times, let name, let steps):
      let count = try evaluator.number(times, "times")
      guard count >= 1, let times = Int(exactly: count.rounded()) else { return }
      evaluator.set(name, .number(0))
      enter(steps, .counting(name: name, position: 0, times: times), &fiber)
    case .forEach(let values, let name, let steps):
      guard let first = values.first else { return }
      evaluator.set(name, try evaluator.value(first))
      enter(steps, .values(name: name, position: 0, values), &fiber)
    case .choice(let expression, let then, let otherwise):
      let steps = try evaluator.truth(expression) ? then : otherwise
      if !steps.isEmpty { fiber.frames.append(Fiber.Frame(steps: steps)) }
    case .parallel(let tracks): fork(tracks, &fiber)
    case .answerPings(let name, let answer): actors[name]?.answersPings = answer
    }
  }

  private func wait(_ wait: Fiber.Wait, until deadline: Double, _ fiber: inout Fiber) {
    fiber.wait = wait
    fiber.deadline = deadline
  }

  mutating func add(_ name: String, isServer: Bool, request: OpenStep, link: LinkID? = nil) {
    let isNew = link == nil
    let link = link ?? newLink()
    var options = Endpoint.Options()
    options.answersClose = request.answersClose
    let endpoint = Endpoint(
      role: isServer ? .server : .client, options: options, maskSeed: evaluator.random.next())
    if let old = actors[name] {
      flush()
      names[old.link] = nil
      if old.phase != .ended { detached.append(old.link) }
    }
    var actor = Actor(name: name, link: link, isServer: isServer, endpoint: endpoint)
    actor.request = request
    actors[name] = actor
    names[link] = name
    if isNew { actions.append(.connect(link)) }
  }

  /// When something must happen, from the timing of a step.
  ///
  /// What must come may come later by the tolerance, and by how late the driver itself is; what must not come is only
  /// waited for as long as the file says.
  mutating func window(
    _ timing: Timing, _ standard: Double, isNegative: Bool = false
  ) throws(EvaluationFailure) -> Fiber.Window {
    let start = timing.since.flatMap { marks[$0] } ?? now
    var earliest: Double?
    if let after = timing.after {
      let time = try evaluator.number(after, "after")
      earliest = start + time - budget.tolerance(time)
    }
    var latest = max(now, earliest ?? now) + standard
    if let within = timing.within {
      let time = try evaluator.number(within, "within")
      latest = max(now, start + time + (isNegative ? 0 : budget.tolerance(time)))
    }
    return Fiber.Window(start: start, earliest: earliest, latest: isNegative ? latest : latest + lag)
  }

  // MARK: Sending

  private mutating func send(
    _ name: String, _ sendings: [Sending], _ times: Template?, _ step: Step
  ) throws(EvaluationFailure) {
    var count = 1
    if let times, case .number(let number) = try evaluator.value(times) {
      count = max(0, min(1_000_000, Int(exactly: number.rounded()) ?? 0))
    }
    for _ in 0..<count {
      for sending in sendings {
        if name == "target" {
          try command(sending)
        } else {
          try send(sending, name, step)
        }
        if isDone { return }
      }
    }
    flush()
  }

  private mutating func command(_ sending: Sending) throws(EvaluationFailure) {
    guard case .json(let template) = sending else { throw EvaluationFailure("the target takes commands as json only") }
    let text = try evaluator.json(template).compact
    log("target", .sent, text)
    actions.append(.command(text))
  }

  private mutating func send(_ sending: Sending, _ name: String, _ step: Step) throws(EvaluationFailure) {
    guard let phase = actors[name]?.phase else { return }
    if case .bytes(let template) = sending {
      let bytes = try evaluator.payload(template)
      log(name, .sent, "bytes \(WireText.describe(.binary(bytes)))")
      actors[name]?.endpoint.sendRaw(bytes)
      return
    }
    switch phase {
    case .open: break
    case .ended:
      // A close that crosses what is sent is no fault of the target; the next expectation judges it.
      return log(name, .note, "not sent, since the connection has ended")
    default:
      return fail(.error, step.place, name, "an open WebSocket to send on", "none")
    }
    switch sending {
    case .json(let template): send(.text(try evaluator.json(template).compact), name)
    case .text(let template): send(.text(try evaluator.value(template).text), name)
    case .binary(let template): send(.binary(try evaluator.bytes(template)), name)
    case .ping(let template):
      let payload = try evaluator.payload(template)
      actors[name]?.endpoint.sendPing(payload)
      log(name, .sent, "WebSocket ping, \(payload.count) bytes")
    case .pong(let template):
      let payload = try evaluator.payload(template)
      let mask = masks(name, nil) ? actors[name]?.endpoint.nextMask() : nil
      actors[name]?.endpoint.sendRaw(Frame(opcode: .pong, mask: mask, payload: payload).encoded())
      log(name, .sent, "WebSocket pong, \(payload.count) bytes")
    case .close(let code, let reason): try close(code, reason, name)
    case .frame(let spec): try send(spec, name)
    case .bytes: break
    }
  }

  private mutating func close(_ code: Template?, _ reason: Template?, _ name: String) throws(EvaluationFailure) {
    var info = CloseInfo(code: nil)
    if let code {
      guard case .number(let number) = try evaluator.value(code), let code = UInt16(exactly: number) else {
        throw EvaluationFailure("a close code is a number from 0 to 65535")
      }
      info.code = code
    }
    if let reason { info.reason = try evaluator.payload(reason) }
    actors[name]?.endpoint.sendClose(info)
    log(name, .sent, "CLOSE \(WireText.describe(info))")
  }

  private func masks(_ name: String, _ wanted: Bool?) -> Bool { wanted ?? (actors[name]?.isServer == false) }

  private mutating func integer(_ template: Template?, _ what: String) throws(EvaluationFailure) -> Int? {
    guard let template else { return nil }
    let value = try evaluator.value(template)
    if case .number(let number) = value, let integer = Int(exactly: number), integer >= 0 { return integer }
    if case .text(let word) = value, let opcode = FrameSpec.opcodes[word] { return Int(opcode) }
    throw EvaluationFailure("\(what) is \(value.kind), expected a count")
  }

  private mutating func send(_ spec: FrameSpec, _ name: String) throws(EvaluationFailure) {
    let payload = try evaluator.payload(spec.payload)
    let mask = masks(name, spec.masked) ? actors[name]?.endpoint.nextMask() : nil
    let opcode = Opcode(UInt8(truncatingIfNeeded: try integer(spec.opcode, "opcode") ?? 1))
    let reserved = UInt8(truncatingIfNeeded: try integer(spec.reserved, "reserved") ?? 0)
    let frame = Frame(fin: spec.fin, reserved: reserved, opcode: opcode, mask: mask, payload: payload)
    let claims = try integer(spec.claims, "claims")
    let lengthBytes = try integer(spec.lengthBytes, "lengthBytes")
    var bytes = claims.map { frame.encoded(claiming: $0) } ?? frame.encoded(lengthBytes: lengthBytes)
    bytes = Array(bytes.dropFirst(spec.skip))
    if let only = spec.only { bytes = Array(bytes.prefix(only)) }
    actors[name]?.endpoint.sendRaw(bytes)
    var text = "frame \(frame.opcode), \(payload.count) bytes\(spec.fin ? "" : ", more follow")"
    if mask == nil { text += ", unmasked" }
    if reserved != 0 { text += ", reserved bits \(reserved)" }
    if let claims { text += ", claiming \(claims) bytes" }
    if spec.skip > 0 || spec.only != nil { text += ", \(bytes.count) bytes of it" }
    log(name, .sent, text)
  }
}
