import Trace
import Wire
import WireBytes

/// Requests that an exporter has to refuse, with the codes that are due, until they are answered. Bounded: 10,000.
private struct DueRefusals {
  private struct Due {
    let codes: [String]
    let text: String
    let witness: Witness
  }
  private var due: [[Int: Due]] = [[:], [:]]

  mutating func expect(_ codes: [String], _ text: String, _ id: Int, _ event: Event) {
    guard due[event.side].count < 10_000 else { return }
    due[event.side][id] = Due(codes: codes, text: text, witness: Witness(event, "request \(id)"))
  }

  /// Reports an answer that is not one of the refusals due.
  mutating func judge(_ event: Event, _ report: inout Reporter) {
    let asker = 1 - event.side
    let found: String
    let id: Int
    switch event.kind {
    case .responded(let answered, .data): (id, found) = (answered, "data")
    case .responded(let answered, .error(_, _, let code)): (id, found) = (answered, code ?? "an error without a code")
    case .chunk(let answered, _): (id, found) = (answered, "a stream")
    case .streamEnded(let answered, _): (id, found) = (answered, "a stream")
    default: return
    }
    // At the start, and after FIN, no service is there.
    guard let due = due[asker].removeValue(forKey: id), !due.codes.contains(found), found != "UNKNOWN-SERVICE" else {
      return
    }
    report.violation(
      at: event, by: event.sender,
      "\(due.text) is answered with \(excerpt(found, 40)), due is \(due.codes.joined(separator: " or "))",
      because: [due.witness])
  }
}

/// CF-016: what is no service is said to be none.
struct UnknownServicesAreNamed: Rule {
  static let info = RuleInfo(
    id: "CF-016", statement: "Services other than 1 to 8 and 10 are answered with UNKNOWN-SERVICE.", severity: .minor,
    reference: "chum.md 6.2", sight: .decrypted)
  static let interests: EventSet = [.requested, .responded, .chunk, .streamEnded]
  private var due = DueRefusals()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .requested(let id, let service, _) = event.kind else { return due.judge(event, &report) }
    if !(1...8).contains(service), service != 10 { due.expect(["UNKNOWN-SERVICE"], "service \(service)", id, event) }
  }
}

/// CF-039: what is no hash is refused as none.
struct HashArgumentsAreChecked: Rule {
  static let info = RuleInfo(
    id: "CF-039", statement: "An argument that is no hash is refused with UTC-EHASH or UTC-EIDHASH.", severity: .major,
    reference: "chum.md 6.3", sight: .decrypted)
  static let interests: EventSet = [.requested, .responded, .chunk, .streamEnded]
  private var due = DueRefusals()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .requested(let id, let service, _) = event.kind else { return due.judge(event, &report) }
    if (4...8).contains(service), report.leg.key == nil {
      due.expect(["UTC-EHASH", "UTC-EIDHASH"], "service \(service) for what is no hash", id, event)
    }
  }
}

/// CF-043: two encodings, no more.
struct EncodingsAreChecked: Rule {
  static let info = RuleInfo(
    id: "CF-043", statement: "Service 8 refuses encodings other than none and utf8 with CES-GBL2.", severity: .minor,
    reference: "chum.md 6.3", sight: .decrypted)
  static let interests: EventSet = [.requested, .responded, .chunk, .streamEnded]
  private var due = DueRefusals()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .requested(let id, 8, let args) = event.kind else { return due.judge(event, &report) }
    guard let args, args.count > 1, args[1] != .string("utf8"), args[1] != .string(ChumMessage.undefined),
      report.leg.key != nil
    else { return }
    // Whether the hash is open is looked at before.
    due.expect(["CES-GBL2", "CES-GBL1"], "encoding \(excerpt(args[1].compact, 20))", id, event)
  }
}

/// CF-036: before the list there is nothing.
struct NothingIsServedBeforeTheList: Rule {
  static let info = RuleInfo(
    id: "CF-036", statement: "Nothing is served before the first list of roots of the person's open sessions.",
    severity: .critical, reference: "chum.md 6.3", sight: .decrypted)
  static let interests: EventSet = [.rootsListed, .objectSent, .childrenListed]
  private var listed = [false, false]
  private var judged = [false, false]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .rootsListed: listed[side] = true
    case .objectSent, .childrenListed:
      guard !listed[side], !judged[side] else { return }
      judged[side] = true
      // Another session with the same person may have opened it.
      report.violation(
        at: event, by: event.sender, "something is served before any list of roots on this connection",
        weight: .possible)
    default: break
    }
  }
}
