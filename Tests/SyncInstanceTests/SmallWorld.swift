import Chum
import CommServer
import Cryptobox
import Instance
import Microdata
import Store
import SyncInstance
import Trace
import Wire

/// Complete instances around one CommServer on a virtual clock; every message takes a millisecond.
struct SmallWorld<S: EntryStore> {
  struct Host {
    var machine: SyncInstance<S>?
    var settings: SyncSettings?
    var identity: Identity?
    var random: SeededRandom
    var sockets: [SocketID: UInt64] = [:]
    var reports: [SyncReport] = []
    var connection: [InstanceReport] = []
    var logs: [LogFact] = []
    var closeReasons: [String] = []
  }

  private enum Delivery {
    case opened(UInt64)
    case up(UInt64, WireMessage)
    case down(UInt64, WireMessage)
    case closedUp(UInt64, UInt16?, String)
    case closedDown(UInt64, UInt16?, String)
  }

  private(set) var now = 0.0
  var hosts: [Host] = []
  private var server: CommServer
  private var serverRandom = SeededRandom(seed: 99)
  private var owners: [UInt64: (host: Int, socket: SocketID)] = [:]
  private var nextSocket: UInt64 = 1
  private var queue: [(time: Double, delivery: Delivery)] = []
  /// Payload bytes of the application that went over the wire, encrypted.
  private(set) var bytes = 0

  init(profile: Profile) {
    server = CommServer(settings: CommServerSettings(profile: profile), box: FakeBox(), random: &serverRandom)
  }

  static func codec(_ profile: Profile) throws -> MicrodataObjectCodec {
    try .standard(profile == .strict ? .strict : .deployed)
  }

  @discardableResult
  mutating func add(
    _ name: String, _ profile: Profile, store: S, configure: (inout SyncSettings) -> Void = { _ in }
  ) throws -> Int {
    var random = SeededRandom(seed: UInt64(hosts.count + 1))
    let identity = Identity.create(
      url: "ws://comm", personEmail: "\(name)@example.org", instanceName: name, random: &random, box: FakeBox())
    var settings = SyncSettings(profile: profile)
    configure(&settings)
    let machine = try SyncInstance(
      settings, keychain: Keychain([identity]), repository: Repository(store: store, codec: try Self.codec(profile)),
      epoch: Self.epoch, box: FakeBox())
    hosts.append(Host(machine: machine, settings: settings, identity: identity, random: random))
    handle(.start, on: hosts.count - 1)
    return hosts.count - 1
  }

  // MARK: Acting

  mutating func handle(_ event: InstanceEvent, on host: Int) {
    act(on: host) { machine, now, random, actions in
      machine.handle(event, at: now, random: &random, into: &actions)
    }
  }

  mutating func run(_ command: SyncCommand, on host: Int) {
    act(on: host) { machine, now, random, actions in machine.run(command, at: now, random: &random, into: &actions) }
  }

  private mutating func act(
    on host: Int, _ body: (inout SyncInstance<S>, Double, inout SeededRandom, inout [SyncAction]) -> Void
  ) {
    guard var machine = hosts[host].machine.take() else { return }
    var actions: [SyncAction] = []
    body(&machine, now, &hosts[host].random, &actions)
    hosts[host].machine = machine
    for action in actions {
      switch action {
      case .report(let report): hosts[host].reports.append(report)
      case .log(_, let fact): hosts[host].logs.append(fact)
      case .instance(.report(let report)): hosts[host].connection.append(report)
      case .instance(.open(let id, _)):
        let number = nextSocket
        nextSocket += 1
        owners[number] = (host, id)
        hosts[host].sockets[id] = number
        push(.opened(number))
      case .instance(.send(let id, let message)):
        guard let number = hosts[host].sockets[id] else { continue }
        if case .binary(let data) = message { bytes += data.count }
        push(.up(number, message))
      case .instance(.close(let id, let reason)):
        guard let number = hosts[host].sockets.removeValue(forKey: id) else { continue }
        hosts[host].closeReasons.append(reason)
        push(.closedUp(number, 1_000, reason))
      }
    }
  }

  /// The process dies; its sockets are lost. What `repository` holds is what the next process finds.
  mutating func kill(_ host: Int) {
    for number in hosts[host].sockets.values { push(.closedUp(number, nil, "")) }
    hosts[host].sockets = [:]
    hosts[host].machine = nil
  }

  /// The next process of a host, on what its store holds.
  mutating func revive(_ host: Int, store: S) throws {
    guard let settings = hosts[host].settings, let identity = hosts[host].identity else { return }
    hosts[host].machine = try SyncInstance(
      settings, keychain: Keychain([identity]),
      repository: Repository(store: store, codec: try Self.codec(settings.profile)), epoch: Self.epoch,
      box: FakeBox())
    handle(.start, on: host)
  }

  static var epoch: Double { 1_800_000_000_000 }

  // MARK: Time

  private mutating func push(_ delivery: Delivery) { queue.append((now + 1, delivery)) }

  /// Until the condition holds; false when the time is over before.
  @discardableResult
  mutating func run(for time: Double, until isDone: (SmallWorld) -> Bool = { _ in false }) -> Bool {
    let end = now + time
    while !isDone(self) {
      var next = queue.first?.time ?? .infinity
      for host in hosts { if let due = host.machine?.nextDeadline { next = min(next, due) } }
      if let due = server.nextDeadline { next = min(next, due) }
      guard next <= end else { break }
      now = max(now, next)
      if let first = queue.first, first.time <= now {
        queue.removeFirst()
        deliver(first.delivery)
        continue
      }
      for host in hosts.indices {
        if let due = hosts[host].machine?.nextDeadline, due <= now { handle(.timer, on: host) }
      }
      if let due = server.nextDeadline, due <= now { serve(.timer) }
    }
    if !isDone(self) {
      now = max(now, end)
      return false
    }
    return true
  }

  private mutating func serve(_ event: ServerEvent) {
    var actions: [ServerAction] = []
    server.handle(event, at: now, random: &serverRandom, into: &actions)
    for action in actions {
      switch action {
      case .text(let id, let text): push(.down(id.rawValue, .text(text)))
      case .binary(let id, let bytes): push(.down(id.rawValue, .binary(bytes)))
      case .close(let id, let code, let reason): push(.closedDown(id.rawValue, code, reason))
      case .splice: break
      }
    }
  }

  private mutating func deliver(_ delivery: Delivery) {
    switch delivery {
    case .opened(let number):
      serve(.opened(ConnectionID(number), address: nil))
      if let owner = owners[number], hosts[owner.host].sockets[owner.socket] == number {
        handle(.opened(owner.socket), on: owner.host)
      }
    case .up(let number, .text(let text)): serve(.text(ConnectionID(number), text))
    case .up(let number, .binary(let bytes)): serve(.binary(ConnectionID(number), bytes))
    case .down(let number, let message):
      guard let owner = owners[number], hosts[owner.host].sockets[owner.socket] == number else { return }
      handle(.message(owner.socket, message), on: owner.host)
    case .closedUp(let number, let code, let reason): serve(.closed(ConnectionID(number), code: code, reason: reason))
    case .closedDown(let number, let code, let reason):
      guard let owner = owners[number], hosts[owner.host].sockets[owner.socket] == number else { return }
      hosts[owner.host].sockets[owner.socket] = nil
      handle(.closed(owner.socket, code: code, reason: reason), on: owner.host)
    }
  }

  // MARK: Pairing

  /// The second host uses an invitation of the first.
  mutating func pair(_ inviter: Int, _ invitee: Int, mode: Invitation.Mode = .iop) {
    run(for: 1_000)
    let token = String(repeating: "T", count: 60) + "\(inviter)\(invitee)xx"
    run(.instance(.invite(InvitationRequest(token: token, mode: mode))), on: inviter)
    guard let key = hosts[inviter].machine?.core.keychain.identities.first?.instanceKey.publicKey.hex else { return }
    let invitation = Invitation(token: token, publicKey: key, url: "ws://comm")
    run(.instance(.join(invitation, JoinOptions(mode: mode))), on: invitee)
  }

  func person(_ host: Int) -> ObjectHash? { hosts[host].machine?.mainPerson }

  func texts(_ host: Int) -> [String] {
    hosts[host].reports.compactMap { if case .message(let line) = $0 { line.text } else { nil } }
  }

  var isSynchronised: Bool { hosts.allSatisfy { $0.machine?.isSynchronised ?? true } }
}
