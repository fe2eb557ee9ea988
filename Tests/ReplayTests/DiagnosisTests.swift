import Diagnosis
import Foundation
import Recording
import Replay
import Report
import Synchronization
import Testing
import Trace
import Wire
import WireBytes

@Suite("The diagnosis says what a recording shows")
struct DiagnosisTests {
  private static let known = Mutex<[String: SessionVerdict]>([:])

  private func verdict(_ name: String) throws -> SessionVerdict {
    if let known = Self.known.withLock({ $0[name] }) { return known }
    let bytes = [UInt8](try Data(contentsOf: Variation.root.appendingPathComponent("\(name).ndjson")))
    var judge = try SessionJudge(file: name, source: MemorySource(bytes), rules: [])
    let verdict = try judge.run()
    Self.known.withLock { $0[name] = verdict }
    return verdict
  }

  /// Texts that must stand in the diagnosis, each with the name of the recording.
  static let sentences: [(String, [String])] = [
    (
      "chum-blob-1",
      [
        "missing 1 BlobDescriptor", "a BLOB went out as an empty chunk", "(F47)", "stands in the list behind a BLOB",
        "RangeError: Invalid typed array length: 1", "0 of 2 roots arrived",
      ]
    ),
    ("chum-burst-1", ["a request sent in the same burst as `synchronisation` was lost", "(F11)", "yes       \"synch"]),
    (
      "iom-full-1",
      [
        "as unknown", "never otherwise", "no Profile was offered", "The IoM request went through",
        "this version ignores grants to groups", "(F1)",
      ]
    ),
    (
      "fail-chum-answer-1",
      [
        "another SHA-256 than the hash that was asked for (CIEC-FO2)", "M2O-PH1, isIdObj is false", "M2O-PCONV2",
        "CIEC-FOWT1", "M2O-PD1", "13 of 33 roots arrived", "yes       CHUM sync fails with microdata errors", "OR-ET1",
      ]
    ),
    ("fail-chum-request-1", ["with CES-GO1: nothing announced these hashes", "CES-GBL1"]),
    ("fail-chum-version-1", ["the CHUM version is 7", "the list of roots is malformed", "never sent it"]),
    (
      "iop-chum-1",
      ["id ChannelInfo", "5 of 9 roots arrived, 4 were there before", "no        connection establishment"]
    ),
    ("chum-chat-file-1", ["1 blob of 14 bytes", "2 of 4 roots arrived, 2 were there before"]),
    ("chum-clob-1", ["1 clob of 66000 bytes", "1 of 1 roots arrived"]),
    ("chum-blob-fixed-1", ["2 blobs of 150100 bytes", "2 of 2 roots arrived"]),
    ("iop-pair-1", ["offered nothing in 2 lists", "no grant names person", "(F1)"]),
    ("iom-light-1", ["as unknown", "ignores grants to groups"]),
    ("iom-groups-1", ["8 of 12 roots arrived", "4 were there before", "said nothing more for"]),
    ("reconnect-1", ["CHUM on c9, c16"]),
    ("instance-restart-1", ["had been registered, and no connection of it waits any more"]),
    ("fail-pair-token-1", ["the invitation's token is valid: 6 times", "Authentication token is not existing"]),
    ("fail-auth-1", ["registration at the CommServer: 21 times"]),
    ("fail-tamper-1", ["key exchange and encryption: 7 times"]),
  ]

  @Test(arguments: sentences)
  func `the essential sentences stand there`(_ name: String, _ parts: [String]) throws {
    let diagnosis = try verdict(name).diagnosis
    let text = DiagnosisReport.text(diagnosis, palette: Palette(enabled: false))
    for part in parts { #expect(text.contains(part), "\(part) is not in\n\(text)") }
    #expect(text.split(separator: "\n").count <= DiagnosisReport.lineLimit)
  }

  /// What the receiver of [rec: fail-chum-answer] kept and refused stands in the recording's own header.
  @Test
  func `each refusal of fail-chum-answer is foretold, and nothing that was stored`() throws {
    let flows = try verdict("fail-chum-answer-1").diagnosis.pairs.flatMap(\.flows)
    let flow = try #require(flows.first { $0.offeredCount > 0 })
    let header = try JSONValue.parse(
      [UInt8](try Data(contentsOf: Variation.root.appendingPathComponent("fail-chum-answer-1.ndjson")))
        .split(separator: 0x0A)[0].map { $0 })
    let cases = try #require(header["result"]?["cases"]?.array)
    let stored = cases.count { $0["stored"] == true }
    #expect(flow.offeredCount == cases.count)
    // The type without a recipe may be known to the application: that one is a remark, not a prediction.
    #expect(flow.remarks.contains { $0.cause.id == "unknown-type" })
    #expect(flow.missingCount + 1 == cases.count - stored)
    let ids = Set(flow.missing.map(\.cause.id))
    #expect(
      ids.isSuperset(of: [
        "hash-mismatch", "wrong-form", "bad-microdata", "type-mismatch", "refused-type", "unlisted-file",
        "bad-child-list",
        "refused", "bad-answer",
      ]))
  }

  @Test(arguments: Variation.good.filter { $0.hasPrefix("chum") || $0.hasPrefix("iop") || $0 == "reconnect-1" })
  func `a good session has nothing missing and no trouble`(_ name: String) throws {
    let diagnosis = try verdict(name).diagnosis
    #expect(!diagnosis.hasTrouble, "\(DiagnosisReport.text(diagnosis, palette: Palette(enabled: false)))")
  }

  @Test(arguments: ["chum-blob-1", "chum-burst-1", "iom-full-1", "fail-chum-answer-1"])
  func `other names of file and connections change nothing that is said`(_ name: String) throws {
    var other = try Variation(name)
    other.map("conn") { .string("x" + ($0.string ?? "")) }
    let text = DiagnosisReport.text(try other.verdict().diagnosis, palette: Palette(enabled: false))
    let known = DiagnosisReport.text(try verdict(name).diagnosis, palette: Palette(enabled: false))
    let mark = /\bx?c\d+/
    #expect(text.replacing(mark, with: "c") == known.replacing(mark, with: "c"))
  }

  @Test(arguments: Variation.good + Variation.faulty)
  func `a session cut anywhere, or without keys, is diagnosed without harm`(_ name: String) throws {
    let whole = try Variation(name)
    for part in 1..<4 {
      let place = whole.lines.count * part / 4
      var head = whole
      head.lines.removeLast(whole.lines.count - place)
      var tail = whole
      tail.lines.removeFirst(place)
      for session in [head, tail] {
        let text = DiagnosisReport.text(try session.verdict().diagnosis, palette: Palette(enabled: false))
        #expect(text.split(separator: "\n").count <= DiagnosisReport.lineLimit)
      }
    }
    let blind = try whole.verdict(keys: false).diagnosis
    #expect(blind.pairs.flatMap(\.flows).isEmpty)
    #expect(blind.troubles.first { $0.title.hasPrefix("CHUM") }?.answer == .notSeen)
  }

  @Test
  func `the JSON report carries it as data`() throws {
    let session = try JSONValue.parse(JSONReport.document([try verdict("chum-blob-1")], errors: []).compact)
    let diagnosis = try #require(session["sessions"]?.array?.first?["diagnosis"])
    let flow = try #require(
      diagnosis["pairs"]?.array?.first?["flows"]?.array?.first { $0["missing"]?.array?.isEmpty == false })
    #expect(flow["missing"]?.array?.contains { $0["cause"]?["fact"] == "F47" } == true)
    #expect(diagnosis["troubles"]?.array?.count == 4)
  }

  // MARK: Bounds

  private func event(_ seq: Int, _ leg: Int, _ direction: Direction, _ kind: Event.Kind) -> Event {
    Event(seq: seq, time: Double(seq), line: seq + 1, leg: leg, conn: "c\(leg)", direction: direction, kind: kind)
  }

  private func hash(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 64 - digits.count) + digits
  }

  @Test
  func `more pairs than fit are counted, not kept`() {
    let diagnostician = Diagnostician()
    for leg in 1...700 {
      diagnostician.observe(event(leg, leg, .fromServer, .peer(.instanceIdObject(name: "i\(leg)", owner: hash(leg)))))
      diagnostician.observe(event(leg, leg, .fromClient, .requested(id: 0, service: 2, args: [])))
      diagnostician.observe(event(leg, leg, .fromServer, .rootsListed(round: 1, count: 0)))
    }
    let diagnosis = diagnostician.finish()
    #expect(diagnosis.pairs.count <= 512)
    #expect(diagnosis.droppedPairs > 0)
    let text = DiagnosisReport.text(diagnosis, palette: Palette(enabled: false))
    #expect(text.split(separator: "\n").count <= DiagnosisReport.lineLimit)
    #expect(text.contains("more lines of diagnosis"))
  }

  @Test
  func `more roots than fit are counted, not kept`() {
    let diagnostician = Diagnostician()
    diagnostician.observe(event(1, 1, .fromClient, .requested(id: 0, service: 2, args: [])))
    for number in 1...60_000 {
      let entry = RootEntry.unversioned(hash: hash(number), type: "Keys")
      diagnostician.observe(event(2, 1, .fromServer, .announced(entry, round: 1)))
      if number % 20_000 == 0 { diagnostician.observe(event(2, 1, .fromServer, .rootsListed(round: 1, count: 20_000))) }
    }
    let flow = diagnostician.finish().pairs.flatMap(\.flows).first
    #expect(flow?.offeredCount == 50_000)
    #expect(flow?.remarks.contains { $0.cause.id == "bound" } == true)
  }

  @Test
  func `what a peer says reaches no terminal raw`() {
    let diagnostician = Diagnostician()
    diagnostician.observe(
      event(1, 1, .fromServer, .peer(.instanceIdObject(name: "a\u{1B}[2J", owner: hash(1)))))
    diagnostician.observe(event(2, 1, .fromClient, .requested(id: 0, service: 2, args: [])))
    diagnostician.observe(event(2, 1, .fromClient, .roundStarted(number: 1)))
    diagnostician.observe(
      event(3, 1, .fromServer, .announced(.unversioned(hash: hash(9), type: "T\u{1B}[31m"), round: 1)))
    diagnostician.observe(event(3, 1, .fromServer, .rootsListed(round: 1, count: 1)))
    diagnostician.observe(event(4, 1, .fromClient, .requested(id: 1, service: 6, args: [.string(hash(9))])))
    diagnostician.observe(
      event(5, 1, .fromServer, .closed(code: 1000, reason: "Chum ended [1] with error \u{1B}]0;x\u{7}", echo: false)))
    let text = DiagnosisReport.text(diagnostician.finish(), palette: Palette(enabled: false))
    #expect(text.contains("missing 1"))
    #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
  }
}
