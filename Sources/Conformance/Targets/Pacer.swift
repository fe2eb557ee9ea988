/// Spreads new sockets over time, for servers that take only so many in a second.
struct Pacer: Sendable {
  private let interval: Double?
  /// When the next socket may be opened, in ms.
  private(set) var next = 0.0
  /// Ms by which a socket may come early after a pause.
  private static let credit = 100.0

  /// Nil for any number.
  init(perSecond rate: Double?) { interval = rate.map { 1_000 / max(0.1, $0) } }

  func isFree(at now: Double) -> Bool { interval == nil || now >= next }

  /// Gives nothing until then, as behind sockets that were not counted.
  mutating func rest(until time: Double) { next = max(next, time) }

  /// True when a socket may be opened now; it then counts.
  mutating func take(at now: Double) -> Bool {
    guard let interval else { return true }
    guard now >= next else { return false }
    next = max(next, now - Self.credit) + interval
    return true
  }
}
