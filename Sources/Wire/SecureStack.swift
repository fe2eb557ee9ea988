public import Cryptobox

/// The three layers over an established handshake in their order: encryption, keep-alive, fragmentation
/// (connection.md 3.3–3.5). Application messages on one side, frames on the other, time as an argument.
public struct SecureStack<Box: BoxProvider>: Sendable {
  private var channel: EncryptedChannel<Box>
  private var reassembler: Reassembler
  private let chunkSize: Int
  private var lastSent: Double
  private var lastReceived: Double

  /// What `tick` wants done.
  public enum Due: Sendable, Equatable {
    /// This pulse is to be sent.
    case pulse([UInt8])
    /// Nothing came for 25 s: to be closed in the liveness form.
    case giveUp
  }

  /// `now` in milliseconds of any steady clock. `maximum` bounds a reassembled message in bytes.
  public init(
    key: SharedKey, role: HandshakeRole, box: Box, profile: Profile, now: Double, maximum: Int = 64 << 20,
    chunkSize: Int = Fragmentation.chunkSize
  ) {
    channel = EncryptedChannel(key: key, role: role, box: box, profile: profile)
    reassembler = Reassembler(profile: profile, maximum: maximum)
    self.chunkSize = chunkSize
    lastSent = now
    lastReceived = now
  }

  /// The frames that carry one application message.
  public mutating func send(
    _ message: WireMessage, now: Double, random: inout some RandomSource
  ) throws(WireFailure) -> [[UInt8]] {
    let pieces =
      switch message {
      case .text(let text): Fragmentation.split(text: text, chunkSize: chunkSize)
      case .binary(let bytes): Fragmentation.split(bytes: bytes, chunkSize: chunkSize)
      }
    var frames: [[UInt8]] = []
    for piece in pieces {
      let layered: WireMessage =
        switch piece {
        case .text(let text): .text(KeepAlive.escape(text))
        case .binary(let bytes): .binary(bytes)
        }
      frames.append(try channel.seal(layered, random: &random))
    }
    lastSent = now
    return frames
  }

  /// Takes one frame; gives the application message that it completes, if any.
  public mutating func receive(_ frame: WireMessage, now: Double) throws(WireFailure) -> WireMessage? {
    let message = try channel.open(frame)
    lastReceived = now
    let layered: Reassembler.Message
    switch message {
    case .text(KeepAlive.pulse): return nil
    case .text(let text): layered = .text(KeepAlive.unescape(text))
    case .binary(let bytes): layered = .binary(bytes)
    }
    switch try reassembler.receive(layered) {
    case .nothing: return nil
    case .message(.text(let text), _): return .text(text)
    case .message(.binary(let bytes), _): return .binary(bytes)
    }
  }

  /// When `tick` is to be called next, unless something is sent or received before.
  public var deadline: Double {
    min(lastSent + KeepAlive.sendAfter, lastReceived + KeepAlive.giveUpAfter)
  }

  /// What is due at this time, if anything.
  public mutating func tick(now: Double, random: inout some RandomSource) throws(WireFailure) -> Due? {
    if now >= lastReceived + KeepAlive.giveUpAfter { return .giveUp }
    guard now >= lastSent + KeepAlive.sendAfter else { return nil }
    lastSent = now
    return .pulse(try channel.seal(.text(KeepAlive.pulse), random: &random))
  }
}
