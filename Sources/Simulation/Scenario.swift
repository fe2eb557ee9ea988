public import Chum
import CommServer
import Cryptobox
public import Instance
import InstanceCases
public import SyncInstance
public import Wire
import WireBytes

/// A whole world as data: how it is set up, and what happens. The same scenario gives the same events every time.
public struct WorldScenario: Sendable, Equatable {
  public var seed: UInt64
  public var hosts: Int
  public var profile: Profile
  /// Invitations are kept at the CommServer where it can (X-INV/1).
  public var broker: Bool
  /// Planted faults of all instances and of the server, for the self-test.
  public var defects: [Defect]
  public var faults: [String]
  public var steps: [Step]
  /// Complete instances, which know each other and synchronise.
  public var sync = false
  public var chumFaults: [ChumFault] = []
  public var syncFaults: [SyncFault] = []

  public init(
    seed: UInt64, hosts: Int, profile: Profile, broker: Bool = false, defects: [Defect] = [], faults: [String] = [],
    steps: [Step]
  ) {
    self.seed = seed
    self.hosts = hosts
    self.profile = profile
    self.broker = broker
    self.defects = defects
    self.faults = faults
    self.steps = steps
  }

  /// The text that repeats this world: a head line, then one step a line.
  public var text: String {
    var head = "world seed \(seed) hosts \(hosts) profile \(profile.rawValue)"
    if broker { head += " broker" }
    if sync { head += " sync" }
    for fault in chumFaults { head += " chum-fault \(fault.rawValue)" }
    for fault in syncFaults { head += " sync-fault \(fault.rawValue)" }
    for defect in defects { head += " defect \(defect.rawValue)" }
    for fault in faults { head += " fault \(fault)" }
    return ([head] + steps.map(\.description)).joined(separator: "\n") + "\n"
  }

  /// Why a text is no scenario, and on which line.
  public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
    public let line: Int
    public let reason: String
    public var description: String { "line \(line): \(reason)" }
  }

  /// Reads a scenario; `#` starts a comment.
  public init(text: String) throws(Failure) {
    var scenario: WorldScenario?
    for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = raw.prefix { $0 != "#" }.split(separator: " ").joined(separator: " ")
      if line.isEmpty { continue }
      guard var known = scenario else {
        scenario = try Self.head(line, index + 1)
        continue
      }
      guard let step = Step(line) else { throw Failure(line: index + 1, reason: "not a step: \(excerpt(line, 60))") }
      guard known.steps.count < 100_000 else { throw Failure(line: index + 1, reason: "more than 100,000 steps") }
      known.steps.append(step)
      scenario = known
    }
    guard let scenario else {
      throw Failure(line: 1, reason: "empty: the first line is `world seed N hosts N profile P`")
    }
    self = scenario
  }

  private static func head(_ line: String, _ number: Int) throws(Failure) -> WorldScenario {
    var words = line.split(separator: " ").map(String.init)[...]
    guard words.first == "world" else { throw Failure(line: number, reason: "the first line begins with `world`") }
    words = words.dropFirst()
    var scenario = WorldScenario(seed: 1, hosts: 2, profile: .strict, steps: [])
    while let name = words.popFirst() {
      if name == "broker" || name == "sync" {
        if name == "broker" { scenario.broker = true } else { scenario.sync = true }
        continue
      }
      guard let value = words.popFirst() else { throw Failure(line: number, reason: "\(name) has no value") }
      func bad() -> Failure { Failure(line: number, reason: "\(name) \(excerpt(value, 40)) is not known") }
      switch name {
      case "seed":
        guard let seed = UInt64(value) else { throw bad() }
        scenario.seed = seed
      case "hosts":
        guard let hosts = Int(value), (1...64).contains(hosts) else { throw bad() }
        scenario.hosts = hosts
      case "profile":
        guard let profile = Profile(rawValue: value) else { throw bad() }
        scenario.profile = profile
      case "defect":
        guard let defect = Defect(rawValue: value) else { throw bad() }
        scenario.defects.append(defect)
      case "chum-fault":
        guard let fault = ChumFault(rawValue: value) else { throw bad() }
        scenario.chumFaults.append(fault)
      case "sync-fault":
        guard let fault = SyncFault(rawValue: value) else { throw bad() }
        scenario.syncFaults.append(fault)
      case "fault":
        guard Fault(rawValue: value) != nil else { throw bad() }
        scenario.faults.append(value)
      default: throw bad()
      }
    }
    return scenario
  }

  /// A random world: weighted acts with likely pauses.
  public static func random(seed: UInt64, steps: Int, profile: Profile) -> WorldScenario {
    var random = SeededRandom(seed: seed)
    let hosts = 2 + Int(random.next() % 3)
    let broker = random.next() % 3 == 0
    var list: [Step] = []
    for _ in 0..<steps { list.append(Self.step(&random)) }
    return WorldScenario(seed: seed, hosts: hosts, profile: profile, broker: broker, steps: list)
  }

  /// A random world of complete instances.
  public static func randomSync(seed: UInt64, steps: Int, profile: Profile) -> WorldScenario {
    var random = SeededRandom(seed: seed &* 7_919 &+ 3)
    let hosts = 2 + Int(random.next() % 2)
    var list: [Step] = []
    for _ in 0..<steps { list.append(syncStep(&random)) }
    var scenario = WorldScenario(seed: seed, hosts: hosts, profile: profile, steps: list)
    scenario.sync = true
    return scenario
  }

  private static let attacks = ExchangeRow.mustFail.sorted { $0.rawValue < $1.rawValue }

  private static func step(_ random: inout SeededRandom) -> Step {
    func below(_ limit: Int, _ random: inout SeededRandom) -> Int { Int(random.next() % UInt64(limit)) }
    let one = below(64, &random)
    let two = below(64, &random)
    let three = below(64, &random)
    let pauses = [0, 1, 5, 20, 100, 500, 2_000, 3_000, 12_000, 30_000]
    let pause = pauses[below(pauses.count, &random)]
    let act: Step.Act =
      switch below(100, &random) {
      case ..<14: .invite(host: one, lifetime: [15_000, 60_000, 900_000][below(3, &random)])
      case ..<32: .join(host: one, invitation: two)
      case ..<38: .joinBoth(host: one, other: two, invitation: three)
      case ..<41: .revoke(invitation: one)
      case ..<45: .joinAtExpiry(host: one, invitation: two, offset: [-500, -1, 0, 1, 500][below(5, &random)])
      case ..<48: .guess(host: one, target: two)
      case ..<60: .say(host: one)
      case ..<65: .crash(host: one, down: [0, 500, 20_000][below(3, &random)])
      case ..<68: .suspend(host: one, milliseconds: [1_000, 27_000, 120_000][below(3, &random)])
      case ..<74: .cut(cable: one)
      case ..<78: .halfOpen(cable: one)
      case ..<84: .tamper(cable: one, Step.Tampering.allCases[below(5, &random)])
      case ..<86: .restartServer(down: [0, 3_000][below(2, &random)])
      case ..<93: .attack(host: one, attacks[below(attacks.count, &random)])
      case ..<96: .replay(connection: one)
      case ..<98: .hijack(host: one)
      default: .wait
      }
    return Step(act, pause: pause)
  }
}
