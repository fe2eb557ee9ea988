import Cryptobox
import Foundation
import Testing
import Trace
import WireBytes

@testable import Recording

@Suite("Every recording decrypts to its twin")
struct TwinTests {
  @Test
  func `there are thirty-one recordings, twenty-three of them with a twin`() {
    #expect(Fixtures.names.count == 31)
    #expect(Fixtures.twins.count == 23)
  }

  @Test(arguments: Fixtures.twins)
  func `each line equals the twin's`(_ name: String) throws {
    var options = SessionReader<MemorySource>.Options()
    options.wantsPlain = true
    var reader = try SessionReader(MemorySource(try Fixtures.bytes("\(name).ndjson")), options: options)
    var mine: [PlainLine] = []
    while try reader.next() {
      mine += reader.analyzer.plainLines.filter { $0.layer != .clear }
    }
    let twin = try Fixtures.bytes("\(name).plain.ndjson").split(separator: 0x0A).dropFirst()
      .map { try JSONValue.parse(Array($0)) }
    #expect(mine.count == twin.count)
    for (line, expected) in zip(mine, twin) {
      if let difference = difference(line, expected) {
        Issue.record(
          "\(name) line \(line.line) on \(line.conn): \(difference), expected \(expected.compact.prefix(300))")
        return
      }
    }
  }

  private func difference(_ line: PlainLine, _ expected: JSONValue) -> String? {
    if line.time != expected["t"]?.number { return "time" }
    if line.conn != expected["conn"]?.string { return "connection" }
    if line.direction.name != expected["dir"]?.string { return "direction" }
    if line.layer.rawValue != expected["layer"]?.string { return "layer \(line.layer)" }
    if let nonce = expected["nonce"]?.integer, line.nonce != UInt64(nonce) { return "nonce" }
    if line.control != expected["control"]?.string { return "control \(line.control ?? "(none)")" }
    if let length = expected["cipherLength"]?.integer, line.cipherLength != length { return "cipher length" }
    if let padding = expected["paddingBytes"]?.integer, line.paddingBytes != padding { return "padding" }
    if let fragments = expected["fragments"]?.integer, line.fragments != fragments { return "fragments" }
    if let from = expected["from"]?.string, (from == "dialer") != (line.fromInitiator ?? false) { return "sender" }
    return payload(line, expected)
  }

  private func payload(_ line: PlainLine, _ expected: JSONValue) -> String? {
    guard let payload = line.payload else {
      return expected["data"]?.string == nil && expected["dataSha256"] == nil ? nil : "nothing opened"
    }
    if expected["kind"]?.string != payload.op.rawValue { return "kind" }
    let bytes: [UInt8] =
      switch payload {
      case .text(let text): Array(text.utf8)
      case .binary(let bytes): bytes
      }
    if let data = expected["data"]?.string {
      return payload == .text(data) || payload == .binary(Base64.decode(data) ?? []) ? nil : "data"
    }
    if expected["dataLength"]?.integer != bytes.count { return "data length" }
    return expected["dataSha256"]?.string == SHA256.hex(bytes) ? nil : "data hash"
  }

  @Test(arguments: Fixtures.names)
  func `every encrypted frame opens but those that the proxy broke, and none is unclassified`(_ name: String) throws {
    var reader = try SessionReader(MemorySource(try Fixtures.bytes("\(name).ndjson")))
    var unclassified = 0
    while try reader.next() {
      for event in reader.analyzer.events {
        if case .unclassified = event.kind { unclassified += 1 }
      }
    }
    let analyzer = reader.analyzer
    #expect(unclassified == 0)
    #expect(analyzer.blindness.unreadableFrames == 0)
    #expect(analyzer.encryptedFrameCount - analyzer.openedFrameCount == (name == "fail-tamper-1" ? 8 : 0))
  }
}
