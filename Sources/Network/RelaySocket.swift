import CommServer
import FrameBytes
import Logging
import NIOCore
import Wire

/// One connection of the server, from the upgrade request to the end of TCP.
///
/// Until the splice every message goes through the machine; from then on frames go from socket to socket: unmasked into
/// the core's scratch buffer, which is written and flushed once for all that one read brought. A socket whose partner
/// does not keep up is not read from, so that TCP itself slows the sender down.
final class RelaySocket: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  enum Phase {
    case handshake(ByteBuffer)
    case open
    case spliced(RelaySocket)
    /// Our close frame is out, or theirs is answered; what still comes is thrown away.
    case closing
    case closed

    enum Kind { case handshake, open, closing, closed }

    var kind: Kind {
      switch self {
      case .handshake: .handshake
      case .open, .spliced: .open
      case .closing: .closing
      case .closed: .closed
      }
    }
  }

  let core: ServerCore
  let id: ConnectionID
  private(set) var phase = Phase.handshake(ByteBuffer())
  private var stream: FrameStream
  private var context: ChannelHandlerContext?
  private var isPaused = false
  private var wantsRead = false
  private var hasAssembled = 0
  private var lastActivity = -Double.infinity
  /// True while frames for the partner stand in the core's scratch buffer, and while something is written and unflushed.
  private var partnerNeedsFlush = false
  /// Pongs of the read under way; one flush for all of them.
  private var pongs = ByteBuffer()
  /// Nothing more is read as frames: the peer broke RFC 6455, or is in the middle of something too long.
  private var isDeaf = false

  init(_ core: ServerCore) {
    self.core = core
    id = core.nextID()
    stream = FrameStream(endpoint: .server, limit: core.options.messageLimit)
    if !core.has(.parsesLongMessages) { stream.softLimit = core.options.settings.clearMessageLimit }
    stream.wantsShortestLengths = core.options.settings.profile == .strict
    stream.tolerance = FrameTolerance(
      unmasked: core.has(.toleratesUnmasked), reservedBits: core.has(.toleratesReservedBits),
      badUTF8: core.has(.toleratesBadUTF8), fragmentsAreMessages: core.has(.deliversFragments))
  }

  /// True from the splice on, also when a planted fault keeps the machine in between.
  private(set) var hasRelay = false
  var address: String? { context?.remoteAddress?.ipAddress }

  // MARK: Life

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelActive(context: ChannelHandlerContext) {
    core.statistics.sockets += 1
    core.statistics.accepted += 1
    if core.statistics.sockets > core.options.maximumConnections {
      refuse(.tooMany)
    } else {
      core.limit(self, to: .handshake, core.options.handshakeTimeout)
    }
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    core.statistics.sockets -= 1
    flushPartner()
    end(code: nil, reason: "")
    phase = .closed
    account()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    core.log.debug("socket failed", metadata: ["id": "\(id)", "error": "\(error)"])
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
    case .open, .spliced: frames(&input)
    case .closing: awaitClose(&input)
    case .closed: break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    flushPongs()
    flushPartner()
    context.fireChannelReadComplete()
  }

  private func frames(_ input: inout ByteBuffer) {
    do throws(FrameFailure) {
      while true {
        switch phase {
        case .open, .spliced: break
        case .handshake, .closing, .closed: return
        }
        guard let item = try stream.next(&input) else { break }
        try take(item, &input)
      }
      account()
    } catch {
      violated(error)
    }
  }

  private func take(_ item: FrameStream.Item, _ input: inout ByteBuffer) throws(FrameFailure) {
    switch item {
    case .whole(let header):
      if case .spliced(let partner) = phase {
        try forward(header, &input, to: partner)
      } else {
        var payload = ByteBuffer()
        FrameStream.unmask(&input, Int(header.length), header.mask, offset: 0, into: &payload)
        if header.opcode == .text { try checkText(payload) }
        core.received(self, header.opcode, payload)
      }
    case .message(let opcode, let payload):
      if case .spliced(let partner) = phase {
        forward(opcode, payload, isFirst: true, isLast: true, to: partner)
      } else {
        core.received(self, opcode, payload)
      }
    case .part(let opcode, let payload, let isFirst, let isLast):
      guard case .spliced(let partner) = phase else { return }
      forward(opcode, payload, isFirst: isFirst, isLast: isLast, to: partner)
    case .ping(let payload): pong(payload)
    case .pong: break
    case .close(let body): peerCloses(body)
    case .oversized:
      isDeaf = true
      core.deliver(.oversized(id))
    }
  }

  private func checkText(_ payload: ByteBuffer) throws(FrameFailure) {
    guard !core.has(.toleratesBadUTF8) else { return }
    guard unsafe payload.withUnsafeReadableBytes({ unsafe UTF8Check.isValid($0) }) else { throw .badUTF8 }
  }

  private func pong(_ payload: ByteBuffer) {
    // A peer that reads nothing gets no more pongs than fit: only the last of many pings needs one.
    guard !core.has(.ignoresWebSocketPing), isWritable else { return }
    pongs.writeFrame(.pong, core.has(.answersPingEmpty) ? ByteBuffer().readableBytesView : payload.readableBytesView)
    if pongs.readableBytes > 64 << 10 { flushPongs() }
  }

  private func flushPongs() {
    guard pongs.readableBytes > 0 else { return }
    write(pongs)
    flush()
    pongs = ByteBuffer()
  }

  // MARK: Relay

  func splice(with partner: RelaySocket) {
    hasRelay = true
    stream.softLimit = nil
    guard case .open = phase, core.forwardsDirectly else { return }
    phase = .spliced(partner)
    stream.partThreshold = core.options.partThreshold
  }

  private func forward(
    _ header: FrameHeader, _ input: inout ByteBuffer, to partner: RelaySocket
  ) throws(FrameFailure) {
    core.scratchOwner = id
    let start = core.scratch.writerIndex
    let length = Int(header.length)
    core.scratch.forwardFrame(header, from: &input)
    if header.opcode == .text, !core.has(.toleratesBadUTF8) {
      let payload = core.scratch.viewBytes(at: core.scratch.writerIndex - length, length: length)
      guard unsafe payload?.withUnsafeBytes({ unsafe UTF8Check.isValid($0) }) ?? true else {
        core.scratch.moveWriterIndex(to: start)
        throw .badUTF8
      }
    }
    count(length)
    if core.scratch.readableBytes >= 64 << 10 { flushPartner() }
  }

  private func forward(
    _ opcode: Opcode, _ payload: ByteBuffer, isFirst: Bool, isLast: Bool, to partner: RelaySocket
  ) {
    flushScratch(to: partner)
    var head = ByteBuffer()
    head.writeFrameHead(
      FrameHeader(
        isFinal: isLast, opcode: isFirst ? opcode : .continuation, length: UInt64(payload.readableBytes)))
    partner.write(head)
    partner.write(payload)
    partnerNeedsFlush = true
    count(payload.readableBytes, isEnd: isLast)
    if !partner.isWritable { flushPartner() }
  }

  private func count(_ bytes: Int, isEnd: Bool = true) {
    core.statistics.relayedBytes += bytes
    if isEnd { core.statistics.relayedMessages += 1 }
    guard core.reportsActivity else { return }
    let now = core.now
    guard now - lastActivity >= 1_000 else { return }
    lastActivity = now
    core.deliver(.activity(id))
  }

  /// Writes what stands in the scratch buffer; the buffer is used again as soon as nobody else holds it.
  private func flushScratch(to partner: RelaySocket) {
    guard core.scratchOwner == id, core.scratch.readableBytes > 0 else { return }
    if partner.isWritable, core.scratch.readableBytes * 4 > core.scratch.storageCapacity || !partner.hasBacklog {
      partner.write(core.scratch)
    } else {
      partner.write(ByteBuffer(bytes: core.scratch.readableBytesView))
    }
    partner.flush()
    partnerNeedsFlush = false
    if core.scratch.modifyIfUniquelyOwned({ $0.clear() }) == nil {
      partner.hasBacklog = true
      core.scratch = ByteBuffer()
    } else {
      partner.hasBacklog = false
    }
  }

  private func flushPartner() {
    guard case .spliced(let partner) = phase else { return }
    flushScratch(to: partner)
    if partnerNeedsFlush {
      partner.flush()
      partnerNeedsFlush = false
    }
    if !partner.isWritable, !core.has(.noBackpressure) { pause() }
  }

  /// True when the last write did not go out at once, so that its buffer is still held.
  private var hasBacklog = false

  // MARK: Backpressure

  private func pause() {
    guard !isPaused else { return }
    isPaused = true
    core.statistics.pauses += 1
  }

  private func resume() {
    guard isPaused else { return }
    isPaused = false
    if wantsRead {
      wantsRead = false
      context?.read()
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable, case .spliced(let partner) = phase { partner.resume() }
    context.fireChannelWritabilityChanged()
  }

  // MARK: Writing

  var isWritable: Bool { context?.channel.isWritable ?? true }

  func write(_ buffer: ByteBuffer) { context?.write(wrapOutboundOut(buffer), promise: nil) }
  func flush() { context?.flush() }

  func send(_ opcode: Opcode, _ payload: ByteBuffer) {
    var frame = ByteBuffer()
    frame.reserveCapacity(payload.readableBytes + FrameHeader.maximumSize)
    frame.writeFrame(opcode, payload.readableBytesView)
    write(frame)
  }

  // MARK: Handshake

  private func handshake(_ input: inout ByteBuffer) {
    guard case .handshake(var head) = phase else { return }
    let searched = max(0, head.readableBytes - 3)
    head.writeBuffer(&input)
    let bytes = Array(buffer: head)
    // Every HTTP method begins with a letter; a TLS handshake does not, and would wait for an answer for ever.
    if let first = bytes.first, !(0x41...0x5A).contains(first) { return refuse(.badRequest) }
    guard let end = UpgradeRequest.end(in: bytes, from: searched) else {
      if bytes.count > UpgradeRequest.maximumSize { return refuse(.tooLarge) }
      phase = .handshake(head)
      return
    }
    do throws(UpgradeFailure) {
      let request = try UpgradeRequest(Array(bytes[0..<end]))
      if core.isStopping { throw .stopping }
      if core.has(.refusesOtherPaths), request.path != "/" { throw .badRequest }
      if core.has(.insistsOnSubprotocol), request.protocols.isEmpty { throw .badRequest }
      let claims = core.has(.claimsCompression) && request.extensions != nil
      phase = .open
      write(ByteBuffer(bytes: request.response(extensions: claims ? "permessage-deflate" : nil)))
      flush()
      core.opened(self)
      head.moveReaderIndex(forwardBy: end)
      if head.readableBytes > 0 { frames(&head) }
    } catch {
      refuse(error)
    }
  }

  private func refuse(_ failure: UpgradeFailure) {
    core.statistics.refusedUpgrades += 1
    phase = .closing
    write(ByteBuffer(bytes: failure.response))
    finishWriting()
  }

  // MARK: Closing

  /// Sends our close frame and waits for the peer's.
  func startClose(_ code: UInt16?, _ reason: String) {
    switch phase {
    case .open: break
    case .spliced: flushPartner()
    case .handshake, .closing, .closed: return
    }
    phase = .closing
    resume()
    flushPongs()
    sendClose(CloseBody(code: code, reason: reason))
    // A peer that cannot be understood any more cannot answer either.
    if isDeaf { return finishWriting() }
    flush()
    core.limit(self, to: .closing, core.options.closeTimeout)
  }

  private func sendClose(_ body: CloseBody) {
    var frame = ByteBuffer()
    frame.writeFrame(.close, body.encoded)
    write(frame)
  }

  /// The peer's close frame while we were open: answered with the same code and reason, as the real server's library does.
  private func peerCloses(_ body: CloseBody) {
    flushPartner()
    flushPongs()
    sendClose(body)
    end(code: body.code, reason: body.reason)
    phase = .closing
    finishWriting()
  }

  /// Closed by a fault of the peer's in RFC 6455: the code without a reason, and nothing more is read as frames.
  private func violated(_ failure: FrameFailure) {
    core.statistics.frameFailures += 1
    isDeaf = true
    flushPartner()
    flushPongs()
    let code = core.has(.closesLongWithOtherCode) && failure == .tooLong ? 1_000 : failure.closeCode
    sendClose(CloseBody(code: code))
    end(code: nil, reason: "")
    phase = .closing
    finishWriting()
  }

  /// Ends our side of TCP, and lets the peer end its own: closing at once would reset the connection, and the close frame
  /// might be lost with it.
  private func finishWriting() {
    resume()
    core.limit(self, to: .closing, min(2_000, core.options.closeTimeout))
    flush()
    context?.close(mode: .output, promise: nil)
  }

  /// Tells the machine of the end, once, while the partner is still there.
  private func end(code: UInt16?, reason: String) {
    switch phase {
    case .open, .spliced: core.closed(self, code: code, reason: reason)
    case .handshake, .closing, .closed: break
    }
  }

  private func awaitClose(_ input: inout ByteBuffer) {
    while !isDeaf, let item = try? stream.next(&input) {
      switch item {
      case .oversized: isDeaf = true
      case .whole(let header): input.moveReaderIndex(forwardBy: Int(header.length))
      case .close: return cut()
      default: break
      }
    }
  }

  /// Ends TCP without another word.
  func cut() { context?.close(promise: nil) }

  /// Keeps count of the bytes that incomplete messages hold.
  private func account() {
    let held = phase.kind == .open ? stream.heldBytes : 0
    guard held != hasAssembled else { return }
    core.statistics.assemblyBytes += held - hasAssembled
    hasAssembled = held
    guard held > 64 << 10, core.statistics.assemblyBytes > core.options.assemblyBudget else { return }
    violated(.tooLong)
  }
}
