import Foundation
import Invariants
import Replay
import Testing
import WireBytes

@testable import Recording

/// The good log of two instances (Fixtures/Log/good.log.ndjson) as a list of lines that a test may edit.
struct LogEditor: Sendable {
  typealias Member = (String, JSONValue)
  var lines: [JSONObject]

  init() throws {
    let text = try Data(contentsOf: Fixtures.root.appendingPathComponent("Log/good.log.ndjson"))
    lines = try String(decoding: text, as: UTF8.self).split(separator: "\n").map { line in
      guard case .object(let object) = try JSONValue.parse(String(line)) else {
        throw RecordingFailure(line: 0, "no log")
      }
      return object
    }
  }

  // MARK: Finding

  /// The position of the first event of that name and instance whose members are these.
  func index(_ log: String, _ peer: String, _ members: Member..., from start: Int = 0) -> Int {
    for position in start..<lines.count {
      let line = lines[position]
      guard line["log"]?.string == log, line["peer"]?.string == peer, members.allSatisfy({ line[$0.0] == $0.1 }) else {
        continue
      }
      return position
    }
    Issue.record("no \(log) of \(peer)")
    return lines.count - 1
  }

  func text(_ position: Int, _ member: String) -> String { lines[position][member]?.string ?? "" }
  func time(_ position: Int) -> Double { lines[position]["t"]?.number ?? 0 }

  /// A hash that the good log knows by the members of an event.
  func identity(_ peer: String, _ member: String) -> String { text(index("identityReady", peer), member) }
  func group(_ peer: String, _ name: String) -> String {
    lines[index("identityReady", peer)]["groups"]?[name]?.string ?? ""
  }
  var chat: String { text(index("topicCreated", "bob"), "channel") }
  var topic: String { text(index("topicCreated", "bob"), "topic") }
  var chatID: String { text(index("topicCreated", "bob"), "id") }

  /// The grant of an instance on a subject, the first that names this principal.
  func grant(_ peer: String, _ subject: String, naming principal: String) -> Int {
    let found = lines.firstIndex { line in
      guard line["log"]?.string == "grantCreated", line["peer"]?.string == peer, line["subject"]?.string == subject
      else { return false }
      let named = (line["persons"]?.array ?? []) + (line["groups"]?.array ?? [])
      return named.contains(.string(principal))
    }
    if found == nil { Issue.record("no grant of \(peer) on \(subject)") }
    return found ?? 0
  }

  // MARK: Editing

  mutating func set(_ position: Int, _ members: Member...) {
    var object = JSONObject()
    for member in lines[position].members {
      object.append(member.name, members.last { $0.0 == member.name }?.1 ?? member.value)
    }
    for (name, value) in members where lines[position][name] == nil { object.append(name, value) }
    lines[position] = object
  }

  mutating func remove(_ position: Int) { lines.remove(at: position) }

  /// Takes away every event that fits.
  mutating func removeAll(where fits: (JSONObject) -> Bool) { lines.removeAll(where: fits) }

  /// A new event at its time; behind those of the same time.
  mutating func insert(_ time: Double, _ log: String, _ peer: String, _ members: Member...) {
    var object = JSONObject()
    object.append("t", .number(time))
    object.append("log", .string(log))
    object.append("peer", .string(peer))
    for (name, value) in members { object.append(name, value) }
    let place = lines.firstIndex { ($0["t"]?.number ?? 0) > time } ?? lines.count
    lines.insert(object, at: place)
  }

  /// Moves an event to another time.
  mutating func move(_ position: Int, to time: Double) {
    let line = lines.remove(at: position)
    let place = lines.firstIndex { ($0["t"]?.number ?? 0) > time } ?? lines.count
    lines.insert(line, at: place)
    set(place, ("t", .number(time)))
  }

  /// Repeats an event right behind itself, a millisecond later.
  mutating func `repeat`(_ position: Int) {
    lines.insert(lines[position], at: position + 1)
    set(position + 1, ("t", .number(time(position) + 1)))
  }

  // MARK: Writing and judging

  func written() -> [UInt8] { Array((lines.map { JSONValue.object($0).compact }.joined(separator: "\n") + "\n").utf8) }

  func findings(_ rules: [any Rule.Type], beside session: String?) throws -> [Finding] {
    guard let session else { return try judge(written(), rules) }
    var judge = try SessionJudge(
      file: "memory", source: MemorySource(try Fixtures.recording(session)),
      logs: [("good.log", MemorySource(written()))], rules: rules)
    return try judge.run().findings
  }

  func firstDifference(from other: LogEditor) -> Int {
    for (index, (one, two)) in zip(lines, other.lines).enumerated() where one != two { return index + 1 }
    return min(lines.count, other.lines.count) + 1
  }
}
