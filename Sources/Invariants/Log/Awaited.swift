import Trace

/// Things that must still happen, with the event that began the wait; oldest first, at most 20,000.
struct Awaited<Key: Hashable & Sendable>: Sendable {
  /// How long an instance may take for what follows at once, in ms: as long as the CHUM pauses.
  static var patience: Double { 5_000 }
  private static var capacity: Int { 20_000 }

  struct Wait: Sendable {
    let key: Key
    let since: Witness
    let text: String
  }
  private var waits: [Key: Wait] = [:]
  private var order: [Key] = []
  private var head = 0

  var isEmpty: Bool { waits.isEmpty }
  func contains(_ key: Key) -> Bool { waits[key] != nil }
  /// The keys that still wait, oldest first.
  var keys: [Key] { order[head...].filter { waits[$0] != nil } }

  mutating func expect(_ key: Key, _ since: Witness, _ text: String = "") {
    guard waits[key] == nil, waits.count < Self.capacity else { return }
    waits[key] = Wait(key: key, since: since, text: text)
    order.append(key)
  }

  /// True when it was waited for.
  @discardableResult
  mutating func fulfil(_ key: Key) -> Bool { waits.removeValue(forKey: key) != nil }

  /// What has waited longer than patience allows at `time`; it is waited for no more.
  mutating func overdue(at time: Double, patience: Double = Self.patience) -> [Wait] {
    var late: [Wait] = []
    while head < order.count {
      let key = order[head]
      if let wait = waits[key] {
        guard time - wait.since.time >= patience else { break }
        waits[key] = nil
        late.append(wait)
      }
      head += 1
    }
    if head > 1_000 {
      order.removeFirst(head)
      head = 0
    }
    return late
  }
}
