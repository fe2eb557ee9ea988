import Store
import Trace
import Wire
import WireBytes

extension Diagnostician {
  private static let nodeOffset = 1_000_000_000

  /// What is said inside the encryption.
  func observeSealed(_ event: Event, _ link: Link, _ evidence: Evidence) {
    let side = Int(event.direction.rawValue)
    switch event.kind {
    case .peer(let message):
      link.lastSaid = event.time
      peer(message, link, side, evidence)
    case .peerFault(let failure): if link.fault == nil { link.fault = (failure.detail, evidence) }
    case .personProof(let proof):
      link.lastSaid = event.time
      if proof.outcome == .wrong || proof.outcome == .notOpened { link.ends[side].provedWrong = evidence }
    case .controlText(let text):
      if link.ends[side].text == nil { link.ends[side].text = evidence }
      if text != ChumMessage.controlText { link.ends[side].otherText = excerpt(text, 40) }
    case .requested(let id, let service, let args):
      requested(id, service, args?.first?.string, event, link, side, evidence)
    case .requestedBadly(let id, let service): requested(id, service, nil, event, link, side, evidence)
    case .roundStarted:
      let importer = link.sides[side]
      if importer.rounds > 0 { importer.flow?.endRound(importer.list, round: importer.rounds) }
      link.sides[side].rounds += 1
    default: answered(event, link, importer: 1 - side, evidence)
    }
  }

  private func peer(_ message: PeerMessage, _ link: Link, _ side: Int, _ evidence: Evidence) {
    switch message {
    case .connectionGroup(let name): link.group = link.group ?? excerpt(name, 40)
    case .personIdObject(let email):
      link.ends[side].email = email
      link.ends[side].person = link.ends[side].person ?? IdHash.person(email: email)
    case .keysObject(let owner, _, _): link.ends[side].person = owner
    case .instanceIdObject(let name, let owner):
      link.ends[side].instance = name
      link.ends[side].person = owner
    case .authenticationToken: link.token = link.token ?? evidence
    case .identity: link.pairingAccepted = true
    case .sync: break
    }
  }

  private func requested(
    _ id: Int, _ service: Int, _ argument: String?, _ event: Event, _ link: Link, _ side: Int, _ evidence: Evidence
  ) {
    ensureFlow(link, importer: side)
    let text = link.ends[side].text
    let hash = argument.flatMap { ObjectHash(hex: $0) }
    if link.sides[side].pending.count < ImporterSide.capacity {
      link.sides[side].pending[id] = Pending(
        service: service, hash: hash, evidence: evidence,
        isEarly: text.map { event.time - $0.time <= Self.burst } ?? true)
    }
    guard (4...8).contains(service) else { return }
    link.sides[side].flow?.asked += 1
    guard let hash, let position = link.sides[side].position[hash] else { return }
    link.sides[side].lastBegun = max(link.sides[side].lastBegun, position)
    link.sides[side].flow?.begin(hash, round: link.sides[side].rounds, isStart: service < 6)
  }

  /// Answers, and what they hold.
  private func answered(_ event: Event, _ link: Link, importer: Int, _ evidence: Evidence) {
    switch event.kind {
    case .responded(let id, let answer):
      let request = link.sides[importer].pending.removeValue(forKey: id)
      link.sides[importer].answered = request
      link.sides[importer].lastAnswer = event.time
      if case .error(_, let message, let code) = answer {
        failed(request, code ?? "an error", message ?? "", link, importer, evidence)
      }
    case .streamEnded(let id, let isWhole):
      let request = link.sides[importer].pending.removeValue(forKey: id)
      link.sides[importer].lastAnswer = event.time
      if !isWhole, let hash = request?.hash { fail(hash, .brokenStream, link, importer, evidence) }
    case .invalidChunk(let length, _):
      // After a hundred of them nothing new is learnt.
      guard length == 0, link.emptyMessages < 100 else { return }
      link.emptyMessages += 1
      for request in link.sides[importer].pending.values where request.service == 8 {
        if let hash = request.hash { link.sides[importer].emptyChunks.insert(hash) }
      }
      if !link.sides[importer].emptyChunks.isEmpty {
        link.sides[importer].emptyChunk = evidence
        link.isExplained = true
      }
    case .versionAgreed:
      link.sides[importer].hasVersion = true
      withPair(link) { $0.unknown = nil }
    case .versionRejected(let value):
      link.isExplained = true
      withPair(link) { $0.remarks.note(.versionMismatch(value.compact), evidence, true) }
    case .announced(let entry, _): announced(entry, link, importer, evidence)
    case .rootsListed(_, let count): rootsListed(count, link, importer, evidence)
    case .rootsFault(let failure):
      link.isExplained = true
      link.sides[importer].flow?.remark(.badRoots(failure.detail), evidence, isTrouble: true)
    case .childListed(let parent, let entry, _): childListed(parent, entry, link, importer)
    case .childrenListed(let parent, _):
      guard let parent = ObjectHash(hex: parent), link.sides[importer].listed[parent] == nil else { return }
      link.sides[importer].listed[parent] = []
    case .childrenFault(let parent, let failure):
      if let hash = ObjectHash(hex: parent) { fail(hash, .badChildren(failure.detail), link, importer, evidence) }
    case .answerFault(_, _, let failure):
      if let hash = link.sides[importer].answered?.hash {
        fail(hash, .badAnswer(failure.detail), link, importer, evidence)
      }
    case .objectSent(let object): sent(object, link, importer, evidence)
    case .refused(let service, let hash, let code):
      refused(service, hash, code ?? "an error without a code", link, importer, evidence)
    default: break
    }
  }

  private func failed(
    _ request: Pending?, _ code: String, _ message: String, _ link: Link, _ importer: Int, _ evidence: Evidence
  ) {
    if code == "M2O-PH1" || message.contains("M2O-PH1") { tally.microdataError("an answer says M2O-PH1", evidence) }
    switch request?.service {
    case 1? where code == "UNKNOWN-SERVICE": withPair(link) { $0.remarks.note(.tooEarly, evidence, false) }
    case 2?:
      let cause: Cause = code == "UNKNOWN-SERVICE" ? .tooEarly : .unreadableGrant(code, message)
      link.sides[importer].flow?.remark(cause, evidence, isTrouble: code != "UNKNOWN-SERVICE")
      if code != "UNKNOWN-SERVICE" {
        link.isExplained = true
        tally.unreadableGrant(cause, evidence)
      }
    default: break
    }
  }

  private func announced(_ entry: RootEntry, _ link: Link, _ importer: Int, _ evidence: Evidence) {
    if link.sides[importer].isNewList {
      link.sides[importer].isNewList = false
      link.sides[importer].newList()
    }
    if entry.type == "Profile" { tally.profiles += 1 }
    guard let hash = ObjectHash(hex: entry.key) else {
      link.sides[importer].flow?.remark(.badRoots("\(excerpt(entry.key, 40)) is no hash"), evidence, isTrouble: true)
      return
    }
    link.sides[importer].open(hash)
    var isNode = false
    switch entry {
    case .versioned(_, let idHash, _): if let id = ObjectHash(hex: idHash) { link.sides[importer].open(id) }
    case .versionNode: isNode = true
    default: break
    }
    let count = link.sides[importer].list.count
    guard count < ImporterSide.capacity, let flow = link.sides[importer].flow else { return }
    link.sides[importer].list.append(hash)
    link.sides[importer].position[hash] = isNode ? count + Self.nodeOffset : count
    flow.announce(hash, entry)
  }

  private func rootsListed(_ count: Int, _ link: Link, _ importer: Int, _ evidence: Evidence) {
    if link.sides[importer].isNewList { link.sides[importer].newList() }
    link.sides[importer].isNewList = true
    guard let flow = link.sides[importer].flow else { return }
    flow.lists += 1
    flow.lastList = evidence
    if count == 0 { flow.emptyLists += 1 }
  }

  private func childListed(_ parent: String, _ entry: ChildEntry, _ link: Link, _ importer: Int) {
    guard let parent = ObjectHash(hex: parent), let child = ObjectHash(hex: entry.hash) else { return }
    link.sides[importer].open(child)
    guard link.sides[importer].owner.count < ImporterSide.capacity else { return }
    if link.sides[importer].position[child] == nil { link.sides[importer].owner[child] = parent }
    link.sides[importer].listed[parent, default: []].insert(child)
  }

  private func sent(_ object: SentObject, _ link: Link, _ importer: Int, _ evidence: Evidence) {
    guard let flow = link.sides[importer].flow else { return }
    flow.send(object)
    guard let hash = ObjectHash(hex: object.hash) else { return }
    if link.sides[importer].emptyChunks.remove(hash) != nil, object.sha256 != object.hash {
      return fail(hash, .emptyChunk, link, importer, evidence)
    }
    let isRoot = link.sides[importer].position[hash] != nil
    let listed = link.sides[importer].listed.removeValue(forKey: hash)
    switch judge.judge(object, announced: isRoot ? flow.type(of: hash) : nil, listed: listed) {
    case .bad(let cause):
      fail(hash, cause, link, importer, evidence)
      if ["wrong-form", "bad-microdata"].contains(cause.id) { tally.microdataError(cause.text, evidence) }
    case .unknownType(let type):
      flow.remark(.unknownType(type), evidence, isTrouble: false)
      arrived(hash, type, object, link, importer, evidence)
    case .good(let type): arrived(hash, type, object, link, importer, evidence)
    }
  }

  private func arrived(
    _ hash: ObjectHash, _ type: String?, _ object: SentObject, _ link: Link, _ importer: Int, _ evidence: Evidence
  ) {
    tally.goodObjects += 1
    if link.sides[importer].position[hash] != nil { link.sides[importer].flow?.arrive(hash) }
    if type == "IoMRequest" { tally.iom = tally.iom ?? evidence }
    if type == "Topic", let text = object.text,
      let channel = References.scan(Array(text.utf8)).first(where: { $0.kind == .id })
    {
      link.sides[importer].flow?.refersToChannel(channel.hash, evidence)
    }
  }

  private func refused(
    _ service: Int, _ hash: String, _ code: String, _ link: Link, _ importer: Int, _ evidence: Evidence
  ) {
    guard code != "UNKNOWN-SERVICE", let flow = link.sides[importer].flow else { return }
    let key = ObjectHash(hex: hash)
    let wasAnnounced = key.map { link.sides[importer].opened.contains($0) } ?? false
    flow.refuse(code, wasAnnounced: wasAnnounced, evidence)
    if let key, wasAnnounced { fail(key, .refused(code, wasAnnounced: true), link, importer, evidence) }
  }

  /// The hash failed, and with it the root that needs it.
  private func fail(_ hash: ObjectHash, _ cause: Cause, _ link: Link, _ importer: Int, _ evidence: Evidence) {
    let root = link.sides[importer].root(of: hash)
    let own =
      root == hash || cause.id == "empty-chunk"
      ? cause
      : Cause(cause.id, "one of its children: \(cause.text)", fact: cause.fact, isProven: cause.isProven)
    link.sides[importer].flow?.fail(root, own, evidence)
  }

  /// The connection is over: what was left open, and what was not reached.
  func settle(_ link: Link) {
    guard link.hasChum else {
      if link.isEstablished, link.closing?.reason.contains("you are unknown") == true { unknown(link) }
      return
    }
    if link.sides[0].rounds + link.sides[1].rounds > 0 || link.sides[0].hasVersion || link.sides[1].hasVersion {
      withPair(link) { if $0.chum.count < 50 { $0.chum.append(link.conn) } }
    }
    if let closing = link.closing {
      if closing.reason.contains("you are unknown") {
        unknown(link)
      } else if Self.isError(closing.reason), !link.isExplained, let text = link.closingText() {
        withPair(link) { $0.remarks.note(.closedWithError(text), closing.evidence, true) }
      }
      if closing.reason.contains("M2O-PH1") { tally.microdataError("a close reason says M2O-PH1", closing.evidence) }
    }
    for side in 0...1 { settle(link, importer: side) }
  }

  private func unknown(_ link: Link) {
    guard let closing = link.closing else { return }
    let who = link.party(closing.side).name
    let whom = link.party(1 - closing.side).name
    withPair(link) { pair in
      let text = "\(who) refuses \(whom) as unknown (\"\(excerpt(closing.reason, 90))\")"
      pair.unknown = (text, (pair.unknown?.count ?? 0) + 1, pair.unknown?.evidence ?? closing.evidence)
    }
  }

  private static func isError(_ reason: String) -> Bool {
    [
      "with error", "onMsgHandler error", "Decryption of message failed", "No lifesign", "Queue is full",
      "does not conform to JSON", "Incoming encrypted message",
    ].contains { reason.contains($0) }
  }

  private func settle(_ link: Link, importer side: Int) {
    let importer = link.sides[side]
    var isLost = false
    for (_, request) in importer.pending.sorted(by: { $0.value.evidence.line < $1.value.evidence.line }) {
      let age = link.last - request.evidence.time
      guard age > (request.isEarly ? 300 : 2_000) else { continue }
      isLost = isLost || request.isEarly
      let cause: Cause = request.isEarly ? .lostAtStart : .noAnswer(request.service)
      withPair(link) { $0.remarks.note(cause, request.evidence, true) }
      if request.isEarly { tally.lostRequests += 1 }
    }
    guard let flow = importer.flow else { return }
    let isQuiet = importer.pending.isEmpty && link.last - importer.lastAnswer > 100
    guard !isQuiet else { return flow.endRound(importer.list, round: importer.rounds) }
    flow.endRound(
      importer.list.filter { (importer.position[$0] ?? 0) < importer.lastBegun && !isAsked($0, flow) },
      round: importer.rounds)
    let cause: Cause =
      importer.emptyChunk != nil
      ? .behindEmptyChunk(link.closingText() ?? "nothing came after it")
      : isLost ? .lostAtStart : link.closingText().map { .peerClosed($0) } ?? .endOfRecording
    for hash in importer.list { flow.leave(hash, cause, link.closing?.evidence) }
  }

  private func isAsked(_ hash: ObjectHash, _ flow: Flow) -> Bool { flow.roots[hash]?.state == .asked }
}
