public import WireBytes

/// What is wrong with a testee's behaviour on the pipe, apart from what it answers.
public enum TesteeFault: Sendable, Equatable, CustomStringConvertible {
  case died(String)
  case silent(milliseconds: Int)
  case outOfOrder(expected: Int, got: String)
  case notAnAnswer(String)
  case flooded(bytes: Int)
  case unsolicited(String)

  public var description: String {
    switch self {
    case .died(let how): "the testee died: \(how)"
    case .silent(let milliseconds): "no answer within \(milliseconds) ms"
    case .outOfOrder(let expected, let got): "answers out of order: expected id \(expected), got \(got)"
    case .notAnAnswer(let why): "not an answer: \(why)"
    case .flooded(let bytes): "flooded the pipe: \(bytes) bytes without an end of line"
    case .unsolicited(let line): "wrote a line that nobody asked for: \(line)"
    }
  }

  /// The short name for reports and exit codes.
  public var kind: String {
    switch self {
    case .died: "died"
    case .silent: "silent"
    case .outOfOrder: "out-of-order"
    case .notAnAnswer: "garbage"
    case .flooded: "flood"
    case .unsolicited: "unsolicited"
    }
  }
}

public enum TesteeFailure: Error, Sendable, CustomStringConvertible {
  case cannotStart(String)
  /// It runs, but does not answer its opening request, the recipes, as it must.
  case badOpening(String)
  /// It died so often, at so many different requests, that going on shows nothing.
  case givenUp(restarts: Int)

  public var description: String {
    switch self {
    case .cannotStart(let command): "cannot start the testee: \(command)"
    case .badOpening(let why): "the testee does not answer its opening request: \(why)"
    case .givenUp(let restarts): "the testee was restarted \(restarts) times; giving up"
    }
  }
}

/// Asks a command on a pipe: many requests on the way at once, answers in order, a deadline for each.
///
/// The deadline of a request starts when its predecessor is answered, so that a slow request is told from a queue. After a
/// fault the testee is started anew, gets its opening requests again, and goes on behind the request that broke it.
public final class TesteePipe {
  public struct Settings: Sendable {
    /// Milliseconds for one answer; the first answer has ten times that, since programs take time to start.
    public var deadline = 2_000
    /// Requests on the way at once.
    public var window = 64
    /// The longest answer.
    public var longestLine = 256 << 20
    public var restarts = 50
    public var showsErrors = false
    public init() {}
  }

  public enum Outcome: Sendable, Equatable {
    case answer(JSONValue)
    case fault(TesteeFault)
  }

  private let command: String
  private let settings: Settings
  /// Requests that each new process gets first: the recipes.
  private let opening: [JSONObject]
  private var process: TesteeProcess?
  private var received: [UInt8] = []
  private var scanned = 0
  private var nextId = 1
  public private(set) var restarts = 0
  /// The longest time that one answer took, in milliseconds.
  public private(set) var slowest = 0

  public init(command: String, opening: [JSONObject] = [], settings: Settings = Settings()) {
    self.command = command
    self.opening = opening
    self.settings = settings
    TesteeProcess.ignoreBrokenPipes()
  }

  /// Asks all requests, in order; `handle` gets each request's index and what came of it, in order too.
  public func ask(_ requests: [JSONObject], handle: (Int, Outcome) -> Void) throws(TesteeFailure) {
    var next = 0
    while next < requests.count {
      try start()
      guard let fault = run(requests, &next, handle) else { return }
      handle(next, .fault(fault))
      next += 1
      process = nil
    }
  }

  public func ask(_ request: JSONObject) throws(TesteeFailure) -> Outcome {
    var found = Outcome.fault(.silent(milliseconds: 0))
    try ask([request]) { _, outcome in found = outcome }
    return found
  }

  /// Ends the testee; asking again starts it anew.
  public func stop() { process = nil }

  private func start() throws(TesteeFailure) {
    guard process == nil else { return }
    if nextId > 1 { restarts += 1 }
    guard restarts <= settings.restarts else { throw .givenUp(restarts: restarts) }
    guard let fresh = TesteeProcess(command: command, showsErrors: settings.showsErrors) else {
      throw .cannotStart(command)
    }
    process = consume fresh
    received = []
    scanned = 0
    var next = 0
    var wrong: String?
    let fault = run(
      opening, &next,
      { index, outcome in
        if wrong == nil, case .answer(let json) = outcome { wrong = Self.refusal(json, opening[index]) }
      }, isOpening: true)
    if let wrong {
      process = nil
      throw .badOpening(wrong)
    }
    if let fault {
      process = nil
      throw .cannotStart("\(command): \(fault) at its \(next == 0 ? "first" : "opening") request")
    }
  }

  /// Why an answer to an opening request is none to go on with; a testee need not know the request.
  private static func refusal(_ answer: JSONValue, _ request: JSONObject) -> String? {
    let line = short(Array(answer.compact.utf8))
    if let why = PipeFormat.fault(in: answer, to: request) { return "\(why): \(line)" }
    if answer["nothing"] != nil || answer["unsupported"] != nil { return nil }
    return "expected nothing or unsupported, found \(line)"
  }

  /// Runs the pipeline until all are answered or one breaks; `next` is then the index of the one that broke.
  private func run(
    _ requests: [JSONObject], _ next: inout Int, _ handle: (Int, Outcome) -> Void, isOpening: Bool = false
  ) -> TesteeFault? {
    var sent = next
    var outgoing: [UInt8] = []
    var written = 0
    let firstId = nextId - next
    var since = TesteeProcess.now()
    while next < requests.count {
      while sent < requests.count, sent - next < settings.window, outgoing.count - written < 1 << 20 {
        var line = JSONObject()
        line.append("id", .number(Double(firstId + sent)))
        for member in requests[sent].members { line.append(member.name, member.value) }
        JSONValue.object(line).write(to: &outgoing)
        outgoing.append(0x0A)
        sent += 1
        nextId = firstId + sent
      }
      let allowed = settings.deadline * (isOpening ? 10 : 1)
      let left = since + allowed - TesteeProcess.now()
      guard left > 0 else { return .silent(milliseconds: allowed) }
      guard let ready = process?.wait(toWrite: written < outgoing.count, milliseconds: left) else {
        return .died("gone")
      }
      if ready.canWrite { transferOut(&outgoing, &written) }
      guard ready.canRead else { continue }
      if process?.read(into: &received) == .closed { return .died(process?.ending() ?? "gone") }
      if received.count > settings.longestLine { return .flooded(bytes: received.count) }
      while let line = takeLine() {
        guard next < sent else { return .unsolicited(Self.short(line)) }
        let outcome = read(line, id: firstId + next)
        if case .fault(let fault) = outcome { return fault }
        handle(next, outcome)
        next += 1
        let now = TesteeProcess.now()
        if !isOpening { slowest = max(slowest, now - since) }
        since = now
      }
    }
    return received.isEmpty ? nil : .unsolicited(Self.short(received))
  }

  private func transferOut(_ outgoing: inout [UInt8], _ written: inout Int) {
    // A closed pipe shows when reading: what the testee wrote before it died still counts.
    if case .bytes(let count) = process?.write(outgoing[written...]) { written += count }
    if written == outgoing.count {
      outgoing.removeAll(keepingCapacity: true)
      written = 0
    } else if written > 1 << 20 {
      outgoing.removeFirst(written)
      written = 0
    }
  }

  private func takeLine() -> [UInt8]? {
    guard let end = received[scanned...].firstIndex(of: 0x0A) else {
      scanned = received.count
      return nil
    }
    let line = Array(received[..<end])
    received.removeFirst(end + 1)
    scanned = 0
    return line
  }

  private func read(_ line: [UInt8], id: Int) -> Outcome {
    let answer: JSONValue
    do throws(JSONFailure) {
      answer = try JSONValue.parse(line, limits: JSONLimits(depth: 2_000, values: 50_000_000))
    } catch { return .fault(.notAnAnswer("\(error): \(Self.short(line))")) }
    guard answer.object != nil else { return .fault(.notAnAnswer(Self.short(line))) }
    guard let got = answer["id"]?.integer else { return .fault(.notAnAnswer("no id: \(Self.short(line))")) }
    return got == id ? .answer(answer) : .fault(.outOfOrder(expected: id, got: "\(got)"))
  }

  private static func short(_ line: [UInt8]) -> String {
    String(decoding: line.prefix(120), as: UTF8.self) + (line.count > 120 ? "…" : "")
  }
}
