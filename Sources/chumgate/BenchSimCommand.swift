import ArgumentParser
import Cryptobox
import Foundation
import Simulation
import WireBytes

struct BenchSimCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sim",
    abstract: "Pairings per CPU second with fake and real boxes, handshakes beside libsodium's X25519, worlds.",
    discussion: """
      A pairing is everything from the invitation to two successes (H1-H4, P1-P9, Q1-Q4), both sides, one thread. A
      handshake is H1 to H4, both sides: six multiplications on the curve at the least, and `floor` says how many there
      would be in a second if nothing else cost anything. Best of several rounds.
      """)

  @Option(help: "Seconds for each figure.")
  var seconds = 1.0
  @Option(help: "Rounds; the best one counts.")
  var rounds = 3

  func validate() throws {
    guard seconds > 0, seconds <= 600, (1...100).contains(rounds) else {
      throw ValidationError("--seconds is up to 600, --rounds 1 to 100")
    }
  }

  func run() throws {
    var fake = PairingBench(box: FakeBox())
    var real = PairingBench(box: SodiumBox())
    guard fake.pair(), real.pair(), real.shake() else { throw ExitCode(6) }
    let agreements = rate { _ = real.agreement() }
    let handshakes = rate { _ = real.shake() }
    let result: JSONValue = [
      "pairingsPerSecond": [
        "fakeBox": .number(rate { _ = fake.pair() }.rounded()), "nacl": .number(rate { _ = real.pair() }.rounded()),
      ],
      "handshakesPerSecond": .number(handshakes.rounded()),
      "x25519PerSecond": .number(agreements.rounded()),
      "floor": .number((agreements / 6).rounded()),
      "ofFloor": .number((handshakes / (agreements / 6) * 100).rounded() / 100),
      "worldsPerSecond": .number(worlds().rounded()),
    ]
    print(result.compact)
  }

  /// CPU seconds of this thread, so that other load counts little.
  private var now: Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// The best rate of the rounds.
  private func rate(_ body: () -> Void) -> Double {
    var best = 0.0
    for _ in 0..<rounds {
      let began = now
      var count = 0
      var spent = 0.0
      repeat {
        for _ in 0..<16 { body() }
        count += 16
        spent = now - began
      } while spent < seconds
      best = max(best, Double(count) / spent)
    }
    return best
  }

  private func worlds() -> Double {
    var simulator = Simulator()
    var seed: UInt64 = 1
    let began = now
    var spent = 0.0
    repeat {
      _ = simulator.play(seed: seed, shrinks: false)
      seed += 1
      spent = now - began
    } while spent < seconds
    return Double(simulator.tally.worlds) / spent
  }
}
