import Cryptobox
import Foundation
import Testing
import Trace
import Wire
import WireBytes

@testable import Recording

@Suite("Keys from elsewhere, and none at all")
struct KeyTests {
  private static let name = "iop-pair-1.ndjson"

  /// The recording without any key, and the key log that a cooperating peer would have written.
  private func material() throws -> (bytes: [UInt8], keyLog: [UInt8]) {
    var reader = try SessionReader(MemorySource(try Fixtures.bytes(Self.name)))
    let ring = KeyRing(reader.header)
    var ephemeral: PublicKey?
    var log = "# written by a test\n"
    while try reader.next() {
      for event in reader.analyzer.events {
        guard case .keySent(let key) = event.kind, let mine = key.ephemeral else { continue }
        if key.isInitiator {
          ephemeral = mine
        } else if let initiator = ephemeral, let shared = ring.sessionKey(initiator: initiator, acceptor: mine) {
          log += "\(initiator.hex) \(Hex.encode(shared.exposedBytes))\n"
        }
      }
    }
    var lines = try Fixtures.bytes(Self.name).split(separator: 0x0A).map { Array($0) }
    guard case .object(let header) = try JSONValue.parse(lines[0]) else { return ([], []) }
    var bare = JSONObject()
    for member in header.members where member.name != "keys" { bare.append(member.name, member.value) }
    lines[0] = Array(JSONValue.object(bare).compact.utf8)
    return (Array(lines.joined(separator: [0x0A])), Array(log.utf8))
  }

  @Test
  func `a key log alone opens every frame`() throws {
    let (bytes, keyLog) = try material()
    var options = SessionReader<MemorySource>.Options()
    options.keyLogs = [("log", keyLog)]
    var reader = try SessionReader(MemorySource(bytes), options: options)
    while try reader.next() {}
    #expect(reader.analyzer.encryptedFrameCount > 50)
    #expect(reader.analyzer.openedFrameCount == reader.analyzer.encryptedFrameCount)
  }

  @Test
  func `without keys the frames are counted as unreadable and the clear part is still read`() throws {
    let (bytes, _) = try material()
    var reader = try SessionReader(MemorySource(bytes))
    var registrations = 0
    while try reader.next() {
      for event in reader.analyzer.events {
        if case .server(.register) = event.kind { registrations += 1 }
      }
    }
    #expect(registrations > 2)
    #expect(reader.analyzer.openedFrameCount == 0)
    #expect(reader.analyzer.blindness.unreadableFrames == reader.analyzer.encryptedFrameCount)
  }

  @Test(arguments: ["nonsense", "abcd abcd", String(repeating: "a", count: 64)])
  func `a broken key log is refused with its line`(_ text: String) throws {
    var ring = KeyRing()
    #expect(throws: RecordingFailure.self) { try ring.addKeyLog(Array("# first\n\(text)\n".utf8)) }
    do { try ring.addKeyLog(Array("# first\n\(text)\n".utf8)) } catch { #expect(error.line == 2) }
  }
}
