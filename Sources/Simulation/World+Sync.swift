import Chum
import Cryptobox
import Instance
import InstanceCases
import Microdata
import Store
import SyncInstance
import Wire
import WireBytes

/// The acts of complete instances.
extension World {
  /// All hosts of a sync world know each other from the beginning, as if they had paired.
  mutating func acquaint() {
    for one in hosts.indices {
      for other in hosts.indices where other != one {
        handle(.command(.addPeer(hosts[other].identity.publicFile)), on: one)
      }
    }
    run(for: 12_000)
  }

  private func person(_ host: Int) -> ObjectHash { ObjectHash(hex: hosts[host].identity.personId) ?? ObjectHash.of([]) }

  /// Another host than the first; the same when there is none.
  private func other(_ number: Int, than host: Int) -> Int {
    guard hosts.count > 1 else { return host }
    let index = self.host(number)
    return index == host ? (host + 1) % hosts.count : index
  }

  mutating func perform(_ act: SyncAct) {
    guard sync != nil else { return }
    switch act {
    case .write(let number, let item): write(host(number), item)
    case .grant(let number, let item, let to): grant(host(number), item, [other(to, than: host(number))])
    case .revoke(let number, let item, let from): revoke(host(number), item, from)
    case .flicker(let number, let item, let to): flicker(host(number), item, other(to, than: host(number)))
    case .grantBoth(let number, let item, let one, let two):
      let index = host(number)
      grant(index, item, [other(one, than: index), other(two, than: index)])
    case .grantElsewhere(let number, let item, let to):
      grantElsewhere(host(number), item, other(to, than: host(number)))
    case .share(let number, let item, let with):
      let index = host(number)
      let partner = other(with, than: index)
      let shared = Self.sharedItem(item)
      for host in [index, partner] {
        write(host, shared)
        grant(host, shared, [host == index ? partner : index])
      }
    case .circle(let number, let person, let isIn): circle(host(number), self.host(person), isIn)
    case .grantCircle(let number, let item): grantCircle(host(number), item)
    case .topic(let number, let with): topic(host(number), other(with, than: host(number)))
    case .message(let number, let to): say(host(number), to: other(to, than: host(number)))
    case .early(let number, let item, let to): early(host(number), item, other(to, than: host(number)))
    case .crashInFile(let number, let to, let down):
      crashInFile(host(number), other(to, than: host(number)), Double(max(0, down)))
    case .lie(let number, let misbehaviour): lie(host(number), misbehaviour)
    }
  }

  // MARK: Writing

  private static let itemKinds = 4
  /// Items of this remainder are written by all hosts under one identity.
  private static func sharedItem(_ item: Int) -> Int { item.magnitudeModulo(3) * itemKinds + 3 }

  private mutating func write(_ index: Int, _ number: Int) {
    guard hosts[index].instance != nil, let count = sync?.next() else { return }
    let item = number.magnitudeModulo(12)
    var made: SyncModel.Item?
    act(on: index) { machine, now, random, actions in
      machine.write(at: now, random: &random, into: &actions) { repository in
        made = try? Self.write(item, count, index, 1_700_000_000_000 + now.rounded(.down), &repository)
      }
    }
    if let made { sync?.wrote(made, item, on: index) }
  }

  private static func write(
    _ item: Int, _ count: Int, _ host: Int, _ now: Double, _ repository: inout Repository<MemoryStore>
  ) throws -> SyncModel.Item {
    switch item % itemKinds {
    case 0:
      let hash = try repository.storeObject(
        OneObject(["$type$": "PersonName", "name": .text("phrase \(item) of \(host)")]))
      return SyncModel.Item(subject: .object(hash), isShared: false)
    case 1, 3:
      let isShared = item % itemKinds == 3
      let email = isShared ? "shared-\(item)@example.org" : "item-\(item)-\(host)@example.org"
      let (idHash, _, _) = try repository.storeVersion(
        OneObject(["$type$": "Person", "email": .text(email), "name": .text("version \(count) of \(host)")]), now: now)
      return SyncModel.Item(subject: .id(idHash), isShared: isShared)
    default:
      let bytes = content(item * 64 + host, size: 200 + item * 900)
      let hash = try descriptor(bytes, &repository)
      try storeFile(bytes, &repository)
      return SyncModel.Item(subject: .object(hash), isShared: false)
    }
  }

  private static func content(_ seed: Int, size: Int) -> [UInt8] {
    var random = SeededRandom(seed: UInt64(seed))
    return random.bytes(size)
  }

  private static func descriptor(
    _ bytes: [UInt8], _ repository: inout Repository<MemoryStore>
  ) throws(RepositoryFailure) -> ObjectHash {
    try repository.storeObject(
      OneObject([
        "$type$": "BlobDescriptor", "data": .reference(ObjectHash.of(bytes)), "lastModified": 1, "name": "file",
        "size": .number(Double(bytes.count)), "type": "application/octet-stream",
      ]))
  }

  private static func storeFile(_ bytes: [UInt8], _ repository: inout Repository<MemoryStore>) throws(StoreFailure) {
    let ticket = try repository.store.beginFile()
    try repository.store.append(bytes, to: ticket)
    _ = try repository.store.finishFile(ticket, kind: .blob, expected: nil)
  }

  // MARK: Granting

  private func item(_ index: Int, _ number: Int) -> SyncModel.Item? { sync?.items[index]?[number.magnitudeModulo(12)] }

  /// The item, written when it is not there.
  private mutating func present(_ index: Int, _ number: Int) -> SyncModel.Item? {
    if item(index, number) == nil { write(index, number) }
    return hosts[index].instance == nil ? nil : item(index, number)
  }

  private mutating func request(
    _ request: GrantRequest, on index: Int, by component: String = GrantAuthority.standardName
  ) {
    act(on: index) { machine, now, random, actions in
      machine.run(.grant(request, by: component), at: now, random: &random, into: &actions)
    }
  }

  private mutating func grant(_ index: Int, _ number: Int, _ receivers: [Int]) {
    guard let item = present(index, number) else { return }
    for receiver in receivers {
      let person = person(receiver)
      sync?.grants(item.subject, to: person, on: index)
      request(GrantRequest(item.subject, persons: [person]), on: index)
    }
  }

  /// One of the grants that there are, counted, and one of its persons.
  private mutating func revoke(_ index: Int, _ number: Int, _ from: Int) {
    let grants = (sync?.granted[index] ?? [:]).filter { !$0.value.isEmpty }.sorted { $0.key.hash < $1.key.hash }
    guard !grants.isEmpty, hosts[index].instance != nil else { return }
    let (subject, persons) = grants[number.magnitudeModulo(grants.count)]
    revoke(index, subject, persons.sorted()[from.magnitudeModulo(persons.count)])
  }

  private mutating func revoke(_ index: Int, _ subject: Subject, _ person: ObjectHash) {
    guard let now = hosts[index].instance?.complete?.host.repository.currentGrant(subject) else { return }
    sync?.revokes(subject, from: person, on: index)
    request(
      GrantRequest(subject, persons: now.persons.filter { $0 != person }, groups: now.groups, mode: .replace), on: index
    )
  }

  /// The receiver has the name and not yet the thing when the grant is gone.
  private mutating func flicker(_ index: Int, _ number: Int, _ to: Int) {
    guard index != to, let item = present(index, number) else { return }
    let person = person(to)
    let before = lists(index, to: person)
    grant(index, number, [to])
    let end = now + 17_000
    while now < end, violation == nil, lists(index, to: person) == before { run(for: 2) }
    revoke(index, item.subject, person)
  }

  /// How many root lists a host has answered to a person in the sessions that run.
  private func lists(_ index: Int, to person: ObjectHash) -> Int {
    hosts[index].instance?.complete?.sessions.values.reduce(0) { $0 + ($1.person == person ? $1.chum.listCount : 0) }
      ?? 0
  }

  /// A component that does not hold the authority asks: it must be refused, and nothing may change.
  private mutating func grantElsewhere(_ index: Int, _ number: Int, _ to: Int) {
    guard let item = present(index, number) else { return }
    request(GrantRequest(item.subject, persons: [person(to)]), on: index, by: "TopicModel")
  }

  private mutating func circle(_ index: Int, _ member: Int, _ isIn: Bool) {
    let person = person(member)
    act(on: index) { machine, now, random, actions in
      machine.write(at: now, random: &random, into: &actions) { repository in
        guard let group = Self.circleId(repository) else { return }
        var members = repository.members(of: group).filter { $0 != person }
        if isIn { members.append(person) }
        _ = try? repository.storeVersion(Self.circle(members), now: 1_700_000_000_000 + now.rounded(.down))
      }
    }
  }

  private static func circle(_ members: [ObjectHash]) -> OneObject {
    OneObject(["$type$": "Group", "name": "circle", "person": .array(members.map(OneValue.reference))])
  }

  private static func circleId(_ repository: Repository<MemoryStore>) -> ObjectHash? {
    (try? repository.codec.write(circle([]), as: .idObject)).map(ObjectHash.of)
  }

  private mutating func grantCircle(_ index: Int, _ number: Int) {
    guard let item = present(index, number), let repository = hosts[index].instance?.complete?.host.repository,
      let group = Self.circleId(repository), repository.store.knows(group)
    else { return }
    request(GrantRequest(item.subject, groups: [group]), on: index)
  }

  // MARK: Topics

  private mutating func topic(_ index: Int, _ partner: Int) {
    guard index != partner, hosts[index].instance?.complete != nil else { return }
    let id = OneToOneId(person(index), person(partner))
    let other = person(partner)
    act(on: index) { machine, now, random, actions in
      machine.run(.openTopic(with: other), at: now, random: &random, into: &actions)
    }
    guard let codec = SyncModel.codec(scenario.profile), let channel = try? ChannelKey(id: id.text).idHash(codec) else {
      return
    }
    sync?.makesTopic(channel, id.persons, on: index)
  }

  private mutating func say(_ index: Int, to partner: Int) {
    guard index != partner, let count = sync?.next() else { return }
    let other = person(partner)
    act(on: index) { machine, now, random, actions in
      machine.run(.say("message \(count)", to: other, attachments: []), at: now, random: &random, into: &actions)
    }
  }

  // MARK: Files

  private mutating func early(_ index: Int, _ number: Int, _ to: Int) {
    guard hosts[index].instance?.complete != nil, let count = sync?.next() else { return }
    let bytes = Self.content(1_000_000 + count, size: 300)
    let person = person(to)
    var hash: ObjectHash?
    act(on: index) { machine, now, random, actions in
      machine.write(at: now, random: &random, into: &actions) { hash = try? Self.descriptor(bytes, &$0) }
    }
    guard let hash else { return }
    sync?.leavesGap(bytes, on: index)
    sync?.grants(.object(hash), to: person, on: index)
    request(GrantRequest(.object(hash), persons: [person]), on: index)
  }

  /// Files that were described too early get their bytes.
  mutating func fillGaps() {
    for index in hosts.indices where hosts[index].instance?.complete != nil {
      for bytes in sync?.takeGaps(index) ?? [] {
        act(on: index) { machine, now, random, actions in
          machine.write(at: now, random: &random, into: &actions) { try? Self.storeFile(bytes, &$0) }
        }
      }
    }
  }

  private mutating func crashInFile(_ index: Int, _ to: Int, _ down: Double) {
    guard index != to, hosts[index].instance?.complete != nil, let count = sync?.next() else { return }
    let bytes = Self.content(2_000_000 + count, size: 400_000)
    let person = person(to)
    var hash: ObjectHash?
    act(on: index) { machine, now, random, actions in
      machine.write(at: now, random: &random, into: &actions) { repository in
        hash = try? Self.descriptor(bytes, &repository)
        try? Self.storeFile(bytes, &repository)
      }
    }
    guard let hash else { return }
    sync?.grants(.object(hash), to: person, on: index)
    request(GrantRequest(.object(hash), persons: [person]), on: index)
    let end = now + 20_000
    while now < end, violation == nil {
      run(for: 5)
      guard let machine = hosts[to].instance else { return }
      if machine.isReceivingFile { return crash(to, down: down) }
    }
  }

  // MARK: Liars

  private mutating func lie(_ index: Int, _ misbehaviour: ChumMisbehaviour) {
    guard hosts[index].instance?.complete != nil else { return }
    var own = SeededRandom(seed: random.next())
    let identities = (0..<2).map { number in
      Identity.create(
        url: nil, personEmail: "liar\(attackers.count)-\(number)", instanceName: "liar-\(number)", random: &own,
        box: box)
    }
    if let person = ObjectHash(hex: identities[0].personId) { sync?.liars.insert(person) }
    checker.addLiar(identities[0].personId)
    handle(.command(.addPeer(identities[0].publicFile)), on: index)
    var plan = ProbePeer.Plan(
      role: .initiator, own: identities[0], other: identities[1], target: hosts[index].identity.instanceKey.publicKey,
      group: "chum")
    plan.usesInstanceKey = true
    // What the host holds and this contact was never granted.
    let secret = present(index, 0)?.subject
    var script: [ChumAct] = [.wait(1_500), .ask(2, [])]
    if case .object(let hash)? = secret {
      script += [.ask(4, [.string(hash.hex)]), .ask(6, [.string(hash.hex)])]
      for request in [1, 2] { sync?.secrets.append((attackers.count, request, "\(hash.short)")) }
    }
    script += [.wait(2_000), .close]
    plan.chum = ChumProbe.Plan(shelf: ProbeShelf(misbehaviour.subject), misbehaviour: misbehaviour, script: script)
    attackers.append(.probe(ProbePeer(plan, box: box)))
    open(.attacker(attackers.count - 1))
  }

  // MARK: Looking

  mutating func lookAfterStep() {
    guard var model = sync.take() else { return }
    var broken = leakedBy(model)
    for index in hosts.indices where broken == nil {
      if let complete = hosts[index].instance?.complete { broken = model.afterStep(index, complete) }
    }
    sync = model
    if let broken { fail(broken) }
  }

  /// What liars got that they may not have.
  private func leakedBy(_ model: SyncModel) -> Violation? {
    for secret in model.secrets {
      guard case .probe(let probe) = attackers[secret.attacker], let seen = probe.chum?.seen else { continue }
      if seen.data(secret.request) != nil {
        return Violation(rule: "CHUM-040", detail: "a contact got \(secret.name) without a grant")
      }
    }
    return nil
  }

  /// The network is fine and nobody acts any more: all is where it may be, once, and nothing moves.
  mutating func checkSyncAtRest() {
    lookAfterStep()
    guard violation == nil else { return }
    sync?.beginRest()
    run(for: 40_000)
    guard violation == nil, let model = sync else { return }
    var sessions = 0
    for index in hosts.indices {
      guard let complete = hosts[index].instance?.complete else { continue }
      for (key, id) in complete.core.running where complete.sessions[id] == nil {
        return checker.fail("PLG-001", "host \(index) is connected with \(key.hex.prefix(8)) and runs no CHUM")
      }
      sessions += complete.sessions.count
      if let broken = model.integrity(index, complete) { return fail(broken) }
    }
    if let broken = model.quiet(hosts: hosts.count, sessions: sessions) { return fail(broken) }
    for one in hosts.indices {
      for other in hosts.indices where other != one {
        guard let exporter = hosts[one].instance?.complete, let importer = hosts[other].instance?.complete else {
          continue
        }
        if let broken = model.convergence(from: exporter, to: importer, (one, other)) { return fail(broken) }
      }
    }
  }
}

extension ChumMisbehaviour {
  /// The kind of root that the misbehaviour is about.
  var subject: ProbeShelf.Subject {
    switch self {
    case .fileOtherBytes, .fileEmptyMessage, .fileEmpty: .blob
    case .contentForeignIdHash: .versioned
    case .nodeForeignData, .nodeBranches: .nodes
    case .childrenWithout, .childrenBait, .childAccess: .nested
    default: .unversioned
    }
  }
}
