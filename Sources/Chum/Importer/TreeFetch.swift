import Store

/// One object on its way: its child list, the children that are not known, then the object itself (chum.md 2.8.3).
struct TreeFetch {
  enum Phase {
    case start
    /// Children are fetched in the reverse of the listed order: dependencies first (F36).
    case children(next: Int)
    case root
    case done
  }
  /// The name as it was announced; in profile deployed it may be no hash at all.
  let name: String
  let isId: Bool
  let expectation: Expectation
  var phase = Phase.start
  /// Reversed, so that dependencies come first.
  var children: [Reference] = []
  var listed: Set<ObjectHash> = []
  /// What is being waited for.
  var awaited: Awaited?

  enum Awaited: Sendable {
    case childList
    case child(Reference)
    case root
  }

  init(_ name: String, isId: Bool, _ expectation: Expectation) {
    self.name = name
    self.isId = isId
    self.expectation = expectation
  }

  mutating func take(_ children: [Reference]) {
    self.children = children.reversed()
    listed = Set(children.map(\.hash))
    phase = .children(next: 0)
  }
}

/// A row of trees that are fetched one after the other: the roots of a list, or the version nodes of one ID hash.
struct Lane {
  enum Purpose {
    /// The roots that are no version nodes, in list order.
    case roots
    case versions(dataIdHash: String)
  }
  struct Step {
    let name: String
    let isId: Bool
    let expectation: Expectation
    /// A later step of the same root is left out when an earlier one failed.
    let root: Int
  }
  let purpose: Purpose
  var steps: [Step]
  var next = 0
  var current: TreeFetch?
  var failedRoot: Int?
  /// The version nodes that were stored, in order.
  var stored: [ObjectHash] = []
  var isFinished = false

  init(_ purpose: Purpose, _ steps: [Step]) {
    self.purpose = purpose
    self.steps = steps
  }
}
