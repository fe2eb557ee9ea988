import Cryptobox
import FrameBytes
import Synchronization
import Testing
import Trace
import Wire
import WireBytes

@testable import Network
@testable import Recording

@Suite("The recording proxy", .timeLimit(.minutes(2)))
struct RecordingProxyTests {
  /// Takes the proxy's lines.
  final class Tape: Sendable {
    private let bytes = Mutex<[UInt8]>([])
    func append(_ piece: [UInt8]) { bytes.withLock { $0 += piece } }
    var all: [UInt8] { bytes.withLock { $0 } }
  }

  /// A session of all kinds through a proxy: registration, relay, messages, a refusal, closes, a loss.
  private static func record(_ pseudonyms: Pseudonyms?) async throws -> (
    lines: [RecordedLine], bytes: [UInt8], keys: [String]
  ) {
    let server = try await RelayServerTests.server()
    var options = RecordingProxy.Options(upstream: try #require(WebSocketURL(server.url)))
    options.pseudonyms = pseudonyms
    let tape = Tape()
    var writer = SessionWriter(pseudonyms: pseudonyms)
    writer.header(name: "test", description: "a test", started: "2026-11-25T10:00:00.000Z")
    tape.append(writer.take())
    let proxy = try await RecordingProxy(options) { tape.append($0) }
    let (listener, dialer) = try await Peer.relay(proxy.url)
    dialer.client.send(text: "grüße €😀 \"quoted\" \u{1}")
    dialer.client.send(binary: [0, 1, 254, 255])
    _ = await listener.next()
    _ = await listener.next()
    listener.client.send(.text, Array("in two".utf8), isFinal: false)
    listener.client.send(.continuation, Array(" pieces".utf8))
    #expect(await dialer.next() == .text("in two pieces"))
    listener.client.ping([5])
    #expect(await listener.next() == .pong([5]))
    dialer.client.close(CloseBody(code: 4_001, reason: "app"))
    #expect(try await dialer.close() == CloseBody(code: 4_001, reason: "app"))
    #expect(try await listener.close() == CloseBody(code: 1_000, reason: "app"))
    #expect(await dialer.next() == .ended)
    #expect(await listener.next() == .ended)
    let refused = try await Peer(proxy.url, seed: 99)
    refused.request(listener)
    #expect(try await refused.close().reason.contains("No listening connection"))
    #expect(await refused.next() == .ended)
    let codeless = try await Peer(proxy.url)
    codeless.client.close(CloseBody(code: nil))
    #expect(try await codeless.close() == CloseBody(code: nil))
    #expect(await codeless.next() == .ended)
    let lost = try await Peer(proxy.url)
    lost.client.cut()
    #expect(await lost.next() == .ended)
    while await proxy.statistics()?.open ?? 0 > 0 {}
    await server.stop(grace: 500)
    await #expect(throws: WebSocketClient.Failure.refused(status: 502)) { _ = try await Peer(proxy.url) }
    await proxy.stop()
    let bytes = tape.all
    let lines = try bytes.split(separator: 0x0A).dropFirst().enumerated().map {
      try RecordedLine(Array($0.element), number: $0.offset + 2)
    }
    return (lines, bytes, [listener.publicHex, dialer.publicHex, refused.publicHex])
  }

  private static func words(_ line: RecordedLine) -> String {
    let direction = line.direction == .fromClient ? "c2s" : "s2c"
    return switch line.content {
    case .open: "\(line.conn) \(direction) open"
    case .message(.text(let text), _, _): "\(line.conn) \(direction) text \(text)"
    case .message(.binary(let bytes), _, _): "\(line.conn) \(direction) binary \(bytes)"
    case .close(let code, let reason, let echo):
      "\(line.conn) \(direction) close \(code) \(reason)\(echo ? " echo" : "")"
    case .error: "\(line.conn) \(direction) error"
    }
  }

  @Test
  func `writes messages, closes, echoes and losses in their order, byte for byte`() async throws {
    let (lines, bytes, keys) = try await Self.record(nil)
    let words = lines.map(Self.words)
    for expected in [
      "c1 c2s open", "c1 s2c open", "c2 c2s text grüße €😀 \"quoted\" \u{1}", "c1 s2c text grüße €😀 \"quoted\" \u{1}",
      "c2 c2s binary [0, 1, 254, 255]", "c1 s2c binary [0, 1, 254, 255]", "c1 c2s text in two pieces",
      "c2 s2c text in two pieces", "c2 c2s close 4001 app", "c2 s2c close 4001 app echo", "c1 s2c close 1000 app",
      "c1 c2s close 1000 app echo", "c4 c2s close 1005 ", "c4 s2c close 1005  echo", "c5 c2s close 1006 ",
      "c6 s2c error", "c6 s2c close 1006 ",
    ] {
      #expect(words.filter { $0 == expected }.count == 1, "\(expected)")
    }
    #expect(zip(lines, lines.dropFirst()).allSatisfy { $0.time <= $1.time })
    let text = String(decoding: bytes, as: UTF8.self)
    for key in keys { #expect(text.contains(key)) }
    #expect(try Self.findings(bytes) == 0)
  }

  @Test
  func `pseudonyms hide every key, stay the same throughout, and the session still reads`() async throws {
    let (lines, bytes, keys) = try await Self.record(Pseudonyms(salt: [1, 2, 3]))
    let text = String(decoding: bytes, as: UTF8.self)
    for key in keys { #expect(!text.contains(key) && !text.contains(key.uppercased())) }
    let pseudonym = Pseudonyms(salt: [1, 2, 3]).redact(keys[0])
    #expect(pseudonym.count == 64 && lines.map(Self.words).filter { $0.contains(pseudonym) }.count >= 4)
    #expect(try Self.findings(bytes) == 0)
  }

  /// Reads the session to its end; gives the lines that the reader could not make sense of.
  private static func findings(_ bytes: [UInt8]) throws -> Int {
    var reader = try SessionReader(MemorySource(bytes))
    while try reader.next() {}
    return reader.truncation == nil ? 0 : 1
  }
}
