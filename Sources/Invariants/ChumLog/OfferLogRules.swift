import Trace
import Wire

/// CHUM-012: a grant stands behind each root.
struct RootsAreJustified: Rule {
  static let info = RuleInfo(
    id: "CHUM-012", alsoDecides: ["CF-034"],
    statement: "Every announced root is covered by a grant in force when the list was computed.", severity: .critical,
    reference: "chum.md 5.5", sight: .decrypted, needsLog: true)
  static let interests: EventSet = .announced
  private var held = Held()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    held.release(at: event.time, &report)
    guard let root = OfferedRoot(event, report) else { return }
    let why: String
    var witnesses: [Witness] = []
    switch root.standing {
    case .granted, .byGroup, .perhaps: return
    case .unknown:
      guard root.peer.areGrantsWhole, root.peer.grants[root.subject] == nil else { return }
      why = "announces \(short(root.subjectText)), on which there is no grant at all"
    case .none(let state):
      why = "announces \(short(root.subjectText)) to \(root.person.head)…, whom no grant in force names"
      witnesses = [state.witness]
    }
    let (peer, person, subject) = (root.peer.name, root.person, root.subject)
    held.hold(event, about: subject, "\(peer) \(why)", because: witnesses) { log in
      !log.isGranted([subject], to: person, by: peer)
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { held.releaseAll(&report) }
}

/// CHUM-013: each grant shows in the list.
struct RootListIsComplete: Rule {
  static let info = RuleInfo(
    id: "CHUM-013", alsoDecides: ["CF-032"],
    statement: "Every subject that a grant gave to the person before the request is announced.", severity: .major,
    reference: "chum.md 5.5", sight: .decrypted, needsLog: true)
  static let interests: EventSet = .rootsListed
  private var reported: Set<HashKey> = []
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let importer = 1 - event.side
    guard let (peer, person) = report.log.exporter(of: event, report.leg), let offer = report.leg.offer,
      offer.subjects[importer].count < OfferFacts.capacity
    else { return }
    let missing = (peer.grants.subjectsOf[person] ?? []).subtracting(offer.subjects[importer])
    for subject in missing.sorted() {
      guard case .granted = peer.grants.standing(person, subject, asOf: offer.asked[importer]),
        let state = peer.grants[subject], !reported.contains(subject), reported.count < 1_000
      else { continue }
      reported.insert(subject)
      report.violation(
        at: event, by: event.sender,
        "\(peer.name) does not announce \(subject.head)… to \(person.head)…, to whom it is granted",
        because: [state.witness])
    }
  }
}

/// CHUM-040: nothing inaccessible leaves.
struct NothingInaccessibleIsSent: Rule {
  static let info = RuleInfo(
    id: "CHUM-040", alsoDecides: ["CF-045"],
    statement: "What is sent is reached by a grant in force for the receiver at that moment.", severity: .critical,
    binding: .strict, reference: "chum.md 5.5", knownDeviation: "F5", sight: .decrypted, needsLog: true)
  static let interests: EventSet = .objectSent
  private var held = Held()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    held.release(at: event.time, &report)
    guard let sent = SentObjectOfRoots(event, report) else { return }
    let (peer, person) = (sent.peer, sent.person)
    var lost: GrantState?
    for subject in sent.subjects {
      switch peer.grants.standing(person, subject, asOf: sent.asked) {
      case .none(let state): lost = state
      case .unknown where peer.areGrantsWhole && peer.grants[subject] == nil: break
      default: return
      }
    }
    guard !sent.isReachedOtherwise else { return }
    let (name, subjects) = (peer.name, sent.subjects)
    held.hold(
      event, about: sent.key, "\(name) sends \(sent.object.hash.prefix(8))… to \(person.head)…, who may not have it",
      because: lost.map { [$0.witness] } ?? [], deviation: lost?.formerPersons.contains(person) == true ? "F5" : nil
    ) { log in !log.isGranted(subjects, to: person, by: name) }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { held.releaseAll(&report) }
}

/// CHUM-044: refusals take as long for what exists as for what does not.
struct RefusalTimingIsUniform: Rule {
  static let info = RuleInfo(
    id: "CHUM-044", statement: "Refusals of existing and of missing hashes take equally long, over 1,000 probes.",
    severity: .major, reference: "chum.md 5.5", sight: .decrypted, needsLog: true)
  static let interests: EventSet = .refused
  private static let probes = 1_000
  private static let kept = 5_000
  private struct Times: Sendable {
    var existing: [Double] = []
    var missing: [Double] = []
    var judged = false
  }
  private var times = [Times(), Times()]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let importer = 1 - event.side
    guard let key = report.leg.key, report.leg.kind == nil, let request = report.leg.request,
      let (peer, _) = report.log.exporter(of: event, report.leg), peer.isKnownWhole, !times[importer].judged
    else { return }
    let time = event.time - request.place.time
    if peer.known[key] != nil {
      if times[importer].existing.count < Self.kept { times[importer].existing.append(time) }
    } else if times[importer].missing.count < Self.kept {
      times[importer].missing.append(time)
    }
    let all = times[importer]
    guard all.existing.count + all.missing.count >= Self.probes, all.existing.count >= 100, all.missing.count >= 100
    else {
      return
    }
    times[importer].judged = true
    let difference = Self.median(all.existing) - Self.median(all.missing)
    if difference.magnitude >= 1 {
      report.violation(
        at: event, by: event.sender,
        "\(all.existing.count) refusals of what exists take \(Int((difference * 1_000).rounded())) µs more in the median "
          + "than \(all.missing.count) of what does not")
    }
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}

/// CHUM-065: what is granted arrives.
struct NewObjectsArrive: Rule {
  static let info = RuleInfo(
    id: "CHUM-065", statement: "What is granted during a session is stored at the other side in time.",
    severity: .major, reference: "chum.md 5.5", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private static let round = 600_000.0
  /// A subject on its way to a person.
  private struct Delivery: Hashable, Sendable {
    let person: HashKey
    let subject: HashKey
  }
  private let pause: Double
  private var awaited = Awaited<Delivery>()
  private var sweeps = 0
  init(_ facts: SessionFacts) { pause = facts.pollInterval }

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, let peer = report.log.peer else { return }
    judge(event.time, &report)
    switch log.fact {
    case .grantCreated(let grant):
      guard grant.status != "refused", let subject = HashKey(grant.subject) else { return }
      for text in grant.persons {
        guard let person = HashKey(text), person != peer.person, peer.isConnected(to: person),
          let other = report.log.only(person), other.isKnownWhole, other.known[subject] == nil
        else { continue }
        awaited.expect(
          Delivery(person: person, subject: subject), Witness(event, "the grant"),
          "\(log.peer) grants \(subject.head)…, and \(other.name) has not stored it "
            + "\(Int((pause + Self.round) / 1_000)) s later")
      }
    case .objectStored(let object):
      guard let person = peer.person else { return }
      for hash in [object.hash, object.idHash] {
        if let key = hash.flatMap({ HashKey($0) }) { awaited.fulfil(Delivery(person: person, subject: key)) }
      }
    case .headSet(let head):
      guard let person = peer.person, let key = HashKey(head.idHash) else { return }
      awaited.fulfil(Delivery(person: person, subject: key))
    case .chumEnded:
      // With the connection the promise ends. A log that ends its sessions for ever is not followed for ever.
      guard sweeps < 10_000 else { return }
      sweeps += 1
      for delivery in awaited.keys where delivery.person == peer.person || !peer.isConnected(to: delivery.person) {
        awaited.fulfil(delivery)
      }
    default: break
    }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) { judge(end.time, &report) }

  private mutating func judge(_ now: Double, _ report: inout Reporter) {
    for wait in awaited.overdue(at: now, patience: pause + Self.round) {
      report.violation(at: wait.since, by: .instance, wait.text)
    }
  }
}
