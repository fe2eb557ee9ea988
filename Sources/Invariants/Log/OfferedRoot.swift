import Trace
import Wire

/// The root at hand, the grant that it comes from, and to whom it went, when the exporter's log tells.
struct OfferedRoot {
  let peer: PeerLog
  let person: HashKey
  let subject: HashKey
  let subjectText: String
  let standing: Standing

  init?(_ event: Event, _ report: Reporter) {
    guard case .announced(let entry, _) = event.kind, let root = entry.subject, let subject = HashKey(root.hash),
      let (peer, person) = report.log.exporter(of: event, report.leg), let offer = report.leg.offer
    else { return nil }
    self.peer = peer
    self.person = person
    self.subject = subject
    subjectText = root.hash
    // What was granted or taken away while the answer was on its way may or may not show in it.
    standing = peer.grants.standing(person, subject, asOf: offer.asked[1 - event.side])
  }

  /// Holds a breach for as long as the log knows of no grant for the root.
  func hold(_ event: Event, _ message: String, because witness: Witness, in held: inout Held) {
    let (name, person, subject) = (peer.name, person, subject)
    held.hold(event, about: subject, message, because: [witness]) { log in
      !log.isGranted([subject], to: person, by: name)
    }
  }
}

/// The object at hand that was sent, and the roots whose lists of children led to it, when the exporter's log tells.
struct SentObjectOfRoots {
  let object: SentObject
  let key: HashKey
  let peer: PeerLog
  let person: HashKey
  /// When it was asked for.
  let asked: Double
  let subjects: Set<HashKey>

  init?(_ event: Event, _ report: Reporter) {
    let importer = 1 - event.side
    guard case .objectSent(let object) = event.kind, let key = report.leg.key,
      let (peer, person) = report.log.exporter(of: event, report.leg), let offer = report.leg.offer,
      let asked = offer.requested[importer][key], let route = offer.route(key, importer: importer), !route.isCrowded,
      !route.subjects.isEmpty
    else { return nil }
    self.object = object
    self.key = key
    self.peer = peer
    self.person = person
    self.asked = asked
    subjects = route.subjects
  }

  /// Whether anything that the person was ever granted, by name or by a group, leads to the object.
  var isReachedOtherwise: Bool {
    let direct = peer.grants.subjectsOf[person] ?? []
    let byGroup = (peer.grants.groupsOf[person] ?? []).flatMap { peer.grants.subjectsOf[$0] ?? [] }
    return peer.reaches(key, from: direct.union(byGroup))
  }
}
