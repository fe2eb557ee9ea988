import Cryptobox
public import FrameBytes
import NIOCore
import NIOPosix
import NIOSSL
import WireBytes

/// A WebSocket client that hides nothing: frames and bytes of any form go out, and every event comes in.
///
/// It answers pings and close frames by itself unless told not to. Messages that come in while nobody asks are kept
/// without bound; ``setReading(_:)`` stops the socket for tests of slow readers.
public final class WebSocketClient: Sendable {
  public enum Event: Sendable, Equatable {
    case text(String)
    case binary([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    /// The peer's close frame.
    case close(CloseBody)
    /// The peer broke RFC 6455; the connection ends.
    case violation(FrameFailure)
    /// TCP has ended; the last event of all.
    case ended
  }

  public struct Options: Sendable {
    public var trust = TLSTrust.system
    /// From the start to the open WebSocket, ms.
    public var timeout = 5_000.0
    public var protocols: [String] = []
    public var extensions: String?
    public var messageLimit = 104_857_600
    public var answersPings = true
    public var answersClose = true
    /// Connects TCP (and TLS) only; ``sendRaw(_:)`` speaks first, and what comes back are no frames until an upgrade
    /// request of one's own was answered: then `received` bytes are in ``Event/binary(_:)``.
    public var isRaw = false
    /// Bytes of messages that may wait for the reader; above it the socket is not read until ``consumed(_:)`` says that
    /// they were taken. Nil: no bound.
    public var inputLimit: Int?
    /// Called when so little of what was sent still waits that more is welcome, with the bytes that do.
    public var drained: (@Sendable (Int) -> Void)?

    public init() {}
  }

  public enum Failure: Error, Sendable, Equatable, CustomStringConvertible {
    /// Nobody answers there.
    case unreachable(String)
    /// The TLS handshake failed: a wrong certificate, or no TLS on the other side.
    case tls(String)
    /// An HTTP answer other than 101, or one that does not prove the key.
    case refused(status: Int)
    case noHTTP
    case timeout(Double)

    public var description: String {
      switch self {
      case .unreachable(let why): "not reachable: \(why)"
      case .tls(let why): "TLS failed: \(why)"
      case .refused(let status): "the server answered the upgrade with HTTP \(status)"
      case .noHTTP: "the server's answer to the upgrade is no HTTP"
      case .timeout(let time): "no open WebSocket after \(Int(time)) ms"
      }
    }
  }

  /// Everything that comes in, for one reader.
  public let events: AsyncStream<Event>
  public let response: UpgradeResponse?
  private let channel: any Channel
  private let handler: NIOLoopBound<ClientSocket>
  private let flow: ClientFlow

  private init(
    _ channel: any Channel, _ handler: NIOLoopBound<ClientSocket>, _ events: AsyncStream<Event>,
    _ response: UpgradeResponse?, _ flow: ClientFlow
  ) {
    self.flow = flow
    self.channel = channel
    self.handler = handler
    self.events = events
    self.response = response
  }

  /// Opens a connection and waits for the server's answer to the upgrade.
  public static func connect(
    _ url: WebSocketURL, options: Options = Options()
  ) async throws(Failure) -> WebSocketClient {
    let (events, source) = AsyncStream.makeStream(of: Event.self)
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let opened = loop.makePromise(of: UpgradeResponse?.self)
    let flow = ClientFlow(inputLimit: options.inputLimit, drained: options.drained)
    let context: NIOSSLContext?
    do { context = url.isSecure ? try options.trust.clientContext() : nil } catch {
      opened.succeed(nil)
      throw .tls("\(error)")
    }
    do {
      // Made on its loop, and held from there on: a short-lived channel may be gone before anybody could look it up.
      let handler = try await loop.submit {
        NIOLoopBound(ClientSocket(url, options, source, opened, flow), eventLoop: loop)
      }.get()
      let timeout = TimeAmount.milliseconds(Int64(max(1, min(options.timeout, 600_000))))
      let bootstrap = ClientBootstrap(group: loop).connectTimeout(timeout)
        .channelOption(.socketOption(.tcp_nodelay), value: 1)
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            if let context {
              let name = Self.serverName(url.host)
              try channel.pipeline.syncOperations.addHandler(
                try NIOSSLClientHandler(context: context, serverHostname: name))
            }
            try channel.pipeline.syncOperations.addHandler(handler.value)
          }
        }
      let channel: any Channel
      do { channel = try await bootstrap.connect(host: url.host, port: url.port).get() } catch {
        opened.fail(error)
        throw Failure.unreachable(Self.text(error))
      }
      let timer = loop.scheduleTask(in: timeout) { opened.fail(Failure.timeout(options.timeout)) }
      defer { timer.cancel() }
      do {
        let response = try await opened.futureResult.get()
        return WebSocketClient(channel, handler, events, response, flow)
      } catch {
        channel.close(promise: nil)
        throw error
      }
    } catch let failure as Failure {
      throw failure
    } catch {
      throw error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError
        ? .tls("\(error)") : .unreachable(Self.text(error))
    }
  }

  /// An IP address is no name that TLS could ask for.
  private static func serverName(_ host: String) -> String? {
    (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
  }

  private static func text(_ error: any Error) -> String {
    if let error = error as? NIOConnectionError, let first = error.connectionErrors.first { return "\(first.error)" }
    return "\(error)"
  }

  // MARK: Sending

  public func send(text: String) { send(.text, Array(text.utf8)) }
  public func send(binary bytes: [UInt8]) { send(.binary, bytes) }
  public func ping(_ payload: [UInt8] = []) { send(.ping, payload) }
  public func close(_ body: CloseBody = CloseBody(code: 1_000)) { send(.close, body.encoded) }

  /// One frame, whole or a fragment, masked as a client must.
  public func send(_ opcode: Opcode, _ payload: [UInt8], isFinal: Bool = true) {
    let handler = handler
    flow.sends(payload.count)
    channel.eventLoop.execute { handler.value.send(opcode, payload, isFinal: isFinal, isCounted: true) }
  }

  /// Bytes of messages that were sent and that the system has not taken yet.
  public var unsentBytes: Int { flow.unsentBytes }

  /// The reader is through with an event of ``events``.
  public func consumed(_ event: Event) {
    if flow.consumed(event.size) { setReading(true) }
  }

  /// Bytes as they are, whatever they mean.
  public func sendRaw(_ bytes: [UInt8]) {
    let handler = handler
    channel.eventLoop.execute { handler.value.write(ByteBuffer(bytes: bytes)) }
  }

  /// The same with a wait until the system has taken the bytes; throws when the connection is gone.
  public func flushRaw(_ bytes: [UInt8]) async throws {
    try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
  }

  /// Stops and starts reading from the socket.
  public func setReading(_ isOn: Bool) {
    _ = channel.setOption(.autoRead, value: isOn)
  }

  /// Ends TCP without a close frame.
  public func cut() { channel.close(promise: nil) }
}

/// The client's end of a connection.
final class ClientSocket: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let url: WebSocketURL
  private let options: WebSocketClient.Options
  private let source: AsyncStream<WebSocketClient.Event>.Continuation
  private let flow: ClientFlow
  private var opened: EventLoopPromise<UpgradeResponse?>?
  private var head = ByteBuffer()
  private var stream: FrameStream
  private var context: ChannelHandlerContext?
  private let key: String
  private var random: SeededRandom
  private var isOver = false
  private var wasGreeted = false

  init(
    _ url: WebSocketURL, _ options: WebSocketClient.Options,
    _ source: AsyncStream<WebSocketClient.Event>.Continuation, _ opened: EventLoopPromise<UpgradeResponse?>,
    _ flow: ClientFlow
  ) {
    self.flow = flow
    self.url = url
    self.options = options
    self.source = source
    self.opened = opened
    stream = FrameStream(endpoint: .client, limit: options.messageLimit)
    var system = SystemRandom()
    key = Base64.encode(system.bytes(16))
    random = SeededRandom(seed: system.bytes(8).reduce(0) { $0 << 8 | UInt64($1) })
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if context.channel.isActive { greet() }
  }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelActive(context: ChannelHandlerContext) {
    greet()
    context.fireChannelActive()
  }

  private func greet() {
    guard !wasGreeted else { return }
    wasGreeted = true
    guard !options.isRaw else {
      opened?.succeed(nil)
      opened = nil
      return
    }
    write(
      ByteBuffer(
        bytes: UpgradeResponse.request(
          host: url.authority, path: url.path, key: key, protocols: options.protocols,
          extensions: options.extensions)))
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var input = unwrapInboundIn(data)
    if options.isRaw {
      source.yield(.binary(Array(buffer: input)))
      return
    }
    if opened != nil {
      guard upgrade(&input) else { return }
    }
    guard !isOver else { return }
    do throws(FrameFailure) {
      while let item = try stream.next(&input) { take(item, &input) }
    } catch {
      isOver = true
      source.yield(.violation(error))
      context.close(promise: nil)
    }
  }

  private func upgrade(_ input: inout ByteBuffer) -> Bool {
    head.writeBuffer(&input)
    let bytes = Array(buffer: head)
    guard let end = UpgradeRequest.end(in: bytes) else {
      if bytes.count > UpgradeRequest.maximumSize { fail(.noHTTP) }
      return false
    }
    guard let response = UpgradeResponse(Array(bytes[0..<end]), key: key) else {
      fail(.noHTTP)
      return false
    }
    guard response.status == 101, response.acceptsKey else {
      fail(.refused(status: response.status))
      return false
    }
    head.moveReaderIndex(forwardBy: end)
    input = head
    head = ByteBuffer()
    opened?.succeed(response)
    opened = nil
    return true
  }

  private func fail(_ failure: WebSocketClient.Failure) {
    opened?.fail(failure)
    opened = nil
    isOver = true
    context?.close(promise: nil)
  }

  private func take(_ item: FrameStream.Item, _ input: inout ByteBuffer) {
    switch item {
    case .whole(let header):
      var payload = ByteBuffer()
      FrameStream.unmask(&input, Int(header.length), header.mask, offset: 0, into: &payload)
      deliver(header.opcode, payload)
    case .message(let opcode, let payload), .part(let opcode, let payload, _, _): deliver(opcode, payload)
    case .ping(let payload):
      source.yield(.ping(Array(buffer: payload)))
      if options.answersPings { send(.pong, Array(buffer: payload)) }
    case .pong(let payload): source.yield(.pong(Array(buffer: payload)))
    case .close(let body):
      source.yield(.close(body))
      if options.answersClose { send(.close, body.encoded) }
    case .oversized: break
    }
  }

  private func deliver(_ opcode: Opcode, _ payload: ByteBuffer) {
    if flow.arrived(payload.readableBytes) { _ = context?.channel.setOption(.autoRead, value: false) }
    if opcode == .text {
      source.yield(.text(String(buffer: payload)))
    } else {
      source.yield(.binary(Array(buffer: payload)))
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    opened?.fail(error)
    opened = nil
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    opened?.fail(WebSocketClient.Failure.unreachable("the server closed the connection before the upgrade"))
    opened = nil
    source.yield(.ended)
    source.finish()
    context.fireChannelInactive()
  }

  // MARK: Sending

  func send(_ opcode: Opcode, _ payload: [UInt8], isFinal: Bool = true, isCounted: Bool = false) {
    var frame = ByteBuffer()
    frame.writeFrame(opcode, payload, isFinal: isFinal, mask: UInt32(truncatingIfNeeded: random.next()))
    guard isCounted else { return write(frame) }
    guard let context else { return flow.taken(payload.count) }
    let promise = context.eventLoop.makePromise(of: Void.self)
    let (flow, count) = (flow, payload.count)
    promise.futureResult.whenComplete { _ in flow.taken(count) }
    context.writeAndFlush(wrapOutboundOut(frame), promise: promise)
  }

  func write(_ buffer: ByteBuffer) { context?.writeAndFlush(wrapOutboundOut(buffer), promise: nil) }
}
