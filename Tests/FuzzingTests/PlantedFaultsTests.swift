import Foundation
import Testing
import WireBytes

@Suite("The codec's planted faults")
struct PlantedFaultsTests {
  @Test
  func `every edit has its place in the codec, and would change it`() throws {
    let data = try Data(contentsOf: Fixtures.root.appendingPathComponent("Fixtures/Planted/microdata.json"))
    let faults = try #require(try JSONValue.parse([UInt8](data))["faults"]?.array)
    #expect(faults.count >= 8)
    for fault in faults {
      let edits = try #require(fault["edits"]?.array)
      #expect(!edits.isEmpty)
      for edit in edits {
        let file = "Sources/Microdata/\(try #require(edit["file"]?.string))"
        let text = try String(contentsOf: Fixtures.root.appendingPathComponent(file), encoding: .utf8)
        let find = try #require(edit["find"]?.string)
        #expect(text.contains(find), "\(fault["name"]?.string ?? ""): no such place in \(file)")
        #expect(edit["replace"]?.string?.contains("planted") == true, "the edit has no switch")
      }
    }
  }
}
