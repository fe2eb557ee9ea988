public import Diagnosis
public import WireBytes

/// The diagnosis of a session as people read it, and as data.
public enum DiagnosisReport {
  /// Lines of one session at most.
  public static let lineLimit = 25

  /// What passed and what is missing, pair by pair, then the troubleshooting list; no line for a session without peers.
  public static func text(_ diagnosis: SessionDiagnosis, palette: Palette) -> String {
    let troubles = self.troubles(diagnosis.troubles, palette)
    let pairs = diagnosis.pairs.filter { $0.hasTrouble } + diagnosis.pairs.filter { !$0.hasTrouble }
    var blocks = pairs.map { pair($0, palette) }.filter { !$0.isEmpty }
    var lines: [String] = []
    let room = lineLimit - troubles.count - 1
    var cut = 0
    while !blocks.isEmpty {
      let block = blocks.removeFirst()
      if lines.count + block.count <= room { lines += block } else { cut += block.count }
    }
    if cut > 0, lines.isEmpty, let first = pairs.lazy.map({ pair($0, palette) }).first(where: { !$0.isEmpty }) {
      lines = Array(first.prefix(max(1, room)))
      cut -= lines.count
    }
    if cut > 0 { lines.append(palette.dim("      … \(cut) more lines of diagnosis: see --json or --html")) }
    return (lines + troubles).map { "  " + $0 }.joined(separator: "\n")
  }

  // MARK: Pairs

  private static func pair(_ pair: PairDiagnosis, _ palette: Palette) -> [String] {
    guard !pair.flows.isEmpty || !pair.remarks.isEmpty else { return [] }
    let chum =
      pair.chum.isEmpty
      ? "no CHUM came about"
      : "CHUM on \(ConsoleReport.printable(pair.chum.prefix(4).joined(separator: ", ")))"
        + (pair.chum.count > 4 ? " and \(pair.chum.count - 4) more connections" : "")
    var lines = ["\(palette.bold("\(name(pair.first)) and \(name(pair.second))")): \(chum)"]
    for flow in pair.flows { lines += self.flow(flow, palette) }
    for remark in pair.remarks { lines.append("    " + self.remark(remark, palette)) }
    return lines
  }

  private static func flow(_ flow: FlowDiagnosis, _ palette: Palette) -> [String] {
    var lines = ["    \(name(flow.exporter)) → \(name(flow.importer)): \(ConsoleReport.printable(summary(flow)))"]
    for group in flow.missing.prefix(8) {
      let names = group.examples.prefix(2).map { "\($0.prefix(8))…" }.joined(separator: ", ")
      lines.append(
        "      \(palette.red("missing")) \(group.count) \(ConsoleReport.printable(group.type)) (\(names)"
          + "\(group.count > 2 ? ", …" : "")): \(reason(group.cause))\(place(group.evidence))")
    }
    if flow.missing.count > 8 { lines.append("      \(flow.missing.count - 8) more reasons: see --json") }
    for refusal in flow.refused where !refusal.wasAnnounced {
      lines.append(
        "      refused \(refusal.count) requests with \(ConsoleReport.printable(refusal.code)): nothing announced these hashes, by a grant or as "
          + "a child\(place(refusal.evidence))")
    }
    for remark in flow.remarks { lines.append("      " + self.remark(remark, palette)) }
    return lines
  }

  private static func name(_ party: Party) -> String { ConsoleReport.printable(party.name) }

  static func summary(_ flow: FlowDiagnosis) -> String {
    guard flow.lists > 0 else { return "no list of roots was answered" }
    guard flow.offeredCount > 0 else { return "offered nothing in \(flow.lists) list\(flow.lists == 1 ? "" : "s")" }
    let offers = flow.offered.prefix(5).map { "\($0.count) \($0.kind) \($0.type)" }.joined(separator: ", ")
    var parts = ["offered \(offers)\(flow.offered.count > 5 ? ", …" : "")", "asked \(flow.asked)"]
    let sent = flow.sent.map { "\($0.count) \($0.kind)\($0.count == 1 ? "" : "s") of \($0.bytes) bytes" }
    parts.append(sent.isEmpty ? "sent nothing" : "sent \(sent.joined(separator: ", "))")
    if let stored = flow.stored { parts.append("stored \(stored)") }
    let refused = flow.refused.reduce(0) { $0 + $1.count }
    if refused > 0 { parts.append("refused \(refused)") }
    let known = flow.known > 0 ? ", \(flow.known) were there before" : ""
    parts.append("\(flow.arrived) of \(flow.offeredCount) roots arrived\(known)")
    return parts.joined(separator: "; ")
  }

  private static func remark(_ remark: Remark, _ palette: Palette) -> String {
    let mark = remark.isTrouble ? palette.red("trouble") : palette.dim("note")
    let isCounted = !["unknown-peer", "nothing-granted"].contains(remark.cause.id)
    let times = remark.count > 1 && isCounted ? " (\(remark.count) times)" : ""
    return "\(mark) \(reason(remark.cause))\(times)\(place(remark.evidence))"
  }

  private static func reason(_ cause: Cause) -> String {
    let fact = cause.fact.map { cause.text.contains("(\($0))") ? "" : " (\($0))" } ?? ""
    return ConsoleReport.printable(cause.text) + fact
  }

  private static func place(_ evidence: Evidence?) -> String {
    evidence.map { " [\(ConsoleReport.printable($0.conn)) line \($0.line)]" } ?? ""
  }

  // MARK: Troubles

  private static func troubles(_ troubles: [Trouble], _ palette: Palette) -> [String] {
    troubles.flatMap { trouble -> [String] in
      let answer = mark(trouble.answer, palette)
      guard trouble.answer == .yes else {
        let shown = trouble.checks.filter { $0.answer == trouble.answer }.prefix(2)
          .map { ConsoleReport.printable($0.text) }
        return ["\(answer)  \(trouble.title): \(shown.joined(separator: "; "))"]
      }
      return ["\(answer)  \(trouble.title)"]
        + trouble.checks.filter { $0.answer == .yes }.map {
          "          \($0.question): \(ConsoleReport.printable($0.text))\(place($0.evidence))"
        }
    }
  }

  private static func mark(_ answer: TroubleCheck.Answer, _ palette: Palette) -> String {
    switch answer {
    case .yes: palette.red("yes     ")
    case .no: palette.green("no      ")
    case .notSeen: palette.dim("not seen")
    }
  }

  // MARK: Data

  public static func json(_ diagnosis: SessionDiagnosis) -> JSONValue {
    [
      "pairs": .array(diagnosis.pairs.map(json)),
      "droppedPairs": .number(Double(diagnosis.droppedPairs)),
      "troubles": .array(
        diagnosis.troubles.map { trouble in
          [
            "title": .string(trouble.title), "answer": .string(trouble.answer.rawValue),
            "checks": .array(
              trouble.checks.map {
                [
                  "id": .string($0.id), "question": .string($0.question), "answer": .string($0.answer.rawValue),
                  "text": .string($0.text), "evidence": json($0.evidence),
                ]
              }),
          ]
        }),
    ]
  }

  private static func json(_ pair: PairDiagnosis) -> JSONValue {
    [
      "first": json(pair.first), "second": json(pair.second), "chum": .array(pair.chum.map { .string($0) }),
      "flows": .array(pair.flows.map(json)), "remarks": .array(pair.remarks.map(json)),
    ]
  }

  private static func json(_ party: Party) -> JSONValue {
    ["name": .string(party.name), "person": party.person.map { .string($0) } ?? nil]
  }

  private static func json(_ flow: FlowDiagnosis) -> JSONValue {
    func number(_ value: Int) -> JSONValue { .number(Double(value)) }
    return [
      "exporter": json(flow.exporter), "importer": json(flow.importer), "lists": number(flow.lists),
      "offered": .array(
        flow.offered.map { ["kind": .string($0.kind), "type": .string($0.type), "count": number($0.count)] }),
      "asked": number(flow.asked),
      "sent": .array(
        flow.sent.map { ["kind": .string($0.kind), "count": number($0.count), "bytes": number($0.bytes)] }),
      "stored": flow.stored.map(number) ?? nil,
      "refused": .array(
        flow.refused.map {
          [
            "code": .string($0.code), "wasAnnounced": .bool($0.wasAnnounced), "count": number($0.count),
            "evidence": json($0.evidence),
          ]
        }),
      "arrived": number(flow.arrived), "known": number(flow.known),
      "missing": .array(
        flow.missing.map {
          [
            "type": .string($0.type), "count": number($0.count), "examples": .array($0.examples.map { .string($0) }),
            "cause": json($0.cause), "evidence": json($0.evidence),
          ]
        }),
      "remarks": .array(flow.remarks.map(json)),
    ]
  }

  private static func json(_ remark: Remark) -> JSONValue {
    [
      "cause": json(remark.cause), "count": .number(Double(remark.count)), "isTrouble": .bool(remark.isTrouble),
      "evidence": json(remark.evidence),
    ]
  }

  private static func json(_ cause: Cause) -> JSONValue {
    [
      "id": .string(cause.id), "text": .string(cause.text), "fact": cause.fact.map { .string($0) } ?? nil,
      "isProven": .bool(cause.isProven),
    ]
  }

  private static func json(_ evidence: Evidence?) -> JSONValue {
    guard let evidence else { return nil }
    return [
      "conn": .string(evidence.conn), "line": .number(Double(evidence.line)), "timeMs": .number(evidence.time),
    ]
  }
}
