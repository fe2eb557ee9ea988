/// Deadlines in the order of their time; equal times in the order of their coming, so that runs repeat exactly.
struct DeadlineHeap: Sendable {
  struct Entry: Sendable {
    let time: Double
    let order: UInt64
    let id: ConnectionID

    static func < (one: Entry, other: Entry) -> Bool {
      one.time != other.time ? one.time < other.time : one.order < other.order
    }
  }

  private var entries: [Entry] = []
  private var order: UInt64 = 0

  /// True while an entry of the invitation sweep is in the heap; there is never more than one.
  private(set) var hasSweep = false

  var first: Entry? { entries.first }
  var count: Int { entries.count }

  mutating func push(_ time: Double, _ id: ConnectionID) {
    order &+= 1
    entries.append(Entry(time: time, order: order, id: id))
    var child = entries.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard entries[child] < entries[parent] else { break }
      entries.swapAt(child, parent)
      child = parent
    }
  }

  mutating func pushSweep(_ time: Double) {
    hasSweep = true
    push(time, CommServer.sweepID)
  }

  mutating func popFirst() -> Entry? {
    guard let first = entries.first, let last = entries.popLast() else { return nil }
    if first.id == CommServer.sweepID { hasSweep = false }
    guard !entries.isEmpty else { return first }
    entries[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
        if entries[child] < entries[least] { least = child }
      }
      guard least != parent else { return first }
      entries.swapAt(parent, least)
      parent = least
    }
  }
}
