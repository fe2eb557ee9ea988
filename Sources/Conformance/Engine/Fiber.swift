import Scenario

/// One line of execution through the steps; `parallel` makes more of them.
struct Fiber: Sendable {
  struct Frame: Sendable {
    let steps: [Step]
    var index = 0
    var loop: Loop?
  }

  enum Loop: Sendable {
    case counting(name: String, position: Int, times: Int)
    case values(name: String, position: Int, [Template])
  }

  /// What the fiber waits for.
  enum Wait: Sendable {
    case opening(String, Step)
    case accepting(AcceptStep, Step, Window)
    case expecting(Expectation, Step, Window, probe: Int?)
    case elapsing
    /// Waits for so many fibers that it started.
    case joining

    /// True when the target owes something, so that its time must not run while the gate keeps a connection back.
    var isForTarget: Bool {
      switch self {
      case .opening: true
      case .accepting(let accept, _, _): !accept.isNone
      case .expecting(let expectation, _, _, _): !expectation.isNegative
      case .elapsing, .joining: false
      }
    }
  }

  /// The time in which something must happen.
  struct Window: Sendable {
    let start: Double
    var earliest: Double?
    var latest: Double
    /// Since when nothing may happen any more after a probe came back.
    var settling = false
  }

  let id: Int
  let parent: Int?
  var frames: [Frame]
  var wait: Wait?
  var deadline: Double?
  /// When the wait began.
  var waitingSince = 0.0
  var children = 0
}
