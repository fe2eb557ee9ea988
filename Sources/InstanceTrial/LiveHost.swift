import Cryptobox
import Dispatch
import FrameBytes
import Instance
import InstanceCases
import Network
import Wire
import WireBytes

/// Registers a probe's key at a CommServer and waits for somebody to be handed over: how the gate is the inviter.
struct LiveHost {
  enum Failure: Error, Sendable, CustomStringConvertible {
    case unreachable(String)
    case notRegistered(String)
    case nobodyCame

    var description: String {
      switch self {
      case .unreachable(let why): "the CommServer is \(why)"
      case .notRegistered(let why): "the CommServer does not register us: \(why)"
      case .nobodyCame: "nobody joined in time"
      }
    }
  }

  let client: WebSocketClient
  private let events: AsyncStream<WebSocketClient.Event>

  /// Connects, registers and proves the key.
  init(_ url: WebSocketURL, key: KeyPair, trust: TLSTrust) async throws(Failure) {
    var options = WebSocketClient.Options()
    options.trust = trust
    do throws(WebSocketClient.Failure) { client = try await WebSocketClient.connect(url, options: options) } catch {
      throw .unreachable("\(error)")
    }
    events = client.events
    client.send(text: CommServerMessage.register(publicKey: key.publicKey.hex).text)
    for await event in events {
      guard case .text(let text) = event else { throw .notRegistered("it closed") }
      let message: CommServerMessage
      do throws(WireFailure) { message = try CommServerMessage.decode(text) } catch { throw .notRegistered("\(error)") }
      switch message {
      case .authenticationRequest(let serverHex, let challengeHex):
        var random = SystemRandom()
        guard let server = PublicKey(hex: serverHex), let challenge = Hex.decode(challengeHex),
          let answer = try? ProofResponder.answer(
            challenge, nonce: random.nonce(), key: SodiumBox().agree(theirs: server, mine: key.secret),
            section: "connection.md 2.3", box: SodiumBox(), profile: .strict)
        else { throw .notRegistered("its challenge does not open") }
        client.send(text: CommServerMessage.authenticationResponse(response: Hex.encode(answer)).text)
      case .authenticationSuccess: return
      default: throw .notRegistered("it sent \(message.command)")
      }
    }
    throw .notRegistered("it closed")
  }

  /// Answers pings until a handover; gives what came behind it.
  func waitForHandover(seconds: Double) async throws(Failure) {
    let client = client
    let timer = DispatchSource.makeTimerSource()
    timer.schedule(deadline: .now() + seconds)
    timer.setEventHandler { client.cut() }
    timer.activate()
    defer { timer.cancel() }
    for await event in events {
      guard case .text(let text) = event, let message = try? CommServerMessage.decode(text) else { break }
      if message == .ping { client.send(text: CommServerMessage.pong.text) }
      if message == .connectionHandover { return }
    }
    throw .nobodyCame
  }
}
