import Synchronization

/// Numbers of links, one after the other in the whole process, so that none is used twice in a pool.
final class LinkNumbers: Sendable {
  private let last = Atomic<Int>(0)
  func next() -> Int { last.wrappingAdd(1, ordering: .relaxed).newValue }
}
