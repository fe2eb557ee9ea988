public import Results
public import Scenario
import WireBytes

/// The failures that are known: id → reason, link, date of expiry. What no longer fails must not stand here.
public struct Expectations: Sendable, Equatable {
  public struct Entry: Sendable, Equatable {
    public var id: String
    public var reason: String
    public var link: String?
    /// `YYYY-MM-DD`; from this day on the entry is stale, whatever the case does.
    public var expires: String?
    /// File, line and column of the entry.
    public var place: String

    public init(id: String, reason: String, link: String?, expires: String?, place: String) {
      self.id = id
      self.reason = reason
      self.link = link
      self.expires = expires
      self.place = place
    }
  }

  public var entries: [Entry]

  public init(entries: [Entry] = []) { self.entries = entries }

  public init(yaml: String, file: String) throws(ScenarioFailure) {
    entries = []
    let form = Form(
      name: "the expectations",
      fields: [
        Form.field("format", .word, "chumgate-expectations/1", required: true),
        Form.field("expect", .rows, "the entries"),
      ],
      says: "known failures")
    let fields = try Fields(try Tree.parse(yaml, file: file), form)
    guard try fields.text("format") == "chumgate-expectations/1" else {
      throw ScenarioFailure(
        fields.place(of: "format"), expected: "chumgate-expectations/1", found: try fields.text("format") ?? "nothing")
    }
    let entryForm = Form(
      name: "an expectation",
      fields: [
        Form.field("id", .word, "the case; * and ? may stand in it", required: true),
        Form.field("reason", .text, "why it fails", required: true),
        Form.field("link", .text, "where it is followed up"),
        Form.field("expires", .text, "YYYY-MM-DD"),
      ], says: "a known failure")
    guard let list = fields["expect"], !list.isNothing else { return }
    for tree in try fields.list("expect") {
      let entry = try Fields(tree, entryForm)
      let expires = try entry.text("expires")
      if let expires, !Self.isDate(expires) {
        throw ScenarioFailure(entry.place(of: "expires"), expected: "a date YYYY-MM-DD", found: "\"\(expires)\"")
      }
      let id = try entry.requiredText("id")
      if let other = entries.first(where: { $0.id == id }) {
        throw ScenarioFailure(
          entry.place(of: "id"), expected: "each id once", found: "\(id), which stands at \(other.place)")
      }
      entries.append(
        Entry(
          id: id, reason: try entry.requiredText("reason"), link: try entry.text("link"), expires: expires,
          place: "\(entry.place)"))
    }
  }

  static func isDate(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    // `Int` would take a sign, too.
    guard parts.map(\.utf8.count) == [4, 2, 2], parts.joined().utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]), (1...12).contains(month)
    else { return false }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return (1...days[month - 1]).contains(day)
  }

  /// The entry that explains the failure of a case; one that still counts goes before one that has expired.
  public func entry(for id: String, today: String) -> Entry? {
    let fitting = entries.filter { Glob.matches($0.id, id) }
    return fitting.first { !isExpired($0, today) } ?? fitting.first
  }

  private func isExpired(_ entry: Entry, _ today: String) -> Bool { entry.expires.map { $0 <= today } ?? false }

  /// Entries that break the gate. `results` are those of a whole run or of a selection; `known` are all ids there are.
  public func stale(_ results: [CaseResult], known: [String], today: String) -> [StaleExpectation] {
    entries.compactMap { entry in
      if isExpired(entry, today) { return StaleExpectation(id: entry.id, reason: .expired, place: entry.place) }
      guard known.contains(where: { Glob.matches(entry.id, $0) }) else {
        return StaleExpectation(id: entry.id, reason: .unknownCase, place: entry.place)
      }
      let concerned = results.filter { Glob.matches(entry.id, $0.id) && $0.verdict.hasRun }
      // What failed once and passed when repeated has not been mended.
      guard !concerned.isEmpty, !concerned.contains(where: \.verdict.isBad) else { return nil }
      return StaleExpectation(id: entry.id, reason: .noLongerFails, place: entry.place)
    }
  }

  /// The file for these results: entries that still fail keep their words, new failures get what was found.
  public func updated(_ results: [CaseResult], today: String) -> Expectations {
    let failing = results.filter { $0.verdict == .fail || $0.verdict == .error }
    var kept = entries.filter { entry in
      let ran = results.filter { Glob.matches(entry.id, $0.id) && $0.verdict.hasRun }
      return ran.isEmpty || ran.contains(where: \.verdict.isBad)
    }
    for result in failing where !kept.contains(where: { Glob.matches($0.id, result.id) }) {
      kept.append(
        Entry(
          id: result.id, reason: "found \(today): \(result.faults.first ?? "fails")", link: nil, expires: nil, place: ""
        ))
    }
    return Expectations(entries: kept)
  }

  public var yaml: String {
    var text =
      "# Known failures. An entry that no longer fails breaks the gate; take it out.\nformat: chumgate-expectations/1\n"
    text += entries.isEmpty ? "expect: []\n" : "expect:\n"
    for entry in entries {
      text += "  - id: \(JSONText.quoted(entry.id))\n    reason: \(JSONText.quoted(entry.reason))\n"
      if let link = entry.link { text += "    link: \(JSONText.quoted(link))\n" }
      if let expires = entry.expires { text += "    expires: \(JSONText.quoted(expires))\n" }
    }
    return text
  }
}
