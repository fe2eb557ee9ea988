import Microdata
import MicrodataVectors
import Testing

@Suite("microdata.md 15: the reference's vectors")
struct VectorTests {
  /// Passes, skips and checks of each file; a change of the fixtures must change them here.
  static let counts: [(VectorFile.Kind, passed: Int, skipped: Int)] = [
    (.valid, 2026, 8), (.serializeErrors, 337, 0), (.invalid, 2000, 0), (.hostile, 335, 0), (.numbers, 713, 0),
    (.textToNumber, 500, 0), (.stringify, 600, 0), (.escape, 300, 0), (.implode, 100, 0), (.explodeInvalid, 64, 0),
    (.recipes, 125, 0),
  ]

  @Test("every vector of every file passes, and as many as there are", arguments: counts)
  func allPass(_ kind: VectorFile.Kind, _ passed: Int, _ skipped: Int) throws {
    let name = kind == .recipes ? "recipes.json" : "microdata-\(kind.rawValue).json"
    let file = try VectorFile(try Fixture.bytes("Vectors/\(name)"), name: name)
    #expect(file.kind == kind)
    let report = VectorReport.run(file, name: name, CodecAnswerer(try Fixture.codec.get()))
    #expect(report.failures.map { "\($0.id): \($0.mismatches.joined(separator: "; "))" } == [])
    #expect(report.passed == passed)
    #expect(report.skippedCount == skipped)
    #expect(report.total == file.vectors.count)
    #expect(report.skipped.keys.allSatisfy { $0 == "a toJSON function must run" })
  }

  @Test("a codec that answers otherwise is seen, whatever the kind of vector", arguments: counts.map(\.0))
  func plantedFaultsAreSeen(_ kind: VectorFile.Kind) throws {
    let name = kind == .recipes ? "recipes.json" : "microdata-\(kind.rawValue).json"
    let file = try VectorFile(try Fixture.bytes("Vectors/\(name)"), name: name)
    let answerer = CodecAnswerer(try Fixture.codec.get())
    var seen = 0
    var asked = 0
    for vector in file.vectors.prefix(200) {
      for question in vector.questions {
        asked += 1
        let answer = answerer.answer(question.request)
        #expect(question.judge(answer) == [])
        if !question.judge(Self.falsified(answer)).isEmpty { seen += 1 }
      }
    }
    #expect(asked > 0)
    #expect(seen == asked)
  }

  private static func falsified(_ answer: CodecAnswer) -> CodecAnswer {
    switch answer {
    case .text(let text):
      text.isEmpty ? .error(MicrodataError("X-1", "planted")) : .error(MicrodataError("X-2", "planted"))
    case .error: .unsupported("planted")
    case .value, .number, .hash, .nothing, .unsupported: .error(MicrodataError("X-3", "planted"))
    }
  }

  @Test("a file of another format is refused with the reason")
  func refusesOtherFiles() {
    #expect(throws: VectorFormatError.self) { try VectorFile(Array("{}".utf8), name: "x.json") }
    #expect(throws: VectorFormatError.self) { try VectorFile(Array("[".utf8), name: "microdata-valid.json") }
  }
}
