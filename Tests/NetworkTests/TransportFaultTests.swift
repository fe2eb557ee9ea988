import CommServer
import FrameBytes
import Testing

@testable import Network

@Suite("Planted faults of the WebSocket layer show", .timeLimit(.minutes(2)))
struct TransportFaultTests {
  /// What a curious client sees of a server, in words.
  private static func observe(_ faults: Set<Fault>) async throws -> [String] {
    var settings = CommServerSettings.deployed
    settings.faults = faults
    let server = try await RelayServerTests.server(settings) { $0.messageLimit = 100_000 }
    var seen: [String] = []
    func note(_ what: String, _ body: () async throws -> String) async {
      do { seen.append("\(what): \(try await body())") } catch { seen.append("\(what): \(error)") }
    }
    for path in ["/", "/other"] {
      await note(path) { "\(try await Peer(server.url + path).client.response?.status ?? 0)" }
    }
    await note("offer") {
      let peer = try await Peer(server.url) {
        $0.protocols = ["p"]
        $0.extensions = "permessage-deflate; client_max_window_bits"
      }
      return "\(String(describing: peer.client.response?.extensions))"
    }
    await note("ping") {
      let peer = try await Peer(server.url) { $0.protocols = ["p"] }
      peer.client.ping([7, 8])
      peer.client.close()
      return "\(await peer.next())"
    }
    for (name, bytes) in [
      ("fragments", [0x01, 0x81, 0, 0, 0, 0, 0x7B, 0x80, 0x81, 0, 0, 0, 0, 0x7D]),
      ("bad UTF-8", [0x81, 0x81, 0, 0, 0, 0, 0xFF]), ("unmasked", [0x81, 2, 0x7B, 0x7D]),
      ("RSV1", [0xC1, 0x82, 0, 0, 0, 0, 0x7B, 0x7D]), ("long", [0x82, 0xFF, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0]),
    ] as [(String, [UInt8])] {
      await note(name) {
        let peer = try await Peer(server.url) { $0.protocols = ["p"] }
        peer.client.sendRaw(bytes)
        return "\(try await peer.close())"
      }
    }
    await server.stop(grace: 100)
    return seen
  }

  @Test(arguments: Fault.allCases.filter { $0.isOfTransport && $0 != .noBackpressure })
  func `a planted fault changes what a client sees`(_ fault: Fault) async throws {
    #expect(try await Self.observe([fault]) != Self.observe([]))
  }

  @Test
  func `the healthy server looks the same twice`() async throws {
    #expect(try await Self.observe([]) == Self.observe([]))
  }

  @Test
  func `without backpressure the server never stops to read for a slow reader`() async throws {
    var settings = CommServerSettings.deployed
    settings.faults = [.noBackpressure]
    let server = try await RelayServerTests.server(settings)
    let (listener, dialer) = try await Peer.relay(server.url)
    listener.client.setReading(false)
    let bytes = RelayServerTests.bytes(65_536)
    for _ in 0..<160 { dialer.client.send(binary: bytes) }
    while await server.statistics()?.1.relayedMessages ?? 161 < 161 {}
    #expect(await server.statistics()?.1.pauses == 0)
    await server.stop(grace: 100)
  }
}
