public import Cryptobox

/// Makes a failing world smaller: fewer steps, fewer hosts, shorter pauses, plainer acts; every candidate is a world.
///
/// The place is kept on success (style.md, rule 9), and only a world that breaks the same rule counts.
public struct Shrinker {
  /// Worlds played so far.
  public private(set) var attempts = 0
  private let rule: String
  private let budget: Int
  private let box: any BoxProvider

  public init(rule: String, budget: Int = 3_000, box: any BoxProvider = FakeBox()) {
    self.rule = rule
    self.budget = budget
    self.box = box
  }

  private mutating func stillFails(_ scenario: WorldScenario) -> Bool {
    guard attempts < budget else { return false }
    attempts += 1
    var world = World(scenario, box: box)
    return world.play()?.rule == rule
  }

  public mutating func shrink(_ scenario: WorldScenario) -> WorldScenario {
    var best = scenario
    var before: WorldScenario
    repeat {
      before = best
      dropChunks(&best)
      dropHosts(&best)
      simplify(&best)
    } while best != before && attempts < budget
    return best
  }

  /// Takes out runs of steps, long ones first.
  private mutating func dropChunks(_ best: inout WorldScenario) {
    var size = max(1, best.steps.count / 2)
    while size >= 1 {
      var index = 0
      while index < best.steps.count {
        var candidate = best
        candidate.steps.removeSubrange(index..<min(index + size, candidate.steps.count))
        if stillFails(candidate) { best = candidate } else { index += size }
      }
      size /= 2
    }
  }

  private mutating func dropHosts(_ best: inout WorldScenario) {
    while best.hosts > 1 {
      var candidate = best
      candidate.hosts -= 1
      guard stillFails(candidate) else { return }
      best = candidate
    }
  }

  /// Shorter pauses and smaller numbers, step by step.
  private mutating func simplify(_ best: inout WorldScenario) {
    var index = 0
    while index < best.steps.count {
      let step = best.steps[index]
      for simpler in step.simpler {
        var candidate = best
        candidate.steps[index] = simpler
        if stillFails(candidate) {
          best = candidate
          break
        }
      }
      index += 1
    }
    if best.broker {
      var candidate = best
      candidate.broker = false
      if stillFails(candidate) { best = candidate }
    }
  }
}

extension Step {
  /// Simpler steps in the order in which to try them.
  fileprivate var simpler: [Step] {
    var out: [Step] = []
    for shorter in [0, 5, 100, 2_000] where shorter < pause { out.append(Step(act, pause: shorter)) }
    func smaller(_ number: Int) -> [Int] { number > 3 ? [number % 2, number % 3, number % 4] : number > 0 ? [0] : [] }
    switch act {
    case .invite(let host, let lifetime):
      for host in smaller(host) { out.append(Step(.invite(host: host, lifetime: lifetime), pause: pause)) }
    case .join(let host, let invitation):
      for host in smaller(host) { out.append(Step(.join(host: host, invitation: invitation), pause: pause)) }
      for invitation in smaller(invitation) {
        out.append(Step(.join(host: host, invitation: invitation), pause: pause))
      }
    case .joinBoth(let host, let other, let invitation):
      out.append(Step(.join(host: host, invitation: invitation), pause: pause))
      out.append(Step(.join(host: other, invitation: invitation), pause: pause))
    case .crash(let host, let down) where down > 0: out.append(Step(.crash(host: host, down: 0), pause: pause))
    case .sync(let act): out += act.simpler.map { Step(.sync($0), pause: pause) }
    case .restartServer(let down) where down > 0: out.append(Step(.restartServer(down: 0), pause: pause))
    default: break
    }
    return out
  }
}
