public import Store
import Wire
import WireBytes

/// One CHUM session on one connection, from the control text to the end: a value without clock, socket or storage.
///
/// Feed it what arrives with the time (ms, never going back) and the host it shares with the instance's other sessions;
/// carry out the actions in order. Call `advance` when `deadline` has come and when the socket has drained.
public struct ChumSession: Sendable {
  public enum State: Sendable, Equatable {
    case idle
    /// The own control text is out; the peer's first message is awaited.
    case awaitingControl
    case running
    case over
  }

  public let configuration: ChumConfiguration
  public internal(set) var state = State.idle
  public internal(set) var statistics = ChumStatistics()
  public internal(set) var record = ChumRecord()
  var importer: Importer
  var exporter: Exporter
  var requests = OpenRequests()
  var streams = OutgoingStreams()
  var strayCount = 0
  /// Streams that we told the peer to stop, until their end comes.
  var stopped: Set<Int> = []
  var receivedFileBytes = 0
  var logs: [ChumLog] = []
  /// Bytes that the socket has not taken yet, as far as the owner knows. Files pause above 256 KiB.
  public var unsentBytes = 0
  /// What the peer's importer did since its last root list; see ``peerIsCaughtUpTo``.
  var servedSinceList = 0
  var lastListAt: Int?
  /// The peer has everything that was granted at this time (ms): it then got the complete root list, fetched nothing,
  /// and asked for the next list. Nil until that happened once.
  public internal(set) var peerIsCaughtUpTo: Int?
  /// The root lists that were answered so far, and the last of them where the configuration keeps it.
  public internal(set) var listCount = 0
  public internal(set) var lastList: String?
  private var startedAt = 0
  private var early = EarlyMessages()

  private var saboteur: Saboteur?

  public init(_ configuration: ChumConfiguration) {
    let configuration = configuration.faults.isEmpty ? configuration : configuration.broken
    self.configuration = configuration
    saboteur = configuration.faults.isEmpty ? nil : Saboteur(configuration.faults)
    importer = Importer(configuration)
    exporter = Exporter(configuration)
  }

  /// What the instance should log since the last call.
  public mutating func takeLogs() -> [ChumLog] {
    defer { logs = [] }
    return logs
  }

  /// Everything was said and done; the Chum object can be stored.
  public var isOver: Bool { state == .over }
  /// The outcome: nil for a normal end, and while the session runs.
  public internal(set) var failure: SyncError?

  /// Files wait for the socket to take more: call `advance` when it has drained.
  public var hasPendingFiles: Bool { state == .running && streams.count > 0 }

  /// When `advance` must be called at the latest.
  public var deadline: Int? {
    var due: [Int] = []
    switch state {
    case .idle, .over: return nil
    case .awaitingControl:
      if let timeout = configuration.limits.startTimeout { due.append(startedAt + timeout) }
    case .running:
      if let time = importer.deadline { due.append(time) }
      if let time = requests.firstDeadline { due.append(time) }
      if let time = streams.deadline { due.append(time) }
    }
    return due.min()
  }

  // MARK: Start

  /// Sends the control text (chum.md 1.2).
  public mutating func start<S: EntryStore>(at now: Int, host: inout ChumHost<S>) -> [ChumAction] {
    guard state == .idle else { return [] }
    state = .awaitingControl
    startedAt = now
    host.accessible.sessionStarted(configuration.remotePerson)
    logs.append(.started(policy: configuration.groupPolicy.name))
    return [.sendText(ChumMessage.controlText)]
  }

  private mutating func controlArrived<S: EntryStore>(
    _ text: String?, _ now: Int, _ host: inout ChumHost<S>, _ actions: inout [ChumAction]
  ) {
    if text != ChumMessage.controlText {
      // Any message starts the deployed implementation (F11); a strict peer closes (PR-029).
      guard configuration.profile == .deployed else {
        return end(SyncError(code: "CHUM-START", "Another message instead of the control text"), &host, &actions)
      }
      logs.append(.stray("instead of the control text: \(excerpt(text ?? "a binary message", 80))"))
    }
    logs.append(.controlText(text ?? ""))
    state = .running
    startedAt = now
    if configuration.imports { importer.start(at: now + configuration.start.firstRequestAfter) }
    work(now, unsentBytes, &host, &actions)
  }

  // MARK: Input

  public mutating func receive<S: EntryStore>(
    text: String, at now: Int, host: inout ChumHost<S>
  ) -> [ChumAction] {
    guard saboteur == nil else {
      return sabotage(saboteur?.incoming(text: text) ?? [], now, &host)
    }
    return hear(text, now, &host)
  }

  private mutating func hear<S: EntryStore>(
    _ text: String, _ now: Int, _ host: inout ChumHost<S>
  ) -> [ChumAction] {
    var actions: [ChumAction] = []
    switch state {
    case .awaitingControl: controlArrived(text, now, &host, &actions)
    case .running:
      guard now >= startedAt + configuration.start.lostBefore else { return [] }
      take(text, now, &host, &actions)
      work(now, unsentBytes, &host, &actions)
    case .idle: if !early.keep(.text(text), configuration.limits) { end(.tooEarly, &host, &actions) }
    case .over: break
    }
    return actions
  }

  public mutating func receive<S: EntryStore>(
    binary: [UInt8], at now: Int, host: inout ChumHost<S>
  ) -> [ChumAction] {
    guard saboteur == nil else {
      return sabotage(saboteur?.incoming(binary: binary) ?? [], now, &host)
    }
    return hear(binary, now, &host)
  }

  private mutating func hear<S: EntryStore>(
    _ binary: [UInt8], _ now: Int, _ host: inout ChumHost<S>
  ) -> [ChumAction] {
    var actions: [ChumAction] = []
    switch state {
    case .awaitingControl: controlArrived(nil, now, &host, &actions)
    case .running:
      guard now >= startedAt + configuration.start.lostBefore else { return [] }
      take(binary, now, &host, &actions)
      work(now, unsentBytes, &host, &actions)
    case .idle: if !early.keep(.binary(binary), configuration.limits) { end(.tooEarly, &host, &actions) }
    case .over: break
    }
    return actions
  }

  /// Delivers what came before `start`, in order (CF-010). Call it once after `start`.
  public mutating func deliverEarly<S: EntryStore>(at now: Int, host: inout ChumHost<S>) -> [ChumAction] {
    var actions: [ChumAction] = []
    for message in early.take() {
      switch message {
      case .text(let text): actions += receive(text: text, at: now, host: &host)
      case .binary(let bytes): actions += receive(binary: bytes, at: now, host: &host)
      }
    }
    return actions
  }

  /// Time has passed, or the socket drained to `unsent` bytes.
  public mutating func advance<S: EntryStore>(
    to now: Int, unsent: Int = 0, host: inout ChumHost<S>
  ) -> [ChumAction] {
    var actions: [ChumAction] = []
    unsentBytes = unsent
    switch state {
    case .awaitingControl:
      if let timeout = configuration.limits.startTimeout, now >= startedAt + timeout {
        end(SyncError(code: "CHUM-START", "No control text within \(timeout) ms"), &host, &actions)
      }
    case .running:
      if let due = requests.firstDeadline, now >= due {
        end(SyncError(code: "CHUM-TIMEOUT", "No answer within the limit"), &host, &actions)
      } else {
        work(now, unsent, &host, &actions)
      }
    case .idle, .over: break
    }
    guard saboteur != nil else { return actions }
    return sabotaged(actions, now, &host)
  }

  // MARK: Planted faults

  private mutating func sabotage<S: EntryStore>(
    _ incoming: [Saboteur.Incoming], _ now: Int, _ host: inout ChumHost<S>
  ) -> [ChumAction] {
    var actions: [ChumAction] = []
    for one in incoming {
      switch one {
      case .text(let text): actions += sabotaged(hear(text, now, &host), now, &host)
      case .binary(let bytes): actions += sabotaged(hear(bytes, now, &host), now, &host)
      case .say(let message): actions.append(.sendText(message.text))
      case .close: end(SyncError(code: "CHUM-FAULT", "A planted fault"), &host, &actions)
      }
    }
    return actions
  }

  private mutating func sabotaged<S: EntryStore>(
    _ actions: [ChumAction], _ now: Int, _ host: inout ChumHost<S>
  ) -> [ChumAction] {
    var out = saboteur?.outgoing(actions) ?? actions
    for echo in saboteur?.takeEchoes() ?? [] {
      let more = hear(echo, now, &host)
      out += saboteur?.outgoing(more) ?? more
    }
    return out
  }

  /// The connection is gone.
  public mutating func connectionClosed<S: EntryStore>(at now: Int, host: inout ChumHost<S>) {
    guard state == .awaitingControl || state == .running else { return }
    for request in requests.takeAll() where request.ticket != nil {
      if let ticket = request.ticket { host.repository.store.abandonFile(ticket) }
    }
    importer.connectionClosed(configuration.faults)
    exporter.stop()
    conclude(&host)
  }

  // MARK: The end

  /// Sends what the importer wants, pumps the streams, and ends when both roles did.
  mutating func work<S: EntryStore>(
    _ now: Int, _ unsent: Int, _ host: inout ChumHost<S>, _ actions: inout [ChumAction]
  ) {
    guard state == .running else { return }
    var calls: [ImportCall] = []
    importer.advance(now, &calls, &logs)
    send(calls, now, &actions)
    pump(now, unsent, &host, &actions)
    switch importer.state {
    case .failed(let error): end(error, &host, &actions)
    case .ended where !exporter.isServing || !configuration.exports: end(nil, &host, &actions)
    default: break
    }
  }

  /// Ends the session from our side: closes with the reason of chum.md 1.3.11.
  mutating func end<S: EntryStore>(
    _ error: SyncError?, _ host: inout ChumHost<S>, _ actions: inout [ChumAction]
  ) {
    guard state != .over else { return }
    for request in requests.takeAll() {
      if let ticket = request.ticket { host.repository.store.abandonFile(ticket) }
    }
    let number = configuration.connection
    if let error { importer.fail(error) }
    switch (error, configuration.profile) {
    case (nil, _): actions.append(.close(reason: "Chum ended [\(number)] normally. Error count \(importer.errorCount)"))
    case (let error?, .deployed): actions.append(.close(reason: "Chum ended [\(number)] with error: \(error)"))
    // Strict reasons hold a code, never what the peer sent.
    case (let error?, .strict):
      actions.append(.close(reason: "Chum ended [\(number)] with error: \(error.code ?? error.name)"))
    }
    conclude(&host)
  }

  private mutating func conclude<S: EntryStore>(_ host: inout ChumHost<S>) {
    let wasStarted = state != .idle
    state = .over
    streams = OutgoingStreams()
    if case .failed(let error) = importer.state { failure = error }
    if wasStarted, !configuration.faults.contains(.setsKept) {
      host.accessible.sessionEnded(configuration.remotePerson)
    }
    do throws(StoreFailure) { try host.repository.store.commit() } catch {
      failure = SyncError(RepositoryFailure.store(error))
    }
    logs.append(.ended(failure))
  }

  var servicesReady: Int { startedAt + configuration.start.servicesAfter }
}

extension SyncError {
  static let tooEarly = SyncError(code: "CHUM-START", "Too many messages before the start")
}

/// Messages that arrive before the session was started; bounded (AT-63).
struct EarlyMessages: Sendable {
  enum Message: Sendable {
    case text(String)
    case binary([UInt8])
  }
  private var messages: [Message] = []
  private var bytes = 0

  mutating func keep(_ message: Message, _ limits: ChumLimits) -> Bool {
    switch message {
    case .text(let text): bytes += text.utf8.count
    case .binary(let data): bytes += data.count
    }
    guard messages.count < limits.earlyMessages, bytes <= limits.earlyBytes else { return false }
    messages.append(message)
    return true
  }

  mutating func take() -> [Message] {
    defer { self = EarlyMessages() }
    return messages
  }
}
