import Chum
import CommServer
public import Cryptobox
import Instance
import InstanceCases
import Store
import SyncInstance
import Wire

/// A CommServer, instances and the network between them, in one thread on a virtual clock.
public struct World {
  struct Host {
    let identity: Identity
    /// Nil while the process is down.
    var instance: Machine?
    /// What a restart begins with.
    var last: Machine
    var random: SeededRandom
    var deadline: Double?
    var sleepsUntil = 0.0
    var cables: [SocketID: Int] = [:]
    /// Counts the processes of this host; tokens of earlier ones are void.
    var incarnation = 0
  }

  enum Attacker {
    case probe(ProbePeer)
    /// Plays H1 and H3 of an earlier connection.
    case replay(request: String, key: [UInt8], isKeySent: Bool)
    /// Registers this key with another one's secret.
    case hijack(key: PublicKey, secret: SecretKey)
  }

  public let scenario: WorldScenario
  public private(set) var now = 0.0
  /// Events handled so far, of all kinds.
  public private(set) var events = 0
  var hosts: [Host] = []
  var server: CommServer
  var cables: [Cable] = []
  var attackers: [Attacker] = []
  var queue = DeliveryQueue()
  var random: SeededRandom
  var serverRandom: SeededRandom
  var checker: Checker
  /// What sync worlds are judged by.
  var sync: SyncModel?
  /// H1 and H3 of dialled connections, as the server's operator could have them.
  var recorded: [(request: String, key: [UInt8])] = []
  var requests: [Int: String] = [:]
  /// The session as a recording, when asked for.
  public var log: SessionLog?
  let box: AnyBox
  private var isServerUp = true
  private var nextConnection: UInt64 = 1
  private var messages = 0

  /// The most events of one step: more is a storm.
  static let stormLimit = 60_000

  public init(_ scenario: WorldScenario, box: any BoxProvider = FakeBox(), keepsLog: Bool = false) {
    self.scenario = scenario
    self.box = AnyBox(box)
    random = SeededRandom(seed: scenario.seed &* 0x9E37_79B9 &+ 11)
    serverRandom = SeededRandom(seed: scenario.seed &+ 77)
    server = CommServer(settings: Self.serverSettings(scenario), box: box, random: &serverRandom)
    checker = Checker(profile: scenario.profile)
    if scenario.sync { sync = SyncModel(scenario) }
    for index in 0..<scenario.hosts {
      // A host's randomness depends on its number only, so that taking out another one changes nothing here.
      var own = SeededRandom(seed: scenario.seed &* 1_000_003 &+ UInt64(index))
      let identity = Identity.create(
        url: "ws://comm", personEmail: "p\(index)@example.org", instanceName: "device-\(index)", random: &own, box: box)
      let instance = Self.machine(scenario, identity, box: box)
      hosts.append(Host(identity: identity, instance: instance, last: instance, random: own))
      checker.addHost(identity)
    }
    if keepsLog { log = SessionLog() }
    for index in hosts.indices { handle(.start, on: index) }
    run(for: 2_000)
    if scenario.sync { acquaint() }
  }

  private static func machine(_ scenario: WorldScenario, _ identity: Identity, box: any BoxProvider) -> Machine {
    let instance = Instance(settings: settings(scenario), keychain: Keychain([identity]), box: box)
    guard scenario.sync, let codec = SyncModel.codec(scenario.profile) else { return Machine(instance) }
    let complete = try? SyncInstance(
      syncSettings(scenario), keychain: Keychain([identity]),
      repository: Repository(store: MemoryStore(), codec: codec),
      epoch: 1_700_000_000_000, box: box)
    return complete.map { Machine($0) } ?? Machine(instance)
  }

  static func syncSettings(_ scenario: WorldScenario) -> SyncSettings {
    var sync = SyncSettings(settings(scenario))
    // Rounds are rarer than in reality, so that a long quiet end costs little.
    sync.pollInterval = 15_000
    sync.groupPolicy = .evaluated
    sync.opensTopics = false
    sync.writesLog = false
    sync.keepsLists = true
    sync.faults = Set(scenario.chumFaults)
    sync.syncFaults = Set(scenario.syncFaults)
    return sync
  }

  static func serverSettings(_ scenario: WorldScenario) -> CommServerSettings {
    var settings = CommServerSettings(profile: scenario.profile)
    settings.faults = Set(scenario.faults.compactMap { Fault(rawValue: $0) })
    return settings
  }

  static func settings(_ scenario: WorldScenario) -> InstanceSettings {
    var settings = InstanceSettings(profile: scenario.profile)
    settings.broker = scenario.broker && scenario.profile == .strict ? .automatic : .off
    settings.defects = Set(scenario.defects)
    return settings
  }

  /// The first rule that was broken, if any.
  public var violation: Violation? { checker.violation }

  // MARK: Time

  mutating func run(for milliseconds: Double) { run(until: now + milliseconds) }

  mutating func run(until end: Double) {
    var count = 0
    while checker.violation == nil {
      var next = queue.nextTime ?? .infinity
      var actor = -1
      for index in hosts.indices {
        guard hosts[index].instance != nil, let deadline = hosts[index].deadline else { continue }
        let due = max(deadline, hosts[index].sleepsUntil)
        if due < next { (next, actor) = (due, index) }
      }
      for index in attackers.indices {
        guard case .probe(let probe) = attackers[index], let deadline = probe.nextDeadline, deadline < next else {
          continue
        }
        (next, actor) = (deadline, hosts.count + 1 + index)
      }
      if isServerUp, let deadline = server.nextDeadline, deadline < next { (next, actor) = (deadline, hosts.count) }
      guard next <= end else { break }
      now = max(now, next)
      events += 1
      count += 1
      if count > Self.stormLimit { return checker.fail("storm", "more than \(Self.stormLimit) events in one step") }
      if actor == -1 {
        if let delivery = queue.pop() { deliver(delivery) }
      } else if actor == hosts.count {
        handle(.timer)
      } else if actor > hosts.count {
        attackerTick(actor - hosts.count - 1)
      } else {
        handle(.timer, on: actor)
      }
    }
    now = max(now, end)
  }

  // MARK: Hosts

  mutating func handle(_ event: InstanceEvent, on index: Int) {
    act(on: index) { machine, now, random, actions in
      machine.handle(event, at: now, random: &random, into: &actions)
    }
  }

  /// Lets a host do something and carries out what comes of it.
  mutating func act(
    on index: Int, _ body: (Machine, Double, inout SeededRandom, inout [SyncAction]) -> Void
  ) {
    guard let machine = hosts[index].instance else { return }
    var actions: [SyncAction] = []
    body(machine, now, &hosts[index].random, &actions)
    hosts[index].deadline = machine.nextDeadline
    for action in actions {
      switch action {
      case .instance(let action): perform(action, on: index)
      case .report(let report):
        if let broken = sync?.heard(report, on: index, hosts[index].instance?.complete) { fail(broken) }
      case .log: break
      }
    }
    if sync != nil, let complete = hosts[index].instance?.complete, let broken = sync?.look(index, complete, at: now) {
      fail(broken)
    }
  }

  mutating func fail(_ violation: Violation) { checker.fail(violation.rule, violation.detail) }

  private mutating func perform(_ action: InstanceAction, on index: Int) {
    switch action {
    case .open(let id, _): open(.host(index, id))
    case .send(let id, let message): if let cable = hosts[index].cables[id] { sendUp(message, cable) }
    case .close(let id, let reason):
      guard let cable = hosts[index].cables.removeValue(forKey: id) else { return }
      closeUp(cable, code: 1_000, reason)
    case .report(let report):
      checker.heard(report, from: index, incarnation: hosts[index].incarnation, at: now)
      if case .secured(_, let handshake) = report { log?.add(handshake) }
    }
  }

  // MARK: The server

  mutating func handle(_ event: ServerEvent) {
    guard isServerUp else { return }
    var actions: [ServerAction] = []
    server.handle(event, at: now, random: &serverRandom, into: &actions)
    for action in actions {
      switch action {
      case .text(let id, let text): sendDown(.text(text), cable(of: id))
      case .binary(let id, let bytes): sendDown(.binary(bytes), cable(of: id))
      case .close(let id, let code, let reason): closeDown(cable(of: id), code: code, reason)
      case .splice: break
      }
    }
  }

  private func cable(of id: ConnectionID) -> Int { Int(id.rawValue) - 1 }

  mutating func stopServer(down: Double) {
    isServerUp = false
    for index in cables.indices where cables[index].phase != .closed { lose(index) }
    queue.push(.startServer, at: now + down)
  }

  // MARK: Cables

  @discardableResult
  mutating func open(_ end: Cable.End) -> Int {
    let index = cables.count
    cables.append(Cable(end: end, connection: ConnectionID(nextConnection)))
    nextConnection += 1
    if case .host(let host, let id) = end { hosts[host].cables[id] = index }
    queue.push(.opened(index), at: now + latency())
    return index
  }

  /// A few ms, now and then more: connections overtake each other, messages of one connection do not.
  private mutating func latency() -> Double {
    let word = random.next()
    return word % 16 == 0 ? Double(20 + word % 300) : Double(1 + word % 9)
  }

  mutating func sendUp(_ message: WireMessage, _ index: Int) {
    guard cables.indices.contains(index), cables[index].phase == .open, !cables[index].isHalfOpen else { return }
    log?.frame(index, fromClient: true, message, at: now)
    record(message, index)
    for message in tampered(message, index) {
      let time = max(cables[index].lastUp, now + latency())
      cables[index].lastUp = time
      queue.push(.up(index, message), at: time)
    }
  }

  mutating func sendDown(_ message: WireMessage, _ index: Int) {
    guard cables.indices.contains(index), cables[index].phase == .open, !cables[index].isHalfOpen else { return }
    log?.frame(index, fromClient: false, message, at: now)
    let time = max(cables[index].lastDown, now + latency())
    cables[index].lastDown = time
    queue.push(.down(index, message), at: time)
  }

  mutating func closeUp(_ index: Int, code: UInt16?, _ reason: String) {
    guard cables[index].phase != .closed, !cables[index].isHalfOpen else {
      cables[index].phase = .closed
      return
    }
    log?.close(index, fromClient: true, code: code, reason, at: now)
    let time = max(cables[index].lastUp, now + latency())
    queue.push(.closeUp(index, code: code, reason: reason), at: time)
    cables[index].lastUp = time
  }

  private mutating func closeDown(_ index: Int, code: UInt16?, _ reason: String) {
    guard cables.indices.contains(index), cables[index].phase != .closed, !cables[index].isHalfOpen else { return }
    log?.close(index, fromClient: false, code: code, reason, at: now)
    let time = max(cables[index].lastDown, now + latency())
    queue.push(.closeDown(index, code: code, reason: reason), at: time)
    cables[index].lastDown = time
  }

  /// The socket is gone; both ends hear of it soon.
  mutating func lose(_ index: Int) {
    guard cables[index].phase != .closed else { return }
    log?.close(index, fromClient: true, code: nil, "", at: now)
    queue.push(.closeUp(index, code: nil, reason: ""), at: max(cables[index].lastUp, now + latency()))
    queue.push(.closeDown(index, code: nil, reason: ""), at: max(cables[index].lastDown, now + latency()))
  }

  private mutating func tampered(_ message: WireMessage, _ index: Int) -> [WireMessage] {
    // Only encrypted frames: in clear the network is the CommServer's own transport.
    guard let kind = cables[index].tampering, case .binary(var bytes) = message, bytes.count != 72, !bytes.isEmpty
    else {
      return [message]
    }
    cables[index].tampering = nil
    checker.tampered()
    switch kind {
    case .flip:
      bytes[bytes.count / 2] ^= 0x10
      return [.binary(bytes)]
    case .drop: return []
    case .double: return [message, message]
    case .cut: return [.binary(Array(bytes.dropLast()))]
    case .text: return [.text("tampered")]
    }
  }

  /// Keeps H1 and H3 of dialled connections for later replays.
  private mutating func record(_ message: WireMessage, _ index: Int) {
    switch message {
    case .text(let text):
      if text.hasPrefix(#"{"command":"communication_request""#) { requests[index] = text }
    case .binary(let bytes):
      guard bytes.count == 72, let request = requests.removeValue(forKey: index), recorded.count < 200 else { return }
      recorded.append((request, bytes))
    }
  }

  // MARK: Deliveries

  private mutating func deliver(_ delivery: Delivery) {
    switch delivery {
    case .opened(let index): opened(index)
    case .up(let index, let message):
      guard cables[index].phase == .open, !cables[index].isHalfOpen else { return }
      switch message {
      case .text(let text): handle(.text(cables[index].connection, text))
      case .binary(let bytes): handle(.binary(cables[index].connection, bytes))
      }
    case .down(let index, let message): arrived(message, index)
    case .closeUp(let index, let code, let reason):
      guard !cables[index].isHalfOpen else { return }
      cables[index].phase = .closed
      handle(.closed(cables[index].connection, code: code, reason: reason))
    case .closeDown(let index, let code, let reason): closed(index, code, reason)
    case .restart(let index): restart(index)
    case .startServer:
      server = CommServer(settings: Self.serverSettings(scenario), box: box, random: &serverRandom)
      isServerUp = true
    }
  }

  private mutating func opened(_ index: Int) {
    guard cables[index].phase == .opening else { return }
    if postpone(.opened(index), index) { return }
    guard isServerUp else {
      cables[index].phase = .closed
      return closed(index, nil, "")
    }
    cables[index].phase = .open
    switch cables[index].end {
    case .host(let host, let id):
      handle(.opened(cables[index].connection, address: "h\(host)"))
      log?.open(index, at: now)
      handle(.opened(id), on: host)
    case .attacker(let number):
      handle(.opened(cables[index].connection, address: "evil\(number)"))
      log?.open(index, at: now)
      attackerOpened(number, index)
    }
  }

  private mutating func arrived(_ message: WireMessage, _ index: Int) {
    guard !cables[index].isHalfOpen else { return }
    if postpone(.down(index, message), index) { return }
    switch cables[index].end {
    case .host(let host, let id):
      if hosts[host].cables[id] == index { handle(.message(id, message), on: host) }
    case .attacker(let number): attackerReceived(message, number, index)
    }
  }

  private mutating func closed(_ index: Int, _ code: UInt16?, _ reason: String) {
    guard !cables[index].isHalfOpen else { return }
    if postpone(.closeDown(index, code: code, reason: reason), index) { return }
    cables[index].phase = .closed
    switch cables[index].end {
    case .host(let host, let id):
      guard hosts[host].cables.removeValue(forKey: id) != nil else { return }
      handle(.closed(id, code: code, reason: reason), on: host)
    case .attacker(let number): attackerClosed(reason, number)
    }
  }

  /// A sleeping host hears of everything later, in order.
  private mutating func postpone(_ delivery: Delivery, _ index: Int) -> Bool {
    guard case .host(let host, _) = cables[index].end, hosts[host].sleepsUntil > now else { return false }
    queue.push(delivery, at: hosts[host].sleepsUntil)
    return true
  }
}
