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
      #expect(found.count { $0.hasPrefix("ACC-010") } >= count)
      #expect(count > 0 || found == [])
      // What is announced without a grant is CHUM-012, too.
      #expect(found.filter { !$0.hasPrefix("ACC-0") && !$0.hasPrefix("CHUM-012") } == [])
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
    let found = Self.ids(try log.findings(RuleBook.all, beside: Self.session))
    #expect(found == [])
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

  @Test
  func `a grant that is written down a little after it works breaks nothing`() throws {
    let log = try Self.revoked()
    // Granted again before the round of 29,617 ms, logged while its answer is on the way.
    let grant = log.grant("alice", log.identity("alice", "profile"), naming: log.identity("bob", "person"))
    var again = log
    again.lines.append(again.lines[grant])
    again.set(again.lines.count - 1, ("t", 29_650), ("started", 29_610), ("resultGroups", []), ("versions", 5))
    again.move(again.lines.count - 1, to: 29_650)
    #expect(Self.ids(try log.findings(RuleBook.all, beside: Self.session)).contains { $0.hasPrefix("ACC-010") })
    let found = Self.ids(try again.findings(RuleBook.all, beside: Self.session))
    #expect(!found.contains { $0.hasPrefix("ACC-010") }, "\(found)")
  }

  @Test(arguments: [("evaluated", nil), ("ignored", "F1"), (nil, "F1")] as [(String?, String?)])
  func `groups that are ignored are the known deviation, groups that are evaluated wrongly are not`(
    _ policy: String?, _ deviation: String?
  ) throws {
    var log = try LogEditor()
    for index in log.lines.indices where log.lines[index]["log"] == "chumStarted" {
      log.set(index, ("groupPolicy", policy.map { .string($0) } ?? nil))
    }
    log.insert(
      4_200, "grantCreated", "alice", ("subject", .string(String(repeating: "5a", count: 32))), ("subjectKind", "id"),
      ("groups", [.string(log.group("alice", "everyone"))]), ("mode", "add"))
    let found = try log.findings(RuleBook.all.filter { $0.info.id == "ACC-015" }, beside: Self.session)
    #expect(found.map(\.deviation) == [deviation])
  }
}
