import Foundation
import Invariants
import Replay
import Synchronization
import Trace

@testable import Recording

/// Where a finding must stand, seen from the first line that a plant changes.
enum Spot: Sendable {
  /// On that line, or so many lines behind it.
  case changed(Int)
  /// Before it: the last message before a silence, or what a later message proves wrong.
  case earlier
  /// Behind it, where the effect shows.
  case later
  /// On a line of the session, when the change is in a log beside it.
  case session
}

/// A planted violation: a real recording, and the one change that a rule must notice.
struct Plant: Sendable, CustomStringConvertible {
  enum Material: Sendable {
    case leg(String, String, @Sendable (inout SessionEditor) -> Void)
    /// The whole file, line by line, for rules that look at several connections.
    case file(String, @Sendable (inout [String]) -> Void)
    /// The events of one leg, for what would be too large to write down.
    case events(String, String, @Sendable (inout [Event]) -> Void)
    /// The good log, line by line: alone, or beside the session that it was written for.
    case log(beside: String?, @Sendable (inout LogEditor) -> Void)
  }

  struct Outcome {
    var before: [Finding]
    var after: [Finding]
    /// The first line that the plant changed, and the number of lines behind the change.
    var changedLine: Int
    var lines: Int
  }

  let rule: String
  let what: String
  let material: Material
  let spot: Spot
  /// Ids that the finding names beside the rule's own.
  let also: [String]

  var description: String { "\(rule): \(what)" }

  static func leg(
    _ rule: String, _ what: String, _ recording: String, _ conn: String, at spot: Spot = .changed(0),
    also: [String] = [], _ edit: @escaping @Sendable (inout SessionEditor) -> Void
  ) -> Plant { Plant(rule: rule, what: what, material: .leg(recording, conn, edit), spot: spot, also: also) }

  static func file(
    _ rule: String, _ what: String, _ recording: String, at spot: Spot = .changed(0), also: [String] = [],
    _ edit: @escaping @Sendable (inout [String]) -> Void
  ) -> Plant { Plant(rule: rule, what: what, material: .file(recording, edit), spot: spot, also: also) }

  static func events(
    _ rule: String, _ what: String, _ recording: String, _ conn: String, at spot: Spot = .changed(0),
    _ edit: @escaping @Sendable (inout [Event]) -> Void
  ) -> Plant { Plant(rule: rule, what: what, material: .events(recording, conn, edit), spot: spot, also: []) }

  static func log(
    _ rule: String, _ what: String, at spot: Spot = .changed(0), _ edit: @escaping @Sendable (inout LogEditor) -> Void
  ) -> Plant { Plant(rule: rule, what: what, material: .log(beside: nil, edit), spot: spot, also: []) }

  /// The log is changed, and the wire as it was breaks the rule.
  static func beside(
    _ rule: String, _ what: String, at spot: Spot = .session, _ edit: @escaping @Sendable (inout LogEditor) -> Void
  ) -> Plant { Plant(rule: rule, what: what, material: .log(beside: "iop-chum-1", edit), spot: spot, also: []) }

  /// Findings of the rule without and with the change.
  func outcome() throws -> Outcome {
    guard let type = RuleBook.all.first(where: { $0.info.id == rule }) else {
      return Outcome(before: [], after: [], changedLine: 0, lines: 0)
    }
    switch material {
    case .leg(let recording, let conn, let edit):
      let base = try Bases.leg(recording, conn)
      var editor = base.editor
      edit(&editor)
      return Outcome(
        before: base.findings[rule] ?? [], after: try editor.findings(type),
        changedLine: editor.firstDifference(from: base.editor), lines: editor.items.count + 1)
    case .file(let recording, let edit):
      let base = try Bases.file(recording)
      var lines = base.lines
      edit(&lines)
      let changed = zip(lines, base.lines).enumerated().first { $0.element.0 != $0.element.1 }?.offset
      return Outcome(
        before: base.findings[rule] ?? [],
        after: try judge(Array((lines.joined(separator: "\n") + "\n").utf8), [type]),
        changedLine: 1 + (changed ?? min(lines.count, base.lines.count)), lines: lines.count)
    case .events(let recording, let conn, let edit):
      let base = try Bases.leg(recording, conn)
      var events = base.events
      edit(&events)
      let changed = zip(events, base.events).first { "\($0.0.kind)" != "\($0.1.kind)" }?.0.line
      return Outcome(
        before: judge(base.events, type), after: judge(events, type), changedLine: changed ?? 0,
        lines: base.editor.items.count + 1)
    case .log(let session, let edit):
      let base = try Bases.log(beside: session)
      var editor = base.editor
      edit(&editor)
      return Outcome(
        before: base.findings[rule] ?? [], after: try editor.findings([type], beside: session),
        changedLine: editor.firstDifference(from: base.editor),
        lines: max(editor.lines.count, session == nil ? 0 : 1_000))
    }
  }
}

/// Recordings that many plants start from, each read and judged by all rules once.
enum Bases {
  struct Leg: Sendable {
    let editor: SessionEditor
    let findings: [String: [Finding]]
    let events: [Event]
  }
  struct File: Sendable {
    let lines: [String]
    let findings: [String: [Finding]]
  }
  struct Log: Sendable {
    let editor: LogEditor
    let findings: [String: [Finding]]
  }
  private static let logs = Mutex<[String: Log]>([:])
  private static let legs = Mutex<[String: Leg]>([:])
  private static let files = Mutex<[String: File]>([:])

  static func leg(_ recording: String, _ conn: String) throws -> Leg {
    let name = "\(recording)/\(conn)"
    if let known = legs.withLock({ $0[name] }) { return known }
    let editor = try SessionEditor(recording, conn)
    let bytes = editor.written()
    let findings = Dictionary(grouping: try judge(bytes, RuleBook.all)) { $0.rule.id }
    var events: [Event] = []
    var reader = try SessionReader(MemorySource(bytes))
    while try reader.next() { events += reader.analyzer.events }
    let leg = Leg(editor: editor, findings: findings, events: events)
    legs.withLock { $0[name] = leg }
    return leg
  }

  static func file(_ recording: String) throws -> File {
    if let known = files.withLock({ $0[recording] }) { return known }
    let lines = try Fixtures.lines(recording)
    let bytes = Array((lines.joined(separator: "\n") + "\n").utf8)
    let file = File(lines: lines, findings: Dictionary(grouping: try judge(bytes, RuleBook.all)) { $0.rule.id })
    files.withLock { $0[recording] = file }
    return file
  }
}

extension Bases {
  static func log(beside session: String?) throws -> Log {
    if let known = logs.withLock({ $0[session ?? ""] }) { return known }
    let editor = try LogEditor()
    let findings = Dictionary(grouping: try editor.findings(RuleBook.all, beside: session)) { $0.rule.id }
    let log = Log(editor: editor, findings: findings)
    logs.withLock { $0[session ?? ""] = log }
    return log
  }
}

/// Judges a session in memory.
func judge(_ bytes: [UInt8], _ rules: [any Rule.Type]) throws -> [Finding] {
  var judge = try SessionJudge(file: "memory", source: MemorySource(bytes), rules: rules)
  return try judge.run().findings
}

/// Judges events by one rule.
func judge(_ events: [Event], _ rule: any Rule.Type) -> [Finding] {
  var engine = RuleEngine(rules: [rule], facts: SessionFacts())
  for event in events { engine.observe(event) }
  engine.finish()
  return engine.findings
}
