import Trace
import Wire

/// SEC-009 and INV-012: a token pairs once.
struct TokenPairsOnce: Rule {
  static let info = RuleInfo(
    id: "SEC-009", alsoDecides: ["INV-013"], statement: "A pairing token leads to at most one accepted pairing.",
    severity: .critical, binding: .strict, reference: "chum.md 5.9", knownDeviation: "F29", sight: .decrypted,
    isSessionWide: true)
  static let interests: EventSet = [.peer, .closed, .ended]
  private struct Use: Sendable {
    let leg: Int
    let accepted: Place
  }
  /// Tokens of open connections.
  private var presented: [Int: String] = [:]
  private var used = RecentTable<Use>(capacity: 4_096)
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    // A relay shows twice; the joiner's own connection stands for it.
    if event.direction == .fromServer, report.remoteIsRecorded, case .peer(.authenticationToken) = event.kind { return }
    switch event.kind {
    case .peer(.authenticationToken(let token)):
      if presented.count < 50_000 { presented[event.leg] = token }
    case .peer(.identity):
      guard let token = presented[event.leg], !report.leg.isInitiator(event) else { return }
      presented[event.leg] = nil
      guard let first = used[token], first.leg != event.leg else {
        used[token] = Use(leg: event.leg, accepted: Place(event))
        return
      }
      let gap = event.time - first.accepted.time
      report.violation(
        at: event, by: event.sender, "the token is accepted again, \(Int(gap)) ms after its first use",
        because: [Witness(first.accepted, "the first acceptance, on \(first.accepted.conn)")],
        deviation: gap < 2_000 ? "F29" : nil)
    case .closed, .ended: presented[event.leg] = nil
    default: break
    }
  }
}

/// INV-012: nor later, when the first pairing is long over; that much the deployed code keeps.
struct UsedTokenIsRefused: Rule {
  static let info = RuleInfo(
    id: "INV-012", statement: "A token is refused after the pairing that it was used for.", severity: .critical,
    reference: "connection.md 8.9", sight: .decrypted, isSessionWide: true)
  static let interests: EventSet = [.peer, .closed, .ended]
  private var presented: [Int: String] = [:]
  /// When the joiner's identity arrived, which ends a token.
  private var done = RecentTable<Place>(capacity: 4_096)
  private var refusable: [Int: Place] = [:]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    if event.direction == .fromServer, report.remoteIsRecorded, case .peer(.authenticationToken) = event.kind { return }
    switch event.kind {
    case .peer(.authenticationToken(let token)):
      guard presented.count < 50_000 else { return }
      presented[event.leg] = token
      // The first pairing may still be being stored for a moment (F29).
      if let done = done[token], event.time - done.time > 2_000 { refusable[event.leg] = done }
    case .peer(.identity):
      if report.leg.isInitiator(event) {
        if let token = presented[event.leg], done[token] == nil { done[token] = Place(event) }
      } else if let first = refusable.removeValue(forKey: event.leg) {
        report.violation(
          at: event, by: event.sender, "a used token is accepted",
          because: [Witness(first, "the pairing that used it, on \(first.conn)")])
      }
    case .closed, .ended:
      presented[event.leg] = nil
      refusable[event.leg] = nil
    default: break
    }
  }
}

/// SEC-013: a token stays inside the encryption.
struct TokenStaysInside: Rule {
  static let info = RuleInfo(
    id: "SEC-013", alsoDecides: ["INV-020"], statement: "A token never shows in clear, in a frame or a close reason.",
    severity: .critical, reference: "chum.md 5.9", sight: .decrypted, isSessionWide: true)
  static let interests: EventSet = [.peer, .closed, .unencryptedText]
  /// The last tokens presented; few are in use at a time.
  private static let capacity = 64
  private var tokens: [(text: String, place: Place)] = []
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .peer(.authenticationToken(let token)):
      // A short text stands in other texts by chance.
      guard token.utf8.count >= 16, !tokens.contains(where: { $0.text == token }) else { return }
      if tokens.count == Self.capacity { tokens.removeFirst() }
      tokens.append((token, Place(event)))
    case .closed(_, let reason, false):
      if let found = tokens.first(where: { contains(reason, $0.text) }) {
        report.violation(
          at: event, by: event.clearSender, "the close reason holds a token",
          because: [Witness(found.place, "the token")], also: ["INV-019"])
      }
    case .unencryptedText(let text):
      if let found = tokens.first(where: { contains(text, $0.text) }) {
        report.violation(
          at: event, by: event.sender, "a text in clear holds a token", because: [Witness(found.place, "the token")])
      }
    default: break
    }
  }
}

/// PR-018: the key that dialled belongs to the person that was proved.
struct SourceKeyIsClaimed: Rule {
  static let info = RuleInfo(
    id: "PR-018",
    statement: "In a pairing the source key is the proven person key or the instance key of the joiner's identity.",
    severity: .critical, binding: .strict, reference: "connection.md 8.8", sight: .decrypted)
  static let interests: EventSet = [.encrypted, .peer]
  private var source: String?
  private var personKey: String?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .encrypted(let channel): source = channel.source
    case .peer(.keysObject(_, let key, _)): if report.leg.isInitiator(event) { personKey = key.lowercased() }
    case .peer(.identity(let file)):
      guard report.leg.isInitiator(event), let source, let personKey, source != personKey,
        source != file.instanceKeyPublic.lowercased()
      else { return }
      report.violation(at: event, by: event.sender, "the source key \(source.prefix(8))… is neither of them")
    default: break
    }
  }
}

/// Bytes within bytes; both are short.
func contains(_ text: String, _ part: String) -> Bool {
  let units = Array(text.utf8)
  let wanted = Array(part.utf8)
  guard !wanted.isEmpty, units.count >= wanted.count else { return false }
  return (0...(units.count - wanted.count)).contains { start in
    units[start] == wanted[0] && units[start..<(start + wanted.count)].elementsEqual(wanted)
  }
}
