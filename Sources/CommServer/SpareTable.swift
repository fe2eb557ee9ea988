import Cryptobox

/// Registered idle sockets by key, the last registered on top (connection.md 2.1).
struct SpareTable: Sendable {
  private var stacks: [PublicKey: [ConnectionID]] = [:]
  /// Keys with an empty stack in the order of their becoming so, for the bound on them; some may be in use again.
  private var emptied: [PublicKey] = []
  private var emptiedStart = 0
  private(set) var spareCount = 0

  var keyCount: Int { stacks.count }

  func stack(_ key: PublicKey) -> [ConnectionID]? { stacks[key] }

  mutating func push(_ id: ConnectionID, _ key: PublicKey) {
    stacks[key, default: []].append(id)
    spareCount += 1
  }

  /// The spare to use; the entry goes with its last spare.
  mutating func pop(_ key: PublicKey, oldestFirst: Bool = false) -> ConnectionID? {
    guard let stack = stacks[key], !stack.isEmpty else { return nil }
    let id = oldestFirst ? stacks[key]?.removeFirst() : stacks[key]?.popLast()
    if stack.count == 1 { stacks[key] = nil }
    spareCount -= 1
    return id
  }

  /// Takes out a spare that closed; false when it was not there. `remembering` keeps an emptied entry, at most so many.
  @discardableResult
  mutating func remove(_ id: ConnectionID, _ key: PublicKey, remembering: Int) -> Bool {
    guard let index = stacks[key]?.lastIndex(of: id) else { return false }
    stacks[key]?.remove(at: index)
    spareCount -= 1
    guard stacks[key]?.isEmpty == true else { return true }
    guard remembering > 0 else {
      stacks[key] = nil
      return true
    }
    emptied.append(key)
    while emptied.count - emptiedStart > remembering {
      if stacks[emptied[emptiedStart]]?.isEmpty == true { stacks[emptied[emptiedStart]] = nil }
      emptiedStart += 1
    }
    if emptiedStart > 1_024, emptiedStart * 2 > emptied.count {
      emptied.removeFirst(emptiedStart)
      emptiedStart = 0
    }
    return true
  }

  mutating func forget(_ key: PublicKey) {
    if stacks[key]?.isEmpty == true { stacks[key] = nil }
  }
}
