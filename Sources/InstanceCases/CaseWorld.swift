public import Cryptobox
public import Instance
public import Store
public import SyncInstance
public import Wire
import WireBytes

/// A target instance, probes and played servers on a virtual clock: where a case happens when it runs in process.
///
/// Messages arrive at once and in order; time passes only by ``advance(by:)``.
public struct CaseWorld {
  enum End {
    case probe(Int)
    case server(Int)
  }

  private enum Delivery {
    case toTarget(SocketID, WireMessage)
    case toPeer(SocketID, WireMessage)
    case closeOfTarget(SocketID, String)
    case closeOfPeer(SocketID, String)
  }

  public private(set) var now = 1_000.0
  /// The target of cases that end where CHUM begins.
  private var bare: Instance
  /// The complete target of the others.
  public private(set) var sync: SyncInstance<MemoryStore>?
  /// What the complete target told.
  public private(set) var syncReports: [SyncReport] = []
  public private(set) var probes: [ProbePeer] = []
  public private(set) var servers: [ProbeServer] = []
  /// Everything the target told, with its time.
  public private(set) var reports: [(time: Double, report: InstanceReport)] = []
  /// Every socket that the target asked for.
  public private(set) var dials: [(time: Double, id: SocketID, url: String)] = []
  /// Key messages and reasons that left the target, for rules over all connections.
  public private(set) var closeReasons: [String] = []
  /// Plans of probes that wait to be dialled, in order.
  public var waiting: [ProbePeer.Plan] = []
  /// Plans of servers; the last one serves all further sockets.
  public var serverPlans: [ProbeServer.Plan] = []

  private var random: SeededRandom
  private var targetRandom: SeededRandom
  private let box: AnyBox
  /// The names of what is in the store of a complete target.
  var stock: ChumStock?
  private var ends: [SocketID: End] = [:]
  private var queue: [Delivery] = []
  private var nextAccepted: UInt64 = 1
  /// Deliveries of one call, at most: a pair that talks for ever ends here.
  private static let limit = 200_000

  public init(target: Instance, seed: UInt64, box: any BoxProvider = SodiumBox()) {
    bare = target
    random = SeededRandom(seed: seed)
    targetRandom = SeededRandom(seed: seed &* 31 &+ 7)
    self.box = AnyBox(box)
  }

  /// A world around a complete target and what is in its store.
  init(complete: SyncInstance<MemoryStore>, _ stock: ChumStock, seed: UInt64) {
    self.init(target: complete.core, seed: seed)
    sync = complete
    self.stock = stock
  }

  public var target: Instance {
    get { sync?.core ?? bare }
    // A complete target's connections are its own affair.
    set { if sync == nil { bare = newValue } }
  }

  // MARK: Acts

  public mutating func start() { handle(.start) }

  public mutating func command(_ command: InstanceCommand) { handle(.command(command)) }

  /// A probe dials the target; gives its index.
  @discardableResult
  public mutating func connect(_ plan: ProbePeer.Plan) -> Int {
    let id = SocketID.accepted(nextAccepted)
    nextAccepted += 1
    probes.append(ProbePeer(plan, box: box))
    let index = probes.count - 1
    ends[id] = .probe(index)
    handle(.accepted(id))
    perform(probes[index].opened(now: now, random: &random), from: id)
    settle()
    return index
  }

  /// Loses the socket of a probe without a close frame.
  public mutating func cut(probe index: Int) {
    guard let id = socket(of: index) else { return }
    ends[id] = nil
    probes[index].closed(reason: "", now: now)
    handle(.closed(id, code: nil, reason: ""))
  }

  /// The socket of a probe.
  public func socket(of index: Int) -> SocketID? {
    ends.first { if case .probe(index) = $0.value { true } else { false } }?.key
  }

  /// Lets time pass, with everything that falls due in it.
  public mutating func advance(by milliseconds: Double) {
    let end = now + milliseconds
    var rounds = 0
    while rounds < 10_000 {
      rounds += 1
      var due = (sync == nil ? bare.nextDeadline : sync?.nextDeadline) ?? .infinity
      for probe in probes { due = min(due, probe.nextDeadline ?? .infinity) }
      for server in servers { due = min(due, server.nextDeadline ?? .infinity) }
      guard due <= end else { break }
      now = max(now, due)
      handle(.timer)
      for index in probes.indices where (probes[index].nextDeadline ?? .infinity) <= now {
        if let id = socket(of: index) {
          perform(probes[index].tick(now: now, random: &random), from: id)
          arrange(probe: index)
        }
      }
      for index in servers.indices where (servers[index].nextDeadline ?? .infinity) <= now {
        if let id = socket(ofServer: index) { perform(servers[index].tick(now: now), from: id) }
      }
      settle()
    }
    now = end
    handle(.timer)
  }

  private func socket(ofServer index: Int) -> SocketID? {
    ends.first { if case .server(index) = $0.value { true } else { false } }?.key
  }

  /// A played server hands its socket over to a probe that dials through it.
  public mutating func handOver(server index: Int, to plan: ProbePeer.Plan, announced: PublicKey? = nil) -> Int? {
    guard let id = socket(ofServer: index) else { return nil }
    perform(servers[index].handOver(), from: id)
    settle()
    guard ends[id] != nil else { return nil }
    probes.append(ProbePeer(plan, box: box))
    ends[id] = .probe(probes.count - 1)
    perform(probes[probes.count - 1].opened(now: now, random: &random), from: id)
    settle()
    return probes.count - 1
  }

  /// The server closes a socket.
  public mutating func close(server index: Int) {
    guard let id = socket(ofServer: index) else { return }
    queue.append(.closeOfPeer(id, "Close called."))
    servers[index].closed(now: now)
    settle()
  }

  /// Something that the server says out of turn.
  public mutating func say(_ message: WireMessage, server index: Int) {
    guard let id = socket(ofServer: index) else { return }
    queue.append(.toTarget(id, message))
    settle()
  }

  public mutating func say(_ message: WireMessage, probe index: Int) {
    guard let id = socket(of: index) else { return }
    queue.append(.toTarget(id, message))
    settle()
  }

  /// A probe that is still connected and says nothing any more, not even keep-alives.
  public mutating func silence(probe index: Int) { probes[index].isSilenced = true }

  /// A wire message in the probe's name, and a proper frame of the probe right behind it.
  public mutating func inject(_ message: WireMessage, probe index: Int, thenPlain plain: WireMessage) {
    guard let id = socket(of: index) else { return }
    queue.append(.toTarget(id, message))
    perform(probes[index].sendLate(plain, random: &random), from: id)
    settle()
  }

  // MARK: The loop

  private mutating func handle(_ event: InstanceEvent) {
    apply(event)
    settle()
  }

  private mutating func apply(_ event: InstanceEvent) {
    guard sync == nil else {
      var actions: [SyncAction] = []
      sync?.handle(event, at: now, random: &targetRandom, into: &actions)
      return perform(actions)
    }
    var actions: [InstanceAction] = []
    bare.handle(event, at: now, random: &targetRandom, into: &actions)
    for action in actions { perform(action) }
  }

  private mutating func perform(_ actions: [SyncAction]) {
    for action in actions {
      switch action {
      case .instance(let action): perform(action)
      case .report(let report): syncReports.append(report)
      case .log: break
      }
    }
  }

  private mutating func perform(_ action: InstanceAction) {
    switch action {
    case .open(let id, let url): open(id, url)
    case .send(let id, let message): queue.append(.toPeer(id, message))
    case .close(let id, let reason):
      closeReasons.append(reason)
      queue.append(.closeOfTarget(id, reason))
    case .report(let report): reports.append((now, report))
    }
  }

  /// Changes what is in the store of a complete target.
  mutating func arrange(_ change: (inout ChumStock) -> Void) {
    guard var stock, sync != nil else { return }
    var actions: [SyncAction] = []
    sync?.write(at: now, random: &targetRandom, into: &actions) { repository in
      stock.repository = repository
      change(&stock)
      repository = stock.repository
    }
    self.stock = stock
    perform(actions)
  }

  /// Does at the target what the script of a probe asks for.
  private mutating func arrange(probe index: Int) {
    for act in probes[index].takeArrangements() {
      if case .arrange(let change)? = probes[index].plan.chum?.script[act] { arrange(change) }
    }
  }

  private mutating func open(_ id: SocketID, _ url: String) {
    dials.append((now, id, url))
    if url.hasPrefix("ws://probe"), !waiting.isEmpty {
      probes.append(ProbePeer(waiting.removeFirst(), box: box))
      ends[id] = .probe(probes.count - 1)
      _ = probes[probes.count - 1].opened(now: now, random: &random)
    } else if url.hasPrefix("ws://comm"), let plan = serverPlans.first {
      if serverPlans.count > 1 { serverPlans.removeFirst() }
      servers.append(ProbeServer(plan, box: box, random: &random))
      ends[id] = .server(servers.count - 1)
    } else {
      return apply(.closed(id, code: nil, reason: ""))
    }
    apply(.opened(id))
  }

  private mutating func perform(_ outputs: [ProbePeer.Output], from id: SocketID) {
    for output in outputs {
      switch output {
      case .send(let message): queue.append(.toTarget(id, message))
      case .close(let reason): queue.append(.closeOfPeer(id, reason))
      }
    }
  }

  private mutating func settle() {
    var count = 0
    while !queue.isEmpty, count < Self.limit {
      count += 1
      switch queue.removeFirst() {
      case .toTarget(let id, let message): if ends[id] != nil { apply(.message(id, message)) }
      case .toPeer(let id, let message): toPeer(message, id)
      case .closeOfTarget(let id, let reason):
        if let end = ends.removeValue(forKey: id) { tell(end, reason) }
        apply(.closed(id, code: 1_000, reason: reason))
      case .closeOfPeer(let id, let reason):
        ends[id] = nil
        apply(.closed(id, code: 1_000, reason: reason))
      }
    }
  }

  private mutating func toPeer(_ message: WireMessage, _ id: SocketID) {
    switch ends[id] {
    case .probe(let index)?:
      perform(probes[index].receive(message, now: now, random: &random), from: id)
      arrange(probe: index)
    case .server(let index)?: perform(servers[index].receive(message, now: now, random: &random), from: id)
    case nil: break
    }
  }

  private mutating func tell(_ end: End, _ reason: String) {
    switch end {
    case .probe(let index): probes[index].closed(reason: reason, now: now)
    case .server(let index): servers[index].closed(now: now)
    }
  }
}
