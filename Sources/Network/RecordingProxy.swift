import Cryptobox
import FrameBytes
public import Logging
import NIOCore
import NIOPosix
import NIOSSL
public import Recording
import Trace
import WireBytes

/// A WebSocket proxy that writes down what goes through it (INDEX.md, `one-ws-recording/1`).
///
/// Messages go on unchanged and in order, close codes and reasons too; a connection that breaks on one side is broken on
/// the other. One event loop serves all, so that the order in the file is the order in which messages passed.
public final class RecordingProxy: Sendable {
  public struct Options: Sendable {
    public var upstream: WebSocketURL
    public var hosts = ["127.0.0.1"]
    public var port = 0
    public var tls: TLSMaterial?
    /// For an upstream of `wss`.
    public var trust = TLSTrust.system
    public var messageLimit = 104_857_600
    public var highWaterMark = 512 << 10
    public var lowWaterMark = 128 << 10
    /// Nil keeps secrets as they are.
    public var pseudonyms: Pseudonyms?

    public init(upstream: WebSocketURL) { self.upstream = upstream }
  }

  /// What the proxy did so far.
  public struct Statistics: Sendable {
    public var connections = 0
    public var open = 0
    public var messages = 0
    public var bytes = 0
  }

  public let port: Int
  public let url: String
  private let group: MultiThreadedEventLoopGroup
  private let core: NIOLoopBound<ProxyCore>
  private let listeners: [any NIOCore.Channel]

  /// Starts to listen. `sink` gets the lines in pieces, in order, on the proxy's thread: at the latest 200 ms after their
  /// messages, and the last ones before ``stop(grace:)`` returns.
  public init(
    _ options: Options, log: Logger = Logger(label: "chumgate.record"), sink: @escaping @Sendable ([UInt8]) -> Void
  ) async throws(RelayServer.Failure) {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    self.group = group
    let loop = group.next()
    let serverTLS: NIOSSLContext?
    let clientTLS: NIOSSLContext?
    do {
      serverTLS = try options.tls?.serverContext()
      clientTLS = options.upstream.isSecure ? try options.trust.clientContext() : nil
    } catch {
      try? await group.shutdownGracefully()
      throw .badTLS(error as? TLSMaterial.Failure ?? .unreadable("the upstream's certificate", "\(error)"))
    }
    let made = try? await loop.submit {
      NIOLoopBound(ProxyCore(loop, options, clientTLS, log, sink), eventLoop: loop)
    }.get()
    guard let made else { throw .cannotBind(host: "", port: options.port, reason: "the event loop has ended") }
    core = made
    var channels: [any NIOCore.Channel] = []
    var port = options.port
    for host in options.hosts {
      let mark = ChannelOptions.Types.WriteBufferWaterMark(low: options.lowWaterMark, high: options.highWaterMark)
      let bootstrap = ServerBootstrap(group: loop)
        .serverChannelOption(.backlog, value: 1_024)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
        .childChannelOption(.writeBufferWaterMark, value: mark)
        .childChannelOption(
          .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 2_048, maximum: 256 << 10)
        )
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            if let serverTLS { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: serverTLS)) }
            try channel.pipeline.syncOperations.addHandler(ProxyLeg(made.value, .server))
          }
        }
      do {
        let channel = try await bootstrap.bind(host: host, port: port).get()
        channels.append(channel)
        port = channel.localAddress?.port ?? port
      } catch {
        for channel in channels { try? await channel.close() }
        try? await group.shutdownGracefully()
        throw .cannotBind(host: host, port: port, reason: "\(error)")
      }
    }
    listeners = channels
    self.port = port
    let host = options.hosts.first ?? ""
    url = "\(options.tls == nil ? "ws" : "wss")://\(host.contains(":") ? "[\(host)]" : host):\(port)"
  }

  public func statistics() async -> Statistics? {
    try? await group.next().submit { [core] in core.value.statistics }.get()
  }

  /// Stops to listen, ends what is open and hands the last lines to the sink.
  public func stop() async {
    for listener in listeners { try? await listener.close() }
    let loop = group.next()
    try? await loop.submit { [core] in core.value.stop() }.get()
    // One more turn, in which the ended connections write their last lines.
    try? await loop.submit { [core] in core.value.flush() }.get()
    try? await group.shutdownGracefully()
  }
}

/// The state that all connections of a proxy share, on its loop.
final class ProxyCore {
  let loop: any EventLoop
  let options: RecordingProxy.Options
  let clientTLS: NIOSSLContext?
  let log: Logger
  var writer: SessionWriter
  var statistics = RecordingProxy.Statistics()
  private let sink: @Sendable ([UInt8]) -> Void
  private let start = NIODeadline.now()
  private var isFlushDue = false
  private var legs: [ObjectIdentifier: ProxyLeg] = [:]

  init(
    _ loop: any EventLoop, _ options: RecordingProxy.Options, _ clientTLS: NIOSSLContext?, _ log: Logger,
    _ sink: @escaping @Sendable ([UInt8]) -> Void
  ) {
    self.loop = loop
    self.options = options
    self.clientTLS = clientTLS
    self.log = log
    self.sink = sink
    writer = SessionWriter(pseudonyms: options.pseudonyms)
  }

  var now: Double { Double((NIODeadline.now() - start).nanoseconds) / 1e6 }

  func nextName() -> String {
    statistics.connections += 1
    return "c\(statistics.connections)"
  }

  func add(_ leg: ProxyLeg) { legs[ObjectIdentifier(leg)] = leg }
  func remove(_ leg: ProxyLeg) { legs[ObjectIdentifier(leg)] = nil }

  /// Hands over what has gathered: at once when it is much, otherwise within 200 ms.
  func written() {
    if writer.bytes.count >= 256 << 10 { return flush() }
    guard !isFlushDue else { return }
    isFlushDue = true
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: .milliseconds(200)) {
      bound.value.isFlushDue = false
      bound.value.flush()
    }
  }

  func flush() {
    guard !writer.bytes.isEmpty else { return }
    sink(writer.take())
  }

  func stop() { for leg in Array(legs.values) { leg.cut() } }

  func record(_ payload: ByteBuffer, _ opcode: Opcode, _ conn: String, _ direction: Direction) {
    statistics.messages += 1
    statistics.bytes += payload.readableBytes
    if opcode == .text {
      writer.text(now, conn, direction, String(buffer: payload))
    } else {
      writer.binary(now, conn, direction, Array(buffer: payload))
    }
    written()
  }
}
