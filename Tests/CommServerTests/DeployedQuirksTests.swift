import Cryptobox
import Testing
import Wire
import WireBytes

@testable import CommServer

/// Quirks of the real server that connection.md 2.5 and 2.9 describe and the recordings do not show as a whole.
@Suite("The deployed machine's quirks")
struct DeployedQuirksTests {
  private static let ping = #"{"command":"ping"}"#
  private static let pong = #"{"command":"pong"}"#

  @Test
  func `silence is never closed before the registration`() {
    var world = World(.deployed)
    world.open("mute")
    world.open("half")
    world.say("half", CommServerMessage.register(publicKey: World.key("half")).text)
    world.wait(86_400_000)
    #expect(!world.isClosed("mute") && !world.isClosed("half"))
  }

  @Test
  func `the zero key registers without any secret`() throws {
    var world = World(.deployed)
    world.open("forger")
    world.say("forger", CommServerMessage.register(publicKey: String(repeating: "z", count: 64)).text)
    // Agreement with the zero point gives the same box key to everybody, whatever the secret is.
    let zero = try #require(PublicKey(bytes: [UInt8](repeating: 0, count: 32)))
    let key = SodiumBox().agree(theirs: zero, mine: World.secret("anybody"))
    guard case .authenticationRequest(_, let hex)? = try? CommServerMessage.decode(world.last("forger")) else {
      return #expect(Bool(false), "no challenge")
    }
    let challenge = try #require(Hex.decode(hex))
    let plain = try ComplementProof.open(challenge, key: key, section: "", box: SodiumBox())
    let nonce = try #require(Nonce(bytes: [UInt8](repeating: 1, count: 24)))
    let answer = ComplementProof.seal(ComplementProof.complement(plain), nonce: nonce, key: key, box: SodiumBox())
    world.say("forger", CommServerMessage.authenticationResponse(response: Hex.encode(answer)).text)
    #expect(world.last("forger").contains("authentication_success"))
  }

  @Test
  func `a source key of wrong length orphans the spare for ever (race R3)`() {
    var world = World(.deployed)
    world.register("listener")
    world.request("bad", to: World.key("listener"), source: "00")
    #expect(world.last("bad") == "close 1000 Close called: CYENC-ENSPUB: Data is not a public key")
    #expect(world.last("listener") == #"{"command":"connection_handover"}"#)
    world.wait(3_600_000)
    #expect(world.last("listener") == #"{"command":"connection_handover"}"#)
    world.request("good", to: World.key("listener"))
    #expect(world.last("good") == "close 1000 Close called: No listening connection for the specified publicKey.")
  }

  @Test
  func `a requester that leaves while a pong is out costs its listener the socket (race R2)`() {
    var world = World(.deployed)
    world.register("listener")
    world.wait(25_000)
    world.request("dialer", to: World.key("listener"))
    world.leave("dialer")
    world.say("listener", Self.pong)
    #expect(world.count("listener", "connection_handover") == 1 && world.count("listener", "_request") == 2)
    world.wait(3_600_000)
    #expect(
      !world.isClosed("listener") && world.count("listener", "ping") == 1 + world.count("listener", "pingInterval"))
  }

  @Test
  func `a dead spare takes its requester along although another one waits (race R4)`() {
    var world = World(.deployed)
    world.register("old", as: "listener")
    world.wait(10_000)
    world.register("new", as: "listener")
    world.wait(15_000)
    world.say("old", Self.pong)
    world.wait(10_000)
    world.request("dialer", to: World.key("listener"))
    world.wait(1_000)
    #expect(
      world.last("dialer") == "close 1000 Close called: This connection is closed. It will never be opened again.")
    #expect(world.count("old", "connection_handover") == 0)
  }

  @Test
  func `eight strays poison the handover, the ninth closes at once (race R6)`() {
    var world = World(.deployed)
    world.register("listener")
    for number in 0..<8 { world.say("listener", "stray \(number)") }
    #expect(!world.isClosed("listener"))
    world.request("dialer", to: World.key("listener"))
    #expect(world.isClosed("listener") && world.isClosed("dialer"))
    world.register("second")
    for _ in 0..<9 { world.say("second", bytes: [1]) }
    #expect(world.last("second") == "close 1000 Close called: Queue is full, it reached its maximum length of 10")
  }

  @Test
  func `early messages vanish until the splice, later ones and the listener's first do not (race R1)`() {
    var settings = CommServerSettings.deployed
    settings.spliceDelay = 5
    var world = World(settings)
    world.register("listener")
    world.request("dialer", to: World.key("listener"))
    world.say("dialer", "early")
    world.wait(5)
    world.say("dialer", "late")
    #expect(world.last("listener") == "late" && world.count("listener", "early") == 0)
    var fast = World(settings)
    fast.relay("listener", "dialer")
    #expect(fast.last("dialer") == World.ready)
  }

  @Test
  func `the last spare's own leaving changes one text, once (R8)`() {
    var world = World(.deployed)
    world.register("listener")
    world.leave("listener", code: 1_000)
    world.request("one", to: World.key("listener"))
    world.request("two", to: World.key("listener"))
    #expect(world.last("one").hasSuffix("This error should never happen!"))
    #expect(world.last("two").hasSuffix("for the specified publicKey."))
  }

  @Test
  func `hostile texts of every kind close or wait, and never trap`() {
    var random = SeededRandom(seed: 11)
    let pieces = [
      "{", "}", "[", "]", "\"", ":", ",", "command", "register", "publicKey", "null", "1e999", "-0", "\\u", "\\ud800",
      "\u{FEFF}", "😀", "authentication_response", "response", "communication_request", "\"command\":\"register\"",
    ]
    for profile in [CommServerSettings.deployed, .strict] {
      var settings = profile
      settings.socketsPerSecond = nil
      var world = World(settings)
      for number in 0..<3_000 {
        let name = "p\(number)"
        world.open(name, address: nil)
        var text = ""
        for _ in 0..<Int(random.next() % 12) { text += pieces[Int(random.next() % UInt64(pieces.count))] }
        world.say(name, text)
        world.say(name, bytes: random.bytes(Int(random.next() % 300)))
        if number % 7 == 0 { world.wait(1) }
        world.leave(name, code: UInt16(truncatingIfNeeded: random.next()), reason: text)
      }
      #expect(world.server.statistics.connections == 0)
    }
  }
}
