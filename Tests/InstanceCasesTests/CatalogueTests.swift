import Foundation
import Instance
import Testing
import Wire

@testable import InstanceCases

@Suite struct CatalogueTests {
  @Test(arguments: Profile.allCases)
  func `our instance passes every case`(profile: Profile) {
    for one in InstanceCatalogue.cases {
      let outcome = one.outcome(settings: InstanceSettings(profile: profile))
      #expect(outcome == .passed, "\(one.id): \(one.title)")
    }
  }

  @Test func `there are at least 170 cases with ids of their own`() {
    #expect(InstanceCatalogue.cases.count >= 170)
    #expect(InstanceCatalogue.doubledIDs == [])
  }

  @Test func `every case that names a broken variant notices it`() {
    let kills = InstanceCatalogue.kills()
    for kill in kills where !kill.isNoticed { Issue.record("\(kill.caseID) does not notice \(kill.defect)") }
    #expect(kills.count >= 170)
  }

  @Test func `every planted fault is noticed by some case`() {
    let killed = Set(InstanceCatalogue.kills().filter(\.isNoticed).map(\.defect))
    for defect in Defect.allCases where !killed.contains(defect) { Issue.record("\(defect) lives") }
  }
}
