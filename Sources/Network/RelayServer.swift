public import CommServer
import Cryptobox
public import Logging
import NIOCore
import NIOPosix
import NIOSSL

/// A CommServer on sockets: binds, serves, stops.
///
/// One thread serves everything: the machine's state needs no lock, and a relayed frame goes from socket to socket
/// without changing threads. What one core relays is in the README.
public final class RelayServer: Sendable {
  public enum Failure: Error, Sendable, CustomStringConvertible {
    case cannotBind(host: String, port: Int, reason: String)
    case badTLS(TLSMaterial.Failure)

    public var description: String {
      switch self {
      case .cannotBind(let host, let port, let reason): "cannot listen on \(host) port \(port): \(reason)"
      case .badTLS(let failure): "\(failure)"
      }
    }
  }

  public let port: Int
  /// One for each bound address, `ws://127.0.0.1:PORT` or `wss://[::1]:PORT`.
  public let urls: [String]
  public let publicKeyHex: String
  private let group: MultiThreadedEventLoopGroup
  private let core: NIOLoopBound<ServerCore>
  private let listeners: [any Channel]

  /// Starts to listen; returns when every address is bound.
  public init(_ options: ServerOptions, log: Logger = Logger(label: "chumgate.relay")) async throws(Failure) {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    self.group = group
    let loop = group.next()
    let tls: NIOSSLContext?
    do throws(TLSMaterial.Failure) { tls = try options.tls?.serverContext() } catch {
      try? await group.shutdownGracefully()
      throw .badTLS(error)
    }
    let made = try? await loop.submit { () -> (NIOLoopBound<ServerCore>, String) in
      let core = ServerCore(loop: loop, options: options, log: log)
      return (NIOLoopBound(core, eventLoop: loop), core.machine.publicKey.hex)
    }.get()
    guard let made else { throw .cannotBind(host: "", port: options.port, reason: "the event loop has ended") }
    core = made.0
    publicKeyHex = made.1
    var channels: [any Channel] = []
    var port = options.port
    var urls: [String] = []
    for host in options.hosts {
      do {
        let channel = try await Self.bootstrap(loop, made.0, options, tls).bind(host: host, port: port).get()
        channels.append(channel)
        port = channel.localAddress?.port ?? port
      } catch {
        for channel in channels { try? await channel.close() }
        try? await group.shutdownGracefully()
        throw .cannotBind(host: host, port: port, reason: "\(error)")
      }
      let shown = host.contains(":") ? "[\(host)]" : host
      urls.append("\(options.tls == nil ? "ws" : "wss")://\(shown):\(port)")
    }
    listeners = channels
    self.port = port
    self.urls = urls
    log.debug("listening", metadata: ["urls": "\(urls.joined(separator: " "))"])
  }

  public var url: String { urls.first ?? "" }

  private static func bootstrap(
    _ loop: any EventLoop, _ core: NIOLoopBound<ServerCore>, _ options: ServerOptions, _ tls: NIOSSLContext?
  ) -> ServerBootstrap {
    let mark = ChannelOptions.Types.WriteBufferWaterMark(low: options.lowWaterMark, high: options.highWaterMark)
    return ServerBootstrap(group: loop)
      .serverChannelOption(.backlog, value: 4_096)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.maxMessagesPerRead, value: 64)
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
      .childChannelOption(.writeBufferWaterMark, value: mark)
      .childChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 1_024, maximum: 256 << 10)
      )
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
          try channel.pipeline.syncOperations.addHandler(RelaySocket(core.value))
        }
      }
  }

  /// The counters of both layers.
  public func statistics() async -> (ServerStatistics, NetworkStatistics)? {
    try? await group.next().submit { [core] in (core.value.machine.statistics, core.value.statistics) }.get()
  }

  /// Stops to listen, closes every connection as the protocol says, and waits until all are gone; those that do not
  /// answer are cut when `grace` ms are over.
  public func stop(grace: Double = 3_000) async {
    for listener in listeners { try? await listener.close() }
    let loop = group.next()
    try? await loop.submit { [core] in core.value.stop() }.get()
    let end = NIODeadline.now() + .milliseconds(Int64(max(0, min(grace, 600_000))))
    let gone = loop.makePromise(of: Void.self)
    loop.execute { [core] in core.value.whenEmpty(by: end, gone) }
    try? await gone.futureResult.get()
    try? await group.shutdownGracefully()
  }
}
