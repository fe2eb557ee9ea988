import Foundation
import Testing
import Trace
import WireBytes

@testable import Recording

@Suite("Archives and pseudonyms")
struct HARTests {
  private static let archive = """
    {"log":{"version":"1.2","entries":[
      {"startedDateTime":"2026-11-25T10:00:00.000Z","request":{"url":"http://x/"},"response":{}},
      {"startedDateTime":"2026-11-25T10:00:01.000Z","_resourceType":"websocket",
       "request":{"url":"ws://localhost:8000/relay?x=1"},
       "_webSocketMessages":[
        {"type":"send","time":1795600801.5,"opcode":1,"data":"{\\"command\\":\\"register\\"}"},
        {"type":"receive","time":1795600801.75,"opcode":2,"data":"AQID"},
        {"type":"receive","time":1795600802,"opcode":-1,"data":"WebSocket is closed"}]},
      {"startedDateTime":"2026-11-25T11:00:00.500+01:00","request":{"url":"wss://h"},"_webSocketMessages":[]}
    ]}}
    """

  private func lines(_ text: String) throws -> [RecordedLine] {
    let session = try HARImport.session(Array(text.utf8))
    return try session.split(separator: 0x0A).dropFirst().enumerated().map {
      try RecordedLine(Array($0.element), number: $0.offset + 2)
    }
  }

  @Test
  func `an archive becomes a session with the messages in order and in their direction`() throws {
    let lines = try lines(Self.archive)
    #expect(lines.count == 6)
    #expect(lines[0].conn == "c2" && lines[0].time == 0)
    #expect(lines[2].conn == "c1" && lines[2].time == 500)
    guard case .message(.text(let text), _, _) = lines[4].content,
      case .message(.binary(let bytes), _, _) = lines[5].content
    else { return #expect(Bool(false), "no messages") }
    #expect(text == #"{"command":"register"}"# && lines[4].direction == .fromClient)
    #expect(bytes == [1, 2, 3] && lines[5].direction == .fromServer)
    #expect(lines[4].time == 1_000 && lines[5].time == 1_250)
    var reader = try SessionReader(MemorySource(try HARImport.session(Array(Self.archive.utf8))))
    while try reader.next() {}
  }

  @Test
  func `what a page in a real Chromium said to the relay reads as a session`() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Fixtures/HAR/chromium-relay.har").path
    var reader = try SessionReader(try FileSource(path: path))
    var kinds: [String] = []
    while try reader.next() { kinds += reader.analyzer.events.map { "\($0.kind)".prefix { $0 != "(" }.description } }
    #expect(reader.truncation == nil)
    #expect(kinds.filter { $0 == "wireFrame" }.count == 11)
    #expect(reader.analyzer.encryptedFrameCount == 6)
  }

  @Test(arguments: [
    ("", "not JSON"), ("{}", "log.entries"), (#"{"log":{"entries":[{}]}}"#, "_webSocketMessages"),
    (#"{"log":{"entries":[{"_webSocketMessages":[{}]}]}}"#, "time"),
    (#"{"log":{"entries":[{"_webSocketMessages":[{"time":1,"data":"","type":"up","opcode":1}]}]}}"#, "type"),
    (#"{"log":{"entries":[{"_webSocketMessages":[{"time":1,"data":"*","type":"send","opcode":2}]}]}}"#, "base64"),
  ])
  func `what is no archive is refused with the place`(_ text: String, _ word: String) {
    do {
      _ = try HARImport.session(Array(text.utf8))
      #expect(Bool(false), "accepted \(text)")
    } catch {
      #expect(error.reason.contains(word), "\(error)")
    }
  }

  @Test
  func `dates read and write alike`() {
    #expect(ISODate.seconds("1970-01-01T00:00:00Z") == 0)
    #expect(ISODate.seconds("2026-11-25T10:00:00.000Z") == ISODate.seconds("2026-11-25T11:00:00+01:00"))
    for seconds in [0, 951_782_399.5, 951_868_800, 1795600801.5, 4_102_444_800] {
      #expect(ISODate.seconds(ISODate.text(seconds)) == seconds)
    }
    #expect(ISODate.text(951_782_400) == "2000-02-29T00:00:00.000Z")
    for text in ["", "2026", "2026-13-01T00:00:00Z", "99999999999999999999-01-01T00:00:00Z"] {
      #expect(ISODate.seconds(text) == nil)
    }
  }

  @Test
  func `pseudonyms keep length, case and the points that are nobody's`() {
    let pseudonyms = Pseudonyms(salt: [7])
    let key = String(repeating: "ab", count: 31) + "c1"
    let hidden = pseudonyms.redact("x\"\(key)\"y")
    #expect(hidden.utf8.count == key.utf8.count + 4 && !hidden.contains(key))
    #expect(pseudonyms.redact(key.uppercased()) == pseudonyms.redact(key).uppercased())
    #expect(Pseudonyms(salt: [8]).redact(key) != pseudonyms.redact(key))
    let zero = String(repeating: "0", count: 64)
    #expect(pseudonyms.redact(zero) == zero)
    let challenge = String(repeating: "ab", count: 104)
    #expect(pseudonyms.redact(challenge) == challenge)
    let token = #"{"command":"authentication_token","token":"AbC-_9"}"#
    let redacted = pseudonyms.redact(token)
    #expect(redacted != token && redacted.utf8.count == token.utf8.count && redacted == pseudonyms.redact(token))
    #expect(pseudonyms.redact("grüße") == "grüße")
  }
}
