import Cryptobox
import Instance
import Wire
import WireBytes

/// The layers of a probe: frames good and bad.
extension ProbePeer {
  /// One application message of the probe, through fragmentation and encryption.
  mutating func sendPlain(_ message: WireMessage, _ random: inout some RandomSource) {
    guard stage == .secure, !isMuted else { return }
    if !hasActed, actsOnFrames {
      hasActed = true
      acted()
      return sendBadly(message, &random)
    }
    whole(message, &random)
  }

  private mutating func whole(_ message: WireMessage, _ random: inout some RandomSource) {
    let pieces =
      switch message {
      case .text(let text): Fragmentation.split(text: text)
      case .binary(let bytes): Fragmentation.split(bytes: bytes)
      }
    for piece in pieces {
      switch piece {
      case .text(let text): frame(.text(KeepAlive.escape(text)), &random)
      case .binary(let bytes): frame(.binary(bytes), &random)
      }
    }
  }

  /// One frame, sealed properly.
  mutating func frame(_ message: WireMessage, _ random: inout some RandomSource) {
    send(.binary(sealed(message, &random)))
  }

  private mutating func sealed(_ message: WireMessage, _ random: inout some RandomSource) -> [UInt8] {
    let r = random.bytes(1)[0]
    let padding = r > 1 ? random.bytes(Int(r) - 1) : []
    let plain =
      switch message {
      case .text(let text): PaddedMessage.encode(body: Array(text.utf8), isText: true, r: r, randomPadding: padding)
      case .binary(let bytes): PaddedMessage.encode(body: bytes, isText: false, r: r, randomPadding: padding)
      }
    return seal(plain)
  }

  /// Seals a plaintext as it is and counts on.
  private mutating func seal(_ plain: [UInt8]) -> [UInt8] {
    guard let sessionKey else { return [] }
    defer { sendCounter += 2 }
    return box.seal(plain, nonce: Nonce(counter: sendCounter), key: sessionKey)
  }

  /// True for the misbehaviours of this file.
  private var actsOnFrames: Bool {
    guard let misbehaviour = plan.misbehaviour else { return false }
    return Self.frameActs.contains(misbehaviour)
  }

  static let frameActs: Set<Misbehaviour> = [
    .frameFlipped, .frameTagFlipped, .frameDropped, .frameReplayed, .frameReflected, .frameAsText, .frameEmpty,
    .frameShort, .frameCut, .frameExtended, .frameCounterAhead, .frameOtherParity, .frameOtherKey, .frameOverlong,
    .plainEmpty, .paddingBeyondEnd, .paddingNineLengthBytes, .reservedFlags, .badUTF8, .paddingNone, .paddingMost,
    .paddingTwoLengthBytes, .paddingEightLengthBytes, .fragmentEndFirst, .fragmentStartTwice, .fragmentTextWithin,
    .fragmentTooLarge, .fragmentsOfOneByte, .fragmentsOfOddSizes, .keepAliveBetweenFragments, .keepAliveFirst,
    .clearTextInjected,
  ]

  private mutating func sendBadly(_ message: WireMessage, _ random: inout some RandomSource) {
    let text = if case .text(let text) = message { text } else { "" }
    let body = Array(text.utf8)
    switch plan.misbehaviour {
    case .frameFlipped:
      var bytes = sealed(message, &random)
      bytes[bytes.count - 1] ^= 1
      send(.binary(bytes))
      whole(message, &random)
    case .frameTagFlipped:
      var bytes = sealed(message, &random)
      bytes[0] ^= 0x80
      send(.binary(bytes))
      whole(message, &random)
    case .frameDropped:
      _ = sealed(.text("gone"), &random)
      whole(message, &random)
    case .frameReplayed:
      let bytes = sealed(.text(KeepAlive.pulse), &random)
      send(.binary(bytes))
      send(.binary(bytes))
      whole(message, &random)
    case .frameReflected:
      if let lastFrame { send(.binary(lastFrame)) } else { send(.binary(otherParity(body))) }
    case .frameAsText:
      send(.text(text))
      whole(message, &random)
    case .clearTextInjected:
      // The message that is due next, in clear: who takes it goes on with its keys.
      whole(message, &random)
      send(.text(PeerMessage.personIdObject(email: plan.own.personEmail).text))
    case .frameEmpty:
      send(.binary([]))
      sendCounter += 2
      whole(message, &random)
    case .frameShort:
      send(.binary(Array(sealed(message, &random).prefix(10))))
      whole(message, &random)
    case .frameCut:
      send(.binary(sealed(message, &random).dropLast()))
      whole(message, &random)
    case .frameExtended:
      send(.binary(sealed(message, &random) + [0]))
      whole(message, &random)
    case .frameCounterAhead:
      sendCounter += 2
      whole(message, &random)
    case .frameOtherParity: send(.binary(otherParity(body)))
    case .frameOtherKey:
      let key = SharedKey(bytes: [UInt8](repeating: 9, count: 32))
      let plain = PaddedMessage.encode(body: body, isText: true, r: 0, randomPadding: [])
      send(.binary(key.map { box.seal(plain, nonce: Nonce(counter: sendCounter), key: $0) } ?? []))
    case .frameOverlong: send(.binary(seal([0x00] + [UInt8](repeating: 1, count: 66_000))))
    default: sendOddly(body, message, &random)
    }
  }

  private func otherParity(_ body: [UInt8]) -> [UInt8] {
    guard let sessionKey else { return [] }
    let plain = PaddedMessage.encode(body: body, isText: true, r: 0, randomPadding: [])
    return box.seal(plain, nonce: Nonce(counter: sendCounter ^ 1), key: sessionKey)
  }

  /// Frames that open, with odd plaintexts, and odd fragments.
  private mutating func sendOddly(_ body: [UInt8], _ message: WireMessage, _ random: inout some RandomSource) {
    switch plan.misbehaviour {
    case .plainEmpty:
      send(.binary(seal([])))
      whole(message, &random)
    case .paddingBeyondEnd:
      send(.binary(seal([0x11, 200] + body.prefix(20))))
      whole(message, &random)
    case .paddingNineLengthBytes:
      send(.binary(seal([0x19] + [UInt8](repeating: 0, count: 8) + [0] + body)))
    case .reservedFlags: send(.binary(seal([0xF0] + body)))
    case .badUTF8:
      send(.binary(seal([0x10] + body.dropLast() + Array(#","x":""#.utf8) + [0xFF, 0xFE] + Array("\"}".utf8))))
    case .paddingNone: send(.binary(seal([0x10] + body)))
    case .paddingMost: send(.binary(seal([0x11, 254] + random.bytes(254) + body)))
    case .paddingTwoLengthBytes: send(.binary(seal([0x12, 1, 0] + random.bytes(256) + body)))
    case .paddingEightLengthBytes: send(.binary(seal([0x18, 0, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3] + body)))
    case .fragmentEndFirst:
      frame(.text(Fragmentation.end), &random)
      whole(message, &random)
    case .fragmentStartTwice:
      frame(.text(Fragmentation.startText), &random)
      frame(.text(Fragmentation.startText), &random)
      whole(message, &random)
    case .fragmentTextWithin:
      frame(.text(Fragmentation.startText), &random)
      whole(.text("within"), &random)
      whole(message, &random)
    case .fragmentTooLarge:
      // White space behind the message is still the same JSON.
      frame(.text(Fragmentation.startText), &random)
      frame(.binary(body), &random)
      for _ in 0..<40 { frame(.binary([UInt8](repeating: 0x20, count: 65_536)), &random) }
      frame(.text(Fragmentation.end), &random)
    case .fragmentsOfOneByte: fragments(body, sizes: [1], &random)
    case .fragmentsOfOddSizes: fragments(body, sizes: [3, 0, 17, 1], &random)
    case .keepAliveBetweenFragments: fragments(body, sizes: [20], pulses: true, &random)
    case .keepAliveFirst:
      for _ in 0..<3 { frame(.text(KeepAlive.pulse), &random) }
      whole(message, &random)
    default: whole(message, &random)
    }
  }

  private mutating func fragments(
    _ body: [UInt8], sizes: [Int], pulses: Bool = false, _ random: inout some RandomSource
  ) {
    frame(.text(Fragmentation.startText), &random)
    var rest = body[...]
    var index = 0
    while !rest.isEmpty {
      frame(.binary(Array(rest.prefix(sizes[index % sizes.count]))), &random)
      rest = rest.dropFirst(sizes[index % sizes.count])
      if pulses { frame(.text(KeepAlive.pulse), &random) }
      index += 1
    }
    frame(.text(Fragmentation.end), &random)
  }

  // MARK: Receiving

  mutating func receiveFrame(_ message: WireMessage, _ random: inout some RandomSource) {
    guard case .binary(let bytes) = message, let sessionKey else {
      seen.faults.append("text frame")
      return
    }
    lastFrame = bytes
    receivedFrames += 1
    let counter = receiveCounter
    receiveCounter += 2
    guard let plain = box.open(bytes, nonce: Nonce(counter: counter), key: sessionKey) else {
      seen.faults.append("frame \(counter) does not open")
      return
    }
    guard let padded = try? PaddedMessage.decode(plain) else {
      seen.faults.append("padding of \(counter)")
      return
    }
    let piece: Reassembler.Message
    if padded.isText {
      let text = String(decoding: padded.body, as: UTF8.self)
      if text == KeepAlive.pulse {
        seen.seen.append(.keepAlive)
        return
      }
      piece = .text(KeepAlive.unescape(text))
    } else {
      piece = .binary(padded.body)
    }
    guard case .message(let whole, _)? = try? reassembler.receive(piece) else { return }
    switch whole {
    case .text(let text): receivePlain(.text(text), &random)
    case .binary(let bytes): receivePlain(.binary(bytes), &random)
    }
  }
}
