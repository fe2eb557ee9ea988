public import Network
public import Scenario
import Wire

/// A server that is reached over sockets: cases run side by side on one thread, with a bound on their sockets.
public struct SocketTarget: CaseTarget {
  public struct Options: Sendable {
    /// Sockets at once; a case that has begun may go above it.
    public var sockets = 200
    public var cases = 48
    /// New sockets in a second, for servers that limit them; nil for any number.
    public var socketsPerSecond: Double?
    public var trust = TLSTrust.system
    /// ms after which a case is given up whatever it waits for.
    public var caseLimit = 120_000.0
    public init() {}
  }

  public let url: WebSocketURL
  public var name: String { "\(url)" }
  public var transport: String
  public var role: TargetRole { .server }
  public var hasVirtualClock: Bool { false }
  public var takesCommands: Bool { false }
  public private(set) var facts: [String: Value]
  public var arguments: [String]
  /// The budget to use instead of a learnt one, for servers whose speed is known.
  public var fixedBudget: Budget?
  private let options: Options
  let pool: LinkPool

  /// `facts` are what is assumed of the server before it was asked.
  public init(
    _ url: WebSocketURL, facts: [String: Value], options: Options = Options(), transport: String = "network"
  ) throws(WebSocketClient.Failure) {
    self.url = url
    self.facts = facts
    self.facts["host"] = .text(url.authority)
    self.options = options
    self.transport = transport
    arguments = ["\(url)"]
    pool = try LinkPool(url, trust: options.trust)
  }

  public mutating func learn(_ found: [String: Value]) { facts.merge(found) { $1 } }

  /// Ends the connections and their thread.
  public func shutdown() { pool.shutdown() }

  public mutating func run(_ jobs: [CaseJob], done: (Int, CaseOutcome) -> Void) {
    var driver = SocketDriver(pool: pool, options: options, facts: facts)
    driver.run(jobs, done: done)
  }
}

/// Runs machines over a pool of links.
struct SocketDriver {
  private struct Running {
    var machine: CaseMachine
    let started: Double
    var links: [LinkID: Int] = [:]
  }

  private let pool: LinkPool
  private let options: SocketTarget.Options
  private let facts: [String: Value]
  private var running: [Int: Running] = [:]
  private var owners: [Int: (job: Int, link: LinkID)] = [:]
  private var waiting: [Int] = []
  private var nextConnect = 0.0
  private static let numbers = LinkNumbers()
  private let command: (String) -> Void

  /// `command` takes what cases tell a target that the gate runs.
  init(
    pool: LinkPool, options: SocketTarget.Options, facts: [String: Value],
    command: @escaping (String) -> Void = { _ in }
  ) {
    self.command = command
    self.pool = pool
    self.options = options
    self.facts = facts
  }

  mutating func run(_ jobs: [CaseJob], done: (Int, CaseOutcome) -> Void) {
    var next = 0
    while next < jobs.count || !running.isEmpty {
      while next < jobs.count, running.count < options.cases, owners.count < options.sockets {
        begin(next, jobs[next])
        next += 1
      }
      finish(done)
      guard !running.isEmpty else { continue }
      let now = pool.now
      let events = pool.wait(milliseconds: max(0, deadline(now) - now))
      for stamped in events {
        // What was due before the event comes first, so that a late thread does not blur the order.
        fire(upTo: stamped.time)
        take(stamped.event, stamped.time)
      }
      if events.isEmpty { fire(upTo: pool.now) }
      connectWaiting()
      abandonOld()
      finish(done)
    }
  }

  private mutating func begin(_ index: Int, _ job: CaseJob) {
    var entry = Running(
      machine: CaseMachine(job.definition, facts: facts, budget: job.budget, seed: job.seed), started: pool.now)
    let actions = entry.machine.start(at: pool.now)
    running[index] = entry
    apply(actions, index)
  }

  private func deadline(_ now: Double) -> Double {
    var times = running.values.compactMap(\.machine.nextDeadline)
    if !waiting.isEmpty { times.append(nextConnect) }
    return min(times.min() ?? now + 1_000, now + 5_000)
  }

  private mutating func fire(upTo time: Double) {
    for index in running.keys.sorted() {
      while let deadline = running[index]?.machine.nextDeadline, deadline <= time,
        let actions = running[index]?.machine.timer(at: deadline, lag: max(0, pool.now - deadline))
      {
        apply(actions, index)
        // A machine whose deadline stays has nothing more to do at this time.
        if let next = running[index]?.machine.nextDeadline, next <= deadline { break }
      }
    }
  }

  private mutating func take(_ event: LinkPool.Event, _ time: Double) {
    let number: Int
    switch event {
    case .connected(let link), .bytes(let link, _), .ended(let link, _), .failed(let link, _): number = link
    }
    guard let owner = owners[number] else { return }
    let told: TransportEvent
    switch event {
    case .connected: told = .connected(owner.link)
    case .bytes(_, let bytes): told = .bytes(owner.link, bytes)
    case .ended(_, let reset):
      told = .ended(owner.link, reset: reset)
      owners[number] = nil
    case .failed(_, let reason):
      told = .failed(owner.link, reason)
      owners[number] = nil
    }
    guard let actions = running[owner.job]?.machine.handle(told, at: time, lag: max(0, pool.now - time)) else { return }
    apply(actions, owner.job)
  }

  private mutating func apply(_ actions: [TransportAction], _ index: Int) {
    for action in actions {
      switch action {
      case .connect(let link):
        let number = Self.numbers.next()
        running[index]?.links[link] = number
        owners[number] = (index, link)
        waiting.append(number)
      case .bytes(let link, let bytes): if let number = running[index]?.links[link] { pool.send(number, bytes) }
      case .end(let link, let reset):
        guard let number = running[index]?.links[link] else { continue }
        waiting.removeAll { $0 == number }
        owners[number] = nil
        pool.end(number, reset: reset)
      case .reading(let link, let isOn): if let number = running[index]?.links[link] { pool.setReading(number, isOn) }
      case .command(let text): command(text)
      }
    }
    connectWaiting()
  }

  private mutating func connectWaiting() {
    while let number = waiting.first {
      if let rate = options.socketsPerSecond {
        guard pool.now >= nextConnect else { return }
        nextConnect = max(nextConnect, pool.now - 100) + 1_000 / max(0.1, rate)
      }
      waiting.removeFirst()
      pool.connect(number)
    }
  }

  private mutating func abandonOld() {
    for index in running.keys.sorted() {
      guard let started = running[index]?.started, pool.now - started > options.caseLimit,
        let actions = running[index]?.machine.abandon(
          at: pool.now, because: "more than \(Int(options.caseLimit / 1_000)) s")
      else { continue }
      apply(actions, index)
    }
  }

  private mutating func finish(_ done: (Int, CaseOutcome) -> Void) {
    for index in running.keys.sorted() {
      guard let entry = running[index], entry.machine.isDone else { continue }
      for number in entry.links.values {
        owners[number] = nil
        waiting.removeAll { $0 == number }
      }
      running[index] = nil
      done(index, entry.machine.outcome)
    }
  }
}
