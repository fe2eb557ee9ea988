import Foundation
import Invariants
import Replay
import Testing
import WireBytes

@testable import Recording

@Suite("A log is judged the same wherever it stands")
struct LogJudgeTests {
  private static let session = "iop-chum-1"

  /// The good log with the profile revoked while bob still gets it: one finding of ACC-010.
  private static func revoked() throws -> LogEditor {
    var log = try LogEditor()
    log.move(log.index("grantCreated", "alice", ("mode", "replace")), to: 24_700)
    return log
  }

  private static func ids(_ findings: [Finding]) -> [String] {
    findings.map { "\($0.rule.id) \($0.message)" }.filter { !$0.hasPrefix("TR-015") }.sorted()
  }

  @Test
  func `without names of connections the persons tell who offers what`() throws {
    for (log, count) in [(try LogEditor(), 0), (try Self.revoked(), 1)] {
      var bare = log
      for index in bare.lines.indices where bare.lines[index]["log"] != "chumEnded" { bare.set(index, ("conn", nil)) }
      // One unnamed connection after the other: two at once would share their plugins.
      bare.removeAll { $0["log"] == "pluginAttached" || $0["log"] == "pluginPassed" || $0["log"] == "handlerGotText" }
      let found = Self.ids(try bare.findings(RuleBook.all, beside: Self.session))
      #expect(
        found.count { $0.hasPrefix("ACC-010") } >= count && found.allSatisfy { $0.hasPrefix("ACC-0") && count > 0 })
    }
  }

  @Test
  func `names that the application counts by itself are taken for no one else's connection`() throws {
    var log = try LogEditor()
    let swapped = ["c8": "c9", "c9": "c8"]
    for index in log.lines.indices {
      if let conn = log.lines[index]["conn"]?.string, let other = swapped[conn] {
        log.set(index, ("conn", .string(other)))
      }
    }
    #expect(Self.ids(try log.findings(RuleBook.all, beside: Self.session)) == [])
  }

  @Test
  func `lines among the frames give what a file beside them gives`() throws {
    let log = try Self.revoked()
    var lines = try Fixtures.lines(Self.session)
    for event in log.lines {
      let time = event["t"]?.number ?? 0
      let place = lines.dropFirst().firstIndex { line in
        ((try? JSONValue.parse(line))?["t"]?.number ?? 0) > time
      }
      lines.insert(JSONValue.object(event).compact, at: place ?? lines.count)
    }
    let beside = Self.ids(try log.findings(RuleBook.all, beside: Self.session))
    let among = Self.ids(try judge(Array((lines.joined(separator: "\n") + "\n").utf8), RuleBook.all))
    #expect(among == beside && !beside.isEmpty)
  }

  @Test
  func `a wall clock gives what the recording's time gives`() throws {
    let log = try Self.revoked()
    var walled = log
    for index in walled.lines.indices {
      var object = JSONObject()
      for member in walled.lines[index].members {
        let isTime = member.name == "t" || member.name == "started" || member.name == "expiresAt"
        let value = isTime ? JSONValue.number((member.value.number ?? 0) + 1_795_386_214_253) : member.value
        object.append(member.name == "t" ? "wall" : member.name, value)
      }
      walled.lines[index] = object
    }
    #expect(
      Self.ids(try walled.findings(RuleBook.all, beside: Self.session))
        == Self.ids(try log.findings(RuleBook.all, beside: Self.session)))
    #expect(try Bases.log(beside: nil).findings.isEmpty)
  }
}
