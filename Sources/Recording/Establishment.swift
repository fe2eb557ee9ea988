import Cryptobox
import Trace
import Wire
import WireBytes

/// What runs inside the encryption: connection establishment, then pairing, CHUM or something else (connection.md 4).
struct Establishment {
  enum Mode: Equatable {
    case establishing
    case pairing
    case chum
    /// The ends skip connection establishment, or use a group that no table describes.
    case application
  }

  /// What one direction has sent so far.
  private struct Side {
    var personKey: PublicKey?
    var challenge: [UInt8]?
    var proofsSent = 0
    var instanceSent = false
    var startedChum = false
  }

  private let initiatorDirection: Direction
  private(set) var mode = Mode.establishing
  private var groupName: String?
  private var sides: [Side] = [Side(), Side()]
  private var chum: ChumTracker

  init(initiatorDirection: Direction, limits: RecordingLimits) {
    self.initiatorDirection = initiatorDirection
    chum = ChumTracker(limits: limits)
  }

  private func index(_ direction: Direction) -> Int { Int(direction.rawValue) }

  mutating func receive(
    _ message: Reassembler.Message, _ direction: Direction, keys: KeyRing, _ sink: inout EventSink
  ) {
    let side = index(direction)
    switch mode {
    case .application where groupName == "debug": debugMessage(message, &sink)
    case .application: sink.emit(.application(op: op(message), length: message.length))
    case .establishing: establish(message, direction, keys, &sink)
    case .pairing: peerMessage(message, direction, &sink)
    case .chum:
      if !sides[side].instanceSent {
        // The other side may be ahead by its own instance message; this one is still establishing.
        establish(message, direction, keys, &sink)
      } else {
        chumMessage(message, direction, &sink)
      }
    }
  }

  private func op(_ message: Reassembler.Message) -> FrameKind { if case .text = message { .text } else { .binary } }

  private mutating func establish(
    _ message: Reassembler.Message, _ direction: Direction, _ keys: KeyRing, _ sink: inout EventSink
  ) {
    if groupName == nil, direction == initiatorDirection, !looksLikeCommand(message) {
      mode = .application
      return sink.emit(.application(op: op(message), length: message.length))
    }
    if groupName == nil, direction == initiatorDirection.opposite, !looksLikeCommand(message) {
      mode = .application
      return sink.emit(.application(op: op(message), length: message.length))
    }
    if sides[index(direction)].instanceSent {
      // P9 went out in this direction and the other one is still at it: what follows belongs to the group.
      return groupMessage(message, direction, &sink)
    }
    switch message {
    case .binary(let bytes): personProof(bytes, direction, keys, &sink)
    case .text: peerMessage(message, direction, &sink)
    }
  }

  private func looksLikeCommand(_ message: Reassembler.Message) -> Bool {
    guard case .text(let text) = message, let value = try? JSONValue.parse(text) else { return false }
    return value["command"] != nil
  }

  private mutating func groupMessage(
    _ message: Reassembler.Message, _ direction: Direction, _ sink: inout EventSink
  ) {
    switch groupName {
    case "pairing": peerMessage(message, direction, &sink)
    case "chum": chumMessage(message, direction, &sink)
    case "debug": debugMessage(message, &sink)
    default: sink.emit(.application(op: op(message), length: message.length))
    }
  }

  /// The debug protocol has four messages, told apart by `type` (connection.md 4.6).
  private func debugMessage(_ message: Reassembler.Message, _ sink: inout EventSink) {
    guard case .text(let text) = message, let type = (try? JSONValue.parse(text))?["type"]?.string,
      ["start_protocol", "request_data", "accessible_objects", "data"].contains(type)
    else { return sink.emit(.unclassified("a message that the debug protocol does not know")) }
    sink.emit(.application(op: .text, length: message.length))
  }

  private mutating func peerMessage(
    _ message: Reassembler.Message, _ direction: Direction, _ sink: inout EventSink
  ) {
    let side = index(direction)
    guard case .text(let text) = message else {
      return sink.emit(
        .peerFault(
          WireFailure("peer.binary", "connection.md 4.1", "a binary message of \(message.length) bytes")))
    }
    if mode == .pairing, text == ChumMessage.controlText {
      // The forked models go on into CHUM on the pairing's connection (connection.md 5.5).
      mode = .chum
      return chumMessage(message, direction, &sink)
    }
    let decoded: PeerMessage
    do throws(WireFailure) {
      decoded = try PeerMessage.decode(text)
    } catch {
      return sink.emit(.peerFault(error))
    }
    switch decoded {
    case .connectionGroup(let name): if groupName == nil { groupName = name }
    case .keysObject(_, let publicKey, _): sides[side].personKey = PublicKey(hex: publicKey)
    case .instanceIdObject: sides[side].instanceSent = true
    default: break
    }
    sink.emit(.peer(decoded))
    if sides[0].instanceSent && sides[1].instanceSent, mode == .establishing {
      mode = groupName == "pairing" ? .pairing : groupName == "chum" ? .chum : .application
    }
  }

  /// P5–P8: the acceptor challenges first, so the initiator's first binary message is a response.
  private mutating func personProof(
    _ bytes: [UInt8], _ direction: Direction, _ keys: KeyRing, _ sink: inout EventSink
  ) {
    let side = index(direction)
    let isInitiator = direction == initiatorDirection
    let number = sides[side].proofsSent
    sides[side].proofsSent += 1
    let step: PersonProof.Step = (number == 0) == isInitiator ? .response : .challenge
    guard number < 2 else {
      return sink.emit(
        .peerFault(WireFailure("peer.surplus-proof", "connection.md 4.1", "a third binary message of one side")))
    }
    var outcome = PersonProof.Outcome.unknown
    if let one = sides[0].personKey, let other = sides[1].personKey, let key = keys.agree(one, other) {
      let plain = keys.open(bytes, with: key)
      switch step {
      case .challenge:
        sides[side].challenge = plain
        outcome = plain == nil ? .notOpened : plain?.count == 64 ? .good : .wrong
      case .response:
        let challenge = sides[1 - side].challenge
        outcome = plain == nil ? .notOpened : plain == challenge?.map({ ~$0 }) ? .good : .wrong
      }
    }
    sink.emit(.personProof(PersonProof(step: step, length: bytes.count, outcome: outcome)))
  }

  private mutating func chumMessage(
    _ message: Reassembler.Message, _ direction: Direction, _ sink: inout EventSink
  ) {
    let side = index(direction)
    switch message {
    case .text(let text):
      // The first text that is no JSON request is the control text, whatever it says (chum.md 1.2).
      if !sides[side].startedChum {
        sides[side].startedChum = true
        if (try? ChumMessage.decode(text)) == nil { return sink.emit(.controlText(text)) }
      } else if text == ChumMessage.controlText {
        // A second one starts nothing; it is both a control text too many and an invalid message.
        sink.emit(.controlText(text))
      }
      chum.text(text, direction, &sink)
    case .binary(let bytes): chum.binary(bytes, direction, &sink)
    }
  }
}
