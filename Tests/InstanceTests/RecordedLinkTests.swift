import Cryptobox
import Testing
import Wire

@testable import Instance

/// Our initiator and our acceptor in place of the recorded ones: same keys, same randomness, same bytes.
@Suite struct RecordedLinkTests {
  /// Every relay whose keys are known. In chum-blob-1 the reference itself sends start and end of a chunk without the
  /// bytes between them (INDEX.md), which no message asks for.
  static let relays: [RecordedConnection] = Fixtures.names.filter { $0 != "fail-tamper-1" && $0 != "chum-blob-1" }
    .flatMap { name in
      let all = (try? RecordedConnection.all(name)) ?? []
      return all.filter { $0.sessionKey != nil }
    }

  @Test(arguments: RecordedConnection.Side.allCases)
  func `a link sends every frame of every recorded connection byte for byte`(side: RecordedConnection.Side) throws {
    var frameCount = 0
    var connectionCount = 0
    for connection in Self.relays {
      let sent = try play(connection, side)
      let expected = connection.sent(side)
      let different = zip(sent, expected).enumerated().first { $0.element.0 != $0.element.1 }?.offset
      #expect(different == nil, "\(connection.recording) \(connection.conn) \(side)")
      let all = expected.count
      #expect(sent.count == all, "\(connection.recording) \(connection.conn) \(side)")
      frameCount += sent.count
      connectionCount += 1
    }
    #expect(connectionCount == Self.relays.count)
    #expect(connectionCount > 0 && frameCount > 10 * connectionCount)
  }

  /// Sends the messages that the recorded side sent, at the moments when it sent them, and gives all wire messages.
  private func play(_ connection: RecordedConnection, _ side: RecordedConnection.Side) throws -> [WireMessage] {
    let secret = try #require(
      connection.keys[side == .initiator ? connection.request.source : connection.request.target])
    let own = KeyPair(secret: secret, box: SodiumBox())
    var link =
      side == .initiator
      ? SecureLink.dialling(own: own, target: connection.request.target, settings: .deployed, box: AnyBox(SodiumBox()))
      : SecureLink.accepting(keys: [own], settings: .deployed, box: AnyBox(SodiumBox()))
    var random = ScriptedRandom(try #require(connection.handshakeDraws(side)))
    let frames = connection.frames(side)
    for frame in frames { random.append(RecordedConnection.draws(frame.padded)) }
    var messages = try applicationMessages(frames.map(\.padded))[...]
    var out: [WireMessage] = []
    func take(_ outputs: [SecureLink.Output]) {
      for case .send(let message) in outputs { out.append(message) }
    }
    take(link.start())
    for step in connection.steps {
      guard case .message(let from, let sent, let arrived, let time) = step else { continue }
      if from != side {
        for message in arrived { take(link.receive(message, now: time, random: &random)) }
      } else if link.isSecure, case .binary = sent, let due = messages.first, !out.contains(sent) {
        messages = messages.dropFirst()
        switch due {
        case .message(let message): out += try link.send(message, now: time, random: &random)
        // The pulse comes from the layer itself when its time has come, which node's timers meet to a millisecond or two.
        case .pulse:
          let due = try #require(link.deadline)
          #expect(abs(due - time) < 50)
          take(link.tick(now: due, random: &random))
        }
      }
    }
    #expect(random.missing == 0)
    return out
  }

  private enum Due {
    case message(WireMessage)
    case pulse
  }

  /// Puts the messages of a side together again; pulses stay.
  private func applicationMessages(_ frames: [[UInt8]]) throws -> [Due] {
    var reassembler = Reassembler()
    var out: [Due] = []
    for frame in frames {
      let piece: Reassembler.Message
      switch try RecordedConnection.body(frame) {
      case .text(KeepAlive.pulse):
        out.append(.pulse)
        continue
      case .text(let text): piece = .text(KeepAlive.unescape(text))
      case .binary(let bytes): piece = .binary(bytes)
      }
      switch try reassembler.receive(piece) {
      case .nothing: break
      case .message(.text(let text), _): out.append(.message(.text(text)))
      case .message(.binary(let bytes), _): out.append(.message(.binary(bytes)))
      }
    }
    return out
  }
}
