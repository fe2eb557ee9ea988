import Cryptobox
import Trace
import Wire

/// One direction of an encrypted connection: counter, keep-alive, fragmentation (connection.md 3.3–3.5).
struct SealedSide {
  private let isInitiator: Bool
  private var counter: UInt64
  private var reassembler: Reassembler
  /// After a failure the counters may be out of step; only the first one of a series is looked into.
  private var isLost = false

  init(isInitiator: Bool, maximum: Int) {
    self.isInitiator = isInitiator
    counter = isInitiator ? 1 : 0
    reassembler = Reassembler(maximum: maximum)
  }

  /// The counter of the next frame.
  var nextCounter: UInt64 { counter }

  /// Opens one frame and takes the layers off; gives the whole message, when one is complete.
  mutating func receive(
    _ frame: [UInt8], key: SharedKey, keys: KeyRing, _ sink: inout EventSink
  ) -> Reassembler.Message? {
    let used = counter
    // The counter moves on whatever the result, as in the deployed code: later frames may open again.
    counter &+= 2
    guard let plain = keys.open(frame, counter: used, key: key) else {
      sink.show(.undecryptable, nil, nonce: used, cipherLength: frame.count)
      let other = isLost ? nil : nearCounter(frame, used, key, keys)
      isLost = true
      sink.emit(.decryptFailed(counter: used, length: frame.count, opensWith: other))
      if let marker = Plaintext.marker(in: frame) { sink.emit(.plaintextSeen(marker)) }
      return nil
    }
    isLost = false
    let padded: PaddedMessage
    do throws(WireFailure) {
      padded = try PaddedMessage.decode(plain)
    } catch {
      sink.show(.frame, .binary(plain), nonce: used, control: "bad padding", cipherLength: frame.count)
      sink.emit(.paddingFault(error))
      return nil
    }
    let message: Reassembler.Message = padded.isText ? .text(lenientText(padded.body)) : .binary(padded.body)
    sink.emit(
      .frame(
        SealedFrame(
          counter: used, length: frame.count, isText: padded.isText, flags: padded.flags,
          lengthBytes: padded.lengthBytes, padding: padded.r, bodyLength: padded.body.count)))
    if sink.wantsPlain {
      sink.show(
        .frame, payload(message), nonce: used, control: control(message), cipherLength: frame.count,
        paddingBytes: padded.r + 1)
    }
    return layers(message, &sink)
  }

  /// The counter that does open a frame: an earlier one for a replay, a later one behind a loss, the other side's own
  /// for a reflection.
  private func nearCounter(_ frame: [UInt8], _ due: UInt64, _ key: SharedKey, _ keys: KeyRing) -> UInt64? {
    guard frame.count >= 16, frame.count <= 1 << 17 else { return nil }
    for step in 1...32 as ClosedRange<UInt64> {
      let later = due &+ 2 * step
      if keys.open(frame, counter: later, key: key) != nil { return later }
      if due >= 2 * step, keys.open(frame, counter: due - 2 * step, key: key) != nil { return due - 2 * step }
    }
    for step in 0...16 as ClosedRange<UInt64> {
      let base = isInitiator ? due &- 1 : due &+ 1
      for counter in [base &+ 2 * step, base >= 2 * step ? base - 2 * step : base]
      where keys.open(frame, counter: counter, key: key) != nil { return counter }
    }
    return nil
  }

  private mutating func layers(_ message: Reassembler.Message, _ sink: inout EventSink) -> Reassembler.Message? {
    var message = message
    if case .text(let text) = message {
      if text == KeepAlive.pulse {
        sink.emit(.keepalive)
        return nil
      }
      message = .text(KeepAlive.unescape(text))
    }
    let wasOpen = reassembler.isOpen
    let output: Reassembler.Output
    do throws(WireFailure) {
      output = try reassembler.receive(message)
    } catch {
      sink.emit(.fragmentFault(error))
      return nil
    }
    switch output {
    case .nothing:
      sink.emit(.fragment(mark(message)))
      return nil
    case .message(let whole, let fragments):
      if wasOpen {
        sink.emit(.fragment(.end))
        sink.show(.reassembled, payload(whole), fragments: fragments)
      }
      sink.emit(.plain(whole, fragments: fragments))
      return whole
    }
  }

  private func mark(_ message: Reassembler.Message) -> FragmentMark {
    switch message {
    case .text(Fragmentation.startText): .startText
    case .text: .startBinary
    case .binary(let piece): .piece(length: piece.count)
    }
  }

  private func control(_ message: Reassembler.Message) -> String? {
    switch message {
    case .text(let text):
      switch text {
      case KeepAlive.pulse, Fragmentation.startText, Fragmentation.startBinary, Fragmentation.end: text
      default: nil
      }
    case .binary: reassembler.isOpen ? "fragment" : nil
    }
  }

  private func payload(_ message: Reassembler.Message) -> RecordedLine.Payload {
    switch message {
    case .text(let text): .text(text)
    case .binary(let bytes): .binary(bytes)
    }
  }
}
