import Chum
import Instance
import Store
import SyncInstance
import Wire
import WireBytes

/// The exporter's side of the framing: requests good and bad, and answers that nobody asked for (chum.md 6.2).
enum ExporterCases {
  static let rows: [ChumRow] = basics + arguments + unknownServices + invalid + unasked + binaries

  private static func row(
    _ name: String, _ title: String, _ requires: [String], binding: InstanceCase.Binding = .base,
    configure: (@Sendable (inout SyncSettings) -> Void)? = nil, _ kills: [ChumFault],
    _ script: [ChumAct], _ judge: @escaping @Sendable (ChumLook) -> CaseOutcome
  ) -> ChumRow {
    .asking(
      name, title, requires, binding: binding, content: false, configure: configure, kills: TargetVariant.chum(kills),
      script: { _ in script }, judge: judge)
  }

  private static let basics: [ChumRow] = [
    row(
      "version", "service 1 is answered with the number 8", ["CF-005", "CHUM-006"], [.answersVersionSeven], [.version]
    ) {
      $0.data(0, 8)
    },
    row(
      "args-absent", "a request without args is a request without arguments", ["CF-013"], [.wantsArguments],
      [.text(#"{"requestId":0,"type":"request","serviceId":1}"#), .wait(100)]
    ) { $0.data(0, 8) },
    row(
      "members-reordered", "order of members, white space and unknown members change nothing", ["CF-013"],
      [.wantsExactText],
      [.text(#" { "args":[] , "x":{"y":[1]}, "serviceId" : 1,"type":"request", "requestId":0 } "#), .wait(100)]
    ) {
      $0.data(0, 8)
    },
    row(
      "once", "every one of fifty requests in one burst is answered exactly once", ["CF-015"],
      [.answersTwice, .answersHalf],
      (0..<50).map { .request([1, 2, 99][$0 % 3], []) } + [.wait(100)]
    ) { $0.once(0..<50) },
    row(
      "negative-id", "a negative request id is answered", ["CF-015"], [.wantsCountingIds],
      [.text(#"{"requestId":-7,"type":"request","serviceId":1,"args":[]}"#), .wait(100)]
    ) { $0.data(-7, 8) },
    row(
      "ids-not-counting", "ids that do not count up are answered", ["CF-015"], [.wantsCountingIds],
      [9, 4, 4_000_000].map { .text(#"{"requestId":\#($0),"type":"request","serviceId":1,"args":[]}"#) } + [.wait(100)]
    ) {
      CaseOutcome.all([$0.data(9, 8), $0.data(4, 8), $0.data(4_000_000, 8)])
    },
    row(
      "id-again", "an id that comes again is answered again", ["CF-015"], [.wantsCountingIds],
      [0, 0].map { .text(#"{"requestId":\#($0),"type":"request","serviceId":1,"args":[]}"#) } + [.wait(100)]
    ) {
      .check($0.seen.answers[0]?.finals.count == 2, "\($0.seen.answers[0]?.finals.count ?? 0) answers")
    },
    row(
      "version-args", "further arguments are ignored", ["CF-015"], [.refusesMoreArguments],
      [.ask(1, [7, "x", .null])]
    ) { $0.data(0, 8) },
    row(
      "event", "service 3 is answered, however often it comes", ["CF-015", "CF-016"], [.answersHalf],
      (0..<300).map { _ in .request(3, []) } + [.version]
    ) { CaseOutcome.all([$0.once(0..<300), $0.alive(300)]) },
    row(
      "roots-flood", "a flood of service 2 is answered, or refused by errors", ["CF-015", "CF-030"],
      [.answersHalf, .closesOnError],
      (0..<200).map { _ in .request(2, []) } + [.request(99, []), .version]
    ) {
      CaseOutcome.all([$0.once(0..<201), $0.alive(201)])
    },
  ]

  /// A request whose args are no array is answered with an error and closes nothing.
  private static func args(_ name: String, _ value: String) -> ChumRow {
    row(
      "args-\(name)", "args that are \(name) are answered with an error", ["CF-014"],
      [.ignoresBadArguments, .closesOnError],
      [
        .text(#"{"requestId":0,"type":"request","serviceId":2,"args":\#(value)}"#), .wait(50),
        .text(#"{"requestId":1,"type":"request","serviceId":1,"args":[]}"#), .wait(50),
      ]
    ) {
      CaseOutcome.all([.check($0.seen.code(0) != nil, "no error; \($0.seen.words(0))"), $0.alive(1)])
    }
  }

  private static let arguments: [ChumRow] = [
    args("null", "null"), args("an object", "{}"), args("a text", #""x""#), args("a number", "7"),
    row(
      "args-many", "a hundred thousand arguments are answered", ["CF-015", "CF-030"], [.closesOnLongText],
      [.ask(1, Array(repeating: 7, count: 100_000)), .version]
    ) {
      CaseOutcome.all([.check($0.seen.answers[0]?.finals.count == 1, "no answer"), $0.alive(1)])
    },
    row(
      "args-nested", "arguments nested sixty deep are answered", ["CF-039"], [.closesOnError],
      [
        .text(
          #"{"requestId":0,"type":"request","serviceId":6,"args":[\#(String(repeating: "[", count: 55))\#(String(repeating: "]", count: 55))]}"#
        ),
        .text(#"{"requestId":1,"type":"request","serviceId":1,"args":[]}"#), .wait(100),
      ]
    ) {
      CaseOutcome.all([$0.refused(0, "UTC-EHASH"), $0.alive(1)])
    },
  ]

  private static func unknown(_ service: Int) -> ChumRow {
    row(
      "service-\(service < 0 ? "minus-\(-service)" : "\(service)")", "service \(service) is unknown", ["CF-016"],
      [.silentAboutServices, .closesOnError], [.ask(service, []), .version]
    ) {
      CaseOutcome.all([$0.refused(0, "UNKNOWN-SERVICE"), $0.alive(1)])
    }
  }

  private static let unknownServices: [ChumRow] =
    [0, -1, 9, 11, 12, 13, 14, 15, 16, 99, 2_147_483_648].map(unknown) + [
      row(
        "service-spelling", "a service id written as 1.0e0 is the integer 1", ["CF-016", "CF-018"], [.wantsExactText],
        [.text(#"{"requestId":0,"type":"request","serviceId":1.0e0,"args":[]}"#), .wait(100)]
      ) { $0.data(0, 8) }
    ]

  /// A message of no meaning is ignored: nothing is said about it, and the session goes on.
  private static func ignored(_ name: String, _ text: String, _ requires: [String] = ["CF-017"]) -> ChumRow {
    row(
      "ignores-\(name)", "\(name.replacingOccurrences(of: "-", with: " ")) is ignored", requires,
      [.closesOnInvalid, .answersInvalid], [.text(text), .wait(50), .version]
    ) { look in
      CaseOutcome.all([
        look.alive(0),
        .check(look.seen.answers.count == 1, "something was answered: \(look.seen.answers.keys.sorted())"),
        .check(look.seen.invalid.isEmpty, "it said \(look.seen.invalid.first ?? "")"),
      ])
    }
  }

  private static let invalid: [ChumRow] = [
    ignored("the-control-text-again", "synchronisation", ["CF-004", "CF-017"]),
    ignored("the-control-text-in-upper-case", "SYNCHRONISATION", ["CF-004", "CF-017"]),
    ignored("the-control-text-in-JSON", #"{"command":"synchronisation"}"#, ["CF-004", "CF-017"]),
    ignored("the-control-text-with-blanks", " synchronisation\n", ["CF-004", "CF-017"]),
    ignored("an-empty-array", "[]"), ignored("null", "null"), ignored("a-number", "123"),
    ignored("an-object-of-no-type", #"{"a":1}"#), ignored("an-empty-text", ""),
    ignored("a-text-that-is-no-JSON", "{requestId"), ignored("an-unknown-type", #"{"type":"zzz","requestId":5}"#),
    ignored("JSON-nested-a-thousand-deep", String(repeating: "[", count: 1_000) + String(repeating: "]", count: 1_000)),
    ignored("a-million-letters", String(repeating: "x", count: 1_000_000)),
    ignored("a-request-id-that-is-a-text", #"{"requestId":"5","type":"request","serviceId":1,"args":[]}"#, ["CF-018"]),
    ignored(
      "a-request-id-that-is-a-fraction", #"{"requestId":1.5,"type":"request","serviceId":1,"args":[]}"#, ["CF-018"]),
    ignored("a-request-without-an-id", #"{"type":"request","serviceId":1,"args":[]}"#, ["CF-018"]),
    ignored("a-service-id-that-is-a-text", #"{"requestId":5,"type":"request","serviceId":"1","args":[]}"#, ["CF-018"]),
    ignored(
      "a-service-id-that-is-a-fraction", #"{"requestId":5,"type":"request","serviceId":1.5,"args":[]}"#, ["CF-018"]),
    ignored(
      "an-absent-service-id", #"{"requestId":5,"type":"request","serviceId":"$__undefined$","args":[]}"#, ["CF-018"]),
    dropped("a-write-stream-error", #"{"requestId":77,"type":"write-stream-error"}"#, ["CF-027"], [.answersInvalid]),
    ignored("a-write-stream-error-without-an-id", #"{"type":"write-stream-error"}"#, ["CF-027"]),
  ]

  private static func dropped(
    _ name: String, _ text: String, _ requires: [String] = ["CF-019"],
    _ kills: [ChumFault] = [.closesOnStray, .answersInvalid]
  ) -> ChumRow {
    row(
      "drops-\(name)", "\(name.replacingOccurrences(of: "-", with: " ")) that nobody asked for is dropped", requires,
      kills, [.text(text), .wait(50), .version]
    ) { look in
      CaseOutcome.all([
        look.alive(0),
        .check(look.seen.answers.count == 1, "something was answered: \(look.seen.answers.keys.sorted())"),
      ])
    }
  }

  private static let unasked: [ChumRow] = [
    dropped("an-answer", #"{"responseId":900,"type":"data","data":"x"}"#),
    dropped("an-error", #"{"responseId":900,"type":"error","error":{"message":"x"}}"#),
    dropped("a-chunk-of-text", #"{"responseId":900,"type":"stream","chunk":"x","encoding":"utf8"}"#),
    dropped("an-end-of-stream", #"{"responseId":900,"type":"stream-end"}"#),
    dropped("a-stream-error", #"{"responseId":900,"type":"stream-error","error":"x"}"#),
  ]

  private static func chunk(_ id: Double) -> ChumAct { .binary(ChumBinaryChunk(id: id, data: [1, 2, 3, 4]).bytes) }

  private static func oddChunk(_ name: String, _ id: Double) -> ChumRow {
    row(
      "chunk-\(name)", "a binary message whose id is \(name) is dropped", ["CF-020"], [.closesOnStray],
      [chunk(id), .version]
    ) {
      $0.alive(0)
    }
  }

  private static let binaries: [ChumRow] = [
    oddChunk("open to nobody", 900), oddChunk("not a number", .nan), oddChunk("infinite", .infinity),
    oddChunk("negative", -1), oddChunk("a fraction", 0.5), oddChunk("beyond the integers", 1e300),
    row(
      "chunks-leave-nothing", "unasked binary messages leave no file behind", ["CF-020"], binding: .hardening,
      [.keepsStrayFiles], (0..<10).map { chunk(Double(900 + $0)) } + [.version]
    ) { look in
      let left = look.sync?.host.repository.store.openFileCount ?? 0
      return CaseOutcome.all([look.alive(0), .check(left == 0, "\(left) files are left")])
    },
    row(
      "chunks-sixteen", "the sixteenth unasked binary message closes", ["CF-020"], binding: .hardening,
      [.toleratesStrays],
      (0..<20).map { chunk(Double(900 + $0)) } + [.wait(100)]
    ) {
      $0.isStrict ? .check(!$0.isOpen, "twenty were taken") : $0.open()
    },
    short("empty", []), short("of-three-bytes", [1, 2, 3]), short("of-seven-bytes", [0, 0, 0, 0, 0, 0, 8]),
  ]

  /// Survived by a strict target, closed by a deployed one: any end in time is fine.
  private static func short(_ name: String, _ bytes: [UInt8]) -> ChumRow {
    row(
      "binary-\(name)",
      "a binary message \(name.replacingOccurrences(of: "-", with: " ")) is survived, or closes at once",
      ["CF-021"], [.hangsOnShortBinary], [.binary(bytes), .version]
    ) { look in
      // Either the request behind it is answered, or the connection is gone.
      look.isOpen ? look.alive(0) : .check((look.closedAt ?? 0) < 1_000 + 1_500, "closed late")
    }
  }
}
