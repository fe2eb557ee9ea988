import Cryptobox
import Wire

/// For planted faults only: opens frames beside the layers, and refuses or delivers what it must not.
struct Peek: Sendable {
  enum Verdict {
    case drop, refuse
    case deliver(WireMessage)
  }

  private static let defects: Set<Defect> = [
    .refusesLongPadding, .refusesOddFragments, .deliversKeepAlives, .ignoresOverlongFrames,
  ]
  private let key: SharedKey
  private let faults: Set<Defect>
  private var counter: UInt64
  private var isWithinFragments = false
  private var wasShort = false
  private var isDeaf = false

  /// Nil unless one of its faults is planted.
  init?(_ handshake: EstablishedHandshake, _ role: HandshakeRole, _ faults: Set<Defect>) {
    guard !faults.isDisjoint(with: Self.defects) else { return nil }
    self.faults = faults
    key = handshake.sessionKey
    counter = role == .initiator ? 0 : 1
  }

  mutating func look(_ message: WireMessage, _ box: AnyBox) -> Verdict? {
    guard case .binary(let frame) = message else { return nil }
    if faults.contains(.ignoresOverlongFrames), isDeaf || frame.count > 65_900 {
      // What follows does not fit any more; it is dropped, too.
      isDeaf = true
      return .drop
    }
    defer { counter += 2 }
    guard let plain = box.open(frame, nonce: Nonce(counter: counter), key: key), let first = plain.first,
      let padded = try? PaddedMessage.decode(plain)
    else { return nil }
    if faults.contains(.refusesLongPadding), first & 0x0F > 1 { return .refuse }
    guard padded.isText else {
      if isWithinFragments, wasShort, faults.contains(.refusesOddFragments) { return .refuse }
      wasShort = padded.body.count < 65_536
      return nil
    }
    let text = String(decoding: padded.body, as: UTF8.self)
    if text == KeepAlive.pulse { return faults.contains(.deliversKeepAlives) ? .deliver(.text(text)) : nil }
    isWithinFragments = text == Fragmentation.startText || text == Fragmentation.startBinary
    wasShort = false
    return nil
  }
}
