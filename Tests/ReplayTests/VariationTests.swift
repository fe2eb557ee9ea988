import Foundation
import Invariants
import Recording
import Replay
import Testing
import WireBytes

/// A recording as lines that a test may vary without touching what was said.
struct Variation {
  let header: JSONValue
  var lines: [JSONObject]

  init(_ name: String) throws {
    let bytes = [UInt8](try Data(contentsOf: Self.root.appendingPathComponent("\(name).ndjson")))
    let all = bytes.split(separator: 0x0A).map { Array($0) }
    header = try JSONValue.parse(all[0])
    lines = try all.dropFirst().compactMap { try JSONValue.parse($0).object }
  }

  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures/Recordings")

  /// The good sessions; the largest is left to the gate.
  static let good = [
    "chum-blob-fixed-1", "chum-chat-file-1", "chum-clob-1", "instance-restart-1", "iom-full-1", "iom-groups-1",
    "iom-light-1", "iop-chum-1", "iop-pair-1", "keepalive-1", "ping-pong-1", "reconnect-1", "relay-close-1",
    "relay-encrypted-1", "relay-order-1", "relay-plain-1", "server-stop-1",
  ]
  static let faulty = [
    "chum-burst-1", "fail-auth-1", "fail-chum-request-1", "fail-first-message-1", "fail-identity-1", "fail-ping-1",
    "fail-request-1", "fail-tamper-1",
  ]

  var connections: [String] {
    var seen: [String] = []
    for line in lines { if let name = line["conn"]?.string, !seen.contains(name) { seen.append(name) } }
    return seen
  }

  mutating func map(_ name: String, _ change: (JSONValue) -> JSONValue) {
    for index in lines.indices {
      var line = JSONObject()
      for member in lines[index].members {
        line.append(member.name, member.name == name ? change(member.value) : member.value)
      }
      lines[index] = line
    }
  }

  func verdict(keys: Bool = true) throws -> SessionVerdict {
    var text = header.compact + "\n"
    for line in lines { text += JSONValue.object(line).compact + "\n" }
    var options = SessionReader<MemorySource>.Options()
    options.ignoresHeaderKeys = !keys
    var judge = try SessionJudge(file: "variation", source: MemorySource(Array(text.utf8)), options: options)
    return try judge.run()
  }
}

extension SessionVerdict {
  var failures: [String] {
    findings.filter { $0.level(.deployed) == .failure }.map { "\($0.rule.id) \($0.conn) \($0.line): \($0.message)" }
  }
  func places(_ name: (String) -> String = { $0 }) -> Set<String> {
    Set(findings.map { "\($0.rule.id) \(name($0.conn)) \($0.line)" })
  }
}

@Suite("Verdicts stay when only what does not matter changes")
struct VariationTests {
  @Test(arguments: Variation.good)
  func `each connection alone passes`(_ name: String) throws {
    let whole = try Variation(name)
    for conn in whole.connections {
      var one = whole
      one.lines.removeAll { $0["conn"]?.string != conn }
      #expect(try one.verdict().failures == [])
    }
  }

  @Test(arguments: Variation.good)
  func `a session that is cut at its end or at its beginning passes`(_ name: String) throws {
    let whole = try Variation(name)
    for part in 1..<4 {
      let place = whole.lines.count * part / 4
      var head = whole
      head.lines.removeLast(whole.lines.count - place)
      #expect(try head.verdict().failures == [])
      var tail = whole
      tail.lines.removeFirst(place)
      let verdict = try tail.verdict()
      #expect(verdict.failures == [])
      if verdict.blindness.midwayConnections > 0 {
        #expect(verdict.blindSpots.contains { $0.contains("had begun before the recording") })
      }
    }
  }

  @Test(arguments: Variation.good + Variation.faulty)
  func `without keys nothing new is found`(_ name: String) throws {
    let whole = try Variation(name)
    #expect(try whole.verdict(keys: false).places().subtracting(whole.verdict().places()) == [])
  }

  @Test(arguments: Variation.faulty)
  func `other names, another start of the clock and a little more time change no finding`(_ name: String) throws {
    let whole = try Variation(name)
    var other = whole
    other.map("conn") { .string("left of " + ($0.string ?? "")) }
    other.map("t") { .number(($0.number ?? 0) * 1.03 + 86_400_000) }
    let places = try other.verdict().places { String($0.dropFirst("left of ".count)) }
    #expect(try places == whole.verdict().places())
  }

  @Test(arguments: [0.5, 3.0, 20.0])
  func `another ping interval is measured by its own length`(_ factor: Double) throws {
    var other = try Variation("ping-pong-1")
    other.map("t") { .number(($0.number ?? 0) * factor) }
    other.map("data") { data in
      guard let text = data.string, text.contains("authentication_success") else { return data }
      return .string(text.replacingOccurrences(of: ":400", with: ":\(Int(400 * factor))"))
    }
    #expect(try other.verdict().failures == [])
    var late = try Variation("ping-pong-1")
    late.map("t") { .number(($0.number ?? 0) * 20) }
    #expect(try late.verdict().failures.contains { $0.hasPrefix("KA-001") })
  }
}

@Suite("Relays of the same keys")
struct SameKeysTests {
  /// Two dialers of the same keys at once; the second is handed over first. Only the key messages tell them apart.
  private func session(swapped: Bool) throws -> Variation {
    var whole = try Variation("relay-encrypted-1")
    let listener = whole.lines.filter { $0["conn"]?.string == "c2" }
    let dialer = whole.lines.filter { $0["conn"]?.string == "c3" }
    func copy(_ lines: [JSONObject], _ name: String) -> [JSONObject] {
      var part = whole
      part.lines = lines
      part.map("conn") { _ in .string(name) }
      // Another nonce in the key message; that it does not open any more is not the question here.
      part.map("data") { data in
        guard let text = data.string, text.utf8.count == 96 else { return data }
        return .string("QUJD" + text.dropFirst(4))
      }
      return part.lines
    }
    // A reason tells the two relays apart at their ends.
    var second = whole
    second.lines = copy(listener, "c12") + copy(dialer, "c13")
    second.map("reason") { .string("second " + ($0.string ?? "")) }
    let requests = dialer.firstIndex { $0["data"]?.string?.contains("communication_request") == true } ?? 0
    let later = second.lines.filter { $0["conn"]?.string == "c13" }
    let opening = Array(dialer.prefix(requests + 1)) + Array(later.prefix(requests + 1))
    let firstRest = (listener + dialer.dropFirst(requests + 1)).sorted {
      ($0["t"]?.number ?? 0) < ($1["t"]?.number ?? 0)
    }
    let secondRest = (second.lines.filter { $0["conn"]?.string == "c12" } + later.dropFirst(requests + 1))
      .sorted { ($0["t"]?.number ?? 0) < ($1["t"]?.number ?? 0) }
    whole.lines = opening + (swapped ? secondRest + firstRest : firstRest + secondRest)
    return whole
  }

  @Test(arguments: [false, true])
  func `two dialers at once are told apart`(_ swapped: Bool) throws {
    let verdict = try session(swapped: swapped).verdict()
    #expect(verdict.findings.filter { ["RL-008", "RL-009"].contains($0.rule.id) }.map(\.message) == [])
  }
}
