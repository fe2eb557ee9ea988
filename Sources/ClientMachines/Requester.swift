public import Cryptobox
public import Wire

/// A planted fault of a requester. Self-test only.
public enum RequesterFault: String, Sendable, Hashable, CaseIterable {
  case sendsEarly, staysOnBadReady, neverGivesUpOpening, hidesUnreachable, retriesAtOnce, neverRetries, retriesTooOften
  case namesOtherTarget, registersFirst, requestsInBinary, retriesAnyway

  public var summary: String {
    switch self {
    case .sendsEarly: "sends its key box before communication_ready"
    case .staysOnBadReady: "keeps the socket open on what is no communication_ready"
    case .neverGivesUpOpening: "waits for ever for the socket to open"
    case .hidesUnreachable: "reports a close before communication_ready as a failed handshake"
    case .retriesAtOnce: "tries again at once"
    case .neverRetries: "does not try again"
    case .retriesTooOften: "tries again every five seconds"
    case .namesOtherTarget: "asks for another key than it was told"
    case .registersFirst: "registers before it requests"
    case .retriesAnyway: "tries again though the connection is not permanent"
    case .requestsInBinary: "sends its request as BINARY"
    }
  }
}

public struct RequesterSettings: Sendable {
  public var profile: Profile
  /// ms until the socket must be open (connection.md 2.8).
  public var openTimeout = 5_000.0
  /// A permanent connection is tried again after these times in ms, the last one for ever (HS-027).
  public var retryDelays = [5_000.0, 10_000, 20_000, 30_000, 60_000, 120_000]
  public var isPermanent = false
  public var faults: Set<RequesterFault> = []
  public var handshakeFaults: Set<HandshakeFault> = []
  public init(profile: Profile) { self.profile = profile }
}

/// Asks a CommServer for a relay to a key and makes the handshake over it (connection.md 2.8, 3.2).
public struct Requester: Sendable {
  public enum Failure: String, Sendable {
    /// No socket, or a close before communication_ready: nobody is there.
    case unreachable
    case handshake
    case stopped
  }

  public enum Notice: Sendable, Equatable {
    case established(SocketID, SharedKey)
    case failed(Failure)
  }

  private enum Phase: Sendable { case opening, ready, key }

  public let settings: RequesterSettings
  private let key: SecretKey
  private let peer: PublicKey
  private let box: any BoxProvider
  private var current: (id: SocketID, phase: Phase, handshake: InitiatorHandshake)?
  private var deadline: Double?
  private var retryAt: Double?
  private var attempts = 0
  private var nextID: UInt64
  private var isRunning = false

  public init(
    settings: RequesterSettings, key: SecretKey, peer: PublicKey, firstID: UInt64 = 1,
    box: any BoxProvider = SodiumBox()
  ) {
    self.settings = settings
    self.key = key
    self.peer = peer
    self.box = box
    nextID = firstID
  }

  public var nextDeadline: Double? { [deadline, retryAt].compactMap { $0 }.min() }

  public mutating func start(at now: Double) -> (actions: [SocketAction], notices: [Notice]) {
    isRunning = true
    return (attempt(now), [])
  }

  public mutating func stop(at now: Double) -> (actions: [SocketAction], notices: [Notice]) {
    isRunning = false
    retryAt = nil
    guard let current else { return ([], []) }
    self.current = nil
    deadline = nil
    return ([.close(current.id, reason: EndCause.stopped.reason(isStrict: isStrict))], [.failed(.stopped)])
  }

  private var isStrict: Bool { settings.profile == .strict }
  private func has(_ fault: RequesterFault) -> Bool { settings.faults.contains(fault) }

  private mutating func attempt(_ now: Double) -> [SocketAction] {
    let id = SocketID(nextID)
    nextID += 1
    let handshake = InitiatorHandshake(
      own: key, peer: has(.namesOtherTarget) ? PublicKey(bytes: peer.bytes.map { ~$0 }) ?? peer : peer,
      profile: settings.profile, faults: settings.handshakeFaults, box: box)
    current = (id, .opening, handshake)
    deadline = has(.neverGivesUpOpening) ? nil : now + settings.openTimeout
    return [.open(id)]
  }

  public mutating func handle(
    _ event: SocketEvent, at now: Double, random: inout some RandomSource
  ) -> (actions: [SocketAction], notices: [Notice]) {
    if case .timer = event { return runTimers(now) }
    guard var current, event.socket == current.id else { return ([], []) }
    switch event {
    case .opened(let id):
      current.phase = .ready
      deadline = nil
      self.current = current
      var actions: [SocketAction] = []
      if has(.registersFirst) {
        actions.append(.text(id, CommServerMessage.register(publicKey: box.publicKey(of: key).hex).text))
      }
      let request = current.handshake.request
      actions.append(has(.requestsInBinary) ? .binary(id, Array(request.utf8)) : .text(id, request))
      if has(.sendsEarly) { actions.append(.binary(id, random.bytes(72))) }
      return (actions, [])
    case .text(_, let text):
      let steps = current.handshake.text(text, random: &random)
      self.current = current
      return carryOut(steps, now)
    case .binary(_, let bytes):
      let steps = current.handshake.binary(bytes)
      self.current = current
      return carryOut(steps, now)
    case .failed: return fail(.unreachable, now)
    case .closed:
      return fail(current.phase == .key || has(.hidesUnreachable) ? .handshake : .unreachable, now)
    case .timer: return ([], [])
    }
  }

  private mutating func carryOut(
    _ steps: [InitiatorHandshake.Step], _ now: Double
  ) -> (actions: [SocketAction], notices: [Notice]) {
    guard let current else { return ([], []) }
    var actions: [SocketAction] = []
    for step in steps {
      switch step {
      case .text(let text): actions.append(.text(current.id, text))
      case .binary(let bytes):
        self.current?.phase = .key
        actions.append(.binary(current.id, bytes))
      case .established(let key):
        self.current = nil
        deadline = nil
        attempts = 0
        return (actions, [.established(current.id, key)])
      case .failed(let cause):
        if has(.staysOnBadReady), current.phase == .ready { return (actions, []) }
        actions.append(.close(current.id, reason: cause.reason(isStrict: isStrict)))
        let ending = fail(.handshake, now)
        return (actions + ending.actions, ending.notices)
      }
    }
    return (actions, [])
  }

  private mutating func fail(_ failure: Failure, _ now: Double) -> (actions: [SocketAction], notices: [Notice]) {
    current = nil
    deadline = nil
    guard isRunning, settings.isPermanent || has(.retriesAnyway), !has(.neverRetries) else {
      return ([], [.failed(failure)])
    }
    if has(.retriesAtOnce) { return (attempt(now), [.failed(failure)]) }
    let delays = settings.retryDelays
    let delay =
      has(.retriesTooOften) ? delays.first : delays.indices.contains(attempts) ? delays[attempts] : delays.last
    attempts += 1
    retryAt = now + (delay ?? 5_000)
    return ([], [.failed(failure)])
  }

  private mutating func runTimers(_ now: Double) -> (actions: [SocketAction], notices: [Notice]) {
    if let time = retryAt, time <= now {
      retryAt = nil
      return (attempt(now), [])
    }
    guard let time = deadline, time <= now, let current else { return ([], []) }
    let ending = fail(.unreachable, now)
    return ([.close(current.id, reason: EndCause.timeout.reason(isStrict: isStrict))] + ending.actions, ending.notices)
  }
}
