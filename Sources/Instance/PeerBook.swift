public import Cryptobox
public import Wire

/// Somebody whose instance may connect: what a pairing or an exchanged identity file leaves behind.
///
/// The object layer makes of it a profile with the person's keys and endpoint, certified by the local person
/// (connection.md 5.4); here it is a record, and chum.md's store turns it into objects.
public struct PeerRecord: Sendable, Equatable {
  public enum Origin: Sendable, Equatable {
    case pairing(initiatedLocally: Bool)
    /// Exchanged identity files (connection.md 6.3).
    case file
  }

  /// The own person and instance that know the peer.
  public let localPerson: String
  public let localInstanceKey: PublicKey
  public let person: String
  public let personEmail: String
  public let personKey: PublicKey
  /// Ed25519 as hex; nobody proved its secret half (connection.md 4.3).
  public let personSignKey: String
  public let instance: String
  public let instanceName: String
  public let instanceKey: PublicKey
  public let instanceSignKey: String
  /// Without it there is no way to dial (PA-021).
  public let url: String?
  public let origin: Origin
  /// When it was stored, in the machine's own time.
  public let since: Double

  /// Nil when a key of the identity has not 32 bytes: such an endpoint can never connect.
  public init?(_ file: IdentityFile, local: Identity, origin: Origin, since: Double) {
    guard let personKey = PublicKey(hex: file.personKeyPublic), let instanceKey = PublicKey(hex: file.instanceKeyPublic)
    else { return nil }
    localPerson = local.personId
    localInstanceKey = local.instanceKey.publicKey
    person = file.personId
    personEmail = file.personEmail
    self.personKey = personKey
    personSignKey = file.personSignKeyPublic
    instance = file.instanceId
    instanceName = file.instanceName
    self.instanceKey = instanceKey
    instanceSignKey = file.instanceSignKeyPublic
    url = file.url
    self.origin = origin
    self.since = since
  }
}

/// Everybody this instance knows, by the keys with which they connect.
public struct PeerBook: Sendable {
  public struct Pair: Hashable, Sendable {
    public let own: PublicKey
    public let peer: PublicKey
  }

  private var byKeys: [Pair: PeerRecord] = [:]
  private var keysOfPerson: [String: Set<PublicKey>] = [:]
  private var instanceKeys: Set<PublicKey> = []

  public init() {}

  public var records: [PeerRecord] { byKeys.values.sorted { ($0.since, $0.instance) < ($1.since, $1.instance) } }
  public var count: Int { byKeys.count }

  public mutating func store(_ record: PeerRecord) {
    byKeys[Pair(own: record.localInstanceKey, peer: record.instanceKey)] = record
    keysOfPerson[record.person, default: []].insert(record.personKey)
    instanceKeys.insert(record.instanceKey)
  }

  /// The peer behind a pair of instance keys; nil for strangers, and for everybody who uses a person key.
  public func record(own: PublicKey, peer: PublicKey) -> PeerRecord? { byKeys[Pair(own: own, peer: peer)] }

  /// The person keys under which a person is known; empty for strangers.
  public func personKeys(_ person: String) -> Set<PublicKey> { keysOfPerson[person] ?? [] }

  /// True for a key that some known peer proves itself with (LS-005).
  public func isKeyOfPeer(_ key: PublicKey) -> Bool {
    instanceKeys.contains(key) || keysOfPerson.values.contains { $0.contains(key) }
  }

  /// True when the person has an instance with this key.
  public func person(_ person: String, hasInstanceKey key: PublicKey) -> Bool {
    byKeys.values.contains { $0.person == person && $0.instanceKey == key }
  }
}
