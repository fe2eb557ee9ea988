import Cryptobox
import Testing
import Wire
import WireBytes

@Suite("Keep-alive and fragmentation, connection.md 3.4 and 3.5")
struct LayerVectorTests {
  @Test("keep-alive escapes are the recorded ones", arguments: ConnectionVectors.list("keepalive_escape"))
  func keepAlive(_ vector: JSONValue) throws {
    let plain = try vector.text("plain")
    let escaped = try vector.text("escaped")
    #expect(KeepAlive.escape(plain) == escaped)
    #expect(KeepAlive.unescape(escaped) == plain)
  }

  @Test("fragmentation escapes are the recorded ones", arguments: ConnectionVectors.list("fragmentation_escape"))
  func fragmentationEscape(_ vector: JSONValue) throws {
    let plain = try vector.text("plain")
    let escaped = try vector.text("escaped")
    #expect(Fragmentation.escape(plain) == escaped)
    #expect(Fragmentation.unescape(escaped) == plain)
  }

  private func shown(_ piece: Fragmentation.Piece, byLength: Bool) -> String {
    switch piece {
    case .text(let text):
      let isMark = text.hasPrefix("fragmentation_")
      return byLength && !isMark ? "T:len=\(text.utf16.count)" : "T:\(text)"
    case .binary(let bytes): return byLength ? "B:len=\(bytes.count)" : "B:\(Hex.encode(bytes))"
    }
  }

  private func reassemble(_ pieces: [Fragmentation.Piece]) throws -> [Reassembler.Message] {
    var reassembler = Reassembler(profile: .strict)
    var out: [Reassembler.Message] = []
    for piece in pieces {
      let message: Reassembler.Message =
        switch piece {
        case .text(let text): .text(text)
        case .binary(let bytes): .binary(bytes)
        }
      if case .message(let whole, _) = try reassembler.receive(message) { out.append(whole) }
    }
    return out
  }

  @Test("small messages are cut as recorded, and put together again")
  func small() throws {
    let vector = try ConnectionVectors.section("fragmentation_small")
    let size = try vector.count("chunk_size")
    let cases = try #require(vector["cases"]?.array)
    #expect(cases.count == 7)
    for item in cases {
      let expected = try item.strings("messages")
      let isText = try item.text("kind") == "text"
      let whole: Reassembler.Message = isText ? .text(try item.text("data")) : .binary(try item.hex("data"))
      let pieces =
        switch whole {
        case .text(let text): Fragmentation.split(text: text, chunkSize: size)
        case .binary(let bytes): Fragmentation.split(bytes: bytes, chunkSize: size)
        }
      #expect(pieces.map { shown($0, byLength: false) } == expected)
      #expect(try reassemble(pieces) == [whole])
    }
  }

  @Test("messages around the deployed limits are cut as recorded")
  func boundaries() throws {
    let vector = try ConnectionVectors.section("fragmentation_deployed_boundaries")
    #expect(try vector.count("chunk_size") == Fragmentation.chunkSize)
    let cases = try #require(vector["cases"]?.array)
    #expect(cases.count == 6)
    for item in cases {
      // The cases read `text of N ASCII characters` and `binary of N bytes`.
      let words = try item.text("case").split(separator: " ")
      let length = try #require(words.count > 2 ? Int(words[2]) : nil)
      let pieces =
        words[0] == "text"
        ? Fragmentation.split(text: String(repeating: "a", count: length))
        : Fragmentation.split(bytes: [UInt8](repeating: 1, count: length))
      #expect(pieces.map { shown($0, byLength: true) } == (try item.strings("messages")))
    }
  }

  @Test("marks at the wrong place and other texts in between fail, with their own codes")
  func misplacedMarks() throws {
    let faults: [([Reassembler.Message], String)] = [
      ([.text(Fragmentation.end)], "fragmentation.end-without-start"),
      ([.text(Fragmentation.startText), .text(Fragmentation.startText)], "fragmentation.start-within-start"),
      ([.text(Fragmentation.startBinary), .text("hello")], "fragmentation.text-within"),
    ]
    for (messages, code) in faults {
      var reassembler = Reassembler()
      var failure: WireFailure?
      for message in messages {
        do throws(WireFailure) { _ = try reassembler.receive(message) } catch { failure = error }
      }
      #expect(failure?.code == code)
    }
  }

  @Test("an assembled message is bounded in bytes (FR-010)")
  func bounded() throws {
    var reassembler = Reassembler(maximum: 100)
    _ = try reassembler.receive(.text(Fragmentation.startBinary))
    _ = try reassembler.receive(.binary([UInt8](repeating: 0, count: 100)))
    #expect(throws: WireFailure.self) { try reassembler.receive(.binary([0])) }
  }
}

@Suite("The three layers together")
struct SecureStackTests {
  private func pair(
    _ profile: Profile, chunkSize: Int = 16
  ) throws -> (SecureStack<SodiumBox>, SecureStack<SodiumBox>) {
    let key = try #require(SharedKey(bytes: [UInt8](repeating: 5, count: 32)))
    func side(_ role: HandshakeRole) -> SecureStack<SodiumBox> {
      SecureStack(key: key, role: role, box: SodiumBox(), profile: profile, now: 0, chunkSize: chunkSize)
    }
    return (side(.initiator), side(.acceptor))
  }

  @Test("every message arrives as it was sent, whatever it looks like", arguments: Profile.allCases)
  func roundTrip(_ profile: Profile) throws {
    var (one, other) = try pair(profile)
    var random = SeededRandom(seed: 11)
    let messages: [WireMessage] = [
      .text(""), .binary([]), .text("keepalive"), .text("keepalivex"), .text("abc"), .text("fragmentation_end"),
      .text("fragmentation_start_binaryfragmentation_start_string"), .text("grüße €😀 und mehr"),
      .binary([UInt8](repeating: 3, count: 16)), .binary([UInt8](repeating: 3, count: 17)),
      .text(String(repeating: "😀", count: 100)),
    ]
    for chunkSize in [16, Fragmentation.chunkSize] {
      (one, other) = try pair(profile, chunkSize: chunkSize)
      for message in messages {
        var arrived: [WireMessage] = []
        for frame in try one.send(message, now: 1, random: &random) {
          if let whole = try other.receive(.binary(frame), now: 1) { arrived.append(whole) }
        }
        #expect(arrived == [message])
      }
    }
  }

  @Test("a pulse is due after 20 s without sending, the end after 25 s without receiving")
  func timers() throws {
    var (one, other) = try pair(.deployed)
    var random = SeededRandom(seed: 12)
    #expect(one.deadline == 20_000)
    #expect(try one.tick(now: 19_999, random: &random) == nil)
    guard case .pulse(let frame)? = try one.tick(now: 20_000, random: &random) else {
      Issue.record("no pulse")
      return
    }
    #expect(try one.tick(now: 20_000, random: &random) == nil)
    // A pulse restarts the receiver's watchdog and is not delivered.
    #expect(try other.receive(.binary(frame), now: 20_000) == nil)
    #expect(try one.tick(now: 25_000, random: &random) == .giveUp)
    #expect(try other.tick(now: 44_999, random: &random) != .giveUp)
    #expect(try other.tick(now: 45_000, random: &random) == .giveUp)
  }

  @Test("a pulse between two fragments does not hurt the message (KA-106)")
  func pulseBetweenFragments() throws {
    let key = try #require(SharedKey(bytes: [UInt8](repeating: 5, count: 32)))
    var sender = EncryptedChannel(key: key, role: .initiator, box: SodiumBox(), profile: .strict)
    var (_, receiver) = try pair(.strict)
    let messages: [WireMessage] = [
      .text(Fragmentation.startText), .binary(Array("gr".utf8) + [0xC3]), .text(KeepAlive.pulse),
      .binary([0xBC] + Array("ße".utf8)), .text(Fragmentation.end),
    ]
    var arrived: [WireMessage] = []
    for message in messages {
      let frame = try sender.seal(message, r: 0, padding: [])
      if let whole = try receiver.receive(.binary(frame), now: 1) { arrived.append(whole) }
    }
    #expect(arrived == [.text("grüße")])
  }
}
