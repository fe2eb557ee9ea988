import Instance
import Testing
import Wire

@testable import InstanceCases

@Suite struct ScratchTests {
  @Test func `scratch chum`() {
    print("ROWS \(ChumRow.all.count)")
    for profile in Profile.allCases {
      for row in ChumRow.all {
        let clock = ContinuousClock.now
        defer {
          if ContinuousClock.now - clock > .milliseconds(150) {
            print("SLOW \(profile) \(row.id) \(ContinuousClock.now - clock)")
          }
        }
        let outcome = row.instanceCase.outcome(settings: InstanceSettings(profile: profile))
        if case .failed(let why) = outcome { print("BAD \(profile) \(row.id): \(why)") }
      }
    }
    for kill in InstanceCatalogue.kills() where !kill.isNoticed { print("MISSED \(kill.caseID) \(kill.variant)") }
    print("DOUBLE \(InstanceCatalogue.doubledIDs)")
  }
}
