public import Cryptobox

/// The two ends of a handshake; they differ in the parity of their counters (connection.md 3.3).
public enum HandshakeRole: Sendable, Equatable {
  /// Sends 1, 3, 5, …
  case initiator
  /// Sends 0, 2, 4, …
  case acceptor

  var firstCounter: UInt64 { self == .initiator ? 1 : 0 }
  var opposite: HandshakeRole { self == .initiator ? .acceptor : .initiator }
}

/// The encryption layer of one connection, both directions (connection.md 3.3): messages in, frames out, and back.
public struct EncryptedChannel<Box: BoxProvider>: Sendable {
  /// Counters from here on are refused: a key and nonce pair must never come twice.
  public static var counterLimit: UInt64 { 9_007_199_254_740_990 }
  /// The longest frame that a correct sender makes: one fragment, the most padding, the tag.
  public static var longestFrame: Int { Fragmentation.chunkSize + 256 + boxOverhead }

  private let key: SharedKey
  private let box: Box
  private let profile: Profile
  private var sendCounter: UInt64
  private var receiveCounter: UInt64
  private var hasFailed = false
  private static var section: String { "connection.md 3.3" }

  public init(key: SharedKey, role: HandshakeRole, box: Box, profile: Profile) {
    self.key = key
    self.box = box
    self.profile = profile
    sendCounter = role.firstCounter
    receiveCounter = role.opposite.firstCounter
  }

  /// The counter of the next frame in each direction.
  public var nextCounters: (send: UInt64, receive: UInt64) { (sendCounter, receiveCounter) }

  /// For tests of the limit: goes on from other counters.
  mutating func setCounters(send: UInt64, receive: UInt64) {
    sendCounter = send
    receiveCounter = receive
  }

  /// One frame, to go out as a binary message. Draws one byte r, then r − 1 bytes of padding when r > 0.
  public mutating func seal(_ message: WireMessage, random: inout some RandomSource) throws(WireFailure) -> [UInt8] {
    let r = random.bytes(1)[0]
    return try seal(message, r: r, padding: r > 1 ? random.bytes(Int(r) - 1) : [])
  }

  /// One frame with given padding.
  public mutating func seal(_ message: WireMessage, r: UInt8, padding: [UInt8]) throws(WireFailure) -> [UInt8] {
    guard sendCounter < Self.counterLimit else {
      throw WireFailure("channel.counter-limit", Self.section, "the counter reached its maximum")
    }
    let plain =
      switch message {
      case .text(let text):
        PaddedMessage.encode(body: Array(text.utf8), isText: true, r: r, randomPadding: padding)
      case .binary(let bytes): PaddedMessage.encode(body: bytes, isText: false, r: r, randomPadding: padding)
      }
    let frame = box.seal(plain, nonce: Nonce(counter: sendCounter), key: key)
    sendCounter += 2
    return frame
  }

  /// Opens one message of the peer. After a failure the connection is to be closed.
  ///
  /// The counter moves on whatever the result: the deployed code delivers later frames that open until the close is
  /// through; strict delivers nothing any more (ENC-023).
  public mutating func open(_ message: WireMessage) throws(WireFailure) -> WireMessage {
    if profile == .strict, hasFailed {
      throw WireFailure("channel.failed-before", Self.section, "nothing is taken after a failure")
    }
    do throws(WireFailure) {
      return try read(message)
    } catch {
      hasFailed = true
      throw error
    }
  }

  private mutating func read(_ message: WireMessage) throws(WireFailure) -> WireMessage {
    guard case .binary(let frame) = message else {
      throw WireFailure("channel.text", Self.section, "a text message on an encrypted connection")
    }
    guard receiveCounter < Self.counterLimit else {
      throw WireFailure("channel.counter-limit", Self.section, "the counter reached its maximum")
    }
    let counter = receiveCounter
    receiveCounter += 2
    if profile == .strict, frame.count > Self.longestFrame {
      throw WireFailure("channel.too-long", "connection.md 8.1", "a frame of \(frame.count) bytes")
    }
    guard let plain = box.open(frame, nonce: Nonce(counter: counter), key: key) else {
      throw WireFailure("channel.not-opened", Self.section, "a frame of \(frame.count) bytes, counter \(counter)")
    }
    let padded = try PaddedMessage.decode(plain, profile: profile)
    guard padded.isText else { return .binary(padded.body) }
    if profile == .strict {
      guard let text = String(validating: padded.body, as: UTF8.self) else {
        throw WireFailure("channel.bad-utf8", Self.section, "a text that is not UTF-8")
      }
      return .text(text)
    }
    return .text(lenientText(padded.body))
  }
}
