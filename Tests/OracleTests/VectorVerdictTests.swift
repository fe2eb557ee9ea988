import Foundation
import Testing
import WireBytes

@testable import MicrodataOracle

/// The vectors say for 4,000 documents what libxml2 2.9.14 made of them; our oracle must measure just that.
@Suite("15: the vectors' libxml2 verdicts")
struct VectorVerdictTests {
  struct Tally {
    var documents = 0
    var outcomes: [String: Int] = [:]
    var disagreements: [String] = []
    var faults: [String] = []
    var unjudged = 0
  }

  @Test(arguments: OracleParser.allCases)
  func `same, different and reject are found as recorded, and each is on the list`(_ parser: OracleParser) throws {
    let tally = try tally(parser)
    #expect(tally.documents > 2500)
    #expect(tally.disagreements.isEmpty, "\(tally.disagreements.prefix(10))")
    #expect(tally.faults.isEmpty, "\(tally.faults.prefix(10))")
    #expect(tally.outcomes["same", default: 0] > tally.documents * 9 / 10)
    #expect(tally.unjudged < tally.documents / 100)
  }

  private func tally(_ parser: OracleParser) throws -> Tally {
    let file = try Fixtures.bytes("Vectors/microdata-valid.json")
    let root = try JSONValue.parse(file)
    var tally = Tally()
    let key = parser == .html ? "html_2_9_14" : "patchedXml_2_9_14"
    for vector in root["vectors"]?.array ?? [] {
      for (text, verdicts) in [("microdata", "xml"), ("idMicrodata", "idXml")] {
        guard let microdata = vector[text]?.string, let expected = vector[verdicts]?[key]?.string else { continue }
        let id = vector["id"]?.string ?? "?"
        // Ill-formed text has no bytes; the vectors carry it as an object, which `string` leaves out.
        let report = try Oracle.compare(Array(microdata.utf8), with: parser)
        tally.documents += 1
        tally.outcomes[report.outcome.rawValue, default: 0] += 1
        if report.outcome.rawValue != expected {
          tally.disagreements.append("\(id) \(text): \(report.outcome) instead of \(expected)")
        }
        if report.isFault { tally.faults.append("\(id) \(text): \(report.lines)") }
        if case .unjudged = report.verdict { tally.unjudged += 1 }
      }
    }
    return tally
  }
}

enum Fixtures {
  static func bytes(_ name: String) throws -> [UInt8] {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return [UInt8](try Data(contentsOf: root.appendingPathComponent("Fixtures").appendingPathComponent(name)))
  }
}
