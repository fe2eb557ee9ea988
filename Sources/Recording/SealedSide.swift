import Cryptobox
import Trace
import Wire

/// One direction of an encrypted connection: counter, keep-alive, fragmentation (connection.md 3.3–3.5).
struct SealedSide {
  private let isInitiator: Bool
  private var counter: UInt64
  private var reassembler: Reassembler

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
      sink.emit(.decryptFailed(counter: used, length: frame.count))
      return nil
    }
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
