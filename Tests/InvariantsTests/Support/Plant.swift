import Invariants
import Trace

/// A planted violation: a real recording, and the one change that a rule must notice.
struct Plant: Sendable, CustomStringConvertible {
  enum Material: Sendable {
    case leg(String, String, @Sendable (inout SessionEditor) -> Void)
    /// The whole file, line by line, for rules that look at several connections.
    case file(String, @Sendable (inout [String]) -> Void)
  }

  let rule: String
  let what: String
  let material: Material

  var description: String { "\(rule): \(what)" }

  static func leg(
    _ rule: String, _ what: String, _ recording: String, _ conn: String,
    _ edit: @escaping @Sendable (inout SessionEditor) -> Void
  ) -> Plant { Plant(rule: rule, what: what, material: .leg(recording, conn, edit)) }

  static func file(
    _ rule: String, _ what: String, _ recording: String, _ edit: @escaping @Sendable (inout [String]) -> Void
  ) -> Plant { Plant(rule: rule, what: what, material: .file(recording, edit)) }

  /// Findings of the rule without and with the change.
  func findings() throws -> (before: [Finding], after: [Finding]) {
    guard let type = RuleBook.all.first(where: { $0.info.id == rule }) else { return ([], []) }
    switch material {
    case .leg(let recording, let conn, let edit):
      var editor = try SessionEditor(recording, conn)
      let before = try editor.findings(type)
      edit(&editor)
      return (before, try editor.findings(type))
    case .file(let recording, let edit):
      var lines = try Fixtures.lines(recording)
      let before = try judge(Array(lines.joined(separator: "\n").utf8), type)
      edit(&lines)
      return (before, try judge(Array((lines.joined(separator: "\n") + "\n").utf8), type))
    }
  }
}
