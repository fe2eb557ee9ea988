import Conformance
import Scenario
import Testing

@Suite("Every case is shown to fire")
struct SelfCheckTests {
  @Test
  func `each case catches a broken variant of its target, and each named variant is caught`() throws {
    let suite = try ConformanceFixtures.suite()
    let check = SelfCheck(suite)
    let probes = check.named()
    #expect(check.gaps(probes).map { "\($0.id) \($0.variant): \($0.text)" } == [])
    #expect(check.withoutVariant.filter { $0.reason == nil }.map(\.id) == [])
    let firing = Set(probes.filter(\.isCaught).map(\.id)).count
    #expect(Double(firing) >= 0.95 * Double(suite.cases.count))
  }

  @Test
  func `the table names every variant`() throws {
    let table = try ConformanceFixtures.text("Scenarios/FAULTS.md")
    for role in TargetRole.allCases {
      for variant in SelfCheck.variants(role) { #expect(table.contains("| \(variant.name) | \(variant.summary) |")) }
    }
  }
}
