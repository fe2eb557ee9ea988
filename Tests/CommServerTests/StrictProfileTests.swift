import Cryptobox
import Testing
import Wire

@testable import CommServer

@Suite("The strict machine")
struct StrictProfileTests {
  private static let ping = #"{"command":"ping"}"#
  private static let pong = #"{"command":"pong"}"#

  @Test
  func `silence is closed after ten seconds in both states before registration`() {
    var world = World()
    world.open("mute")
    world.open("half")
    world.say("half", CommServerMessage.register(publicKey: World.key("half")).text)
    world.wait(9_999)
    #expect(!world.isClosed("mute") && !world.isClosed("half"))
    world.wait(1)
    #expect(world.last("mute") == "close 1000 timeout" && world.last("half") == "close 1000 timeout")
    #expect(world.server.statistics.connections == 0)
  }

  @Test
  func `keys that are no keys get no challenge`() {
    let lowOrder = [
      String(repeating: "0", count: 64), "01" + String(repeating: "0", count: 62),
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    ]
    for key in lowOrder + [String(repeating: "z", count: 64), String(World.key("a").dropLast(2)), "", "٣"] {
      var world = World()
      world.open("a")
      world.say("a", CommServerMessage.register(publicKey: key).text)
      #expect(world.got("a") == ["close 1000 bad_key"], "\(key)")
    }
  }

  @Test
  func `a bad request takes no spare and tells no listener`() {
    for source in ["", "00", String(repeating: "0", count: 64), String(World.key("x").dropLast(2))] {
      var world = World()
      world.register("listener")
      let before = world.got("listener").count
      world.request("dialer", to: World.key("listener"), source: source)
      #expect(world.isClosed("dialer"))
      #expect(world.got("listener").count == before)
      world.request("honest", to: World.key("listener"))
      #expect(world.got("listener").count == before + 2)
    }
  }

  @Test
  func `what a requester sends early arrives behind the request, up to a bound`() {
    var world = World()
    world.register("listener")
    world.wait(25_000)
    #expect(world.last("listener") == Self.ping)
    world.request("dialer", to: World.key("listener"))
    world.say("dialer", "one")
    world.say("dialer", bytes: [2])
    world.say("listener", Self.pong)
    let tail = world.got("listener").suffix(4)
    #expect(tail.first == #"{"command":"connection_handover"}"#)
    #expect(Array(tail.suffix(2)) == ["one", "binary 02 1"])

    var flooded = World()
    flooded.register("listener")
    flooded.wait(25_000)
    flooded.request("dialer", to: World.key("listener"))
    for _ in 0..<17 { flooded.say("dialer", "x") }
    #expect(flooded.last("dialer") == "close 1000 too_early")
    flooded.say("listener", Self.pong)
    #expect(flooded.last("listener") == Self.ping)
  }

  @Test
  func `a spare that dies in the handover is replaced by the next one`() {
    var world = World()
    world.register("old", as: "listener")
    world.wait(10_000)
    world.register("new", as: "listener")
    world.wait(15_000)
    world.say("old", Self.pong)
    world.wait(10_000)
    #expect(world.last("new") == Self.ping)
    world.request("dialer", to: World.key("listener"))
    world.wait(1_000)
    #expect(world.last("new") == "close 1000 timeout")
    #expect(world.got("old").contains(#"{"command":"connection_handover"}"#))
    #expect(!world.isClosed("dialer"))
  }

  @Test
  func `a requester that vanishes before the handover leaves the spare a spare`() {
    var world = World()
    world.register("listener")
    world.wait(25_000)
    world.request("dialer", to: World.key("listener"))
    world.leave("dialer")
    world.say("listener", Self.pong)
    #expect(world.count("listener", "connection_handover") == 0)
    world.request("second", to: World.key("listener"))
    #expect(world.count("listener", "connection_handover") == 1)
  }

  @Test
  func `limits hold: spares, sockets, requests, pongs, strays, length, depth, doubled members`() {
    var world = World()
    for number in 0..<17 { world.register("s\(number)", as: "listener", address: "10.1.0.\(number)") }
    #expect(world.last("s16") == "close 1000 too_many" && !world.isClosed("s15"))
    for number in 0..<21 { world.open("fast\(number)", address: "10.2.0.1") }
    #expect(!world.isClosed("fast19") && world.last("fast20") == "close 1000 rate_limited")
    world.wait(1_000)
    world.open("later", address: "10.2.0.1")
    #expect(!world.isClosed("later"))

    var other = World()
    other.register("listener")
    for _ in 0..<11 { other.say("listener", Self.pong) }
    #expect(other.last("listener") == "close 1000 rate_limited")
    other.register("stray")
    other.say("stray", "hello")
    #expect(other.last("stray") == "close 1000 unexpected")
    let long = String(repeating: " ", count: 4_097)
    let deep = String(repeating: "[", count: 33) + String(repeating: "]", count: 33)
    let register = CommServerMessage.register(publicKey: World.key("x")).text
    for (text, reason) in [
      (register + long, "too_long"), (#"{"command":"register","publicKey":"","x":\#(deep)}"#, "malformed"),
      (#"{"command":"x",\#(register.dropFirst())"#, "malformed"), ("", "malformed"), ("null", "malformed"),
      (#"{"command":"pong"}"#, "malformed"), (#"{"command":"comm_pong"}"#, "unexpected"),
    ] {
      other.open("bad", address: nil)
      other.say("bad", text)
      #expect(other.last("bad") == "close 1000 \(reason)")
    }
    other.open("fat", address: nil)
    other.oversized("fat")
    #expect(other.last("fat") == "close 1000 too_long")
  }

  @Test
  func `one address can ask for one key sixty times a minute and then not until the next`() {
    var settings = CommServerSettings.strict
    settings.socketsPerSecond = nil
    var world = World(settings)
    for number in 0..<60 { world.request("d\(number)", to: World.key("listener")) }
    #expect(world.last("d59") == "close 1000 no_listener")
    world.register("listener")
    world.request("d60", to: World.key("listener"))
    #expect(world.last("d60") == "close 1000 rate_limited")
    world.request("elsewhere", to: World.key("listener"), address: "10.9.9.9")
    #expect(!world.isClosed("elsewhere"))
  }

  @Test
  func `ten thousand keys that came and went leave nothing behind`() {
    var settings = CommServerSettings.strict
    settings.socketsPerSecond = nil
    var world = World(settings)
    for number in 0..<300 {
      world.register("k\(number)", address: nil)
      world.leave("k\(number)", code: 1_000)
    }
    #expect(world.server.statistics.keys == 0 && world.server.statistics.connections == 0)
    // The deployed server remembers each; ours no more than its bound.
    var deployed = CommServerSettings.deployed
    deployed.rememberedKeys = 100
    var remembering = World(deployed)
    for number in 0..<300 {
      remembering.register("k\(number)")
      remembering.leave("k\(number)", code: 1_000)
    }
    #expect(remembering.server.statistics.keys == 100)
  }

  @Test
  func `a silent relay ends after two minutes on both legs, a busy one does not`() {
    var world = World()
    world.relay("listener", "dialer")
    for _ in 0..<5 {
      world.wait(100_000)
      world.say("dialer", "still here")
    }
    #expect(!world.isClosed("listener"))
    world.wait(120_000)
    #expect(world.last("listener") == "close 1000 idle" && world.last("dialer") == "close 1000 idle")
    #expect(world.server.statistics.relays == 0 && world.server.statistics.connections == 0)
  }

  @Test
  func `no text of the inside reaches a peer`() {
    for fault in ["{", "null", "[]", #"{"command":"register","publicKey":5}"#] {
      var world = World()
      world.open("a")
      world.say("a", fault)
      #expect(!world.last("a").contains("Error") && world.last("a").utf8.count < 40)
    }
  }
}
