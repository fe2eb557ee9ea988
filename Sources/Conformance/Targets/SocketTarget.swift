public import Network
public import Scenario
import Wire
import WireBytes

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
  /// One for all runs, since the server counts the sockets of all of them together.
  private var pacer: Pacer

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
    pacer = Pacer(perSecond: options.socketsPerSecond)
    pool = try LinkPool(url, trust: options.trust)
  }

  public mutating func learn(_ found: [String: Value]) { facts.merge(found) { $1 } }

  /// Ends the connections and their thread.
  public func shutdown() { pool.shutdown() }

  public mutating func run(_ jobs: [CaseJob], done: (Int, CaseOutcome) -> Void) {
    guard options.socketsPerSecond != nil else {
      var driver = SocketDriver(pool: pool, options: options, facts: facts, pacer: pacer)
      return driver.run(jobs, done: done)
    }
    let paced = jobs.indices.filter { !jobs[$0].definition.isAboutSocketRate }
    var driver = SocketDriver(pool: pool, options: options, facts: facts, pacer: pacer)
    driver.run(paced.map { jobs[$0] }) { done(paced[$0], $1) }
    pacer = driver.pacer
    for index in jobs.indices where jobs[index].definition.isAboutSocketRate {
      // The server's limit is what is looked for; whoever comes behind it waits until the second is over.
      var driver = SocketDriver(pool: pool, options: options, facts: facts)
      driver.run([jobs[index]]) { done(index, $1) }
      pacer.rest(until: pool.now + 1_200)
    }
  }
}

extension Case {
  /// True for a case that is to run into the server's limit of new sockets in a second.
  fileprivate var isAboutSocketRate: Bool {
    settings.contains { $0.name == "socketsPerSecond" && $0.value != .null }
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
  /// Those of ``waiting`` whose cases know that they wait.
  private var held: Set<Int> = []
  private(set) var pacer: Pacer
  private static let numbers = LinkNumbers()
  private let command: (String) -> Void

  /// `command` takes what cases tell a target that the gate runs.
  init(
    pool: LinkPool, options: SocketTarget.Options, facts: [String: Value], pacer: Pacer = Pacer(perSecond: nil),
    command: @escaping (String) -> Void = { _ in }
  ) {
    self.command = command
    self.pool = pool
    self.options = options
    self.facts = facts
    self.pacer = pacer
  }

  mutating func run(_ jobs: [CaseJob], done: (Int, CaseOutcome) -> Void) {
    var next = 0
    while next < jobs.count || !running.isEmpty {
      // Cases that have begun have their sockets first: a case waits where waiting is harmless, before its beginning.
      while next < jobs.count, hasRoom, pacer.isFree(at: pool.now) {
        begin(next, jobs[next])
        next += 1
      }
      finish(done)
      let isWaitingToBegin = next < jobs.count && hasRoom
      guard !running.isEmpty || isWaitingToBegin else { continue }
      let now = pool.now
      let events = pool.wait(milliseconds: max(0, deadline(now, orSlot: isWaitingToBegin) - now))
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

  /// True when another case may begin as soon as a socket may be opened.
  private var hasRoom: Bool {
    running.count < options.cases && owners.count < options.sockets && waiting.isEmpty
  }

  private func deadline(_ now: Double, orSlot: Bool) -> Double {
    var times = running.values.compactMap(\.machine.nextDeadline)
    if !waiting.isEmpty || orSlot { times.append(pacer.next) }
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
    tell(told, owner.job, at: time)
  }

  private mutating func tell(_ event: TransportEvent, _ job: Int, at time: Double) {
    guard let actions = running[job]?.machine.handle(event, at: time, lag: max(0, pool.now - time)) else { return }
    apply(actions, job)
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
        forget(number)
        pool.end(number, reset: reset)
      case .reading(let link, let isOn): if let number = running[index]?.links[link] { pool.setReading(number, isOn) }
      case .command(let text): command(text)
      }
    }
    connectWaiting()
    for number in waiting {
      guard let owner = owners[number], held.insert(number).inserted else { continue }
      tell(.held(owner.link), owner.job, at: pool.now)
    }
  }

  private mutating func connectWaiting() {
    while let number = waiting.first, pacer.take(at: pool.now) {
      waiting.removeFirst()
      pool.connect(number)
      guard held.remove(number) != nil, let owner = owners[number] else { continue }
      tell(.dialled(owner.link), owner.job, at: pool.now)
    }
  }

  private mutating func forget(_ number: Int) {
    if held.remove(number) != nil, let owner = owners[number] { tell(.dialled(owner.link), owner.job, at: pool.now) }
    waiting.removeAll { $0 == number }
    owners[number] = nil
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
      for number in entry.links.values { forget(number) }
      running[index] = nil
      done(index, entry.machine.outcome)
    }
  }
}
