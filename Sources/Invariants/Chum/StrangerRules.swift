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
