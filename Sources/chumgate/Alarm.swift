import Foundation

/// Timers of the commands: a body is run when the time has come, until the timer is cancelled.
enum Alarm {
  static func after(_ seconds: Double, _ body: @escaping @Sendable () -> Void) -> any DispatchSourceTimer {
    start(body) { $0.schedule(deadline: .now() + seconds) }
  }

  static func every(_ seconds: Double, _ body: @escaping @Sendable () -> Void) -> any DispatchSourceTimer {
    start(body) { $0.schedule(deadline: .now() + seconds, repeating: seconds) }
  }

  private static func start(
    _ body: @escaping @Sendable () -> Void, _ schedule: (any DispatchSourceTimer) -> Void
  ) -> any DispatchSourceTimer {
    let timer = DispatchSource.makeTimerSource()
    schedule(timer)
    timer.setEventHandler(handler: body)
    timer.activate()
    return timer
  }
}
