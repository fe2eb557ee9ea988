import Cryptobox
import FrameBytes
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Recording
import Trace
import WireBytes

/// One side of a recorded connection: towards the client (where the proxy is the server) or towards the server.
final class ProxyLeg: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private enum Phase {
    case handshake
    /// The client has asked, the server has not answered yet.
    case connecting
    case open
    case over
  }

  private let core: ProxyCore
  private let endpoint: Endpoint
  private var name = ""
  private var phase = Phase.handshake
  private var head = ByteBuffer()
  private var stream: FrameStream
  private var context: ChannelHandlerContext?
  private var partner: ProxyLeg?
  private var request: UpgradeRequest?
  private var key = ""
  private var masks = SeededRandom(seed: 0)
  private var needsFlush = false
  private var isPaused = false
  private var wantsRead = false
  /// The other side's close frame went out here, so that ours is an answer.
  private var isClosing = false
  private var hasSentClose = false

  init(_ core: ProxyCore, _ endpoint: Endpoint) {
    self.core = core
    self.endpoint = endpoint
    stream = FrameStream(endpoint: endpoint, limit: core.options.messageLimit)
  }

  /// The leg towards the server, for the client's leg that asked for it.
  private init(toServerFor client: ProxyLeg) {
    core = client.core
    endpoint = .client
    name = client.name
    request = client.request
    partner = client
    stream = FrameStream(endpoint: .client, limit: core.options.messageLimit)
    var random = SystemRandom()
    key = Base64.encode(random.bytes(16))
    masks = SeededRandom(seed: random.bytes(8).reduce(0) { $0 << 8 | UInt64($1) })
  }

  /// The direction in which this leg's messages go.
  private var direction: Direction { endpoint == .server ? .fromClient : .fromServer }

  // MARK: Life

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    core.add(self)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    core.remove(self)
  }

  func channelActive(context: ChannelHandlerContext) {
    if endpoint == .client, let request {
      let bytes = UpgradeResponse.request(
        host: core.options.upstream.authority, path: request.path, key: key, protocols: request.protocols)
      write(ByteBuffer(bytes: bytes))
      flush()
    }
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    let wasOpen = phase
    phase = .over
    switch wasOpen {
    case .open:
      if !hasReceivedClose { lost() }
    case .connecting: partner?.cut()
    case .handshake:
      if endpoint == .client { refused(nil) }
    case .over: break
    }
    partner = nil
    if endpoint == .server, !name.isEmpty { core.statistics.open -= 1 }
    context.fireChannelInactive()
  }

  private var hasReceivedClose = false

  /// TCP ended without a close frame: so it does on the other side.
  private func lost() {
    core.writer.close(core.now, name, direction, code: 1_006, reason: "", isEcho: isClosing)
    core.written()
    guard let partner else { return }
    partner.isClosing = true
    partner.cut()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    core.log.debug("connection failed", metadata: ["conn": "\(name)", "error": "\(error)"])
    context.close(promise: nil)
  }

  // MARK: Reading

  func read(context: ChannelHandlerContext) {
    if isPaused { wantsRead = true } else { context.read() }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var input = unwrapInboundIn(data)
    switch phase {
    case .handshake: handshake(&input)
    case .connecting: head.writeBuffer(&input)
    case .open: frames(&input)
    case .over: break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if let partner, partner.needsFlush {
      partner.needsFlush = false
      partner.flush()
      if !(partner.context?.channel.isWritable ?? true) { isPaused = true }
    }
    if needsFlush {
      needsFlush = false
      flush()
    }
    context.fireChannelReadComplete()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { partner?.resume() }
    context.fireChannelWritabilityChanged()
  }

  private func resume() {
    isPaused = false
    guard wantsRead else { return }
    wantsRead = false
    context?.read()
  }

  private func frames(_ input: inout ByteBuffer) {
    do throws(FrameFailure) {
      while case .open = phase, let item = try stream.next(&input) {
        switch item {
        case .whole(let header):
          var payload = ByteBuffer()
          FrameStream.unmask(&input, Int(header.length), header.mask, offset: 0, into: &payload)
          pass(header.opcode, payload)
        case .message(let opcode, let payload), .part(let opcode, let payload, _, _): pass(opcode, payload)
        case .ping(let payload): partner?.send(.ping, payload)
        case .pong(let payload): partner?.send(.pong, payload)
        case .close(let body): passClose(body)
        case .oversized: break
        }
      }
    } catch {
      // The peer broke RFC 6455. What the server would have said to it is for a run without the proxy.
      core.writer.error(core.now, name, direction, "broke RFC 6455: \(error)")
      send(.close, ByteBuffer(bytes: CloseBody(code: error.closeCode).encoded))
      flush()
      cut()
    }
  }

  private func pass(_ opcode: Opcode, _ payload: ByteBuffer) {
    core.record(payload, opcode, name, direction)
    partner?.send(opcode, payload)
  }

  private func passClose(_ body: CloseBody) {
    hasReceivedClose = true
    core.writer.close(
      core.now, name, direction, code: Int(body.code ?? 1_005), reason: body.reason, isEcho: isClosing)
    core.written()
    guard let partner else { return cut() }
    partner.isClosing = true
    partner.sendClose(body)
    // Both close frames have passed: the connection is over.
    if hasSentClose { end() }
  }

  private func sendClose(_ body: CloseBody) {
    guard !hasSentClose else { return }
    hasSentClose = true
    send(.close, ByteBuffer(bytes: body.encoded))
    flush()
    if hasReceivedClose { end() }
  }

  private func end() {
    partner?.endTCP()
    endTCP()
  }

  /// Closes when all that was written has gone out.
  private func endTCP() {
    phase = .over
    context?.close(mode: .output, promise: nil)
    // A peer that does not end its own side within a second is cut.
    guard let loop = context?.eventLoop else { return }
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: .seconds(1)) { bound.value.cut() }
  }

  // MARK: Writing

  private func send(_ opcode: Opcode, _ payload: ByteBuffer) {
    var frame = ByteBuffer()
    frame.reserveCapacity(payload.readableBytes + FrameHeader.maximumSize)
    let mask = endpoint == .client ? UInt32(truncatingIfNeeded: masks.next()) : nil
    frame.writeFrameHead(FrameHeader(opcode: opcode, mask: mask, length: UInt64(payload.readableBytes)))
    var payload = payload
    FrameStream.unmask(&payload, payload.readableBytes, mask, offset: 0, into: &frame)
    write(frame)
    needsFlush = true
  }

  private func write(_ buffer: ByteBuffer) { context?.write(wrapOutboundOut(buffer), promise: nil) }
  private func flush() { context?.flush() }
  func cut() { context?.close(promise: nil) }

  // MARK: Handshake

  private func handshake(_ input: inout ByteBuffer) {
    head.writeBuffer(&input)
    let bytes = Array(buffer: head)
    guard let end = UpgradeRequest.end(in: bytes) else {
      if bytes.count > UpgradeRequest.maximumSize { cut() }
      return
    }
    head.moveReaderIndex(forwardBy: end)
    if endpoint == .server { asked(Array(bytes[0..<end])) } else { answered(Array(bytes[0..<end])) }
  }

  /// The client's request: the proxy asks the server the same, and answers only when it knows the server's answer.
  private func asked(_ bytes: [UInt8]) {
    do throws(UpgradeFailure) { request = try UpgradeRequest(bytes) } catch {
      write(ByteBuffer(bytes: error.response))
      flush()
      return cut()
    }
    guard let request else { return }
    phase = .connecting
    name = core.nextName()
    core.statistics.open += 1
    core.writer.open(
      core.now, name, .fromClient,
      JSONObject([
        "path": .string(request.path), "version": "13",
        "extensions": request.extensions.map { .string($0) } ?? nil,
        "protocol": request.protocols.isEmpty ? nil : .string(request.protocols.joined(separator: ", ")),
        "origin": request.origin.map { .string($0) } ?? nil,
      ]))
    core.written()
    connect()
  }

  private func connect() {
    let leg = ProxyLeg(toServerFor: self)
    partner = leg
    let bound = NIOLoopBound(leg, eventLoop: core.loop)
    let me = NIOLoopBound(self, eventLoop: core.loop)
    let upstream = core.options.upstream
    let tls = core.clientTLS
    ClientBootstrap(group: core.loop)
      .connectTimeout(.seconds(5))
      .channelOption(.socketOption(.tcp_nodelay), value: 1)
      .channelOption(
        .writeBufferWaterMark, value: .init(low: core.options.lowWaterMark, high: core.options.highWaterMark)
      )
      .channelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 2_048, maximum: 256 << 10)
      )
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls {
            let name = (try? SocketAddress(ipAddress: upstream.host, port: 0)) == nil ? upstream.host : nil
            try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: tls, serverHostname: name))
          }
          try channel.pipeline.syncOperations.addHandler(bound.value)
        }
      }
      .connect(host: upstream.host, port: upstream.port)
      .whenFailure { error in
        bound.value.refused(nil, "\(error)")
        me.value.partner = nil
      }
  }

  private func answered(_ bytes: [UInt8]) {
    guard let client = partner, let response = UpgradeResponse(bytes, key: key), response.status == 101,
      response.acceptsKey
    else {
      refused(UpgradeResponse(bytes, key: key)?.status)
      return cut()
    }
    phase = .open
    core.writer.open(
      core.now, name, .fromServer,
      JSONObject([
        "extensions": response.extensions.map { .string($0) } ?? nil,
        "protocol": response.subprotocol.map { .string($0) } ?? nil,
      ]))
    core.written()
    client.serverIsOpen(response)
    if head.readableBytes > 0 {
      var rest = head
      head = ByteBuffer()
      frames(&rest)
    }
  }

  /// The client gets its 101, and what it sent behind its request goes on.
  private func serverIsOpen(_ response: UpgradeResponse) {
    guard let request else { return }
    phase = .open
    write(ByteBuffer(bytes: request.response(extensions: response.extensions)))
    flush()
    guard head.readableBytes > 0 else { return }
    var rest = head
    head = ByteBuffer()
    frames(&rest)
    partner?.flush()
  }

  /// The server did not take the connection; the client hears the same.
  private func refused(_ status: Int?, _ error: String? = nil) {
    guard let client = partner, case .connecting = client.phase else { return }
    let text = status.map { "Unexpected server response: \($0)" } ?? error ?? "the server closed before its answer"
    core.writer.error(core.now, name, .fromServer, text)
    core.writer.close(core.now, name, .fromServer, code: 1_006, reason: "", isEcho: false)
    core.written()
    client.phase = .over
    let line = status.map { "\($0) Refused" } ?? "502 Bad Gateway"
    client.write(ByteBuffer(string: "HTTP/1.1 \(line)\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
    client.flush()
    client.context?.close(promise: nil)
  }
}
