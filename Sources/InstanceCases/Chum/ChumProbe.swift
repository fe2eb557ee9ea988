public import Wire
public import WireBytes

/// The CHUM of a probe: importer by script, exporter from a shelf, good but for one ``ChumMisbehaviour``.
///
/// It sits above the layers of ``ProbePeer`` and shares none of the target's machines. A value: messages and time in,
/// messages out.
public struct ChumProbe: Sendable {
  public enum Output: Sendable {
    case message(WireMessage)
    case close
    /// The act of this number in the script is to be done at the target.
    case arrange(Int)
  }

  public struct Plan: Sendable {
    public var shelf: ProbeShelf?
    public var misbehaviour: ChumMisbehaviour?
    public var script: [ChumAct]
    /// Ms between the control texts and the script: the deployed implementation loses what comes sooner (F11).
    public var delay = 60.0
    /// The script begins right behind the own control text, whatever the target has said.
    public var bursts = false
    /// Without a shelf: answer the target's requests at all.
    public var serves = true

    public init(
      shelf: ProbeShelf? = nil, misbehaviour: ChumMisbehaviour? = nil, script: [ChumAct] = [], bursts: Bool = false
    ) {
      self.shelf = shelf
      self.misbehaviour = misbehaviour
      self.script = script
      self.bursts = bursts
    }
  }

  private enum Phase: Sendable {
    case idle, running
    case answer(id: Int, until: Double)
    case waiting(until: Double)
    case done
  }

  public let plan: Plan
  public internal(set) var seen = ChumSeen()
  var shelf: ProbeShelf
  var out: [Output] = []
  private var phase = Phase.idle
  private var step = 0
  private var nextId = 0
  /// Rounds of the target so far.
  var round: Int { seen.count(2) }
  var now = 0.0

  public init(_ plan: Plan) {
    self.plan = plan
    shelf = plan.shelf ?? ProbeShelf.empty
    if let misbehaviour = plan.misbehaviour { shelf.spoil(misbehaviour) }
  }

  func does(_ misbehaviour: ChumMisbehaviour) -> Bool { plan.misbehaviour == misbehaviour }

  // MARK: Events

  /// The own control text is out.
  mutating func controlSent(now: Double) -> [Output] {
    self.now = now
    guard plan.bursts, case .idle = phase else { return [] }
    phase = .running
    run()
    return take()
  }

  /// The target's control text came, and the own one is out.
  mutating func started(now: Double) -> [Output] {
    self.now = now
    guard case .idle = phase else { return [] }
    phase = .waiting(until: now + plan.delay)
    return []
  }

  mutating func receive(_ message: WireMessage, now: Double) -> [Output] {
    self.now = now
    switch message {
    case .binary(let bytes): receive(bytes)
    case .text(let text): receive(text)
    }
    run()
    return take()
  }

  mutating func tick(now: Double) -> [Output] {
    self.now = now
    run()
    return take()
  }

  var nextDeadline: Double? {
    switch phase {
    case .answer(_, let until), .waiting(let until): until
    case .idle, .running, .done: nil
    }
  }

  private mutating func take() -> [Output] {
    defer { out = [] }
    return out
  }

  mutating func say(_ text: String) { out.append(.message(.text(text))) }
  mutating func say(_ message: ChumMessage) { say(message.text) }

  // MARK: The script

  private mutating func run() {
    while true {
      switch phase {
      case .idle, .done: return
      case .running: break
      case .answer(let id, let until):
        guard now >= until || !(seen.answers[id]?.finals.isEmpty ?? true) else { return }
      case .waiting(let until): guard now >= until else { return }
      }
      phase = .running
      guard step < plan.script.count else {
        phase = .done
        seen.doneAt = now
        return
      }
      step += 1
      act(plan.script[step - 1])
    }
  }

  private mutating func act(_ act: ChumAct) {
    switch act {
    case .ask(let service, let args):
      say(.request(id: nextId, service: service, args: args))
      phase = .answer(id: nextId, until: now + 3_000)
      nextId += 1
    case .request(let service, let args):
      say(.request(id: nextId, service: service, args: args))
      nextId += 1
    case .text(let text): say(text)
    case .binary(let bytes): out.append(.message(.binary(bytes)))
    case .wait(let time): phase = .waiting(until: now + time)
    case .arrange: out.append(.arrange(step - 1))
    case .close: out.append(.close)
    }
  }

  // MARK: Receiving

  private mutating func receive(_ bytes: [UInt8]) {
    guard let chunk = try? ChumBinaryChunk.decode(bytes) else {
      seen.shortBinaries += 1
      return
    }
    let id = chunk.request ?? -1
    seen.answers[id, default: .init()].binaryChunks.append(chunk.data.count)
    seen.answers[id, default: .init()].bytes += chunk.data
    seen.answers[id, default: .init()].lastTime = now
  }

  private mutating func receive(_ text: String) {
    guard let message = try? ChumMessage.decode(text) else {
      if seen.invalid.count < 1_000 { seen.invalid.append(String(text.prefix(200))) }
      return
    }
    func final(_ id: Int, _ final: ChumSeen.Final, _ seen: inout ChumSeen) {
      seen.answers[id, default: .init()].finals.append(final)
      seen.answers[id, default: .init()].lastTime = now
    }
    switch message {
    case .request(let id, let service, let args):
      seen.requests.append(.init(time: now, id: id, service: service, args: args))
      if seen.requestTexts.count < 10_000 { seen.requestTexts.append(text) }
      if plan.serves { serve(id, service, args ?? []) }
    case .badArguments(let id, let service):
      seen.requests.append(.init(time: now, id: id, service: service, args: nil))
    case .writeStreamError(let id): seen.stopped.append(id)
    case .data(let id, let value): final(id, .data(value), &seen)
    case .error(let id, let name, let message, let code):
      final(id, .error(name: name, message: message, code: code), &seen)
    case .stream(let id, let chunk, let encoding):
      seen.answers[id, default: .init()].textChunks.append(chunk)
      seen.answers[id, default: .init()].encodings.append(encoding)
      seen.answers[id, default: .init()].bytes += Array(chunk.utf8)
    case .streamEnd(let id): final(id, .streamEnd, &seen)
    case .streamError(let id, _): final(id, .streamError, &seen)
    }
  }
}

extension ProbeShelf {
  /// Nothing to offer.
  static let empty: ProbeShelf = {
    var shelf = ProbeShelf(.unversioned)
    shelf.roots = []
    return shelf
  }()
}
