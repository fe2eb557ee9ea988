public import Cryptobox
import Instance
public import Wire

/// Plays random worlds one after another until one breaks a rule or the budget is used up.
public struct Simulator {
  public struct Failure: Sendable {
    public let violation: Violation
    public let scenario: WorldScenario
    public let shrunk: WorldScenario
    public let shrinkAttempts: Int
  }

  public struct Tally: Sendable, Equatable {
    public var worlds = 0
    public var events = 0
    public var pairings = 0
    public var handshakes = 0
    public var attacks = 0
    public var messages = 0
    /// Objects, ID objects and files that came by CHUM.
    public var objects = 0

    public init() {}

    public mutating func add(_ other: Tally) {
      worlds += other.worlds
      events += other.events
      pairings += other.pairings
      handshakes += other.handshakes
      attacks += other.attacks
      messages += other.messages
      objects += other.objects
    }

    mutating func add(_ world: borrowing World) {
      worlds += 1
      events += world.events
      pairings += world.checker.counts.pairings
      handshakes += world.checker.counts.handshakes
      attacks += world.attackers.count
      messages += world.checker.counts.messages
      objects += world.sync?.received ?? 0
    }
  }

  public private(set) var tally = Tally()
  public let profile: Profile
  private let steps: Int
  private let isSync: Bool
  private let box: any BoxProvider
  /// Changes each scenario before it is played: for planted faults.
  private let change: (inout WorldScenario) -> Void

  public init(
    profile: Profile = .strict, steps: Int = 20, sync: Bool = false, box: any BoxProvider = FakeBox(),
    change: @escaping (inout WorldScenario) -> Void = { _ in }
  ) {
    self.profile = profile
    self.steps = steps
    isSync = sync
    self.box = box
    self.change = change
  }

  /// Plays the world of one seed; a failing one is shrunk.
  public mutating func play(seed: UInt64, shrinks: Bool = true) -> Failure? {
    var scenario =
      isSync
      ? WorldScenario.randomSync(seed: seed, steps: steps, profile: profile)
      : WorldScenario.random(seed: seed, steps: steps, profile: profile)
    change(&scenario)
    return play(scenario, shrinks: shrinks)
  }

  public mutating func play(_ scenario: WorldScenario, shrinks: Bool = true) -> Failure? {
    var world = World(scenario, box: box)
    let violation = world.play()
    tally.add(world)
    guard let violation else { return nil }
    guard shrinks else {
      return Failure(violation: violation, scenario: scenario, shrunk: scenario, shrinkAttempts: 0)
    }
    var shrinker = Shrinker(rule: violation.rule, box: box)
    let shrunk = shrinker.shrink(scenario)
    var last = World(shrunk, box: box)
    return Failure(
      violation: last.play() ?? violation, scenario: scenario, shrunk: shrunk, shrinkAttempts: shrinker.attempts)
  }
}
