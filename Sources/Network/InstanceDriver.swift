import Cryptobox
import FrameBytes
public import Instance
import NIOCore
import NIOPosix
import Wire
import WireBytes

/// Runs an instance without CHUM.
public typealias InstanceDriver = MachineDriver<Instance>

/// Runs an instance's machine on real sockets, the system's generator and the monotonic clock.
///
/// One actor owns the machine; every socket has a task that hands in its messages in order. What waits in either
/// direction has bounds: a socket whose messages are not taken is not read, and machines with files hear how much a
/// socket has not taken yet.
public actor MachineDriver<Machine: DrivenMachine> {
  /// What happens on the wire, for recordings: lines of `one-ws-recording/1`.
  public typealias LineSink = @Sendable (String) -> Void

  public struct Options: Sendable {
    public var trust = TLSTrust.system
    /// Gets every frame as a line of a session file.
    public var record: LineSink?
    /// Gets `ephemeral key, session key` of every connection.
    public var keyLog: LineSink?
    /// Sees every report at once, with the time in ms since the driver began and the recorded names of the sockets;
    /// false keeps it out of the stream.
    public var tap: (@Sendable (Machine.Report, Double, [SocketID: String]) -> Bool)?
    /// Bytes that one socket may have waiting for the machine.
    public var inputLimit = 8 << 20
    /// What the clock shows when the driver is made, ms: for a machine whose wall time was told before.
    public var clockStart = 0.0

    public init() {}
  }

  /// Everything that the instance tells, for one reader.
  public nonisolated let reports: AsyncStream<Machine.Report>
  private let source: AsyncStream<Machine.Report>.Continuation
  private var machine: Machine
  private var random = SystemRandom()
  private var sockets: [SocketID: WebSocketClient] = [:]
  /// Sockets whose opening the machine gave up; they are cut as soon as they are there.
  private var abandoned: Set<SocketID> = []
  private var timer: Scheduled<Void>?
  private var armedFor: Double?
  private let loop: any EventLoop
  private let options: Options
  private let began = NIODeadline.now()
  private var connNames: [SocketID: String] = [:]

  public init(_ machine: sending Machine, options: Options = Options()) {
    self.machine = machine
    self.options = options
    loop = MultiThreadedEventLoopGroup.singleton.next()
    (reports, source) = AsyncStream.makeStream(of: Machine.Report.self)
  }

  /// Ms since the driver began.
  private var now: Double { options.clockStart + Double((NIODeadline.now() - began).nanoseconds) / 1e6 }

  public func start() { handle(.event(.start)) }
  public func command(_ command: Machine.Command) { handle(.command(command)) }

  /// Ends everything; the reports end with it.
  public func stop() {
    handle(.event(.command(.stop)))
    timer?.cancel()
    source.finish()
  }

  /// Asks the machine, or changes what no event changes.
  public func with<Answer: Sendable, Failure: Error>(
    _ body: @Sendable (inout Machine, _ now: Double) throws(Failure) -> Answer
  ) throws(Failure) -> Answer { try body(&machine, now) }

  // MARK: The machine

  private func handle(_ input: DriverInput<Machine.Command>) {
    if case .event(.message(let id, _)) = input, let client = sockets[id] {
      machine.note(unsent: client.unsentBytes, on: id)
    }
    var outputs: [DriverOutput<Machine.Report>] = []
    machine.take(input, at: now, random: &random, into: &outputs)
    for output in outputs {
      switch output {
      case .report(let report): tell(report)
      case .action(let action): perform(action)
      }
    }
    schedule()
  }

  private func handle(_ event: InstanceEvent) { handle(.event(event)) }

  private func tell(_ report: Machine.Report) {
    if options.tap?(report, now, connNames) ?? true { source.yield(report) }
  }

  private func perform(_ action: InstanceAction) {
    switch action {
    case .open(let id, let url): open(id, url)
    case .send(let id, let message): send(message, on: id)
    case .close(let id, let reason): close(id, reason)
    case .report(let report):
      if case .secured(_, let handshake) = report {
        options.keyLog?("\(handshake.ownEphemeral.hex) \(Hex.encode(handshake.sessionKey.exposedBytes))\n")
      }
      if let told = Machine.report(report) { tell(told) }
    }
  }

  /// Arms the timer. One that fires too early does no harm and is cheaper than one that moves with every message.
  private func schedule() {
    guard let deadline = machine.nextDeadline else { return }
    if let armedFor, armedFor <= deadline { return }
    timer?.cancel()
    armedFor = deadline
    let wait = TimeAmount.nanoseconds(Int64(max(0, min(deadline - now, 86_400_000)) * 1e6))
    timer = loop.scheduleTask(in: wait) { [weak self] in
      guard let self else { return }
      Task { await self.timerFired() }
    }
  }

  private func timerFired() {
    armedFor = nil
    handle(.timer)
  }

  // MARK: Sockets

  private func open(_ id: SocketID, _ url: String) {
    guard let target = WebSocketURL(url) else {
      Task { self.lost(id) }
      return
    }
    connNames[id] = "c\(connNames.count + 1)"
    record(id, "c2s", "open", data: "{\"path\":\(JSONText.quoted(target.path))}")
    var socketOptions = WebSocketClient.Options()
    socketOptions.trust = options.trust
    socketOptions.inputLimit = options.inputLimit
    socketOptions.drained = { [weak self] unsent in
      guard let self else { return }
      Task { await self.handle(.drained(id, unsent: unsent)) }
    }
    let clientOptions = socketOptions
    Task { [weak self] in
      do throws(WebSocketClient.Failure) {
        let client = try await WebSocketClient.connect(target, options: clientOptions)
        guard let self else { return client.cut() }
        guard await self.opened(id, client) else { return client.cut() }
        for await event in client.events {
          await self.received(event, on: id)
          client.consumed(event)
        }
      } catch {
        await self?.lost(id)
      }
    }
  }

  /// False when the machine does not want the socket any more.
  private func opened(_ id: SocketID, _ client: WebSocketClient) -> Bool {
    if abandoned.remove(id) != nil { return false }
    sockets[id] = client
    record(id, "s2c", "open", data: "{}")
    handle(.opened(id))
    return true
  }

  private func lost(_ id: SocketID) {
    guard sockets.removeValue(forKey: id) != nil || abandoned.remove(id) == nil else { return }
    record(id, "s2c", "close", code: 1_006)
    handle(.closed(id, code: nil, reason: ""))
  }

  private func received(_ event: WebSocketClient.Event, on id: SocketID) {
    switch event {
    case .text(let text):
      record(id, "s2c", "text", data: text)
      handle(.message(id, .text(text)))
    case .binary(let bytes):
      record(id, "s2c", "binary", data: Base64.encode(bytes))
      handle(.message(id, .binary(bytes)))
    case .close(let body):
      guard sockets.removeValue(forKey: id) != nil else { return }
      record(id, "s2c", "close", code: Int(body.code ?? 1_005), reason: body.reason)
      handle(.closed(id, code: body.code, reason: body.reason))
    case .violation, .ended: if sockets[id] != nil { lost(id) }
    case .ping, .pong: break
    }
  }

  private func send(_ message: WireMessage, on id: SocketID) {
    guard let client = sockets[id] else { return }
    switch message {
    case .text(let text):
      record(id, "c2s", "text", data: text)
      client.send(text: text)
    case .binary(let bytes):
      record(id, "c2s", "binary", data: Base64.encode(bytes))
      client.send(binary: bytes)
    }
  }

  private func close(_ id: SocketID, _ reason: String) {
    guard let client = sockets.removeValue(forKey: id) else {
      abandoned.insert(id)
      return
    }
    record(id, "c2s", "close", code: 1_000, reason: reason)
    client.close(CloseBody(code: 1_000, reason: reason))
    // The peer has two seconds for its close frame; then TCP ends.
    loop.scheduleTask(in: .seconds(2)) { client.cut() }
    handle(.closed(id, code: 1_000, reason: reason))
  }

  private func record(
    _ id: SocketID, _ direction: String, _ kind: String, data: String? = nil, code: Int? = nil, reason: String = ""
  ) {
    guard let sink = options.record, let conn = connNames[id] else { return }
    var line = JSONObject([
      "t": .number((now * 10).rounded() / 10), "conn": .string(conn), "dir": .string(direction), "kind": .string(kind),
    ])
    if let data { line.append("data", .string(data)) }
    if let code {
      line.append("code", .number(Double(code)))
      line.append("reason", .string(reason))
    }
    sink(JSONValue.object(line).compact + "\n")
  }
}
