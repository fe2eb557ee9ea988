import Trace
import Wire

/// PR-001: the group is named first.
struct GroupIsNamedFirst: Rule {
  static let info = RuleInfo(
    id: "PR-001",
    statement: "The initiator's first encrypted message is connection_group with a string name.", severity: .critical,
    reference: "connection.md 4.1 P1", sight: .decrypted)
  static let interests: EventSet = [.peer, .peerFault, .application, .sealedFrames, .unencryptedText, .closed]
  private var judged = false
  /// The only message of a connection that may carry something else than ONE.
  private var foreign: Place?
  private var frames = 0
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard !judged else { return }
    switch event.kind {
    case .application:
      guard report.leg.isInitiator(event), frames == 1 else {
        judged = true
        return
      }
      foreign = Place(event)
      return
    case .closed(let code, _, let echo):
      judged = true
      // Ends of their own may talk as they like; but one message, answered by nothing than a close, was not understood.
      guard let foreign, !echo, code == 1000, event.direction != foreign.direction, event.time - foreign.time < 1_000
      else { return }
      return report.violation(
        at: foreign, by: foreign.direction.speaker, "first message is no JSON command, and the acceptor closes",
        because: [Witness(event, "the close")], weight: .possible)
    case .frame:
      frames += 1
      return
    case .decryptFailed, .unreadable, .paddingFault, .unencryptedText:
      judged = true
      return
    default: break
    }
    guard report.leg.isInitiator(event) else { return }
    switch event.kind {
    case .peer(.connectionGroup): judged = true
    case .peer(let message):
      judged = true
      report.violation(at: event, by: event.sender, "first message is \(message.command), connection_group was due")
    case .peerFault(let failure):
      judged = true
      report.violation(at: event, by: event.sender, "first message: \(failure.detail)")
    default: break
    }
  }
}

/// PR-021: the group is one of those that exist.
struct GroupIsKnown: Rule {
  static let info = RuleInfo(
    id: "PR-021", statement: "The group is chum, pairing or debug.", severity: .major,
    reference: "connection.md 4.2 P1", sight: .decrypted)
  static let interests: EventSet = .peer
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .peer(.connectionGroup(let name)) = event.kind, !["chum", "pairing", "debug"].contains(name) else {
      return
    }
    report.violation(at: event, by: event.sender, "unknown group \(excerpt(name, 40))")
  }
}

/// PR-002: the acceptor answers the group with sync.
struct SyncAnswersGroup: Rule {
  static let info = RuleInfo(
    id: "PR-002", statement: "The acceptor's first encrypted message is sync, after connection_group.",
    severity: .critical, reference: "connection.md 4.1 P2", sight: .decrypted)
  static let interests: EventSet = [.peer, .peerFault]
  private var group: Witness?
  private var judged = false
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    if case .peer(.connectionGroup) = event.kind { group = Witness(event, "connection_group") }
    guard !judged, report.leg.initiator != nil, !report.leg.isInitiator(event) else { return }
    switch event.kind {
    case .peer(.sync):
      judged = true
      if group == nil { report.violation(at: event, by: event.sender, "sync before connection_group") }
    case .peer(let message):
      judged = true
      report.violation(
        at: event, by: event.sender, "first message is \(message.command), sync was due",
        because: [group].compactMap { $0 })
    case .peerFault(let failure):
      judged = true
      report.violation(
        at: event, by: event.sender, "sync was due: \(failure.detail)", because: [group].compactMap { $0 })
    default: break
    }
  }
}

/// PR-004: the initiator waits for sync.
struct InitiatorWaitsForSync: Rule {
  static let info = RuleInfo(
    id: "PR-004", statement: "Between connection_group and sync the initiator sends nothing.", severity: .major,
    reference: "connection.md 4.1", sight: .decrypted)
  static let interests: EventSet = [.peer, .peerFault, .personProof]
  private var group: Witness?
  private var synced = false
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .peer(.sync) where !report.leg.isInitiator(event): synced = true
    case .peer(.connectionGroup) where group == nil: group = Witness(event, "connection_group")
    case .peer, .peerFault, .personProof:
      if report.leg.isInitiator(event), let group, !synced {
        report.violation(at: event, by: event.sender, "sent before sync", because: [group])
      }
    default: break
    }
  }
}

/// PR-005, PR-007, PR-008 and PR-014: each side's messages in their order.
struct EstablishmentInOrder: Rule {
  static let info = RuleInfo(
    id: "PR-005", alsoDecides: ["PR-007", "PR-008", "PR-014"],
    statement: "Each side sends person, keys, its proofs of 104 bytes in their order, then its instance.",
    severity: .critical, reference: "connection.md 4.1", sight: .decrypted)
  static let interests: EventSet = [.peer, .peerFault, .personProof]
  private enum Step: Int, Sendable { case opening, person, keys, firstProof, secondProof, instance, group }
  private var next: [Step] = [.opening, .opening]
  private var last: [Witness?] = [nil, nil]
  private var gaveUp = [false, false]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    guard !gaveUp[side] else { return }
    if next[side] == .group { return surplus(event, &report) }
    let step: Step
    let name: String
    switch event.kind {
    case .peer(let message):
      name = message.command
      switch message {
      case .connectionGroup, .sync: step = .opening
      case .personIdObject: step = .person
      case .keysObject: step = .keys
      case .instanceIdObject: step = .instance
      case .authenticationToken, .identity: step = .group
      }
    case .personProof(let proof):
      name = "a person proof"
      step = next[side] == .secondProof ? .secondProof : .firstProof
      if proof.length != 104 {
        report.violation(at: event, by: event.sender, "a person proof of \(proof.length) bytes, 104 were due")
      }
    case .peerFault(let failure):
      gaveUp[side] = true
      // What comes first is PR-001's and PR-002's business.
      if next[side] != .opening {
        report.violation(
          at: event, by: event.sender, "\(due(side)) was due: \(failure.detail)",
          because: [last[side]].compactMap { $0 })
      }
      return
    default: return
    }
    if step != next[side] {
      gaveUp[side] = true
      if next[side] != .opening {
        report.violation(
          at: event, by: event.sender, "\(name) came, \(due(side)) was due", because: [last[side]].compactMap { $0 })
      }
      return
    }
    last[side] = Witness(event, name)
    next[side] = Step(rawValue: step.rawValue + 1) ?? .group
  }

  /// Behind its instance a side sends messages of the group only; what else comes is out of order.
  private mutating func surplus(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    let name: String
    switch event.kind {
    case .peer(.authenticationToken), .peer(.identity): return
    case .peer(let message): name = message.command
    case .personProof: name = "a person proof"
    case .peerFault(let failure): name = failure.detail
    default: return
    }
    gaveUp[side] = true
    report.violation(
      at: event, by: event.sender, "behind instance_id_object: \(name)", because: [last[side]].compactMap { $0 },
      also: ["PR-019"])
  }

  private func due(_ side: Int) -> String {
    switch next[side] {
    case .opening: "connection_group or sync"
    case .person: "person_id_object"
    case .keys: "keys_object"
    case .firstProof, .secondProof: "a person proof"
    case .instance: "instance_id_object"
    case .group: "the group's protocol"
    }
  }
}

/// PR-006: the keys belong to the person.
struct KeysBelongToPerson: Rule {
  static let info = RuleInfo(
    id: "PR-006", alsoDecides: ["PR-016"],
    statement: "keys_object.owner is the id of the person that the same side sent.", severity: .critical,
    reference: "connection.md 4.3", sight: .decrypted)
  static let interests: EventSet = .peer
  private var person: [(id: String, place: Witness)?] = [nil, nil]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .peer(.personIdObject(let email)):
      person[side] = (IdHash.person(email: email), Witness(event, "person_id_object"))
    case .peer(.keysObject(let owner, _, _)):
      guard let known = person[side], known.id != owner else { return }
      report.violation(
        at: event, by: event.sender, "owner \(owner.prefix(8))… is not the person \(known.id.prefix(8))…",
        because: [known.place])
    default: break
    }
  }
}

/// PR-009 and PR-037: the response is right.
struct PersonResponseIsRight: Rule {
  static let info = RuleInfo(
    id: "PR-009", alsoDecides: ["PR-037"],
    statement: "A person response opens with both person keys to the complement of the challenge.", severity: .critical,
    reference: "connection.md 4.3", sight: .decrypted)
  static let interests: EventSet = .personProof
  private var challenge: [Witness?] = [nil, nil]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .personProof(let proof) = event.kind else { return }
    let side = event.side
    if proof.step == .challenge {
      challenge[side] = Witness(event, "the challenge")
      return
    }
    let proofs = [challenge[1 - side]].compactMap { $0 }
    switch proof.outcome {
    case .wrong: report.violation(at: event, by: event.sender, "the response is not the complement", because: proofs)
    case .notOpened: report.violation(at: event, by: event.sender, "the response does not open", because: proofs)
    case .good, .unknown: break
    }
  }
}

/// PR-010 and PR-011: the challenge is one.
struct PersonChallengeIsRight: Rule {
  static let info = RuleInfo(
    id: "PR-010", alsoDecides: ["PR-011"],
    statement: "A person challenge opens with both person keys to exactly 64 bytes.", severity: .critical,
    reference: "connection.md 4.3", sight: .decrypted)
  static let interests: EventSet = .personProof
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .personProof(let proof) = event.kind, proof.step == .challenge else { return }
    switch proof.outcome {
    case .wrong: report.violation(at: event, by: event.sender, "the challenge does not hold 64 bytes")
    case .notOpened: report.violation(at: event, by: event.sender, "the challenge does not open")
    case .good, .unknown: break
    }
  }
}

/// PR-017: the instance belongs to the person.
struct InstanceBelongsToPerson: Rule {
  static let info = RuleInfo(
    id: "PR-017", statement: "instance_id_object.owner is the id of the person that the same side proved.",
    severity: .major, reference: "connection.md 4.3", sight: .decrypted)
  static let interests: EventSet = .peer
  private var person: [(id: String, place: Witness)?] = [nil, nil]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .peer(.personIdObject(let email)):
      person[side] = (IdHash.person(email: email), Witness(event, "person_id_object"))
    case .peer(.instanceIdObject(_, let owner)):
      guard let known = person[side], known.id != owner else { return }
      report.violation(
        at: event, by: event.sender, "owner \(owner.prefix(8))… is not the person \(known.id.prefix(8))…",
        because: [known.place])
    default: break
    }
  }
}
