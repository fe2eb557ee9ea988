import Chum
import Cryptobox
import Instance
import InstanceCases
import Microdata
import Store
import SyncInstance
import Wire

/// What sync worlds are judged by: who was granted what, who sent what, what came, and whether all comes to rest.
struct SyncModel: Sendable {
  /// Something that a host wrote.
  struct Item: Sendable, Equatable {
    let subject: Subject
    /// All hosts write it.
    let isShared: Bool
  }

  private struct Watched: Sendable {
    var objects = 0
    var ids = 0
    var lists = 0
    /// The last list that was found right, and when.
    var rightList = ""
    var rightAt = -1.0
  }

  private struct Key: Hashable, Sendable {
    let host: Int
    let incarnation: Int
    let id: SocketID
  }

  private let isStrict: Bool
  private(set) var items: [Int: [Int: Item]] = [:]
  /// Persons that the grants of a host name, by what the steps did.
  private(set) var granted: [Int: [Subject: Set<ObjectHash>]] = [:]
  /// One-to-one channels that a host made, with both persons.
  private var topics: [Int: [ObjectHash: [ObjectHash]]] = [:]
  private var watched: [Key: Watched] = [:]
  private var incarnations: [Int: Int] = [:]
  /// What came by CHUM, and was not looked at for its references yet.
  private var arrived: [Int: [Reference]] = [:]
  /// BLOBs that are still to be written, by host.
  private(set) var gaps: [Int: [[UInt8]]] = [:]
  var liars: Set<ObjectHash> = []
  /// Requests of liars for what they may not have: attacker, request and what it is.
  var secrets: [(attacker: Int, request: Int, name: String)] = []
  /// Objects fetched since the last call of ``beginRest()``, and rounds.
  private var restFetched: [(host: Int, count: Int)] = []
  private var restRounds: [Int: Int] = [:]
  private var isResting = false
  private(set) var received = 0
  private(set) var sent = 0
  /// Numbers for contents that are never the same.
  private var counter = 0

  init(_ scenario: WorldScenario) { isStrict = scenario.profile == .strict }

  private static let strictCodec = try? MicrodataObjectCodec.standard(.strict)
  private static let deployedCodec = try? MicrodataObjectCodec.standard(.deployed)
  static func codec(_ profile: Profile) -> (any ObjectCodec)? { profile == .strict ? strictCodec : deployedCodec }

  mutating func next() -> Int {
    counter += 1
    return counter
  }

  // MARK: What the steps do

  mutating func wrote(_ item: Item, _ number: Int, on host: Int) { items[host, default: [:]][number] = item }
  mutating func grants(_ subject: Subject, to person: ObjectHash, on host: Int) {
    granted[host, default: [:]][subject, default: []].insert(person)
  }
  mutating func revokes(_ subject: Subject, from person: ObjectHash, on host: Int) {
    granted[host]?[subject]?.remove(person)
  }
  mutating func makesTopic(_ channel: ObjectHash, _ persons: [ObjectHash], on host: Int) {
    topics[host, default: [:]][channel] = persons
  }
  mutating func leavesGap(_ bytes: [UInt8], on host: Int) { gaps[host, default: []].append(bytes) }
  mutating func takeGaps(_ host: Int) -> [[UInt8]] { gaps.removeValue(forKey: host) ?? [] }
  mutating func restarted(_ host: Int) { incarnations[host, default: 0] += 1 }

  // MARK: What hosts tell

  /// Refusals between honest hosts that a revocation, a missing file or a closing connection explain.
  private static let honestCauses: Set<String> = [
    "CES-GO1", "CES-GOC1", "CES-GIDO1", "CES-GIDOC1", "CES-GBL1", "SB-READ2", "UNKNOWN-SERVICE",
  ]

  mutating func heard(_ report: SyncReport, on host: Int, _ machine: SyncInstance<MemoryStore>?) -> Violation? {
    switch report {
    case .received(let id, let reference, _):
      received += 1
      if isResting { restFetched.append((host, 1)) }
      guard let machine, machine.sessions[id].map({ !liars.contains($0.person) }) ?? true || isStrict else {
        return nil
      }
      arrived[host, default: []].append(reference)
      return nil
    case .roundEnded(_, _, _, _): restRounds[host, default: 0] += 1
    case .rejected(let id, let hash, let error):
      guard isStrict, let person = machine?.sessions[id]?.person, !liars.contains(person) else { return nil }
      let isExplained = error.code == "WSP-ONCL0" || error.cause?.code.map(Self.honestCauses.contains) == true
      // A file that stops with an error of the reader's disk is told as a stream error.
      if !isExplained, error.code != "WSRQ-SEH1" {
        return Violation(rule: "CHUM-026", detail: "host \(host) refuses \(hash.prefix(8)) of an honest host: \(error)")
      }
    case .granted(let record):
      guard isStrict, record.component != GrantAuthority.standardName else { return nil }
      return Violation(rule: "ACC-003", detail: "host \(host): \(record.component) grants \(record.subject)")
    case .ended(_, let person, _, let failure):
      guard isStrict, let failure, !liars.contains(person) else { return nil }
      let codes = ["WSP-ONCL0", "CHUM-TIMEOUT"]
      if !codes.contains(failure.code ?? "") {
        return Violation(rule: "CHUM-066", detail: "host \(host): a session of honest hosts ends with \(failure)")
      }
    default: break
    }
    return nil
  }

  // MARK: After every event

  /// What a host has sent in its sessions since the last look: nothing without a grant (CHUM-040), no list beside the
  /// grants (CHUM-012, CHUM-013).
  mutating func look(_ host: Int, _ machine: SyncInstance<MemoryStore>, at now: Double) -> Violation? {
    guard isStrict else { return nil }
    let repository = machine.host.repository
    for (id, session) in machine.sessions {
      let key = Key(host: host, incarnation: incarnations[host, default: 0], id: id)
      var seen = watched[key] ?? Watched()
      let record = session.chum.record
      let objects = record.sentObjects.dropFirst(seen.objects)
      let ids = record.sentIdObjects.dropFirst(seen.ids)
      guard !objects.isEmpty || !ids.isEmpty || session.chum.listCount != seen.lists else { continue }
      seen.objects = record.sentObjects.count
      seen.ids = record.sentIdObjects.count
      sent += objects.count + ids.count
      for hash in Array(objects) + Array(ids) {
        let why = AccessExplanation(of: hash, for: session.person, in: repository, policy: .evaluated)
        if why.ways.isEmpty {
          return Violation(rule: "CHUM-040", detail: "host \(host) sent \(hash.short) to somebody who may not have it")
        }
      }
      if session.chum.listCount != seen.lists {
        seen.lists = session.chum.listCount
        // A list that was right is right as long as nothing is stored or granted.
        let text = session.chum.lastList ?? ""
        if text != seen.rightList || machine.lastLocalChange >= seen.rightAt {
          if let broken = list(session, host, repository) { return broken }
          seen.rightList = text
          seen.rightAt = now
        }
      }
      watched[key] = seen
    }
    return nil
  }

  private func list(_ session: SyncSession, _ host: Int, _ repository: Repository<MemoryStore>) -> Violation? {
    guard let text = session.chum.lastList,
      let due = try? RootList(for: session.person, in: repository, policy: .evaluated, profile: .strict),
      due.text != text, let entries = try? RootEntry.decodeList(text)
    else { return nil }
    let listed = Set(entries.map { "\($0.kindName) \($0.key)" })
    let granted = Set(due.roots.map { "\($0.entry.kindName) \($0.entry.key)" })
    if let extra = listed.subtracting(granted).min() {
      return Violation(rule: "CHUM-012", detail: "host \(host) announces \(extra.prefix(24)) without a grant")
    }
    if let missing = granted.subtracting(listed).min() {
      return Violation(rule: "CHUM-013", detail: "host \(host) does not announce \(missing.prefix(24))")
    }
    return nil
  }

  // MARK: After every step

  mutating func afterStep(_ host: Int, _ machine: SyncInstance<MemoryStore>) -> Violation? {
    let repository = machine.host.repository
    for (subject, persons) in granted[host] ?? [:] {
      let now = Set(repository.currentGrant(subject)?.persons ?? [])
      if let lost = persons.subtracting(now).min() {
        return Violation(rule: "ACC-005", detail: "host \(host) lost the grant of \(subject) to \(lost.short)")
      }
    }
    for (channel, persons) in topics[host] ?? [:] {
      let now = repository.currentGrant(.id(channel))?.persons ?? []
      if persons.contains(where: { !now.contains($0) }) {
        return Violation(rule: "CHN-006", detail: "host \(host): a one-to-one topic is made and not granted to both")
      }
    }
    return arrivals(host, repository)
  }

  /// What came is what its name says, of its kind, whole, and none of the lies (CHUM-024, 028, 030).
  private mutating func arrivals(_ host: Int, _ repository: Repository<MemoryStore>) -> Violation? {
    defer { arrived[host] = nil }
    for reference in arrived[host] ?? [] {
      let entry = repository.store.entry(reference.hash)
      guard let entry, let content = try? repository.store.read(reference.hash, from: 0, count: max(1, entry.size))
      else {
        return Violation(rule: "CHUM-047", detail: "host \(host): \(reference.hash.short) came and is not stored")
      }
      if ObjectHash.of(content) != reference.hash {
        return Violation(rule: "CHUM-028", detail: "host \(host): \(reference.hash.short) holds other bytes")
      }
      guard isStrict else { continue }
      if Self.lies.contains(reference.hash) {
        return Violation(rule: "CHUM-028", detail: "host \(host) stored a lie")
      }
      if ["Access", "IdAccess", "Group"].contains(entry.type), reference.kind == .object {
        return Violation(rule: "ACC-019", detail: "host \(host) took a \(entry.type) from somebody")
      }
      guard reference.kind == .object || reference.kind == .id else { continue }
      for child in References.scan(content) where !repository.store.knows(child.hash) {
        return Violation(
          rule: "CHUM-024", detail: "host \(host): \(entry.type) refers to \(child.hash.short), which is not there")
      }
    }
    return nil
  }

  /// Hashes of what liars send in place of what was asked for.
  private static let lies: Set<ObjectHash> = Set(
    [ProbeLies.object, ProbeLies.idObject, ProbeLies.file].map { ObjectHash.of(Array($0.utf8)) })

  // MARK: At rest

  mutating func beginRest() {
    isResting = true
    restFetched = []
    restRounds = [:]
  }

  /// Nothing was fetched in whole rounds of rest (CHUM-059, CHUM-060).
  func quiet(hosts: Int, sessions: Int) -> Violation? {
    if let loud = restFetched.first {
      return Violation(
        rule: "CHUM-060", detail: "host \(loud.host) still fetches when all is at rest (\(restFetched.count) objects)")
    }
    if sessions > 0, restRounds.values.reduce(0, +) < sessions {
      return Violation(
        rule: "CHUM-056", detail: "\(restRounds.values.reduce(0, +)) rounds in \(sessions) sessions at rest")
    }
    return nil
  }

  /// Whoever may have something has it, and where both grant each other the same, both have the same data.
  func convergence(
    from exporter: SyncInstance<MemoryStore>, to importer: SyncInstance<MemoryStore>, _ names: (Int, Int)
  ) -> Violation? {
    guard let person = importer.mainPerson, let giver = exporter.mainPerson else { return nil }
    let findings = StoreAudit.convergence(
      from: exporter.host.repository, to: importer.host.repository, person: person, policy: .evaluated, profile: .strict
    )
    var mutual: Set<String> = []
    for effective in importer.host.repository.grants(for: giver, policy: .evaluated) {
      if case .id(let idHash) = effective.grant.subject { mutual.insert(idHash.short) }
    }
    for finding in findings {
      // Who gets something one way may have gone on with it by himself.
      if finding.rule == "CHUM-063", !mutual.contains(where: finding.text.hasPrefix) { continue }
      return Violation(rule: finding.rule, detail: "from host \(names.0) to host \(names.1): \(finding.text)")
    }
    return nil
  }

  func integrity(_ host: Int, _ machine: SyncInstance<MemoryStore>) -> Violation? {
    guard let finding = StoreAudit.integrity(of: machine.host.repository.store).first else { return nil }
    return Violation(rule: finding.rule, detail: "host \(host): \(finding.text)")
  }
}
