import Chum
import Cryptobox
import Instance
import Microdata
public import Store
import Trace
import Wire
import WireBytes

/// What belongs to persons: the own profiles at the beginning, and what a pairing leaves behind (connection.md 5.4, 5.6).
extension SyncInstance {
  /// The fixed group names of chum.md 4.5.
  public static var everyone: String { "everyone" }
  public static var internetOfMe: String { "IoM" }

  /// The note that lists the endpoints of contacts, each with the own person that knows them. Only endpoints that a
  /// pairing certified come in here, so that nobody's object makes this instance dial or trust.
  static var peerNote: String { "peers" }

  // MARK: Own persons

  /// Stores profile, keys, endpoint and groups of the own persons, unless they are there, and sets up the rights.
  mutating func found(_ keychain: Keychain) throws(RepositoryFailure) {
    var own: [ObjectHash] = []
    for identity in keychain.identities {
      let stored = try storeProfile(identity.publicFile)
      own.append(stored.person)
      if let author = author(identity), stored.isNew {
        _ = try host.repository.affirm(stored.version, by: author)
      }
    }
    let group = try ensureGroup(Self.internetOfMe, with: own)
    let everyone = try ensureGroup(Self.everyone, with: [])
    let authority = GrantAuthority(
      rule: settings.syncFaults.contains(.anyComponentGrants) ? .anyone : .only(GrantAuthority.standardName))
    rights = LeuteAccessRights(
      authority: authority, ownGroup: group, everyoneGroup: everyone, profile: settings.topicTrust)
    rights.races = settings.syncFaults.contains(.grantRace)
    for person in own {
      guard let profile = try? profileId(person) else { continue }
      do throws(GrantFailure) { try rights.shareMainProfile(profile, in: &host.repository, now: wallTime) } catch {
        throw .unsuitable("\(error)")
      }
    }
    toldGrants = rights.records.count
  }

  /// The key that signs for a person; nil without its secret half.
  func author(_ identity: Identity) -> Author? {
    guard let person = ObjectHash(hex: identity.personId),
      let secret = identity.secretFile.secrets.flatMap({ Hex.decode($0.personSignKey) })
    else { return nil }
    return Author(person: person, secretKey: secret)
  }

  /// The first own person, in whose name the application speaks.
  public var mainPerson: ObjectHash? { core.keychain.identities.first.flatMap { ObjectHash(hex: $0.personId) } }

  func profileId(_ person: ObjectHash) throws(RepositoryFailure) -> ObjectHash {
    let profile = Self.profile(person, endpoints: [], descriptions: [])
    do throws(MicrodataError) {
      return ObjectHash.of(try host.repository.codec.write(profile, as: .idObject))
    } catch { throw .microdata(error) }
  }

  private static func profile(
    _ person: ObjectHash, endpoints: [ObjectHash], descriptions: [ObjectHash]
  ) -> OneObject {
    OneObject([
      "$type$": "Profile", "profileId": "default", "personId": .reference(person), "owner": .reference(person),
      "communicationEndpoint": .array(endpoints.map(OneValue.reference)),
      "personDescription": .array(descriptions.map(OneValue.reference)),
    ])
  }

  /// Makes of an identity what the real implementation makes of it: person, instance, keys, endpoint, and the profile
  /// `default` of which both sides write the same bytes ([rec: iop-chum, iom-groups]). A profile that is there keeps
  /// what it has and gets the endpoint added.
  private mutating func storeProfile(
    _ file: IdentityFile
  ) throws(RepositoryFailure) -> (person: ObjectHash, endpoint: ObjectHash, version: ObjectHash, isNew: Bool) {
    let person = try host.repository.storeIdContent(
      Array(IdHash.personMicrodata(email: file.personEmail).utf8), origin: .local, raises: false
    ).hash
    let instance = try host.repository.storeIdContent(
      Array(IdHash.instanceMicrodata(name: file.instanceName, owner: file.personId).utf8), origin: .local,
      raises: false
    ).hash
    func keys(_ owner: ObjectHash, _ publicKey: String, _ signKey: String) -> OneObject {
      OneObject([
        "$type$": "Keys", "owner": .reference(owner), "publicKey": .text(publicKey.lowercased()),
        "publicSignKey": .text(signKey.lowercased()),
      ])
    }
    let personKeys = try host.repository.storeObject(keys(person, file.personKeyPublic, file.personSignKeyPublic))
    let instanceKeys = try host.repository.storeObject(
      keys(instance, file.instanceKeyPublic, file.instanceSignKeyPublic))
    var object = OneObject([
      "$type$": "OneInstanceEndpoint", "personId": .reference(person), "instanceId": .reference(instance),
      "personKeys": .reference(personKeys), "instanceKeys": .reference(instanceKeys),
    ])
    if let url = file.url { object.set("url", .text(url)) }
    let endpoint = try host.repository.storeObject(object)
    let signKey = try host.repository.storeObject(
      OneObject(["$type$": "SignKey", "key": .text(file.personSignKeyPublic.lowercased())]))
    var endpoints = [endpoint]
    var descriptions = [signKey]
    if let version = host.repository.currentVersion(try profileId(person)) {
      let old = try host.repository.object(version)
      let known = old.hashes("communicationEndpoint")
      if known.contains(endpoint) { return (person, endpoint, version, false) }
      endpoints = known + endpoints
      descriptions = old.hashes("personDescription")
      if !descriptions.contains(signKey) { descriptions.append(signKey) }
    }
    let profile = Self.profile(person, endpoints: endpoints, descriptions: descriptions)
    let (_, version, status) = try host.repository.storeVersion(profile, now: wallTime)
    return (person, endpoint, version, status == .new)
  }

  /// A group with at least these members; gives its ID hash.
  @discardableResult
  mutating func ensureGroup(_ name: String, with persons: [ObjectHash]) throws(RepositoryFailure) -> ObjectHash {
    var group = OneObject(["$type$": "Group", "name": .text(name), "person": .array([])])
    let idHash: ObjectHash
    do throws(MicrodataError) {
      idHash = ObjectHash.of(try host.repository.codec.write(group, as: .idObject))
    } catch { throw .microdata(error) }
    let old = host.repository.members(of: idHash)
    let missing = persons.filter { !old.contains($0) }
    if missing.isEmpty, host.repository.currentVersion(idHash) != nil { return idHash }
    let members = old + missing
    group.set("person", .array(members.map(OneValue.reference)))
    try host.repository.storeVersion(group, now: wallTime)
    log(.groupChanged(group: idHash.hex, persons: members.map(\.hex), cause: "local"))
    return idHash
  }

  // MARK: Contacts

  /// A peer was stored by the connections: its objects follow, certified by the own person, and it gets what contacts get.
  mutating func addContact(_ record: PeerRecord) throws(GrantFailure) {
    let isNew: Bool
    guard let person = ObjectHash(hex: record.person) else { return }
    do throws(RepositoryFailure) {
      let stored = try storeProfile(record.file)
      if stored.isNew, let own = core.keychain.identity(person: record.localPerson), let author = author(own) {
        _ = try host.repository.affirm(stored.version, by: author)
      }
      try ensureGroup(Self.everyone, with: [person])
      try remember(stored.endpoint, of: record.localPerson)
      isNew = contacts.insert(person).inserted
    } catch { throw .repository(error) }
    if isNew { tell(.contact(person: person, email: record.personEmail)) }
    try welcome(person, of: record.localPerson)
    if proposals.remove(person) != nil { try proposeIoM(with: person, settings.iomMode) }
  }

  /// The grants that every contact gets.
  private mutating func welcome(_ person: ObjectHash, of local: String) throws(GrantFailure) {
    guard let own = ObjectHash(hex: local), own != person else { return }
    if settings.sharesProfile {
      let profile: ObjectHash
      do throws(RepositoryFailure) { profile = try profileId(own) } catch { throw .repository(error) }
      try grantOnce(.id(profile), to: person)
    }
    if settings.opensTopics { _ = try openTopic(own, person) }
    for subject in offers { try grantOnce(subject, to: person) }
  }

  /// Grants unless it is granted: asking again for what is there would be reported as somebody's second grant.
  mutating func grantOnce(_ subject: Subject, to person: ObjectHash) throws(GrantFailure) {
    if host.repository.currentGrant(subject)?.persons.contains(person) == true { return }
    _ = try rights.grant(GrantRequest(subject, persons: [person]), in: &host.repository, now: wallTime)
  }

  private mutating func remember(_ endpoint: ObjectHash, of local: String) throws(RepositoryFailure) {
    let line = "\(local) \(endpoint.hex)\n"
    var lines = host.repository.store.note(Self.peerNote).map { String(decoding: $0, as: UTF8.self) } ?? ""
    guard !lines.contains(line) else { return }
    lines += line
    do throws(StoreFailure) {
      try host.repository.store.setNote(Array(lines.utf8), named: Self.peerNote)
      // A pairing that was told is not to be forgotten.
      try host.repository.store.commit()
    } catch { throw .store(error) }
  }

  /// The peers of earlier runs, read back from their objects.
  mutating func peers(_ keychain: Keychain) throws(RepositoryFailure) -> PeerBook {
    var book = PeerBook()
    let note = host.repository.store.note(Self.peerNote) ?? []
    for line in String(decoding: note, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: " ")
      guard parts.count == 2, let local = keychain.identity(person: String(parts[0])),
        let endpoint = ObjectHash(hex: parts[1])
      else { continue }
      let file = try identityFile(endpoint)
      guard let record = PeerRecord(file, local: local, origin: .file, since: 0) else { continue }
      book.store(record)
      if let person = ObjectHash(hex: record.person) { contacts.insert(person) }
    }
    return book
  }

  /// The public identity that an endpoint and its keys describe.
  private func identityFile(_ endpoint: ObjectHash) throws(RepositoryFailure) -> IdentityFile {
    let repository = host.repository
    let object = try repository.object(endpoint)
    guard let person = object.hash("personId"), let instance = object.hash("instanceId"),
      let personKeys = object.hash("personKeys"), let instanceKeys = object.hash("instanceKeys")
    else { throw .unsuitable("\(endpoint) is no endpoint") }
    let own = try repository.object(personKeys)
    let device = try repository.object(instanceKeys)
    guard let email = try repository.idObject(person).text("email"),
      let name = try repository.idObject(instance).text("name"), let key = own.text("publicKey"),
      let signKey = own.text("publicSignKey"), let deviceKey = device.text("publicKey"),
      let deviceSignKey = device.text("publicSignKey")
    else { throw .unsuitable("\(endpoint) has no keys") }
    return IdentityFile(
      personEmail: email, instanceName: name, personKeyPublic: key, personSignKeyPublic: signKey,
      instanceKeyPublic: deviceKey, instanceSignKeyPublic: deviceSignKey, url: object.text("url"), secrets: nil)
  }
}

extension PeerRecord {
  /// The public identity that the record was made of.
  var file: IdentityFile {
    IdentityFile(
      personEmail: personEmail, instanceName: instanceName, personKeyPublic: personKey.hex,
      personSignKeyPublic: personSignKey, instanceKeyPublic: instanceKey.hex, instanceSignKeyPublic: instanceSignKey,
      url: url, secrets: nil)
  }
}
