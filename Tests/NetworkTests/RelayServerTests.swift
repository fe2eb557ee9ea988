import CommServer
import FrameBytes
import Testing
import Wire

@testable import Network

@Suite("The server on sockets", .timeLimit(.minutes(2)))
struct RelayServerTests {
  static func server(
    _ settings: CommServerSettings = .deployed, _ configure: (inout ServerOptions) -> Void = { _ in }
  ) async throws -> RelayServer {
    var options = ServerOptions(settings: settings)
    configure(&options)
    return try await RelayServer(options)
  }

  static func bytes(_ count: Int, _ seed: UInt8 = 3) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) ^ seed }
  }

  @Test(arguments: [CommServerSettings.deployed, .strict])
  func `relays messages of every size in both directions, in type, bytes and order`(
    _ settings: CommServerSettings
  ) async throws {
    let server = try await Self.server(settings)
    let (listener, dialer) = try await Peer.relay(server.url)
    for size in [0, 1, 125, 126, 4_097, 65_535, 65_536, 300_000, 2 << 20] {
      let bytes = Self.bytes(size)
      dialer.client.send(binary: bytes)
      listener.client.send(text: String(repeating: "ü", count: size / 2))
      #expect(await listener.next() == .binary(bytes))
      #expect(await dialer.next() == .text(String(repeating: "ü", count: size / 2)))
    }
    for number in 0..<500 { dialer.client.send(text: "\(number)") }
    for number in 0..<500 { #expect(await listener.next() == .text("\(number)")) }
    await server.stop(grace: 500)
  }

  @Test
  func `a close passes on as 1000 with its reason and is echoed as it came`() async throws {
    let server = try await Self.server()
    let (listener, dialer) = try await Peer.relay(server.url)
    dialer.client.close(CloseBody(code: 4_001, reason: "app reason ü"))
    #expect(try await listener.close() == CloseBody(code: 1_000, reason: "app reason ü"))
    #expect(try await dialer.close() == CloseBody(code: 4_001, reason: "app reason ü"))
    #expect(await dialer.next() == .ended)
    #expect(await listener.next() == .ended)
    await server.stop(grace: 500)
  }

  @Test
  func `a lost leg closes the other with 1000 and no reason`() async throws {
    let server = try await Self.server()
    let (listener, dialer) = try await Peer.relay(server.url)
    dialer.client.cut()
    #expect(try await listener.close() == CloseBody(code: 1_000, reason: ""))
    await server.stop(grace: 500)
  }

  @Test
  func `fragments come out as one message, control frames in between are answered`() async throws {
    let server = try await Self.server()
    let (listener, dialer) = try await Peer.relay(server.url)
    dialer.client.send(.text, Array("gr".utf8) + [0xC3], isFinal: false)
    dialer.client.ping([1, 2, 3])
    dialer.client.send(.continuation, [0xBC], isFinal: false)
    dialer.client.send(.continuation, Array("ße".utf8))
    #expect(await dialer.next() == .pong([1, 2, 3]))
    #expect(await listener.next() == .text("grüße"))
    dialer.client.send(.binary, [], isFinal: false)
    dialer.client.send(.continuation, [])
    #expect(await listener.next() == .binary([]))
    await server.stop(grace: 500)
  }

  @Test
  func `a message above the part threshold arrives whole`() async throws {
    let server = try await Self.server(.deployed) { $0.partThreshold = 100_000 }
    let (listener, dialer) = try await Peer.relay(server.url)
    let bytes = Self.bytes(9 << 20)
    dialer.client.send(binary: bytes)
    #expect(await listener.next() == .binary(bytes))
    dialer.client.send(text: "behind it")
    #expect(await listener.next() == .text("behind it"))
    await server.stop(grace: 500)
  }

  struct Violation: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let code: UInt16
    var testDescription: String { name }
  }

  static let violations = [
    Violation(name: "unmasked", bytes: [0x81, 1, 0x61], code: 1_002),
    Violation(name: "RSV1", bytes: [0xC1, 0x80, 0, 0, 0, 0], code: 1_002),
    Violation(name: "RSV3", bytes: [0x91, 0x80, 0, 0, 0, 0], code: 1_002),
    Violation(name: "opcode 3", bytes: [0x83, 0x80, 0, 0, 0, 0], code: 1_002),
    Violation(name: "opcode 11", bytes: [0x8B, 0x80, 0, 0, 0, 0], code: 1_002),
    Violation(name: "fragmented ping", bytes: [0x09, 0x80, 0, 0, 0, 0], code: 1_002),
    Violation(name: "ping of 126", bytes: [0x89, 0xFE, 0, 126, 0, 0, 0, 0], code: 1_002),
    Violation(name: "stray continuation", bytes: [0x80, 0x80, 0, 0, 0, 0], code: 1_002),
    Violation(name: "text in a text", bytes: [0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80, 0, 0, 0, 0], code: 1_002),
    Violation(name: "close of one byte", bytes: [0x88, 0x81, 0, 0, 0, 0, 3], code: 1_002),
    Violation(name: "close code 999", bytes: [0x88, 0x82, 0, 0, 0, 0, 3, 0xE7], code: 1_002),
    Violation(name: "close code 1005", bytes: [0x88, 0x82, 0, 0, 0, 0, 3, 0xED], code: 1_002),
    Violation(name: "bad reason", bytes: [0x88, 0x83, 0, 0, 0, 0, 3, 0xE8, 0xFF], code: 1_007),
    Violation(name: "bad UTF-8", bytes: [0x81, 0x82, 0, 0, 0, 0, 0xC3, 0x28], code: 1_007),
    Violation(name: "half a character", bytes: [0x81, 0x81, 0, 0, 0, 0, 0xC3], code: 1_007),
    Violation(
      name: "bad UTF-8 in fragments", bytes: [0x01, 0x81, 0, 0, 0, 0, 0xC3, 0x80, 0x81, 0, 0, 0, 0, 0x28], code: 1_007),
    Violation(name: "100 MiB and a byte", bytes: [0x82, 0xFF, 0, 0, 0, 0, 6, 0x40, 0, 1, 0, 0, 0, 0], code: 1_009),
    Violation(name: "2^64 - 1", bytes: [0x82, 0xFF] + [UInt8](repeating: 255, count: 8) + [0, 0, 0, 0], code: 1_009),
  ]

  @Test(arguments: violations)
  func `closes what breaks RFC 6455 without a reason, fresh and in a relay`(_ violation: Violation) async throws {
    let server = try await Self.server()
    let fresh = try await Peer(server.url)
    fresh.client.sendRaw(violation.bytes)
    #expect(try await fresh.close() == CloseBody(code: violation.code))
    #expect(await fresh.next() == .ended)
    let (listener, dialer) = try await Peer.relay(server.url)
    dialer.client.sendRaw(violation.bytes)
    #expect(try await dialer.close() == CloseBody(code: violation.code))
    #expect(try await listener.close() == CloseBody(code: 1_000))
    await server.stop(grace: 500)
  }

  @Test
  func `bytes one at a time make the same messages`() async throws {
    let server = try await Self.server()
    let peer = try await Peer(server.url)
    let text = Array(#"{"command":"nonsense"}"#.utf8)
    var frame = FrameHeader(opcode: .text, mask: 0x0403_0201, length: UInt64(text.count)).encoded
    frame += Masking.apply(0x0403_0201, to: text)
    for byte in frame { try await peer.client.flushRaw([byte]) }
    #expect(
      try await peer.close().reason == "Close called: Received data does not match the data of a client message.")
    await server.stop(grace: 500)
  }

  @Test
  func `a plain GET gets 426, a bad upgrade 400, and any path is served`() async throws {
    let server = try await Self.server()
    func answer(_ request: String) async throws -> String {
      let peer = try await Peer(server.url) { $0.isRaw = true }
      peer.client.sendRaw(Array(request.utf8))
      var all: [UInt8] = []
      while case .binary(let bytes) = await peer.next() { all += bytes }
      return String(decoding: all, as: UTF8.self)
    }
    let plain = try await answer("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    #expect(plain.hasPrefix("HTTP/1.1 426 Upgrade Required\r\n"))
    #expect(plain.hasSuffix("\r\n\r\nUpgrade Required"))
    let upgrade = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    #expect(
      try await answer(upgrade + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n").hasPrefix(
        "HTTP/1.1 400"))
    #expect(
      try await answer(upgrade + "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: x\r\n\r\n").hasPrefix("HTTP/1.1 426"))
    #expect(try await answer("\u{0}\u{1}\r\n\r\n").hasPrefix("HTTP/1.1 400"))
    #expect(try await answer(String(repeating: "G", count: 20_000)).hasPrefix("HTTP/1.1 431"))
    let path = try await Peer(server.url + "/any/path?q=1") { $0.protocols = ["one", "two"] }
    #expect(path.client.response?.subprotocol == "one")
    #expect(path.client.response?.extensions == nil)
    await server.stop(grace: 500)
  }

  @Test
  func `a slow reader stops the sender, and nothing is lost`() async throws {
    let server = try await Self.server()
    let (listener, dialer) = try await Peer.relay(server.url)
    listener.client.setReading(false)
    let count = 160
    let bytes = Self.bytes(65_536)
    for _ in 0..<count { dialer.client.send(binary: bytes) }
    // 10 MB are on their way; the server has stopped to read when the buffers of both sockets are full.
    var held = 0
    while held == 0 { held = await server.statistics()?.1.pauses ?? 1 }
    listener.client.setReading(true)
    for _ in 0..<count { #expect(await listener.next() == .binary(bytes)) }
    await server.stop(grace: 500)
  }

  @Test
  func `the stop closes spares with a reason, relays without code, and refuses upgrades`() async throws {
    let server = try await Self.server()
    let spare = try await Peer(server.url, seed: 20)
    try await spare.register()
    let (listener, dialer) = try await Peer.relay(server.url)
    let fresh = try await Peer(server.url)
    async let stopped: Void = server.stop(grace: 2_000)
    #expect(try await spare.close() == CloseBody(code: 1_000, reason: "Close called."))
    #expect(try await listener.close() == CloseBody(code: nil))
    #expect(try await dialer.close() == CloseBody(code: nil))
    #expect(try await fresh.close() == CloseBody(code: nil))
    await stopped
    await #expect(throws: WebSocketClient.Failure.self) { _ = try await Peer(server.url) }
  }

  @Test
  func `one connection more than allowed gets 503`() async throws {
    let server = try await Self.server(.deployed) { $0.maximumConnections = 2 }
    let one = try await Peer(server.url)
    let two = try await Peer(server.url)
    await #expect(throws: WebSocketClient.Failure.refused(status: 503)) { _ = try await Peer(server.url) }
    one.client.cut()
    _ = two
    await server.stop(grace: 500)
  }

  @Test
  func `serves IPv6 beside IPv4 on one port`() async throws {
    let server = try await Self.server(.deployed) { $0.hosts = ["127.0.0.1", "::1"] }
    #expect(server.urls.count == 2)
    let (listener, dialer) = try await Peer.relay(server.urls[1])
    dialer.client.send(text: "six")
    #expect(await listener.next() == .text("six"))
    await server.stop(grace: 500)
  }

  @Test
  func `a port in use is a clear error`() async throws {
    let server = try await Self.server()
    await #expect(throws: RelayServer.Failure.self) { _ = try await Self.server(.deployed) { $0.port = server.port } }
    await server.stop(grace: 500)
  }

  @Test
  func `the head of a long first message closes in the strict profile, and what follows it harms nobody`() async throws
  {
    let server = try await Self.server(.strict)
    let peer = try await Peer(server.url)
    peer.client.sendRaw([0x82, 0xFF, 0, 0, 0, 0, 6, 0x40, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 50_000))
    #expect(try await peer.close() == CloseBody(code: 1_000, reason: "too_long"))
    peer.client.sendRaw([UInt8](repeating: 0x82, count: 50_000))
    #expect(await peer.next() == .ended)
    let (listener, dialer) = try await Peer.relay(server.url)
    dialer.client.send(binary: Self.bytes(10_000))
    #expect(await listener.next() == .binary(Self.bytes(10_000)))
    await server.stop(grace: 500)
  }

  @Test
  func `incomplete messages of all connections together stay within the budget`() async throws {
    let server = try await Self.server(.deployed) { $0.assemblyBudget = 1 << 20 }
    let peer = try await Peer(server.url)
    peer.client.send(.binary, Self.bytes(2 << 20), isFinal: false)
    #expect(try await peer.close() == CloseBody(code: 1_009))
    let (listener, dialer) = try await Peer.relay(server.url)
    dialer.client.send(text: "still served")
    #expect(await listener.next() == .text("still served"))
    await server.stop(grace: 500)
  }
}
