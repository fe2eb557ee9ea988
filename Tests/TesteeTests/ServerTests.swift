import Foundation
import Fuzzing
import Microdata
import MicrodataVectors
import Testing
import WireBytes

@testable import Testee

@Suite("Our codec as a testee")
struct ServerTests {
  private func server() throws -> TesteeServer {
    let json = try JSONValue.parse(try Fixtures.bytes("Vectors/recipes.json"))
    return TesteeServer(try MicrodataCodec(try RecipeRegistry(recipesFile: json)), name: "ours")
  }

  private func ask(_ line: String) throws -> String {
    var server = try server()
    return String(decoding: server.answer(line: Array(line.utf8)), as: UTF8.self)
  }

  private let person = #"<div itemscope itemtype=\"//refin.io/Person\"><span itemprop=\"email\">a@b.c</span></div>"#

  @Test func `answers the worked example in every operation`() throws {
    #expect(try ask(#"{"id":1,"op":"hello"}"#) == #"{"id":1,"text":"ours"}"#)
    #expect(
      try ask(#"{"id":2,"op":"parse","input":"\#(person)"}"#)
        == #"{"id":2,"value":{"$type$":"Person","email":"a@b.c"}}"#)
    #expect(
      try ask(#"{"id":3,"op":"hash","value":{"$type$":"Person","email":"a@b.c"}}"#)
        == #"{"id":3,"hash":"51802aed17e397da4ef866b9d1ee1ef21fc1c9cf895b1d60d7246afb22213d91"}"#)
    #expect(
      try ask(#"{"id":4,"op":"idHash","value":{"$type$":"Person","email":"a@b.c"}}"#)
        == #"{"id":4,"hash":"9ff5bfc0f2de195217891ca79ed8e4cec9e28b6743463c788a2a3cdb7d644ea5"}"#)
    #expect(try ask(#"{"id":5,"op":"validate","form":"object","input":"\#(person)"}"#) == #"{"id":5,"nothing":true}"#)
    #expect(try ask(#"{"id":6,"op":"number","text":"0x10"}"#) == #"{"id":6,"number":"4030000000000000"}"#)
  }

  @Test(arguments: [
    ("", "CGM-REQUEST"), ("nonsense", "CGM-REQUEST"), ("[1]", "CGM-REQUEST"), (#"{"id":1}"#, "CGM-REQUEST"),
    (#"{"id":1,"op":"parse"}"#, "CGM-REQUEST"), (#"{"id":1,"op":"parse","input":5}"#, "CGM-REQUEST"),
    (#"{"id":1,"op":"serialise","value":{"$n":[]}}"#, "CGM-REQUEST"),
    (#"{"id":1,"op":"implode","root":"x","files":{"x":{"kind":"z"}}}"#, "CGM-REQUEST"),
    (#"{"id":1,"op":"recipes","recipes":[{"name":5}]}"#, "CGM-REQUEST"), (#"{"id":1,"op":"fly"}"#, "unsupported"),
  ])
  func `a line that is no request gets an error answer`(_ line: String, _ wanted: String) throws {
    #expect(try ask(line).contains(wanted))
  }

  @Test(arguments: [
    "valid", "serialize-errors", "invalid", "hostile", "numbers", "text-to-number", "stringify", "escape", "implode",
    "explode-invalid",
  ])
  func `vectors through the pipe's format count as without it`(_ name: String) throws {
    let bytes = try Fixtures.bytes("Vectors/microdata-\(name).json")
    let file = try VectorFile(bytes, name: name)
    var server = try server()
    var report = VectorReport(name: name, kind: file.kind)
    for vector in file.vectors {
      let answers = try vector.questions.map { question in
        var request = PipeFormat.request(question.request)
        request.append("id", 1)
        var line: [UInt8] = []
        JSONValue.object(request).write(to: &line)
        let answer = try JSONValue.parse(server.answer(line: line), limits: JSONLimits(depth: 4_000))
        return try #require(PipeFormat.answer(answer))
      }
      report.count(vector, answers)
    }
    let json = try JSONValue.parse(try Fixtures.bytes("Vectors/recipes.json"))
    let direct = VectorReport.run(
      file, name: name, CodecAnswerer(try MicrodataCodec(try RecipeRegistry(recipesFile: json))))
    #expect(report.failures.isEmpty, "\(report.failures.prefix(3))")
    #expect(report.passed == direct.passed)
    #expect(report.checks == direct.checks)
    #expect(report.skippedCount == direct.skippedCount)
  }

  static let hasNode = ["/usr/bin/node", "/usr/local/bin/node"].contains {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  @Test(.enabled(if: hasNode, "node is not installed"))
  func `the JavaScript example of the README answers what it offers`() throws {
    let example = Fixtures.root.appendingPathComponent("Fixtures/Testee/example.js").path
    let pipe = TesteePipe(
      command: "exec node '\(example)'",
      opening: [PipeFormat.recipes(try JSONValue.parse(try Fixtures.bytes("Vectors/recipes.json")))])
    let run = TesteeRun(pipe)
    let file = try VectorFile(try Fixtures.bytes("Vectors/microdata-text-to-number.json"), name: "text-to-number")
    let report = try run.run(file.vectors, name: "text-to-number", kind: file.kind)
    #expect(report.passed == 500)
    #expect(run.findings.isEmpty)
  }

  @Test func `a vector whose answer never comes fails, whatever it expects`() throws {
    let file = try VectorFile(try Fixtures.bytes("Vectors/microdata-hostile.json"), name: "hostile")
    // Answers the first three lines with a wrong value, then dies; the shell starts it anew for the rest.
    let command =
      "n=0; while IFS= read -r line && [ $n -lt 3 ]; do n=$((n+1)); id=${line#*:}; printf '{\"id\":%s,\"unsupported\":\"x\"}\\n' \"${id%%,*}\"; done"
    var settings = TesteePipe.Settings()
    settings.restarts = 3
    let run = TesteeRun(TesteePipe(command: command, settings: settings))
    #expect(throws: TesteeFailure.self) {
      try run.run(file.vectors, name: "hostile", kind: file.kind)
    }
    #expect(run.findings.count == 4)
    #expect(run.findings.allSatisfy { $0.fault.kind == "died" })
  }
}

enum Fixtures {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: root.appendingPathComponent("Fixtures").appendingPathComponent(name)))
  }
}
