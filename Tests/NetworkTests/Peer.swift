import Cryptobox
import FrameBytes
import Testing
import Wire
import WireBytes

@testable import Network

/// A client of the tests: waits for the next event, and knows the way through a registration.
final class Peer {
  let client: WebSocketClient
  private var events: AsyncStream<WebSocketClient.Event>.Iterator
  let secret: SecretKey
  var publicHex: String { secret.publicKey.hex }

  init(_ url: String, seed: UInt64 = 1, _ configure: (inout WebSocketClient.Options) -> Void = { _ in }) async throws {
    var options = WebSocketClient.Options()
    options.timeout = 20_000
    configure(&options)
    client = try await WebSocketClient.connect(try #require(WebSocketURL(url)), options: options)
    events = client.events.makeAsyncIterator()
    var random = SeededRandom(seed: seed)
    secret = random.secretKey()
  }

  func next() async -> WebSocketClient.Event {
    let event = await events.next(isolation: #isolation)
    return event ?? .ended
  }

  /// The next text; anything else is a failure of the test.
  func text() async throws -> String {
    let event = await next()
    guard case .text(let text) = event else { throw Unexpected(event: event) }
    return text
  }

  /// The close frame that comes next, as it stands.
  func close() async throws -> CloseBody {
    let event = await next()
    guard case .close(let body) = event else { throw Unexpected(event: event) }
    return body
  }

  struct Unexpected: Error {
    let event: WebSocketClient.Event
  }

  /// Registers and gives the success message.
  @discardableResult
  func register() async throws -> String {
    client.send(text: CommServerMessage.register(publicKey: publicHex).text)
    guard case .authenticationRequest(let server, let hex) = try CommServerMessage.decode(try await text()),
      let challenge = Hex.decode(hex), let key = PublicKey(hex: server)
    else { throw Unexpected(event: .ended) }
    var random = SystemRandom()
    let box = SodiumBox()
    let response = try ProofResponder.answer(
      challenge, nonce: random.nonce(), key: box.agree(theirs: key, mine: secret), section: "", box: box,
      profile: .strict)
    client.send(text: CommServerMessage.authenticationResponse(response: Hex.encode(response)).text)
    return try await text()
  }

  /// Asks for a relay to the other's key.
  func request(_ listener: Peer) {
    client.send(text: CommServerMessage.communicationRequest(source: publicHex, target: listener.publicHex).text)
  }

  /// A listener and a dialer with a relay between them that is known to be up.
  static func relay(_ url: String, _ configure: (inout WebSocketClient.Options) -> Void = { _ in }) async throws -> (
    listener: Peer, dialer: Peer
  ) {
    let listener = try await Peer(url, seed: 7, configure)
    try await listener.register()
    let dialer = try await Peer(url, seed: 8, configure)
    dialer.request(listener)
    guard try await listener.text() == #"{"command":"connection_handover"}"#,
      try await listener.text().contains("communication_request")
    else { throw Unexpected(event: .ended) }
    listener.client.send(text: CommServerMessage.communicationReady.text)
    guard try await dialer.text() == CommServerMessage.communicationReady.text else { throw Unexpected(event: .ended) }
    return (listener, dialer)
  }
}
