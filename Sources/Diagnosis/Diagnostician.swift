import Store
public import Trace
import Wire

/// Follows the events of a session and says at its end what was offered, what is missing and why.
///
/// Memory follows the number of open connections and the bounds of `Flow`, not the session's length. A class, for one
/// session and one thread.
public final class Diagnostician {
  static let flowCapacity = 512
  /// A request this close behind its own control text arrives in the same burst (chum.md 1.2, F11).
  static let burst = 5.0

  let judge = ContentJudge()
  private var links: [Int: Link] = [:]
  /// The connection of the last event: most events come in runs.
  private var recent: (leg: Int, link: Link)?
  var flows: [FlowKey: Flow] = [:]
  var pairs: [PairKey: Pair] = [:]
  var droppedPairs = 0
  var tally = SessionTally()
  var log = LogWatch()

  struct FlowKey: Hashable {
    let exporter: Party
    let importer: Party
  }
  struct PairKey: Hashable {
    let first: Party
    let second: Party
    init(_ one: Party, _ other: Party) {
      (first, second) = (one.name, one.person ?? "") <= (other.name, other.person ?? "") ? (one, other) : (other, one)
    }
  }
  struct Pair {
    var chum: [String] = []
    var remarks: [Remark] = []
    /// The last refusal of one end by the other as unknown, until a CHUM between them works.
    var unknown: (text: String, count: Int, evidence: Evidence)?
  }

  public init() {}

  public func observe(_ event: Event) {
    switch event.kind {
    case .wireFrame, .frame, .keepalive, .fragment, .plain: return
    case .ended: return retire(event.leg)
    case .logged(let entry):
      return observe(entry, Evidence(conn: event.conn, line: event.line, time: event.time))
    default: break
    }
    let link = link(event)
    link.last = event.time
    let evidence = Evidence(conn: event.conn, line: event.line, time: event.time)
    if link.first == nil { link.first = evidence }
    switch event.kind {
    case .spliced: link.isMirror = true
    case .closed(let code, let reason, let echo): close(link, event, code, reason, echo, evidence)
    default:
      if !observeClear(event, link, evidence), !link.isMirror { observeSealed(event, link, evidence) }
    }
  }

  private func link(_ event: Event) -> Link {
    if let recent, recent.leg == event.leg { return recent.link }
    let link = links[event.leg] ?? Link(conn: event.conn)
    links[event.leg] = link
    recent = (event.leg, link)
    return link
  }

  public func finish() -> SessionDiagnosis {
    for leg in links.keys.sorted() { retire(leg) }
    return result()
  }

  private func close(
    _ link: Link, _ event: Event, _ code: Int, _ reason: String, _ echo: Bool, _ evidence: Evidence
  ) {
    let side = Int(event.direction.rawValue)
    if link.closing == nil, !echo {
      link.closing = Link.Closing(side: side, code: code, reason: reason, evidence: evidence)
      tally.closed(link, link.closing)
    } else if event.conn == link.conn {
      // Both sides have said so: nothing more comes.
      retire(event.leg)
    }
  }

  private func retire(_ leg: Int) {
    if recent?.leg == leg { recent = nil }
    guard let link = links.removeValue(forKey: leg) else { return }
    tally.left(link)
    guard !link.isMirror else { return }
    tally.judge(link)
    settle(link)
  }

  /// The flow in which the given side of the connection imports.
  func flow(_ link: Link, importer side: Int) -> Flow? {
    link.sides[side].flow
  }

  func ensureFlow(_ link: Link, importer side: Int) {
    guard link.sides[side].flow == nil else { return }
    let key = FlowKey(exporter: link.party(1 - side), importer: link.party(side))
    if let known = flows[key] {
      link.sides[side].flow = known
    } else if flows.count < Self.flowCapacity {
      let flow = Flow(exporter: key.exporter, importer: key.importer)
      flows[key] = flow
      link.sides[side].flow = flow
    } else {
      droppedPairs += 1
    }
  }

  func withPair(_ link: Link, _ change: (inout Pair) -> Void) {
    let key = PairKey(link.party(0), link.party(1))
    guard pairs[key] != nil || pairs.count < Self.flowCapacity else {
      droppedPairs += 1
      return
    }
    change(&pairs[key, default: Pair()])
  }
}
