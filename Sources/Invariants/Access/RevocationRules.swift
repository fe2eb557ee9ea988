import Trace
import Wire

/// ACC-010: a replace by nobody revokes.
struct EmptyReplaceRevokes: Rule {
  static let info = RuleInfo(
    id: "ACC-010", statement: "After a replace by empty lists, the subject is in no list of roots computed later.",
    severity: .critical, reference: "chum.md 5.6", sight: .decrypted, needsLog: true)
  static let interests: EventSet = .announced
  private var held = Held()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    held.release(at: event.time, &report)
    guard let root = OfferedRoot(event, report), case .none(let state) = root.standing, state.isEmpty, state.isReplaced
    else { return }
    root.hold(
      event, "\(root.peer.name) announces \(short(root.subjectText)), which it has revoked for all",
      because: state.witness, in: &held)
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { held.releaseAll(&report) }
}

/// ACC-011: what is revoked is sent no more.
struct RevocationIsEffective: Rule {
  static let info = RuleInfo(
    id: "ACC-011", alsoDecides: ["CF-045"],
    statement: "After a revocation no object is sent that only the revoked grant reaches.",
    severity: .critical, binding: .strict, reference: "chum.md 5.6", knownDeviation: "F5", sight: .decrypted,
    needsLog: true)
  static let interests: EventSet = .objectSent
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let sent = SentObjectOfRoots(event, report) else { return }
    let (peer, person) = (sent.peer, sent.person)
    var revoked: GrantState?
    for subject in sent.subjects {
      guard case .none(let state) = peer.grants.standing(person, subject, asOf: sent.asked),
        wasGranted(person, state, peer)
      else { return }
      revoked = state
    }
    guard let revoked, !sent.isReachedOtherwise else { return }
    report.violation(
      at: event, by: event.sender,
      "\(peer.name) sends \(sent.object.hash.prefix(8))…, which the person reached by a revoked grant only",
      because: [revoked.witness], deviation: "F5")
  }
}

/// True when an older version gave it to the person, by name or by a group.
private func wasGranted(_ person: HashKey, _ state: GrantState, _ peer: PeerLog) -> Bool {
  if state.formerPersons.contains(person) { return true }
  for group in state.formerGroups {
    guard let members = peer.grants.groups[group] else { continue }
    if members.members.contains(person) || members.former.contains(person) { return true }
  }
  return state.groups.contains { peer.grants.groups[$0]?.former.contains(person) == true }
}

/// ACC-012: a revocation does not reach into the receiver's store.
struct RevocationDoesNotRecall: Rule {
  static let info = RuleInfo(
    id: "ACC-012", statement: "After a revocation the receiver keeps what it stored.", severity: .info,
    reference: "chum.md 5.6", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private static let capacity = 10_000
  private struct Revocation: Sendable {
    let by: String
    let subject: HashKey
    let persons: Set<HashKey>
    let witness: Witness
  }
  private var revocations: [Revocation] = []
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, let peer = report.log.peer else { return }
    switch log.fact {
    case .grantCreated(let grant):
      guard let subject = HashKey(grant.subject), let before = peer.grants.before, let now = peer.grants[subject],
        revocations.count < Self.capacity
      else { return }
      let lost = before.persons.subtracting(now.persons)
      guard !lost.isEmpty else { return }
      revocations.append(
        Revocation(by: log.peer, subject: subject, persons: lost, witness: Witness(event, "revoked by \(log.peer)")))
    case .storeSnapshot(let snapshot):
      guard let person = peer.person, !snapshot.inventory.isEmpty, !revocations.isEmpty else { return }
      let there = Set(snapshot.inventory.compactMap { HashKey($0.hash) })
      for revocation in revocations where revocation.by != log.peer && revocation.persons.contains(person) {
        guard let gone = kept(revocation.subject, peer).first(where: { !there.contains($0) }) else { continue }
        report.violation(
          at: event, by: .instance, "\(log.peer) has lost \(gone.head)…, which it had stored before the revocation",
          because: [revocation.witness])
      }
    default: break
    }
  }

  /// The subject and what it refers to, as far as an import stored it here.
  private func kept(_ subject: HashKey, _ peer: PeerLog) -> [HashKey] {
    peer.reach(of: [subject], limit: 1_000).filter { peer.known[$0]?.isImported == true }.sorted()
  }
}

/// ACC-013: older versions of a grant give nothing.
struct LatestGrantDecides: Rule {
  static let info = RuleInfo(
    id: "ACC-013", alsoDecides: ["CF-034"],
    statement: "A principal named only in an older version of a grant gets nothing through it.",
    severity: .critical, reference: "chum.md 5.6", sight: .decrypted, needsLog: true)
  static let interests: EventSet = .announced
  private var held = Held()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    held.release(at: event.time, &report)
    guard let root = OfferedRoot(event, report), case .none(let state) = root.standing, !state.isEmpty,
      state.formerPersons.contains(root.person)
        || state.formerGroups.contains(where: {
          root.peer.grants.groups[$0]?.members.contains(root.person) == true
        })
    else { return }
    root.hold(
      event,
      "\(root.peer.name) announces \(short(root.subjectText)) to \(root.person.head)…, whom only an older grant names",
      because: state.witness, in: &held)
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { held.releaseAll(&report) }
}

/// ACC-014: older versions of a group give nothing.
struct LatestGroupDecides: Rule {
  static let info = RuleInfo(
    id: "ACC-014", statement: "Membership in an older version of a group gives nothing.", severity: .critical,
    reference: "chum.md 5.6", sight: .decrypted, needsLog: true)
  static let interests: EventSet = .announced
  private var held = Held()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    held.release(at: event.time, &report)
    guard let root = OfferedRoot(event, report), case .none(let state) = root.standing,
      let group = state.groups.first(where: { root.peer.grants.groups[$0]?.former.contains(root.person) == true }),
      let left = root.peer.grants.groups[group]
    else { return }
    root.hold(
      event,
      "\(root.peer.name) announces \(short(root.subjectText)) to \(root.person.head)…, who is in group \(group.head)… no more",
      because: left.witness, in: &held)
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { held.releaseAll(&report) }
}
