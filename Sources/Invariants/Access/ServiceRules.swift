import Trace
import Wire

/// ACC-021: one broken grant does not stop all.
struct BrokenGrantsDoNotStopSync: Rule {
  static let info = RuleInfo(
    id: "ACC-021", alsoDecides: ["CF-048"],
    statement: "A grant whose subject cannot be read does not make the request of the roots fail.",
    severity: .major, binding: .strict, reference: "chum.md 5.6", knownDeviation: "F40", sight: .decrypted)
  static let interests: EventSet = .responded
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    // An exporter that is not there yet, or no more, answers UNKNOWN-SERVICE: no matter of grants.
    guard case .responded(let id, .error(_, let message, let code)) = event.kind, let request = report.leg.request,
      request.service == 2, code != "UNKNOWN-SERVICE"
    else { return }
    let isGrant = code.map { $0.hasPrefix("M2O-") || $0.hasPrefix("SB-READ") } ?? false
    report.violation(
      at: event, by: event.sender,
      "the roots are refused as a whole (answer \(id)): \(excerpt(code ?? message ?? "no code", 60))",
      because: [request.witness], deviation: isGrant ? "F40" : nil)
  }
}

/// ACC-024: what is below a granted object is served.
struct ListedChildrenAreServed: Rule {
  static let info = RuleInfo(
    id: "ACC-024", statement: "Everything that was listed as a child of an accessible object is served when asked for.",
    severity: .major, reference: "chum.md 5.6", sight: .decrypted)
  static let interests: EventSet = [.childListed, .refused]
  private static let capacity = 50_000
  private var listed: [[HashKey: (line: Int, time: Double)]] = [[:], [:]]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let importer = 1 - event.side
    switch event.kind {
    case .childListed:
      guard let key = report.leg.key, listed[importer].count < Self.capacity else { return }
      if listed[importer][key] == nil { listed[importer][key] = (event.line, event.time) }
    case .refused(let service, let hash, let code):
      guard let code, code.hasPrefix("CES-"), code != "CES-GBL2", let key = report.leg.key,
        let (line, time) = listed[importer][key]
      else { return }
      let place = Place(line: line, time: time, conn: event.conn, direction: event.direction)
      report.violation(
        at: event, by: event.sender, "\(short(hash)) is refused to service \(service) with \(excerpt(code, 30))",
        because: [Witness(place, "listed as a child")], weight: weight(key, importer, event, report))
    default: break
    }
  }

  /// Without the exporter's log a revocation may be the reason; with it, only when the log has one.
  private func weight(_ key: HashKey, _ importer: Int, _ event: Event, _ report: Reporter) -> Weight {
    guard let (peer, person) = report.log.exporter(of: event, report.leg),
      let route = report.leg.offer?.route(key, importer: importer), !route.isCrowded
    else { return .possible }
    let isGranted = route.subjects.contains { subject in
      switch peer.grants.standing(person, subject) {
      case .granted, .byGroup: true
      default: false
      }
    }
    return isGranted ? .proven : .possible
  }
}
