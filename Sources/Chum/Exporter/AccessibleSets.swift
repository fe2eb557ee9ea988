public import Store

/// What has been named to each remote person: one set a person, shared by all parallel sessions, gone with the last (F5).
public struct AccessibleSets: Sendable {
  private struct PersonSet: Sendable {
    var sessions = 0
    /// The grant subjects through which a hash was opened; a few are enough to find one that still holds.
    var opened: [ObjectHash: [Subject]] = [:]
  }

  private var sets: [ObjectHash: PersonSet] = [:]
  /// Reasons kept for one hash.
  private static let reasonLimit = 8

  public init() {}

  mutating func sessionStarted(_ person: ObjectHash) { sets[person, default: PersonSet()].sessions += 1 }

  mutating func sessionEnded(_ person: ObjectHash) {
    guard let sessions = sets[person]?.sessions else { return }
    if sessions <= 1 { sets[person] = nil } else { sets[person]?.sessions = sessions - 1 }
  }

  mutating func open(_ hash: ObjectHash, through subject: Subject, for person: ObjectHash) {
    guard sets[person] != nil else { return }
    guard let reasons = sets[person]?.opened[hash] else {
      sets[person]?.opened[hash] = [subject]
      return
    }
    guard !reasons.contains(subject) else { return }
    if reasons.count >= Self.reasonLimit { sets[person]?.opened[hash]?.removeFirst() }
    sets[person]?.opened[hash]?.append(subject)
  }

  /// Nil when the hash was never named to the person while a session was open.
  func reasons(_ hash: ObjectHash, for person: ObjectHash) -> [Subject]? { sets[person]?.opened[hash] }

  /// Hashes opened to a person, for logs and tests.
  public func count(for person: ObjectHash) -> Int { sets[person]?.opened.count ?? 0 }
}
