import Foundation
import Invariants
import Recording
import Replay
import Testing
import Trace
import Wire
import WireBytes

/// Lines that are made while they are read, as many as a test likes.
private struct GeneratedSource: ByteSource {
  let count: Int
  let line: (Int) -> String
  private var position = 0

  init(_ count: Int, _ line: @escaping (Int) -> String) {
    self.count = count
    self.line = line
  }

  mutating func next() -> [UInt8] {
    defer { position += 1 }
    if position == 0 { return Array("{\"type\":\"header\",\"format\":\"one-ws-recording/1\"}\n".utf8) }
    return position <= count ? Array(line(position).utf8) : []
  }
}

private func json(_ conn: String, _ kind: String, _ rest: String, dir: String = "c2s", t: Int = 1) -> String {
  "{\"t\":\(t),\"conn\":\"\(conn)\",\"dir\":\"\(dir)\",\"kind\":\"\(kind)\",\(rest)}\n"
}

@Suite("Memory follows what is open, and what is open has a bound")
struct BoundsTests {
  private func failure(_ source: GeneratedSource, _ limits: RecordingLimits = .init()) throws -> RecordingFailure? {
    var options = SessionReader<GeneratedSource>.Options()
    options.limits = limits
    do throws(RecordingFailure) {
      var judge = try SessionJudge(file: "generated", source: source, options: options)
      _ = try judge.run()
      return nil
    } catch { return error }
  }

  @Test
  func `a line without an end is an error with its number`() throws {
    var limits = RecordingLimits()
    limits.line = 1 << 20
    let piece = String(repeating: "x", count: 64 << 10)
    let failure = try failure(GeneratedSource(1_000_000) { _ in piece }, limits)
    #expect(failure == RecordingFailure(line: 2, "longer than \(1 << 20) bytes"))
  }

  @Test
  func `more open connections than the limit are an error with the line`() throws {
    var limits = RecordingLimits()
    limits.openConnections = 500
    let failure = try failure(GeneratedSource(100_000) { json("c\($0)", "open", "\"data\":\"{}\"") }, limits)
    #expect(failure?.line == 502)
    #expect(failure?.reason.contains("500 connections") == true)
  }

  @Test
  func `connections that only one side closes do not pile up`() throws {
    var reader = try SessionReader(
      GeneratedSource(20_000) { number in
        let conn = "c\(number / 2)"
        return number % 2 == 0
          ? json(conn, "open", "\"data\":\"{}\"") : json(conn, "close", "\"code\":1006,\"reason\":\"\"")
      })
    var engine = RuleEngine(facts: SessionFacts())
    var most = (connections: 0, legs: 0)
    while try reader.next() {
      for event in reader.analyzer.events { engine.observe(event) }
      most = (max(most.connections, reader.analyzer.openConnections), max(most.legs, engine.openLegs))
    }
    #expect(most.connections <= 1_100)
    #expect(most.legs <= 1_100)
    #expect(reader.analyzer.connectionCount > 9_000)
  }

  @Test
  func `a name that is used again is another connection`() throws {
    let text = CommServerMessage.register(publicKey: String(repeating: "ab", count: 32)).text
    var reader = try SessionReader(
      GeneratedSource(10_000) { number in
        number % 2 == 1
          ? json("c1", "open", "\"data\":\"{}\"") : json("c1", "text", "\"data\":\(JSONText.quoted(text))")
      })
    var engine = RuleEngine(facts: SessionFacts())
    while try reader.next() { for event in reader.analyzer.events { engine.observe(event) } }
    #expect(engine.openLegs == 1)
    #expect(reader.analyzer.connectionCount == 5_000)
    engine.finish()
    #expect(engine.findings.isEmpty)
  }

  /// Events of one connection that never ends: requests, answers and lists without repetition.
  private func endless() -> RuleEngine {
    var engine = RuleEngine(facts: SessionFacts())
    for number in 0..<205_000 {
      let digits = String(number, radix: 16)
      let hash = String(repeating: "0", count: 64 - digits.utf8.count) + digits
      func event(_ direction: Direction, _ kind: Event.Kind) {
        engine.observe(
          Event(
            seq: number, time: Double(number), line: number, leg: 1, conn: "c1", direction: direction, kind: kind))
      }
      event(.fromServer, .announced(.unversioned(hash: hash, type: "T"), round: 1))
      guard number < 70_000 else { continue }
      event(.fromServer, .childListed(parent: hash, ChildEntry(kind: .object, hash: hash), index: 0))
      event(.fromClient, .requested(id: number, service: 6, args: [.string(hash)]))
    }
    return engine
  }

  @Test
  func `a connection that only grows overflows its tables, and silence proves nothing any more`() throws {
    var engine = endless()
    engine.finish()
    #expect(engine.findings.count == RuleEngine.keptFindings)
    #expect(engine.droppedFindings > 0)
    // What the full tables do not hold any more is not held against anybody.
    #expect(!engine.findings.contains { $0.rule.id == "CHUM-020" })
  }

  @Test(arguments: [
    ("{\"t\":\"soon\"}", "t is not a time"), ("{\"t\":1e999}", "t is not a time"), ("[]", "not an object"),
    ("{\"t\":1,\"conn\":7}", "conn is not"), ("{\"t\":1,\"conn\":\"c\",\"dir\":\"up\"}", "dir is neither"),
    ("{\"t\":1,\"conn\":\"c\",\"dir\":\"c2s\"}", "kind is missing"),
    ("{\"t\":1,\"conn\":\"c\",\"dir\":\"c2s\",\"kind\":\"smoke\"}", "unknown kind"),
    ("{\"t\":1,\"conn\":\"c\",\"dir\":\"c2s\",\"kind\":\"text\"}", "data is not a string"),
    ("{\"t\":1,\"conn\":\"c\",\"dir\":\"c2s\",\"kind\":\"binary\",\"data\":\"%%\"}", "not base64"),
    ("{\"t\":1,\"conn\":\"c\",\"dir\":\"c2s\",\"kind\":\"close\",\"code\":70000}", "not a close code"),
    ("{\"t\":1,\"conn\":\"c\",\"dir\":\"c2s\",\"kind\":\"close\",\"code\":1e300}", "not a close code"),
    ("{\"t\":1,\"conn\":\"c\",\"dir\":\"c2s\",\"kind\":\"text\",\"data\":\"\",\"proxy\":3}", "proxy is not"),
  ])
  func `a broken line is named with its number and what is wrong`(_ line: String, _ why: String) throws {
    let failure = try failure(
      GeneratedSource(9) { $0 == 5 ? line + "\n" : json("c1", "open", "\"data\":\"{}\"") })
    #expect(failure?.line == 6)
    #expect(failure?.reason.contains(why) == true, "\(failure?.reason ?? "no error")")
  }

  @Test(arguments: [
    "{\"x25519\":[{\"role\":\"a\",\"pub\":\"ab\",\"sec\":\"cd\"}]}", "{\"x25519\":[{}]}", "{\"x25519\":7}", "[]",
    "{\"sharedKeys\":[{\"key\":\"00\"}]}", "{\"sharedKeys\":{}}",
  ])
  func `keys of a wrong length or type are an error at line one`(_ keys: String) {
    let header = "{\"type\":\"header\",\"format\":\"one-ws-recording/1\",\"keys\":\(keys)}\n"
    do throws(RecordingFailure) {
      _ = try SessionReader(MemorySource(Array(header.utf8)))
      Issue.record("accepted")
    } catch { #expect(error.line == 1 && error.reason.contains("keys")) }
  }
}
