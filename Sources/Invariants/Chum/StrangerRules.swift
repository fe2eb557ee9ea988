import Trace
import Wire

/// SEC-015: who is unknown is not served.
struct NoChumForStrangers: Rule {
  static let info = RuleInfo(
    id: "SEC-015", statement: "A side that refuses the other as unknown has not begun CHUM with it.",
    severity: .critical, reference: "chum.md 5.9", sight: .decrypted)
  static let interests: EventSet = [.controlText, .responded, .streamEnded, .closed]
  private var served: [Witness?] = [nil, nil]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .controlText: served[side] = served[side] ?? Witness(event, "its control text")
    case .responded, .streamEnded: if served[side] == nil { served[side] = Witness(event, "its answer") }
    case .closed(_, let reason, false):
      guard let witness = served[side], contains(reason, "you are unknown") else { return }
      report.violation(
        at: event, by: event.sender, "CHUM was begun with a person that is unknown", because: [witness])
    default: break
    }
  }
}

/// SEC-003: the CommServer is blind.
struct CommServerCannotDecrypt: Rule {
  static let info = RuleInfo(
    id: "SEC-003", statement: "No frame opens with a key that the CommServer can make of what it sees.",
    severity: .critical, reference: "chum.md 5.9")
  static let interests: EventSet = .openToServer
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .openToServer(let key) = event.kind else { return }
    report.violation(at: event, by: event.sender, "the frame opens with \(key)")
  }
}
