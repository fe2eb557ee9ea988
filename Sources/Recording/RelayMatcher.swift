/// Finds the two recorded connections of one relay: requesters wait here for their listener's connection.
struct RelayMatcher {
  /// Requesters of the same two keys that are remembered; in a longer queue the oldest are forgotten.
  private static let limit = 64
  private var waiting: [String: [String]] = [:]

  mutating func wait(_ name: String, _ pair: (source: String, target: String)) {
    let key = pair.source + pair.target
    waiting[key, default: []].append(name)
    if let count = waiting[key]?.count, count > Self.limit { waiting[key]?.removeFirst() }
  }

  /// The requester, when there is no doubt which it is.
  func only(_ pair: (source: String, target: String)) -> String? {
    let names = waiting[pair.source + pair.target] ?? []
    return names.count == 1 ? names[0] : nil
  }

  func all(_ pair: (source: String, target: String)) -> [String] { waiting[pair.source + pair.target] ?? [] }

  mutating func forget(_ name: String, _ pair: (source: String, target: String)) {
    let key = pair.source + pair.target
    guard var names = waiting[key] else { return }
    names.removeAll { $0 == name }
    waiting[key] = names.isEmpty ? nil : names
  }
}
