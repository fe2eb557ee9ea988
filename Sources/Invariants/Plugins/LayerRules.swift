import Trace
import Wire
import WireBytes

/// PLG-008: pulses stay below, and nothing else is taken for one.
struct KeepAliveIsInvisible: Rule {
  static let info = RuleInfo(
    id: "PLG-008", statement: "No keep-alive pulse reaches the handler, and no other text is lost as one.",
    severity: .minor, reference: "chum.md 5.8", sight: .decrypted, isSessionWide: true, needsLog: true)
  static let interests: EventSet = [.logged, .keepalive]
  private static let pulse = "keepalive"
  private static let capacity = 10_000
  /// The last pulse that came to the client of a connection.
  private var pulses: [Int: Witness] = [:]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    if case .keepalive = event.kind, event.direction == .fromServer, pulses.count < Self.capacity {
      pulses[event.leg] = Witness(event, "the pulse")
    }
    guard case .logged(let log) = event.kind else { return }
    switch log.fact {
    case .handlerGotText(let text) where text == Self.pulse:
      // A message of that word is sent with one letter more and arrives as the word: only a pulse on the wire, or the
      // plugin's own word (below), proves anything.
      let seen = event.leg > 0 ? pulses.removeValue(forKey: event.leg) : nil
      report.violation(
        at: event, by: .instance, "\(log.peer): the handler gets the keep-alive text", because: seen.map { [$0] } ?? [],
        weight: seen == nil ? .possible : .proven)
    case .pluginPassed(let pass): judge(pass, log, event, &report)
    default: break
    }
  }

  private func judge(_ pass: LogPluginPass, _ log: LogEvent, _ event: Event, _ report: inout Reporter) {
    guard Plugins.name(pass.plugin) == "keepalive", case .text(let before)? = pass.before else { return }
    let due: String?
    if pass.isIncoming {
      due = before == Self.pulse ? nil : before.hasPrefix(Self.pulse) ? String(before.dropLast()) : before
    } else {
      due = before.hasPrefix(Self.pulse) ? before + "x" : before
    }
    guard pass.after != due.map({ .text($0) }) else { return }
    report.violation(
      at: event, by: .instance,
      "\(log.peer): the keep-alive plugin makes \(Plugins.what(pass.after)) of \(Plugins.what(pass.before)); due is "
        + Plugins.what(due.map { .text($0) }))
  }
}

/// PLG-009: what went in comes out.
struct FragmentationIsTransparent: Rule {
  static let info = RuleInfo(
    id: "PLG-009", statement: "A message arrives as it was sent, marker-like texts too.", severity: .major,
    reference: "chum.md 5.8", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private static let markers = ["fragmentation_start_string", "fragmentation_start_binary", "fragmentation_end"]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .pluginPassed(let pass) = log.fact,
      Plugins.name(pass.plugin) == "fragmentation", let due = due(pass), pass.after != due
    else { return }
    report.violation(
      at: event, by: .instance,
      "\(log.peer): the fragmentation plugin makes \(Plugins.what(pass.after)) of \(Plugins.what(pass.before)); due is "
        + Plugins.what(due))
  }

  /// What must come of one message by itself; nil for pieces and for what is cut up (chum.md 1.1.1).
  private func due(_ pass: LogPluginPass) -> LogPluginPass.Content? {
    guard case .text(let text)? = pass.before, text.utf16.count < 16_384 else { return nil }
    // Each marker that the text starts with takes one letter, put on and taken off at the end.
    let count = Self.markers.count { text.hasPrefix($0) }
    if count == 0 { return .text(text) }
    if !pass.isIncoming { return .text(text + String(repeating: "x", count: count)) }
    return Self.markers.contains(text) ? nil : .text(String(text.dropLast(count)))
  }
}
