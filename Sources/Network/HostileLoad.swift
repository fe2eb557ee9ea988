import Cryptobox
import FrameBytes
import NIOCore
import NIOPosix

/// What a server on the open internet meets, in bounded amounts, against one on the same machine.
///
/// Half-open sockets, upgrade requests a byte at a time, messages of 100 MiB, pings without end, and random bytes; all of
/// it stops by itself. The honest side is measured beside it by ``LoadGenerator``.
public final class HostileLoad: Sendable {
  public struct Plan: Sendable {
    public var halfOpen = 5_000
    public var slowLoris = 500
    public var longMessages = 20
    public var longMessageBytes = 100 << 20
    public var pings = 1_000_000
    public var randomSockets = 50
    public var seconds = 20.0

    public init() {}
  }

  /// What was done, and how much of it the server ended.
  public struct Report: Sendable {
    public var halfOpen = 0
    public var halfOpenClosed = 0
    public var slowLorisBytes = 0
    public var slowLorisClosed = 0
    public var longMessages = 0
    public var longMessagesRefused = 0
    public var pings = 0
    public var pongs = 0
    public var randomBytes = 0
    public var randomClosed = 0
    public var notConnected = 0
  }

  public enum Failure: Error, Sendable, CustomStringConvertible {
    case notLoopback(String)
    public var description: String {
      switch self {
      case .notLoopback(let host): "\(host) is not this machine: the hostile load goes to loopback addresses only"
      }
    }
  }

  private let url: WebSocketURL
  private let plan: Plan
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

  public init(_ url: WebSocketURL, plan: Plan) throws(Failure) {
    guard ["127.0.0.1", "::1", "localhost"].contains(url.host), !url.isSecure else { throw .notLoopback("\(url)") }
    self.url = url
    self.plan = plan
  }

  /// Runs the plan to its end and closes every socket.
  public func run() async throws -> Report {
    let (url, plan) = (url, plan)
    let loop = group.next()
    let done = loop.makePromise(of: Report.self)
    try await loop.submit { HostileRun(url, plan, loop, done).start() }.get()
    let report = try await done.futureResult.get()
    try await group.shutdownGracefully()
    return report
  }
}

/// One run, on its loop.
private final class HostileRun {
  private let url: WebSocketURL
  private let plan: HostileLoad.Plan
  private let loop: any EventLoop
  private let done: EventLoopPromise<HostileLoad.Report>
  private let end: NIODeadline
  private var report = HostileLoad.Report()
  private var random = SeededRandom(seed: 4711)
  private var isOver = false
  private var sockets: [ObjectIdentifier: HostileSocket] = [:]

  init(
    _ url: WebSocketURL, _ plan: HostileLoad.Plan, _ loop: any EventLoop, _ done: EventLoopPromise<HostileLoad.Report>
  ) {
    self.url = url
    self.plan = plan
    self.loop = loop
    self.done = done
    end = NIODeadline.now() + .nanoseconds(Int64(max(0.1, min(plan.seconds, 3_600)) * 1e9))
  }

  func start() {
    for number in 0..<plan.halfOpen { halfOpen(number) }
    for _ in 0..<plan.slowLoris { slowLoris() }
    for _ in 0..<plan.longMessages { longMessage() }
    for _ in 0..<min(4, plan.pings) { pings(plan.pings / 4) }
    for number in 0..<plan.randomSockets { randomBytes(afterUpgrade: number % 2 == 0) }
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(deadline: end) { bound.value.finish() }
  }

  /// Ends every socket, and a moment later the run: a loop must not end while sockets on it are still opening.
  private func finish() {
    isOver = true
    let report = report
    for socket in sockets.values { socket.cut() }
    sockets = [:]
    let done = done
    loop.scheduleTask(in: .milliseconds(500)) { done.succeed(report) }
  }

  private static let request = UpgradeResponse.request(host: "localhost", path: "/", key: "Y2h1bWdhdGUgbG9hZCAuLg==")

  private func connect(_ setUp: (HostileSocket) -> Void) {
    guard !isOver else { return }
    let socket = HostileSocket()
    setUp(socket)
    sockets[ObjectIdentifier(socket)] = socket
    socket.onEnd = { [self] in sockets[ObjectIdentifier($0)] = nil }
    let bound = NIOLoopBound(socket, eventLoop: loop)
    let me = NIOLoopBound(self, eventLoop: loop)
    ClientBootstrap(group: loop)
      .channelOption(.writeBufferWaterMark, value: .init(low: 256 << 10, high: 1 << 20))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(bound.value) }
      }
      .connect(host: url.host, port: url.port)
      .whenFailure { _ in me.value.report.notConnected += 1 }
  }

  private func later(_ milliseconds: Int64, _ body: @escaping () -> Void) {
    guard !isOver else { return }
    let bound = NIOLoopBound(body, eventLoop: loop)
    loop.scheduleTask(in: .milliseconds(milliseconds)) { bound.value() }
  }

  /// Opens TCP and says nothing, or the beginning of a request.
  private func halfOpen(_ number: Int) {
    connect { socket in
      socket.onOpen = { [self] socket in
        report.halfOpen += 1
        if number % 2 == 0 { socket.write(Array("GET / HTTP/1.1\r\nHost: x\r\nUpgr".utf8)) }
      }
      socket.onClose = { [self] _ in if !isOver { report.halfOpenClosed += 1 } }
    }
  }

  /// A header that never ends, a byte every 100 ms; again when the server had enough.
  private func slowLoris() {
    connect { socket in
      var sent = 0
      let endless = Array("GET / HTTP/1.1\r\n".utf8)
      func drip(_ socket: HostileSocket) {
        guard !isOver, !socket.isClosed else { return }
        socket.write([sent < endless.count ? endless[sent] : [0x61, 0x3A, 0x62, 0x0D, 0x0A][sent % 5]])
        sent += 1
        report.slowLorisBytes += 1
        later(100) { drip(socket) }
      }
      socket.onOpen = { drip($0) }
      socket.onClose = { [self] _ in
        guard !isOver else { return }
        report.slowLorisClosed += 1
        later(100) { self.slowLoris() }
      }
    }
  }

  /// One binary message of 100 MiB as the first thing said.
  private func longMessage() {
    connect { socket in
      let block = [UInt8](repeating: 0x55, count: 1 << 20)
      var left = plan.longMessageBytes
      func more(_ socket: HostileSocket) {
        while !isOver, left > 0, socket.isWritable, !socket.isClosed {
          let piece = min(left, block.count)
          left -= piece
          socket.write(piece == block.count ? block : Array(block[0..<piece]))
        }
        if left == 0 {
          left = -1
          report.longMessages += 1
        }
      }
      socket.onOpen = { $0.write(Self.request) }
      socket.onFirstData = { [self] socket in
        socket.write(FrameHeader(opcode: .binary, mask: 0, length: UInt64(plan.longMessageBytes)).encoded)
        more(socket)
      }
      socket.onWritable = { if $0.hasData { more($0) } }
      socket.onClose = { [self] _ in if !isOver, left > 0 { report.longMessagesRefused += 1 } }
    }
  }

  private func pings(_ count: Int) {
    connect { socket in
      let ping = FrameHeader(opcode: .ping, mask: 0, length: 4).encoded + [1, 2, 3, 4]
      let batch = Array(repeatElement(ping, count: 100).joined())
      var left = count
      func more(_ socket: HostileSocket) {
        while !isOver, left > 0, socket.isWritable, !socket.isClosed {
          left -= 100
          report.pings += 100
          socket.write(batch)
        }
      }
      socket.onOpen = { $0.write(Self.request) }
      socket.onFirstData = { more($0) }
      socket.onWritable = { if $0.hasData { more($0) } }
      socket.onBytes = { [self] in report.pongs += $0 / 6 }
    }
  }

  private func randomBytes(afterUpgrade: Bool) {
    connect { socket in
      func noise(_ socket: HostileSocket) {
        guard !isOver, !socket.isClosed else { return }
        let bytes = random.bytes(1 + Int(random.next() % 4_096))
        report.randomBytes += bytes.count
        socket.write(bytes)
        later(20) { noise(socket) }
      }
      socket.onOpen = { socket in if afterUpgrade { socket.write(Self.request) } else { noise(socket) } }
      socket.onFirstData = { socket in if afterUpgrade { noise(socket) } }
      socket.onClose = { [self] _ in
        guard !isOver else { return }
        report.randomClosed += 1
        later(20) { self.randomBytes(afterUpgrade: afterUpgrade) }
      }
    }
  }
}

/// A TCP connection without manners.
private final class HostileSocket: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  var onOpen: (HostileSocket) -> Void = { _ in }
  var onFirstData: (HostileSocket) -> Void = { _ in }
  var onBytes: (Int) -> Void = { _ in }
  var onWritable: (HostileSocket) -> Void = { _ in }
  var onClose: (HostileSocket) -> Void = { _ in }
  var onEnd: (HostileSocket) -> Void = { _ in }
  private(set) var isClosed = false
  private(set) var hasData = false
  private var context: ChannelHandlerContext?

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }
  func channelActive(context: ChannelHandlerContext) { onOpen(self) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    onBytes(unwrapInboundIn(data).readableBytes)
    guard !hasData else { return }
    hasData = true
    onFirstData(self)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { onWritable(self) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    isClosed = true
    onClose(self)
    onEnd(self)
    onEnd = { _ in }
    onOpen = { _ in }
    onFirstData = { _ in }
    onWritable = { _ in }
    onClose = { _ in }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  var isWritable: Bool { context?.channel.isWritable ?? false }
  func cut() { context?.close(promise: nil) }

  func write(_ bytes: [UInt8]) { context?.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil) }
}
