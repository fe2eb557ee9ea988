import CommServer
import Cryptobox
import FrameBytes
import Logging
import NIOCore

/// The machine, its sockets and its timer, all on one event loop: nothing here needs a lock, and a relayed message never
/// changes threads.
final class ServerCore {
  let loop: any EventLoop
  let options: ServerOptions
  let log: Logger
  /// False when a planted fault changes relayed messages: then they all go through the machine.
  let forwardsDirectly: Bool
  /// True when the machine wants to know that relays are alive.
  let reportsActivity: Bool
  private(set) var machine: CommServer
  var statistics = NetworkStatistics()
  /// Frames of the read under way, for the partner of the socket that is being read.
  var scratch = ByteBuffer()
  var scratchOwner: ConnectionID?
  private(set) var isStopping = false

  private var random = SystemRandom()
  private var sockets: [ConnectionID: RelaySocket] = [:]
  private var lastID: UInt64 = 0
  private var timer: Scheduled<Void>?
  private var timerDue = Double.infinity
  private var timeouts: TimeoutQueue
  private let needsAddress: Bool

  init(loop: any EventLoop, options: ServerOptions, log: Logger) {
    self.loop = loop
    self.options = options
    self.log = log
    var random = SystemRandom()
    machine = CommServer(settings: options.settings, random: &random)
    forwardsDirectly = options.settings.faults.allSatisfy(\.isOfTransport)
    reportsActivity = options.settings.relayIdleTimeout != nil
    let settings = options.settings
    needsAddress = settings.socketsPerSecond != nil || settings.requestsPerMinute != nil || settings.invitations
    timeouts = TimeoutQueue()
  }

  var now: Double { Double(NIODeadline.now().uptimeNanoseconds) / 1e6 }
  func has(_ fault: Fault) -> Bool { options.settings.faults.contains(fault) }

  // MARK: Sockets

  func nextID() -> ConnectionID {
    lastID += 1
    return ConnectionID(lastID)
  }

  func opened(_ socket: RelaySocket) {
    sockets[socket.id] = socket
    deliver(.opened(socket.id, address: needsAddress ? socket.address : nil))
  }

  func received(_ socket: RelaySocket, _ opcode: Opcode, _ payload: ByteBuffer) {
    if opcode == .text {
      deliver(.text(socket.id, String(buffer: payload)))
    } else {
      deliver(.binary(socket.id, Array(buffer: payload)))
    }
  }

  func closed(_ socket: RelaySocket, code: UInt16?, reason: String) {
    guard sockets.removeValue(forKey: socket.id) != nil else { return }
    deliver(.closed(socket.id, code: code, reason: reason))
  }

  func deliver(_ event: ServerEvent) {
    var actions: [ServerAction] = []
    machine.handle(event, at: now, random: &random, into: &actions)
    for action in actions { perform(action) }
    for action in actions {
      switch action {
      case .text(let id, _), .binary(let id, _): sockets[id]?.flush()
      case .close, .splice: break
      }
    }
    armTimer()
  }

  private func perform(_ action: ServerAction) {
    switch action {
    case .text(let id, let text): sockets[id]?.send(.text, ByteBuffer(string: text))
    case .binary(let id, let bytes): sockets[id]?.send(.binary, ByteBuffer(bytes: bytes))
    case .close(let id, let code, let reason): sockets.removeValue(forKey: id)?.startClose(code, reason)
    case .splice(let one, let other):
      guard let first = sockets[one], let second = sockets[other] else { return }
      first.splice(with: second)
      second.splice(with: first)
    }
  }

  // MARK: Time

  private func armTimer() {
    guard let due = machine.nextDeadline, due < timerDue else { return }
    timer?.cancel()
    timerDue = due
    let wait = max(0, due - now)
    let bound = NIOLoopBound(self, eventLoop: loop)
    guard wait > 0 else {
      timer = nil
      loop.execute { bound.value.fire() }
      return
    }
    timer = loop.scheduleTask(in: .nanoseconds(Int64(wait * 1e6) + 1)) { bound.value.fire() }
  }

  private func fire() {
    timer = nil
    timerDue = .infinity
    deliver(.timer)
  }

  /// Cuts the socket when it is still in the given phase after so many ms.
  func limit(_ socket: RelaySocket, to phase: RelaySocket.Phase.Kind, _ timeout: Double?) {
    guard let timeout else { return }
    timeouts.add(socket, phase, due: now + timeout)
    armSweep()
  }

  private func armSweep() {
    guard !timeouts.isArmed, !timeouts.isEmpty else { return }
    timeouts.isArmed = true
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: .milliseconds(250)) {
      let core = bound.value
      core.timeouts.isArmed = false
      for (socket, phase) in core.timeouts.takeDue(core.now) where socket.phase.kind == phase { socket.cut() }
      core.armSweep()
    }
  }

  // MARK: Stop

  /// Closes everything in the protocol's way; sockets that don't answer are cut by their timeout.
  func stop() {
    guard !isStopping else { return }
    isStopping = true
    deliver(.stop)
  }

  /// Fulfils the promise when the last connection is gone, or when it is time to cut those that are left.
  func whenEmpty(by end: NIODeadline, _ promise: EventLoopPromise<Void>) {
    guard statistics.sockets > 0, NIODeadline.now() < end else { return promise.succeed() }
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: .milliseconds(2)) { bound.value.whenEmpty(by: end, promise) }
  }
}

/// Timeouts of a few kinds, looked at four times a second: cheap for very many sockets, exact to a quarter second.
struct TimeoutQueue {
  private var entries: [(due: Double, socket: RelaySocket, phase: RelaySocket.Phase.Kind)] = []
  var isArmed = false

  var isEmpty: Bool { entries.isEmpty }

  mutating func add(_ socket: RelaySocket, _ phase: RelaySocket.Phase.Kind, due: Double) {
    entries.append((due, socket, phase))
  }

  mutating func takeDue(_ now: Double) -> [(RelaySocket, RelaySocket.Phase.Kind)] {
    var due: [(RelaySocket, RelaySocket.Phase.Kind)] = []
    entries.removeAll { entry in
      // A socket that went on is of no interest any more.
      guard entry.socket.phase.kind == entry.phase else { return true }
      guard entry.due <= now else { return false }
      due.append((entry.socket, entry.phase))
      return true
    }
    return due
  }
}
