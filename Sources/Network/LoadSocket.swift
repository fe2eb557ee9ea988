import Cryptobox
import FrameBytes
import NIOCore
import Wire
import WireBytes

/// A client connection that costs little: for load, where the generator must not be the bottleneck.
///
/// Binary messages are counted and thrown away; texts before the relay drive registration and request.
final class LoadSocket: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  enum Role {
    /// Registers with this key, and answers a handover with `communication_ready`.
    case listener(LoadKey)
    case dialer(source: String, target: String)
    /// Opens the WebSocket and says nothing.
    case silent
  }

  let role: Role
  /// Called once: registered, or relayed, or open.
  var onReady: (LoadSocket) -> Void = { _ in }
  /// A listener was handed over.
  var onRelay: (LoadSocket) -> Void = { _ in }
  /// A whole binary message came, of so many bytes.
  var onBinary: (LoadSocket, Int) -> Void = { _, _ in }
  var onClose: (LoadSocket) -> Void = { _ in }
  private(set) var isClosed = false
  /// For the owner's use.
  var tag = 0

  private let host: String
  private let path: String
  private var context: ChannelHandlerContext?
  private var head: ByteBuffer? = ByteBuffer()
  private var stream = FrameStream(endpoint: .client, limit: 104_857_600)
  private var needsFlush = false
  private var isReading = false

  init(_ url: WebSocketURL, _ role: Role) {
    host = url.authority
    path = url.path
    self.role = role
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelActive(context: ChannelHandlerContext) {
    let request = UpgradeResponse.request(host: host, path: path, key: "Y2h1bWdhdGUgbG9hZCAuLg==")
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: request)), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var input = unwrapInboundIn(data)
    isReading = true
    defer { isReading = false }
    if var known = head {
      known.writeBuffer(&input)
      let bytes = Array(buffer: known)
      guard let end = UpgradeRequest.end(in: bytes) else {
        head = known
        return
      }
      guard bytes.starts(with: Array("HTTP/1.1 101".utf8)) else {
        context.close(promise: nil)
        return
      }
      head = nil
      known.moveReaderIndex(forwardBy: end)
      input = known
      isOpen()
    }
    while let item = try? stream.next(&input) {
      switch item {
      case .whole(let header) where header.opcode == .binary:
        input.moveReaderIndex(forwardBy: Int(header.length))
        onBinary(self, Int(header.length))
      case .whole(let header):
        if let text = input.readString(length: Int(header.length)) { take(text) }
      case .message(.binary, let payload), .part(.binary, let payload, _, _):
        onBinary(self, payload.readableBytes)
      case .ping(let payload): send(.pong, payload)
      case .close(let body):
        send(.close, ByteBuffer(bytes: body.encoded))
        context.flush()
        context.close(promise: nil)
        return
      default: break
      }
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if needsFlush {
      needsFlush = false
      context.flush()
    }
    context.fireChannelReadComplete()
  }

  func channelInactive(context: ChannelHandlerContext) {
    isClosed = true
    onClose(self)
    // The owner's closures hold sockets, this one among them.
    onReady = { _ in }
    onRelay = { _ in }
    onBinary = { _, _ in }
    onClose = { _ in }
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func isOpen() {
    switch role {
    case .listener(let key): send(.register(publicKey: key.publicHex))
    case .dialer(let source, let target): send(.communicationRequest(source: source, target: target))
    case .silent: onReady(self)
    }
  }

  private func take(_ text: String) {
    guard let message = try? CommServerMessage.decode(text) else { return }
    switch (role, message) {
    case (.listener(let key), .authenticationRequest(let server, let challenge)):
      guard let response = key.answer(server: server, challenge: challenge) else { return cut() }
      send(.authenticationResponse(response: response))
    case (.listener, .authenticationSuccess): onReady(self)
    case (.listener, .ping): send(.pong)
    case (.listener, .communicationRequest):
      send(.communicationReady)
      onRelay(self)
    case (.dialer, .communicationReady): onReady(self)
    default: break
    }
  }

  // MARK: Sending

  private func send(_ message: CommServerMessage) { send(.text, ByteBuffer(string: message.text)) }

  private func send(_ opcode: Opcode, _ payload: ByteBuffer) {
    var frame = ByteBuffer()
    frame.writeFrame(opcode, payload.readableBytesView, mask: 0x5A3C_96E1)
    write(frame)
  }

  /// A masked binary frame that can be sent again and again.
  static func frame(_ size: Int) -> ByteBuffer {
    var frame = ByteBuffer()
    frame.reserveCapacity(size + FrameHeader.maximumSize)
    frame.writeFrame(.binary, [UInt8](repeating: 0xA5, count: size), mask: 0x1234_5678)
    return frame
  }

  /// Sends at the end of the read under way, or at once.
  func write(_ frame: ByteBuffer) {
    context?.write(wrapOutboundOut(frame), promise: nil)
    if isReading { needsFlush = true } else { context?.flush() }
  }

  var isWritable: Bool { context?.channel.isWritable ?? false }
  func cut() { context?.close(promise: nil) }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { onWritable(self) }
    context.fireChannelWritabilityChanged()
  }

  var onWritable: (LoadSocket) -> Void = { _ in }
}

/// A listener's key with the box key of the server it talks to, which is computed once.
final class LoadKey {
  let secret: SecretKey
  let publicHex: String
  private var shared: (server: String, key: SharedKey)?
  private var random: SeededRandom
  private let box = SodiumBox()

  init(seed: UInt64) {
    random = SeededRandom(seed: seed)
    secret = random.secretKey()
    publicHex = box.publicKey(of: secret).hex
  }

  func answer(server: String, challenge: String) -> String? {
    guard let bytes = Hex.decode(challenge), let key = sharedKey(server) else { return nil }
    let answer = try? ProofResponder.answer(
      bytes, nonce: random.nonce(), key: key, section: "connection.md 2.3", box: box, profile: .strict)
    return answer.map { Hex.encode($0) }
  }

  private func sharedKey(_ server: String) -> SharedKey? {
    if let shared, shared.server == server { return shared.key }
    guard let theirs = PublicKey(hex: server) else { return nil }
    let key = box.agree(theirs: theirs, mine: secret)
    shared = (server, key)
    return key
  }
}
