import Testing
import WireBytes

@testable import Testee

/// Testees of one line of shell each: every way to misbehave on the pipe must be told as what it is.
@Suite("Testee pipe")
struct PipeTests {
  private func outcomes(
    _ command: String, requests: Int = 5, deadline: Int = 3_000, longestLine: Int = 1 << 20
  ) throws -> (list: [TesteePipe.Outcome], pipe: TesteePipe) {
    var settings = TesteePipe.Settings()
    settings.deadline = deadline
    settings.longestLine = longestLine
    let pipe = TesteePipe(command: command, settings: settings)
    var found: [TesteePipe.Outcome] = []
    try pipe.ask((0..<requests).map { JSONObject(["op": "parse", "n": .number(Double($0))]) }) { index, outcome in
      #expect(index == found.count)
      found.append(outcome)
    }
    return (found, pipe)
  }

  private func kinds(_ outcomes: [TesteePipe.Outcome]) -> [String] {
    outcomes.map { outcome in
      switch outcome {
      case .answer: "answer"
      case .fault(let fault): fault.kind
      }
    }
  }

  /// Echoes each request as its own answer.
  private let echo = "while IFS= read -r line; do printf '%s\\n' \"$line\"; done"

  @Test func `answers come back in order, with the window full`() throws {
    let (list, pipe) = try outcomes(echo, requests: 500)
    #expect(kinds(list).allSatisfy { $0 == "answer" })
    for (index, outcome) in list.enumerated() {
      guard case .answer(let value) = outcome else { continue }
      #expect(value["n"]?.integer == index)
    }
    #expect(pipe.restarts == 0)
  }

  @Test func `a death is told at the request that caused it, and the rest goes on`() throws {
    let command =
      "while IFS= read -r line; do case $line in *'\"n\":2}'*) exit 3;; esac; printf '%s\\n' \"$line\"; done"
    let (list, pipe) = try outcomes(command)
    #expect(kinds(list) == ["answer", "answer", "died", "answer", "answer"])
    #expect(list[2] == .fault(.died("exit status 3")))
    #expect(pipe.restarts == 1)
  }

  @Test func `a signal is a death by that signal`() throws {
    let (list, _) = try outcomes("read -r line; kill -SEGV $$", requests: 1)
    #expect(list == [.fault(.died("signal 11"))])
  }

  @Test func `silence past the deadline is told, and the rest goes on`() throws {
    let command =
      "while IFS= read -r line; do case $line in *'\"n\":1}'*) while :; do :; done;; esac; printf '%s\\n' \"$line\"; done"
    let (list, _) = try outcomes(command, requests: 3, deadline: 300)
    #expect(kinds(list) == ["answer", "silent", "answer"])
  }

  @Test func `a wrong order is told with both ids`() throws {
    let (list, _) = try outcomes("read -r a; read -r b; printf '%s\\n%s\\n' \"$b\" \"$a\"; cat", requests: 2)
    guard case .fault(.outOfOrder(let expected, let got)) = list[0] else {
      Issue.record("\(list)")
      return
    }
    #expect(got == "\(expected + 1)")
  }

  @Test(arguments: [("echo nonsense", "garbage"), ("echo '[]'", "garbage"), ("echo '{\"value\":1}'", "garbage")])
  func `a line that is no answer is told`(_ reply: String, _ kind: String) throws {
    let (list, _) = try outcomes("read -r line; \(reply); cat >/dev/null", requests: 1)
    #expect(kinds(list) == [kind])
  }

  @Test func `a flood is stopped at the bound`() throws {
    let (list, _) = try outcomes("read -r line; yes | tr -d '\\n'", requests: 1, longestLine: 1 << 20)
    #expect(kinds(list) == ["flood"])
  }

  @Test func `a second answer to one request is told at the next`() throws {
    let command = "while IFS= read -r line; do printf '%s\\n%s\\n' \"$line\" \"$line\"; done"
    let (list, _) = try outcomes(command, requests: 1)
    #expect(["answer", "unsolicited"].contains(kinds(list).last ?? ""))
    let (two, _) = try outcomes(command, requests: 2)
    #expect(kinds(two).contains { $0 == "out-of-order" || $0 == "unsolicited" })
  }

  @Test func `a command that does not run is an error, not a list of findings`() {
    let pipe = TesteePipe(command: "exit 9", opening: [JSONObject(["op": "hello"])])
    #expect(throws: TesteeFailure.self) { try pipe.ask([JSONObject(["op": "parse"])]) { _, _ in } }
  }

  @Test func `a testee that echoes its recipes stops the run at once`() {
    let pipe = TesteePipe(command: echo, opening: [PipeFormat.recipes([])])
    do {
      try pipe.ask([JSONObject(["op": "parse"])]) { _, _ in Issue.record("it was asked") }
      Issue.record("nothing was found")
    } catch {
      #expect("\(error)".contains("does not answer its opening request: it has none of text"))
    }
  }

  @Test(arguments: [
    ("{'nothing':true}", true), ("{'unsupported':'recipes'}", true), ("{'error':{'code':'x'}}", false),
    ("{'text':'a'}", false), ("{}", false),
  ])
  func `recipes are answered by nothing or unsupported`(_ answer: String, _ isGood: Bool) {
    let json = answer.replacing("'", with: "\\\"").dropFirst().dropLast()
    let command =
      "n=0; while IFS= read -r line; do n=$((n+1)); echo \"{\\\"id\\\":$n\(json.isEmpty ? "" : ",\(json)")}\"; done"
    let pipe = TesteePipe(command: command, opening: [PipeFormat.recipes([])])
    var answers = 0
    do {
      try pipe.ask([JSONObject(["op": "parse"])]) { _, outcome in if case .answer = outcome { answers += 1 } }
    } catch {}
    #expect((answers == 1) == isGood)
  }

  @Test(
    arguments: [
      (#"{"text":"a"}"#, nil), (#"{"id":1,"nothing":true,"more":1}"#, nil), ("{}", "none of"),
      (#"{"text":"a","value":"a"}"#, "text, value of"),
      (#"{"nothing":true,"unsupported":"x"}"#, "nothing, unsupported"),
      (#"{"text":"a","text":"b"}"#, "text, text"), (#"{"error":{"code":"x","offset":3}}"#, nil),
      (#"{"error":{"code":"x","offset":4}}"#, "beyond the input of 3 bytes"),
      (#"{"error":{"code":"x","offset":-1}}"#, "expected a count"),
      (#"{"error":{"code":"x","offset":1.5}}"#, "expected a count"),
      (#"{"error":{"code":"x","offset":"1"}}"#, "expected a count"),
    ] as [(String, String?)])
  func `an answer has exactly one form, and an offset within the input`(_ answer: String, _ fault: String?) throws {
    let found = PipeFormat.fault(in: try JSONValue.parse(answer), to: JSONObject(["op": "parse", "input": "abc"]))
    if let fault { #expect(found?.contains(fault) == true, "\(found ?? "no fault")") } else { #expect(found == nil) }
  }

  @Test func `gives up on a testee that dies at every request`() {
    let pipe = TesteePipe(command: "read -r line; exit 1")
    #expect(throws: TesteeFailure.self) {
      try pipe.ask((0..<200).map { _ in JSONObject(["op": "parse"]) }) { _, _ in }
    }
    #expect(pipe.restarts > 40)
  }
}
