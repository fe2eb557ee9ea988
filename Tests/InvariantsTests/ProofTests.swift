import Foundation
import Invariants
import Replay
import Testing

@testable import Recording

@Suite("Every rule can fire, and is quiet without cause")
struct ProofTests {
  static let plants = Plants.connection + Plants.encrypted + Plants.chum

  @Test(arguments: plants)
  func `a rule fires on its planted violation and not without it`(_ plant: Plant) throws {
    let (before, after) = try plant.findings()
    #expect(before.isEmpty, "fires on the unedited recording: \(before.map(\.message))")
    #expect(!after.isEmpty, "does not fire")
  }

  @Test
  func `every rule has a planted violation`() {
    let proven = Set(Self.plants.map(\.rule))
    let rules = Set(RuleBook.all.map { $0.info.id })
    #expect(rules.subtracting(proven).sorted() == [])
    #expect(proven.subtracting(rules).sorted() == [])
  }

  @Test
  func `rule ids are unique and there are at least sixty`() {
    let ids = RuleBook.all.map { $0.info.id }
    #expect(Set(ids).count == ids.count)
    #expect(ids.count >= 60)
  }
}
