/// Counts events per key in windows of a fixed length. Memory: only keys seen in the last window, and never more than a
/// bound; keys above it are not limited, since refusing strangers for the sake of a flood would help the flood.
struct RateLimiter<Key: Hashable & Sendable>: Sendable {
  private struct Window: Sendable {
    var start: Double
    var count: Int
  }

  private let length: Double
  private let maximumKeys: Int
  private var windows: [Key: Window] = [:]
  private var nextPrune = 1_024

  init(window length: Double, maximumKeys: Int = 100_000) {
    self.length = length
    self.maximumKeys = maximumKeys
  }

  /// Counts one event; false when it is one more than `limit` in this window.
  mutating func admit(_ key: Key, limit: Int, at now: Double) -> Bool {
    if windows.count >= nextPrune { prune(now) }
    if let window = windows[key], now - window.start < length {
      windows[key]?.count += 1
      return window.count < limit
    }
    guard windows[key] != nil || windows.count < maximumKeys else { return true }
    windows[key] = Window(start: now, count: 1)
    return limit > 0
  }

  /// Events of the key in the running window.
  func count(_ key: Key, at now: Double) -> Int {
    guard let window = windows[key], now - window.start < length else { return 0 }
    return window.count
  }

  private mutating func prune(_ now: Double) {
    windows = windows.filter { now - $0.value.start < length }
    nextPrune = max(1_024, windows.count * 2)
  }
}
