import Cryptobox
import Testing
import Wire
import WireBytes

@testable import CommServer

/// Every planted fault of the machine must be visible from outside: a switch that changes nothing proves nothing.
@Suite("Planted faults show")
struct FaultTests {
  struct Script: Sendable {
    let name: String
    let run: @Sendable (inout World) -> Void
  }

  private static func register(_ text: String) -> @Sendable (inout World) -> Void {
    { world in
      world.open("a")
      world.say("a", text)
      world.wait(50)
    }
  }

  private static let key = World.key("a")
  private static let ping = #"{"command":"ping"}"#
  private static let pong = #"{"command":"pong"}"#

  private static func respond(_ change: @escaping @Sendable (inout World) -> String) -> @Sendable (inout World) -> Void
  {
    { world in
      world.open("a")
      world.say("a", CommServerMessage.register(publicKey: key).text)
      world.say("a", change(&world))
      world.wait(200)
    }
  }

  static let scripts: [Script] =
    registrations + [
      Script(name: "right response", run: respond { $0.response(to: "a", as: "a") }),
      Script(
        name: "upper-case response",
        run: respond {
          $0.response(to: "a", as: "a").uppercasedHex
        }),
      Script(name: "un-negated", run: respond { $0.response(to: "a", as: "a") { $0 } }),
      Script(
        name: "echoed",
        run: respond {
          let bytes = $0.challenge("a", as: "a")?.bytes ?? []
          return CommServerMessage.authenticationResponse(response: Hex.encode(bytes)).text
        }),
      Script(name: "63 bytes", run: respond { $0.response(to: "a", as: "a") { $0.dropLast().map { ~$0 } } }),
      Script(
        name: "flipped bit",
        run: respond {
          $0.response(to: "a", as: "a").replacingLastHexDigit()
        }),
      Script(
        name: "foreign box",
        run: respond { _ in
          CommServerMessage.authenticationResponse(response: String(repeating: "ab", count: 104)).text
        }),
      Script(name: "number as response", run: respond { _ in #"{"command":"authentication_response","response":1}"# }),
      Script(name: "second register", run: respond { _ in CommServerMessage.register(publicKey: key).text }),
      Script(
        name: "no response",
        run: respond { world in
          world.wait(30_000)
          return ""
        }),
      Script(name: "replayed response") { world in
        world.register("a")
        let old = world.response(to: "a", as: "a")
        world.open("b")
        world.say("b", CommServerMessage.register(publicKey: key).text)
        world.say("b", old)
      },
      Script(name: "two registrations, one fails") { world in
        world.register("a")
        world.open("b")
        world.say("b", CommServerMessage.register(publicKey: key).text)
        world.say("b", CommServerMessage.authenticationResponse(response: "00").text)
        world.request("d", to: key)
      },
      Script(name: "silence") { world in
        world.open("a")
        world.wait(60_000)
      },
      Script(name: "many sockets") { world in
        for number in 0..<30 { world.open("s\(number)") }
      },
      Script(name: "many spares") { world in
        for number in 0..<20 { world.register("s\(number)", as: "a", address: nil) }
      },
      Script(name: "stray on a spare") { world in
        world.register("a")
        world.register("b", as: "a")
        world.say("b", "stray")
        world.wait(100)
      },
      Script(name: "many pongs") { world in
        world.register("a")
        for _ in 0..<20 { world.say("a", pong) }
      },
      Script(name: "pings") { world in
        world.register("a")
        for _ in 0..<3 {
          world.wait(25_000)
          world.say("a", pong)
        }
        world.wait(60_000)
        world.request("d", to: key)
      },
      Script(name: "unasked pong") { world in
        world.register("a")
        world.wait(20_000)
        world.say("a", pong)
        world.wait(20_000)
      },
      Script(name: "request during a ping") { world in
        world.register("a")
        world.wait(25_000)
        world.request("d", to: key)
        world.say("d", "early")
        world.wait(500)
        world.say("a", pong)
        world.wait(100)
        world.say("d", "late")
      },
      Script(name: "requester leaves during a ping") { world in
        world.register("a")
        world.wait(25_000)
        world.request("d", to: key)
        world.leave("d")
        world.say("a", pong)
        world.wait(1_000)
      },
      Script(name: "spare dies in the handover") { world in
        world.register("old", as: "a")
        world.wait(10_000)
        world.register("new", as: "a")
        world.wait(15_000)
        world.say("old", pong)
        world.wait(10_000)
        world.request("d", to: key)
        world.wait(2_000)
      },
      Script(name: "handover at once") { world in
        world.register("a")
        world.register("b", as: "a")
        world.request("d", to: key)
        world.request("e", to: key)
        world.request("f", to: key)
        world.wait(200)
        world.say("b", World.ready)
      },
      Script(name: "closed spare") { world in
        world.register("a")
        world.leave("a", code: 1_000)
        world.request("d", to: key)
        world.wait(100)
      },
      Script(name: "stop") { world in
        world.register("a")
        world.relay("b", "d")
        world.stop()
      },
      Script(name: "request on a spare") { world in
        world.register("b")
        world.register("a")
        world.say("a", CommServerMessage.communicationRequest(source: key, target: World.key("b")).text)
        world.wait(100)
      },
      Script(name: "requests without end") { world in
        for number in 0..<70 {
          world.request("d\(number)", to: key)
          world.wait(100)
        }
      },
    ] + requests + relays + invitations

  private static let registrations =
    [
      ("plain", CommServerMessage.register(publicKey: key).text),
      ("extra member", #"{"command":"register","publicKey":"\#(key)","x":1}"#),
      ("other order", #"{"publicKey":"\#(key)","command":"register"}"#),
      ("white space", #" {"command": "register", "publicKey":"\#(key)"}"#),
      ("doubled", #"{"command":"nonsense","command":"register","publicKey":"\#(key)"}"#),
      ("long", CommServerMessage.register(publicKey: key).text + String(repeating: " ", count: 5_000)),
      (
        "deep",
        #"{"command":"register","publicKey":"\#(key)","x":\#(String(repeating: "[", count: 33))\#(String(repeating: "]", count: 33))}"#
      ),
      ("short key", CommServerMessage.register(publicKey: String(key.dropLast(2))).text),
      ("non-hex", CommServerMessage.register(publicKey: String(repeating: "z", count: 62) + "01").text),
      ("zero key", CommServerMessage.register(publicKey: String(repeating: "0", count: 64)).text),
      ("unknown command", #"{"command":"nonsense"}"#), ("null", "null"), ("no JSON", "hello"),
    ].map { Script(name: $0.0, run: register($0.1)) } + [
      Script(name: "binary") { world in
        world.open("a")
        world.say("a", bytes: Array(CommServerMessage.register(publicKey: key).text.utf8))
      },
      Script(name: "twice") { world in
        for name in ["a", "b"] {
          world.open(name)
          world.say(name, CommServerMessage.register(publicKey: key).text)
        }
      },
    ]

  private static let requests =
    [
      ("upper case", World.key("d").uppercased(), key.uppercased()), ("short source", "00", key),
      ("zero source", String(repeating: "0", count: 64), key), ("own key", key, key),
      ("unknown target", World.key("d"), World.key("nobody")),
    ].map { name, source, target in
      Script(name: name) { world in
        world.register("a")
        world.request("d", to: target, source: source)
        world.wait(100)
        world.say("d", "hello")
      }
    } + [
      Script(name: "request with extra member") { world in
        world.register("a")
        world.open("d")
        world.say(
          "d",
          #"{"command":"communication_request","sourcePublicKey":"\#(World.key("d"))","targetPublicKey":"\#(key)","x":1}"#
        )
        world.wait(100)
      }
    ]

  private static let relays = [
    Script(name: "relayed messages") { world in
      world.relay("a", "d")
      for text in ["", "one", "two", "three", pong, ping] { world.say("d", text) }
      for bytes in [[], [1, 2, 3], [UInt8](repeating: 7, count: 2_000)] { world.say("a", bytes: bytes) }
      world.say("a", bytes: [UInt8](repeating: 7, count: 2 << 20))
    },
    Script(name: "close with reason") { world in
      world.relay("a", "d")
      world.leave("d", code: 4_001, reason: "app")
    },
    Script(name: "loss") { world in
      world.relay("a", "d")
      world.leave("a")
    },
    Script(name: "idle relay") { world in
      world.relay("a", "d")
      world.wait(200_000)
    },
  ]

  private static let invitations = [
    Script(name: "accept") { world in
      world.register("a")
      world.createInvitation("a", 1)
      world.connect("d", 1)
      world.answer("a", "accept")
      world.register("a2", as: "a")
      world.connect("e", 1)
    },
    Script(name: "wrong requestId") { world in
      world.register("a")
      world.createInvitation("a", 1)
      world.connect("d", 1)
      world.answer("a", "accept", requestID: "00")
    },
    Script(name: "bad create") { world in
      world.register("a")
      world.createInvitation("a", 1, expiresIn: 5)
      world.createInvitation("a", 2, expiresIn: 100_000)
      world.wait(20_000)
      world.createInvitation("a", 2, expiresIn: 100_000)
      world.register("b")
      world.createInvitation("b", 2)
      world.say("b", #"{"command":"invitation_revoke","invitationId":"\#(World.invitation(2))"}"#)
    },
    Script(name: "expiry") { world in
      world.register("a")
      world.createInvitation("a", 1, expiresIn: 20_000)
      world.wait(17_000)
      world.connect("d", 1)
      world.answer("a", "reject")
      world.wait(3_000)
      world.connect("e", 1)
    },
    Script(name: "long after") { world in
      world.register("a")
      world.createInvitation("a", 1, expiresIn: 10_000)
      world.wait(10_000 + 900_000 + 2_000)
      world.connect("d", 1)
    },
    Script(name: "busy, silent, gone") { world in
      world.register("a")
      world.register("a1", as: "a")
      world.createInvitation("a", 1)
      world.connect("d", 1)
      world.connect("e", 1)
      world.wait(10_000)
      world.connect("f", 1)
      world.leave("f")
      world.register("a2", as: "a")
      world.connect("g", 1)
    },
    Script(name: "four rejects") { world in
      world.register("a")
      world.createInvitation("a", 1)
      for number in 0..<4 {
        world.connect("d\(number)", 1)
        world.answer("a", "reject")
      }
    },
    Script(name: "inviter offline and back") { world in
      world.register("a")
      world.createInvitation("a", 1)
      world.leave("a")
      world.connect("d", 1)
      world.register("a2", as: "a")
      world.connect("e", 1)
    },
    Script(name: "unknown ids") { world in
      for number in 0..<12 { world.connect("d\(number)", number) }
    },
    Script(name: "too many") { world in
      world.register("a")
      for number in 0..<101 { world.createInvitation("a", number) }
    },
  ]

  private static func transcript(_ script: Script, _ profile: CommServerSettings, _ faults: Set<Fault>) -> [String] {
    var settings = profile
    settings.faults = faults
    var world = World(settings)
    script.run(&world)
    return world.transcript + [
      "\(world.server.statistics.keys) keys, \(world.server.statistics.invitations) invitations"
    ]
  }

  /// What the scripts show of the healthy server, once for both profiles.
  private static let healthy: [[String]] = scripts.flatMap { script in
    [transcript(script, .strict, []), transcript(script, .deployed, [])]
  }

  @Test(arguments: Fault.allCases.filter { !$0.isOfTransport })
  func `a planted fault changes what some peer sees`(_ fault: Fault) {
    let isSeen = Self.scripts.indices.contains { index in
      Self.transcript(Self.scripts[index], .strict, [fault]) != Self.healthy[2 * index]
        || Self.transcript(Self.scripts[index], .deployed, [fault]) != Self.healthy[2 * index + 1]
    }
    #expect(isSeen)
  }

  @Test
  func `every fault names its requirements, and the runs of the scripts repeat exactly`() {
    for fault in Fault.allCases { #expect(!fault.requirements.isEmpty && !fault.summary.isEmpty) }
    let again = Self.scripts.flatMap { [Self.transcript($0, .strict, []), Self.transcript($0, .deployed, [])] }
    #expect(again == Self.healthy)
  }
}

extension String {
  /// The hex value of the message in upper case, its member names as they are.
  fileprivate var uppercasedHex: String {
    guard let start = range(ofFirst: "\"response\":\"") else { return self }
    return self[..<start] + self[start...].uppercased()
  }

  /// The message with one bit of its last hex digit turned.
  fileprivate func replacingLastHexDigit() -> String {
    guard let last = lastIndex(where: \.isHexDigit), let digit = self[last].hexDigitValue else { return self }
    return self[..<last] + String(digit ^ 1, radix: 16) + self[index(after: last)...]
  }

  private func range(ofFirst text: String) -> String.Index? { firstRange(of: text)?.upperBound }
}
