import Instance
import Testing
import Wire

@testable import InstanceCases

@Suite struct ScratchTests {
  @Test func `scratch matrix`() {
    for one in InstanceCatalogue.cases where one.kills.isEmpty {
      var hits: [String] = []
      for defect in Defect.allCases {
        var settings = InstanceSettings.strict
        settings.defects = [defect]
        if !one.outcome(settings: settings, seed: 1).isPass { hits.append(defect.rawValue) }
      }
      print("MATRIX \(one.id) | \(one.target.rawValue) | \(one.title) | \(hits.joined(separator: ","))")
    }
  }
}
