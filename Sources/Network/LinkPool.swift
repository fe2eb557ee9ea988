import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

/// Many TCP (or TLS) connections as bare byte streams with one mailbox, for a driver with a thread of its own.
///
/// It knows no WebSocket: whoever wants to break the rules of RFC 6455 in every way has to write the bytes itself.
/// Links are numbered by the driver and no number is used twice.
public final class LinkPool: Sendable {
  public enum Event: Sendable, Equatable {
    case connected(Int)
    case bytes(Int, [UInt8])
    /// The other side ended or reset the connection.
    case ended(Int, reset: Bool)
    case failed(Int, String)
  }

  /// An event with the ms since the pool's start at which it came.
  public struct Stamped: Sendable, Equatable {
    public let time: Double
    public let event: Event
  }

  /// More bytes than this in the mailbox, and reading stops until the driver has fetched them.
  private static let mailboxLimit = 64 << 20

  private let group: MultiThreadedEventLoopGroup
  private let loop: any EventLoop
  private let channels: NIOLoopBoundBox<Channels>
  private let mailbox = NIOLockedValueBox<[Stamped]>([])
  /// One when the mailbox holds something.
  private let bell = ConditionLock(value: 0)
  private let start = NIODeadline.now()
  private let url: WebSocketURL
  private let tls: NIOSSLContext?

  /// The channels by link; touched on the loop only.
  final class Channels {
    var open: [Int: any Channel] = [:]
    /// Links that the driver ended; nothing more is told of them.
    var muted: Set<Int> = []
  }

  /// Every link goes to the host and port of the URL; TLS when it says `wss`. Throws when no TLS context can be made.
  public init(_ url: WebSocketURL, trust: TLSTrust = .system) throws(WebSocketClient.Failure) {
    self.url = url
    do { tls = url.isSecure ? try trust.clientContext() : nil } catch { throw .tls("\(error)") }
    group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    loop = group.next()
    channels = NIOLoopBoundBox.makeBoxSendingValue(Channels(), eventLoop: loop)
  }

  /// ms since the pool was made.
  public var now: Double { Double((NIODeadline.now() - start).nanoseconds) / 1e6 }

  // MARK: Orders

  public func connect(_ link: Int, timeout: Double = 5_000) {
    let time = TimeAmount.milliseconds(Int64(max(1, min(timeout, 600_000))))
    let tls = tls
    let host = url.host
    let bootstrap = ClientBootstrap(group: loop).connectTimeout(time).channelOption(
      .socketOption(.tcp_nodelay), value: 1
    )
    .channelInitializer { [self] channel in
      channel.eventLoop.makeCompletedFuture {
        if let tls {
          let name = (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
          try channel.pipeline.syncOperations.addHandler(try NIOSSLClientHandler(context: tls, serverHostname: name))
        }
        try channel.pipeline.syncOperations.addHandler(LinkHandler(link, isSecure: tls != nil, self))
      }
    }
    bootstrap.connect(host: host, port: url.port).whenFailure { [self] error in
      tell(.failed(link, Self.text(error)))
    }
  }

  public func send(_ link: Int, _ bytes: [UInt8]) {
    onChannel(link) { channel in channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }
  }

  /// Ends the connection: by a reset at once, or orderly behind what was sent.
  public func end(_ link: Int, reset: Bool) {
    let channels = channels
    loop.execute {
      channels.value.muted.insert(link)
      guard let channel = channels.value.open[link] else { return }
      if reset {
        let abrupt = linger(l_onoff: 1, l_linger: 0)
        guard let options = channel as? any SocketOptionProvider else { return channel.close(promise: nil) }
        options.setSoLinger(abrupt).whenComplete { _ in channel.close(promise: nil) }
      } else {
        channel.writeAndFlush(ByteBuffer()).whenComplete { _ in channel.close(promise: nil) }
      }
    }
  }

  public func setReading(_ link: Int, _ isOn: Bool) {
    onChannel(link) { channel in _ = channel.setOption(.autoRead, value: isOn) }
  }

  private func onChannel(_ link: Int, _ body: @escaping @Sendable (any Channel) -> Void) {
    let channels = channels
    loop.execute { if let channel = channels.value.open[link] { body(channel) } }
  }

  // MARK: Mailbox

  /// The events so far; waits for the first one at most so many ms. Blocks the thread, so never call it on a loop.
  public func wait(milliseconds: Double) -> [Stamped] {
    let limit = max(0, min(milliseconds, 3_600_000))
    if bell.lock(whenValue: 1, timeoutSeconds: limit / 1_000) {
      let events = mailbox.withLockedValue { box in
        let events = box
        box = []
        return events
      }
      bell.unlock(withValue: 0)
      return events
    }
    return []
  }

  fileprivate func tell(_ event: Event) {
    let stamped = Stamped(time: now, event: event)
    bell.lock()
    mailbox.withLockedValue { $0.append(stamped) }
    bell.unlock(withValue: 1)
  }

  fileprivate func opened(_ link: Int, _ channel: any Channel) {
    guard !channels.value.muted.contains(link) else { return channel.close(promise: nil) }
    channels.value.open[link] = channel
    tell(.connected(link))
  }

  fileprivate func received(_ link: Int, _ bytes: [UInt8]) {
    if !channels.value.muted.contains(link) { tell(.bytes(link, bytes)) }
  }

  fileprivate func closed(_ link: Int, reset: Bool) {
    guard channels.value.open.removeValue(forKey: link) != nil, !channels.value.muted.contains(link) else { return }
    tell(.ended(link, reset: reset))
  }

  fileprivate func failed(_ link: Int, _ reason: String) {
    if !channels.value.muted.contains(link) { tell(.failed(link, reason)) }
  }

  fileprivate static func text(_ error: any Error) -> String {
    if let error = error as? NIOConnectionError {
      return error.connectionErrors.first.map { text($0.error) } ?? "no address of \(error.host)"
    }
    if let error = error as? IOError { return unsafe String(cString: strerror(error.errnoCode)).lowercased() }
    if error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError { return tls(error) }
    return "\(error)"
  }

  /// What a user can do something about is told in words.
  private static func tls(_ error: any Error) -> String {
    let detail = "\(error)"
    if detail.contains("CERTIFICATE_VERIFY_FAILED") {
      return "a TLS certificate that is not trusted (an own one is with --trust FILE, any with --insecure)"
    }
    if detail.contains("WRONG_VERSION_NUMBER") || detail.contains("HTTP_REQUEST") {
      return "no TLS: is it a ws:// server?"
    }
    if let name = (error as? NIOSSLExtraError)?.description { return "a TLS failure: \(name)" }
    return "a TLS failure: \(detail)"
  }

  /// Closes every link and ends the thread.
  public func shutdown() {
    try? group.syncShutdownGracefully()
  }
}

/// One link's end in its channel.
private final class LinkHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let link: Int
  private let isSecure: Bool
  private let pool: LinkPool
  private var wasTold = false
  private var failure: (any Error)?

  init(_ link: Int, isSecure: Bool, _ pool: LinkPool) {
    self.link = link
    self.isSecure = isSecure
    self.pool = pool
  }

  func channelActive(context: ChannelHandlerContext) {
    if !isSecure { tell(context) }
    context.fireChannelActive()
  }

  private func tell(_ context: ChannelHandlerContext) {
    guard !wasTold else { return }
    wasTold = true
    pool.opened(link, context.channel)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent { tell(context) }
    context.fireUserInboundEventTriggered(event)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    pool.received(link, Array(buffer: unwrapInboundIn(data)))
  }

  func channelInactive(context: ChannelHandlerContext) {
    if wasTold {
      pool.closed(link, reset: failure != nil)
    } else {
      pool.failed(link, failure.map { LinkPool.text($0) } ?? "the connection ended before it was open")
    }
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A TLS peer that ends without close_notify is how most servers end; it is no reset.
    if case NIOSSLError.uncleanShutdown? = error as? NIOSSLError { return }
    failure = error
    context.close(promise: nil)
  }
}
