public import Scenario
import WebSocketWire
import WireBytes

/// One case while it runs, as a value: transport events and the time in, transport actions out.
///
/// It knows no socket and no clock; the drivers in Targets give it either real ones or a whole world of their own.
public struct CaseMachine: Sendable {
  public let definition: Case
  public let budget: Budget
  public private(set) var outcome = CaseOutcome()
  /// True when the verdict stands and the transport may be taken away.
  public private(set) var isDone = false

  var evaluator: Evaluator
  var actors: [String: Actor] = [:]
  var names: [LinkID: String] = [:]
  var fibers: [Int: Fiber] = [:]
  var order: [Int] = []
  var marks: [String: Double] = [:]
  var incoming: [LinkID] = []
  /// Bytes on connections that no step has accepted yet.
  var unclaimed: [LinkID: [UInt8]] = [:]
  /// Links whose actor's name was given to another one; they stay open until the case ends.
  var detached: [LinkID] = []
  var reports: [Actor.Received] = []
  var actions: [TransportAction] = []
  /// Links that the transport keeps back, and since when the first of them is.
  var held: Set<LinkID> = []
  var heldSince = 0.0
  var now = 0.0
  var lag = 0.0
  private var start = 0.0
  private var nextFiber = 0
  private var nextLink = 1
  private var stepsLeft = 200_000
  private var logBytes = 0
  /// Lines and bytes that a log may have; a flood is told once.
  private static let logLines = 600
  private static let logBytes = 200_000

  /// `facts` are variables that hold for the target: `pingInterval`, `pongTimeout`, `profile` and so on.
  public init(_ definition: Case, facts: [String: Value], budget: Budget, seed: UInt64) {
    self.definition = definition
    self.budget = budget
    evaluator = Evaluator(seed: seed, name: definition.id)
    for (name, value) in facts { evaluator.set(name, value) }
    for variable in definition.variables { evaluator.define(variable.name, row: variable.value) }
  }

  /// The next moment at which ``timer(at:)`` has to be called; nil when only events count.
  public var nextDeadline: Double? {
    isDone ? nil : fibers.values.compactMap { isSuspended($0) ? nil : $0.deadline }.min()
  }

  // MARK: Events

  public mutating func start(at time: Double) -> [TransportAction] {
    (start, now) = (time, time)
    addFiber(definition.steps, parent: nil)
    return run()
  }

  /// `time` is when the event came; `lag` how much later it is now, so that a busy driver does not shorten the time
  /// that the target has for its answers.
  public mutating func handle(_ event: TransportEvent, at time: Double, lag: Double = 0) -> [TransportAction] {
    guard !isDone else { return [] }
    (now, self.lag) = (time, lag)
    take(event)
    return run()
  }

  public mutating func timer(at time: Double, lag: Double = 0) -> [TransportAction] {
    guard !isDone else { return [] }
    (now, self.lag) = (time, lag)
    return run()
  }

  /// The transport says that nothing will ever happen again, though the case waits.
  public mutating func deadlock(at time: Double) -> [TransportAction] {
    guard !isDone else { return [] }
    now = time
    let step = fibers.values.compactMap(\.frames.last).compactMap {
      $0.steps.indices.contains($0.index) ? $0.steps[$0.index] : nil
    }
    fail(.behaviour, step.first?.place, nil, "something to happen", "that neither side has anything more to do")
    return run()
  }

  /// Ends the case from outside, as when its time is up.
  public mutating func abandon(at time: Double, because reason: String) -> [TransportAction] {
    guard !isDone else { return [] }
    now = time
    fail(.error, nil, nil, "the case to come to its end", reason)
    return run()
  }

  private mutating func run() -> [TransportAction] {
    var moved = true
    while moved, !isDone {
      moved = false
      for id in order where fibers[id] != nil && !isDone { if advance(id) { moved = true } }
      if fibers.isEmpty { finish() }
    }
    flush()
    let out = actions
    actions = []
    return out
  }

  // MARK: Fibers

  @discardableResult
  private mutating func addFiber(_ steps: [Step], parent: Int?) -> Int {
    let id = nextFiber
    nextFiber += 1
    fibers[id] = Fiber(id: id, parent: parent, frames: [Fiber.Frame(steps: steps)])
    order.append(id)
    return id
  }

  /// Goes as far as the fiber can; true when anything happened.
  private mutating func advance(_ id: Int) -> Bool {
    guard var fiber = fibers[id] else { return false }
    if fiber.wait != nil {
      guard resume(&fiber) else {
        if fibers[id] != nil, !isDone { fibers[id] = fiber }
        return false
      }
      fiber.wait = nil
      fiber.deadline = nil
    }
    while !isDone {
      guard let step = nextStep(&fiber) else {
        fibers[id] = nil
        order.removeAll { $0 == id }
        if let parent = fiber.parent { fibers[parent]?.children -= 1 }
        return true
      }
      stepsLeft -= 1
      guard stepsLeft > 0 else {
        fail(.error, step.place, nil, "an end", "more than 200,000 steps")
        return true
      }
      do throws(EvaluationFailure) {
        try begin(step, &fiber)
      } catch {
        fail(error.isTargets ? .behaviour : .error, step.place, nil, "a formula that can be computed", error.reason)
        return true
      }
      if fiber.wait != nil {
        fiber.waitingSince = now
        if resume(&fiber) {
          fiber.wait = nil
          fiber.deadline = nil
          continue
        }
        break
      }
    }
    if !isDone { fibers[id] = fiber }
    return true
  }

  private mutating func nextStep(_ fiber: inout Fiber) -> Step? {
    while var frame = fiber.frames.popLast() {
      if frame.index < frame.steps.count {
        let step = frame.steps[frame.index]
        frame.index += 1
        fiber.frames.append(frame)
        return step
      }
      guard let loop = frame.loop, next(loop, &frame) else { continue }
      fiber.frames.append(frame)
    }
    return nil
  }

  private mutating func next(_ loop: Fiber.Loop, _ frame: inout Fiber.Frame) -> Bool {
    frame.index = 0
    // An empty body would turn for ever without using up steps.
    guard !frame.steps.isEmpty else { return false }
    switch loop {
    case .counting(let name, let position, let times):
      guard position + 1 < times else { return false }
      frame.loop = .counting(name: name, position: position + 1, times: times)
      evaluator.set(name, .number(Double(position + 1)))
    case .values(let name, let position, let values):
      guard position + 1 < values.count else { return false }
      frame.loop = .values(name: name, position: position + 1, values)
      assign(name, values[position + 1])
    }
    return true
  }

  mutating func assign(_ name: String, _ template: Template) {
    if let value = try? evaluator.value(template) { evaluator.set(name, value) }
  }

  mutating func enter(_ steps: [Step], _ loop: Fiber.Loop, _ fiber: inout Fiber) {
    fiber.frames.append(Fiber.Frame(steps: steps, loop: loop))
  }

  mutating func fork(_ tracks: [[Step]], _ fiber: inout Fiber) {
    fiber.children = tracks.count
    for track in tracks { addFiber(track, parent: fiber.id) }
    // The children count down in the table, so the fiber has to stand there before they run.
    fiber.wait = .joining
    fibers[fiber.id] = fiber
  }

  mutating func newLink() -> LinkID {
    defer { nextLink += 1 }
    return LinkID(nextLink)
  }

  // MARK: Ending

  enum FaultKind { case behaviour, close, tolerated, error }

  mutating func fail(_ kind: FaultKind, _ place: Place?, _ actor: String?, _ expected: String, _ found: String) {
    let fault = CaseOutcome.Fault(
      place: "\(place ?? definition.place)", actor: actor, expected: expected, found: found)
    switch kind {
    case .close: if outcome.close == nil { outcome.close = fault }
    case .tolerated: if outcome.tolerated == nil { outcome.tolerated = fault }
    case .behaviour:
      outcome.behaviour = fault
      finish()
    case .error:
      outcome.error = fault
      finish()
    }
    log(
      actor ?? "gate", .note,
      "\(kind == .tolerated ? "tolerated" : "not as expected"): expected \(expected), found \(found)")
  }

  private mutating func finish() {
    guard !isDone else { return }
    isDone = true
    outcome.duration = now - start
    outcome.variables = evaluator.variables
    fibers = [:]
    for name in actors.keys.sorted() {
      guard let actor = actors[name], actor.phase != .ended else { continue }
      if actor.phase == .open, !actor.endpoint.sentClose { actors[name]?.endpoint.sendClose(CloseInfo(code: 1000)) }
    }
    flush()
    for name in actors.keys.sorted() {
      if let actor = actors[name], actor.phase != .ended { actions.append(.end(actor.link, reset: false)) }
    }
    for link in detached + incoming { actions.append(.end(link, reset: false)) }
  }

  /// Hands what the endpoints have written to the transport.
  mutating func flush() {
    for name in actors.keys.sorted() where actors[name]?.endpoint.hasOutput == true {
      guard let link = actors[name]?.link, let bytes = actors[name]?.endpoint.takeOutput(),
        actors[name]?.phase != .ended
      else { continue }
      actions.append(.bytes(link, bytes))
    }
  }

  mutating func log(_ actor: String, _ direction: WireLogLine.Direction, _ text: String) {
    guard outcome.log.count < Self.logLines, logBytes < Self.logBytes else { return }
    logBytes += text.utf8.count
    let isFull = outcome.log.count == Self.logLines - 1 || logBytes >= Self.logBytes
    let line = isFull ? "… the log ends here" : text
    outcome.log.append(WireLogLine(time: now - start, actor: actor, direction: isFull ? .note : direction, text: line))
  }
}
