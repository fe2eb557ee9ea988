import Trace

/// Breaches that a log line on its way may still explain: an instance writes its grant down when it is done with it, a
/// little after the first list of roots that has it. They are looked at again a while later.
struct Held: Sendable {
  /// How long, in ms.
  static let time = 100.0
  private static let capacity = 1_000

  private struct Item: Sendable {
    let about: HashKey
    let place: Place
    let culprit: Culprit
    let message: String
    let because: [Witness]
    let deviation: String?
    let stillHolds: @Sendable (LogFacts) -> Bool
  }
  private var items: [Item] = []
  /// What has been held or reported: each round announces the same roots again.
  private var known: Set<HashKey> = []

  /// Holds a breach about a subject, the first of its kind; `stillHolds` is asked again later.
  mutating func hold(
    _ event: Event, about: HashKey, _ message: String, because: [Witness] = [], deviation: String? = nil,
    while stillHolds: @escaping @Sendable (LogFacts) -> Bool
  ) {
    guard known.count < Self.capacity, known.insert(about).inserted else { return }
    items.append(
      Item(
        about: about, place: Place(event), culprit: event.sender, message: message, because: because,
        deviation: deviation,
        stillHolds: stillHolds))
  }

  /// Reports what has been held long enough and still holds.
  mutating func release(at time: Double, _ report: inout Reporter) {
    guard let first = items.first, time - first.place.time >= Self.time else { return }
    release(items.prefix { time - $0.place.time >= Self.time }.count, &report)
  }

  mutating func releaseAll(_ report: inout Reporter) { release(items.count, &report) }

  private mutating func release(_ count: Int, _ report: inout Reporter) {
    for item in items.prefix(count) {
      guard item.stillHolds(report.log) else {
        known.remove(item.about)
        continue
      }
      report.violation(
        at: item.place, by: item.culprit, item.message, because: item.because, deviation: item.deviation)
    }
    items.removeFirst(count)
  }
}

extension LogFacts {
  /// True when the log knows by now that the person had one of the subjects after all.
  func isGranted(_ subjects: Set<HashKey>, to person: HashKey, by peer: String) -> Bool {
    guard let grants = peers[peer]?.grants else { return false }
    return subjects.contains { subject in
      switch grants.standing(person, subject) {
      case .granted, .byGroup, .perhaps: true
      case .unknown, .none: false
      }
    }
  }
}
