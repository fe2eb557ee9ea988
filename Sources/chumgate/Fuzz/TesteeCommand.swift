import ArgumentParser
import Foundation
import Microdata
import Testee

struct TesteeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "testee",
    abstract: "Offer this codec on standard input and output, one JSON request and answer a line.",
    discussion: """
      The other end of `chumgate test codec --testee`. A request is {"id":N,"op":OP,…}; its answer has the same id, in the
      order of the requests, and one of text, value, number, hash, nothing, error, unsupported. Values are in the encoding
      of the vectors.

        {"id":1,"op":"parse","input":"<div itemscope …"}      {"id":1,"value":{"$type$":"Person","email":"x"}}
        {"id":2,"op":"serialise","value":{…}}                 {"id":2,"text":"<div itemscope …"}
        {"id":3,"op":"nonsense"}                              {"id":3,"unsupported":"no operation nonsense"}

      Operations: hello, recipes, parse, parseId, serialise, serialiseId, hash, idHash, reserialise, extractId, validate,
      numberText, number, stringify, restringify, escape, unescape, implode, explode. The README has the whole format.

        echo '{"id":1,"op":"hello"}' | chumgate testee
      """)

  @OptionGroup var options: RecipeOptions

  @Option(help: "The profile of reading and writing; validate is always strict.")
  var profile = MicrodataProfile.deployed

  func run() throws {
    var server = TesteeServer(
      try options.codec(), profile: profile, name: "chumgate \(Chumgate.configuration.version)")
    let input = FileHandle.standardInput
    var buffer: [UInt8] = []
    var scanned = 0
    while true {
      let piece = input.availableData
      if piece.isEmpty { break }
      buffer += piece
      var answers: [UInt8] = []
      var start = 0
      while let end = buffer[max(start, scanned)...].firstIndex(of: 0x0A) {
        if end > start { answers += server.answer(line: Array(buffer[start..<end])) + [0x0A] }
        start = end + 1
      }
      buffer.removeFirst(start)
      scanned = buffer.count
      if !answers.isEmpty { try FileHandle.standardOutput.write(contentsOf: Data(answers)) }
    }
    if !buffer.isEmpty { try FileHandle.standardOutput.write(contentsOf: Data(server.answer(line: buffer) + [0x0A])) }
  }
}
