import Conformance
import Foundation
import InstanceCases
import Invariants
import Requirements
import Scenario
import Testing

@Suite("The requirement catalogue")
struct CatalogueTests {
  @Test
  func `every row is typed and every family of the documents is there`() throws {
    let catalogue = try ConformanceFixtures.catalogue()
    #expect(catalogue.requirements.count == 647 + 34 + 25)
    let families = Dictionary(grouping: catalogue.requirements, by: \.id.family).mapValues(\.count)
    #expect(families["CS"] == 32 && families["CHUM"] == 85 && families["MD"] == 100 && families["ATK"] == 34)
    let id = try #require(RequirementID("CS-016"))
    let row = try #require(catalogue[id])
    #expect(row.level == .must && row.kind == .hardening && row.who == .server && row.severity == .high)
    #expect(row.document == "connection.md" && row.section == "8.2")
  }

  @Test
  func `a faulty row is an error with its line`() throws {
    let header = "id,level,kind,who,severity,document,section,text\n"
    func failure(_ rows: String) throws -> Catalogue.Failure {
      try #require(throws: Catalogue.Failure.self) {
        var catalogue = Catalogue()
        try catalogue.add(csv: header + rows, file: "x.csv")
      }
    }
    #expect(
      try failure("AA-001,MUST,B,server,H,d,1,text\nAA-001,MUST,B,server,H,d,1,text\n").description
        == "x.csv:3: AA-001 stands twice")
    #expect(try failure("AA-001,PERHAPS,B,server,H,d,1,text\n").description == "x.csv:2: unknown level PERHAPS")
    #expect(try failure("AA-001,MUST,B,server,H,d,1\n").line == 2)
    #expect(try failure("aa-1,MUST,B,server,H,d,1,text\n").reason.contains("is not an id"))
  }

  @Test
  func `CSV reads quotes, doubled quotes and line breaks in fields`() {
    let rows = CSV.rows("a,\"b,\"\"c\"\"\n d\"\r\n\nx,,\n")
    #expect(rows.map(\.fields) == [["a", "b,\"c\"\n d"], ["x", "", ""]])
    #expect(rows.map(\.line) == [1, 4])
  }

  @Test
  func `every requirement has a case or a reason, and no reason is needless`() throws {
    let gaps = try CoverageGaps(csv: try ConformanceFixtures.text("Spec/uncovered.csv"), file: "Spec/uncovered.csv")
    let matrix = CoverageMatrix(
      try ConformanceFixtures.catalogue(), try ConformanceFixtures.suite().cases, gaps,
      others: InstanceCatalogue.cases.map { ($0.id, $0.requires) } + RuleBook.coverage)
    #expect(matrix.rows.filter { $0.cases.isEmpty && $0.gap == nil }.map(\.requirement.id.text) == [])
    #expect(matrix.needlessGaps(gaps).map(\.text) == [])
  }

  @Test
  func `every observable server requirement of chapters 8_1 to 8_5 has a case`() throws {
    let gaps = try CoverageGaps(csv: try ConformanceFixtures.text("Spec/uncovered.csv"), file: "Spec/uncovered.csv")
    let matrix = CoverageMatrix(try ConformanceFixtures.catalogue(), try ConformanceFixtures.suite().cases, gaps)
    let bare = matrix.rows.filter { row in
      row.requirement.document == "connection.md" && ["8.1", "8.2", "8.4"].contains(row.requirement.section)
        && row.requirement.who == .server && row.cases.isEmpty
    }
    #expect(bare.map(\.requirement.id.text) == ["CS-012", "CS-027", "CS-032", "RL-017"])
  }
}
