import Cryptobox
import NIOCore
import NIOPosix

/// Makes load for a CommServer and counts what comes back: the measuring half of `chumgate bench relay`.
public final class LoadGenerator: Sendable {
  public enum Failure: Error, Sendable, CustomStringConvertible {
    case notConnected(String)
    case incomplete(String)

    public var description: String {
      switch self {
      case .notConnected(let why): "cannot connect: \(why)"
      case .incomplete(let what): what
      }
    }
  }

  public struct RoundTrips: Sendable {
    public var count = 0
    public var seconds = 0.0
    /// Round-trip times in µs, sorted.
    public var latencies: [Double] = []

    public func percentile(_ share: Double) -> Double {
      guard !latencies.isEmpty else { return 0 }
      return latencies[min(latencies.count - 1, Int(Double(latencies.count) * share))]
    }
  }

  private let url: WebSocketURL
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

  public init(_ url: WebSocketURL) { self.url = url }

  public func shutdown() async { try? await group.shutdownGracefully() }

  private var loop: any EventLoop { group.next() }

  /// Opens a socket; the closure sets it up on the loop before anything happens on it.
  private static func connect(
    _ url: WebSocketURL, _ loop: any EventLoop, _ role: LoadSocket.Role, _ setUp: @escaping (LoadSocket) -> Void
  ) {
    let socket = LoadSocket(url, role)
    setUp(socket)
    let bound = NIOLoopBound(socket, eventLoop: loop)
    ClientBootstrap(group: loop)
      .channelOption(.socketOption(.tcp_nodelay), value: 1)
      .channelOption(.writeBufferWaterMark, value: .init(low: 256 << 10, high: 1 << 20))
      .channelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 1_024, maximum: 256 << 10)
      )
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(bound.value) }
      }
      .connect(host: url.host, port: url.port)
      .whenFailure { _ in bound.value.onClose(bound.value) }
  }

  // MARK: Relays

  /// `pairs` relays with `inFlight` messages each going round (dialer, server, listener, server, dialer).
  public func roundTrips(pairs: Int, inFlight: Int, size: Int, seconds: Double) async throws -> RoundTrips {
    let (url, loop) = (url, loop)
    let done = loop.makePromise(of: RoundTrips.self)
    try await loop.submit {
      let frame = LoadSocket.frame(size)
      let run = RoundTripRun(frame: frame, inFlight: inFlight, nanoseconds: Int64(seconds * 1e9), done: done)
      Self.openPairs(url, loop, pairs) { outcome in
        switch outcome {
        case .success(let dialers): run.start(dialers)
        case .failure(let failure): done.fail(failure)
        }
      } onListenerMessage: { listener, _ in
        listener.write(frame)
      }
    }.get()
    return try await done.futureResult.get()
  }

  /// Streams messages from dialers to listeners as fast as they go; gives bytes and seconds.
  public func stream(pairs: Int, size: Int, seconds: Double) async throws -> (bytes: Int, seconds: Double) {
    let (url, loop) = (url, loop)
    let done = loop.makePromise(of: (bytes: Int, seconds: Double).self)
    try await loop.submit {
      let frame = LoadSocket.frame(size)
      let run = StreamRun(frame: frame, nanoseconds: Int64(seconds * 1e9), done: done)
      Self.openPairs(url, loop, pairs) { outcome in
        switch outcome {
        case .success(let dialers): run.start(dialers)
        case .failure(let failure): done.fail(failure)
        }
      } onListenerMessage: { _, bytes in
        run.arrived(bytes)
      }
    }.get()
    return try await done.futureResult.get()
  }

  private static func openPairs(
    _ url: WebSocketURL, _ loop: any EventLoop, _ pairs: Int,
    _ ready: @escaping (Result<[LoadSocket], Failure>) -> Void,
    onListenerMessage: @escaping (LoadSocket, Int) -> Void
  ) {
    var dialers: [LoadSocket] = []
    var isOver = false
    func end(_ result: Result<[LoadSocket], Failure>) {
      guard !isOver else { return }
      isOver = true
      ready(result)
    }
    for index in 0..<pairs {
      let key = LoadKey(seed: UInt64(index) &* 7_919 &+ 11)
      connect(url, loop, .listener(key)) { listener in
        listener.onBinary = onListenerMessage
        listener.onClose = { _ in end(.failure(.notConnected("a listener was closed"))) }
        listener.onReady = { _ in
          let source = LoadKey(seed: UInt64(index) &* 7_919 &+ 12)
          connect(url, loop, .dialer(source: source.publicHex, target: key.publicHex)) { dialer in
            dialer.onClose = { _ in end(.failure(.notConnected("a dialer was closed"))) }
            dialer.onReady = { dialer in
              dialers.append(dialer)
              if dialers.count == pairs { end(.success(dialers)) }
            }
          }
        }
      }
    }
  }

  // MARK: Registrations

  /// Registers again and again, `parallel` at a time, each on a fresh TCP connection that is closed afterwards.
  public func registrations(parallel: Int, seconds: Double) async throws -> (count: Int, seconds: Double) {
    let (url, loop) = (url, loop)
    let done = loop.makePromise(of: (count: Int, seconds: Double).self)
    try await loop.submit {
      let start = NIODeadline.now()
      let end = start + .nanoseconds(Int64(seconds * 1e9))
      let keys = (0..<16).map { LoadKey(seed: UInt64($0) + 900) }
      var count = 0
      var running = 0
      func next(_ number: Int) {
        running += 1
        connect(url, loop, .listener(keys[number % keys.count])) { socket in
          var isCounted = false
          socket.onReady = { socket in
            isCounted = true
            count += 1
            socket.cut()
          }
          socket.onClose = { _ in
            running -= 1
            if isCounted, NIODeadline.now() < end { return next(number + 1) }
            if running == 0 {
              let elapsed = Double((NIODeadline.now() - start).nanoseconds) / 1e9
              done.succeed((count, elapsed))
            }
          }
        }
      }
      func connect(
        _ url: WebSocketURL, _ loop: any EventLoop, _ role: LoadSocket.Role, _ setUp: @escaping (LoadSocket) -> Void
      ) { Self.connect(url, loop, role, setUp) }
      for number in 0..<parallel { next(number) }
    }.get()
    return try await done.futureResult.get()
  }

  /// Registers `count` listeners with keys of their own, and keeps them; they answer pings. At most 64 register at a time.
  public func holdListeners(_ count: Int) async throws -> Holding {
    try await hold(count) { .listener(LoadKey(seed: UInt64($0) &+ 1_000_000)) }
  }

  /// Opens `count` WebSockets that say nothing.
  public func holdSilent(_ count: Int) async throws -> Holding { try await hold(count) { _ in .silent } }

  /// Connections that are kept until ``LoadGenerator/shutdown()``.
  public struct Holding: Sendable {
    public let ready: Int
    public let failed: Int
  }

  private func hold(_ count: Int, _ role: @escaping @Sendable (Int) -> LoadSocket.Role) async throws -> Holding {
    let (url, loop) = (url, loop)
    let done = loop.makePromise(of: Holding.self)
    try await loop.submit {
      var started = 0
      var ready = 0
      var failed = 0
      func more() {
        if ready + failed == count { return done.succeed(Holding(ready: ready, failed: failed)) }
        while started < count, started - ready - failed < 64 {
          let number = started
          started += 1
          var isSettled = false
          Self.connect(url, loop, role(number)) { socket in
            socket.onReady = { _ in
              isSettled = true
              ready += 1
              more()
            }
            socket.onClose = { _ in
              guard !isSettled else { return }
              isSettled = true
              failed += 1
              more()
            }
          }
        }
      }
      more()
    }.get()
    return try await done.futureResult.get()
  }
}

/// One run of round trips, on the loop.
private final class RoundTripRun {
  private let frame: ByteBuffer
  private let inFlight: Int
  private let nanoseconds: Int64
  private let done: EventLoopPromise<LoadGenerator.RoundTrips>
  private var dialers: [LoadSocket] = []
  private var sentAt: [[NIODeadline]] = []
  private var oldest: [Int] = []
  private var result = LoadGenerator.RoundTrips()
  private var start = NIODeadline.now()
  private var isOver = false

  init(
    frame: ByteBuffer, inFlight: Int, nanoseconds: Int64, done: EventLoopPromise<LoadGenerator.RoundTrips>
  ) {
    self.frame = frame
    self.inFlight = inFlight
    self.nanoseconds = nanoseconds
    self.done = done
  }

  func start(_ dialers: [LoadSocket]) {
    self.dialers = dialers
    start = NIODeadline.now()
    sentAt = dialers.map { _ in [NIODeadline](repeating: start, count: inFlight) }
    oldest = dialers.map { _ in 0 }
    for (index, dialer) in dialers.enumerated() {
      dialer.tag = index
      dialer.onBinary = { [self] dialer, _ in returned(dialer) }
      dialer.onClose = { [self] _ in end() }
      for _ in 0..<inFlight { dialer.write(frame) }
    }
  }

  private func returned(_ dialer: LoadSocket) {
    guard !isOver else { return }
    let now = NIODeadline.now()
    let slot = oldest[dialer.tag]
    result.count += 1
    // At most a million samples are kept: enough for any percentile.
    if result.latencies.count < 1_000_000 {
      result.latencies.append(Double((now - sentAt[dialer.tag][slot]).nanoseconds) / 1e3)
    }
    sentAt[dialer.tag][slot] = now
    oldest[dialer.tag] = (slot + 1) % inFlight
    if (now - start).nanoseconds >= nanoseconds { return end() }
    dialer.write(frame)
  }

  private func end() {
    guard !isOver else { return }
    isOver = true
    result.seconds = Double((NIODeadline.now() - start).nanoseconds) / 1e9
    result.latencies.sort()
    for dialer in dialers { dialer.cut() }
    dialers = []
    done.succeed(result)
  }
}

/// One run of streaming, on the loop.
private final class StreamRun {
  private let frame: ByteBuffer
  private let nanoseconds: Int64
  private let done: EventLoopPromise<(bytes: Int, seconds: Double)>
  private var dialers: [LoadSocket] = []
  private var start: NIODeadline?
  private var bytes = 0
  private var isOver = false

  init(frame: ByteBuffer, nanoseconds: Int64, done: EventLoopPromise<(bytes: Int, seconds: Double)>) {
    self.frame = frame
    self.nanoseconds = nanoseconds
    self.done = done
  }

  func start(_ dialers: [LoadSocket]) {
    self.dialers = dialers
    start = NIODeadline.now()
    for dialer in dialers {
      dialer.onWritable = { [self] in fill($0) }
      fill(dialer)
    }
  }

  private func fill(_ dialer: LoadSocket) {
    while !isOver, dialer.isWritable { dialer.write(frame) }
  }

  func arrived(_ count: Int) {
    guard !isOver, let start else { return }
    bytes += count
    let elapsed = (NIODeadline.now() - start).nanoseconds
    guard elapsed >= nanoseconds else { return }
    isOver = true
    for dialer in dialers { dialer.cut() }
    dialers = []
    done.succeed((bytes, Double(elapsed) / 1e9))
  }
}
