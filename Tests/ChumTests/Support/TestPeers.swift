import Chum
import Cryptobox
public import Microdata
import Store
import Wire

/// A person with an instance and a store in memory, for tests between two machines.
struct TestPeer {
  let person: ObjectHash
  let name: String
  var host: ChumHost<MemoryStore>
  var rights: LeuteAccessRights
  var channels = Channels()
  let profile: Profile

  init(_ name: String, _ profile: Profile, rule: GrantAuthority.Rule = .only(GrantAuthority.standardName)) throws {
    self.name = name
    self.profile = profile
    var repository = Repository(
      store: MemoryStore(), codec: try MicrodataObjectCodec.standard(profile == .strict ? .strict : .deployed))
    let personText = IdHash.personMicrodata(email: "\(name)@example")
    person = try repository.storeIdContent(Array(personText.utf8), origin: .local).hash
    host = ChumHost(repository)
    rights = LeuteAccessRights(authority: GrantAuthority(rule: rule))
  }

  /// Knows the other person, as pairing would have made it.
  mutating func meet(_ other: TestPeer) throws {
    let text = IdHash.personMicrodata(email: "\(other.name)@example")
    try host.repository.storeIdContent(Array(text.utf8), origin: .local)
  }

  func configuration(with other: TestPeer) -> ChumConfiguration {
    ChumConfiguration(
      profile: profile, localPerson: person, remotePerson: other.person, localInstance: name,
      remoteInstance: other.name)
  }

  @discardableResult
  mutating func grant(
    _ subject: Subject, to person: ObjectHash, mode: GrantRequest.Mode = .add, now: Double = 0
  ) throws -> GrantRecord {
    try rights.grant(GrantRequest(subject, persons: [person], mode: mode), in: &host.repository, now: now)
  }

  mutating func request(
    _ request: GrantRequest, by component: String = GrantAuthority.standardName, now: Double = 0
  ) throws -> GrantRecord {
    try rights.grant(request, by: component, in: &host.repository, now: now)
  }

  @discardableResult
  mutating func append(_ data: OneObject, to channel: ObjectHash, timestamp: Double? = nil, now: Double) throws
    -> ObjectHash
  {
    try channels.append(data, to: channel, timestamp: timestamp, in: &host.repository, now: now).creation
  }

  mutating func revoke(_ subject: Subject) throws {
    _ = try rights.grant(GrantRequest(subject, mode: .replace), in: &host.repository, now: 1)
  }

  mutating func store(_ object: OneObject) throws -> ObjectHash { try host.repository.storeObject(object) }
  mutating func version(_ object: OneObject, now: Double) throws -> ObjectHash {
    try host.repository.storeVersion(object, now: now).idHash
  }

  func knows(_ hash: ObjectHash) -> Bool { host.repository.store.knows(hash) }
  func data(_ idHash: ObjectHash) -> ObjectHash? { host.repository.currentVersion(idHash) }

  /// Channel events of everything since the last look; updates reach the access manager.
  mutating func observe(now: Double = 0) throws -> [ChannelEvent] {
    let events = try channels.observe(host.repository.takeEvents(), in: host.repository)
    for case .updated(let update) in events {
      try rights.channelUpdated(update, in: &host.repository, now: now)
    }
    return events
  }

  mutating func file(_ bytes: [UInt8], _ kind: StoredKind = .blob) throws -> ObjectHash {
    try host.repository.store.put(bytes, kind: kind, type: "").0
  }
}

typealias TestLink = ChumLink<MemoryStore, MemoryStore>

/// Runs one session between two peers for some time and gives the stores back to them.
@discardableResult
func sync(
  _ a: inout TestPeer, _ b: inout TestPeer, for time: Int = 30_000,
  configure: (inout ChumConfiguration, inout ChumConfiguration) -> Void = { _, _ in },
  prepare: (inout TestLink) -> Void = { _ in }
) -> TestLink {
  var one = a.configuration(with: b)
  var other = b.configuration(with: a)
  configure(&one, &other)
  var link = TestLink(a: a.host, one, b: b.host, other)
  prepare(&link)
  link.start()
  link.run(until: time)
  link.cut()
  a.host = link.a
  b.host = link.b
  return link
}

/// Counts requests that fetch content, by sender.
final class Counter {
  var fetches = 0
  var rounds = 0
  func look(_ side: TestLink.Side, _ message: TestLink.Message) {
    guard case .text(let text) = message, case .request(_, let service, _)? = try? ChumMessage.decode(text) else {
      return
    }
    if (4...8).contains(service) { fetches += 1 }
    if service == 2 { rounds += 1 }
  }
}

func personName(_ text: String) -> OneObject { ["$type$": "PersonName", "name": .text(text)] }
func chat(_ text: String, from person: ObjectHash) -> OneObject {
  ["$type$": "ChatMessage", "text": .text(text), "sender": .reference(person)]
}
func person(_ email: String, name: String) -> OneObject {
  ["$type$": "Person", "email": .text(email), "name": .text(name)]
}

extension OneObject: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (OneText, OneValue)...) {
    self.init()
    for (name, value) in elements { set(name, value) }
  }
}
