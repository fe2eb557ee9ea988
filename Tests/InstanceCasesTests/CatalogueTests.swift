import Chum
import Foundation
import Instance
import Testing
import Wire

@testable import InstanceCases

@Suite struct CatalogueTests {
  /// Every case against each variant that it must notice: run once for all tests.
  static let kills = InstanceCatalogue.kills()

  @Test(arguments: Profile.allCases)
  func `our instance passes every case`(profile: Profile) {
    for one in InstanceCatalogue.cases {
      let outcome = one.outcome(settings: InstanceSettings(profile: profile))
      #expect(outcome == .passed, "\(one.id): \(one.title)")
    }
  }

  @Test func `there are at least 700 cases with ids of their own, 300 of them about CHUM`() {
    #expect(InstanceCatalogue.cases.count >= 700)
    #expect(InstanceCatalogue.cases.count { $0.target == .exporter || $0.target == .importer } >= 300)
    #expect(InstanceCatalogue.doubledIDs == [])
  }

  @Test func `every case that names a broken variant notices it`() {
    let kills = Self.kills
    for kill in kills where !kill.isNoticed { Issue.record("\(kill.caseID) does not notice \(kill.variant)") }
    #expect(kills.count >= 900)
  }

  @Test func `every planted fault is noticed by some case`() {
    let killed = Set(Self.kills.filter(\.isNoticed).map(\.variant))
    // Two are seen in worlds only (PlantedSyncTests), and a close reason decides nothing in profile strict.
    let elsewhere: Set<TargetVariant> = [.chum(.halfFilesKept), .chum(.rootLostAfterError), .chum(.closesMutely)]
    for variant in TargetVariant.all where !killed.contains(variant) && !elsewhere.contains(variant) {
      Issue.record("\(variant) lives")
    }
  }
}

@Suite struct FaultTableTests {
  @Test func `no case is without a variant or a reason, and the table is the one that is made`() throws {
    #expect(InstanceFaultTable.gaps == [])
    let path = CoverageTests.spec.deletingLastPathComponent().appendingPathComponent("Scenarios/INSTANCE-FAULTS.md")
    let table = try String(contentsOf: path, encoding: .utf8)
    #expect(table == InstanceFaultTable.markdown(CatalogueTests.kills))
    let proven = Set(CatalogueTests.kills.filter(\.isNoticed).map(\.caseID)).count
    #expect(proven * 100 >= InstanceCatalogue.cases.count * 95)
  }
}

@Suite struct CoverageTests {
  static let spec = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures/Spec")

  private func ids(_ name: String) throws -> Set<String> {
    let text = try String(contentsOf: Self.spec.appendingPathComponent(name), encoding: .utf8)
    return Set(text.split(separator: "\n").dropFirst().compactMap { $0.split(separator: ",").first.map(String.init) })
  }

  @Test func `every requirement that a case or a planted fault names is in the catalogue`() throws {
    let known = try ids("requirements.csv")
    for one in InstanceCatalogue.cases {
      for id in one.requires where !known.contains(id) { Issue.record("\(one.id) names \(id)") }
    }
    for defect in Defect.allCases {
      #expect(!defect.breaks.isEmpty, "\(defect)")
      for id in defect.breaks where !known.contains(id) { Issue.record("\(defect) names \(id)") }
    }
  }

  @Test func `no requirement with a case is still explained as uncovered`() throws {
    let covered = Set(InstanceCatalogue.cases.flatMap(\.requires))
    #expect(try ids("uncovered.csv").intersection(covered) == [])
  }

  @Test func `the families of the connection are covered for the most part`() throws {
    let known = try ids("requirements.csv")
    let covered = Set(InstanceCatalogue.cases.flatMap(\.requires))
    let families = [
      ("HS", 22), ("ENC", 14), ("FR", 8), ("PR", 32), ("INV", 16), ("PA", 19), ("LS", 14), ("CF", 79),
    ]
    for (family, least) in families {
      let all = known.filter { $0.hasPrefix(family + "-") }
      #expect(covered.intersection(all).count >= least, "\(family): without \(all.subtracting(covered).sorted())")
    }
  }
}
