import Chum
import CommServer
import Cryptobox
import Instance
import InstanceCases
import Store
import Wire
import WireBytes

/// The steps of a scenario.
extension World {
  /// Plays all steps, then heals the network and looks whether everything came back. Gives the first violation.
  public mutating func play() -> Violation? {
    guard playSteps() == nil else { return violation }
    heal()
    return violation
  }

  /// The steps alone.
  public mutating func playSteps() -> Violation? {
    for step in scenario.steps {
      perform(step.act)
      run(for: Double(step.pause))
      checkBounds()
      lookAfterStep()
      // What was described too early comes with the next act.
      if step.pause >= 3_000 { fillGaps() }
      if violation != nil { return violation }
    }
    return nil
  }

  func host(_ number: Int) -> Int { hosts.isEmpty ? 0 : number.magnitudeModulo(hosts.count) }

  mutating func perform(_ act: Step.Act) {
    switch act {
    case .invite(let number, let lifetime):
      handle(.command(.invite(InvitationRequest(lifetime: Double(max(1, lifetime))))), on: host(number))
    case .join(let number, let invitation): join(host(number), invitation)
    case .joinBoth(let one, let other, let invitation):
      join(host(one), invitation)
      join(host(other), invitation)
    case .revoke(let number):
      guard let known = invitation(number) else { return }
      checker.revoked(known.token, at: now)
      handle(.command(.revoke(token: known.token)), on: known.host)
    case .joinAtExpiry(let number, let invitation, let offset): joinAtExpiry(host(number), invitation, offset)
    case .guess(let number, let target): guess(host(number), host(target))
    case .say(let number): say(host(number))
    case .crash(let number, let down): crash(host(number), down: Double(max(0, down)))
    case .suspend(let number, let time):
      hosts[host(number)].sleepsUntil = now + Double(max(0, min(time, 10_000_000)))
    case .cut(let number): if let index = openCable(number) { lose(index) }
    case .halfOpen(let number): if let index = openCable(number) { cables[index].isHalfOpen = true }
    case .tamper(let number, let kind): if let index = openCable(number) { cables[index].tampering = kind }
    case .restartServer(let down): stopServer(down: Double(max(0, min(down, 10_000_000))))
    case .attack(let number, let misbehaviour): attack(host(number), misbehaviour)
    case .replay(let number): replay(number)
    case .hijack(let number):
      let key = hosts[host(number)].identity.instanceKey.publicKey
      attackers.append(.hijack(key: key, secret: random.secretKey()))
      open(.attacker(attackers.count - 1))
    case .wait: break
    case .sync(let act): perform(act)
    }
  }

  private func openCable(_ number: Int) -> Int? {
    let open = cables.indices.filter { cables[$0].phase == .open && !cables[$0].isHalfOpen }
    return open.isEmpty ? nil : open[number.magnitudeModulo(open.count)]
  }

  private func invitation(_ number: Int) -> Checker.Known? {
    checker.invitations.isEmpty ? nil : checker.invitations[number.magnitudeModulo(checker.invitations.count)]
  }

  private mutating func join(_ index: Int, _ number: Int) {
    guard let known = invitation(number), known.host != index, hosts[index].instance != nil else { return }
    checker.joins(index, hosts[index].incarnation)
    handle(.command(.join(known.invitation, JoinOptions())), on: index)
  }

  /// The token is to be looked at in its very last moment, or a ms beside it: as soon as the inviter has identified the
  /// joiner it dozes off until then, and what came in meanwhile is taken exactly at that time.
  private mutating func joinAtExpiry(_ index: Int, _ number: Int, _ offset: Int) {
    guard let known = invitation(number), known.host != index else { return }
    let moment = known.expiresAt + Double(offset)
    guard moment - 1_000 > now, moment - now < 1_000_000 else { return }
    run(until: moment - 1_000)
    let before = checker.identifications[known.host, default: 0]
    join(index, number)
    while now < moment - 5, violation == nil, checker.identifications[known.host, default: 0] == before { run(for: 1) }
    if now < moment - 1 { hosts[known.host].sleepsUntil = moment }
    run(until: moment + 400)
  }

  private mutating func guess(_ index: Int, _ target: Int) {
    guard index != target, hosts[index].instance != nil else { return }
    let token = TokenAlphabet.draw(random: &random)
    let key = hosts[target].identity.instanceKey.publicKey.hex
    checker.joins(index, hosts[index].incarnation)
    handle(.command(.join(Invitation(token: token, publicKey: key, url: "ws://comm"), JoinOptions())), on: index)
  }

  private mutating func say(_ index: Int) {
    guard let running = hosts[index].instance?.running else { return }
    for (_, id) in running.sorted(by: { $0.value < $1.value }) {
      guard let text = checker.nextMessage(of: index, on: id, incarnation: hosts[index].incarnation) else { continue }
      handle(.command(.send(id, .text(text))), on: index)
    }
  }

  // MARK: Processes

  mutating func crash(_ index: Int, down: Double) {
    guard let instance = hosts[index].instance.take() else { return }
    hosts[index].last = instance
    hosts[index].deadline = nil
    hosts[index].incarnation += 1
    checker.crashed(index)
    for cable in hosts[index].cables.values.sorted() { lose(cable) }
    hosts[index].cables = [:]
    queue.push(.restart(host: index), at: now + min(down, 10_000_000))
  }

  mutating func restart(_ index: Int) {
    guard hosts[index].instance == nil else { return }
    do throws(RepositoryFailure) {
      hosts[index].instance = try hosts[index].last.restarted(halves: scenario.chumFaults.contains(.halfFilesKept))
    } catch { return checker.fail("restart", "host \(index) cannot read its store: \(error)") }
    sync?.restarted(index)
    handle(.start, on: index)
    if sync != nil { fillGaps() }
  }

  // MARK: Attackers

  private mutating func attack(_ index: Int, _ misbehaviour: Misbehaviour) {
    var own = SeededRandom(seed: random.next())
    let identities = (0..<2).map { number in
      Identity.create(
        url: "ws://comm", personEmail: "evil\(attackers.count)-\(number)", instanceName: "evil-\(number)", random: &own,
        box: box)
    }
    var plan = ProbePeer.Plan(
      role: .initiator, own: identities[0], other: identities[1],
      target: hosts[index].identity.instanceKey.publicKey, group: "pairing")
    plan.misbehaviour = misbehaviour
    // The attacker holds a good invitation when there is one: everything else must stop it.
    plan.token = checker.invitations.last { $0.host == index }?.token ?? TokenAlphabet.draw(random: &own)
    attackers.append(.probe(ProbePeer(plan, box: box)))
    checker.addAttacker(plan)
    open(.attacker(attackers.count - 1))
  }

  private mutating func replay(_ number: Int) {
    guard !recorded.isEmpty else { return }
    let old = recorded[number.magnitudeModulo(recorded.count)]
    attackers.append(.replay(request: old.request, key: old.key, isKeySent: false))
    open(.attacker(attackers.count - 1))
  }

  mutating func attackerOpened(_ number: Int, _ cable: Int) {
    switch attackers[number] {
    case .probe(var probe):
      // What a probe sends first of all does not reach an instance unless it is a request for the server.
      perform(probe.opened(now: now, random: &random), cable)
      attackers[number] = .probe(probe)
    case .replay(let request, _, _): sendUp(.text(request), cable)
    case .hijack(let key, _): sendUp(.text(CommServerMessage.register(publicKey: key.hex).text), cable)
    }
  }

  mutating func attackerReceived(_ message: WireMessage, _ number: Int, _ cable: Int) {
    switch attackers[number] {
    case .probe(var probe):
      let outputs = probe.receive(message, now: now, random: &random)
      attackers[number] = .probe(probe)
      if let channel = probe.seen.channel {
        let isContact = probe.plan.chum != nil
        checker.attackerSecured(
          channel.own, token: probe.plan.token, as: isContact ? probe.plan.own.instanceKey.publicKey : nil)
      }
      perform(outputs, cable)
    case .replay(let request, let key, let isKeySent):
      guard !isKeySent else { return }
      attackers[number] = .replay(request: request, key: key, isKeySent: true)
      sendUp(.binary(key), cable)
    case .hijack(_, let secret): hijackReceived(message, secret, cable)
    }
  }

  /// The challenge is answered with a box of the wrong secret; success must never come.
  private mutating func hijackReceived(_ message: WireMessage, _ secret: SecretKey, _ cable: Int) {
    guard case .text(let text) = message, let heard = try? CommServerMessage.decode(text) else { return }
    switch heard {
    case .authenticationRequest(let serverHex, _):
      guard let server = PublicKey(hex: serverHex) else { return }
      let key = box.agree(theirs: server, mine: secret)
      let response = ComplementProof.seal(random.bytes(64), nonce: random.nonce(), key: key, box: box)
      sendUp(.text(CommServerMessage.authenticationResponse(response: Hex.encode(response)).text), cable)
    case .authenticationSuccess: checker.fail("CS-007", "a key was registered without its secret")
    default: break
    }
  }

  /// A silent probe keeps its connection alive, so that only the limits of the steps end it.
  mutating func attackerTick(_ number: Int) {
    guard case .probe(var probe) = attackers[number] else { return }
    let outputs = probe.tick(now: now, random: &random)
    attackers[number] = .probe(probe)
    let cable = cables.firstIndex { $0.end == .attacker(number) }
    if outputs.isEmpty, probe.nextDeadline ?? .infinity <= now {
      // Nothing to say and still due: it is over with it.
      probe.closed(reason: "", now: now)
      attackers[number] = .probe(probe)
    }
    if let cable { perform(outputs, cable) }
  }

  mutating func attackerClosed(_ reason: String, _ number: Int) {
    guard case .probe(var probe) = attackers[number] else { return }
    probe.closed(reason: reason, now: now)
    attackers[number] = .probe(probe)
  }

  private mutating func perform(_ outputs: [ProbePeer.Output], _ cable: Int) {
    for output in outputs {
      switch output {
      case .send(let message): sendUp(message, cable)
      case .close(let reason): closeUp(cable, code: 1_000, reason)
      }
    }
  }

  // MARK: Looking

  private mutating func checkBounds() {
    for index in hosts.indices {
      guard let instance = hosts[index].instance else { continue }
      let load = instance.load
      if load.connections > 400 { checker.fail("bound", "host \(index) keeps \(load.connections) connections") }
      if load.spares > 16 { checker.fail("bound", "host \(index) keeps \(load.spares) spares") }
    }
  }

  /// The network is fine again and nobody acts: everything must come back, and nothing be left over.
  mutating func heal() {
    for index in hosts.indices where hosts[index].sleepsUntil > now { hosts[index].sleepsUntil = now }
    run(for: 1)
    for index in cables.indices { cables[index].tampering = nil }
    for index in cables.indices where cables[index].isHalfOpen {
      cables[index].isHalfOpen = false
      // The host may have closed its end into the void; the server's TCP finds out in the end.
      if cables[index].phase == .closed { handle(.closed(cables[index].connection, code: nil, reason: "")) }
      lose(index)
    }
    fillGaps()
    // The longest retry is 120 s; a refused dial before it, and the close of a half-open one, come on top. Hosts that
    // know each other from the beginning do not wait for invitations, and a minute after each retry is enough.
    run(for: scenario.sync ? 240_000 : 420_000)
    guard violation == nil else { return }
    // A dial may be under way at any one moment, so what is wrong must be wrong at each of several.
    var wrong = wrongAtRest
    for _ in 0..<40 where wrong != nil && violation == nil {
      run(for: 370)
      wrong = wrongAtRest
    }
    guard violation == nil else { return }
    if let wrong { return checker.fail(wrong.rule, wrong.detail) }
    checkPairs()
    guard violation == nil else { return }
    if scenario.sync { return checkSyncAtRest() }
    checkPairing()
    checker.finish()
  }

  /// When all is well again, two hosts can pair.
  private mutating func checkPairing() {
    guard hosts.count > 1 else { return }
    let before = checker.counts
    handle(.command(.invite(InvitationRequest(lifetime: 60_000))), on: 0)
    // The invitation is handed out once the server had time to store it: a joiner who is faster falls back, and may be
    // handed the very spare on which the server is still being asked.
    run(for: 1_000)
    join(1, checker.invitations.count - 1)
    run(for: 6_000)
    let after = checker.counts
    if violation == nil, after.pairings == before.pairings || after.invitersPairings == before.invitersPairings {
      checker.fail("no-pairing", "an honest pairing does not come about")
    }
  }

  /// What is not as it should be on an idle machine.
  private var wrongAtRest: Violation? {
    for index in hosts.indices {
      guard let instance = hosts[index].instance else {
        return Violation(rule: "restart", detail: "host \(index) never came back")
      }
      if instance.load.spares < instance.settings.sparesPerKey {
        return Violation(rule: "lost-spare", detail: "host \(index) has \(instance.load.spares) spares left")
      }
      let idle = instance.load.connections - instance.running.count
      if idle > 0, scenario.profile == .strict {
        return Violation(rule: "left-over", detail: "host \(index) keeps \(idle) connections that do nothing")
      }
    }
    let sockets = hosts.reduce(0) { $0 + ($1.instance?.openSockets.count ?? 0) }
    if scenario.profile == .strict, server.statistics.connections > sockets {
      return Violation(
        rule: "left-over", detail: "the server keeps \(server.statistics.connections) sockets, the hosts \(sockets)")
    }
    return nil
  }

  /// Whoever knows each other is connected, once, and can talk.
  private mutating func checkPairs() {
    for one in hosts.indices {
      for other in hosts.indices where other > one {
        guard let first = hosts[one].instance, let second = hosts[other].instance else { continue }
        let keys = (hosts[one].identity.instanceKey.publicKey, hosts[other].identity.instanceKey.publicKey)
        let isMutual =
          first.book.record(own: keys.0, peer: keys.1) != nil && second.book.record(own: keys.1, peer: keys.0) != nil
        guard isMutual else { continue }
        if first.running[keys.1] == nil || second.running[keys.0] == nil {
          return checker.fail("not-connected", "hosts \(one) and \(other) know each other and are not connected")
        }
      }
    }
    if scenario.sync { return }
    checker.beginLastRound()
    for index in hosts.indices { say(index) }
    run(for: 2_000)
    checker.allDelivered()
  }
}

extension Int {
  /// The remainder of the absolute value, safe for every number.
  func magnitudeModulo(_ count: Int) -> Int { Int(magnitude % UInt(count)) }
}
