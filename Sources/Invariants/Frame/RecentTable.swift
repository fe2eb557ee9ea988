/// A dictionary that forgets its oldest entries, so that a table over a whole session has a bound.
struct RecentTable<Value: Sendable>: Sendable {
  private let capacity: Int
  private var current: [String: Value] = [:]
  private var previous: [String: Value] = [:]

  /// Remembers at least `capacity` and at most twice as many entries.
  init(capacity: Int) { self.capacity = capacity }

  subscript(key: String) -> Value? {
    get { current[key] ?? previous[key] }
    set {
      if current.count >= capacity, current[key] == nil {
        previous = current
        current.removeAll(keepingCapacity: true)
      }
      current[key] = newValue
      if newValue == nil { previous[key] = nil }
    }
  }

  var count: Int { current.count + previous.count }
}
