import CommServer
import Cryptobox
import FrameBytes
import Testing

@testable import Network

@Suite("wss", .timeLimit(.minutes(2)))
struct TLSTests {
  @Test
  func `a throw-away certificate serves who trusts it, by name and by address`() async throws {
    var options = ServerOptions(settings: .deployed)
    let material = try TLSMaterial.throwAway()
    options.tls = material
    let server = try await RelayServer(options)
    for url in [server.url, "wss://localhost:\(server.port)"] {
      let (listener, dialer) = try await Peer.relay(url) { $0.trust = .pinned(material.certificatePEM) }
      let bytes = RelayServerTests.bytes(1 << 20)
      dialer.client.send(binary: bytes)
      #expect(await listener.next() == .binary(bytes))
      dialer.client.close(CloseBody(code: 1_000, reason: "bye"))
      #expect(try await listener.close() == CloseBody(code: 1_000, reason: "bye"))
    }
    await server.stop(grace: 500)
  }

  @Test
  func `a wrong certificate, and no TLS at all, are clear errors`() async throws {
    var options = ServerOptions(settings: .deployed)
    options.tls = try TLSMaterial.throwAway()
    let server = try await RelayServer(options)
    let other = try TLSMaterial.throwAway()
    await #expect {
      _ = try await Peer(server.url) { $0.trust = .pinned(other.certificatePEM) }
    } throws: { error in
      guard case .tls(let why)? = error as? WebSocketClient.Failure else { return false }
      return why.uppercased().contains("CERTIFICATE")
    }
    let plain = try await RelayServer(ServerOptions(settings: .deployed))
    await #expect {
      _ = try await Peer("wss://127.0.0.1:\(plain.port)") { $0.trust = .anything }
    } throws: {
      $0 is WebSocketClient.Failure
    }
    await server.stop(grace: 500)
    await plain.stop(grace: 500)
  }

  @Test
  func `garbage as certificate or key is refused by name`() throws {
    let made = try #require(ThrowAwayCertificate())
    #expect(throws: TLSMaterial.Failure.self) {
      _ = try TLSMaterial(certificatePEM: Array("no".utf8), keyPEM: made.key)
    }
    #expect(throws: TLSMaterial.Failure.self) {
      _ = try TLSMaterial(certificatePEM: made.certificate, keyPEM: made.certificate)
    }
  }
}
